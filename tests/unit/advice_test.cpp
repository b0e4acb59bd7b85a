#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/advice.hpp>
#include <wsbench/report/text.hpp>

#include "catch.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::has;
using wsbench::Advice;
using wsbench::Failure;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

struct Answers {
  nanoseconds time{};
  std::uint64_t count{};
};

/// Answers to a hundred users in a tenth of a second, and nothing else.
RunRecord record_of(const std::vector<Answers>& answers, std::string_view label = "ask") {
  RunRecord record;
  record.duration = 100ms;
  wsbench::ConnectionMetrics& connections = record.metrics.connections;
  connections.attempted = connections.succeeded = 100;
  connections.connect_time.record(5ms, 100);
  wsbench::MessageMetrics& messages = record.metrics.entry_of(label).messages;
  for (const Answers& each : answers) {
    messages.sent += each.count;
    messages.answered += each.count;
    messages.response_time.record(each.time, each.count);
    messages.service_time.record(each.time, each.count);
  }
  record.metrics.schedule_lag.record(10us, messages.sent);
  record.configuration.population = record.configuration.clients = 100;
  record.configuration.pace = wsbench::think(50ms);
  return record;
}

RunRecord healthy() {
  return record_of({{10ms, 1900}, {20ms, 100}});
}

std::vector<std::string> said_of(RunRecord record) {
  std::vector<std::string> said;
  for (const Advice& each : wsbench::advice(Report(std::move(record)))) {
    CHECK_FALSE(each.evidence.empty());
    CHECK_FALSE(each.next.empty());
    said.push_back(each.what);
  }
  return said;
}

Advice only_advice_on(RunRecord record) {
  std::vector<Advice> found = wsbench::advice(Report(std::move(record)));
  REQUIRE(found.size() == 1);
  return found.front();
}

using Words = std::vector<std::string>;

const std::string all_slow = "Every message is slow, not only some";
const std::string uneven = "Messages are slow, some of them far more than others";
const std::string long_tail = "Most messages are fast, but the tail is long";
const std::string climbs = "Latency climbs with time though the load does not";
const std::string slow_connect = "Connecting is slow";
const std::string low_throughput = "Throughput is low";
const std::string generator = "The generator was the limit, so the server's own is not known";

// A slot a second: its answers take what `median` says of it, and a tenth of them ten times that.
template <class Median>
RunRecord over_seconds(int seconds, Median median) {
  RunRecord record = healthy();
  std::vector<wsbench::TimeSlot> slots(static_cast<std::size_t>(seconds));
  for (int second = 0; second < seconds; ++second) {
    wsbench::TimeSlot& slot = slots[static_cast<std::size_t>(second)];
    if (second == 0) slot.opened = 100;
    for (int n = 0; n < 10; ++n) slot.response_time.record(n == 9 ? 10 * median(second) : median(second));
    slot.answered = 10;
  }
  record.metrics.series = wsbench::TimeSeries::restore(1s, std::move(slots));
  return record;
}

void fail(RunRecord& record, Failure failure, int code = 0, int count = 1) {
  for (int n = 0; n < count; ++n) record.metrics.failures.add(failure, code, 1500ms, [] { return std::string("client 7: as seen"); });
}

}  // namespace

TEST_CASE("a run without fault gets no advice", "[advice]") {
  CHECK(said_of(healthy()).empty());
  CHECK_FALSE(has(to_text(Report(healthy())), "Advice"));
  CHECK(said_of(RunRecord{}).empty());
}

TEST_CASE("the text shows advice with its evidence", "[advice]") {
  const std::string text = to_text(Report(record_of({{100ms, 2000}})));
  CHECK(has(text, "\nAdvice\n  " + all_slow + "\n    seen     average 100 ms, median 100 ms, "));
  CHECK(has(text, "\n    look at  what each one costs"));
}

