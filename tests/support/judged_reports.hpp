#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <wsbench/report.hpp>

namespace support {

/// What a run of one client and ten messages recorded, of which this many were answered, in 10 ms.
inline wsbench::RunRecord small_record(int answered) {
  using namespace std::chrono_literals;
  wsbench::MetricsCollector collector;
  collector.connection_attempted();
  collector.connection_opened({.total = 2ms});
  const auto ask = collector.label("ask");
  for (int n = 0; n < 10; ++n) {
    collector.sent(ask, 0ms);
    if (n < answered) {
      collector.answered(ask, 10ms, 5ms);
    } else {
      collector.failed(ask, 5s);
    }
  }
  wsbench::RunRecord record;
  record.scenario = "chat";
  record.duration = 2s;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::think(10ms);
  return record;
}

inline wsbench::Report passed_report() {
  using namespace std::chrono_literals;
  return wsbench::Report(small_record(10), {wsbench::metric::latency.mean < 20ms});
}

/// Misses two of its three expectations.
inline wsbench::Report failed_report() {
  using namespace std::chrono_literals;
  const auto slow = wsbench::metric::latency.mean < 5ms;
  const auto good = wsbench::metric::success_rate > 0.25;
  const auto absent = wsbench::metric::check("welcomed") > 0.99;
  return wsbench::Report(small_record(5), {slow, good, absent});
}

inline wsbench::Report unanswered_report() {
  return wsbench::Report(small_record(0), {});
}

/// Its behaviour threw; it would have missed its expectation too.
inline wsbench::Report invalid_report() {
  using namespace std::chrono_literals;
  wsbench::RunRecord record = small_record(10);
  record.metrics.failures.add(wsbench::Failure::behaviour_error, 0, 1s, [] { return std::string("client 0: the behaviour threw: x"); });
  return wsbench::Report(std::move(record), {wsbench::metric::latency.mean < 5ms});
}

inline wsbench::Report interrupted_report() {
  wsbench::RunRecord record = small_record(10);
  record.interrupted = true;
  return wsbench::Report(std::move(record), {});
}

inline wsbench::Report unconnected_report() {
  using namespace std::chrono_literals;
  wsbench::RunRecord record;
  record.metrics.connections.attempted = record.metrics.connections.failed = 1;
  record.metrics.failures.add(wsbench::Failure::refused, 0, 1s, [] { return std::string("client 0: nobody listens there"); });
  return wsbench::Report(std::move(record), {});
}

}  // namespace support
