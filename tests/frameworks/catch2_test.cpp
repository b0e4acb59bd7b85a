#include <string>

#include <wsbench/catch2.hpp>

#include "catch.hpp"
#include "support/judged_reports.hpp"

using wsbench::passes;

TEST_CASE("a report that passed is matched, any other is not", "[catch2]") {
  CHECK_THAT(support::passed_report(), passes());
  CHECK_THAT(support::failed_report(), !passes());
  CHECK_THAT(support::unanswered_report(), !passes());
  CHECK_THAT(support::invalid_report(), !passes());
  CHECK_THAT(support::interrupted_report(), !passes());
  CHECK_THAT(support::unconnected_report(), !passes());
}

TEST_CASE("Catch2 prints a report under a line that says why", "[catch2]") {
  const wsbench::Report report = support::failed_report();
  CHECK(Catch::Detail::stringify(report) ==
        "FAILED: missed latency.mean < 5ms (it is 10.0 ms), check{welcomed} > 99% (n/a: not measured)\n\n" + wsbench::to_text(report));
  CHECK(passes().toString() == "is to pass");
}

// Hidden: the build runs it and looks at what it prints.
TEST_CASE("a report that did not pass", "[.message]") {
  REQUIRE_THAT(support::failed_report(), passes());
}