TEST_CASE("an average that is not good with a flat tail is the cost of every message", "[advice]") {
  CHECK(said_of(record_of({{99'999us, 2000}})).empty());
  CHECK(said_of(record_of({{100ms, 2000}})) == Words{all_slow});
  const Advice advice = only_advice_on(record_of({{100ms, 2000}}));
  CHECK(advice.evidence == "average 100 ms, median 100 ms, p95 100 ms, p99 100 ms, 100 ms at most, of 2,000 answers");
  // The tail, here of 2 % of the answers, is flat up to three times the average.
  CHECK(said_of(record_of({{100ms, 980}, {305ms, 20}})) == Words{all_slow});
  CHECK(said_of(record_of({{100ms, 980}, {325ms, 20}})) == Words{uneven});
  // Without a p99 the maximum stands above it.
  CHECK(said_of(record_of({{200ms, 30}})) == Words{all_slow});
  CHECK(said_of(record_of({{100ms, 49}, {400ms, 1}})) == Words{uneven});
}

TEST_CASE("a tail beside a good average or median is a tail", "[advice]") {
  CHECK(said_of(record_of({{10ms, 980}, {499ms, 20}})).empty());
  CHECK(said_of(record_of({{10ms, 980}, {501ms, 20}})) == Words{long_tail});  // p99
  CHECK(said_of(record_of({{10ms, 900}, {199ms, 100}})).empty());
  CHECK(said_of(record_of({{10ms, 900}, {201ms, 100}})) == Words{long_tail});  // p95
  CHECK(said_of(record_of({{99ms, 900}, {1s, 100}})) == Words{long_tail});     // a good median, and an average that is not
  CHECK(said_of(record_of({{100ms, 900}, {1s, 100}})) == Words{uneven});
  CHECK(said_of(record_of({{10ms, 45}, {1s, 5}})) == Words{long_tail});
  const Advice advice = only_advice_on(record_of({{10ms, 900}, {201ms, 100}}));
  CHECK(has(advice.evidence, "median 10.0 ms, p95 201 ms"));
  // A tail of fewer than ten answers is none yet.
  CHECK(said_of(record_of({{10ms, 180}, {201ms, 19}})).empty());
  CHECK(said_of(record_of({{10ms, 180}, {201ms, 20}})) == Words{long_tail});
}

TEST_CASE("latency that climbs under an even load is told by its first and last third", "[advice]") {
  const auto steps_up_to = [](nanoseconds last) {
    return [last](int second) { return second < 20 ? 10ms + second * 1us : last + second * 1us; };
  };
  CHECK(said_of(over_seconds(30, steps_up_to(14'500us))).empty());
  CHECK(said_of(over_seconds(30, steps_up_to(15'800us))) == Words{climbs});
  CHECK(has(only_advice_on(over_seconds(30, steps_up_to(20ms))).evidence, "median 10.2 ms in the first third of 30 slots of 1s, 20."));
  CHECK(has(only_advice_on(over_seconds(30, steps_up_to(20ms))).next, "group_expiry"));
}

TEST_CASE("what climbs by less than a millisecond, by chance, in too few seconds or with the load is no climb", "[advice]") {
  const auto climbing = [](int second) { return 10ms + second * 1ms; };
  CHECK(said_of(over_seconds(12, climbing)) == Words{climbs});
  CHECK(said_of(over_seconds(11, climbing)).empty());
  CHECK(said_of(over_seconds(30, [](int second) { return 100us + second * 40us; })).empty());
  CHECK(said_of(over_seconds(30, [](int second) { return 100us + second * 60us; })) == Words{climbs});
  // Higher in the last third, but up and down before: 1.6 standard errors of a trend.
  const auto by_chance = [](int second) {
    constexpr nanoseconds medians[] = {30ms, 20ms, 20ms, 20ms, 60ms, 60ms, 30ms, 20ms, 33ms, 34ms, 35ms, 40ms};
    return medians[second];
  };
  CHECK(said_of(over_seconds(12, by_chance)).empty());
  CHECK(said_of(over_seconds(30, [](int second) { return 40ms - second * 1ms; })).empty());

  RunRecord record = over_seconds(30, climbing);
  record.configuration.population = wsbench::stages({{100, 30s}});
  CHECK(said_of(record).empty());
  record = over_seconds(30, climbing);
  record.configuration.pace = wsbench::rate({{2000, 30s}});
  CHECK(said_of(record).empty());
  record.configuration.pace = wsbench::rate(200);
  CHECK(has(only_advice_on(record).next, "a run at a lower rate tells"));

  // While users are still coming the load climbs.
  record = over_seconds(30, climbing);
  std::vector<wsbench::TimeSlot> slots = record.metrics.series.slots();
  slots[0].opened = 10;
  slots[20].opened = 90;
  record.metrics.series = wsbench::TimeSeries::restore(1s, slots);
  CHECK(said_of(record).empty());
}

TEST_CASE("slow connects are told with the phase that takes the time", "[advice]") {
  const auto connecting = [](nanoseconds tcp, nanoseconds upgrade) {
    RunRecord record = healthy();
    wsbench::ConnectionMetrics& connections = record.metrics.connections;
    connections.connect_time.clear();
    connections.connect_time.record(tcp + upgrade, 100);
    connections.tcp.record(tcp, 100);
    connections.upgrade.record(upgrade, 100);
    return record;
  };
  CHECK(said_of(connecting(9ms, 90ms)).empty());
  CHECK(said_of(connecting(10ms, 90ms)) == Words{slow_connect});
  CHECK(only_advice_on(connecting(10ms, 90ms)).evidence ==
        "average 100 ms, 100 ms at most; of these, upgrade took 90.0 ms on average, 90.0 ms at most");
  CHECK(has(only_advice_on(connecting(10ms, 90ms)).next, "before it accepts"));
  CHECK(has(only_advice_on(connecting(90ms, 10ms)).next, "somaxconn"));

  RunRecord once = healthy();
  once.metrics.connections.connect_time.record(499ms);
  CHECK(said_of(once).empty());
  once.metrics.connections.connect_time.record(501ms);
  CHECK(said_of(once) == Words{slow_connect});
}

TEST_CASE("low throughput is told where more was offered", "[advice]") {
  const auto in_ten_seconds = [](std::uint64_t messages) {
    RunRecord record = record_of({{10ms, messages}});
    record.duration = 10s;
    return record;
  };
  CHECK(said_of(in_ten_seconds(1001)).empty());
  CHECK(said_of(in_ten_seconds(1000)) == Words{low_throughput});
  CHECK(only_advice_on(in_ten_seconds(1000)).evidence ==
        "100/s from 100 clients, each answer after 10.0 ms on average; at most 2,000/s were offered");

  RunRecord record = in_ten_seconds(500);
  record.configuration.pace = wsbench::think(1s);  // a hundred a second at most
  CHECK(said_of(record).empty());
  record.configuration.pace = wsbench::flat_out();
  CHECK(said_of(record) == Words{low_throughput});
  record.configuration.ramp_up = 1s;
  CHECK(said_of(record) == Words{low_throughput});
  record.configuration.ramp_up = 1001ms;
  CHECK(said_of(record).empty());
}

TEST_CASE("each kind of error is told with its count, its first time and its sample", "[advice]") {
  for (std::size_t kind = 0; kind < wsbench::detail::failure_names.size(); ++kind) {
    RunRecord record = healthy();
    fail(record, static_cast<Failure>(kind), 0, 2);
    CAPTURE(wsbench::detail::failure_names.at(kind));
    std::vector<Advice> found = wsbench::advice(Report(record));
    const auto told = std::find_if(found.begin(), found.end(), [](const Advice& each) { return has(each.evidence, "client 7: as seen"); });
    REQUIRE(told != found.end());
    CHECK(told->evidence == "2 times, " + std::string(wsbench::detail::failure_names.at(kind)) + " first after 1.50 s: client 7: as seen");
    CHECK_FALSE(told->what.empty());
    CHECK_FALSE(told->next.empty());
  }
  RunRecord record = healthy();
  fail(record, Failure::http_status, 503);
  CHECK(only_advice_on(record).evidence == "1 time, http_status 503 first after 1.50 s: client 7: as seen");
  fail(record, Failure::http_status, 403, 2);
  CHECK(said_of(record) == Words{"The server refuses who connects", "The proxy finds no server that takes the connection"});
}

TEST_CASE("statuses and close codes that mean something have words of their own", "[advice]") {
  const auto said = [](Failure failure, int code) {
    RunRecord record = healthy();
    fail(record, failure, code);
    return only_advice_on(record).what;
  };
  Words different;
  for (const int status : {401, 404, 429, 502, 500}) different.push_back(said(Failure::http_status, status));
  for (const int code : {1001, 1008, 1009, 1011, 1013, 1000}) different.push_back(said(Failure::closed, code));
  std::sort(different.begin(), different.end());
  CHECK(std::adjacent_find(different.begin(), different.end()) == different.end());
}

TEST_CASE("deliveries that are missing are told", "[advice]") {
  RunRecord record = healthy();
  wsbench::FanOutMetrics& all = record.metrics.fan_out;
  all.published = 10;
  all.expected = all.delivered = 1000;
  CHECK(said_of(record).empty());
  all.delivered = 999;
  all.late = 1;
  CHECK(only_advice_on(record).evidence == "1 of 1,000 deliveries missing, 1 of them late");
}

TEST_CASE("where the generator was the limit, nothing is said of the server's times", "[advice]") {
  const auto lagging = [](nanoseconds lag) {
    RunRecord record = record_of({{100ms, 2000}});
    record.metrics.schedule_lag.clear();
    record.metrics.schedule_lag.record(lag, 2000);
    return record;
  };
  CHECK(said_of(lagging(9ms)) == Words{all_slow});
  CHECK(said_of(lagging(11ms)) == Words{generator});
  RunRecord record = lagging(11ms);
  record.metrics.overrun = 5;
  record.generator.busy = 0.97;
  CHECK(
      only_advice_on(record).evidence ==
      "p99 of the schedule lag 11.0 ms, of the latency 100 ms; 5 of 2,000 messages not sent in time; the busiest worker was busy for 97 % "
      "of the time");
  fail(record, Failure::timeout);
  CHECK(said_of(record) == Words{generator, "Messages get no answer in time"});
}

TEST_CASE("for want of files or ports the generator is the limit", "[advice]") {
  RunRecord record = healthy();
  fail(record, Failure::no_ports);
  CHECK(said_of(record) == Words{"This machine is out of ports"});
  fail(record, Failure::no_ports);
  CHECK(said_of(record) == Words{generator, "This machine is out of ports"});
  CHECK(has(wsbench::advice(Report(record)).front().evidence, "2 connections failed for want of files or ports here"));
}

TEST_CASE("flat out, a busy generator may be the limit", "[advice]") {
  RunRecord record = healthy();
  record.configuration.pace = wsbench::flat_out();
  record.generator.busy = 0.9;
  CHECK(said_of(record).empty());
  record.generator.busy = 0.91;
  CHECK(said_of(record) == Words{"The generator may be what limits the throughput"});
  CHECK(only_advice_on(record).evidence == "its busiest worker was busy for 91 % of the time");
  record.configuration.pace = wsbench::think(50ms);
  CHECK(said_of(record).empty());
}

namespace {

// Half a minute of a hundred users, with what was read of their server each second, from before the first of them.
RunRecord watched(double (*cpu)(int), double (*mebibytes)(int)) {
  RunRecord record = healthy();
  record.duration = record.configuration.duration = 60s;
  record.probes = {{.name = "server.cpu", .unit = wsbench::Unit::share}, {.name = "server.rss", .unit = wsbench::Unit::bytes}};
  for (int client = 0; client < 100; ++client) record.metrics.series.opened(500ms);
  for (int second = 0; second < 60; ++second) {
    for (int message = 0; message < 30; ++message) {
      record.metrics.series.sent(1s * second);
      record.metrics.series.answered(1s * second, 10ms);
    }
    if (second > 0) record.probes[0].series.read(1s * second, cpu(second));
    record.probes[1].series.read(1s * second, mebibytes(second) * 0x1p20);
  }
  return record;
}

bool says(const RunRecord& record, std::string_view what) {
  const std::vector<std::string> said = said_of(record);
  return std::find(said.begin(), said.end(), what) != said.end();
}

constexpr std::string_view grows = "Memory grows with use though the load does not";
constexpr std::string_view busy_core = "The server keeps one core busy, and no more";

double idle(int) {
  return 0.1;
}
double constant(int) {
  return 50;
}

}  // namespace

TEST_CASE("memory that grows under a steady load is told of, one that stays or fills is not", "[advice][probe]") {
  const RunRecord leaking = watched(idle, [](int second) { return 50.0 + second + second % 3; });
  REQUIRE(says(leaking, grows));
  CHECK_FALSE(says(watched(idle, constant), grows));
  CHECK_FALSE(says(watched(idle, [](int second) { return 50.0 + std::min(second, 15); }), grows));
  CHECK_FALSE(says(watched(idle, [](int second) { return 50.0 + second % 7; }), grows));
  RunRecord changing = leaking;
  changing.configuration.population = wsbench::stages({{100, 60s}});
  CHECK_FALSE(says(changing, grows));
  for (const Advice& each : wsbench::advice(Report(leaking))) {
    if (each.what == grows) CHECK(has(each.evidence, "server.rss: "));
  }
}

TEST_CASE("a server that keeps one core busy is told of, one with less or more to do is not", "[advice][probe]") {
  CHECK(says(watched([](int) { return 0.98; }, constant), busy_core));
  CHECK(says(watched([](int second) { return second % 10 == 0 ? 0.4 : 1.01; }, constant), busy_core));
  CHECK_FALSE(says(watched([](int) { return 0.7; }, constant), busy_core));
  CHECK_FALSE(says(watched([](int) { return 1.7; }, constant), busy_core));
  CHECK_FALSE(says(watched([](int second) { return second < 20 ? 1.0 : 0.3; }, constant), busy_core));
  RunRecord moment = watched([](int) { return 1.0; }, constant);
  moment.probes[0].series = {};
  moment.probes[0].series.read(1s, 1.0);
  moment.probes[0].series.read(2s, 1.0);
  CHECK_FALSE(says(moment, busy_core));
}
