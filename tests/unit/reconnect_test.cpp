// When lost connections are made again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <wsbench/run/back_off.hpp>
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
using wsbench::Session;
using wsbench::Task;
using wsbench::detail::BackOff;

namespace {

const wsbench::detail::Ending refused{Failure::refused, 0, "nobody listens"};
const wsbench::detail::Ending reset{Failure::reset, 0, "the server reset the connection"};

// How long a client waits before each of so many attempts in a row that all fail at once.
std::vector<nanoseconds> waits(const Options& options, std::uint64_t client, int attempts) {
  BackOff back_off(options, client);
  std::vector<nanoseconds> all;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const nanoseconds now{attempt * 1s};
    back_off.failed(options, now);
    all.push_back(back_off.next() - now);
  }
  return all;
}

// The server is away from `from` until `to`: it resets what is open then, and refuses what comes.
void away(PretendedRun& run, nanoseconds from, nanoseconds to, std::vector<nanoseconds>* attempts = nullptr, std::size_t client = 0) {
  run.at(from, [&run, client] { run.wire(client).end(reset); });
  run.wire(client).on_opening = [&run, from, to, attempts, accept = run.wire(client).on_opening](PretendedWire& wire) {
    const nanoseconds now = run.clock.now();
    if (now < from) return accept(wire);
    if (attempts != nullptr) attempts->push_back(now);
    if (now >= to) return accept(wire);
    run.at(now, [&wire] { wire.end(refused); });
  };
}

Task persist(Session& user) {
  for (;;) {
    while (co_await user.turn()) co_await user.request("say", "hello");
    while (!user.stopping() && !user.connected()) co_await user.reconnect();
    if (user.stopping()) break;
  }
}

}  // namespace

TEST_CASE("each wait is between half of what doubles up to the cap and the whole of it", "[reconnect]") {
  const Options options{.reconnect_delay = 100ms, .reconnect_delay_max = 1500ms};
  for (std::uint64_t client = 0; client < 200; ++client) {
    nanoseconds whole = 100ms;
    for (const nanoseconds wait : waits(options, client, 8)) {
      CAPTURE(client, wait.count(), whole.count());
      REQUIRE(wait >= whole / 2);
      REQUIRE(wait <= whole);
      whole = std::min<nanoseconds>(2 * whole, 1500ms);
    }
  }
}

TEST_CASE("the waits of many clients are spread over the whole of that half", "[reconnect]") {
  const Options options{.reconnect_delay = 100ms};
  std::vector<int> tenths(10);
  for (std::uint64_t client = 0; client < 1000; ++client) {
    const nanoseconds wait = waits(options, client, 1).front();
    ++tenths[static_cast<std::size_t>(std::min<std::int64_t>((wait - 50ms) / 5ms, 9))];
  }
  for (const int count : tenths) CHECK(count > 60);
}

TEST_CASE("the same seed and client make the same waits, others do not", "[reconnect]") {
  CHECK(waits({.seed = 7}, 3, 10) == waits({.seed = 7}, 3, 10));
  CHECK(waits({.seed = 7}, 3, 10) != waits({.seed = 8}, 3, 10));
  CHECK(waits({.seed = 7}, 3, 10) != waits({.seed = 7}, 4, 10));
}

TEST_CASE("a wait of a year doubles no further", "[reconnect]") {
  const nanoseconds year = std::chrono::hours{24 * 366};
  for (const nanoseconds wait : waits({.reconnect_delay = year / 2 + 1ns, .reconnect_delay_max = year}, 0, 100)) {
    CHECK(wait > 0ns);
    CHECK(wait <= year);
  }
}

TEST_CASE("a connection that lasted starts over, one that did not goes on", "[reconnect]") {
  const Options options{.reconnect_delay = 100ms, .reconnect_delay_max = 10s};
  const auto [open_for, longest] = GENERATE(table<nanoseconds, nanoseconds>({{10s, 100ms}, {10s - 1ns, 800ms}}));
  BackOff back_off(options, 0);
  for (const nanoseconds now : {1s, 2s, 3s}) back_off.failed(options, now);
  back_off.opened(4s);
  back_off.failed(options, 4s + open_for);
  CHECK(back_off.next() - (4s + open_for) <= longest);
  CHECK(back_off.next() - (4s + open_for) >= longest / 2);
  // The same connection counts once.
  back_off.failed(options, 100s);
  CHECK(back_off.next() - 100s >= longest);
}

