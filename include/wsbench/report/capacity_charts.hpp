#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity_report.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report/capacity_facts.hpp>
#include <wsbench/report/charts.hpp>
#include <wsbench/report/picture.hpp>

/// \file
/// The pictures of a capacity. A step without a result is in none: its figures are the generator's.

namespace wsbench::detail {

/// The curves of a capacity's steps by load.
class LoadCurves {
 public:
  explicit LoadCurves(const CapacityReport& capacity) {
    for (const CapacityStep& step : capacity.steps) {
      if (step.outcome == StepOutcome::held || step.outcome == StepOutcome::missed) steps_.push_back(&step);
    }
    std::stable_sort(steps_.begin(), steps_.end(),
                     [](const CapacityStep* one, const CapacityStep* other) { return one->load < other->load; });
  }

  bool empty() const noexcept { return steps_.empty(); }
  double most() const noexcept { return steps_.back()->load; }

  /// Percentiles of the latency; where no answer was timed, the duration that was expected something of.
  Panel latency() const {
    std::vector<Curve> curves;
    for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}}) {
      curves.push_back(curve(name, [share = share](const CapacityStep& step) {
        return nanoseconds_of(step.report.messages().response_time.percentile(share));
      }));
    }
    if (range_of(curves)) return duration_panel("Latency by load", std::move(curves));
    const ExpectationResult* const expected = deciding_duration(*steps_.front());
    const std::string name = expected == nullptr ? "Latency" : figure_name(*expected);
    curves = {curve("", [](const CapacityStep& step) -> std::optional<double> {
      const ExpectationResult* const figure = deciding_duration(step);
      if (figure == nullptr || !figure->actual) return std::nullopt;
      return *figure->actual * 1e9;
    })};
    return duration_panel(name + " by load", std::move(curves));
  }

  Panel throughput() const {
    std::vector<Curve> curves;
    curves.push_back(curve("sent", [](const CapacityStep& step) { return step.report.sent_per_second(); }));
    curves.push_back(curve("answered", [](const CapacityStep& step) { return answered_per_second(step.report); }));
    Axis axis = rate_axis(highest_of(curves));
    return {"Messages a second by load", std::move(axis), std::move(curves)};
  }

 private:
  Curve curve(std::string name, auto figure_of) const {
    Curve made{std::move(name), {}};
    for (const CapacityStep* step : steps_) made.points.push_back({step->load, figure_of(*step)});
    return made;
  }

  std::vector<const CapacityStep*> steps_{};
};

/// Latency and throughput by load, with the capacity and the knee marked; nothing where no step had a result.
inline std::optional<Picture> by_load(const CapacityReport& capacity) {
  const LoadCurves curves(capacity);
  if (curves.empty()) return std::nullopt;
  Picture picture{"Latency and throughput by load",
                  fmt::format("Two charts over the loads tried, in {}; the table of the steps has their figures.",
                              capacity.by == CapacityUnit::rate ? "messages a second" : "clients"),
                  capacity.by == CapacityUnit::rate ? rate_axis(curves.most()) : count_axis(curves.most()),
                  {curves.latency(), curves.throughput()}};
  const CapacityInterval& interval = capacity.interval;
  if (interval.at_least && interval.below) picture.bands.push_back({*interval.at_least, *interval.below, {}});
  if (interval.at_least) picture.marks.push_back({*interval.at_least, "capacity"});
  if (const std::optional<double> knee = capacity.knee()) picture.marks.push_back({*knee, "knee"});
  return picture;
}

}  // namespace wsbench::detail
