#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <wsbench/random.hpp>
#include <wsbench/run/fan_out.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::FanOutMetrics;
using wsbench::Publication;
using wsbench::detail::FanOut;
using wsbench::detail::FanOutJoin;
using wsbench::detail::SubscriberLog;

namespace {

constexpr nanoseconds timeout = 1s;

// Subscribers 0 to `count` from the start.
FanOut with_subscribers(std::uint64_t count, nanoseconds from = 0ns) {
  FanOut fan_out(timeout, from, true);
  for (std::uint64_t client = 0; client < count; ++client) fan_out.subscribe(client, 0ns);
  return fan_out;
}

FanOutMetrics result(FanOut& fan_out, nanoseconds now = 1h) {
  fan_out.hand_over(now, false);
  return fan_out.metrics();
}

}  // namespace

TEST_CASE("subscribers are counted by time, whatever the order they are told in", "[fan_out]") {
  SubscriberLog log;
  CHECK(log.at(5s) == 0);
  log.change(2s, 1);
  log.change(4s, 1);
  log.change(3s, -1);
  log.change(4s, 1);
  CHECK(log.at(1s) == 0);
  CHECK(log.at(2s) == 1);
  CHECK(log.at(3s) == 0);
  CHECK(log.at(4s) == 2);
  log.forget_before(3500ms);
  CHECK(log.at(3500ms) == 0);
  CHECK(log.at(9s) == 2);
}

TEST_CASE("a publication's first, median and last delivery are timed from when it was due", "[fan_out]") {
  FanOut fan_out = with_subscribers(5);
  const Publication publication{9, 0, 10ms};
  fan_out.publish(publication);
  for (const std::uint64_t client : {3U, 0U, 4U, 1U, 2U}) fan_out.deliver(client, publication, 10ms + (client + 1) * 1ms);
  CHECK(fan_out.settled(20ms));
  const FanOutMetrics all = result(fan_out);
  CHECK(all.published == 1);
  CHECK(all.complete == 1);
  CHECK(all.expected == 5);
  CHECK(all.delivered == 5);
  CHECK(all.missing() == 0);
  CHECK(all.first.max() == nanoseconds{1ms});
  CHECK(all.median.max() == nanoseconds{3ms});
  CHECK(all.last.max() == nanoseconds{5ms});
  CHECK(all.delivery.count() == 5);
  CHECK(all.delivery.mean() == nanoseconds{3ms});
}

TEST_CASE("a publication that misses somebody has no last delivery, and a median only if half have it", "[fan_out]") {
  FanOut fan_out = with_subscribers(4);
  const auto publish = [&](std::uint32_t sequence, std::uint64_t reached) {
    const Publication publication{9, sequence, sequence * 10ms};
    fan_out.publish(publication);
    for (std::uint64_t client = 0; client < reached; ++client) fan_out.deliver(client, publication, publication.due + 1ms);
  };
  publish(0, 4);
  publish(1, 2);
  publish(2, 1);
  publish(3, 0);
  CHECK_FALSE(fan_out.settled(40ms));
  const FanOutMetrics all = result(fan_out);
  CHECK(all.published == 4);
  CHECK(all.complete == 1);
  CHECK(all.expected == 16);
  CHECK(all.missing() == 9);
  CHECK(all.first.count() == 3);
  CHECK(all.median.count() == 2);
  CHECK(all.last.count() == 1);
}

TEST_CASE("a delivery after the deadline is late and missing", "[fan_out]") {
  FanOut fan_out = with_subscribers(2);
  const Publication publication{9, 0, 0ns};
  fan_out.publish(publication);
  fan_out.deliver(0, publication, timeout - 1ns);
  fan_out.deliver(1, publication, timeout);
  const FanOutMetrics all = result(fan_out);
  CHECK(all.delivered == 1);
  CHECK(all.missing() == 1);
  CHECK(all.late == 1);
}

TEST_CASE("what comes twice is duplicated, what is overtaken is out of order, each by publisher and subscriber", "[fan_out]") {
  FanOut fan_out = with_subscribers(2);
  const auto deliver = [&](std::uint64_t client, std::uint32_t publisher, std::uint32_t sequence) {
    fan_out.deliver(client, {publisher, sequence, 0ns}, 1ms);
  };
  for (const std::uint32_t sequence : {0U, 1U, 3U, 2U, 4U, 4U, 2U}) deliver(0, 7, sequence);
  for (const std::uint32_t sequence : {0U, 1U, 2U, 3U, 4U}) deliver(1, 7, sequence);
  deliver(0, 8, 0);
  deliver(1, 8, 0);
  const FanOutMetrics all = result(fan_out);
  CHECK(all.out_of_order == 1);
  CHECK(all.duplicated == 2);
  CHECK(all.delivered == 12);
  CHECK(all.complete == 6);
}

TEST_CASE("whoever subscribes after a publication was due is not expected to get it", "[fan_out]") {
  FanOut fan_out = with_subscribers(1);
  const Publication publication{9, 0, 10ms};
  fan_out.publish(publication);
  fan_out.subscribe(1, 11ms);
  fan_out.deliver(0, publication, 12ms);
  fan_out.deliver(1, publication, 12ms);
  fan_out.deliver(2, publication, 12ms);  // never subscribed: it is told to publishers too
  const FanOutMetrics all = result(fan_out);
  CHECK(all.expected == 1);
  CHECK(all.complete == 1);
  CHECK(all.unexpected == 1);
}

