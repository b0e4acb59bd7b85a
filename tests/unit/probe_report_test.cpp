#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/report/axis.hpp>
#include <wsbench/report/csv.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/probe_charts.hpp>
#include <wsbench/report/probe_figures.hpp>
#include <wsbench/report/prometheus.hpp>
#include <wsbench/report/text.hpp>

#include "catch.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using namespace wsbench::detail;
using support::has;
using wsbench::ProbeRecord;
using wsbench::ProbeSeries;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::Unit;

namespace {

// Two processes, a number every third second, and one that never gave any.
Report probed() {
  RunRecord record;
  record.scenario = "chat";
  record.duration = 9s;
  for (int second = 0; second < 9; ++second) record.metrics.series.sent(1s * second);
  record.probes = {{.name = "a.cpu", .unit = Unit::share},      {.name = "a.rss", .unit = Unit::bytes},
                   {.name = "b.cpu", .unit = Unit::share},      {.name = "queue"},
                   {.name = "dead.files", .unit = Unit::count}, {.name = "dead.threads", .unit = Unit::count}};
  for (int second = 0; second < 9; ++second) {
    record.probes[0].series.read(1s * second, 0.25 * second);
    record.probes[1].series.read(1s * second, 0x1p20 * (1 + second));
    record.probes[2].series.read(1s * second, 0.5);
  }
  for (int second = 0; second <= 12; second += 3) record.probes[3].series.read(1s * second, -second);
  for (std::size_t dead = 4; dead < 6; ++dead) {
    record.probes[dead].series.failed(2s, "process 5 has ended");
    record.probes[dead].series.failed(3s, "process 5 has ended");
  }
  return Report(std::move(record));
}

std::vector<std::string> texts_of(const Axis& axis) {
  std::vector<std::string> texts;
  for (const Tick& tick : axis.ticks()) texts.push_back(tick.text);
  return texts;
}

}  // namespace

