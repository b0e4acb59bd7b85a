// CSV: a table that was read and written by RFC 4180 is read again to the same.

#include <string>
#include <string_view>
#include <vector>

#include <wsbench/csv.hpp>

#include "support/fuzzing.hpp"

using support::accepted;
using support::demand;
using wsbench::Csv;

namespace {

std::string record(const std::vector<std::string_view>& fields) {
  std::string line;
  for (const std::string_view field : fields) {
    line += line.empty() ? "\"" : ",\"";
    for (const char letter : field) line.append(letter == '"' ? 2 : 1, letter);
    line += '"';
  }
  return line + "\r\n";
}

std::vector<std::string_view> fields_of(const Csv& csv, const Csv::Row& row) {
  std::vector<std::string_view> fields;
  for (const std::string_view column : csv.columns()) fields.push_back(row[column]);
  return fields;
}

void read_again(const Csv& csv) {
  std::string text = record(csv.columns());
  for (std::size_t number = 0; number < csv.size(); ++number) text += record(fields_of(csv, csv.row_for(number)));
  const Csv again = Csv::from_text(text, "again.csv");
  demand(again.columns() == csv.columns() && again.size() == csv.size(), "a table that was written and read has the same form");
  for (std::size_t number = 0; number < csv.size(); ++number) {
    demand(fields_of(again, again.row_for(number)) == fields_of(csv, csv.row_for(number)), "it has the same fields");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  accepted([&] {
    const Csv csv = Csv::from_text(std::string(support::text_of(data, size)), "users.csv");
    demand(accepted([&] { read_again(csv); }), "a table that was written can be read");
    std::string absent = "no such column";
    for (const std::string_view column : csv.columns()) absent += column;
    csv.next()[absent];
  });
  return 0;
}
