#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/capacity_search.hpp>
#include <wsbench/report.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// What a capacity is counted in.
enum class CapacityUnit : std::uint8_t {
  clients,  ///< users at the same time, who speak by the scenario's pace
  rate,     ///< messages a second over all of the scenario's clients
};

/// One load that was tried, what came of it, and everything that was measured.
struct CapacityStep {
  double load{0};                          ///< clients, or messages a second
  StepOutcome outcome{StepOutcome::held};  ///< what the search takes it for
  std::string why{};                       ///< why it did not hold; empty where it did
  bool server_lost{false};                 ///< nothing listened any more when it was over
  Report report;                           ///< of this step alone
};

/// Answers a second, until the last one came; nothing where there was no time for any.
inline std::optional<double> answered_per_second(const Report& report) {
  const double seconds = std::chrono::duration<double>(report.window()).count();
  if (!(seconds > 0)) return std::nullopt;
  return static_cast<double>(report.messages().answered) / seconds;
}

/// What a search for a capacity found.
struct CapacityReport {
  std::vector<std::string> urls{};  ///< the targets
  std::string scenario{};           ///< its name
  CapacityUnit by{CapacityUnit::clients};
  std::vector<CapacityStep> steps{};  ///< in their order
  CapacityInterval interval{};        ///< where the capacity lies
  std::string ended_because{};        ///< why the search ended before it was done; empty where it was
  bool stopped{false};                ///< that was because it was told to
  std::chrono::nanoseconds duration{0};

  /// The one word for the search, the first that applies: nothing could connect; it was stopped; the behaviour threw (invalid); some load
  /// held (passed); one missed and none held (failed); else nothing is known of the server (invalid).
  Verdict verdict() const {
    const auto any = [&](auto is) { return std::any_of(steps.begin(), steps.end(), is); };
    if (!steps.empty() && !any([](const CapacityStep& step) { return step.report.metrics().connections.succeeded > 0; })) {
      return Verdict::no_connection;
    }
    if (stopped) return Verdict::interrupted;
    if (any([](const CapacityStep& step) { return step.outcome == StepOutcome::behaviour_threw; })) return Verdict::invalid;
    if (interval.at_least) return Verdict::passed;
    return interval.below ? Verdict::failed : Verdict::invalid;
  }

  /// The step that says why it is no more: the last that missed at the interval's upper end, or that the generator could not bring; null
  /// where there is none.
  const CapacityStep* limiting() const noexcept {
    const bool missed = interval.below.has_value();
    const std::optional<double> load = missed ? interval.below : interval.generator_limit;
    const StepOutcome outcome = missed ? StepOutcome::missed : StepOutcome::generator_limited;
    const auto is = [&](const CapacityStep& step) { return load == step.load && step.outcome == outcome; };
    const auto found = std::find_if(steps.rbegin(), steps.rend(), is);
    return found == steps.rend() ? nullptr : &*found;
  }

  /// The knee of latency against load: of the loads tried, the one of the greatest power, which is answers a second over the average
  /// latency.
  ///
  /// Below it more load buys more throughput than it costs in latency, above it less: L. Kleinrock, "Power and deterministic rules of thumb
  /// for probabilistic problems in computer communications", ICC 1979. Nothing where that is the least or the greatest load with a result:
  /// the knee may then lie beyond it.
  std::optional<double> knee() const {
    std::map<double, double> power;  // by load; of one that was tried again, the greatest
    for (const CapacityStep& step : steps) {
      const bool says_something = step.outcome == StepOutcome::held || step.outcome == StepOutcome::missed;
      const std::optional<std::chrono::nanoseconds> latency = step.report.messages().response_time.mean();
      const std::optional<double> answered = answered_per_second(step.report);
      if (!says_something || !latency || latency->count() <= 0 || !answered) continue;
      double& greatest = power[step.load];
      greatest = std::max(greatest, *answered / std::chrono::duration<double>(*latency).count());
    }
    const auto best =
        std::max_element(power.begin(), power.end(), [](const auto& one, const auto& other) { return one.second < other.second; });
    if (best == power.end() || best == power.begin() || std::next(best) == power.end()) return std::nullopt;
    return best->first;
  }
};

/// A load of that unit in words: "1,234 clients", "950/s".
inline std::string format_load(double load, CapacityUnit by) {
  if (by == CapacityUnit::rate) return format_rate(load);
  return format_count(static_cast<std::uint64_t>(load)) + (load == 1 ? " client" : " clients");
}

/// The answer in one line: "between 950/s and 987/s", "at least 4,000/s: generator-limited".
inline std::string to_string(const CapacityInterval& interval, CapacityUnit by) {
  if (interval.at_least && interval.below) {
    return "between " + format_load(*interval.at_least, by) + " and " + format_load(*interval.below, by);
  }
  if (interval.below) return "less than " + format_load(*interval.below, by);
  const std::string limited = interval.generator_limit ? ": generator-limited" : "";
  if (interval.at_least) return "at least " + format_load(*interval.at_least, by) + limited;
  return "unknown" + limited;
}

}  // namespace wsbench
