#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/session.hpp>
#include <wsbench/task.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// Who is there: how many virtual users a run has.
class Population {
 public:
  /// Nobody, which no run accepts.
  constexpr Population() = default;
  /// A closed population of `clients` users; a value that cannot be counted is kept out by `LoadTest::validate()`.
  template <std::integral Integer>
  constexpr Population(Integer clients) noexcept  // NOLINT(google-explicit-constructor): `.clients = 1000` is how a scenario reads
      : clients_(std::in_range<std::int64_t>(clients) ? static_cast<std::int64_t>(clients) : std::numeric_limits<std::int64_t>::max()) {}

  /// How many users there are at most.
  constexpr std::int64_t clients() const noexcept { return clients_; }

  bool operator==(const Population&) const = default;

 private:
  std::int64_t clients_{0};
};

/// When the users speak.
class Pace {
 public:
  /// What decides when the next message is due.
  enum class Kind : std::uint8_t {
    think,     ///< a time after the last answer arrived (closed loop)
    flat_out,  ///< as soon as the last answer is in (closed loop)
  };

  /// Flat out.
  constexpr Pace() = default;
  constexpr Pace(Kind kind, std::chrono::nanoseconds think_time) noexcept : kind_(kind), think_time_(think_time) {}

  constexpr Kind kind() const noexcept { return kind_; }
  /// The time between an answer and the next message of that user; 0 when flat out.
  constexpr std::chrono::nanoseconds think_time() const noexcept { return think_time_; }

  bool operator==(const Pace&) const = default;

 private:
  Kind kind_{Kind::flat_out};
  std::chrono::nanoseconds think_time_{0};
};

/// The next message of a user is due `think_time` after the last answer arrived.
constexpr Pace think(std::chrono::nanoseconds think_time) noexcept {
  return {Pace::Kind::think, think_time};
}
/// The next message of a user is due as soon as the last answer is in.
constexpr Pace flat_out() noexcept {
  return {Pace::Kind::flat_out, std::chrono::nanoseconds{0}};
}
/// The pace as text: "think 50ms", "flat out".
inline std::string to_string(const Pace& pace) {
  return pace.kind() == Pace::Kind::think ? "think " + exact_duration(pace.think_time()) : "flat out";
}

/// Reads the id that ties an answer to its message; nothing where there is none.
using Correlation = std::function<std::optional<std::uint64_t>(std::string_view message)>;

/// What a user does: a named coroutine function of its session.
class Behaviour {
 public:
  /// The default: `echo()`.
  Behaviour() = default;

  /// Any callable that takes a `Session&` and returns a `Task`; it is kept for the whole run, so a lambda may capture.
  template <class Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, Behaviour> && std::is_invocable_r_v<Task, Function&, Session&>)
      Behaviour(Function function, std::string name = "custom")  // NOLINT(google-explicit-constructor): `.behaviour = chat_user`
      : start_(std::make_shared<const std::function<Task(Session&)>>(std::move(function))), name_(std::move(name)) {}

  /// Ties answers to messages by the id that `id_of` reads from both, instead of first in, first out.
  Behaviour correlate(Correlation id_of) && {
    correlation_ = std::move(id_of);
    return std::move(*this);
  }

  /// Starts the coroutine for one user.
  Task operator()(Session& user) const { return (*start_)(user); }

  /// False for the default, which stands for `echo()`.
  explicit operator bool() const noexcept { return start_ != nullptr; }
  const std::string& name() const noexcept { return name_; }
  const Correlation& correlation() const noexcept { return correlation_; }

 private:
  std::shared_ptr<const std::function<Task(Session&)>> start_{};
  std::string name_{"echo"};
  Correlation correlation_{};
};

/// What a metric counts in.
enum class Unit : std::uint8_t {
  seconds,     ///< a duration; thresholds are written as durations
  share,       ///< a share of one
  count,       ///< a number of things
  per_second,  ///< a number of things a second
};

