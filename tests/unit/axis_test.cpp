#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <wsbench/report/axis.hpp>

#include "catch.hpp"

using namespace wsbench::detail;

namespace {

std::string texts(const Axis& axis) {
  std::string all;
  for (const Tick& tick : axis.ticks()) all += (all.empty() ? "" : " | ") + tick.text;
  return all;
}

// Every tick lies on the axis, right of the one before, and no more are there than have room.
void require_sound(const Axis& axis) {
  INFO(texts(axis));
  double last = -1;
  REQUIRE(!axis.ticks().empty());
  REQUIRE(axis.ticks().size() <= 8);
  for (const Tick& tick : axis.ticks()) {
    const double position = axis.position(tick.value);
    REQUIRE(position > last);
    REQUIRE(position <= 1);
    REQUIRE(std::abs(axis.value_at(position) - tick.value) <= 1e-6 * tick.value);
    last = position;
  }
}

}  // namespace

TEST_CASE("an axis of counts ends at a round number that is not below the highest", "[axis]") {
  CHECK(texts(count_axis(0)) == "0 | 1");
  CHECK(texts(count_axis(1)) == "0 | 1");
  CHECK(texts(count_axis(2)) == "0 | 1 | 2");
  CHECK(texts(count_axis(10)) == "0 | 2 | 4 | 6 | 8 | 10");
  CHECK(texts(count_axis(11)) == "0 | 5 | 10 | 15");
  CHECK(texts(count_axis(9'999)) == "0 | 2k | 4k | 6k | 8k | 10k");
  CHECK(texts(count_axis(1'250'000)) == "0 | 500k | 1M | 1.5M");
  CHECK(texts(rate_axis(0.25)) == "0 | 0.05 | 0.1 | 0.15 | 0.2 | 0.25");
  for (double highest = 1e-3; highest < 1e19; highest *= 1.37) {
    for (const Axis& axis : {count_axis(highest), rate_axis(highest)}) {
      require_sound(axis);
      REQUIRE(axis.value_at(1) >= highest * (1 - 1e-9));
      REQUIRE(axis.position(0) == 0);
    }
  }
}

TEST_CASE("an axis of durations is logarithmic where they are far apart", "[axis]") {
  CHECK(texts(duration_axis(0, 0)) == "0 | 1ns");
  CHECK(texts(duration_axis(1e6, 20e6)) == "0 | 5ms | 10ms | 15ms | 20ms");
  CHECK(texts(duration_axis(1e6, 21e6)) == "1ms | 2ms | 5ms | 10ms | 20ms | 50ms");
  CHECK(texts(duration_axis(1.3e6, 2e9)) == "1ms | 10ms | 100ms | 1s");
  CHECK(texts(duration_axis(0, 3.6e12)) == "1ns | 1us | 1ms | 1s | 1000s");
  CHECK(duration_axis(1e6, 20e6).scale() == Axis::Scale::linear);
  const Axis decades = duration_axis(1e6, 1e9);
  CHECK(decades.scale() == Axis::Scale::logarithmic);
  CHECK(std::abs(decades.position(1e7) - 1.0 / 3) < 1e-9);
  CHECK(std::abs(decades.position(1e8) - 2.0 / 3) < 1e-9);
  for (double shortest = 1; shortest < 9e18; shortest *= 3.7) {
    for (double longest = shortest; longest < 9e18; longest *= 2.9) {
      const Axis axis = duration_axis(shortest, longest);
      require_sound(axis);
      REQUIRE(axis.value_at(0) <= shortest * (1 + 1e-9));
      REQUIRE(axis.value_at(1) >= longest * (1 - 1e-9));
    }
  }
}

TEST_CASE("an axis of time has the steps of a clock", "[axis]") {
  CHECK(texts(time_axis(0.4)) == "0");
  CHECK(texts(time_axis(5)) == "0 | 1s | 2s | 3s | 4s | 5s");
  CHECK(texts(time_axis(130)) == "0 | 30s | 1m | 1m30s | 2m");
  CHECK(texts(time_axis(86'400)) == "0 | 6h | 12h | 18h | 24h");
  CHECK(texts(time_axis(5'400)) == "0 | 15m | 30m | 45m | 1h | 1h15m | 1h30m");
  for (double end = 0.1; end < 1e9; end *= 1.7) require_sound(time_axis(end));
  CHECK(time_axis(100).position(50) == 0.5);
}

TEST_CASE("an axis of percentiles gives every nine the same width", "[axis]") {
  CHECK(texts(tail_axis(2)) == "0 | 50");
  CHECK(texts(tail_axis(9)) == "0 | 50");
  CHECK(texts(tail_axis(10)) == "0 | 50 | 90");
  CHECK(texts(tail_axis(10'000)) == "0 | 50 | 90 | 99 | 99.9 | 99.99");
  CHECK(texts(tail_axis(1'000'000'000)) == "0 | 99 | 99.99 | 99.9999 | 99.999999");
  const Axis axis = tail_axis(1'000);
  CHECK(std::abs(axis.position(0.9) - 1.0 / 3) < 1e-9);
  CHECK(std::abs(axis.position(0.99) - 2.0 / 3) < 1e-9);
  CHECK(axis.position(1) == 1);
  for (double samples = 2; samples < 1e13; samples *= 1.9) require_sound(tail_axis(static_cast<std::uint64_t>(samples)));
}

TEST_CASE("what is beyond an axis, or no number, is put at its end", "[axis]") {
  const Axis axis = count_axis(10);
  CHECK(axis.position(-1) == 0);
  CHECK(axis.position(11) == 1);
  CHECK(axis.position(std::numeric_limits<double>::quiet_NaN()) == 0);
  CHECK(duration_axis(1e6, 1e9).position(0) == 0);
}
