#include <wsbench/report/verdict_line.hpp>

#include "catch.hpp"
#include "support/judged_reports.hpp"

using wsbench::verdict_line;

TEST_CASE("the verdict and why, in one line", "[verdict_line]") {
  CHECK(verdict_line(support::passed_report()) == "PASSED: every expectation was met");
  CHECK(verdict_line(support::failed_report()) ==
        "FAILED: missed latency.mean < 5ms (it is 10.0 ms), check{welcomed} > 99% (n/a: not measured)");
  CHECK(verdict_line(support::unanswered_report()) == "FAILED: answers were expected and none came");
  CHECK(verdict_line(support::invalid_report()) == "INVALID: the behaviour threw 1 time: mend the test, then measure");
  CHECK(verdict_line(support::interrupted_report()) == "INTERRUPTED: the run was stopped before its end");
  CHECK(verdict_line(support::unconnected_report()) == "NO CONNECTION: nothing could connect: refused: client 0: nobody listens there");
}

TEST_CASE("all reasons why a report is invalid are in its verdict's line", "[verdict_line]") {
  using namespace std::chrono_literals;
  wsbench::RunRecord record = support::invalid_report().record();
  record.metrics.schedule_lag.record(10s, 10'000);
  record.metrics.labels.at(0).messages.response_time.record(1ms, 1000);
  const wsbench::Report report{record};
  REQUIRE(report.invalid_because().size() == 2);
  CHECK(verdict_line(report) == "INVALID: " + report.invalid_because()[0] + "; " + report.invalid_because()[1]);
}

TEST_CASE("a run that was ended early has failed, whatever its figures came to, and says for what", "[verdict_line]") {
  wsbench::RunRecord record = support::passed_report().record();
  record.ended_early_by = "latency.p95 < 5ms";
  CHECK(wsbench::Report{record}.verdict() == wsbench::Verdict::failed);
  CHECK(verdict_line(wsbench::Report{record}) == "FAILED: ended after 2.00 s, when latency.p95 < 5ms was missed");
  record = support::failed_report().record();
  record.ended_early_by = "latency.mean < 5ms";
  CHECK(verdict_line(wsbench::Report{record}) ==
        "FAILED: ended after 2.00 s, when latency.mean < 5ms was missed; missed latency.mean < 5ms (it is 10.0 ms), check{welcomed} > 99% "
        "(n/a: not measured)");
}

TEST_CASE("nothing could connect, and no failure says why", "[verdict_line]") {
  wsbench::RunRecord record = support::unconnected_report().record();
  record.metrics.failures = {};
  CHECK(verdict_line(wsbench::Report{record}) == "NO CONNECTION: nothing could connect");
}
