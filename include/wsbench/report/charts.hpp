#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/report/probe_charts.hpp>
#include <wsbench/units.hpp>

/// \file
/// The pictures of a report; a figure that was not measured is a gap.

namespace wsbench::detail {

/// The lowest and the highest that curves reach; nothing where nothing was measured.
inline std::optional<std::pair<double, double>> range_of(const std::vector<Curve>& curves) {
  std::optional<std::pair<double, double>> range;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      if (!point.y) continue;
      if (!range) range = {*point.y, *point.y};
      range = {std::min(range->first, *point.y), std::max(range->second, *point.y)};
    }
  }
  return range;
}

inline double highest_of(const std::vector<Curve>& curves) {
  const auto range = range_of(curves);
  return range ? range->second : 0;
}

/// A panel of durations, whose title says if its axis is logarithmic.
inline Panel duration_panel(std::string title, std::vector<Curve> curves) {
  const auto range = range_of(curves);
  Axis axis = range ? duration_axis(range->first, range->second) : duration_axis(0, 0);
  if (axis.scale() == Axis::Scale::logarithmic) title += " (logarithmic)";
  return {std::move(title), std::move(axis), std::move(curves)};
}

inline std::optional<double> nanoseconds_of(std::optional<std::chrono::nanoseconds> time) {
  return time ? std::optional{static_cast<double>(time->count())} : std::nullopt;
}

/// The response times of a time series by intervals of this many slots each.
inline std::vector<SlotTimes> intervals_of(const TimeSeries& series, std::size_t slots) {
  std::vector<SlotTimes> intervals((series.slots().size() + slots - 1) / slots);
  for (std::size_t index = 0; index < series.slots().size(); ++index) intervals[index / slots].merge(series.slots()[index].response_time);
  return intervals;
}

/// How many slots an interval takes to have the hundred answers that a p99 needs, as long as there are twelve intervals.
inline std::size_t slots_for_percentiles(const TimeSeries& series) {
  std::uint64_t answered = 0;
  for (const TimeSlot& slot : series.slots()) answered += slot.answered;
  const std::size_t size = series.slots().size();
  std::size_t slots = 1;
  while (answered * slots < 100 * size && size / (slots + 1) >= 12) ++slots;
  return slots;
}

/// The curves of a time series.
class SeriesCurves {
 public:
  SeriesCurves(const RunRecord& record, const TimeSeries& series) : record_(record), series_(series) {}

  Panel latency() const {
    const std::size_t slots = slots_for_percentiles(series_);
    const std::vector<SlotTimes> intervals = intervals_of(series_, slots);
    std::vector<Curve> curves;
    for (const unsigned percent : {50U, 95U, 99U}) {
      curves.push_back(curve(fmt::format("p{}", percent), slots,
                             [&](std::size_t index) { return nanoseconds_of(intervals[index].percentile(percent)); }));
    }
    curves.push_back(curve("max", slots, [&](std::size_t index) { return nanoseconds_of(intervals[index].max()); }));
    return duration_panel("Latency in each " + exact_duration(series_.width() * static_cast<std::int64_t>(slots)), std::move(curves));
  }

  Panel throughput() const {
    std::vector<Curve> curves;
    for (const auto& [name, count] : {std::pair{"sent", &TimeSlot::sent}, {"answered", &TimeSlot::answered}}) {
      curves.push_back(curve(name, 1, [&, count = count](std::size_t index) { return rate_in_slot(record_, series_, index, count); }));
    }
    Axis axis = rate_axis(highest_of(curves));
    return {"Messages a second", std::move(axis), std::move(curves)};
  }

  Panel clients() const {
    const std::vector<std::uint64_t> open = series_.open();
    std::vector<Curve> curves{curve("open", 1, [&](std::size_t index) { return std::optional{static_cast<double>(open[index])}; })};
    Axis axis = count_axis(highest_of(curves));
    return {"Connected clients", std::move(axis), std::move(curves)};
  }

  Panel errors() const {
    std::vector<Curve> curves{curve("errors", 1, [&](std::size_t index) {
      const TimeSlot::Failures& failures = series_.slots()[index].failures;
      return std::optional{static_cast<double>(std::accumulate(failures.begin(), failures.end(), std::uint64_t{0}))};
    })};
    Axis axis = count_axis(highest_of(curves));
    return {"Errors in each " + exact_duration(series_.width()), std::move(axis), std::move(curves), true};
  }

