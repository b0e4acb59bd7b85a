#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report/charts.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"

using namespace std::chrono_literals;
using namespace wsbench::detail;
using wsbench::MetricsCollector;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

// This many answers a second for a minute, but none from the 20th to the 39th second; one error then.
Report minute_of(std::uint64_t answers, std::chrono::nanoseconds warm_up = 0s) {
  MetricsCollector collector;
  const auto label = collector.label("");
  collector.at(0s);
  collector.connection_attempted();
  collector.connection_opened({.resolve = 1ms, .tcp = 2ms, .upgrade = 4ms, .total = 7ms});
  for (std::uint64_t second = 0; second < 60; ++second) {
    collector.at(std::chrono::seconds{second});
    if (second == 20) collector.failure(wsbench::Failure::timeout, 0, 20s, [] { return std::string("client 0: no answer"); });
    for (std::uint64_t n = 0; n < answers; ++n) {
      collector.sent(label, 0s);
      if (second < 20 || second >= 40) collector.answered(label, 1ms * (n + 1), 1ms);
    }
  }
  RunRecord record;
  record.duration = 60'500ms;
  record.configuration.warm_up = warm_up;
  record.metrics = collector.snapshot();
  return Report(std::move(record));
}

const Curve& curve_of(const Panel& panel, const std::string& name) {
  for (const Curve& curve : panel.curves) {
    if (curve.name == name) return curve;
  }
  FAIL("no curve " << name);
  return panel.curves.front();
}

std::size_t measured(const Curve& curve) {
  std::size_t count = 0;
  for (const CurvePoint& point : curve.points) count += point.y.has_value() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("latency over time has a gap where nothing was answered, and no percentile without the samples", "[charts]") {
  const Report report = minute_of(200);
  const Picture picture = over_time(report).value();
  REQUIRE(picture.panels.size() == 4);
  const Panel& latency = picture.panels[0];
  CHECK(latency.title == "Latency in each 1s");
  for (const std::string name : {"p50", "p95", "p99", "max"}) {
    const Curve& curve = curve_of(latency, name);
    REQUIRE(curve.points.size() == 60);
    CHECK(measured(curve) == 40);
    CHECK(curve.points[0].x == 0.5);
    CHECK(curve.points[19].y.has_value());
    CHECK_FALSE(curve.points[20].y.has_value());
    CHECK_FALSE(curve.points[39].y.has_value());
    CHECK(curve.points[40].y.has_value());
  }
  CHECK(curve_of(latency, "max").points[0].y == 200e6);
  const double p95 = curve_of(latency, "p95").points[0].y.value();
  CHECK(p95 >= 190e6);
  CHECK(p95 <= 190e6 * 1.032);
}

TEST_CASE("intervals of latency are as wide as a p99 needs, and no fewer than twelve", "[charts]") {
  CHECK(over_time(minute_of(75)).value().panels[0].title == "Latency in each 2s");
  const Report few = minute_of(3);
  const Panel latency = over_time(few).value().panels[0];
  CHECK(latency.title == "Latency in each 5s");
  CHECK(curve_of(latency, "max").points.size() == 12);
  CHECK(curve_of(latency, "max").points[0].x == 2.5);
  CHECK(measured(curve_of(latency, "p50")) == 8);
  CHECK(measured(curve_of(latency, "p99")) == 0);
}

TEST_CASE("throughput, clients and errors over time are by slot", "[charts]") {
  const Report report = minute_of(3, 10s);
  const Picture picture = over_time(report).value();
  REQUIRE(picture.bands.size() == 1);
  CHECK(picture.bands[0].to == 10);
  const Panel& throughput = picture.panels[1];
  CHECK(measured(curve_of(throughput, "sent")) == 50);  // none in the warm-up
  CHECK(curve_of(throughput, "sent").points[10].y == 3.0);
  CHECK(curve_of(throughput, "answered").points[30].y == 0.0);
  CHECK(curve_of(picture.panels[2], "open").points[59].y == 1.0);
  const Panel& errors = picture.panels[3];
  CHECK(errors.bars);
  CHECK(curve_of(errors, "errors").points[20].y == 1.0);
  CHECK(curve_of(errors, "errors").points[21].y == 0.0);
  CHECK(picture.x.position(60.5) == 1);
}

TEST_CASE("the latency by percentile ends with one sample beyond, and marks where ten are", "[charts]") {
  const Report report = minute_of(25);  // 1,000 answers
  const Picture picture = by_percentile(report).value();
  const Curve& latency = curve_of(picture.panels[0], "latency");
  CHECK(latency.points.front().y == 1e6);
  CHECK(latency.points.back().x == Approx(0.999));
  CHECK(latency.points.back().y.has_value());
  double last = 0;
  for (const CurvePoint& point : latency.points) {
    REQUIRE(point.y.value() >= last);
    last = *point.y;
  }
  CHECK(last == 25e6);
  REQUIRE(picture.bands.size() == 1);
  CHECK(picture.bands[0].from == Approx(0.99));
}

TEST_CASE("each phase of connecting begins where the one before ended", "[charts]") {
  const Report report = minute_of(1);
  const SpanPicture picture = connect_phases(report).value();
  REQUIRE(picture.spans.size() == 3);  // there was no TLS
  CHECK(picture.spans[0].name == "resolve");
  CHECK(picture.spans[0].to == 1e6);
  CHECK(picture.spans[1].from == 1e6);
  CHECK(picture.spans[1].to == 3e6);
  CHECK(picture.spans[2].from == 3e6);
  CHECK(picture.spans[2].to == 7e6);
  CHECK(picture.spans[2].text == "4.00 ms");
}

TEST_CASE("where nothing was measured there is no picture", "[charts]") {
  const Report nothing{RunRecord{}};
  CHECK_FALSE(over_time(nothing).has_value());
  CHECK_FALSE(by_percentile(nothing).has_value());
  CHECK_FALSE(connect_phases(nothing).has_value());
}