/// The figure a metric takes from a set of durations.
enum class Statistic : std::uint8_t { value, mean, min, p50, p90, p95, p99, p99_9, max };

/// The statistic's name as in "latency.p95"; empty for a plain value.
constexpr std::string_view name(Statistic statistic) {
  constexpr std::string_view names[] = {"", "mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max"};
  return names[static_cast<std::size_t>(statistic)];
}

/// Names one figure of a report: what, which statistic of it, and of which label.
struct MetricName {
  std::string quantity{};                 ///< "latency", "success_rate", ...
  Statistic statistic{Statistic::value};  ///< which figure of a set of durations
  std::string label{};                    ///< the label it is taken from; empty: all
  Unit unit{Unit::count};                 ///< what it counts in

  bool operator==(const MetricName&) const = default;
};

/// The metric as expectations write it: "latency.p95", "latency{post}.p99", "success_rate".
inline std::string to_string(const MetricName& metric) {
  std::string text = metric.quantity;
  if (!metric.label.empty()) text += '{' + metric.label + '}';
  if (metric.statistic != Statistic::value) text.append(".").append(name(metric.statistic));
  return text;
}

/// How an expectation compares.
enum class Comparison : std::uint8_t { less, less_equal, greater, greater_equal, equal };

/// The comparison's sign.
constexpr std::string_view sign(Comparison comparison) {
  constexpr std::string_view signs[] = {"<", "<=", ">", ">=", "=="};
  return signs[static_cast<std::size_t>(comparison)];
}

/// A bound on one figure of the report, as `metric::latency.p99 < 20ms` makes it; deliberately not convertible to bool.
struct Expectation {
  MetricName metric{};                      ///< which figure
  Comparison comparison{Comparison::less};  ///< how it must compare
  double bound{0};                          ///< with what; seconds for durations

  /// Whether a figure meets the bound.
  bool met_by(double actual) const noexcept {
    switch (comparison) {
      case Comparison::less: return actual < bound;
      case Comparison::less_equal: return actual <= bound;
      case Comparison::greater: return actual > bound;
      case Comparison::greater_equal: return actual >= bound;
      case Comparison::equal: return actual == bound;
    }
    return false;
  }

  bool operator==(const Expectation&) const = default;
};

/// A bound or a figure as text in its unit, to 15 digits: "20ms", "99.9%", "50/s", "3".
inline std::string exact_figure(double figure, Unit unit) {
  switch (unit) {
    case Unit::seconds:
      // Nanoseconds reach 292 years.
      if (!(std::abs(figure) < 9.2e9)) return fmt::format("{:.15g}s", figure);
      return exact_duration(std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(figure)));
    case Unit::share: return fmt::format("{:.15g}%", figure * 100);
    case Unit::per_second: return fmt::format("{:.15g}/s", figure);
    case Unit::count: return fmt::format("{:.15g}", figure);
  }
  return {};
}

/// A figure for people, to three digits: "20.0 ms", "99.95 %", "50/s", "1,234"; "n/a" for one that was not measured.
inline std::string format_figure(std::optional<double> figure, Unit unit) {
  if (!figure) return "n/a";
  switch (unit) {
    case Unit::seconds: return format_duration(std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(*figure)));
    case Unit::share: return format_share(*figure);
    case Unit::per_second: return format_rate(*figure);
    case Unit::count: return format_count(static_cast<std::uint64_t>(*figure));
  }
  return {};
}

/// The expectation as text: "latency.p95 < 100ms", "success_rate > 99.5%".
inline std::string to_string(const Expectation& expectation) {
  return to_string(expectation.metric) + ' ' + std::string(sign(expectation.comparison)) + ' ' +
         exact_figure(expectation.bound, expectation.metric.unit);
}

/// The names that expectations are written with; nothing here enters a namespace that is not asked for.
namespace metric {

/// One figure that expectations can bound; comparing it makes an Expectation.
template <Unit unit>
struct Metric {
  std::string_view quantity{};
  Statistic statistic{Statistic::value};
  std::string_view label{};

