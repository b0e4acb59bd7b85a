#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
namespace metric = wsbench::metric;
using std::chrono::nanoseconds;
using wsbench::Expectation;
using wsbench::Failure;
using wsbench::MetricsCollector;
using wsbench::NotMeasured;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::Verdict;

namespace {

struct Counts {
  std::uint64_t answered{0};
  std::uint64_t failed{0};
  std::uint64_t one_way{0};
  std::uint64_t in_flight{0};
  std::uint64_t not_sent{0};
  nanoseconds response{10ms};
};

RunRecord record_of(const Counts& counts, const std::string& label = "ask") {
  MetricsCollector collector;
  collector.connection_attempted();
  collector.connection_opened({.total = 2ms});
  const auto id = collector.label(label);
  for (std::uint64_t n = 0; n < counts.answered + counts.failed + counts.in_flight; ++n) collector.sent(id, 0ms);
  for (std::uint64_t n = 0; n < counts.answered; ++n) collector.answered(id, counts.response, counts.response / 2);
  for (std::uint64_t n = 0; n < counts.failed; ++n) {
    collector.failed(id, 5s);
    collector.failure(Failure::timeout, 0, 5s, [] { return std::string("client 0: no answer within 5 s"); });
  }
  for (std::uint64_t n = 0; n < counts.one_way; ++n) collector.sent_one_way(id);
  collector.not_sent(counts.not_sent);
  RunRecord record;
  record.duration = 2s;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::think(10ms);
  return record;
}

RunRecord without_connection() {
  RunRecord record;
  record.metrics.connections.attempted = record.metrics.connections.failed = 3;
  record.metrics.not_sent = 3;
  return record;
}

// p99 of the schedule lag and of the response times, from 1000 samples each.
Report lagging(nanoseconds lag, nanoseconds response, wsbench::Pace pace = wsbench::think(10ms)) {
  RunRecord record = record_of({.answered = 1000, .response = response});
  record.metrics.schedule_lag.clear();
  record.metrics.schedule_lag.record(lag, 1000);
  record.configuration.pace = pace;
  return Report(std::move(record));
}

}  // namespace

TEST_CASE("an error rate is of what should have been answered, and whole where nothing could connect", "[report]") {
  const auto error_rate = [](const RunRecord& record) { return Report(record).figure((metric::error_rate > 0.0).metric); };
  CHECK(error_rate(record_of({.answered = 3, .failed = 1, .one_way = 7})) == 0.25);
  CHECK(error_rate(record_of({.answered = 4})) == 0.0);
  CHECK(error_rate(record_of({.one_way = 7, .in_flight = 1})) == std::nullopt);
  CHECK(error_rate(without_connection()) == 1.0);
  // A load that is bounded by its duration alone never came to plan a message.
  RunRecord without_plan = without_connection();
  without_plan.metrics.not_sent = 0;
  CHECK(error_rate(without_plan) == 1.0);
  without_plan.metrics.connections = {};
  CHECK(error_rate(without_plan) == std::nullopt);
}

TEST_CASE("the sums of a report hold", "[report]") {
  const Report report(record_of({.answered = 6, .failed = 2, .one_way = 5, .in_flight = 3, .not_sent = 4}), {});
  const wsbench::MessageMetrics& messages = report.messages();
  CHECK(report.planned() == messages.sent + report.metrics().not_sent);
  CHECK(report.planned() == 20);
  CHECK(messages.sent == messages.one_way + messages.answered + messages.failed + messages.in_flight());
  CHECK(messages.in_flight() == 3);
  CHECK(report.success_rate() == 0.5);
  CHECK(report.error_rate() == 0.5);
  CHECK(report.sent_per_second() == 8.0);
  CHECK(report.connection_success_rate() == 1.0);
}

TEST_CASE("what was not measured is nothing, and never zero", "[report]") {
  const Report report{RunRecord{}};
  CHECK_FALSE(report.success_rate().has_value());
  CHECK_FALSE(report.connection_success_rate().has_value());
  CHECK_FALSE(report.sent_per_second().has_value());
  CHECK_THROWS_AS(report.latency().mean(), NotMeasured);
  CHECK_THROWS_AS(report.latency().min(), NotMeasured);
  CHECK_THROWS_AS(report.latency().max(), NotMeasured);
  CHECK_THROWS_AS(report.latency().percentile(0.5), NotMeasured);
  CHECK_THROWS_AS(report.service_time().mean(), NotMeasured);
  CHECK_THROWS_AS(report.connect_time().max(), NotMeasured);
  CHECK_THROWS_AS(report.latency("ask"), NotMeasured);
  CHECK_THROWS_AS(report.service_time("ask"), NotMeasured);
  CHECK(report.latency().count() == 0);
  for (const char* quantity :
       {"latency", "service_time", "connect_time", "success_rate", "connection_success_rate", "messages_per_second", "check", "nonsense"}) {
    INFO(quantity);
    CHECK_FALSE(report.figure({quantity, wsbench::Statistic::mean, {}, wsbench::Unit::seconds}).has_value());
  }
  CHECK(report.figure({"errors", wsbench::Statistic::value, {}, wsbench::Unit::count}) == 0.0);
}

