#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/comparison.hpp>
#include <wsbench/random.hpp>
#include <wsbench/report/comparison_json.hpp>
#include <wsbench/report/comparison_text.hpp>

#include "catch.hpp"
#include "support/golden.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::longest_line;
using wsbench::Change;
using wsbench::FigureChange;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::VersionComparison;

namespace {

/// What one run measured.
struct Measured {
  std::chrono::nanoseconds latency{20ms};
  int answered{100};
  int failed{0};
  std::chrono::nanoseconds duration{10s};
};

// A run of 100 messages and their outcomes.
RunRecord run_of(const Measured& measured, const std::string& commit = {}) {
  wsbench::MetricsCollector collector;
  const auto label = collector.label("echo");
  collector.connection_attempted();
  collector.connection_opened({.total = 3ms});
  for (int message = 0; message < measured.answered + measured.failed; ++message) {
    collector.sent(label, 1us);
    if (message < measured.answered) {
      collector.received();
      collector.answered(label, measured.latency, measured.latency);
    } else {
      collector.failed(label, 5s);
    }
  }
  collector.connection_ended();
  RunRecord record;
  record.scenario = "light";
  record.commit = commit;
  record.duration = measured.duration;
  record.metrics = collector.snapshot();
  record.configuration.population = 10;
  record.configuration.clients = 10;
  record.configuration.pace = wsbench::think(100ms);
  return record;
}

// So many runs, whose latencies are spread a little around this one.
std::vector<Report> runs(std::size_t count, std::chrono::nanoseconds latency, double spread = 0.01, unsigned seed = 1) {
  wsbench::Random random{seed};
  std::lognormal_distribution<double> noise{0, spread};
  std::vector<Report> all;
  for (std::size_t run = 0; run < count; ++run) {
    all.emplace_back(run_of({.latency = std::chrono::round<std::chrono::nanoseconds>(latency * noise(random))}));
  }
  return all;
}

std::vector<Report> repeated(std::size_t count, const RunRecord& record) {
  return std::vector<Report>(count, Report{record});
}

const FigureChange& figure(const VersionComparison& comparison, const std::string& metric) {
  for (const FigureChange& each : comparison.figures) {
    if (wsbench::to_string(each.metric) == metric) return each;
  }
  FAIL("no figure " << metric);
  throw 0;
}

}  // namespace

TEST_CASE("latency that rose or fell is worse or better; what stayed is unchanged", "[comparison]") {
  const std::size_t count = GENERATE(5U, 8U, 20U);
  CAPTURE(count);
  const VersionComparison slower = wsbench::compare(runs(count, 20ms), runs(count, 30ms, 0.01, 2));
  for (const char* const metric : {"latency.mean", "latency.p50", "latency.p90"}) {
    const FigureChange& change = figure(slower, metric);
    INFO(metric << ": " << change.why);
    CHECK(change.change == Change::worse);
    REQUIRE(change.by.has_value());
    CHECK(change.by->estimate == Approx(0.5).margin(0.05));
    CHECK(change.by->low < 0.5);
    CHECK(change.by->high > 0.5);
    CHECK(change.why.empty());
  }
  CHECK(figure(slower, "success_rate").change == Change::unchanged);
  CHECK(figure(slower, "messages_per_second").change == Change::unchanged);
  CHECK(figure(slower, "connect_time.mean").change == Change::unchanged);
  CHECK(slower.any(Change::worse));
  const VersionComparison faster = wsbench::compare(runs(count, 30ms), runs(count, 20ms, 0.01, 2));
  CHECK(figure(faster, "latency.mean").change == Change::better);
  CHECK_FALSE(faster.any(Change::worse));
}