TEST_CASE("whoever loses the connection misses what was due before; whoever leaves is excused", "[fan_out]") {
  const Publication got{9, 0, 10ms};
  const Publication missed{9, 1, 20ms};
  const Publication later{9, 2, 40ms};
  const auto run = [&](bool of_its_own_will) {
    FanOut fan_out = with_subscribers(2);
    for (const Publication& publication : {got, missed, later}) fan_out.publish(publication);
    fan_out.deliver(0, got, 11ms);
    fan_out.deliver(1, got, 11ms);
    fan_out.deliver(0, missed, 21ms);
    if (of_its_own_will) {
      fan_out.leave(1, 30ms);
    } else {
      fan_out.lose(1, 30ms);
    }
    fan_out.deliver(0, later, 41ms);
    return result(fan_out);
  };
  const FanOutMetrics lost = run(false);
  CHECK(lost.expected == 5);
  CHECK(lost.missing() == 1);
  CHECK(lost.complete == 2);
  const FanOutMetrics left = run(true);
  CHECK(left.expected == 4);
  CHECK(left.missing() == 0);
  CHECK(left.complete == 3);
}

TEST_CASE("publications during the warm-up are in no figure", "[fan_out]") {
  FanOut fan_out = with_subscribers(1, 50ms);
  for (std::uint32_t sequence = 0; sequence < 10; ++sequence) {
    const Publication publication{9, sequence, sequence * 10ms};
    fan_out.publish(publication);
    if (sequence % 2 == 0) fan_out.deliver(0, publication, publication.due + 1ms);
    if (sequence % 2 == 0) fan_out.deliver(0, publication, publication.due + 1ms);
  }
  const FanOutMetrics all = result(fan_out);
  CHECK(all.published == 5);
  CHECK(all.delivered == 2);
  CHECK(all.duplicated == 2);
}

TEST_CASE("at the end of a run only what is complete counts before its time is over", "[fan_out]") {
  FanOut fan_out = with_subscribers(2);
  for (std::uint32_t sequence = 0; sequence < 2; ++sequence) fan_out.publish({9, sequence, 0ns});
  fan_out.deliver(0, {9, 0, 0ns}, 1ms);
  fan_out.deliver(1, {9, 0, 0ns}, 1ms);
  fan_out.deliver(0, {9, 1, 0ns}, 1ms);
  fan_out.hand_over(2ms, true);
  CHECK(fan_out.metrics().published == 1);
  CHECK(fan_out.metrics().complete == 1);
}

TEST_CASE("memory for publications is given back when their time is over", "[fan_out]") {
  FanOut fan_out = with_subscribers(2);
  for (std::uint32_t sequence = 0; sequence < 100'000; ++sequence) {
    const Publication publication{9, sequence, sequence * 1ms};
    fan_out.publish(publication);
    fan_out.deliver(0, publication, publication.due + 1ms);
    fan_out.deliver(1, publication, publication.due + 1ms);
    // Whoever is not asked for a whole hour still knows only the last second's.
    REQUIRE(fan_out.metrics().published + 1002 >= sequence);
  }
}

TEST_CASE("what several workers know adds up to what one would have known", "[fan_out]") {
  constexpr std::size_t workers = 3;
  constexpr std::uint64_t clients = 30;
  wsbench::Random random{5};
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  for (int round = 0; round < 20; ++round) {
    FanOut alone(timeout, 100ms, true);
    std::vector<FanOut> crew;
    for (std::size_t worker = 0; worker < workers; ++worker) crew.emplace_back(timeout, 100ms, false);
    FanOutJoin join(workers, timeout);
    const auto both = [&](std::uint64_t client, auto act) {
      act(alone);
      act(crew[client % workers]);
    };
    for (std::uint64_t client = 0; client < clients; ++client) {
      if (chance(80)) both(client, [&](FanOut& fan_out) { fan_out.subscribe(client, client * 1ms); });
    }
    for (std::uint32_t step = 1; step < 400; ++step) {
      const nanoseconds now = step * 10ms;
      const Publication publication{static_cast<std::uint32_t>(step % 2), step / 2, now};
      both(publication.publisher, [&](FanOut& fan_out) { fan_out.publish(publication); });
      for (std::uint64_t client = 0; client < clients; ++client) {
        const nanoseconds arrival = now + (random() % 9'000'000) * 1ns;
        if (chance(95)) both(client, [&](FanOut& fan_out) { fan_out.deliver(client, publication, arrival); });
      }
      const std::uint64_t client = random() % clients;
      if (chance(5)) both(client, [&](FanOut& fan_out) { fan_out.leave(client, now + 9ms); });
      if (chance(5)) both(client, [&](FanOut& fan_out) { fan_out.lose(client, now + 9ms); });
      if (chance(10)) both(client, [&](FanOut& fan_out) { fan_out.subscribe(client, now + 9ms); });
      if (step % 50 == 0) {
        for (std::size_t worker = 0; worker < workers; ++worker) join.add(worker, crew[worker].hand_over(now, false));
        join.settle();
      }
    }
    alone.hand_over(10s, true);
    FanOutMetrics together = join.metrics();
    for (std::size_t worker = 0; worker < workers; ++worker) join.add(worker, crew[worker].hand_over(10s, true));
    join.settle();
    together = join.metrics();
    for (const FanOut& each : crew) together.merge(each.metrics());
    CHECK(together.published == alone.metrics().published);
    CHECK(together == alone.metrics());
  }
}
