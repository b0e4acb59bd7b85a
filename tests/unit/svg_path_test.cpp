#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report/svg_path.hpp>

#include "catch.hpp"

using wsbench::detail::CurvePoint;
using wsbench::detail::reduced;
using wsbench::detail::svg_path;

namespace {

// The lowest and the highest of each two units from 0 to 520.
std::vector<std::pair<double, double>> extremes_of(const std::vector<CurvePoint>& points) {
  std::vector<std::pair<double, double>> extremes(260, {1e9, -1e9});
  for (const CurvePoint& point : points) {
    auto& [lowest, highest] = extremes.at(static_cast<std::size_t>(point.x / 2));
    lowest = std::min(lowest, point.y.value_or(lowest));
    highest = std::max(highest, point.y.value_or(highest));
  }
  return extremes;
}

}  // namespace

TEST_CASE("a path is broken where nothing was measured, and a lone point is a dot", "[svg_path]") {
  CHECK(svg_path({}).empty());
  CHECK(svg_path({{1, std::nullopt}, {2, std::nullopt}}).empty());
  CHECK(svg_path({{1, 2}, {3, 4.25}}) == "M1.0 2.0L3.0 4.2");
  CHECK(svg_path({{1, 2}, {2, std::nullopt}, {3, 4}, {4, 5}, {5, std::nullopt}}) == "M1.0 2.0h.1M3.0 4.0L4.0 5.0");
  CHECK(svg_path({{7, 8}}) == "M7.0 8.0h.1");
}

TEST_CASE("a curve with a point or none for each column stays as it is", "[svg_path]") {
  const std::vector<CurvePoint> points{{0, 1}, {2, std::nullopt}, {4, 3}, {10, 2}};
  CHECK(reduced(points, 2) == points);
  CHECK(reduced({}, 2).empty());
}

TEST_CASE("of many points in a column the lowest and the highest stay, in their order", "[svg_path]") {
  CHECK(reduced({{0, 5}, {0.2, 9}, {0.4, 1}, {0.6, 5}}, 1) == std::vector<CurvePoint>{{0.2, 9}, {0.4, 1}});
  CHECK(reduced({{0, 5}, {0.2, 1}, {0.4, 9}, {0.6, 5}}, 1) == std::vector<CurvePoint>{{0.2, 1}, {0.4, 9}});
  CHECK(reduced({{0, 5}, {0.2, 5}}, 1) == std::vector<CurvePoint>{{0, 5}});
  CHECK(reduced({{0, std::nullopt}, {0.2, 7}, {0.4, std::nullopt}}, 1) == std::vector<CurvePoint>{{0.2, 7}});
  CHECK(reduced({{0, std::nullopt}, {0.2, std::nullopt}, {1, 3}}, 1) == std::vector<CurvePoint>{{0, std::nullopt}, {1, 3}});
}

TEST_CASE("of a long random curve no peak is lost, and no more than two points a column are left", "[svg_path]") {
  std::mt19937 random{20261128};
  for (int round = 0; round < 200; ++round) {
    std::vector<CurvePoint> points;
    const std::size_t count = 1 + random() % 5'000;
    for (std::size_t n = 0; n < count; ++n) {
      const double x = 520.0 * static_cast<double>(n) / static_cast<double>(count);
      points.push_back({x, random() % 10 == 0 ? std::nullopt : std::optional{static_cast<double>(random() % 1'000)}});
    }
    const std::vector<CurvePoint> kept = reduced(points, 2);
    REQUIRE(kept.size() <= 520);
    for (std::size_t n = 1; n < kept.size(); ++n) REQUIRE(kept[n - 1].x < kept[n].x);
    REQUIRE(extremes_of(points) == extremes_of(kept));
  }
}
