#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>

#include <wsbench/schedule.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::flat_out;
using wsbench::next_due;
using wsbench::offered_per_second;
using wsbench::start_of_client;
using wsbench::think;

static_assert(start_of_client(1, 2, 10s) == 5s);
static_assert(next_due(think(50ms), 1s) == 1050ms);

TEST_CASE("clients start evenly spread, the first at once", "[schedule]") {
  CHECK(start_of_client(0, 4, 1s) == 0ns);
  CHECK(start_of_client(1, 4, 1s) == 250ms);
  CHECK(start_of_client(2, 4, 1s) == 500ms);
  CHECK(start_of_client(3, 4, 1s) == 750ms);
  CHECK(start_of_client(0, 1, 1h) == 0ns);
}

TEST_CASE("without a ramp-up, or without clients, all start at once", "[schedule]") {
  for (const std::uint64_t index : std::initializer_list<std::uint64_t>{0, 1, 999}) CHECK(start_of_client(index, 1'000, 0ns) == 0ns);
  CHECK(start_of_client(0, 0, 1h) == 0ns);
}

TEST_CASE("a ramp-up that does not divide by the clients loses no nanosecond to rounding", "[schedule]") {
  CHECK(start_of_client(1, 3, 10ns) == 3ns);
  CHECK(start_of_client(2, 3, 10ns) == 6ns);
  CHECK(start_of_client(6, 7, 10ns) == 8ns);
  // More clients than nanoseconds: several share one.
  CHECK(start_of_client(499, 1'000, 2ns) == 0ns);
  CHECK(start_of_client(500, 1'000, 2ns) == 1ns);
  CHECK(start_of_client(999, 1'000, 2ns) == 1ns);
}

TEST_CASE("a million clients over hours start exactly, one after the other, before the ramp-up ends", "[schedule]") {
  constexpr std::uint64_t clients = 1'000'003;  // a prime: nothing divides by it
  for (const nanoseconds ramp_up : {nanoseconds{1}, nanoseconds{1s}, nanoseconds{1h}, nanoseconds{24h}, nanoseconds::max()}) {
    INFO(ramp_up.count());
    bool exact = true;
    bool in_order = true;
    nanoseconds before{0};
    // In whole steps, with what is left over carried on: no multiplication, nothing that could overflow.
    const std::int64_t step = ramp_up.count() / std::int64_t{clients};
    const std::int64_t rest = ramp_up.count() % std::int64_t{clients};
    std::int64_t expected = 0;
    std::int64_t carried = 0;
    for (std::uint64_t index = 0; index < clients; ++index) {
      const nanoseconds start = start_of_client(index, clients, ramp_up);
      exact = exact && start.count() == expected;
      in_order = in_order && start >= before && start < ramp_up;
      before = start;
      expected += step;
      carried += rest;
      if (carried >= std::int64_t{clients}) {
        carried -= std::int64_t{clients};
        ++expected;
      }
    }
    CHECK(exact);
    CHECK(in_order);
  }
  CHECK(start_of_client(999'999, 1'000'000, 10h) == 35'999'964ms);
}

TEST_CASE("the starts of random ramp-ups are evenly apart to a nanosecond", "[schedule]") {
  std::mt19937_64 random{31};
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t clients = 2 + random() % (std::uint64_t{1} << (1 + random() % 31));
    const nanoseconds ramp_up{static_cast<std::int64_t>(random() >> (1 + random() % 63))};
    const std::uint64_t index = random() % (clients - 1);
    const std::int64_t apart = (start_of_client(index + 1, clients, ramp_up) - start_of_client(index, clients, ramp_up)).count();
    const std::int64_t even = ramp_up.count() / static_cast<std::int64_t>(clients);
    if (apart != even && apart != even + 1) FAIL(index << " of " << clients << " over " << ramp_up.count() << " ns: " << apart);
    if (start_of_client(clients - 1, clients, ramp_up) > ramp_up) FAIL(clients << " over " << ramp_up.count() << " ns");
  }
}

TEST_CASE("the next message is due after the last answer, by the pace", "[schedule]") {
  CHECK(next_due(think(100ms), 2s) == 2100ms);
  CHECK(next_due(think(0ns), 2s) == 2s);
  CHECK(next_due(flat_out(), 2s) == 2s);
  CHECK(next_due({}, 7ns) == 7ns);
  CHECK(next_due(think(24h), 24h) == 48h);
}

TEST_CASE("what a scenario offers is bounded by delay and answer", "[schedule]") {
  CHECK(offered_per_second(10, think(100ms), 0ns) == Approx(100));
  CHECK(offered_per_second(10, think(100ms), 2ms) == Approx(98.0392156862745));
  CHECK(offered_per_second(10, think(100ms), 100ms) == Approx(50));
  CHECK(offered_per_second(3, flat_out(), 10ms) == Approx(300));
  CHECK(offered_per_second(1'000'000, think(1h), 1h) == Approx(138.888888888889));
}

TEST_CASE("nothing bounds what is offered without a delay and an answer that takes time", "[schedule]") {
  CHECK(offered_per_second(3, flat_out(), 0ns) == std::numeric_limits<double>::infinity());
  CHECK(offered_per_second(0, think(1s), 0ns) == 0);
}
