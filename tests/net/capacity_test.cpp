// Searches for a capacity against servers that have one, and servers that are lost.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/capacity.hpp>
#include <wsbench/report/capacity_text.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/misbehaving_server.hpp"

using namespace std::chrono_literals;
using wsbench::Capacity;
using wsbench::CapacityOptions;
using wsbench::CapacityReport;
using wsbench::CapacityStep;
using wsbench::CapacityUnit;
using wsbench::EchoServer;
using wsbench::Scenario;
using wsbench::StepOutcome;

namespace {

namespace metric = wsbench::metric;

// Steps as short as they can be: what they show is certain.
CapacityOptions brief(CapacityOptions options) {
  options.step = 200ms;
  options.settle = 50ms;
  options.pause = 1ms;
  return options;
}

const Scenario answered{.name = "answered", .clients = 2, .pace = wsbench::flat_out(), .expect = {metric::success_rate > 0.99}};

std::string problem_of(const Scenario& scenario, const CapacityOptions& search) {
  try {
    Capacity("ws://127.0.0.1:9", scenario, search).validate();
  } catch (const wsbench::Error& error) {
    return error.member();
  }
  return "none";
}

}  // namespace

TEST_CASE("a rate is raised over the clients of the scenario", "[net][capacity]") {
  const EchoServer server;
  const Capacity search(server.url(), answered, brief({.by = CapacityUnit::rate, .limits = {.from = 50, .to = 100}}));
  CapacityReport found = search.run();
  // A machine that is too busy for it is told of, and says nothing about the server.
  for (int attempt = 1; attempt < 3 && found.interval.generator_limit; ++attempt) found = search.run();
  INFO(found);
  for (const CapacityStep& step : found.steps) {
    CHECK(step.report.record().configuration.pace == wsbench::rate(step.load));
    CHECK(step.report.record().configuration.clients == 2);
  }
  if (found.interval.generator_limit) return;
  CHECK(found.interval.at_least == 100);
  CHECK_FALSE(found.interval.below);
  CHECK(found.interval.confirmed);
}

TEST_CASE("a server that is lost is waited for, and the search goes on", "[net][capacity]") {
  std::optional<EchoServer> server{std::in_place};
  const std::uint16_t port = server->port();
  CapacityOptions search = brief({.limits = {.from = 2, .to = 8}});
  search.patience = 20s;
  std::uint64_t lost = 0;
  search.on_step = [&](const CapacityStep& step) {
    if (step.load == 4 && lost == 0) server.reset();
    if (!step.server_lost) return;
    ++lost;
    CHECK(step.outcome == StepOutcome::missed);
    server.emplace(EchoServer::Options{.port = port});
  };
  const CapacityReport found = Capacity("ws://127.0.0.1:" + std::to_string(port), answered, search).run();
  INFO(found);
  CHECK(lost == 1);
  // What missed once was tried again, and held.
  CHECK(found.interval.at_least == 8);
  CHECK_FALSE(found.interval.below);
  CHECK(found.ended_because.empty());
}

TEST_CASE("a server that stays away ends the search with what is known", "[net][capacity]") {
  std::optional<EchoServer> server{std::in_place};
  CapacityOptions search = brief({.limits = {.from = 2}});
  search.patience = 100ms;
  search.on_step = [&](const CapacityStep& step) {
    if (step.load == 4) server.reset();
  };
  const CapacityReport found = Capacity(server->url(), answered, search).run();
  INFO(found);
  CHECK(found.ended_because == "the server was lost at 8 clients and did not come back");
  CHECK(found.interval.at_least == 4);
  CHECK(found.interval.below == 8);
  CHECK_FALSE(found.interval.confirmed);
  CHECK(found.steps.back().why == "the server was lost: it accepts no connection");
  CHECK(to_text(found).find("ended     early: the server was lost at 8 clients") != std::string::npos);
}