TEST_CASE("what is too small to matter is unchanged: 5 %, and of durations 1 ms", "[comparison]") {
  const auto latency_change = [](std::chrono::nanoseconds from, std::chrono::nanoseconds to) {
    return figure(wsbench::compare(repeated(8, run_of({.latency = from})), repeated(8, run_of({.latency = to}))), "latency.mean").change;
  };
  CHECK(latency_change(100ms, 104ms) == Change::unchanged);
  CHECK(latency_change(100ms, 106ms) == Change::worse);
  CHECK(latency_change(100ms, 96ms) == Change::unchanged);
  CHECK(latency_change(100ms, 94ms) == Change::better);
  CHECK(latency_change(2ms, 2'900us) == Change::unchanged);
  CHECK(latency_change(2ms, 3'100us) == Change::worse);
  CHECK(latency_change(100us, 1'050us) == Change::unchanged);  // ten times as long, and still nothing that anyone notices
  CHECK(latency_change(100us, 1'200us) == Change::worse);

  const auto throughput_change = [](std::chrono::nanoseconds from, std::chrono::nanoseconds to) {
    const VersionComparison comparison = wsbench::compare(repeated(8, run_of({.duration = from})), repeated(8, run_of({.duration = to})));
    return figure(comparison, "messages_per_second").change;
  };
  CHECK(throughput_change(10s, 10'400ms) == Change::unchanged);
  CHECK(throughput_change(10s, 11s) == Change::worse);
  CHECK(throughput_change(10s, 9s) == Change::better);

  const auto share_change = [](int failed) {
    const VersionComparison comparison =
        wsbench::compare(repeated(8, run_of({.answered = 2'000})), repeated(8, run_of({.answered = 2'000 - failed, .failed = failed})));
    return figure(comparison, "success_rate").change;
  };
  CHECK(share_change(1) == Change::unchanged);
  CHECK(share_change(3) == Change::worse);
}

TEST_CASE("a verdict is on the whole interval", "[comparison]") {
  using wsbench::Unit;
  using wsbench::detail::judge;
  CHECK(judge({0.08, 0.06, 0.1}, 0.05, Unit::seconds) == Change::worse);
  CHECK(judge({0.08, 0.06, 0.1}, 0.05, Unit::per_second) == Change::better);
  CHECK(judge({-0.08, -0.1, -0.06}, 0.05, Unit::count) == Change::better);
  CHECK(judge({-0.08, -0.1, -0.06}, 0.05, Unit::share) == Change::worse);
  CHECK(judge({0, -0.05, 0.05}, 0.05, Unit::seconds) == Change::unchanged);
  CHECK(judge({0.05, 0.04, 0.06}, 0.05, Unit::seconds) == Change::cannot_tell);
  CHECK(judge({-0.05, -0.06, -0.04}, 0.05, Unit::seconds) == Change::cannot_tell);
  CHECK(judge({0, -0.06, 0.06}, 0.05, Unit::seconds) == Change::cannot_tell);
}

TEST_CASE("where the interval reaches across the floor it cannot be told", "[comparison]") {
  const VersionComparison comparison = wsbench::compare(runs(8, 100ms, 0.15), runs(8, 107ms, 0.15, 2));
  const FigureChange& change = figure(comparison, "latency.mean");
  REQUIRE(change.by.has_value());
  CHECK(change.by->low < change.floor);
  CHECK(change.by->high > change.floor);
  CHECK(change.change == Change::cannot_tell);
  CHECK(change.why.find("more runs would tell") != std::string::npos);
}

TEST_CASE("fewer than five runs of a version tell nothing", "[comparison]") {
  for (const auto& [base, current] : {std::pair{1U, 1U}, {4U, 20U}, {20U, 4U}}) {
    const VersionComparison comparison = wsbench::compare(runs(base, 20ms), runs(current, 90ms));
    for (const FigureChange& change : comparison.figures) {
      INFO(wsbench::to_string(change.metric));
      CHECK(change.change == Change::cannot_tell);
      CHECK_FALSE(change.by.has_value());
      CHECK(change.why == std::to_string(base) + " and " + std::to_string(current) + " runs measured it, and it takes 5 of either version");
    }
  }
}

TEST_CASE("runs that say nothing about the server are left out, and counted", "[comparison]") {
  std::vector<Report> current = runs(5, 20ms);
  RunRecord interrupted = run_of({.latency = 10s});
  interrupted.interrupted = true;
  RunRecord invalid = run_of({.latency = 10s});
  invalid.metrics.failures.add(wsbench::Failure::behaviour_error, 0, 1s, [] { return "client 0: threw"; });
  current.emplace_back(interrupted);
  current.emplace_back(invalid);
  const VersionComparison comparison = wsbench::compare(runs(5, 20ms), current);
  CHECK(comparison.current.runs == 5);
  CHECK(comparison.current.left_out == 2);
  CHECK(figure(comparison, "latency.mean").current.size() == 5);
  CHECK(figure(comparison, "latency.mean").change == Change::unchanged);
}

TEST_CASE("a version that takes no connections any more is worse", "[comparison]") {
  RunRecord dead = run_of({.answered = 0});
  dead.metrics.connections = {};
  dead.metrics.connections.attempted = dead.metrics.connections.failed = 10;
  dead.metrics.not_sent = 100;
  REQUIRE(Report{dead}.verdict() == wsbench::Verdict::no_connection);
  const VersionComparison comparison = wsbench::compare(runs(6, 20ms), repeated(6, dead));
  CHECK(figure(comparison, "success_rate").change == Change::worse);
  CHECK(figure(comparison, "latency.mean").change == Change::cannot_tell);
  CHECK(figure(comparison, "messages_per_second").why.find("it was 0") != std::string::npos);
}

TEST_CASE("versions under different loads are not compared, and what differs is named", "[comparison]") {
  const auto refusal = [](const RunRecord& other) -> std::string {
    try {
      wsbench::compare(runs(5, 20ms), {Report{other}});
    } catch (const wsbench::Error& error) {
      return error.what();
    }
    return {};
  };
  RunRecord other = run_of({});
  other.configuration.population = 20;
  CHECK(refusal(other) == "compare: the runs differ in clients (10 clients and 20 clients): compare runs of the same load");
  other = run_of({});
  other.scenario = "heavy\n";
  CHECK(refusal(other) == "compare: the runs differ in scenario (\"light\" and \"heavy?\"): compare runs of the same load");
  // What is expected of a version, and where it is, may change.
  other = run_of({});
  other.expectations = {{"errors == 0", wsbench::Unit::count, 0, true}};
  other.configuration.urls = {"ws://elsewhere"};
  CHECK(refusal(other).empty());
  CHECK_THROWS_AS(wsbench::compare({}, runs(5, 20ms)), wsbench::Error);
  CHECK_THROWS_AS(wsbench::compare(runs(5, 20ms), {}), wsbench::Error);
}

TEST_CASE("latencies by different clocks are not compared, whichever run comes first", "[comparison]") {
  RunRecord stamped = run_of({});
  stamped.generator.kernel_stamps = true;
  const Report unanswered{run_of({.answered = 0, .failed = 100})};
  CHECK_THROWS_AS(wsbench::compare({Report{stamped}}, {Report{run_of({})}}), wsbench::Error);
  CHECK_THROWS_AS(wsbench::compare({unanswered, Report{stamped}}, {Report{run_of({})}}), wsbench::Error);
  CHECK_THROWS_AS(wsbench::compare({unanswered}, {Report{stamped}, Report{run_of({})}}), wsbench::Error);
  CHECK_NOTHROW(wsbench::compare({unanswered, Report{stamped}}, {unanswered, Report{stamped}}));
}

TEST_CASE("what else differs between the runs is noted", "[comparison]") {
  RunRecord here = run_of({}, "aa");
  here.environment.host = "one";
  RunRecord there = run_of({}, "bb");
  there.environment.host = "two\x1b[31m";
  const VersionComparison comparison = wsbench::compare(repeated(5, here), {Report{here}, Report{there}});
  CHECK(comparison.notes == std::vector<std::string>{"the runs differ in machine: one, two?[31m"});
  CHECK(comparison.base.commits == std::vector<std::string>{"aa"});
  CHECK(comparison.current.commits == std::vector<std::string>{"aa", "bb"});
}

TEST_CASE("latencies are compared by percentiles that do not hang on a few samples", "[comparison]") {
  const auto percentiles_of = [](int messages) {
    std::string names;
    for (const wsbench::MetricName& metric : wsbench::compared_figures(Report{run_of({.answered = messages})})) {
      if (metric.quantity == "latency") names += to_string(metric) + ' ';
    }
    return names;
  };
  CHECK(percentiles_of(0) == "latency.mean latency.p50 latency.p95 ");
  CHECK(percentiles_of(99) == "latency.mean latency.p50 latency.p95 ");
  CHECK(percentiles_of(100) == "latency.mean latency.p50 latency.p90 ");
  CHECK(percentiles_of(200) == "latency.mean latency.p90 latency.p95 ");
  CHECK(percentiles_of(5'000) == "latency.mean latency.p95 latency.p99 ");
  CHECK(wsbench::compared_figures(Report{run_of({})}).size() == 6);
}

TEST_CASE("a broadcast is compared by its deliveries", "[comparison]") {
  RunRecord record = run_of({.answered = 0});
  record.metrics.fan_out = {.published = 10, .complete = 10, .expected = 50, .delivered = 50};
  for (int delivery = 0; delivery < 50; ++delivery) record.metrics.fan_out.delivery.record(5ms);
  RunRecord lossy = record;
  lossy.metrics.fan_out.delivered = 40;
  const VersionComparison comparison = wsbench::compare(repeated(5, record), repeated(5, lossy));
  CHECK(figure(comparison, "delivery.mean").change == Change::unchanged);
  CHECK(figure(comparison, "missing_deliveries").change == Change::worse);
  CHECK(figure(comparison, "missing_deliveries").by == wsbench::RankEstimate{10, 10, 10});
  CHECK(figure(comparison, "last_delivery.p95").why == "not measured");
}

TEST_CASE("one version against itself is seldom told apart: five times in a hundred at most, over all figures",
          "[comparison][exhaustive]") {
  // Noise far larger than the floors, so that nothing but the intervals keeps the verdict back.
  constexpr int times = 100;
  int told_apart = 0;
  wsbench::Random seeds{99};
  for (int time = 0; time < times; ++time) {
    const VersionComparison comparison = wsbench::compare(runs(8, 100ms, 0.5, seeds()), runs(8, 100ms, 0.5, seeds()));
    if (comparison.any(Change::better) || comparison.any(Change::worse)) ++told_apart;
  }
  CHECK(told_apart <= times * 0.05);
}

TEST_CASE("golden: a comparison as text and JSON", "[comparison]") {
  std::vector<Report> base;
  std::vector<Report> current;
  for (int run = 0; run < 8; ++run) {
    base.emplace_back(run_of({.latency = 20ms + run * 100us}, "3f1c9e0a7712b45d8e6f0c2a9b1d4e7f3a5c6b8d"));
    current.emplace_back(run_of({.latency = 26ms + run * 100us, .duration = 9s + run * 400ms}, "77aa0c51"));
  }
  RunRecord elsewhere = current.back().record();
  elsewhere.environment.host = "ci-runner-17";
  elsewhere.commit = "a commit\nthat is \"hot\", <b>and</b> far longer than any name that git gives to anything";
  current.back() = Report{elsewhere};
  elsewhere.interrupted = true;
  elsewhere.environment.host = "build\x01";
  current.emplace_back(elsewhere);
  const VersionComparison comparison = wsbench::compare(base, current);
  const std::string text = wsbench::to_text(comparison);
  INFO(text);
  CHECK(longest_line(text) <= 80);
  CHECK(std::all_of(text.begin(), text.end(), [](char letter) { return letter == '\n' || (letter >= ' ' && letter != '\x7f'); }));
  support::require_golden("comparison.txt", text);
  support::require_golden("comparison.json", wsbench::to_json_text({comparison}));
}

TEST_CASE("a comparison withstands any name and any figure", "[comparison]") {
  RunRecord record = run_of({});
  record.scenario = "\xff<b>\"it's\"\r\n\x1b[2J\xc3(" + std::string(10'000, 'x');
  record.commit = record.scenario;
  record.environment.host = record.scenario;
  RunRecord other = record;
  other.commit = "\xe2\x82";
  other.environment.host = "";
  for (const std::chrono::nanoseconds latency : {1ns, std::chrono::nanoseconds(3'600s)}) {
    RunRecord extreme = run_of({.latency = latency});
    extreme.scenario = record.scenario;
    const VersionComparison comparison = wsbench::compare({5, Report{record}}, repeated(5, extreme));
    const std::string text = wsbench::to_text(comparison);
    INFO(text);
    CHECK(longest_line(text) <= 80);
    const nlohmann::json document = nlohmann::json::parse(wsbench::to_json_text({comparison}))[0];
    CHECK(document["figures"].size() == 6);
    CHECK(document["figures"][0]["by"]["low"].is_number());
    for (const char* const strange : {"nan", "inf"}) CHECK(text.find(strange) == std::string::npos);
  }
  const std::string text = wsbench::to_text(wsbench::compare({Report{record}}, {Report{other}}));
  CHECK(longest_line(text) <= 80);
  CHECK(text.find('\x1b') == std::string::npos);
}
