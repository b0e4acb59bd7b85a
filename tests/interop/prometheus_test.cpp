// A real Prometheus that scrapes a monitor, and is asked for what the monitor's report says.

#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/monitor.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/listening_port.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using support::eventually;
using support::http_get;

namespace {

constexpr auto patience = 30s;

// Debian's Prometheus, which scrapes a port of the loopback interface each second and has the rules of examples/monitor. It looks
// for what to scrape five seconds after its start at the soonest.
class Prometheus {
 public:
  explicit Prometheus(std::uint16_t scraped) : port_(support::free_port()) {
    const std::string configuration = folder_.path() / "prometheus.yml";
    std::ofstream(configuration) << "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                                    "rule_files: ['" WSBENCH_TESTS_DIR
                                    "/../examples/monitor/alerts.yml']\n"
                                    "scrape_configs: [{job_name: wsbench, static_configs: [{targets: ['127.0.0.1:"
                                 << scraped << "']}]}]\n";
    process_.emplace(std::vector<std::string>{"prometheus", "--config.file=" + configuration,
                                              "--storage.tsdb.path=" + (folder_.path() / "data").string(),
                                              "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--log.level=error"});
    REQUIRE(support::listens_soon(port_));
  }

  /// What its API says of a query; null where it is not ready.
  json get(const std::string& target) const {
    const support::HttpReply reply = http_get(port_, "/api/v1/" + target);
    return reply.status == 200 ? json::parse(reply.body)["data"] : json();
  }

  /// The value of the one series that a query gives; nothing where it gives none.
  std::optional<double> value_of(const std::string& query) const {
    const json data = get("query?query=" + query);
    if (data.is_null() || data["result"].size() != 1) return std::nullopt;
    return std::stod(data["result"][0]["value"][1].get<std::string>());
  }

 private:
  support::TemporaryFolder folder_{};
  std::uint16_t port_;
  std::optional<support::ChildProcess> process_{};
};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

TEST_CASE("a real Prometheus answers with the p95 that the report has", "[interop][monitor]") {
  const wsbench::EchoServer server({.delay = 5ms});
  // A round on a machine that is busy with other things is invalid, and no alert goes by it.
  constexpr std::uint64_t most_rounds = 30;
  wsbench::Monitor* running = nullptr;
  wsbench::MonitorRound last;
  wsbench::MonitorOptions options{.every = 200ms, .alerts = {{wsbench::metric::latency.p95 > 1ms, 0s}}, .listen = "127.0.0.1:0"};
  options.on_round = [&](const wsbench::MonitorRound& round) {
    last = round;
    if (round.report->valid() || round.number == most_rounds) running->stop();
  };
  wsbench::Monitor monitor(server.url(), {.name = "watch", .clients = 4, .messages = 25, .pace = wsbench::think(1ms)}, options);
  running = &monitor;
  monitor.run();
  REQUIRE(last.report->valid());
  const wsbench::Report& report = *last.report;

  const Prometheus prometheus(monitor.port());
  std::optional<double> p95;
  REQUIRE(eventually(
      [&] {
        p95 = prometheus.value_of("wsbench_monitor_latency_p95_seconds");
        return p95.has_value();
      },
      patience));
  CHECK(*p95 == seconds(report.latency().percentile(0.95)));
  CHECK(prometheus.value_of("wsbench_monitor_latency_p99_seconds") == seconds(report.latency().percentile(0.99)));
  const double sent = 100.0 * static_cast<double>(last.number);
  CHECK(prometheus.value_of("wsbench_monitor_error_rate") == 0.0);
  CHECK(prometheus.value_of("wsbench_monitor_messages_sent_total") == sent);
  CHECK(prometheus.value_of("wsbench_monitor_latency_seconds_count") == sent);
  CHECK(prometheus.value_of("wsbench_monitor_latency_seconds_bucket{le=\"0.005\"}") == 0.0);
  CHECK(prometheus.value_of("wsbench_monitor_alert_firing") == 1.0);
  // By the rules of the example.
  REQUIRE(eventually([&] { return prometheus.value_of("ALERTS{alertname=\"WebSocketMonitorAlert\",alertstate=\"firing\"}") == 1.0; },
                     patience));
  const json rules = prometheus.get("rules");
  for (const json& rule : rules["groups"][0]["rules"]) {
    CAPTURE(rule.dump());
    CHECK(rule["health"] == "ok");
    CHECK((rule["state"] == "inactive") == (rule["name"] != "WebSocketMonitorAlert"));
  }
}
