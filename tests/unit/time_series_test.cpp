#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <wsbench/time_series.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Error;
using wsbench::Failure;
using wsbench::SlotTimes;
using wsbench::TimeSeries;
using wsbench::TimeSlot;

namespace {

using Random = std::mt19937_64;

constexpr nanoseconds longest = nanoseconds::max();

// As likely to be a nanosecond as an hour.
nanoseconds some_time(Random& random) {
  const auto bits = static_cast<int>(random() % 42);
  return nanoseconds{static_cast<std::int64_t>(random() & ((std::uint64_t{1} << bits) - 1))};
}

// One thing that happens, told to a series.
void happen(TimeSeries& series, Random& random, nanoseconds at) {
  switch (random() % 6) {
    case 0: return series.sent(at);
    case 1: return series.failed(at);
    case 2: return series.opened(at);
    case 3: return series.ended(at);
    case 4: return series.failure(at, static_cast<Failure>(random() % TimeSlot::Failures{}.size()));
    default: return series.answered(at, some_time(random));
  }
}

// A thousand things that happen within `length`, in no order of time.
TimeSeries some_series(unsigned seed, nanoseconds length) {
  Random random(seed);
  TimeSeries series;
  for (int n = 0; n < 1'000; ++n) {
    const nanoseconds at{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(length.count()))};
    happen(series, random, at);
  }
  return series;
}

TimeSeries merged(TimeSeries into, const TimeSeries& other) {
  into.merge(other);
  return into;
}

TimeSlot total(const TimeSeries& series) {
  TimeSlot sum;
  for (const TimeSlot& slot : series.slots()) sum.merge(slot);
  return sum;
}

std::int64_t ranked(const std::vector<std::int64_t>& sorted, std::size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

}  // namespace

TEST_CASE("a new time series has no slots", "[time_series]") {
  const TimeSeries series;
  CHECK(series.slots().empty());
  CHECK((series.width() == 1s));
  CHECK(series.open().empty());
  CHECK(series.capacity_bytes() == 0);
}

TEST_CASE("everything is counted in the second in which it happened", "[time_series]") {
  TimeSeries series;
  series.sent(0ns);
  series.sent(999'999'999ns);
  series.sent(1s);
  series.answered(1s, 5ms);
  series.failed(3s);
  series.failure(3s, Failure::timeout);
  series.failure(3s, Failure::timeout);
  series.failure(3s, Failure::other);
  series.sent(500ms);  // going back is allowed
  series.sent(-1ns);   // before the start is at the start
  REQUIRE(series.slots().size() == 4);
  CHECK(series.slots()[0].sent == 4);
  CHECK(series.slots()[1].sent == 1);
  CHECK(series.slots()[1].answered == 1);
  CHECK((series.slots()[1].response_time.max() == 5ms));
  CHECK(series.slots()[2] == TimeSlot{});
  CHECK(series.slots()[3].failed == 1);
  CHECK(series.slots()[3].failures[static_cast<std::size_t>(Failure::timeout)] == 2);
  CHECK(series.slots()[3].failures[static_cast<std::size_t>(Failure::other)] == 1);
}

TEST_CASE("connections stay open over slots in which nothing happens", "[time_series]") {
  TimeSeries series;
  for (const nanoseconds at : {0s, 0s, 2s}) series.opened(at);
  series.ended(2s);
  series.ended(4s);
  series.sent(5s);
  CHECK(series.open() == std::vector<std::uint64_t>{2, 2, 2, 2, 1, 1});
  TimeSeries other;
  other.opened(1s);
  CHECK(merged(series, other).open() == std::vector<std::uint64_t>{2, 3, 3, 3, 2, 2});
}

