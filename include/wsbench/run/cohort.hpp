#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/clock.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/run/fan_out.hpp>
#include <wsbench/run/open_load.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/schedule.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// A time as the sample of a failure says it: "5 s".
inline std::string in_words(std::chrono::nanoseconds time) {
  std::string text = exact_duration(time);
  return text.insert(text.find_last_of("0123456789") + 1, 1, ' ');
}

/// What the clients of one worker share.
struct Cohort {
  const Scenario& scenario;
  const Options& options;
  MetricsCollector& collector;
  const Clock& clock;
  DeadlineQueue& deadlines;
  std::function<void(std::uint64_t id)> on_client_finished{};  ///< called as each client is through with everything
  std::chrono::nanoseconds last_outcome{0};                    ///< when the last session, or attempt at one, had its outcome

  const Behaviour* own_behaviour{nullptr};  ///< of a part of a mix; null: the scenario's
  FanOut* fan_out{nullptr};                 ///< the publications of this worker's clients; null: nobody counts them
  OpenLoad* open_load{nullptr};             ///< hands out the turns of an open load; null in a closed one
  MetricsCollector* warm_up{nullptr};       ///< for what was due before the warm-up's end; null where there is none

  /// What these clients do.
  const Behaviour& behaviour() const noexcept { return own_behaviour != nullptr ? *own_behaviour : scenario.behaviour; }

  /// When the load ends; `never` where only its messages end it, or as long as an open one has not begun.
  std::chrono::nanoseconds load_end() const noexcept {
    if (open_load != nullptr) return open_load->end();
    return scenario.duration.count() > 0 ? scenario.duration : never;
  }

  /// Where a message that is due then is recorded.
  MetricsCollector& collector_of(std::chrono::nanoseconds due) const noexcept {
    return warm_up != nullptr && due < scenario.warm_up ? *warm_up : collector;
  }

  /// Counts what went wrong with a client, `detail` in words.
  static void count_failure(MetricsCollector& into, std::uint64_t client, Failure failure, int code, std::chrono::nanoseconds now,
                            std::string_view detail) {
    into.failure(failure, code, now, [&] { return "client " + std::to_string(client) + ": " + std::string(detail); });
  }

  /// Notes that something had its outcome now.
  void outcome_at(std::chrono::nanoseconds now) noexcept { last_outcome = std::max(last_outcome, now); }
};

}  // namespace wsbench::detail
