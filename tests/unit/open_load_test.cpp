// The open load on a virtual clock: due times, who takes them, and what becomes of those that nobody takes.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/run/open_load.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"
#include "support/pretended_run.hpp"
#include "support/pretended_wire.hpp"

using namespace std::chrono_literals;
using support::PretendedRun;
using support::PretendedWire;
using support::Written;

namespace {

wsbench::Scenario at_rate(double rate, std::chrono::nanoseconds duration, std::uint64_t clients = 4) {
  return {.name = "open", .clients = clients, .duration = duration, .pace = wsbench::rate(rate)};
}

std::chrono::nanoseconds largest(const wsbench::Histogram& histogram) {
  return histogram.max().value_or(0ns);
}

}  // namespace

TEST_CASE("an open load sends as many messages as it says, evenly over its users", "[open_load]") {
  PretendedRun run(at_rate(1000, 10s));
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().sent == 10'000);
  CHECK(run.metrics().messages().answered == 10'000);
  CHECK(run.metrics().not_sent == 0);
  for (const PretendedWire* wire : run.wires) CHECK(wire->handed_over == 2'500);
  CHECK(largest(run.metrics().schedule_lag) == 0ns);
}

TEST_CASE("a server that stops does not stop the load, and its stall is in the response times", "[open_load]") {
  // For 4 s of 20 nothing is answered; what was sent meanwhile is answered when it goes on.
  wsbench::Scenario scenario = at_rate(1000, 20s);
  scenario.timeout = 10s;
  PretendedRun run(scenario);
  run.converse = [&](PretendedWire& wire, const Written& message) {
    const std::chrono::nanoseconds now = run.clock.now();
    const bool stalled = now >= 5s && now < 9s;
    run.answer_after(stalled ? 9s - now + 1ms : 1ms, wire, message.payload);
  };
  run.run();
  run.end_open_load();
  const wsbench::MessageMetrics messages = run.metrics().messages();
  CHECK(messages.answered == 20'000);
  // percentile(p) = P - (1 - p) D: 4 s - 0.1 * 20 s = 2 s, and so on.
  const auto near = [](std::chrono::nanoseconds actual, std::chrono::nanoseconds expected) {
    return actual >= expected - 20ms && actual <= expected + 20ms;
  };
  CHECK(near(*messages.response_time.percentile(0.5), 1ms));
  CHECK(near(*messages.response_time.percentile(0.9), 2s));
  CHECK(near(*messages.response_time.percentile(0.95), 3s));
  CHECK(near(*messages.response_time.percentile(0.99), 3800ms));
  CHECK(near(*messages.response_time.percentile(0.999), 3980ms));
  CHECK(near(*messages.response_time.max(), 4s));
  CHECK(largest(run.metrics().schedule_lag) == 0ns);
}

TEST_CASE("a generator that gets no processor sends late, and says so", "[open_load]") {
  PretendedRun run(at_rate(1000, 2s));
  run.at(1s, [&] { run.freeze_until(1100ms); });
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().answered == 2'000);
  CHECK(largest(run.metrics().schedule_lag) >= 99ms);
  CHECK(largest(run.metrics().messages().response_time) >= 99ms);
  CHECK(largest(run.metrics().messages().service_time) <= 2ms);
}

TEST_CASE("messages whose time ran out while the generator got no processor were not sent", "[open_load]") {
  wsbench::Scenario scenario = at_rate(1000, 2s);
  scenario.timeout = 500ms;
  SECTION("until the load was over") {
    PretendedRun run(scenario);
    run.at(1s, [&] { run.freeze_until(4s); });
    run.run();
    run.end_open_load();
    CHECK(run.metrics().messages().sent + run.metrics().not_sent == 2'000);
    CHECK(run.metrics().not_sent >= 999);
  }
  SECTION("until users should have left") {
    scenario.clients = wsbench::stages({{4, 0s}, {4, 1s}, {1, 0s}, {1, 1s}});
    PretendedRun run(scenario);
    run.at(900ms, [&] { run.freeze_until(1900ms); });
    run.run();
    run.end_open_load();
    CHECK(run.metrics().messages().sent + run.metrics().not_sent == 2'000);
  }
}

TEST_CASE("the in-flight bound delays and does not drop, the due time stays, and the bound shows", "[open_load]") {
  wsbench::Scenario scenario = at_rate(1000, 2s, 1);
  scenario.in_flight = 10;
  scenario.timeout = 10s;
  PretendedRun run(scenario);
  run.converse = [&](PretendedWire& wire, const Written& message) {
    const std::chrono::nanoseconds now = run.clock.now();
    run.answer_after(now < 1s ? 1s - now + 1ms : 1us, wire, message.payload);
  };
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().answered == 2'000);
  CHECK(run.metrics().not_sent == 0);
  CHECK(run.metrics().held_by_in_flight > 0);
  CHECK(largest(run.metrics().messages().response_time) >= 980ms);
  // The server made them wait, not the generator.
  CHECK(largest(run.metrics().schedule_lag) <= 10ms);
}

TEST_CASE("messages that nobody can take until the end and its timeout were not sent", "[open_load]") {
  wsbench::Scenario scenario = at_rate(100, 2s, 1);
  scenario.in_flight = 5;
  scenario.timeout = 3s;
  PretendedRun run(scenario);
  run.converse = [](PretendedWire&, const Written&) {};
  run.run();
  run.end_open_load();
  const wsbench::MessageMetrics messages = run.metrics().messages();
  CHECK(messages.answered == 0);
  CHECK(messages.sent + run.metrics().not_sent == 200);
  CHECK(messages.failed == messages.sent);
  CHECK(run.metrics().not_sent > 0);
}

TEST_CASE("users that are lost leave their messages to the others", "[open_load]") {
  PretendedRun run(at_rate(1000, 2s));
  run.at(1s, [&] { run.wires.front()->end({wsbench::Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().sent == 2'000);
  CHECK(run.metrics().messages().answered + run.metrics().messages().failed == 2'000);
  CHECK(run.metrics().failures.count(wsbench::Failure::reset) == 1);
}

TEST_CASE("with nobody left, the rest of the load was not sent", "[open_load]") {
  PretendedRun run(at_rate(1000, 2s, 1));
  run.at(1s + 500us, [&] { run.wires.front()->end({wsbench::Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().sent + run.metrics().not_sent == 2'000);
  CHECK(run.metrics().not_sent == 999);
}

TEST_CASE("behaviours that wait for their answers take turns late, with the due time kept", "[open_load]") {
  wsbench::Scenario scenario = at_rate(1000, 1s, 2);
  scenario.timeout = 10s;
  scenario.behaviour = [](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) co_await user.request("ask", "hello");
  };
  PretendedRun run(scenario);
  run.answer_time = 4ms;  // two users can ask 500 times a second
  run.run();
  run.end_open_load();
  const wsbench::MessageMetrics messages = run.metrics().messages();
  CHECK(messages.answered == 1'000);
  CHECK(largest(messages.response_time) >= 900ms);
  CHECK(largest(messages.service_time) <= 5ms);
  CHECK(largest(run.metrics().schedule_lag) <= 1ms);  // they waited for the server
}

TEST_CASE("the warm-up is recorded apart and is in no figure", "[open_load]") {
  wsbench::Scenario scenario = at_rate(1000, 3s);
  scenario.warm_up = 1s;
  scenario.timeout = 50ms;
  PretendedRun run(scenario);
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (run.clock.now() > 500ms) run.answer_after(run.clock.now() < 1s ? 30ms : 1ms, wire, message.payload);
  };
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().sent == 2'000);
  CHECK(run.metrics().messages().answered == 2'000);
  CHECK(run.metrics().failures.total() == 0);
  CHECK(largest(run.metrics().messages().response_time) <= 2ms);
  const wsbench::MessageMetrics before = run.warm_up.snapshot().messages();
  CHECK(before.sent == 1'000);
  CHECK(before.failed >= 499);
}

TEST_CASE("what was due during the warm-up and not sent is recorded apart too", "[open_load]") {
  const auto lose_all = [](PretendedRun& run) {
    run.at(500ms + 1ns, [&run] {
      for (PretendedWire* wire : run.wires) wire->end({wsbench::Failure::reset, 0, "the server reset the connection"});
    });
    run.run();
    run.end_open_load();
  };
  SECTION("in an open load, of which nobody is left") {
    wsbench::Scenario scenario = at_rate(1000, 3s);
    scenario.warm_up = 1s;
    PretendedRun run(scenario);
    lose_all(run);
    CHECK(run.warm_up.snapshot().messages().sent == 501);
    CHECK(run.warm_up.snapshot().not_sent == 499);
    CHECK(run.metrics().not_sent == 2'000);
    CHECK(run.metrics().overrun == 0);
  }
  SECTION("in a closed loop") {
    PretendedRun run({.name = "closed", .clients = 2, .duration = 3s, .warm_up = 1s, .pace = wsbench::think(10ms)});
    run.answer_time = 0ns;
    lose_all(run);
    CHECK(run.warm_up.snapshot().messages().sent + run.warm_up.snapshot().not_sent == 198);
    CHECK(run.metrics().not_sent == 400);
  }
}

TEST_CASE("what a generator without a processor did not send although users were free makes the run invalid", "[open_load]") {
  wsbench::Scenario scenario = at_rate(1000, 1s);
  scenario.timeout = 100ms;
  PretendedRun run(scenario);
  run.at(500ms + 1ns, [&] { run.freeze_until(5s); });
  run.run();
  run.end_open_load();
  CHECK(run.metrics().messages().sent == 501);
  CHECK(run.metrics().not_sent == 499);
  CHECK(run.metrics().overrun == 499);
  const std::vector<std::string> because = run.report().invalid_because();
  CHECK(std::any_of(because.begin(), because.end(), [](const std::string& line) {
    return line.starts_with("generator-limited: 499 of 1,000 messages were not sent though users were free");
  }));
}

TEST_CASE("an open load says when it becomes dense and when it no longer is", "[open_load]") {
  const auto told_at = [](double rate) {
    PretendedRun run(at_rate(rate, 1s, 100));
    std::vector<bool> told;
    run.open_load->on_density([&](bool dense) { told.push_back(dense); });
    run.converse = [&](PretendedWire& wire, const Written& message) { run.answer_after(20us, wire, message.payload); };
    run.run();
    run.end_open_load();
    CHECK(run.metrics().messages().answered == static_cast<std::uint64_t>(rate));
    CHECK(largest(run.metrics().schedule_lag) == 0ns);
    return told;
  };
  CHECK(told_at(20'000) == std::vector{true, false});
  CHECK(told_at(5'000).empty());
}

TEST_CASE("clients in stages leave when the course says so", "[open_load]") {
  PretendedRun run({.name = "stages", .clients = wsbench::stages({{4, 0s}, {4, 1s}, {2, 0s}, {2, 1s}}), .pace = wsbench::think(10ms)});
  run.run_until(900ms);
  CHECK(run.metrics().connections.open == 4);
  run.run_until(1500ms);
  CHECK(run.metrics().connections.open == 2);
  run.run();
  CHECK(run.metrics().connections.open == 0);
  CHECK(run.clock.now() < 2100ms);
}

TEST_CASE("in a closed loop several messages may be under way, and no more than the bound", "[open_load]") {
  PretendedRun run({.name = "pipelined", .clients = 1, .messages = 1'000, .pace = wsbench::flat_out(), .in_flight = 16});
  run.answer_time = 10ms;
  run.run();
  CHECK(run.metrics().messages().answered == 1'000);
  // 16 each 10 ms: 63 rounds.
  CHECK(run.clock.now() >= 620ms);
  CHECK(run.clock.now() <= 700ms);
}

TEST_CASE("an hour of open load costs no more memory than a minute", "[open_load][exhaustive]") {
  const auto memory_after = [](std::chrono::nanoseconds length) {
    PretendedRun run(at_rate(20, length));
    run.run(2h);
    run.end_open_load();
    CHECK(run.metrics().messages().answered == static_cast<std::uint64_t>(length / 50ms));
    return run.metrics().messages().response_time.capacity_bytes();
  };
  CHECK(memory_after(1h) == memory_after(1min));
}
