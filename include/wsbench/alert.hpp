#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/error.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// What somebody wants to be told of, as `{metric::latency.p95 > 500ms, 3min}` makes it: where the condition is true, something is wrong.
struct Alert {
  Expectation condition{};            ///< true where something is wrong
  std::chrono::nanoseconds lasts{0};  ///< how long it has to have been true; 0: to be seen once is enough

  bool operator==(const Alert&) const = default;
};

/// The alert as text: "latency.p95 > 500ms for 3m".
inline std::string to_string(const Alert& alert) {
  const std::string condition = to_string(alert.condition);
  return alert.lasts.count() == 0 ? condition : condition + " for " + exact_duration(alert.lasts);
}

/// Reads an alert as `to_string` writes it: "error_rate > 5%", "latency.p95 > 500ms for 3m". Throws Error.
inline Alert parse_alert(std::string_view text) {
  constexpr std::string_view word = " for ";
  // The name of a label or a probe may have the word in it.
  const std::size_t label_end = std::min(text.find_last_of("})"), text.size());
  const std::size_t at = text.find(word, label_end == text.size() ? 0 : label_end);
  Alert alert;
  try {
    alert.condition = parse_expectation(text.substr(0, at));
    if (at != text.npos) alert.lasts = parse_duration(detail::trimmed(text.substr(at + word.size())));
  } catch (const Error& error) {
    throw Error("alert", error.member() == "expect" ? error.problem() : detail::in_quotes(text) + ": the time " + error.problem());
  }
  return alert;
}

/// How an alert stands.
enum class AlertState : std::uint8_t {
  inactive,  ///< the condition is not true
  pending,   ///< it is true, but not for long enough yet
  firing,    ///< it has been true for long enough, and not been seen false since
};

/// The state's name: "inactive", "pending", "firing".
constexpr std::string_view name(AlertState state) {
  constexpr std::string_view names[] = {"inactive", "pending", "firing"};
  return names[static_cast<std::size_t>(state)];
}

/// What a figure made of an alert: it tells once of each.
enum class AlertEvent : std::uint8_t { fired, recovered };

/// The event as a command is told it: "firing", "recovered".
constexpr std::string_view name(AlertEvent event) {
  return event == AlertEvent::fired ? "firing" : "recovered";
}

/// Watches one figure for one alert, in memory that does not grow.
///
/// Times are of a steady clock. Where there is no figure nothing is known, so nothing changes: what fires goes on firing.
class AlertWatch {
 public:
  explicit AlertWatch(Alert alert) : alert_(std::move(alert)) {}

  /// Takes the figure of a time, not earlier than the one before; nothing for one that was not measured. Returns what that came to.
  std::optional<AlertEvent> take(std::chrono::nanoseconds now, std::optional<double> figure) {
    figure_ = figure;
    if (!figure) return std::nullopt;
    if (!alert_.condition.met_by(*figure)) {
      const bool fired = state_ == AlertState::firing;
      state_ = AlertState::inactive;
      if (!fired) return std::nullopt;
      ++recovered_;
      return AlertEvent::recovered;
    }
    if (state_ == AlertState::inactive) {
      state_ = AlertState::pending;
      since_ = now;
    }
    if (state_ == AlertState::firing || now - since_ < alert_.lasts) return std::nullopt;
    state_ = AlertState::firing;
    ++fired_;
    return AlertEvent::fired;
  }

  const Alert& alert() const noexcept { return alert_; }
  AlertState state() const noexcept { return state_; }
  /// The figure that was taken last; nothing where it was not measured.
  std::optional<double> figure() const noexcept { return figure_; }
  /// Whether the last figure made the condition true, however long.
  bool holds() const noexcept { return figure_ && alert_.condition.met_by(*figure_); }
  /// When the condition was first seen true, of the last time that it was.
  std::chrono::nanoseconds since() const noexcept { return since_; }
  /// How often it fired.
  std::uint64_t fired() const noexcept { return fired_; }
  /// How often it recovered.
  std::uint64_t recovered() const noexcept { return recovered_; }

 private:
  Alert alert_;
  AlertState state_{AlertState::inactive};
  std::optional<double> figure_{};
  std::chrono::nanoseconds since_{0};
  std::uint64_t fired_{0};
  std::uint64_t recovered_{0};
};

}  // namespace wsbench
