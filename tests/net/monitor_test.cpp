// Monitors over real sockets: what a scrape sees, and servers that go away, stall, and come back.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/monitor.hpp>
#include <wsbench/report/monitor_text.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/listening_port.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::eventually;
using support::has;
using support::http_get;
using wsbench::EchoServer;
using wsbench::Monitor;
using wsbench::MonitorOptions;
using wsbench::MonitorRound;
namespace metric = wsbench::metric;

namespace {

constexpr auto patience = 20s;

// A monitor that runs on a thread of its own until it goes.
class RunningMonitor {
 public:
  RunningMonitor(const std::string& url, wsbench::Scenario scenario, MonitorOptions monitoring, wsbench::Options options = {})
      : monitor_(url, std::move(scenario), told(std::move(monitoring)), std::move(options)),
        run_(std::async(std::launch::async, [this] { monitor_.run(); })) {}
  ~RunningMonitor() { end(); }

  void end() {
    monitor_.stop();
    if (run_.valid()) run_.get();
  }
  std::string scrape() const { return http_get(monitor_.port(), "/metrics").body; }
  std::uint16_t port() const { return monitor_.port(); }
  std::uint64_t rounds() const { return rounds_; }
  /// The alerts that fired or recovered so far.
  std::vector<std::string> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

 private:
  MonitorOptions told(MonitorOptions options) {
    options.listen = "127.0.0.1:0";
    options.on_round = [this](const MonitorRound& round) {
      const std::lock_guard lock(mutex_);
      for (const wsbench::AlertChange& change : round.changes) {
        changes_.push_back(std::string(name(change.event)) + ' ' + to_string(change.alert.condition.metric));
      }
      ++rounds_;
    };
    return options;
  }

  mutable std::mutex mutex_{};
  std::vector<std::string> changes_{};
  std::atomic<std::uint64_t> rounds_{0};
  Monitor monitor_;
  std::future<void> run_;
};

}  // namespace

TEST_CASE("a scrape in the middle of a round sees its connections, and one after it what became of them", "[monitor]") {
  const EchoServer server;
  RunningMonitor monitor(server.url(), {.name = "watch", .clients = 5, .duration = 1s, .pace = wsbench::think(50ms)}, {.every = 1h});
  REQUIRE(eventually([&] { return has(monitor.scrape(), "wsbench_monitor_connections_open{scenario=\"watch\"} 5\n"); }, patience));
  CHECK(has(monitor.scrape(), "wsbench_monitor_rounds_total{scenario=\"watch\",verdict=\"passed\"} 0\n"));
  CHECK(http_get(monitor.port(), "/healthz").body == "ok\n");
  REQUIRE(eventually([&] { return monitor.rounds() == 1; }, patience));
  const std::string page = monitor.scrape();
  CHECK(has(page, "wsbench_monitor_connections_open{scenario=\"watch\"} 0\n"));
  CHECK(has(page, "wsbench_monitor_connections_opened_total{scenario=\"watch\"} 5\n"));
  CHECK(has(page, "wsbench_monitor_connection_duration_seconds_count{scenario=\"watch\"} 5\n"));
  CHECK(has(page, "wsbench_monitor_connection_duration_seconds_bucket{scenario=\"watch\",le=\"0.5\"} 0\n"));
}

TEST_CASE("a server that is down at the start and comes up later: each alert fires once and recovers once", "[monitor]") {
  const std::uint16_t port = support::free_port();
  RunningMonitor monitor("ws://127.0.0.1:" + std::to_string(port),
                         {.name = "watch", .clients = 2, .messages = 10, .pace = wsbench::think(1ms)},
                         {.every = 50ms, .alerts = {{metric::error_rate > 0.05, 100ms}, {metric::latency.p50 > 2s, 0s}}});
  REQUIRE(eventually([&] { return monitor.changes().size() == 2 && monitor.rounds() >= 6; }, patience));
  const EchoServer server({.port = port});
  REQUIRE(eventually([&] { return monitor.changes().size() == 4; }, patience));
  const std::uint64_t recovered_at = monitor.rounds();
  REQUIRE(eventually([&] { return monitor.rounds() >= recovered_at + 3; }, patience));
  CHECK(monitor.changes() ==
        std::vector<std::string>{"firing latency.p50", "firing error_rate", "recovered error_rate", "recovered latency.p50"});
}

TEST_CASE("a server that stalls fires an alert, and one that goes on recovers it", "[monitor]") {
  EchoServer server;
  RunningMonitor monitor(server.url(), {.name = "watch", .clients = 2, .messages = 5, .pace = wsbench::think(1ms), .timeout = 100ms},
                         {.every = 50ms, .alerts = {{metric::error_rate > 0.05, 0s}}}, {.connect_timeout = 100ms});
  REQUIRE(eventually([&] { return monitor.rounds() >= 2; }, patience));
  CHECK(monitor.changes().empty());
  server.stall(500ms);
  REQUIRE(eventually([&] { return monitor.changes().size() == 2; }, patience));
  CHECK(monitor.changes() == std::vector<std::string>{"firing error_rate", "recovered error_rate"});
}

TEST_CASE("a monitor that is stopped in the middle of a round ends soon", "[monitor]") {
  const EchoServer server;
  RunningMonitor monitor(server.url(), {.clients = 2, .duration = 1h, .pace = wsbench::think(10ms)}, {.every = 1min});
  REQUIRE(eventually([&] { return has(monitor.scrape(), "wsbench_monitor_connections_open{scenario=\"custom\"} 2\n"); }, patience));
  monitor.end();
  CHECK(monitor.rounds() == 0);
}
