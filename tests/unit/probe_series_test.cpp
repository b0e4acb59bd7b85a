#include <chrono>
#include <cstddef>
#include <limits>
#include <vector>

#include <wsbench/probe_series.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::ProbeFailure;
using wsbench::ProbeSeries;
using wsbench::ProbeSlot;

TEST_CASE("a probe's series keeps what was read in each second", "[probe_series][probe]") {
  ProbeSeries series;
  series.read(-5ms, 10);  // just before the first client
  series.read(999ms, 30);
  series.read(2s, -4);
  CHECK(series.width() == 1s);
  REQUIRE(series.slots().size() == 3);
  CHECK(series.slots()[0] == ProbeSlot{.samples = 2, .sum = 40, .min = 10, .max = 30, .last = 30});
  CHECK(series.slots()[1] == ProbeSlot{});
  CHECK_FALSE(series.slots()[1].mean().has_value());
  CHECK(series.samples() == 3);
  CHECK(series.first() == 20.0);
  CHECK(series.last() == -4.0);
  CHECK(series.min() == -4.0);
  CHECK(series.max() == 30.0);
  CHECK(series.mean() == 12.0);
}

TEST_CASE("a probe that read nothing has no figures", "[probe_series][probe]") {
  ProbeSeries series;
  series.failed(3s, "printed rubbish");
  series.failed(4s, "printed nothing");
  series.read(5s, std::numeric_limits<double>::quiet_NaN());
  series.read(6s, std::numeric_limits<double>::infinity());
  CHECK(series.failures() == 4);
  CHECK(series.first_failure() == ProbeFailure{3s, "printed rubbish"});
  CHECK(series.samples() == 0);
  CHECK_FALSE((series.first() || series.last() || series.min() || series.max() || series.mean() || series.percentile(0.5)));
}

TEST_CASE("a probe's percentiles are those of its slots, as far as one lies beyond", "[probe_series][probe]") {
  ProbeSeries series;
  for (int second = 100; second >= 1; --second) series.read(1s * second, second);
  CHECK(series.percentile(0.5) == 50.0);
  CHECK(series.percentile(0.9) == 90.0);
  CHECK(series.percentile(0.99) == 99.0);
  CHECK_FALSE(series.percentile(0.999).has_value());
}

TEST_CASE("a probe's series never has more than 3,600 slots, and its figures stay", "[probe_series][probe]") {
  ProbeSeries series;
  for (int second = 0; second < 10'000; ++second) series.read(1s * second, second);
  CHECK(series.width() == 4s);
  CHECK(series.slots().size() == 2'500);
  CHECK(series.slots()[1] == ProbeSlot{.samples = 4, .sum = 4 + 5 + 6 + 7, .min = 4, .max = 7, .last = 7});
  CHECK(series.samples() == 10'000);
  CHECK(series.mean() == 4'999.5);
  CHECK(series.min() == 0.0);
  CHECK(series.max() == 9'999.0);
  CHECK(series.last() == 9'999.0);
}

TEST_CASE("series of one probe from two machines are joined", "[probe_series][probe]") {
  ProbeSeries ours;
  ours.read(0s, 1);
  ours.failed(7s, "late");
  ProbeSeries theirs;
  theirs.read(0s, 3);
  theirs.read(1s, 9);
  theirs.failed(2s, "early");
  ours.merge(theirs);
  CHECK(ours.slots() == std::vector<ProbeSlot>{{.samples = 2, .sum = 4, .min = 1, .max = 3, .last = 3},
                                               {.samples = 1, .sum = 9, .min = 9, .max = 9, .last = 9}});
  CHECK(ours.failures() == 2);
  CHECK(ours.first_failure() == ProbeFailure{2s, "early"});
  ProbeSeries none;
  none.merge(ours);
  CHECK(none == ours);
}

TEST_CASE("a probe's series is restored from what it had, and from nothing else", "[probe_series][probe]") {
  ProbeSeries series;
  series.read(1s, 0.1);
  series.read(1s, 0.2);
  series.failed(2s, "gone");
  CHECK(ProbeSeries::restore(series.width(), series.slots(), series.failures(), series.first_failure()) == series);
  const std::vector<ProbeSlot> sound = series.slots();
  CHECK_THROWS_AS(ProbeSeries::restore(3s, sound, 0, {}), wsbench::Error);
  CHECK_THROWS_AS(ProbeSeries::restore(1s, sound, 1, {}), wsbench::Error);
  CHECK_THROWS_AS(ProbeSeries::restore(1s, sound, 0, ProbeFailure{}), wsbench::Error);
  CHECK_THROWS_AS(ProbeSeries::restore(1s, std::vector<ProbeSlot>(3'601), 0, {}), wsbench::Error);
  CHECK_THROWS_AS(ProbeSeries::restore(1s, {{.samples = 1, .sum = 5, .min = 5, .max = 5, .last = 6}}, 0, {}), wsbench::Error);
  CHECK_THROWS_AS(ProbeSeries::restore(1s, {{.samples = 0, .sum = 5}}, 0, {}), wsbench::Error);
}
