#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <wsbench/gtest.hpp>

#include "support/judged_reports.hpp"

using testing::Not;
using wsbench::passes;

namespace {

// What GoogleTest says of an expectation that fails.
template <class Expect>
std::string message_of(Expect expect) {
  testing::TestPartResultArray results;
  {
    const testing::ScopedFakeTestPartResultReporter reporter{testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD,
                                                             &results};
    expect();
  }
  return results.size() == 1 ? results.GetTestPartResult(0).message() : std::to_string(results.size()) + " failures";
}

}  // namespace

TEST(Passes, MatchesAReportThatPassedAndNoOther) {
  EXPECT_THAT(support::passed_report(), passes());
  EXPECT_THAT(support::failed_report(), Not(passes()));
  EXPECT_THAT(support::unanswered_report(), Not(passes()));
  EXPECT_THAT(support::invalid_report(), Not(passes()));
  EXPECT_THAT(support::interrupted_report(), Not(passes()));
  EXPECT_THAT(support::unconnected_report(), Not(passes()));
}

TEST(Passes, FailsWithTheReportUnderALineThatSaysWhy) {
  const wsbench::Report report = support::failed_report();
  EXPECT_EQ(message_of([&report] { EXPECT_THAT(report, passes()); }),
            "Value of: report\n"
            "Expected: a run that passes\n"
            "  Actual: FAILED: missed latency.mean < 5ms (it is 10.0 ms), check{welcomed} > 99% (n/a: not measured)\n\n" +
                wsbench::to_text(report) + " (of type wsbench::Report)");
}

TEST(Passes, SaysWhatWasExpectedWhereNotToPassWas) {
  const wsbench::Report report = support::passed_report();
  EXPECT_EQ(message_of([&report] { EXPECT_THAT(report, Not(passes())); }),
            "Value of: report\n"
            "Expected: a run that does not pass\n"
            "  Actual: PASSED: every expectation was met\n\n" +
                wsbench::to_text(report) + " (of type wsbench::Report)");
}