TEST_CASE("a behaviour that connects again in a loop waits ever longer, up to the cap", "[reconnect]") {
  PretendedRun run({.clients = 1, .duration = 20s, .pace = wsbench::think(10ms), .behaviour = wsbench::Behaviour{persist}},
                   {.reconnect_delay = 100ms, .reconnect_delay_max = 1s});
  std::vector<nanoseconds> attempts;
  away(run, 1s, 10s, &attempts);
  run.run();
  REQUIRE(attempts.size() > 8);
  nanoseconds last = 1s;
  nanoseconds whole = 100ms;
  for (const nanoseconds attempt : attempts) {
    CAPTURE(attempt.count(), last.count(), whole.count());
    CHECK(attempt - last >= whole / 2);
    CHECK(attempt - last <= whole);
    last = attempt;
    whole = std::min<nanoseconds>(2 * whole, 1s);
  }
  CHECK(attempts.size() < 25);
  const wsbench::ConnectionMetrics connections = run.metrics().connections;
  CHECK(connections.attempted == 1);
  CHECK(connections.failed == 0);
  CHECK(connections.reconnects_attempted == attempts.size());
  CHECK(connections.reconnects_failed == attempts.size() - 1);
  CHECK(connections.reconnected == 1);
  CHECK(run.metrics().failures.count(Failure::refused) == attempts.size() - 1);
  CHECK(run.metrics().failures.count(Failure::reset) == 1);
}

TEST_CASE("a behaviour that closes and connects again of its own will does not wait longer each time", "[reconnect]") {
  const auto comes_and_goes = [](Session& user) -> Task {
    for (int visit = 0; visit < 10; ++visit) user.check("back", co_await user.reconnect());
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{comes_and_goes}}, {.reconnect_delay = 200ms});
  run.run();
  CHECK(run.clock.now() >= 10 * 200ms);
  CHECK(run.clock.now() < 10 * 200ms + 10ms);
  CHECK(run.metrics().connections.reconnects_attempted == 10);
  CHECK(run.metrics().connections.reconnected == 10);
}

namespace {

// Says hello in each conversation, then talks.
Task greet_and_talk(Session& user) {
  co_await user.request("hello", "hello");
  while (co_await user.turn()) co_await user.request("say", "hello");
}

wsbench::Scenario talk(nanoseconds duration) {
  return {
      .clients = 1, .duration = duration, .pace = wsbench::think(100ms), .timeout = 1s, .behaviour = wsbench::Behaviour{greet_and_talk}};
}

std::uint64_t answered(PretendedRun& run, const std::string& label) {
  return run.collector.snapshot().entry_of(label).messages.answered;
}

}  // namespace

TEST_CASE("with attempts allowed, a lost conversation begins anew on another connection", "[reconnect]") {
  PretendedRun run(talk(20s), {.reconnect_attempts = 100, .reconnect_delay = 100ms, .reconnect_delay_max = 1s});
  std::vector<nanoseconds> attempts;
  away(run, 5s, 8s, &attempts);
  run.at(15s, [&run] { run.wire().end(reset); });
  run.run();
  const wsbench::Metrics metrics = run.metrics();
  CHECK(metrics.connections.reconnected == 2);
  CHECK(metrics.connections.reconnects_failed == attempts.size() - 2);
  CHECK(metrics.failures.count(Failure::reset) == 2);
  CHECK(answered(run, "hello") == 3);
  CHECK(answered(run, "say") > 100);
  CHECK(metrics.not_sent == 0);
  CHECK(run.clock.now() >= 20s);
  CHECK(run.clock.now() < 21s);
}

TEST_CASE("without, whoever loses the connection leaves, and what was planned is not sent", "[reconnect]") {
  PretendedRun run(talk(20s));
  away(run, 5s, 8s);
  run.run();
  CHECK(run.metrics().connections.reconnects_attempted == 0);
  CHECK(answered(run, "hello") == 1);
  CHECK(run.metrics().not_sent > 140);
}