TEST_CASE("the words of NotMeasured say what is missing", "[report]") {
  const Report report(record_of({.answered = 1}), {});
  CHECK_THROWS_WITH(report.latency().percentile(0.99), "latency: n/a with 1 samples");
  CHECK_THROWS_WITH(report.latency("ask").percentile(0.99), "latency{ask}: n/a with 1 samples");
  CHECK_THROWS_WITH(report.latency("tell"), "no messages under the label \"tell\"");
  CHECK(report.latency().mean() == 10ms);
}

TEST_CASE("each metric has its figure", "[report]") {
  RunRecord record = record_of({.answered = 1000, .failed = 1000});
  record.metrics.checks = {{"welcomed", 3, 1}, {"never", 0, 0}};
  const Report report(std::move(record), {});
  const auto figure = [&report](const Expectation& expectation) { return report.figure(expectation.metric); };
  CHECK(figure(metric::latency.mean < 1s) == 0.01);
  CHECK(*figure(metric::latency.p99_9 < 1s) == Approx(0.01).epsilon(0.002));
  CHECK(figure(metric::latency.max < 1s) == 0.01);
  CHECK(figure(metric::service_time.min < 1s) == 0.005);
  CHECK(figure(metric::latency("ask").mean < 1s) == 0.01);
  CHECK_FALSE(figure(metric::latency("tell").mean < 1s).has_value());
  CHECK(figure(metric::connect_time.max < 1s) == 0.002);
  CHECK_FALSE(figure(metric::connect_time.p50 < 1s).has_value());  // of one connection there is no median
  CHECK(figure(metric::success_rate > 0.0) == 0.5);
  CHECK(figure(metric::connection_success_rate > 0.0) == 1.0);
  CHECK(figure(metric::errors < 1.0) == 1000.0);
  CHECK(figure(metric::messages_per_second > 0.0) == 1000.0);
  CHECK(figure(metric::check("welcomed") > 0.0) == 0.75);
  CHECK_FALSE(figure(metric::check("never") > 0.0).has_value());
  CHECK_FALSE(figure(metric::check("unheard") > 0.0).has_value());
}

TEST_CASE("expectations are met or missed, and missed without data", "[report]") {
  const std::vector<Expectation> expect{
      metric::latency.mean < 20ms,      metric::latency.mean<10ms, metric::latency.mean <= 10ms, metric::success_rate> 0.5,
      metric::success_rate >= 0.5,      metric::latency("tell").mean < 1h,
      metric::check("welcomed") >= 0.0, metric::errors == 1.0,
      metric::latency.p99 < 1h};
  const Report report(record_of({.answered = 1, .failed = 1}), expect);
  std::vector<bool> met;
  for (const wsbench::ExpectationResult& result : report.expectations()) met.push_back(result.met);
  CHECK(met == std::vector<bool>{true, false, true, false, true, false, false, true, false});
  CHECK(report.expectations()[0].text == "latency.mean < 20ms");
  CHECK(report.expectations()[0].actual == 0.01);
  CHECK_FALSE(report.expectations()[5].actual.has_value());
  CHECK_FALSE(report.expectations()[8].actual.has_value());
  CHECK_FALSE(report.passed());
  CHECK(report.verdict() == Verdict::failed);
}

TEST_CASE("a saved run keeps the expectations it was judged by, a judged one has only those given", "[report]") {
  RunRecord record = record_of({.answered = 10});
  record.expectations = {{"latency.mean < 1ms", wsbench::Unit::seconds, 0.01, false}};
  CHECK(Report(record).expectations().size() == 1);
  CHECK(Report(record).verdict() == Verdict::failed);
  CHECK(Report(record, {}).expectations().empty());
  CHECK(Report(record, {}).verdict() == Verdict::passed);
}

