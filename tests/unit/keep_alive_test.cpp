// Pings on a schedule beside whatever a user does.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <wsbench/run/client.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"
#include "support/pretended_run.hpp"
#include "support/pretended_wire.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::PretendedRun;
using support::PretendedWire;
using support::Written;
using wsbench::Failure;
using wsbench::Options;
using wsbench::Scenario;
using wsbench::Session;
using wsbench::Task;

namespace {

// When the pings of a client were written.
std::vector<nanoseconds>& note_pings(PretendedRun& run, std::vector<nanoseconds>& times, std::size_t client = 0) {
  run.wire(client).on_ping = [&run, &times, answer = run.wire(client).on_ping](PretendedWire& wire, const std::string& payload) {
    times.push_back(run.clock.now());
    answer(wire, payload);
  };
  return times;
}

Scenario one_listener(nanoseconds duration) {
  return {.clients = 1, .duration = duration, .behaviour = wsbench::hold()};
}

Task ping_now_and_then(Session& user) {
  while (!user.stopping()) {
    co_await user.pause(290ms);
    user.check("pong", static_cast<bool>(co_await user.ping()));
  }
}

}  // namespace

TEST_CASE("no pings unless they are asked for", "[keep_alive]") {
  PretendedRun run(one_listener(100s));
  run.run();
  CHECK(run.metrics().pings.sent == 0);
  CHECK(run.metrics().failures.total() == 0);
}

TEST_CASE("a connection is pinged on a schedule from when it was opened, and its pongs are timed", "[keep_alive]") {
  PretendedRun run(one_listener(3500ms), {.ping_every = 1s});
  run.connect_time = 200ms;
  run.answer_time = 30ms;
  std::vector<nanoseconds> times;
  note_pings(run, times);
  run.run();
  CHECK(times == std::vector<nanoseconds>{1200ms, 2200ms, 3200ms});
  CHECK(run.metrics().pings.sent == 3);
  CHECK(run.metrics().pings.answered == 3);
  CHECK(run.metrics().pings.failed == 0);
  CHECK(run.metrics().pings.round_trip.min() == nanoseconds{30ms});
  CHECK(run.metrics().pings.round_trip.max() == nanoseconds{30ms});
  CHECK(run.metrics().failures.total() == 0);
}

TEST_CASE("a connection whose ping is not answered by its deadline is lost", "[keep_alive]") {
  PretendedRun run({.clients = 2, .messages = 3, .pace = wsbench::think(10s), .timeout = 1h}, {.ping_every = 1s, .ping_timeout = 300ms});
  run.wire(0).on_ping = {};
  run.converse = [&run](PretendedWire& from, const Written& message) {
    if (&from != &run.wire(0)) run.answer_after(1ms, from, message.payload);
  };
  run.run_until(11s + 299ms);
  CHECK(run.wire(0).is_open() == false);
  CHECK(run.wire(1).is_open());
  CHECK(run.metrics().failures.count(Failure::ping_timeout) == 1);
  const wsbench::FailureCount lost = run.metrics().failures.by_count().front();
  CHECK(lost.first_at == 1300ms);
  CHECK(lost.sample == "client 0: no pong within 300 ms");
  run.run();
  CHECK(run.metrics().failures.total() == 1);
  CHECK(run.metrics().pings.failed == 1);
  CHECK(run.metrics().pings.sent == run.metrics().pings.answered + 1);
  CHECK(run.metrics().not_sent == 3);
  CHECK(run.messages().answered == 3);
}

TEST_CASE("what was in flight when a pong was missed has failed", "[keep_alive]") {
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 1h}, {.ping_every = 1s, .ping_timeout = 300ms});
  run.pongs = false;
  run.converse = [](PretendedWire&, const Written&) {};
  run.run();
  CHECK(run.clock.now() == 1300ms);
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().failures.count(Failure::ping_timeout) == run.metrics().failures.total());
}

