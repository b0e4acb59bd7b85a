#pragma once

/// \file
/// Load tests in GoogleTest: `EXPECT_THAT(report, wsbench::passes())`; needs gmock. Not in the umbrella, and one program includes either
/// this or `wsbench/catch2.hpp`.
///
/// With it, GoogleTest prints a report with a line above it that says why it did not pass: include it in every file of a program in which
/// GoogleTest prints reports.

#include <ostream>

#include <gmock/gmock.h>

#include <wsbench/report.hpp>
#include <wsbench/report/text.hpp>
#include <wsbench/report/verdict_line.hpp>

namespace wsbench {

/// What GoogleTest prints of a report.
inline void PrintTo(const Report& report, std::ostream* out) {
  *out << verdict_line(report) << "\n\n" << to_text(report);
}

namespace detail::gtest {

class Passes {
 public:
  using is_gtest_matcher = void;

  bool MatchAndExplain(const Report& report, std::ostream*) const { return report.passed(); }
  void DescribeTo(std::ostream* out) const { *out << "a run that passes"; }
  void DescribeNegationTo(std::ostream* out) const { *out << "a run that does not pass"; }
};

}  // namespace detail::gtest

/// Matches a report that is valid and met every expectation; the failure's message is the report, under a line that says why.
inline testing::Matcher<const Report&> passes() {
  return detail::gtest::Passes{};
}

}  // namespace wsbench
