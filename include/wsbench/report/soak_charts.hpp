#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/growth.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/charts.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/soak.hpp>

namespace wsbench::detail {

/// What was read of something that may leak, and the line of its slope under the steady load; sizes are in MiB.
inline Panel trend_panel(const SoakFinding& finding, const std::vector<Reading>& readings, const Soak& found) {
  const bool is_size = finding.unit == Unit::bytes;
  const double unit = is_size ? 1024 * 1024 : 1;
  std::vector<Curve> curves{{"read", {}}};
  for (const Reading& reading : readings) curves.front().points.push_back({reading.at_s, reading.value / unit});
  if (const auto& slope = finding.growth.per_second) {
    const double from = in_seconds(found.from);
    const double to = in_seconds(found.to);
    // The line that as many readings are above as below.
    std::vector<double> levels;
    for (const Reading& reading : readings) {
      if (reading.at_s >= from && reading.at_s < to) levels.push_back(reading.value - slope->estimate * (reading.at_s - from));
    }
    const double level = median_of(levels).value_or(finding.growth.level);
    curves.push_back({"trend", {{from, level / unit}, {to, (level + slope->estimate * (to - from)) / unit}}});
  }
  Axis axis = linear_axis(highest_of(curves), is_size ? 0 : 1, short_number);
  return {finding.what + (is_size ? " in MiB" : ""), std::move(axis), std::move(curves)};
}

/// What a soak watched of the server over its time, with the trends; nothing for a run that was not one, or watched nothing.
inline std::optional<Picture> decay_over_time(const Report& report) {
  if (!report.record().soak) return std::nullopt;
  const Soak found = soak(report);
  std::vector<Panel> panels;
  double end = in_seconds(found.to);
  for (const ProbeRecord& probe : report.record().probes) {
    const auto finding =
        std::find_if(found.findings.begin(), found.findings.end(), [&](const SoakFinding& each) { return each.what == name_of(probe); });
    const std::vector<Reading> readings = readings_of(probe.series);
    if (finding == found.findings.end() || readings.empty()) continue;
    end = std::max(end, readings.back().at_s);
    panels.push_back(trend_panel(*finding, readings, found));
  }
  if (panels.empty()) return std::nullopt;
  Picture picture{"What the server holds, over time, and its trend",
                  "What was read of the server, and the line of its slope while all clients were there; the table above has the figures.",
                  time_axis(end),
                  std::move(panels),
                  {},
                  {}};
  const double load_end = in_seconds(report.record().duration);
  if (found.from.count() > 0) picture.bands.push_back({0, in_seconds(found.from), ""});
  if (end > load_end) picture.bands.push_back({load_end, end, "after the load"});
  return picture;
}

}  // namespace wsbench::detail