TEST_CASE("a pong that arrived in time is in time, and one at its deadline is not", "[keep_alive]") {
  const auto [pong_time, lost] = GENERATE(table<nanoseconds, std::uint64_t>({{299ms, 0}, {301ms, 1}}));
  PretendedRun run(one_listener(1900ms), {.ping_every = 1s, .ping_timeout = 300ms});
  run.answer_time = pong_time;
  run.run();
  CHECK(run.metrics().failures.count(Failure::ping_timeout) == lost);
  CHECK(run.metrics().pings.answered == 1 - lost);
}

TEST_CASE("a pong that takes longer than the schedule keeps the next ping waiting", "[keep_alive]") {
  PretendedRun run(one_listener(6s), {.ping_every = 1s, .ping_timeout = 5s});
  run.answer_time = 1700ms;
  std::vector<nanoseconds> times;
  note_pings(run, times);
  run.run();
  CHECK(times == std::vector<nanoseconds>{1s, 2700ms, 4400ms});
}

TEST_CASE("pings go out in any pace", "[keep_alive]") {
  const wsbench::Pace pace = GENERATE(wsbench::think(70ms), wsbench::flat_out(), wsbench::rate(20));
  PretendedRun run({.clients = 3, .duration = 10s, .pace = pace}, {.ping_every = 1s, .ping_timeout = 100ms});
  SECTION("that are answered") {
    run.run();
    CHECK(run.metrics().pings.sent == 3 * 9);
    CHECK(run.metrics().pings.answered == 3 * 9);
    CHECK(run.metrics().failures.total() == 0);
    CHECK(run.metrics().not_sent == 0);
  }
  SECTION("that are not") {
    run.pongs = false;
    run.run();
    run.end_open_load();
    CHECK(run.clock.now() < 2s);
    CHECK(run.metrics().failures.count(Failure::ping_timeout) == 3);
    CHECK(run.metrics().failures.total() == 3);
    CHECK(run.metrics().pings.failed == 3);
    CHECK(run.metrics().not_sent > 0);
  }
}

TEST_CASE("pings change nothing in what a user says, and when", "[keep_alive]") {
  const wsbench::Pace pace = GENERATE(wsbench::think(70ms), wsbench::rate(20));
  std::vector<std::vector<nanoseconds>> sent;
  for (const nanoseconds every : {nanoseconds{0}, nanoseconds{13ms}}) {
    PretendedRun run({.clients = 1, .duration = 2s, .pace = pace}, {.ping_every = every});
    run.answer_time = 7ms;
    run.run();
    std::vector<nanoseconds>& times = sent.emplace_back();
    for (const Written& message : run.wire().read) times.push_back(message.at);
  }
  REQUIRE_FALSE(sent[0].empty());
  CHECK(sent[0] == sent[1]);
}

TEST_CASE("a behaviour's own pings are told from these", "[keep_alive]") {
  PretendedRun run({.clients = 1, .duration = 1s, .behaviour = wsbench::Behaviour{ping_now_and_then}.endless()}, {.ping_every = 300ms});
  run.answer_time = 20ms;
  run.run();
  // At 290 and 300 ms the first ping of each is written: both are in flight at once.
  CHECK(run.metrics().pings.sent == 3 + 4);
  CHECK(run.metrics().pings.answered == run.metrics().pings.sent);
  CHECK(run.metrics().pings.round_trip.max() == nanoseconds{20ms});
  CHECK(run.metrics().pings.round_trip.min() == nanoseconds{20ms});
  CHECK(run.metrics().failures.total() == 0);
}

TEST_CASE("a pong of an old connection is not one of the new", "[keep_alive]") {
  const auto leaves = [](Session& user) -> Task {
    co_await user.pause(1100ms);
    user.check("back", co_await user.reconnect());
    while (user.connected() && !user.stopping()) co_await user.pause(1s);
  };
  PretendedRun run({.clients = 1, .duration = 3s, .behaviour = wsbench::Behaviour{leaves}.endless()},
                   {.ping_every = 1s, .ping_timeout = 300ms});
  std::vector<std::string> payloads;
  run.wire().on_ping = [&payloads](PretendedWire&, const std::string& payload) { payloads.push_back(payload); };
  // The first is in flight when the user leaves; its pong comes on the new connection.
  run.at(2200ms, [&run, &payloads] { run.wire().deliver_pong(payloads.front()); });
  run.run();
  REQUIRE(payloads.size() == 2);
  CHECK(payloads[0] != payloads[1]);
  CHECK(run.metrics().pings.sent == 2);
  CHECK(run.metrics().pings.failed == 2);
  CHECK(run.metrics().failures.count(Failure::ping_timeout) == 1);
  CHECK(run.metrics().failures.total() == 1);
}

