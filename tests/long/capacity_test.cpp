// Servers whose capacity is known, and searches that must find it; they need a quiet machine.

#include <chrono>
#include <cstdint>

#include <wsbench/capacity.hpp>
#include <wsbench/report/capacity_text.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/queueing_server.hpp"

using namespace std::chrono_literals;
namespace metric = wsbench::metric;
using wsbench::Capacity;
using wsbench::CapacityReport;
using wsbench::CapacityStep;
using wsbench::Scenario;
using wsbench::StepOutcome;

TEST_CASE("the most clients that a queue serves in time", "[long]") {
  // One after the other in 5 ms each: n clients that ask all the time wait n times 5 ms.
  const support::QueueingServer server(5ms);
  const Scenario scenario{.name = "queue", .pace = wsbench::flat_out(), .expect = {metric::latency.p95 < 45ms}};
  const CapacityReport found =
      Capacity(server.url(), scenario, {.limits = {.from = 2, .to = 64}, .step = 500ms, .settle = 100ms, .pause = 10ms}).run();
  INFO(found);
  REQUIRE(found.interval.at_least);
  REQUIRE(found.interval.below);
  CHECK(*found.interval.at_least >= 6);
  CHECK(*found.interval.at_least <= 8);
  CHECK(*found.interval.below <= 10);
  REQUIRE(found.limiting() != nullptr);
  CHECK(found.limiting()->why.starts_with("missed latency.p95 < 45ms (it is "));
  for (const CapacityStep& step : found.steps) {
    CHECK(step.report.record().configuration.clients == static_cast<std::uint64_t>(step.load));
    CHECK(step.report.latency().count() > 10);
    CHECK((step.outcome == StepOutcome::held) == step.report.passed());
  }
  CHECK(to_text(found).starts_with("queue: capacity between "));
}

TEST_CASE("the rate that a queue can serve is found within 5 %, in 16 steps at most", "[long]") {
  const support::QueueingServer server(1ms);
  const Scenario scenario{.name = "queue", .clients = 50, .expect = {metric::latency.p95<50ms, metric::success_rate> 0.99}};
  const CapacityReport found =
      Capacity(server.url(), scenario,
               {.by = wsbench::CapacityUnit::rate, .limits = {.from = 100, .most_steps = 16}, .step = 3s, .settle = 200ms, .pause = 100ms})
          .run();
  INFO(found);
  REQUIRE(found.interval.at_least);
  REQUIRE(found.interval.below);
  CHECK(*found.interval.at_least >= 950);
  CHECK(*found.interval.at_least <= 1050);
  CHECK(*found.interval.below <= 1100);
  CHECK(found.interval.confirmed);
}
