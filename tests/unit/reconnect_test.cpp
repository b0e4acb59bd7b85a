// When lost connections are made again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
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