TEST_CASE("the attempts are counted in a row, and then the user leaves", "[reconnect]") {
  PretendedRun run(talk(60s), {.reconnect_attempts = 3, .reconnect_delay = 100ms, .reconnect_delay_max = 1s});
  std::vector<nanoseconds> attempts;
  run.at(2s, [&run] { run.wire().end(reset); });  // comes back at once
  run.at(4s, [&run] { run.wire().end(reset); });
  away(run, 6s, 50s, &attempts);
  run.run();
  CHECK(attempts.size() == 3);
  CHECK(run.metrics().connections.reconnected == 2);
  CHECK(run.metrics().connections.reconnects_failed == 3);
  CHECK(answered(run, "hello") == 3);
  CHECK(run.metrics().not_sent > 500);  // of the rest of the minute
  CHECK(run.clock.now() < 10s);
}

TEST_CASE("when the load is over, nobody connects again any more", "[reconnect]") {
  PretendedRun run(talk(5s), {.reconnect_attempts = 100, .reconnect_delay = 100ms, .reconnect_delay_max = 400ms});
  std::vector<nanoseconds> attempts;
  away(run, 3s, 50s, &attempts);
  run.run();
  CHECK(attempts.size() >= 4);
  CHECK(attempts.back() < 5s);
  CHECK(run.clock.now() >= 5s);
  CHECK(run.clock.now() < 5500ms);
  CHECK(run.metrics().not_sent >= 19);
  CHECK(run.metrics().not_sent <= 21);
}

TEST_CASE("messages that were counted go on being counted in the next conversation", "[reconnect]") {
  wsbench::Scenario scenario = talk(0s);
  scenario.messages = 50;
  PretendedRun run(scenario, {.reconnect_attempts = 1, .reconnect_delay = 100ms});
  run.at(2s, [&run] { run.wire().end(reset); });
  run.run();
  CHECK(answered(run, "say") == 50);
  CHECK(answered(run, "hello") == 2);
  CHECK(run.metrics().not_sent == 0);
}

TEST_CASE("who closes the connection, has said all, or threw does not begin anew", "[reconnect]") {
  const auto leave = [](Session& user) -> Task {
    co_await user.turn();
    user.close();
    co_await user.pause(1s);
  };
  const auto ends_early = [](Session& user) -> Task { co_await user.request("hello", "hello"); };
  const auto throws_at_loss = [](Session& user) -> Task {
    while (co_await user.turn()) co_await user.request("say", "hello");
    throw std::runtime_error("no more");
  };
  const auto [behaviour, failures] = GENERATE_COPY(table<wsbench::Behaviour, std::uint64_t>(
      {{wsbench::Behaviour{leave}, 0}, {wsbench::Behaviour{ends_early}, 0}, {wsbench::Behaviour{throws_at_loss}, 2}}));
  PretendedRun run({.clients = 1, .duration = 10s, .pace = wsbench::think(100ms), .behaviour = behaviour}, {.reconnect_attempts = 100});
  run.at(5s, [&run] { run.wire().end(reset); });
  run.run();
  CHECK(run.metrics().connections.reconnects_attempted == 0);
  CHECK(run.metrics().failures.total() == failures);
}

TEST_CASE("a user that only stays comes back at once and not at its next look", "[reconnect]") {
  PretendedRun run({.clients = 1, .duration = 200s, .behaviour = wsbench::hold(60s)}, {.reconnect_attempts = 5, .reconnect_delay = 100ms});
  run.at(10s, [&run] { run.wire().end(reset); });
  run.run_until(11s);
  CHECK(run.metrics().connections.reconnected == 1);
  CHECK(run.wire().is_open());
  run.run();
  CHECK(run.metrics().pings.answered >= 3);
}

TEST_CASE("in an open load a user that is away leaves its turns to the others and takes them again", "[reconnect]") {
  PretendedRun run({.clients = 2, .duration = 10s, .pace = wsbench::rate(100), .behaviour = wsbench::Behaviour{greet_and_talk}},
                   {.reconnect_attempts = 100, .reconnect_delay = 100ms, .reconnect_delay_max = 100ms});
  away(run, 2s, 5s, nullptr, 1);
  run.run();
  run.end_open_load();
  CHECK(run.metrics().connections.reconnected == 1);
  CHECK(run.metrics().not_sent == 0);
  CHECK(answered(run, "hello") == 3);
  CHECK(run.wire(1).handed_over > 300);
}
