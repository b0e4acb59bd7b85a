#pragma once

#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace wsbench::detail {

/// A point of a curve, in the picture's own units; without `y` nothing was measured there.
struct CurvePoint {
  double x{0};
  std::optional<double> y{};

  bool operator==(const CurvePoint&) const = default;
};

/// The same curve in at most two measured points for each column of this width: its lowest and its highest there, so that no peak is lost.
///
/// The points ascend by x. A column in which nothing was measured is one point without `y`.
inline std::vector<CurvePoint> reduced(const std::vector<CurvePoint>& points, double column_width) {
  std::vector<CurvePoint> kept;
  const auto column_of = [column_width](const CurvePoint& point) { return std::floor(point.x / column_width); };
  for (auto begin = points.begin(); begin != points.end();) {
    auto lowest = points.end();
    auto highest = points.end();
    auto end = begin;
    for (; end != points.end() && column_of(*end) == column_of(*begin); ++end) {
      if (!end->y) continue;
      if (lowest == points.end() || *end->y < *lowest->y) lowest = end;
      if (highest == points.end() || *end->y > *highest->y) highest = end;
    }
    if (lowest == points.end()) {
      kept.push_back({begin->x, std::nullopt});
    } else {
      kept.push_back(lowest < highest ? *lowest : *highest);
      if (lowest != highest) kept.push_back(lowest < highest ? *highest : *lowest);
    }
    begin = end;
  }
  return kept;
}

/// The curve as the `d` of an SVG path: broken where nothing was measured; a point between two gaps is a stroke short enough to be a dot.
inline std::string svg_path(const std::vector<CurvePoint>& points) {
  std::string path;
  const auto out = std::back_inserter(path);
  for (std::size_t index = 0; index < points.size(); ++index) {
    if (!points[index].y) continue;
    const bool begins = index == 0 || !points[index - 1].y;
    const bool ends = index + 1 == points.size() || !points[index + 1].y;
    fmt::format_to(out, "{}{:.1f} {:.1f}", begins ? 'M' : 'L', points[index].x, *points[index].y);
    if (begins && ends) path += "h.1";
  }
  return path;
}

}  // namespace wsbench::detail
