#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/clock.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench::detail {

/// What the clients of one worker share.
struct Cohort {
  const Scenario& scenario;
  const Options& options;
  MetricsCollector& collector;
  const Clock& clock;
  DeadlineQueue& deadlines;
  std::function<void()> on_client_finished{};  ///< called as each client is through with everything
  std::chrono::nanoseconds last_outcome{0};    ///< when the last session, or attempt at one, had its outcome

  /// Notes that something had its outcome now.
  void outcome_at(std::chrono::nanoseconds now) noexcept { last_outcome = std::max(last_outcome, now); }
};

}  // namespace wsbench::detail
