#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/clean_text.hpp>
#include <wsbench/report/test_cases.hpp>

namespace wsbench {

namespace detail {

/// Text as a workflow command of GitHub Actions takes it; a property may have no colon or comma either.
inline std::string workflow_text(std::string_view text, bool property) {
  std::string escaped;
  for (const char letter : clean_text(text)) {
    const bool special = letter == '%' || letter == '\r' || letter == '\n' || (property && (letter == ':' || letter == ','));
    if (special) {
      escaped += fmt::format("%{:02X}", static_cast<int>(letter));
    } else {
      escaped += letter;
    }
  }
  return escaped;
}

}  // namespace detail

/// A line for each thing that is wrong with a run, as GitHub Actions shows it beside a job: "::error title=wsbench chat::...".
inline std::string to_annotations(const Report& report) {
  std::string lines;
  for (const detail::TestCase& test : detail::test_cases(report)) {
    if (test.outcome == detail::Outcome::passed) continue;
    lines += fmt::format("::error title=wsbench {}::{}\n", detail::workflow_text(report.record().scenario, true),
                         detail::workflow_text(test.problem, false));
  }
  return lines;
}

}  // namespace wsbench