TEST_CASE("the verdict is the first that applies", "[report]") {
  const std::vector<Expectation> missed{metric::success_rate > 1.0};
  RunRecord record = record_of({.answered = 10});
  CHECK(Report(record, {}).verdict() == Verdict::passed);
  CHECK(Report(record, {}).passed());
  CHECK(Report(record, missed).verdict() == Verdict::failed);

  record.metrics.failures.add(Failure::behaviour_error, 0, 1s, [] { return std::string("client 0: the behaviour threw: x"); });
  CHECK(Report(record, missed).verdict() == Verdict::invalid);
  CHECK(Report(record, {}).verdict() == Verdict::invalid);
  CHECK_FALSE(Report(record, {}).passed());

  record.interrupted = true;
  CHECK(Report(record, missed).verdict() == Verdict::interrupted);

  RunRecord nobody = without_connection();
  CHECK(Report(nobody, {}).verdict() == Verdict::no_connection);
  nobody.interrupted = true;
  nobody.metrics.failures.add(Failure::behaviour_error, 0, 1s, [] { return std::string("x"); });
  CHECK(Report(nobody, missed).verdict() == Verdict::no_connection);
  nobody.metrics.connections.succeeded = 1;
  CHECK(Report(nobody, missed).verdict() == Verdict::interrupted);
}

TEST_CASE("verdicts have the names of the report's contract", "[report]") {
  CHECK(name(Verdict::passed) == "passed");
  CHECK(name(Verdict::failed) == "failed");
  CHECK(name(Verdict::invalid) == "invalid");
  CHECK(name(Verdict::interrupted) == "interrupted");
  CHECK(name(Verdict::no_connection) == "no_connection");
}

TEST_CASE("answers that were expected and never came fail a run without expectations", "[report]") {
  CHECK(Report(record_of({.failed = 3}), {}).verdict() == Verdict::failed);
  CHECK(Report(record_of({.in_flight = 3}), {}).verdict() == Verdict::failed);
  CHECK(Report(record_of({.not_sent = 3}), {}).verdict() == Verdict::failed);
  CHECK(Report(record_of({.failed = 3, .one_way = 3}), {}).verdict() == Verdict::failed);
  CHECK(Report(record_of({.one_way = 3}), {}).verdict() == Verdict::passed);
  CHECK(Report(record_of({.answered = 1, .failed = 99}), {}).verdict() == Verdict::passed);
  CHECK(Report(record_of({.failed = 3}), {}).unanswered());
  CHECK_FALSE(Report(record_of({.one_way = 3}), {}).unanswered());
}

TEST_CASE("a generator that was late makes its report invalid", "[report]") {
  CHECK(lagging(4ms, 1ms).valid());
  CHECK_FALSE(lagging(6ms, 1ms).valid());
  CHECK(lagging(90ms, 1s).valid());  // a tenth of what is measured
  CHECK_FALSE(lagging(110ms, 1s).valid());
  CHECK(lagging(6ms, 1ms).verdict() == Verdict::invalid);
  const std::vector<std::string> reasons = lagging(6ms, 1ms).invalid_because();
  REQUIRE(reasons.size() == 1);
  CHECK(reasons[0].starts_with("generator-limited: "));
  CHECK(reasons[0].find("6.00 ms") != std::string::npos);
  CHECK(lagging(1s, 1ms, wsbench::flat_out()).valid());
}

TEST_CASE("a worker that was too busy makes the report of an open load invalid", "[report]") {
  RunRecord record = record_of({.answered = 10});
  record.generator.overloaded = 0.11;
  CHECK(Report(record).valid());  // a closed loop waits for whoever is busy
  record.configuration.pace = wsbench::rate(5);
  REQUIRE(Report(record).invalid_because().size() == 1);
  CHECK(Report(record).invalid_because()[0].starts_with("generator-limited: "));
  record.generator.overloaded = 0.1;
  CHECK(Report(record).valid());
}

TEST_CASE("more than one connection in a hundred that failed for want of files or ports makes the report invalid", "[report]") {
  RunRecord record = record_of({.answered = 10});
  record.metrics.connections.attempted = 200;
  const auto fail = [&](Failure failure) { record.metrics.failures.add(failure, 0, 1s, [] { return std::string("client 0"); }); };
  for (int n = 0; n < 100; ++n) fail(Failure::refused);  // the server's own
  fail(Failure::too_many_files);
  fail(Failure::no_ports);
  CHECK(Report(record).valid());
  fail(Failure::no_ports);
  REQUIRE(Report(record).invalid_because().size() == 1);
  CHECK(Report(record).invalid_because()[0].starts_with("generator-limited: 3 connections "));
}

