#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <wsbench/csv.hpp>

#include "catch.hpp"
#include "support/scratch_file.hpp"

using namespace std::string_view_literals;
using wsbench::Csv;
using wsbench::Error;

namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Reading {
  std::string_view text{};
  Rows rows{};  ///< the header first
};

struct Refusal {
  std::string_view text{};
  std::string line{};
};

Rows rows_of(const Csv& csv) {
  Rows rows{{csv.columns().begin(), csv.columns().end()}};
  for (std::size_t number = 0; number < csv.size(); ++number) {
    std::vector<std::string> fields;
    for (const std::string_view column : csv.columns()) fields.emplace_back(csv.row_for(number)[column]);
    rows.push_back(fields);
  }
  return rows;
}

std::string refusal_of(std::string_view text) {
  try {
    Csv::from_text(std::string(text), "users.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

Csv numbered(std::size_t count) {
  std::string text = "number\n";
  for (std::size_t number = 0; number < count; ++number) text += std::to_string(number) + '\n';
  return Csv::from_text(text, "numbers.csv");
}

std::string quoted(const std::string& field) {
  std::string text = "\"";
  for (const char letter : field) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return text + '"';
}

}  // namespace

TEST_CASE("what RFC 4180 allows is read", "[csv]") {
  const std::vector<Reading> readings{
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2\n3,4", {{"a", "b"}, {"1", "2"}, {"3", "4"}}},
      {"a\nx", {{"a"}, {"x"}}},
      {"a\n\"\"\n", {{"a"}, {""}}},
      {"a\n\"\"", {{"a"}, {""}}},
      {"a,b\n,\n", {{"a", "b"}, {"", ""}}},
      {"a,b\n,", {{"a", "b"}, {"", ""}}},
      {"a,b\n1,\n,2", {{"a", "b"}, {"1", ""}, {"", "2"}}},
      {"\"a\",\"b\"\n\"1\",\"2\"", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n\"x,y\",\"z\"\n", {{"a", "b"}, {"x,y", "z"}}},
      {"a,b\n\"x\ny\r\nz\",\"\n\"\n1,2", {{"a", "b"}, {"x\ny\r\nz", "\n"}, {"1", "2"}}},
      {"a\n\"x\ry\"", {{"a"}, {"x\ry"}}},
      {"a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n\"\"\"\"\"\",\"\"\"x\"", {{"a", "b"}, {"say \"hi\"", "\""}, {"\"\"", "\"x"}}},
      {"\"a \"\"b\"\"\"\nx", {{"a \"b\""}, {"x"}}},
      {" a , b \n 1 , 2 \n", {{" a ", " b "}, {" 1 ", " 2 "}}},
      {"a;b\t,c\n'1,2\n", {{"a;b\t", "c"}, {"'1", "2"}}},
      {"\xef\xbb\xbf"
       "a,b\n1,2\n",
       {{"a", "b"}, {"1", "2"}}},
      {"\xef\xbb\xbf\"a\"\n\xef\xbb\xbf", {{"a"}, {"\xef\xbb\xbf"}}},
      {"gr\xc3\xb6\xc3\x9f"
       "e\n\xf0\x9f\x98\x80\n",
       {{"gr\xc3\xb6\xc3\x9f"
         "e"},
        {"\xf0\x9f\x98\x80"}}},
      {"a\nx\0y\n"sv, {{"a"}, {std::string("x\0y", 3)}}},
      {"a,A\n1,2", {{"a", "A"}, {"1", "2"}}},
  };
  for (const auto& [text, rows] : readings) {
    INFO(text);
    CHECK(rows_of(Csv::from_text(std::string(text), "users.csv")) == rows);
  }
}

TEST_CASE("anything else is refused by file and line", "[csv]") {
  const std::string count = " where the header has 2: write one for each column, in quotes where it has a comma in it";
  const std::string inside = ": a quote inside a field: write the field in quotes, and twice each quote in it";
  const std::string after = ": text after a closing quote: write twice each quote inside the field";
  const std::vector<Refusal> refusals{
      {"", "users.csv: is empty: its first line names the columns"},
      {"\xef\xbb\xbf", "users.csv: is empty: its first line names the columns"},
      {"a,b", "users.csv: has no rows: its first line names the columns, the rows come after it"},
      {"a,b\r\n", "users.csv: has no rows: its first line names the columns, the rows come after it"},
      {"a,b\n1,2\n3\n4,5\n", "users.csv:3: 1 field" + count},
      {"a,b\n1,2,3\n", "users.csv:2: 3 fields" + count},
      {"a,b\r\n1,2\r\n1,2,", "users.csv:3: 3 fields" + count},
      {"a,b\n\"1\n\n\",2\n3\n", "users.csv:5: 1 field" + count},
      {"a,\"b\n\"\n1\n", "users.csv:3: 1 field" + count},
      {"a,b\n1,2\n\"3\n4\"", "users.csv:3: 1 field" + count},
      {"a,b\n1,2\n\n", "users.csv:3: an empty line: take it out"},
      {"a\nx\r\n\r\ny", "users.csv:3: an empty line: take it out"},
      {"\na\n", "users.csv:1: an empty line: take it out"},
      {"a,b\n1,\"2\n3,4\n5,6", "users.csv:2: a quote that is never closed"},
      {"a,b\n1,\"", "users.csv:2: a quote that is never closed"},
      {"a\n\"x\n\"\"", "users.csv:2: a quote that is never closed"},
      {"a,b\n1,2\n1,x\"y\"\n", "users.csv:3" + inside},
      {"a,b\n1, \"2\"\n", "users.csv:2" + inside},
      {"a\nx\"", "users.csv:2" + inside},
      {"a,b\n\"1\"x,2\n", "users.csv:2" + after},
      {"a,b\n\"1\n\n\" ,2\n", "users.csv:4" + after},
      {"a,b\r1,2\r", "users.csv:1: a carriage return that ends no line: end lines with LF or CRLF"},
      {"a,b\n1,2\r", "users.csv:2: a carriage return that ends no line: end lines with LF or CRLF"},
      {"a,b\n1,\"2\"\rx", "users.csv:2: a carriage return that ends no line: end lines with LF or CRLF"},
      {"a,,c\n1,2,3\n", "users.csv:1: column 2 has no name"},
      {"a,b,\n1,2,3\n", "users.csv:1: column 3 has no name"},
      {"a,b,a\n1,2,3\n", "users.csv:1: two columns with the name \"a\""},
      {"a,\"a\"\n1,2\n", "users.csv:1: two columns with the name \"a\""},
  };
  for (const auto& [text, line] : refusals) {
    INFO(text);
    CHECK(refusal_of(text) == line);
  }
}

TEST_CASE("an error's member is the file and the line", "[csv]") {
  try {
    Csv::from_text("a,b\n1\n", "data/users.csv");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.member() == "data/users.csv:2");
  }
}

TEST_CASE("files are read", "[csv]") {
  const support::ScratchFile file{"\xef\xbb\xbfname,password\r\nada,\"se\"\"cret\"\r\n"};
  CHECK(rows_of(Csv::from_file(file.name())) == Rows{{"name", "password"}, {"ada", "se\"cret"}});

  std::string long_text = "a,b\n";
  while (long_text.size() < 300'000) long_text += "0123456789,\"x\"\"y\"\n";
  const support::ScratchFile long_file{long_text};
  const Csv csv = Csv::from_file(long_file.name());
  CHECK(csv.size() == static_cast<std::size_t>(std::count(long_text.begin(), long_text.end(), '\n')) - 1);
  CHECK(csv.row_for(csv.size() - 1)["b"] == "x\"y");

  const support::ScratchFile empty{""};
  CHECK_THROWS_WITH(Csv::from_file(empty.name()), empty.name() + ": is empty: its first line names the columns");
  CHECK_THROWS_WITH(Csv::from_file("no/such.csv"), "no/such.csv: cannot be read: No such file or directory");
  CHECK_THROWS_WITH(Csv::from_file("/tmp"), "/tmp: cannot be read: Is a directory");
}

TEST_CASE("what is written by the rules is read back", "[csv]") {
  std::mt19937 random{4180};
  for (int round = 0; round < 500; ++round) {
    const std::size_t width = 1 + random() % 4;
    Rows rows(1);
    for (std::size_t column = 0; column < width; ++column) rows[0].push_back("c" + std::to_string(column));
    for (std::size_t row = 0; row <= random() % 5; ++row) {
      rows.emplace_back();
      for (std::size_t column = 0; column < width; ++column) {
        std::string field;
        while (random() % 4 != 0) field += "\",\r\nab \xc3"[random() % 8];
        rows.back().push_back(field);
      }
    }
    std::string text;
    for (const auto& row : rows) {
      if (!text.empty()) text += random() % 2 == 0 ? "\n" : "\r\n";
      for (std::size_t column = 0; column < width; ++column) {
        const bool bare = row[column].find_first_of("\",\r\n") == std::string::npos && !(width == 1 && row[column].empty());
        text += (column == 0 ? "" : ",") + (bare && random() % 2 == 0 ? row[column] : quoted(row[column]));
      }
    }
    INFO(text);
    CHECK(rows_of(Csv::from_text(text, "random.csv")) == rows);
  }
}

TEST_CASE("any bytes are read or refused", "[csv]") {
  std::mt19937 random{17};
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "a\n";
    while (random() % 8 != 0) text += "\"\"\"\r\n\n,ab"[random() % 9];
    text.shrink_to_fit();
    read += refusal_of(text).empty() ? 1 : 0;
  }
  CHECK(read > 100);
}

TEST_CASE("a row is read by column", "[csv]") {
  const Csv csv = Csv::from_text("name,password\nada,secret\nbob,hidden\n", "users.csv");
  CHECK(csv.size() == 2);
  CHECK(csv.columns() == std::vector<std::string_view>{"name", "password"});
  const Csv::Row bob = csv.row_for(1);
  CHECK(bob.number() == 1);
  CHECK(bob["name"] == "bob");
  CHECK(bob[std::string("password")] == "hidden");
  CHECK_THROWS_WITH(bob["Name"], "users.csv: has no column \"Name\": it has name, password");
  CHECK_THROWS_WITH(bob[""], "users.csv: has no column \"\": it has name, password");
  const Csv two_lines = Csv::from_text("\"first\nname\"\nada\n", "users.csv");
  CHECK_THROWS_WITH(two_lines.next()["name"], "users.csv: has no column \"name\": it has first?name");
}

TEST_CASE("each session has a row of its own, or they are shared on purpose", "[csv]") {
  const Csv csv = numbered(3);
  CHECK(csv.row_for(0)["number"] == "0");
  CHECK(csv.row_for(2)["number"] == "2");
  CHECK_THROWS_WITH(csv.row_for(3), "numbers.csv: has no row for session 3 (from 0), but 3: add rows, or allow Csv::Reuse::yes");
  CHECK_THROWS_AS(csv.row_for(~std::uint64_t{0}), Error);
  CHECK(csv.row_for(2, Csv::Reuse::yes)["number"] == "2");
  CHECK(csv.row_for(3, Csv::Reuse::yes)["number"] == "0");
  CHECK(csv.row_for(3'000'000'001, Csv::Reuse::yes)["number"] == "1");
}

TEST_CASE("rows in order begin again after the last, and copies share the place", "[csv]") {
  const Csv csv = numbered(3);
  const Csv copy = csv;
  std::string order;
  for (int n = 0; n < 4; ++n) {
    order += csv.next()["number"];
    order += copy.next()["number"];
  }
  CHECK(order == "01201201");
}

TEST_CASE("threads that take rows in order take each as often", "[csv]") {
  constexpr std::size_t rows = 100;
  constexpr std::size_t rounds = 40;
  const Csv csv = numbered(rows);
  std::vector<std::atomic<std::size_t>> taken(rows);
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([csv, &taken] {
      for (std::size_t turn = 0; turn < rows * rounds / 4; ++turn) ++taken[csv.next().number()];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& times : taken) CHECK(times == rounds);
}

TEST_CASE("rows at random are all of them, as likely, and the same for the same seed", "[csv]") {
  const Csv csv = numbered(10);
  std::mt19937_64 random{1};
  std::minstd_rand narrow{1};
  std::vector<int> counts(10);
  std::vector<int> narrow_counts(10);
  for (int n = 0; n < 10'000; ++n) {
    ++counts[csv.any(random).number()];
    ++narrow_counts[csv.any(narrow).number()];
  }
  for (const int count : counts) CHECK(std::abs(count - 1'000) < 200);
  for (const int count : narrow_counts) CHECK(std::abs(count - 1'000) < 200);
  std::mt19937_64 again{1};
  CHECK(csv.any(again).number() == csv.any(std::mt19937_64{1}).number());
  CHECK(numbered(1).any(random).number() == 0);
}

TEST_CASE("a Csv is captured by behaviours: copied without throwing, and its rows outlive the original", "[csv]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Csv>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<Csv::Row>);
  const auto first = [csv = numbered(2)] { return csv.row_for(0)["number"]; };
  const auto copy = first;
  CHECK(copy() == "0");
  CHECK(copy().data() == first().data());
}