TEST_CASE("a closing handshake is not pinged, and has its own deadline", "[keep_alive]") {
  std::uint64_t pings = 0;
  const auto closes = [](Session& user) -> Task {
    co_await user.pause(900ms);
    user.close();
    co_await user.pause(1min);
  };
  SECTION("when the user is through") {
    PretendedRun run({.clients = 1, .messages = 1}, {.close_timeout = 5s, .ping_every = 1s, .ping_timeout = 300ms});
    run.closes_back = false;
    run.run();
    CHECK(run.clock.now() >= 5s);
    pings = run.metrics().pings.sent;
  }
  SECTION("when the behaviour closes") {
    PretendedRun run({.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{closes}},
                     {.close_timeout = 5s, .ping_every = 1s, .ping_timeout = 300ms});
    run.closes_back = false;
    run.run();
    CHECK(run.metrics().failures.total() == 0);
    pings = run.metrics().pings.sent;
  }
  CHECK(pings == 0);
}

TEST_CASE("a pong that comes during the closing handshake is counted, and no ping follows it", "[keep_alive]") {
  PretendedRun run({.clients = 1, .messages = 1}, {.close_timeout = 5s, .ping_every = 1s, .ping_timeout = 300ms});
  run.closes_back = false;
  run.answer_time = 100ms;
  run.converse = [&run](PretendedWire& from, const Written& message) { run.answer_after(1050ms, from, message.payload); };
  run.run();
  CHECK(run.metrics().pings.sent == 1);
  CHECK(run.metrics().pings.answered == 1);
}

TEST_CASE("pings end with a connection that fell out of step, and begin again with the next", "[keep_alive]") {
  const auto asks = [](Session& user) -> Task {
    while (co_await user.turn()) co_await user.request("ask", "question");
  };
  PretendedRun run({.clients = 1, .messages = 2, .timeout = 1150ms, .behaviour = wsbench::Behaviour{asks}},
                   {.ping_every = 1s, .ping_timeout = 300ms});
  run.connect_time = 500ms;
  run.answer_time = 200ms;
  std::vector<nanoseconds> times;
  note_pings(run, times);
  run.converse = [](PretendedWire&, const Written&) {};
  run.run();
  CHECK(times == std::vector<nanoseconds>{1500ms, 3150ms});
  CHECK(run.metrics().pings.failed == 2);
  CHECK(run.metrics().failures.count(Failure::timeout) == run.metrics().failures.total());
}

TEST_CASE("pings go on while answers are awaited after the behaviour has ended", "[keep_alive]") {
  const auto asks = [](Session& user) -> Task {
    user.post("ask", "question");
    co_return;
  };
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 5s, .behaviour = wsbench::Behaviour{asks}}, {.ping_every = 1s});
  run.answer_time = 10ms;
  run.converse = [&run](PretendedWire& from, const Written& message) { run.answer_after(2500ms, from, message.payload); };
  run.run();
  CHECK(run.messages().answered == 1);
  CHECK(run.metrics().pings.sent == 2);
  CHECK(run.metrics().pings.answered == 2);
}

TEST_CASE("a server that reads nothing is given up by the pong it does not send", "[keep_alive]") {
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 1h}, {.ping_every = 1s, .ping_timeout = 300ms});
  run.wire().reads = false;
  run.pongs = false;
  run.run();
  CHECK(run.clock.now() == 1300ms);
  CHECK(run.metrics().failures.count(Failure::ping_timeout) == 1);
  CHECK(run.metrics().failures.total() == 1);
}