TEST_CASE("rates are taken over the time in which messages were sent, not over the wait for the last answers", "[report]") {
  RunRecord record = record_of({.failed = 1000});
  record.configuration.pace = wsbench::rate(100);
  record.configuration.duration = 10s;
  record.configuration.warm_up = 2s;
  record.duration = 15s;  // the last messages timed out
  CHECK(Report(record).sending_window() == 8s);
  CHECK(Report(record).sent_per_second() == 125.0);
  record.duration = 6s;  // interrupted
  CHECK(Report(record).sent_per_second() == 250.0);
  record.configuration.duration = 0s;
  record.duration = 15s;
  CHECK(Report(record).sending_window() == 13s);
}

TEST_CASE("rates are taken over the run without its warm-up", "[report]") {
  RunRecord record = record_of({.answered = 10});
  record.configuration.warm_up = 1500ms;
  CHECK(Report(record).window() == 500ms);
  CHECK(Report(record).sent_per_second() == 20.0);
  record.configuration.warm_up = 3s;  // it ended before that
  CHECK(Report(record).window() == 0ns);
  CHECK_FALSE(Report(record).sent_per_second().has_value());
}

TEST_CASE("a behaviour that threw makes the report invalid, and it says how often", "[report]") {
  RunRecord record = record_of({.answered = 10});
  const auto describe = [] { return std::string("client 0: the behaviour threw: x"); };
  record.metrics.failures.add(Failure::behaviour_error, 0, 1s, describe);
  CHECK(Report(record).invalid_because().at(0).starts_with("the behaviour threw 1 time:"));
  record.metrics.failures.add(Failure::behaviour_error, 0, 1s, describe);
  CHECK(Report(record).invalid_because().at(0).starts_with("the behaviour threw 2 times:"));
  record.metrics.schedule_lag.record(10s, 10'000);
  record.metrics.labels.at(0).messages.response_time.record(1ms, 1000);
  CHECK(Report(record).invalid_because().size() == 2);
}

TEST_CASE("a report is a value", "[report]") {
  const Report report(record_of({.answered = 10}), {metric::latency.mean < 20ms});
  const Report copy = report;
  CHECK(copy == report);
  CHECK(copy.latency().mean() == report.latency().mean());
  CHECK_FALSE(copy == Report(record_of({.answered = 11}), {metric::latency.mean < 20ms}));
}

TEST_CASE("expectations judge what probes read, in the probe's unit", "[report][probe]") {
  wsbench::RunRecord record;
  record.probes = {{.name = "server.rss", .unit = wsbench::Unit::bytes}, {.name = "redis_mb"}, {.name = "silent"}};
  for (int second = 0; second < 3; ++second) record.probes[0].series.read(1s * second, (100 + second) * 0x1p20);
  record.probes[1].series.read(0s, 312);
  record.probes[2].series.failed(0s, "printed nothing");
  // The same server, read from another machine.
  record.probes.push_back({.name = "server.rss", .unit = wsbench::Unit::bytes, .source = "bench-2"});
  record.probes.back().series.read(2s, 200 * 0x1p20);
  const wsbench::Report report(
      record, {wsbench::parse_expectation("probe(server.rss).max < 150MiB"), metric::probe("server.rss").min >= 100 * 0x1p20,
               metric::probe("redis_mb").last == 312, wsbench::parse_expectation("probe(redis_mb).max < 500MiB"),
               metric::probe("silent").max < 5, metric::probe("absent").max < 5});
  using wsbench::ExpectationResult;
  using wsbench::Unit;
  CHECK(report.expectations() ==
        std::vector<ExpectationResult>{{"probe(server.rss).max < 150MiB", Unit::bytes, 200 * 0x1p20, false},
                                       {"probe(server.rss).min >= 100MiB", Unit::bytes, 100 * 0x1p20, true},
                                       {"probe(redis_mb).last == 312", Unit::number, 312, true},
                                       {"probe(redis_mb).max < 500MiB", Unit::bytes, std::nullopt, false},  // it counts in no bytes
                                       {"probe(silent).max < 5", Unit::number, std::nullopt, false},
                                       {"probe(absent).max < 5", Unit::number, std::nullopt, false}});
  CHECK(report.probe("redis_mb").series.max() == 312.0);
  CHECK_THROWS_AS(report.probe("absent"), wsbench::NotMeasured);
}