  /// Durations are bounded by durations, all else by plain numbers (a share of one, a count, a number a second).
  using Bound = std::conditional_t<unit == Unit::seconds, std::chrono::nanoseconds, double>;

  friend Expectation operator<(const Metric& metric, Bound bound) { return metric.expect(Comparison::less, bound); }
  friend Expectation operator<=(const Metric& metric, Bound bound) { return metric.expect(Comparison::less_equal, bound); }
  friend Expectation operator>(const Metric& metric, Bound bound) { return metric.expect(Comparison::greater, bound); }
  friend Expectation operator>=(const Metric& metric, Bound bound) { return metric.expect(Comparison::greater_equal, bound); }
  friend Expectation operator==(const Metric& metric, Bound bound) { return metric.expect(Comparison::equal, bound); }

 private:
  Expectation expect(Comparison comparison, Bound bound) const {
    double number{};
    if constexpr (unit == Unit::seconds) {
      number = std::chrono::duration<double>(bound).count();
    } else {
      number = bound;
    }
    return {{std::string(quantity), statistic, std::string(label), unit}, comparison, number};
  }
};

/// The figures of a set of durations: `latency.p99`, or of one label's, `latency("post").p99`.
struct Durations {
  using Figure = Metric<Unit::seconds>;

  constexpr explicit Durations(std::string_view quantity, std::string_view label = {}) noexcept
      : mean{quantity, Statistic::mean, label},
        min{quantity, Statistic::min, label},
        p50{quantity, Statistic::p50, label},
        p90{quantity, Statistic::p90, label},
        p95{quantity, Statistic::p95, label},
        p99{quantity, Statistic::p99, label},
        p99_9{quantity, Statistic::p99_9, label},
        max{quantity, Statistic::max, label} {}

  /// The same of the messages under one label.
  constexpr Durations operator()(std::string_view label) const noexcept { return Durations{mean.quantity, label}; }

  Figure mean, min, p50, p90, p95, p99, p99_9, max;
};

/// Response time: from when a message was due until its answer arrived.
inline constexpr Durations latency{"latency"};
/// Service time: from just before a message was written until its answer arrived.
inline constexpr Durations service_time{"service_time"};
/// From the start of a connection attempt until the WebSocket was open.
inline constexpr Durations connect_time{"connect_time"};
/// Answered messages among those answered, failed or not sent; a share of one.
inline constexpr Metric<Unit::share> success_rate{"success_rate"};
/// Connections that came to be among those attempted; a share of one.
inline constexpr Metric<Unit::share> connection_success_rate{"connection_success_rate"};
/// Failures of every kind.
inline constexpr Metric<Unit::count> errors{"errors"};
/// Messages sent a second.
inline constexpr Metric<Unit::per_second> messages_per_second{"messages_per_second"};

/// The share of a behaviour's checks of that name that passed.
constexpr Metric<Unit::share> check(std::string_view name) {
  return {"check", Statistic::value, name};
}

}  // namespace metric

/// A load test's conversation and load: who is there, when they speak, what they say, and what is expected of the server.
struct Scenario {
  std::string name{"custom"};                                 ///< what reports call it
  Population clients{};                                       ///< who is there; at least one
  std::chrono::nanoseconds ramp_up{0};                        ///< the clients start evenly spread over this time; 0: at once
  std::uint64_t messages{0};                                  ///< turns each client takes; 0: as many as the duration allows
  std::chrono::nanoseconds duration{0};                       ///< turns are taken until then; 0: until the messages are through
  Pace pace{};                                                ///< when the next message is due; default flat out
  std::chrono::nanoseconds timeout{std::chrono::seconds{5}};  ///< how long an answer may take, from the send
  Behaviour behaviour{};                                      ///< what a client does; default `echo()`
  std::vector<Expectation> expect{};                          ///< what must hold for the run to pass
};

}  // namespace wsbench
