#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// What a metric counts in.
enum class Unit : std::uint8_t {
  seconds,     ///< a duration; thresholds are written as durations
  share,       ///< a share of one
  count,       ///< a number of things
  per_second,  ///< a number of things a second
  number,      ///< a plain number, whole or not
  bytes,       ///< a size
};

/// The figure a metric takes from a set of durations, or of a probe's readings, which alone have a last one.
enum class Statistic : std::uint8_t { value, mean, min, p50, p90, p95, p99, p99_9, max, last };

/// The statistic's name as in "latency.p95"; empty for a plain value.
constexpr std::string_view name(Statistic statistic) {
  constexpr std::string_view names[] = {"", "mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max", "last"};
  return names[static_cast<std::size_t>(statistic)];
}

/// Names one figure of a report: what, which statistic of it, and of which label.
struct MetricName {
  std::string quantity{};                 ///< "latency", "success_rate", ...
  Statistic statistic{Statistic::value};  ///< which figure of a set of durations
  std::string label{};                    ///< the label it is taken from, or the probe's name; empty: all
  Unit unit{Unit::count};                 ///< what it counts in

  bool operator==(const MetricName&) const = default;
};

/// The metric as expectations write it: "latency.p95", "latency{post}.p99", "success_rate", "probe(redis_mb).max".
inline std::string to_string(const MetricName& metric) {
  std::string text = metric.quantity;
  if (metric.quantity == "probe") {
    text += '(' + metric.label + ')';
  } else if (!metric.label.empty()) {
    text += '{' + metric.label + '}';
  }
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

/// A bound or a figure as text in its unit, to 15 digits: "20ms", "99.9%", "50/s", "3", "500MiB".
inline std::string exact_figure(double figure, Unit unit) {
  switch (unit) {
    case Unit::seconds:
      // Nanoseconds reach 292 years.
      if (!(std::abs(figure) < 9.2e9)) return fmt::format("{:.15g}s", figure);
      return exact_duration(std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(figure)));
    case Unit::share: return fmt::format("{:.15g}%", figure * 100);
    case Unit::per_second: return detail::exact_number(figure) + "/s";
    case Unit::count:
    case Unit::number: return detail::exact_number(figure);
    case Unit::bytes:
      // Beyond, and between whole bytes, no size is exact.
      if (!(figure >= 0 && figure < 0x1p63) || figure != std::floor(figure)) return detail::exact_number(figure);
      return exact_size(static_cast<std::uint64_t>(figure));
  }
  return {};
}

/// A figure for people, to three digits: "20.0 ms", "99.95 %", "50/s", "1,234", "1.25 MiB"; "n/a" for one that was not measured.
inline std::string format_figure(std::optional<double> figure, Unit unit) {
  if (!figure) return "n/a";
  switch (unit) {
    case Unit::seconds: return format_duration(std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(*figure)));
    case Unit::share: return format_share(*figure);
    case Unit::per_second: return format_rate(*figure);
    case Unit::count: return format_count(static_cast<std::uint64_t>(*figure));
    case Unit::number: return format_number(*figure);
    case Unit::bytes: return *figure >= 0 && *figure < 0x1p63 ? format_size(static_cast<std::uint64_t>(*figure)) : format_number(*figure);
  }
  return {};
}

/// The expectation as text: "latency.p95 < 100ms", "success_rate > 99.5%".
inline std::string to_string(const Expectation& expectation) {
  return to_string(expectation.metric) + ' ' + std::string(sign(expectation.comparison)) + ' ' +
         exact_figure(expectation.bound, expectation.metric.unit);
}

