// Monitors on a virtual clock: their rounds, what they keep over months of them, and whom they tell.

#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/monitor.hpp>
#include <wsbench/report/monitor_text.hpp>

#include "catch.hpp"
#include "support/judged_reports.hpp"
#include "support/text_checks.hpp"
#include "support/virtual_clock.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::has;
using wsbench::Alert;
using wsbench::AlertEvent;
using wsbench::Monitor;
using wsbench::MonitorOptions;
using wsbench::MonitorRound;
using wsbench::Report;
namespace metric = wsbench::metric;

namespace {

using Round = std::shared_ptr<const Report>;

// A round of forty messages, of which some failed, and the others took about so long.
Round measured(nanoseconds latency, int failed = 0) {
  wsbench::MetricsCollector collector;
  const auto ask = collector.label("ask");
  for (int client = 0; client < 4; ++client) {
    collector.connection_attempted();
    collector.connection_opened({.total = 2us});
  }
  for (int message = 0; message < 40; ++message) {
    collector.sent(ask, 0ns);
    if (message < failed) {
      collector.failed(ask, 5s);
      continue;
    }
    collector.received();
    collector.answered(ask, latency + nanoseconds{message}, latency);
  }
  for (int client = 0; client < 4; ++client) collector.connection_ended(1us);
  wsbench::RunRecord record;
  record.scenario = "watch";
  record.duration = 2s;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::think(10ms);
  return std::make_shared<const Report>(std::move(record), std::vector<wsbench::Expectation>{});
}

Round unconnected() {
  return std::make_shared<const Report>(support::unconnected_report());
}

// Rounds that take no time but the virtual one.
class VirtualWorld final : public wsbench::detail::MonitorWorld {
 public:
  VirtualWorld(std::uint64_t rounds, std::function<Round(std::uint64_t)> round) : most_(rounds), round_(std::move(round)) {}

  nanoseconds now() const override { return clock_.now(); }
  bool wait_until(nanoseconds time) override {
    if (rounds_ == most_ || stopped_) return false;
    clock_.advance_to(time);
    return true;
  }
  Round run_round(const std::function<void(const Report&)>& so_far) override {
    ++rounds_;
    if (on_begin) on_begin();
    Round round = round_(rounds_);
    if (on_so_far) {
      for (int look = 0; look < 2; ++look) so_far(*round);  // what one has counted is in the next
      on_so_far();
    }
    clock_.advance_to(clock_.now() + takes(rounds_));
    return round;
  }
  void stop() noexcept override { stopped_ = true; }

  std::function<void()> on_begin{};
  std::function<void()> on_so_far{};
  std::function<nanoseconds(std::uint64_t)> takes = [](std::uint64_t) { return nanoseconds{2s}; };

 private:
  std::uint64_t most_;
  std::function<Round(std::uint64_t)> round_;
  support::VirtualClock clock_{};
  std::uint64_t rounds_{0};
  bool stopped_{false};
};

MonitorOptions quiet(std::vector<Alert> alerts = {}) {
  return {.every = 1min, .alerts = std::move(alerts), .listen = ""};
}

Monitor monitor_of(std::unique_ptr<VirtualWorld> world, MonitorOptions options) {
  return Monitor(std::move(world), "watch", {"ws://server.example:9001/"}, std::move(options));
}

// A sample's line on a page.
std::string line(const std::string& series, const std::string& value) {
  return '\n' + series + ' ' + value + '\n';
}

}  // namespace

