#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/history.hpp>
#include <wsbench/report/history_text.hpp>

#include "catch.hpp"
#include "support/golden.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::longest_line;
using wsbench::Change;
using wsbench::History;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::Trend;

namespace {

constexpr auto first_day = std::chrono::system_clock::time_point{} + 1'795'508'301s;

// A run so many days after the first.
RunRecord run_on(int day, std::chrono::nanoseconds latency, const std::string& scenario = "light", int clients = 10) {
  wsbench::MetricsCollector collector;
  const auto label = collector.label("echo");
  collector.connection_attempted();
  collector.connection_opened({.total = 3ms});
  for (int message = 0; message < 100; ++message) {
    collector.sent(label, 1us);
    collector.received();
    collector.answered(label, latency, latency);
  }
  RunRecord record;
  record.scenario = scenario;
  record.started_at = first_day + day * 24h;
  record.duration = 10s;
  record.metrics = collector.snapshot();
  record.configuration.population = clients;
  record.configuration.clients = static_cast<std::uint64_t>(clients);
  record.configuration.pace = wsbench::think(100ms);
  return record;
}

Trend average(const History& history, std::size_t load = 0) {
  return history.trends(load).front();
}

}  // namespace

TEST_CASE("a history has its runs in the order of their dates, whatever order they come in", "[history]") {
  History history;
  for (const int day : {3, 1, 2}) history.add(Report{run_on(day, day * 1ms)});
  REQUIRE(history.entries().size() == 3);
  CHECK(history.entries()[0].started_at == first_day + 24h);
  CHECK(history.entries()[2].mean == Approx(0.003));
  CHECK(history.entries()[2].success_rate == 1.0);
  CHECK(history.loads().at(history.entries()[2].load).configuration.clients == 10);
}

TEST_CASE("latency that climbs or falls from run to run is a trend", "[history]") {
  const int sign = GENERATE(1, -1);
  CAPTURE(sign);
  History history;
  for (int day = 0; day < 9; ++day) history.add(Report{run_on(day, 50ms + sign * day * 2ms + day % 2 * 500us)});
  for (const Trend& trend : history.trends(0)) {
    INFO(trend.figure);
    CHECK(trend.runs == 9);
    CHECK(trend.change == (sign > 0 ? Change::worse : Change::better));
    REQUIRE(trend.by.has_value());
    CHECK(trend.by->estimate == Approx(sign > 0 ? 0.32 : -0.32).margin(0.04));
    CHECK(trend.by->low <= trend.by->estimate);
    CHECK(trend.by->high >= trend.by->estimate);
  }
}

TEST_CASE("a drift too small to matter is unchanged, and runs that go up and down tell nothing", "[history]") {
  History still;
  History restless;
  constexpr int waves[] = {50, 90, 40, 80, 55, 95, 42, 70};
  for (int day = 0; day < 8; ++day) {
    still.add(Report{run_on(day, 100ms + day * 300us)});
    restless.add(Report{run_on(day, waves[day] * 1ms)});
  }
  CHECK(average(still).change == Change::unchanged);
  CHECK(average(still).by->low > 0);
  CHECK(average(restless).change == Change::cannot_tell);
  CHECK(average(restless).why == "the runs go up and down");
}

TEST_CASE("fewer than five runs have no trend", "[history]") {
  History history;
  for (int day = 0; day < 4; ++day) history.add(Report{run_on(day, 10ms + day * 10ms)});
  CHECK(average(history).why == "too few: it takes 5 runs");
  CHECK_FALSE(average(history).by.has_value());
  history.add(Report{run_on(4, 50ms)});
  CHECK(average(history).change == Change::worse);
}

TEST_CASE("each load has a trend of its own", "[history]") {
  History history;
  for (int day = 0; day < 6; ++day) {
    history.add(Report{run_on(day, 10ms)});
    history.add(Report{run_on(day, 20ms + day * 10ms, "light", 20)});
    history.add(Report{run_on(day, 10ms, "heavy")});
  }
  REQUIRE(history.loads().size() == 3);
  CHECK(average(history, 0).change == Change::unchanged);
  CHECK(average(history, 1).change == Change::worse);
  CHECK(average(history, 2).runs == 6);
}

TEST_CASE("a run that says nothing about the server is listed, and in no trend", "[history]") {
  History history;
  for (int day = 0; day < 6; ++day) {
    RunRecord record = run_on(day, 10ms);
    record.interrupted = day == 2;
    history.add(Report{record});
  }
  CHECK(history.entries().size() == 6);
  CHECK_FALSE(history.entries()[2].telling);
  CHECK(average(history).runs == 5);
  CHECK(wsbench::to_text(history).find("! light") != std::string::npos);
}

TEST_CASE("a history without runs says so", "[history]") {
  CHECK(wsbench::to_text(History{}) == "no runs\n");
}

TEST_CASE("golden: a history as text, whatever the names", "[history]") {
  History history;
  for (int day = 0; day < 7; ++day) {
    RunRecord light = run_on(day, 20ms + day * 1500us);
    light.commit = day < 4 ? "3f1c9e0a7712b45d8e6f0c2a9b1d4e7f3a5c6b8d" : "77aa0c51";
    light.interrupted = day == 5;
    history.add(Report{light});
  }
  RunRecord strange = run_on(2, 45ms, std::string("a\r\n\x1b[31mb\0<c>\xff", 15) + std::string(10'000, 'x'), 1'000'000);
  strange.commit = "\xe2\x82\n\n\n\n";
  history.add(Report{strange});
  RunRecord churn = run_on(3, 45ms, "churn", 0);
  churn.configuration.population = wsbench::arrivals(20);
  churn.metrics = {};
  history.add(Report{churn});
  RunRecord course = run_on(4, 45ms, "course", 1'000);
  course.configuration.population = wsbench::stages(std::vector<wsbench::Stage>(50, {1'000, 1h}));
  history.add(Report{course});
  const std::string text = wsbench::to_text(history);
  INFO(text);
  CHECK(longest_line(text) <= 80);
  CHECK(std::all_of(text.begin(), text.end(), [](char letter) { return letter == '\n' || (letter >= ' ' && letter != '\x7f'); }));
  support::require_golden("history.txt", text);
}
