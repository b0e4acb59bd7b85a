// Reports in JSON: one that is read, written and read again is the same, and nothing of it is beyond telling.

#include <optional>
#include <string>

#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/text.hpp>

#include "support/fuzzing.hpp"

using support::accepted;
using support::demand;
using wsbench::Report;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<Report> report;
  if (!accepted([&] { report = wsbench::report_from_json(support::text_of(data, size)); })) return 0;
  const std::string text = wsbench::to_json_text(*report);
  std::optional<Report> again;
  demand(accepted([&] { again = wsbench::report_from_json(text); }), "a report that was written can be read");
  demand(*again == *report, "it is the same");
  demand(wsbench::to_json_text(*again) == text, "and so is what is written of it");
  demand(!wsbench::to_text(*report).empty(), "it can be told");
  return 0;
}