TEST_CASE("figures of a probe fit into a table, whatever they are", "[probe]") {
  CHECK(probe_cell(std::nullopt, Unit::bytes) == "n/a");
  CHECK(probe_cell(1536, Unit::bytes) == "1.50 KiB");
  CHECK(probe_cell(1.5, Unit::share) == "150 %");
  CHECK(probe_cell(0.12345, Unit::share) == "12.3 %");
  CHECK(probe_cell(12.345, Unit::share) == "1234 %");
  CHECK(probe_cell(12.5, Unit::count) == "12.5");
  CHECK(probe_cell(999'999, Unit::count) == "999,999");
  CHECK(probe_cell(12'345'678, Unit::number) == "12.3M");
  CHECK(probe_cell(-9.9996e11, Unit::number) == "-1T");
  for (const Unit unit : {Unit::number, Unit::count, Unit::share, Unit::bytes}) {
    for (const double size : {1e-300, 0.000'999, 0.5, 9.9999, 1023.9, 999'999.9, 1e6, 999.5e6, 9.99e14, 1e15, 1e18}) {
      CAPTURE(size, static_cast<int>(unit));
      if (unit == Unit::share && size > 1e4) continue;
      CHECK(probe_cell(size, unit).size() <= 8);
    }
  }
}

TEST_CASE("the text has a table of the probes, and says once what failed alike", "[probe][text]") {
  const std::string text = to_text(probed());
  INFO(text);
  CHECK(has(text,
            "Probes\n"
            "                     first      min  average      p95      max     last\n"
            "  a.cpu                0 %      0 %    100 %      n/a    200 %    200 %\n"
            "  a.rss           1.00 MiB 1.00 MiB 5.00 MiB      n/a 9.00 MiB 9.00 MiB\n"));
  CHECK(has(text, "  dead.files           n/a      n/a      n/a      n/a      n/a      n/a\n"));
  CHECK(has(text, "  dead.files, dead.threads: all 2 readings failed, first after 2.00 s: process 5\n  has ended\n"));
  CHECK_FALSE(has(to_text(Report(RunRecord{})), "Probes"));
}

TEST_CASE("figures of one kind are drawn over one axis, others have a panel of their own", "[probe][charts]") {
  const std::vector<Panel> panels = probe_panels(probed().probes());
  REQUIRE(panels.size() == 5);
  CHECK(panels[0].title == "Probe: cpu (of CPU, 100 % is one core)");
  REQUIRE(panels[0].curves.size() == 2);
  CHECK(panels[0].curves[0].name == "a");
  CHECK(panels[0].curves[1].name == "b");
  CHECK(texts_of(panels[0].y) == std::vector<std::string>{"0 %", "50 %", "100 %", "150 %", "200 %"});
  CHECK(texts_of(panels[1].y).back() == "10 MiB");
  CHECK(panels[2].title == "Probe: queue");
  CHECK(panels[2].curves[0].name == "mean");
  CHECK(panels[3].curves[0].points.empty());
}

TEST_CASE("readings further apart than slots make a curve, and a hole in them a gap", "[probe][charts]") {
  ProbeSeries series;
  for (int second = 0; second < 60; second += 5) {
    if (second < 20 || second > 35) series.read(1s * second, second);
  }
  const Curve curve = probe_curve("x", series);
  REQUIRE(curve.points.size() == 9);
  CHECK(curve.points[0] == CurvePoint{0.5, 0});
  CHECK(curve.points[1] == CurvePoint{5.5, 5});
  CHECK(curve.points[4] == CurvePoint{20.5, std::nullopt});
  CHECK(curve.points[5] == CurvePoint{40.5, 40});
}

TEST_CASE("the axes of probes reach as far as their readings", "[probe][charts]") {
  CHECK(texts_of(bytes_axis(3 * 0x1p30)) == std::vector<std::string>{"0", "1 GiB", "2 GiB", "3 GiB"});
  CHECK(texts_of(bytes_axis(0)) == std::vector<std::string>{"0", "1 B"});
  CHECK(texts_of(number_axis(-12, 3)) == std::vector<std::string>{"-15", "-10", "-5", "0", "5"});
  for (const double low : {-1e300, -7.5, -1e-9, 0.0}) {
    for (const double high : {0.0, 1e-9, 12.0, 1e300}) {
      CAPTURE(low, high);
      const Axis axis = number_axis(low, high);
      CHECK(axis.ticks().size() <= 8);
      CHECK(axis.ticks().front().value <= low);
      CHECK(axis.ticks().back().value >= high * (1 - 1e-9));
    }
  }
}

TEST_CASE("files for programs have the figures of probes under their names", "[probe]") {
  const Report report = probed();
  const std::string csv = to_csv(report);
  CHECK(has(csv, "run,chat,probe,a.rss,max,bytes,9437184\n"));
  CHECK(has(csv, "run,chat,probe,queue,last,number,-12\n"));
  CHECK(has(csv, "run,chat,probe,dead.files,mean,count,\n"));
  CHECK(has(csv, "run,chat,probe_readings_failed,dead.files,,count,2\n"));
  const std::string series = to_series_csv(report);
  INFO(series);
  CHECK(has(series, ",errors,readings,mean,min,max,last\n"));
  CHECK(has(series, "run,chat,0,1,1,0,0,0,0,0,,,,,0,,,,,\n"));
  CHECK(has(series, "probe,a.rss,2,1,,,,,,,,,,,,1,3145728,3145728,3145728,3145728\n"));
  CHECK(has(series, "probe,queue,1,1,,,,,,,,,,,,0,,,,\n"));
  const std::string prometheus = to_prometheus(report);
  CHECK(has(prometheus, "wsbench_probe_max_bytes{scenario=\"chat\",probe=\"a.rss\"} 9437184\n"));
  CHECK(has(prometheus, "wsbench_probe_last{scenario=\"chat\",probe=\"queue\"} -12\n"));
  CHECK_FALSE(has(prometheus, "wsbench_probe_last{scenario=\"chat\",probe=\"dead.files\"}"));
  CHECK(has(to_markdown(report), "| a.cpu | 0 % | 0 % | 100 % | n/a | 200 % | 200 % | 0 |"));
}

TEST_CASE("the page shows probes in pictures and tables", "[probe][html]") {
  const std::string page = to_html(probed());
  CHECK(has(page, ">Probe: cpu (of CPU, 100 % is one core)</text>"));
  CHECK(has(page, "9 charts over the 9.00 s of the run; the tables below have their figures."));
  CHECK(has(page, "<th scope=\"col\">a.rss</th>"));
  CHECK(has(page, ">after</text>"));
}

TEST_CASE("a damaged probe is refused by its key", "[probe][json]") {
  const std::string text = to_json_text(probed());
  CHECK(wsbench::report_from_json(text) == probed());
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string damaged = text;
    const std::size_t at = damaged.find(from, damaged.find("\"probes\": ["));
    REQUIRE(at != damaged.npos);
    damaged.erase(at, from.size()).insert(at, to);
    try {
      wsbench::report_from_json(damaged);
    } catch (const wsbench::Error& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  CHECK(has(refused("\"unit\": \"share\"", "\"unit\": \"apples\""), "probes[0].unit: "));
  CHECK(has(refused("\"width_ns\": 1000000000", "\"width_ns\": 3000000000"), "probes[0]: the width"));
  CHECK(has(refused("\"samples\": [1,", "\"samples\": [1,1,"), "probes[0].series.sum: must have as many entries"));
  CHECK(has(refused("\"max\": [0.0,", "\"max\": [-1.0,"), "probes[0]: the figures of a slot contradict each other"));
  CHECK(has(refused("\"failed\": 0", "\"failed\": 1"), "probes[0]: readings failed without a first"));
  CHECK(has(refused("\"mean\": 1.0", "\"mean\": 2.0"), "probes[0].mean: contradicts"));
}