TEST_CASE("full slots double their width and lose no count", "[time_series]") {
  TimeSeries series;
  TimeSlot expected;
  Random random(1);
  for (int second = 0; second < 3'600; ++second) {
    series.sent(second * 1s);
    const nanoseconds time = some_time(random);
    series.answered(second * 1s, time);
    expected.response_time.record(time);
  }
  CHECK((series.width() == 1s));
  CHECK(series.slots().size() == 3'600);
  series.sent(3'600s);
  CHECK((series.width() == 2s));
  REQUIRE(series.slots().size() == 1'801);
  expected.sent = 3'601;
  expected.answered = 3'600;
  CHECK(total(series) == expected);
  for (std::size_t index = 0; index < 1'800; ++index) REQUIRE(series.slots()[index].sent == 2);
  series.sent(longest);
  CHECK(series.slots().size() <= TimeSeries::slot_limit);
  ++expected.sent;
  CHECK(total(series) == expected);
}

TEST_CASE("an odd number of slots doubles its width too", "[time_series]") {
  TimeSeries series;
  for (const nanoseconds at : {0s, 1s, 2s}) series.sent(at);
  TimeSeries wide;
  wide.sent(3'600s);
  series.merge(wide);
  CHECK((series.width() == 2s));
  CHECK(series.slots()[0].sent == 2);
  CHECK(series.slots()[1].sent == 1);
  series.sent(2'500ms);  // where the last one before went, which is another slot now
  CHECK(series.slots()[1].sent == 2);
}

TEST_CASE("merging series is associative and commutative, whatever their widths", "[time_series][exhaustive]") {
  const std::vector<nanoseconds> lengths{5s, 1h, 3'601s, 5h, 30 * 24h};
  for (unsigned seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    const TimeSeries a = some_series(seed, lengths[seed % 5]);
    const TimeSeries b = some_series(seed + 1'000, lengths[seed / 5 % 5]);
    const TimeSeries c = some_series(seed + 2'000, lengths[(seed + seed / 25) % 5]);
    REQUIRE(merged(a, b) == merged(b, a));
    REQUIRE(merged(merged(a, b), c) == merged(a, merged(b, c)));
    REQUIRE((merged(a, b).width() == std::max(a.width(), b.width())));
    TimeSlot sum = total(a);
    sum.merge(total(b));
    REQUIRE(total(merged(a, b)) == sum);
    if (merged(a, TimeSeries{}) != a) FAIL("an empty one changed it");
    if (merged(TimeSeries{}, a) != a) FAIL("it changed in an empty one");
  }
}

TEST_CASE("series merged are what one series would have recorded", "[time_series]") {
  for (const nanoseconds length : {nanoseconds{10s}, nanoseconds{2h}}) {
    std::vector<TimeSeries> parts(3);
    TimeSeries one;
    for (unsigned n = 0; n < 2'000; ++n) {
      Random time(n);
      const nanoseconds at{static_cast<std::int64_t>(time() % static_cast<std::uint64_t>(length.count()))};
      Random ours = time;
      happen(one, ours, at);
      happen(parts[n % 3], time, at);
    }
    CHECK(merged(merged(parts[0], parts[1]), parts[2]) == one);
  }
}

TEST_CASE("percentiles of a slot are within 3.2 % of the sorted samples, and never above the maximum", "[time_series]") {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    SlotTimes times;
    std::vector<std::int64_t> samples;
    const auto size = 1 + random() % 500;
    for (std::uint64_t n = 0; n < size; ++n) {
      samples.push_back(some_time(random).count());
      times.record(nanoseconds{samples.back()});
    }
    std::sort(samples.begin(), samples.end());
    REQUIRE(times.count() == samples.size());
    REQUIRE(times.max()->count() == samples.back());
    for (const unsigned percent : {50U, 95U, 99U}) {
      INFO(samples.size() << " samples, p" << percent);
      const auto figure = times.percentile(percent);
      const bool any_beyond = (samples.size() * percent + 99) / 100 < samples.size();
      REQUIRE(figure.has_value() == any_beyond);
      if (!figure) continue;
      const std::int64_t exact = ranked(samples, percent);
      REQUIRE(figure->count() >= exact);
      REQUIRE(static_cast<double>(figure->count() - exact) <= 0.032 * static_cast<double>(exact));
      REQUIRE((*figure <= *times.max()));
    }
  }
}

TEST_CASE("a slot takes the shortest and the longest time, and no negative one", "[time_series]") {
  SlotTimes times;
  times.record(-1ns);
  times.record(nanoseconds::min());
  CHECK(times == SlotTimes{});
  CHECK_FALSE(times.max());
  CHECK_FALSE(times.percentile(50));
  times.record(longest);
  times.record(0ns);
  times.record(-1ns);
  CHECK(times.count() == 2);
  CHECK((times.max() == longest));
  CHECK((times.percentile(50) == 0ns));
  CHECK(times.capacity_bytes() == 7'552);
}

TEST_CASE("a counter that is full stays full", "[time_series]") {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  SlotTimes times = SlotTimes::restore({{992, most - 1}}, 1'000ns);
  for (int n = 0; n < 3; ++n) times.record(1'000ns);
  CHECK(times.count() == most);
  times.merge(times);
  CHECK(times.count() == most);
}

TEST_CASE("a month takes no more memory than its first week", "[time_series][exhaustive]") {
  TimeSeries series;
  Random random(3);
  std::size_t most_of_first_week = 0;
  std::size_t most = 0;
  std::uint64_t messages = 0;
  for (nanoseconds at{0}; at < 30 * 24h; at += 700ms) {
    series.sent(at);
    series.answered(at, 1us + nanoseconds{static_cast<std::int64_t>(random() % 16'000'000'000)} / (1 + random() % 1'000'000));
    if (++messages % 10'000 != 0) continue;
    most = std::max(most, series.capacity_bytes());
    if (at < 7 * 24h) most_of_first_week = most;
  }
  CHECK(total(series).sent == messages);
  CHECK((series.width() == 1'024s));
  CHECK(series.slots().size() <= TimeSeries::slot_limit);
  CHECK(static_cast<double>(most) <= 1.25 * static_cast<double>(most_of_first_week));
  CHECK(most < std::size_t{12} << 20);
}

TEST_CASE("the largest time series keeps its bound", "[time_series]") {
  TimeSeries series;
  for (int second = 0; second < 3'600; ++second) {
    series.answered(second * 1s, 0ns);
    series.answered(second * 1s, longest);
  }
  CHECK((series.width() == 1s));
  CHECK(series.capacity_bytes() < std::size_t{30} << 20);
}

TEST_CASE("a time series is restored from its parts", "[time_series]") {
  const TimeSeries series = some_series(5, 5h);
  CHECK(TimeSeries::restore(series.width(), series.slots()) == series);
  TimeSeries resumed = TimeSeries::restore(series.width(), series.slots());
  resumed.sent(0s);
  CHECK(total(resumed).sent == total(series).sent + 1);
  for (const TimeSlot& slot : series.slots()) {
    const SlotTimes& times = slot.response_time;
    REQUIRE(SlotTimes::restore(times.bins(), times.max().value_or(0ns)) == times);
  }
}

TEST_CASE("parts that no time series has are refused", "[time_series]") {
  for (const nanoseconds width : {nanoseconds{0}, nanoseconds{-1s}, nanoseconds{1ns}, nanoseconds{1'500ms}, nanoseconds{3s}, longest}) {
    CHECK_THROWS_AS(TimeSeries::restore(width, {}), Error);
  }
  CHECK_THROWS_AS(TimeSeries::restore(1s, std::vector<TimeSlot>(3'601)), Error);
  CHECK_THROWS_AS(SlotTimes::restore({}, 1ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{992, 0}}, 992ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{-1, 1}}, 0ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{992, 1}}, 2'000ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{992, 1}}, -1ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{993, 1}}, 993ns), Error);
  CHECK_THROWS_AS(SlotTimes::restore({{992, 1}, {10, 1}}, 992ns), Error);
}