namespace detail {

/// A figure that text may name.
struct KnownQuantity {
  std::string_view name{};
  Unit unit{Unit::count};
  bool labelled{false};  ///< whether it can be taken of a label: "latency{post}", "check{welcomed}"
  bool named{false};     ///< whether it must be
};

inline constexpr auto known_quantities = std::to_array<KnownQuantity>({{"latency", Unit::seconds, true},
                                                                       {"service_time", Unit::seconds, true},
                                                                       {"connect_time", Unit::seconds, false},
                                                                       {"open_time", Unit::seconds, false},
                                                                       {"ping", Unit::seconds, false},
                                                                       {"delivery", Unit::seconds, true},
                                                                       {"first_delivery", Unit::seconds, false},
                                                                       {"median_delivery", Unit::seconds, false},
                                                                       {"last_delivery", Unit::seconds, false},
                                                                       {"missing_deliveries", Unit::count, false},
                                                                       {"duplicate_deliveries", Unit::count, false},
                                                                       {"out_of_order_deliveries", Unit::count, false},
                                                                       {"note", Unit::seconds, true, true},
                                                                       {"success_rate", Unit::share, false},
                                                                       {"error_rate", Unit::share, false},
                                                                       {"connection_success_rate", Unit::share, false},
                                                                       {"errors", Unit::count, false},
                                                                       {"messages_per_second", Unit::per_second, false},
                                                                       {"check", Unit::share, true, true},
                                                                       {"probe", Unit::number, true, true}});

[[noreturn]] inline void refuse_expectation(std::string_view text, const std::string& problem) {
  throw Error("expect", in_quotes(text) + ' ' + problem + ": write a figure, a comparison and a bound, such as latency.p95 < 200ms");
}

/// Where the label of a figure begins and ends: its braces or, as probes have them, its parentheses; npos where there are none.
struct LabelPlace {
  std::size_t open{std::string_view::npos};
  std::size_t close{std::string_view::npos};
};
inline LabelPlace label_in(std::string_view text) {
  const std::size_t open = text.find_first_of("{(");
  if (open == text.npos) return {};
  return {open, text.find(text[open] == '{' ? '}' : ')', open)};
}

inline MetricName parse_metric(std::string_view text, std::string_view name) {
  MetricName metric;
  const auto [brace, close] = label_in(name);
  if (brace != name.npos && close == name.npos) refuse_expectation(text, "has no closing brace");
  const std::size_t dot = name.find('.', brace == name.npos ? 0 : close);
  std::string_view quantity = name.substr(0, std::min(brace, dot));
  if (quantity == "connect") quantity = "connect_time";  // as people write it
  const auto known =
      std::find_if(known_quantities.begin(), known_quantities.end(), [&](const auto& entry) { return entry.name == quantity; });
  if (known == known_quantities.end()) refuse_expectation(text, "has the unknown figure " + in_quotes(quantity));
  metric.quantity = quantity;
  metric.unit = known->unit;
  if (brace != name.npos) metric.label = name.substr(brace + 1, close - brace - 1);
  if (brace != name.npos && !known->labelled) refuse_expectation(text, "has a label, which this figure does not take");
  if (known->named && metric.label.empty()) refuse_expectation(text, "does not say which " + std::string(quantity));
  const bool of_probe = known->name == "probe";
  if ((dot != name.npos) != (known->unit == Unit::seconds || of_probe)) {
    refuse_expectation(text,
                       dot == name.npos ? "does not say which statistic, such as p95" : "has a statistic, which this figure does not take");
  }
  if (dot == name.npos) return metric;
  const std::string_view statistic = name.substr(dot + 1);
  const Statistic latest = of_probe ? Statistic::last : Statistic::max;
  for (int number = static_cast<int>(Statistic::mean); number <= static_cast<int>(latest); ++number) {
    if (wsbench::name(static_cast<Statistic>(number)) == statistic) metric.statistic = static_cast<Statistic>(number);
  }
  if (metric.statistic == Statistic::value) {
    refuse_expectation(text, "has the unknown statistic " + in_quotes(statistic) + " (mean, min, p50, p90, p95, p99, p99_9, max" +
                                 (of_probe ? ", last)" : ")"));
  }
  return metric;
}

inline double parse_share(std::string_view text, std::string_view bound) {
  const bool percent = bound.ends_with('%');
  const std::string_view digits = trimmed(percent ? bound.substr(0, bound.size() - 1) : bound);
  double number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (!whole || !std::isfinite(number * 100)) refuse_expectation(text, "has no share for a bound, such as 99.5%");
  return percent ? number / 100 : number;
}

/// The bound of a probe's figure and its unit: "500" or "10k" (a plain number), "150%" (a share), "500MiB" (a size).
inline double parse_probe_bound(std::string_view text, std::string_view bound, Unit& unit) {
  double number = 0;
  const auto read = std::from_chars(bound.data(), bound.data() + bound.size(), number);
  const std::string_view rest = trimmed(bound.substr(static_cast<std::size_t>(read.ptr - bound.data())));
  unit = rest == "%" ? Unit::share : rest.ends_with('B') ? Unit::bytes : Unit::number;
  if (unit == Unit::bytes) return static_cast<double>(parse_size(bound));
  const auto known = std::find_if(count_units.begin(), count_units.end(), [&](const NamedUnit& each) { return each.name == rest; });
  const bool sound = read.ec == std::errc{} && std::isfinite(number * 1e6) && (unit == Unit::share || known != count_units.end());
  if (!sound) refuse_expectation(text, "has no bound for a probe, such as 500, 10k, 150% or 500MiB");
  return unit == Unit::share ? number / 100 : number * static_cast<double>(known->factor);
}

}  // namespace detail