TEST_CASE("ten thousand rounds: alerts fire once and recover once, in memory that does not grow", "[monitor]") {
  const Round fast = measured(500ns);
  const Round slow = measured(1900ns);
  const Round down = unconnected();
  auto world = std::make_unique<VirtualWorld>(10'000, [&](std::uint64_t number) {
    if (number >= 7'000 && number < 7'005) return down;
    return number >= 5'000 && number < 5'010 ? slow : fast;
  });
  std::vector<std::string> told;
  std::size_t in_use_early = 0;
  std::size_t in_use_late = 0;
  MonitorOptions options = quiet({{metric::latency.p95 > 1us, 3min}, {metric::error_rate > 0.05, 0s}});
  options.on_round = [&](const MonitorRound& round) {
    for (const wsbench::AlertChange& change : round.changes) told.push_back(std::to_string(round.number) + ' ' + to_text(change));
    if (round.number == 100) in_use_early = ::mallinfo2().uordblks;
    if (round.number == 10'000) in_use_late = ::mallinfo2().uordblks;
  };
  Monitor monitor = monitor_of(std::move(world), options);
  monitor.run();

  CHECK(told == std::vector<std::string>{
                    "5003 ALERT firing: latency.p95 > 1us for 3m (it is 1.94 us)",
                    "5010 ALERT recovered: latency.p95 > 1us for 3m (it is 537 ns)", "7000 ALERT firing: error_rate > 5% (it is 100 %)",
                    "7003 ALERT firing: latency.p95 > 1us for 3m (no answer came)",
                    "7005 ALERT recovered: latency.p95 > 1us for 3m (it is 537 ns)", "7005 ALERT recovered: error_rate > 5% (it is 0 %)"});
  // What was told takes some of it.
  CHECK(in_use_late <= in_use_early + 4'096);
  const std::string page = monitor.page();
  CHECK(page.size() < 32'768);
  CHECK(has(page, line("wsbench_monitor_rounds_total{scenario=\"watch\",verdict=\"passed\"}", "9995")));
  CHECK(has(page, line("wsbench_monitor_rounds_total{scenario=\"watch\",verdict=\"no_connection\"}", "5")));
  CHECK(has(page, line("wsbench_monitor_messages_sent_total{scenario=\"watch\"}", "399800")));
  CHECK(has(page, line("wsbench_monitor_connections_opened_total{scenario=\"watch\"}", "39980")));
  CHECK(has(page, line("wsbench_monitor_connections_opened_per_minute{scenario=\"watch\"}", "4")));
  CHECK(has(page, line("wsbench_monitor_alerts_fired_total{scenario=\"watch\",alert=\"latency.p95 > 1us for 3m\"}", "2")));
  CHECK(has(page, line("wsbench_monitor_alert_firing{scenario=\"watch\",alert=\"error_rate > 5%\"}", "0")));
  CHECK(has(page, line("wsbench_monitor_rounds_delayed_total{scenario=\"watch\"}", "0")));
}

TEST_CASE("a round that takes longer than there is delays the next, which is counted, and none overlap", "[monitor]") {
  auto world = std::make_unique<VirtualWorld>(6, [round = measured(500ns)](std::uint64_t) { return round; });
  std::vector<nanoseconds> begun;
  VirtualWorld& place = *world;
  world->on_begin = [&] { begun.push_back(place.now()); };
  world->takes = [](std::uint64_t number) { return number == 2 ? nanoseconds{150s} : number == 4 ? nanoseconds{60s} : nanoseconds{2s}; };
  Monitor monitor = monitor_of(std::move(world), quiet());
  monitor.run();
  CHECK(begun == std::vector<nanoseconds>{0s, 60s, 210s, 270s, 330s, 390s});
  CHECK(has(monitor.page(), line("wsbench_monitor_rounds_delayed_total{scenario=\"watch\"}", "1")));
}

TEST_CASE("a round that cannot be run is told of and counted, and the next one is", "[monitor]") {
  auto world = std::make_unique<VirtualWorld>(3, [round = measured(500ns)](std::uint64_t number) -> Round {
    if (number == 2) throw std::runtime_error("out of something");
    return round;
  });
  std::vector<std::string> trouble;
  std::vector<std::uint64_t> ended;
  MonitorOptions options = quiet({{metric::latency.p95 > 100ns, 0s}});
  options.on_trouble = [&](const std::string& text) { trouble.push_back(text); };
  options.on_round = [&](const MonitorRound& round) { ended.push_back(round.number); };
  Monitor monitor = monitor_of(std::move(world), options);
  monitor.run();
  CHECK(trouble == std::vector<std::string>{"a round could not be run: out of something"});
  CHECK(ended == std::vector<std::uint64_t>{1, 2});
  CHECK(has(monitor.page(), line("wsbench_monitor_rounds_broken_total{scenario=\"watch\"}", "1")));
  CHECK(has(monitor.page(), line("wsbench_monitor_alerts_fired_total{scenario=\"watch\",alert=\"latency.p95 > 100ns\"}", "1")));
}

TEST_CASE("the round that is stopped ends a monitor, and is in no figure but while it goes", "[monitor]") {
  auto world = std::make_unique<VirtualWorld>(
      9, [](std::uint64_t number) { return number < 3 ? measured(500ns) : std::make_shared<const Report>(support::interrupted_report()); });
  std::uint64_t ended = 0;
  MonitorOptions options = quiet({{metric::latency.p95 > 1ms, 0s}});
  options.on_round = [&](const MonitorRound& round) { ended = round.number; };
  Monitor monitor = monitor_of(std::move(world), options);
  monitor.run();
  CHECK(ended == 2);
  CHECK(has(monitor.page(), line("wsbench_monitor_rounds_total{scenario=\"watch\",verdict=\"passed\"}", "2")));
  CHECK(has(monitor.page(), line("wsbench_monitor_alert_firing{scenario=\"watch\",alert=\"latency.p95 > 1ms\"}", "0")));
}

TEST_CASE("a page in the middle of a round has what it has come to so far", "[monitor]") {
  wsbench::RunRecord record = measured(500ns)->record();
  record.metrics.connections.open = 3;
  const auto so_far = std::make_shared<const Report>(record);
  auto world = std::make_unique<VirtualWorld>(2, [&](std::uint64_t number) { return number == 2 ? so_far : measured(500ns); });
  std::vector<std::string> pages;
  Monitor* monitor_there = nullptr;
  world->on_so_far = [&] { pages.push_back(monitor_there->page()); };
  Monitor monitor = monitor_of(std::move(world), quiet());
  monitor_there = &monitor;
  monitor.run();
  REQUIRE(pages.size() == 2);
  CHECK(has(pages[1], line("wsbench_monitor_connections_open{scenario=\"watch\"}", "3")));
  CHECK(has(pages[1], line("wsbench_monitor_messages_sent_total{scenario=\"watch\"}", "80")));
  CHECK(has(pages[1], line("wsbench_monitor_rounds_total{scenario=\"watch\",verdict=\"passed\"}", "1")));
  CHECK(has(monitor.page(), line("wsbench_monitor_connections_open{scenario=\"watch\"}", "0")));
  CHECK(has(monitor.page(), line("wsbench_monitor_messages_sent_total{scenario=\"watch\"}", "80")));
}

TEST_CASE("once is one round, and an alert fires whose condition is true, however long it had to last", "[monitor]") {
  auto world = std::make_unique<VirtualWorld>(9, [](std::uint64_t) { return measured(500ns, 4); });
  Monitor monitor = monitor_of(std::move(world), quiet({{metric::error_rate > 0.05, 3min}, {metric::error_rate > 0.5, 0s}}));
  const MonitorRound round = monitor.once();
  CHECK(round.report->error_rate() == 0.1);
  REQUIRE(round.changes.size() == 1);
  CHECK(round.changes[0].event == AlertEvent::fired);
  CHECK(to_text(round.changes[0]) == "ALERT firing: error_rate > 5% (it is 10 %)");
}

TEST_CASE("what an invalid round measured fires nothing and recovers nothing", "[monitor]") {
  auto world = std::make_unique<VirtualWorld>(3, [](std::uint64_t number) {
    return number == 2 ? std::make_shared<const Report>(support::invalid_report()) : measured(number == 1 ? 1900ns : 500ns);
  });
  std::string states;
  MonitorOptions options = quiet({{metric::latency.p95 > 1us, 0s}});
  options.on_round = [&](const MonitorRound& round) { states += name(round.alerts[0].state()).substr(0, 1); };
  Monitor monitor = monitor_of(std::move(world), options);
  monitor.run();
  CHECK(states == "ffi");
}

TEST_CASE("a round in a line says when, what came of it, and what fires", "[monitor]") {
  const auto line_of = [](const Round& report, std::vector<wsbench::AlertWatch> alerts) {
    MonitorRound round{.number = 1, .report = report, .alerts = std::move(alerts)};
    for (wsbench::AlertWatch& watch : round.alerts) watch.take(0s, wsbench::alert_figure(*report, watch.alert().condition.metric));
    return to_text(round);
  };
  const wsbench::AlertWatch slow({metric::latency.p95 > 1us, 0s});
  const wsbench::AlertWatch soon({metric::error_rate > 0.05, 3min});
  CHECK(line_of(measured(500ns), {slow, soon}) == "1970-01-01T00:00:00Z  passed         p95   537 ns  errors      0 %\n");
  CHECK(line_of(measured(1900ns), {slow}) == "1970-01-01T00:00:00Z  passed         p95  1.94 us  errors      0 %  1 firing\n");
  CHECK(line_of(measured(500ns, 4), {soon}) == "1970-01-01T00:00:00Z  passed         p95   538 ns  errors     10 %  1 pending\n");
  CHECK(line_of(unconnected(), {slow, soon}) ==
        "1970-01-01T00:00:00Z  no_connection  p95      n/a  errors    100 %  1 firing\n"
        "  NO CONNECTION: nothing could connect: refused: client 0: nobody listens there\n");
}

TEST_CASE("what cannot be monitored is refused in words that name it", "[monitor]") {
  const auto refusal = [](MonitorOptions options, const std::string& url = "ws://127.0.0.1:9") {
    try {
      const Monitor monitor(url, {.clients = 1, .messages = 1}, std::move(options));
      return std::string("nothing is wrong");
    } catch (const wsbench::Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(refusal({.listen = ""}) == "nothing is wrong");
  CHECK(refusal({.every = 0s, .listen = ""}) == "every: 0s leaves no time between rounds: give a longer one, such as 60s");
  CHECK(refusal({.every = -1s, .listen = ""}).starts_with("every: -1s is negative"));
  CHECK(refusal({.command_timeout = 0s, .listen = ""}).starts_with("command_timeout: 0s"));
  CHECK(refusal({.listen = ""}, "http://127.0.0.1").starts_with("url: "));
  CHECK(refusal({.listen = "9464"}).starts_with("listen: \"9464\" is no address and port"));
  CHECK(refusal({.listen = "127.0.0.1:99999"}).starts_with("listen: "));
  CHECK(refusal({.listen = "localhost:0"}).starts_with("listen: \"localhost\" is no numeric address"));
}
