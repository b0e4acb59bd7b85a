#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/axis.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/probe_figures.hpp>

/// \file
/// What probes read, as panels of the picture over time.

namespace wsbench::detail {

/// Figures of one kind, "cpu" of "server.cpu" and "redis.cpu", which are drawn over one axis; others have a panel of their own.
struct ProbeGroup {
  std::string title{};
  Unit unit{Unit::number};
  std::vector<const ProbeRecord*> probes{};
};

/// What of a name says whose figure it is, and which: {"server", "cpu"}; the second is empty where the name has no point.
inline std::pair<std::string, std::string> split_probe_name(const std::string& name) {
  const std::size_t point = name.rfind('.');
  if (point == name.npos || point == 0 || point + 1 == name.size()) return {name, {}};
  return {name.substr(0, point), name.substr(point + 1)};
}

inline std::vector<ProbeGroup> probe_groups(const std::vector<ProbeRecord>& probes) {
  constexpr std::size_t most_curves = 4;  // as many as can be told apart without colour
  std::vector<ProbeGroup> groups;
  for (const ProbeRecord& probe : probes) {
    const auto [owner, kind] = split_probe_name(probe.name);
    const std::string title = kind.empty() ? probe.name : kind;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const ProbeGroup& group) {
      return group.title == title && group.unit == probe.unit && group.probes.size() < most_curves;
    });
    (same != groups.end() ? *same : groups.emplace_back(ProbeGroup{title, probe.unit, {}})).probes.push_back(&probe);
  }
  return groups;
}

/// The averages of a series' slots, in their middles. Slots without a reading are left out where readings are that far apart, and a gap
/// where they are further apart than usual.
inline Curve probe_curve(std::string name, const ProbeSeries& series) {
  std::vector<std::size_t> read;
  for (std::size_t index = 0; index < series.slots().size(); ++index) {
    if (series.slots()[index].samples > 0) read.push_back(index);
  }
  std::vector<std::size_t> distances;
  for (std::size_t index = 1; index < read.size(); ++index) distances.push_back(read[index] - read[index - 1]);
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  const std::size_t usual = distances.empty() ? 1 : *middle;
  const double width = std::chrono::duration<double>(series.width()).count();
  Curve curve{std::move(name), {}};
  for (std::size_t index = 0; index < read.size(); ++index) {
    const auto at = [width](std::size_t slot) { return (static_cast<double>(slot) + 0.5) * width; };
    if (index > 0 && read[index] - read[index - 1] > 2 * usual) curve.points.push_back({at(read[index - 1] + usual), std::nullopt});
    curve.points.push_back({at(read[index]), *series.slots()[read[index]].mean()});
  }
  return curve;
}

/// A panel for each kind of figure, in the order of the probes.
inline std::vector<Panel> probe_panels(const std::vector<ProbeRecord>& probes) {
  constexpr std::size_t longest_name = 12;  // for which there is room beside the curves
  constexpr std::size_t longest_title = 60;
  constexpr double furthest = 1e300;  // that axes reckon with
  std::vector<Panel> panels;
  for (const ProbeGroup& group : probe_groups(probes)) {
    std::vector<Curve> curves;
    double low = 0;
    double high = 0;
    for (const ProbeRecord* const probe : group.probes) {
      const bool alone = group.probes.size() == 1 && split_probe_name(probe->name).second.empty();
      const std::string owner = alone ? "mean" : split_probe_name(probe_label(*probe)).first;
      curves.push_back(probe_curve(cut_to(longest_name, printable(owner, CharacterSet::unicode)), probe->series));
      for (const CurvePoint& point : curves.back().points) {
        low = std::min(low, std::max(point.y.value_or(0), -furthest));
        high = std::max(high, std::min(point.y.value_or(0), furthest));
      }
    }
    std::string title = "Probe: " + cut_to(longest_title, printable(group.title, CharacterSet::unicode));
    if (group.unit == Unit::share) title += " (of CPU, 100 % is one core)";
    Axis axis = group.unit == Unit::bytes   ? bytes_axis(high)
                : group.unit == Unit::share ? share_axis(high)
                : group.unit == Unit::count ? count_axis(high)
                                            : number_axis(low, high);
    panels.push_back({std::move(title), std::move(axis), std::move(curves)});
  }
  return panels;
}

/// When the slot began in which the last of them was read, since the start of the run.
inline std::chrono::nanoseconds last_reading(const std::vector<ProbeRecord>& probes) {
  std::chrono::nanoseconds last{0};
  for (const ProbeRecord& probe : probes) {
    const auto slots = static_cast<std::int64_t>(probe.series.slots().size());
    if (slots > 0) last = std::max(last, probe.series.width() * (slots - 1));
  }
  return last;
}

}  // namespace wsbench::detail