/// Reads an expectation as `to_string` writes it: "latency{post}.p99 < 1s", "success_rate > 99%", "probe(server.rss).max < 500MiB". Throws
/// Error.
inline Expectation parse_expectation(std::string_view text) {
  const std::size_t label_end = detail::label_in(text).close;
  const std::size_t at = text.find_first_of("<>=", label_end == text.npos ? 0 : label_end);
  if (at == text.npos) detail::refuse_expectation(text, "compares nothing");
  const std::size_t end = std::min(text.find_first_not_of("<>=", at), text.size());
  Expectation expectation;
  expectation.metric = detail::parse_metric(text, detail::trimmed(text.substr(0, at)));
  const std::string_view comparison = text.substr(at, end - at);
  bool known = false;
  for (int number = 0; number <= static_cast<int>(Comparison::equal); ++number) {
    if (sign(static_cast<Comparison>(number)) != comparison) continue;
    expectation.comparison = static_cast<Comparison>(number);
    known = true;
  }
  if (!known) detail::refuse_expectation(text, "has the unknown comparison " + detail::in_quotes(comparison));
  const std::string_view bound = detail::trimmed(text.substr(end));
  try {
    switch (expectation.metric.unit) {
      case Unit::seconds: expectation.bound = std::chrono::duration<double>(parse_duration(bound)).count(); break;
      case Unit::share: expectation.bound = detail::parse_share(text, bound); break;
      case Unit::count: expectation.bound = static_cast<double>(parse_count(bound)); break;
      case Unit::per_second: expectation.bound = parse_rate(bound); break;
      case Unit::number:
      case Unit::bytes: expectation.bound = detail::parse_probe_bound(text, bound, expectation.metric.unit); break;
    }
  } catch (const Error& error) {
    if (error.member() == "expect") throw;
    throw Error("expect", detail::in_quotes(text) + ": the bound " + error.problem());
  }
  return expectation;
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
/// From when a connection was open until it ended.
inline constexpr Durations open_time{"open_time"};
/// From just before a ping was written until its pong arrived.
inline constexpr Durations ping{"ping"};
/// From when a publication was due until each subscriber had it; or, `delivery("said")`, of pushed messages by what they say themselves.
inline constexpr Durations delivery{"delivery"};
/// From when a publication was due until the first subscriber had it.
inline constexpr Durations first_delivery{"first_delivery"};
/// From when a publication was due until half of its subscribers had it.
inline constexpr Durations median_delivery{"median_delivery"};
/// From when a publication was due until the last of its subscribers had it; of those that reached all.
inline constexpr Durations last_delivery{"last_delivery"};
/// Deliveries that did not come before their publication's deadline.
inline constexpr Metric<Unit::count> missing_deliveries{"missing_deliveries"};
/// Deliveries that came once more.
inline constexpr Metric<Unit::count> duplicate_deliveries{"duplicate_deliveries"};
/// Deliveries that came after a later one of the same publisher.
inline constexpr Metric<Unit::count> out_of_order_deliveries{"out_of_order_deliveries"};
/// The durations that a behaviour noted under a label.
constexpr Durations note(std::string_view label) {
  return Durations{"note", label};
}
/// Answered messages among those answered, failed or not sent; a share of one.
inline constexpr Metric<Unit::share> success_rate{"success_rate"};
/// Failed or not sent messages among those and the answered; 1 where nothing could connect. A share of one.
inline constexpr Metric<Unit::share> error_rate{"error_rate"};
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

/// The figures of a probe's readings: `probe("redis_mb").max`; what they are bounded by is in the probe's unit, shares of one and bytes.
struct Readings {
  using Figure = Metric<Unit::number>;

  constexpr explicit Readings(std::string_view name) noexcept
      : mean{"probe", Statistic::mean, name},
        min{"probe", Statistic::min, name},
        p50{"probe", Statistic::p50, name},
        p90{"probe", Statistic::p90, name},
        p95{"probe", Statistic::p95, name},
        p99{"probe", Statistic::p99, name},
        p99_9{"probe", Statistic::p99_9, name},
        max{"probe", Statistic::max, name},
        last{"probe", Statistic::last, name} {}

  Figure mean, min, p50, p90, p95, p99, p99_9, max, last;
};

/// What the probe of that name read.
constexpr Readings probe(std::string_view name) {
  return Readings{name};
}

}  // namespace metric

}  // namespace wsbench
