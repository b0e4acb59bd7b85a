#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/report.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/schedule.hpp>

namespace wsbench {

/// How good a figure is for an interactive service such as a chat.
enum class Rating : std::uint8_t { good, acceptable, poor, not_rated };

/// The rating in words: "good", "acceptable", "poor", "n/a".
constexpr std::string_view name(Rating rating) {
  constexpr std::string_view names[] = {"good", "acceptable", "poor", "n/a"};
  return names[static_cast<std::size_t>(rating)];
}

/// The bounds a figure is rated by; what lies on a bound or between the two is acceptable.
struct RatingBounds {
  std::string_view what{};    ///< the figure in words: "average latency"
  MetricName metric{};        ///< the figure
  bool less_is_better{true};  ///< durations; else rates and shares
  double good{0};             ///< better than this is good; seconds, shares of one, or a number a second
  double poor{0};             ///< worse than this is poor
};

/// The bounds of the eight figures that are rated, in the order they are reported.
inline std::array<RatingBounds, 8> rating_bounds() {
  const auto duration = [](std::string_view what, const char* quantity, Statistic statistic, double good, double poor) {
    return RatingBounds{what, {quantity, statistic, {}, Unit::seconds}, true, good, poor};
  };
  const auto rate = [](std::string_view what, const char* quantity, Unit unit, double good, double poor) {
    return RatingBounds{what, {quantity, Statistic::value, {}, unit}, false, good, poor};
  };
  return {duration("average connect time", "connect_time", Statistic::mean, 0.1, 0.5),
          duration("maximum connect time", "connect_time", Statistic::max, 0.5, 2),
          rate("connection success rate", "connection_success_rate", Unit::share, 0.99, 0.95),
          duration("average latency", "latency", Statistic::mean, 0.1, 0.5),
          duration("p95 latency", "latency", Statistic::p95, 0.2, 1),
          duration("p99 latency", "latency", Statistic::p99, 0.5, 2),
          rate("messages a second", "messages_per_second", Unit::per_second, 100, 50),
          rate("message success rate", "success_rate", Unit::share, 0.99, 0.95)};
}

/// One figure of a report with its rating.
struct RatedFigure {
  RatingBounds bounds{};             ///< what it is rated by
  std::optional<double> figure{};    ///< nothing where it was not measured
  Rating rating{Rating::not_rated};  ///< by the bounds
  std::string why_not_rated{};       ///< why there is no rating; empty where there is one
};

/// Rates the figures of a report; one that was not measured, or that this load could not have made good, is not rated.
inline std::vector<RatedFigure> assess(const Report& report) {
  const Configuration& load = report.record().configuration;
  const double offered = offered_per_second(load.clients, load.pace, std::chrono::nanoseconds{0});
  std::vector<RatedFigure> rated;
  for (const RatingBounds& bounds : rating_bounds()) {
    RatedFigure entry{bounds, report.figure(bounds.metric), Rating::not_rated, {}};
    if (!entry.figure) {
      entry.why_not_rated = "not measured";
    } else if (bounds.metric.unit == Unit::per_second && report.planned() == report.messages().one_way) {
      entry.why_not_rated = "no answer was expected";
    } else if (bounds.metric.unit == Unit::per_second && offered <= bounds.good) {
      entry.why_not_rated = "this scenario offers at most " + format_rate(offered);
    } else {
      const auto better = [&](double a, double b) { return bounds.less_is_better ? a < b : a > b; };
      entry.rating = better(*entry.figure, bounds.good)   ? Rating::good
                     : better(bounds.poor, *entry.figure) ? Rating::poor
                                                          : Rating::acceptable;
    }
    rated.push_back(std::move(entry));
  }
  return rated;
}

}  // namespace wsbench
