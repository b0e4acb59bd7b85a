// One build against itself: no verdict may tell it apart, and most must say that nothing changed.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <wsbench/comparison.hpp>
#include <wsbench/report/comparison_text.hpp>
#include <wsbench/wsbench.hpp>

#include "bench/echo_process.hpp"
#include "catch.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::Change;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::VersionComparison;

TEST_CASE("the same build against itself is never better or worse, and mostly unchanged", "[long][comparison]") {
  constexpr int times = 20;
  constexpr std::size_t runs = 8;
  const bench::EchoProcess server(900);
  int told_apart = 0;
  int unchanged = 0;
  std::string all;
  for (int time = 0; time < times; ++time) {
    std::vector<Report> base;
    std::vector<Report> current;
    // In turn, so that what the machine does meanwhile happens to both.
    for (std::size_t run = 0; run < runs; ++run) {
      for (std::vector<Report>* const version : {&base, &current}) {
        version->push_back(support::run_within(60s, LoadTest{server.url(), wsbench::scenarios::light()}));
      }
    }
    const VersionComparison comparison = wsbench::compare(base, current);
    all += to_text(comparison) + '\n';
    if (comparison.any(Change::better) || comparison.any(Change::worse)) ++told_apart;
    if (!comparison.any(Change::better) && !comparison.any(Change::worse) && !comparison.any(Change::cannot_tell)) ++unchanged;
  }
  INFO(all);
  CAPTURE(unchanged);
  CHECK(told_apart == 0);
  CHECK(unchanged >= 15);
}

TEST_CASE("a server that answers 5 ms later is worse than it was", "[long][comparison]") {
  const bench::EchoProcess server(900);
  const bench::EchoProcess slower(900, {.delay = 5ms});
  std::vector<Report> base;
  std::vector<Report> current;
  for (int run = 0; run < 8; ++run) {
    base.push_back(support::run_within(60s, LoadTest{server.url(), wsbench::scenarios::light()}));
    current.push_back(support::run_within(60s, LoadTest{slower.url(), wsbench::scenarios::light()}));
  }
  const VersionComparison comparison = wsbench::compare(base, current);
  INFO(to_text(comparison));
  CHECK(comparison.figures.front().change == Change::worse);
  CHECK_FALSE(comparison.any(Change::better));
}
