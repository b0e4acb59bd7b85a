#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <wsbench/schedule.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::flat_out;
using wsbench::next_due;
using wsbench::offered_per_second;
using wsbench::Pace;
using wsbench::start_of_client;
using wsbench::think;

static_assert(start_of_client(1, 2, 10s) == 5s);

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

TEST_CASE("a million clients over hours start exactly, one after the other, before the ramp-up ends", "[schedule][exhaustive]") {
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

TEST_CASE("a rate is due evenly, from its start, and does not drift", "[schedule]") {
  const Pace pace = wsbench::rate(5000);
  CHECK(wsbench::due_of_message(pace, 0) == 0ns);
  CHECK(wsbench::due_of_message(pace, 1) == 200us);
  CHECK(wsbench::due_of_message(pace, 5000) == 1s);
  CHECK(wsbench::due_of_message(pace, 5000.0 * 3600 * 24) == 24h);
  const Pace odd = wsbench::rate(7);
  for (int day = 0; day < 10; ++day) CHECK(wsbench::due_of_message(odd, 7.0 * 86'400 * day) == day * 24h);
}

TEST_CASE("a schedule has rate times time messages in every time, never two at once", "[schedule]") {
  const double rate = GENERATE(0.5, 1.0, 3.0, 200.0, 5000.0, 33'333.0);
  CAPTURE(rate);
  wsbench::MessageSchedule schedule(wsbench::rate(rate), 0, 1, 1);
  std::uint64_t count = 0;
  std::chrono::nanoseconds last{-1};
  for (const auto end = std::chrono::seconds{10}; schedule.due() < end; schedule.advance(), ++count) {
    REQUIRE(schedule.due() > last);
    last = schedule.due();
  }
  CHECK(count == static_cast<std::uint64_t>(std::ceil(rate * 10)));
}

TEST_CASE("the shares of the workers are together the whole schedule", "[schedule]") {
  std::vector<std::chrono::nanoseconds> whole;
  for (wsbench::MessageSchedule all(wsbench::rate(1000), 0, 1, 1, 100); all.due() != wsbench::never; all.advance())
    whole.push_back(all.due());
  std::vector<std::chrono::nanoseconds> shared;
  for (std::uint64_t share = 0; share < 3; ++share) {
    for (wsbench::MessageSchedule part(wsbench::rate(1000), share, 3, 1, 100); part.due() != wsbench::never; part.advance()) {
      shared.push_back(part.due());
    }
  }
  std::sort(shared.begin(), shared.end());
  CHECK(whole.size() == 100);
  CHECK(shared == whole);
}

TEST_CASE("random shares of the workers bring the whole rate between them", "[schedule]") {
  std::uint64_t count = 0;
  for (std::uint64_t share = 0; share < 4; ++share) {
    wsbench::MessageSchedule part(wsbench::rate(1000).poisson(), share, 4, share);
    for (; part.due() < 20s; part.advance()) ++count;
  }
  CHECK(static_cast<double>(count) == Approx(20'000).epsilon(0.05));
}

TEST_CASE("a rate in stages ramps, holds, bursts, and ends", "[schedule]") {
  const Pace pace = wsbench::rate({{20, 10s}, {20, 10s}, {200, 0s}, {200, 1s}, {0, 2s}});
  // 100 in the ramp, 200 held, 200 in the burst, 200 as it falls.
  CHECK(wsbench::due_of_message(pace, 0) == 0ns);
  CHECK(wsbench::due_of_message(pace, 25) == 5s);  // a quarter of the ramp's area at half its time
  CHECK(wsbench::due_of_message(pace, 100) == 10s);
  CHECK(wsbench::due_of_message(pace, 200) == 15s);
  CHECK(wsbench::due_of_message(pace, 300) == 20s);
  CHECK(wsbench::due_of_message(pace, 400) == 20s + 500ms);
  CHECK(wsbench::due_of_message(pace, 650) == 22s);  // three quarters of the fall's area at half its time
  CHECK(wsbench::due_of_message(pace, 699) < 23s);
  CHECK(wsbench::due_of_message(pace, 700) == wsbench::never);
}

TEST_CASE("a random rate is the same for the same seed, another for another, and has the mean and spread of a Poisson process",
          "[schedule]") {
  const auto gaps = [](std::uint64_t seed) {
    std::vector<double> all;
    wsbench::MessageSchedule schedule(wsbench::rate(1000).poisson(), 0, 1, seed);
    for (std::chrono::nanoseconds last{0}; all.size() < 20'000; schedule.advance()) {
      all.push_back(std::chrono::duration<double>(schedule.due() - last).count());
      last = schedule.due();
    }
    return all;
  };
  const std::vector<double> some = gaps(7);
  CHECK(some == gaps(7));
  CHECK(some != gaps(8));
  const double mean = std::accumulate(some.begin(), some.end(), 0.0) / 20'000;
  double variance = 0;
  for (const double gap : some) variance += (gap - mean) * (gap - mean) / 20'000;
  CHECK(mean == Approx(0.001).epsilon(0.05));
  CHECK(std::sqrt(variance) == Approx(0.001).epsilon(0.05));
}

namespace {

std::vector<wsbench::Visit> visits_of(const wsbench::Population& population, std::chrono::nanoseconds ramp_up = 0ns, double rate = 0) {
  std::vector<wsbench::Visit> all;
  wsbench::VisitSchedule schedule(population, ramp_up, rate);
  while (all.size() < 100'000) {
    const auto visit = schedule.next();
    if (!visit) break;
    all.push_back(*visit);
  }
  return all;
}

}  // namespace

TEST_CASE("a number of clients comes over the ramp-up, and no faster than the connect rate", "[schedule]") {
  CHECK(visits_of(3, 3s) == std::vector<wsbench::Visit>{{0, 0s, wsbench::never}, {1, 1s, wsbench::never}, {2, 2s, wsbench::never}});
  CHECK(visits_of(3, 0s, 2) == std::vector<wsbench::Visit>{{0, 0s, wsbench::never}, {1, 500ms, wsbench::never}, {2, 1s, wsbench::never}});
  CHECK(visits_of(3, 3s, 0.5).back().start == 4s);
}

TEST_CASE("clients in stages come and leave as the course rises and falls", "[schedule]") {
  const auto visits = visits_of(wsbench::stages({{10, 10s}, {10, 5s}, {0, 10s}}));
  REQUIRE(visits.size() == 10);
  for (std::uint64_t i = 0; i < 10; ++i) {
    CHECK(visits[i].id == i);
    CHECK(visits[i].start == static_cast<std::int64_t>(i) * 1s);
    CHECK(visits[i].end == 25s - static_cast<std::int64_t>(i) * 1s);  // the last to come is the first to go
  }
}

TEST_CASE("a step brings all at once, a second rise brings new users, and who stays has no end", "[schedule]") {
  const auto visits = visits_of(wsbench::stages({{2, 0s}, {2, 1s}, {1, 0s}, {1, 1s}, {3, 0s}, {3, 1s}}));
  REQUIRE(visits.size() == 4);
  CHECK(visits[0] == wsbench::Visit{0, 0s, wsbench::never});
  CHECK(visits[1] == wsbench::Visit{1, 0s, 1s});
  CHECK(visits[2] == wsbench::Visit{2, 2s, wsbench::never});
  CHECK(visits[3] == wsbench::Visit{3, 2s, wsbench::never});
}

TEST_CASE("a visit that is over before it could connect does not happen", "[schedule]") {
  CHECK(visits_of(wsbench::stages({{100, 0s}, {100, 1s}, {0, 0s}}), 0s, 10).size() == 10);
}

TEST_CASE("arrivals go on at their rate", "[schedule]") {
  const auto visits = visits_of(wsbench::arrivals(20));
  CHECK(visits.size() == 100'000);
  CHECK(visits[1].start == 50ms);
  CHECK(visits[40].start == 2s);
  CHECK(visits[99'999].id == 99'999);
}