TEST_CASE("a search ends when it is told to, and when its time is over", "[net][capacity]") {
  const EchoServer server;
  CapacityOptions search = brief({.limits = {.from = 2}});
  std::string because;
  bool told_to = false;
  std::uint64_t steps = 0;
  SECTION("told to") {
    search.on_step = [&](const CapacityStep&) { ++steps; };
    search.stopped = [&] { return steps == 2; };
    because = "it was stopped";
    told_to = true;
  }
  SECTION("time") {
    search.time = 1ns;
    because = "its time of 1ns was over";
  }
  const CapacityReport found = Capacity(server.url(), answered, search).run();
  CHECK(found.ended_because == because);
  CHECK(found.steps.size() <= 2);
  CHECK(found.stopped == told_to);
}

TEST_CASE("a behaviour that throws ends the search, whose steps are kept", "[net][capacity]") {
  const EchoServer server;
  CapacityOptions search = brief({.limits = {.from = 2}});
  std::atomic<bool> faulty{false};
  search.on_step = [&](const CapacityStep&) { faulty = true; };
  Scenario scenario = answered;
  const auto throwing = [&faulty](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      co_await user.request("say", "hello");
      if (faulty) throw std::runtime_error("no");
    }
  };
  scenario.behaviour = wsbench::Behaviour{throwing};
  const CapacityReport found = Capacity(server.url(), scenario, search).run();
  INFO(found);
  REQUIRE(found.steps.size() == 2);
  CHECK(found.steps.back().outcome == StepOutcome::behaviour_threw);
  CHECK(found.interval.at_least == 2);
  CHECK_FALSE(found.interval.below);
  CHECK(found.verdict() == wsbench::Verdict::invalid);
  CHECK(found.ended_because.starts_with("the behaviour threw "));
}

TEST_CASE("where nobody ever was, nobody is waited for", "[net][capacity]") {
  const support::BoundSocket nobody;
  const CapacityReport found = Capacity(nobody.url(), answered, brief({})).run();
  INFO(found);
  CHECK(found.steps.size() == 1);
  CHECK(found.verdict() == wsbench::Verdict::no_connection);
  CHECK(found.ended_because.starts_with("nothing could connect: refused"));
  CHECK(found.interval == wsbench::CapacityInterval{});
}

TEST_CASE("a server that falls over is not hammered while it is waited for", "[net][capacity]") {
  std::atomic<bool> fallen{false};
  support::MisbehavingServer server([&](support::PeerSocket& peer) {
    if (!fallen && peer.upgrade()) peer.echo();  // else it takes the connection and ends it
  });
  CapacityOptions search = brief({.limits = {.from = 2}});
  search.patience = 1200ms;
  std::uint64_t before = 0;
  // It fell over as the third step began, and stays so.
  search.on_step = [&](const CapacityStep& step) {
    if (step.load >= 4) fallen = true;
    if (step.server_lost) before = server.connections();
  };
  const CapacityReport found = Capacity(server.url(), answered, search).run();
  INFO(found);
  CHECK(found.ended_because == "the server was lost at 8 clients and did not come back");
  CHECK(found.interval.below == 8);
  // After half a second, and a second later.
  CHECK(server.connections() - before >= 1);
  CHECK(server.connections() - before <= 2);
}

TEST_CASE("what cannot be searched is refused before a socket opens", "[net][capacity]") {
  CHECK(problem_of(answered, {}) == "none");
  CHECK(problem_of({.clients = 1}, {}) == "expect");
  CHECK(problem_of(answered, {.limits = {.from = 0}}) == "from");
  CHECK(problem_of(answered, {.limits = {.from = 10, .to = 5}}) == "to");
  CHECK(problem_of(answered, {.limits = {.growth = 1}}) == "growth");
  CHECK(problem_of(answered, {.limits = {.precision = 0}}) == "precision");
  CHECK(problem_of(answered, {.limits = {.most_steps = 0}}) == "steps");
  CHECK(problem_of(answered, {.step = 0s}) == "step");
  CHECK(problem_of(answered, {.settle = -1s}) == "settle");
  CHECK(problem_of(answered, {.patience = -1s}) == "patience");
}