 private:
  // A figure of each interval of this many slots.
  Curve curve(std::string name, std::size_t slots, auto figure_of) const {
    Curve made{std::move(name), {}};
    const std::size_t intervals = (series_.slots().size() + slots - 1) / slots;
    for (std::size_t index = 0; index < intervals; ++index) {
      // In the middle of what the run has of the interval.
      const std::chrono::nanoseconds width = series_.width() * static_cast<std::int64_t>(slots);
      const std::chrono::nanoseconds begin = width * static_cast<std::int64_t>(index);
      const std::chrono::nanoseconds end = std::max(std::min(begin + width, record_.duration), begin);
      made.points.push_back({std::chrono::duration<double>(begin + (end - begin) / 2).count(), figure_of(index)});
    }
    return made;
  }

  const RunRecord& record_;
  const TimeSeries& series_;
};

/// Latency, throughput, clients, errors and what probes read over the time of a run; nothing where there is no time series.
inline std::optional<Picture> over_time(const Report& report) {
  const RunRecord& record = report.record();
  const TimeSeries& series = record.metrics.series;
  if (series.slots().empty()) return std::nullopt;
  // A record filled by hand may say that it ended before its series does.
  const std::chrono::nanoseconds end =
      std::max({record.duration, series.width() * static_cast<std::int64_t>(series.slots().size() - 1), last_reading(record.probes)});
  const SeriesCurves curves(record, series);
  std::vector<Panel> panels{curves.latency(), curves.throughput(), curves.clients(), curves.errors()};
  for (Panel& panel : probe_panels(record.probes)) panels.push_back(std::move(panel));
  const bool probed = !record.probes.empty();
  Picture picture{
      probed ? "Latency, throughput, connected clients, errors and what probes read over time"
             : "Latency, throughput, connected clients and errors over time",
      fmt::format("{} charts over the {} of the run; the {} below {} their figures.", probed ? fmt::format("{}", panels.size()) : "Four",
                  format_duration(record.duration), probed ? "tables" : "table", probed ? "have" : "has"),
      time_axis(std::chrono::duration<double>(end).count()),
      std::move(panels),
      {},
      {}};
  const double warm_up = std::chrono::duration<double>(record.configuration.warm_up).count();
  if (warm_up > 0) picture.bands.push_back({0, warm_up, "warm-up"});
  if (last_reading(record.probes) > record.duration) {
    picture.bands.push_back({std::chrono::duration<double>(record.duration).count(), std::chrono::duration<double>(end).count(), "after"});
  }
  return picture;
}

/// The latency by percentile on an axis of ever rarer answers; nothing where fewer than two answers came.
inline std::optional<Picture> by_percentile(const Report& report) {
  const MessageMetrics& messages = report.messages();
  const std::uint64_t samples = messages.response_time.count();
  if (samples < 2) return std::nullopt;
  const Axis shares = tail_axis(samples);
  constexpr int steps = 260;
  std::vector<Curve> curves;
  for (const auto& [name, times] : {std::pair{"latency", &messages.response_time}, {"service", &messages.service_time}}) {
    Curve curve{name, {}};
    for (int step = 0; step <= steps; ++step) {
      const double share = shares.value_at(static_cast<double>(step) / steps);
      curve.points.push_back({share, nanoseconds_of(times->percentile(std::clamp(share, 0.0, 1.0)))});
    }
    curves.push_back(std::move(curve));
  }
  Picture picture{"Latency by percentile",
                  fmt::format("The time within which each share of {} answers came; the table of the messages has the usual ones.",
                              format_count(samples)),
                  shares,
                  {},
                  {}};
  picture.panels.push_back(duration_panel("Latency and service time by percentile", std::move(curves)));
  if (samples > 10) picture.bands.push_back({1 - 10 / static_cast<double>(samples), 1, "few samples"});
  return picture;
}

/// The phases of connecting, each from where the one before ended on average; nothing where none was measured.
inline std::optional<SpanPicture> connect_phases(const Report& report) {
  const ConnectionMetrics& connections = report.metrics().connections;
  std::vector<Span> spans;
  std::chrono::nanoseconds at{0};
  for (const auto& [name, times] : {std::pair{"resolve", &connections.resolve},
                                    {"TCP", &connections.tcp},
                                    {"TLS", &connections.tls},
                                    {"upgrade", &connections.upgrade}}) {
    const std::optional<std::chrono::nanoseconds> mean = times->mean();
    if (!mean) continue;
    spans.push_back({name, static_cast<double>(at.count()), static_cast<double>((at + *mean).count()), format_duration(*mean)});
    at += *mean;
  }
  if (spans.empty()) return std::nullopt;
  const auto whole = static_cast<double>(at.count());
  return SpanPicture{"Phases of connecting",
                     "How long each phase took on average, one after the other; the table of the connections has the same figures.",
                     duration_axis(whole, whole), std::move(spans)};
}

}  // namespace wsbench::detail
