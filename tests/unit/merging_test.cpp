#include <chrono>
#include <string>
#include <vector>

#include <wsbench/merging.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

// A run whose answers took these times.
RunRecord run_with(const std::vector<std::chrono::nanoseconds>& times) {
  wsbench::MetricsCollector collector;
  const auto label = collector.label("echo");
  collector.connection_attempted();
  collector.connection_opened({.total = 1ms});
  for (const std::chrono::nanoseconds time : times) {
    collector.sent(label, 1us);
    collector.received();
    collector.answered(label, time, time);
  }
  collector.connection_ended();
  RunRecord record;
  record.scenario = "light";
  record.duration = 10s;
  record.metrics = collector.snapshot();
  record.configuration.population = 10;
  record.configuration.clients = 10;
  record.configuration.workers = 1;
  record.configuration.urls = {"ws://127.0.0.1:9001"};
  return record;
}

std::vector<std::chrono::nanoseconds> times(int from, int to) {
  std::vector<std::chrono::nanoseconds> all;
  for (int i = from; i < to; ++i) all.push_back(i * 1ms);
  return all;
}

}  // namespace

TEST_CASE("merged percentiles are those of one recording of all", "[merging]") {
  const Report low{run_with(times(1, 1'500))};
  const Report high{run_with(times(1'500, 4'000))};
  const Report all{run_with(times(1, 4'000))};
  const Report merged = wsbench::merge({low, high});
  CHECK(merged.messages().response_time == all.messages().response_time);
  CHECK(merged.messages().answered == 3'999);
  CHECK(merged.metrics().connections.succeeded == 2);
  CHECK(merged.record().configuration.clients == 20);
  CHECK(merged.record().configuration.workers == 2);
  CHECK(merged.record().configuration.urls.size() == 1);
  CHECK(merged.latency().percentile(0.999) == all.latency().percentile(0.999));
  CHECK(wsbench::merge({high, low}).messages() == merged.messages());
}

TEST_CASE("what stands beside the histograms adds up, or is the worst of all", "[merging]") {
  RunRecord one = run_with({1ms});
  one.duration = 11s;
  one.warm_up.sent = 3;
  one.warm_up_not_sent = 2;
  one.generator = {.cpu_time = 2s, .max_rss_kib = 700, .busy = 0.2, .overloaded = 0.5};
  RunRecord other = run_with({1ms});
  other.interrupted = true;
  other.ended_early_by = "latency.p95 < 1ms";
  other.warm_up.sent = 4;
  other.warm_up_not_sent = 5;
  other.generator = {.cpu_time = 3s, .max_rss_kib = 900, .busy = 0.9, .overloaded = 0.1};
  for (const auto& runs : {std::vector{Report{one}, Report{other}}, std::vector{Report{other}, Report{one}}}) {
    const RunRecord merged = wsbench::merge(runs).record();
    CHECK(merged.duration == 11s);
    CHECK(merged.interrupted);
    CHECK(merged.ended_early_by == "latency.p95 < 1ms");
    CHECK(merged.warm_up.sent == 7);
    CHECK(merged.warm_up_not_sent == 7);
    CHECK((merged.generator == wsbench::GeneratorFigures{.cpu_time = 5s, .max_rss_kib = 900, .busy = 0.9, .overloaded = 0.5}));
  }
}

TEST_CASE("merged runs tell each commit that was tested, once", "[merging]") {
  const auto tested = [](const std::string& commit) {
    RunRecord record = run_with({1ms});
    record.commit = commit;
    return Report{record};
  };
  CHECK(wsbench::merge({tested(""), tested("")}).record().commit.empty());
  CHECK(wsbench::merge({tested("aa"), tested(""), tested("aa")}).record().commit == "aa");
  CHECK(wsbench::merge({tested(""), tested("aa")}).record().commit == "aa");
  CHECK(wsbench::merge({tested("aa"), tested("bb"), tested("bb")}).record().commit == "aa, bb");
}

TEST_CASE("expectations are judged anew on the merged figures", "[merging]") {
  const std::vector<wsbench::Expectation> expect{wsbench::metric::latency.max<2s, wsbench::metric::success_rate> 0.995};
  const Report quick(run_with(times(1, 100)), expect);
  const Report slow(run_with(times(1'990, 2'010)), expect);
  REQUIRE(quick.passed());
  REQUIRE_FALSE(slow.passed());
  const Report merged = wsbench::merge({quick, slow});
  REQUIRE(merged.expectations().size() == 2);
  CHECK_FALSE(merged.expectations()[0].met);
  CHECK(merged.expectations()[0].actual == Approx(2.009));
  CHECK(merged.expectations()[1].met);
}

TEST_CASE("runs of different loads are refused by what differs", "[merging]") {
  const RunRecord first = run_with({1ms});
  const auto refused_for = [&](const RunRecord& other, const std::string& what) {
    try {
      wsbench::merge({Report{first}, Report{other}});
      FAIL("it was not refused");
    } catch (const wsbench::Error& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find(what) != std::string::npos);
    }
  };
  RunRecord other = first;
  other.scenario = "medium";
  refused_for(other, "\"medium\"");
  other = first;
  other.configuration.pace = wsbench::rate(5);
  refused_for(other, "rate 5/s");
  other = first;
  other.configuration.population = 11;
  refused_for(other, "11 clients");
  other = first;
  other.configuration.timeout = 3s;
  refused_for(other, "timeout");
  other = first;
  other.generator.kernel_stamps = true;
  refused_for(other, "clock");
  CHECK_THROWS_AS(wsbench::merge({}), wsbench::Error);
}

TEST_CASE("targets are merged by their addresses, and those of one run alone stay", "[merging]") {
  RunRecord one = run_with(times(1, 100));
  one.targets = {{"ws://a", run_with(times(1, 50)).metrics}, {"ws://b", run_with(times(50, 100)).metrics}};
  RunRecord other = run_with(times(100, 300));
  other.targets = {{"ws://b", run_with(times(100, 200)).metrics}, {"ws://c", run_with(times(200, 300)).metrics}};
  const Report merged = wsbench::merge({Report{one}, Report{other}});
  REQUIRE(merged.record().targets.size() == 3);
  CHECK(merged.target("ws://a").messages().answered == 49);
  CHECK(merged.target("ws://b").messages().answered == 150);
  CHECK(merged.target("ws://c").messages().answered == 100);
  CHECK_THROWS_AS(merged.target("ws://d"), wsbench::NotMeasured);
}

TEST_CASE("what probes read on several machines is shown apart, and judged together", "[merging][probe]") {
  const auto run_on = [](const std::string& host, double rss) {
    wsbench::RunRecord record;
    record.environment.host = host;
    record.probes = {{.name = "server.rss", .unit = wsbench::Unit::bytes}};
    record.probes[0].series.read(1s, rss);
    return wsbench::Report(record, {wsbench::parse_expectation("probe(server.rss).max < 3MiB")});
  };
  const wsbench::Report one = run_on("a", 1 * 0x1p20);
  const wsbench::Report two = run_on("b", 5 * 0x1p20);
  CHECK(one.expectations().front().met);
  const wsbench::Report all = wsbench::merge({one, two, run_on("b", 7 * 0x1p20)});
  REQUIRE(all.probes().size() == 2);
  CHECK(all.probes()[0].source == "a");
  CHECK(all.probes()[1].source == "b");
  CHECK(all.probes()[1].series.mean() == 6 * 0x1p20);
  CHECK(all.expectations().front().actual == 7 * 0x1p20);
  CHECK_FALSE(all.expectations().front().met);
  CHECK(wsbench::merge({one}).probes()[0].source.empty());
}
