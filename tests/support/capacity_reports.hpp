#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/capacity_report.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/report.hpp>
#include <wsbench/scalability_report.hpp>

namespace support {

/// A second at this rate of a server whose answers took `latency` on average: half of them less, one of twenty much more.
inline wsbench::Report step_report(double rate, std::chrono::nanoseconds latency, const std::vector<wsbench::Expectation>& expect) {
  using namespace std::chrono_literals;
  wsbench::MetricsCollector collector;
  collector.connection_attempted();
  collector.connection_opened({.total = 2ms});
  const auto say = collector.label("say");
  const auto messages = static_cast<int>(rate);
  for (int n = 0; n < messages; ++n) {
    collector.sent(say, 0ms);
    const auto took = latency * (n % 20 == 19 ? 40 : n % 2 == 0 ? 7 : 10) / 10;
    collector.answered(say, took, took / 2);
  }
  wsbench::RunRecord record;
  record.scenario = "chat";
  record.duration = 1s;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::rate(rate);
  return wsbench::Report(std::move(record), expect);
}

/// A search by rate with a server that answers one message a millisecond, in the order of a queue with random arrivals (M/M/1): at a
/// share of x of its capacity an answer takes 1 ms / (1 - x); its knee is at half of that.
inline wsbench::CapacityReport queue_capacity(double capacity = 1000) {
  using namespace std::chrono_literals;
  using wsbench::StepOutcome;
  namespace metric = wsbench::metric;
  wsbench::CapacityReport found{
      .urls = {"ws://chat.example.org:9001/room?a=1&b=<2>"}, .scenario = "chat", .by = wsbench::CapacityUnit::rate};
  const std::vector<wsbench::Expectation> expect{metric::latency.p95<100ms, metric::success_rate> 0.99};
  for (const double share : {0.1, 0.2, 0.4, 0.8, 1.6, 1.131, 0.951, 1.037, 0.951, 0.951, 1.037}) {
    const double load = share * capacity;
    const auto busy = std::chrono::duration<double>(share < 0.99 ? 1 / capacity / (1 - share) : share);
    wsbench::CapacityStep step{.load = load, .report = step_report(load, std::chrono::round<std::chrono::nanoseconds>(busy), expect)};
    if (!step.report.passed()) {
      step.outcome = StepOutcome::missed;
      step.why =
          "missed latency.p95 < 100ms (it is " + wsbench::format_figure(step.report.expectations()[0].actual, wsbench::Unit::seconds) + ')';
    }
    found.steps.push_back(std::move(step));
  }
  found.interval = {.at_least = 0.951 * capacity, .below = 1.037 * capacity, .confirmed = true};
  found.duration = 83s;
  return found;
}

/// One, two and four such servers: two serve twice as much as one, four only three times.
inline wsbench::ScalabilityReport scaled_capacity() {
  wsbench::ScalabilityReport found{.scenario = "chat", .by = wsbench::CapacityUnit::rate};
  for (const auto& [servers, capacity] : {std::pair{1, 1000.0}, {2, 2000.0}, {4, 3000.0}}) {
    wsbench::CapacityReport set = queue_capacity(capacity);
    set.urls.assign(static_cast<std::size_t>(servers), "ws://chat.example.org:9001/");
    found.sets.push_back(std::move(set));
  }
  return found;
}

}  // namespace support
