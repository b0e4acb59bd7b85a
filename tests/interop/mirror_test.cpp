// libwebsockets' test server: what one client of a mirror says goes to all of them, and to itself. It has three mirrors at most, and counts
// nothing.

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/listening_port.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::Report;

namespace {

constexpr auto limit = 30s;
const wsbench::Options mirror_protocol{.subprotocols = {"lws-mirror-protocol"}};

class MirrorServer {
 public:
  /// Listens when it returns; throws if it cannot be started.
  MirrorServer() : port_(support::free_port()), process_({"libwebsockets-test-server", "--port", std::to_string(port_), "-d", "1"}) {
    if (!support::listens_soon(port_)) throw std::runtime_error("libwebsockets-test-server does not listen: is it installed?");
  }

  std::string url(const std::string& mirror) const { return "ws://127.0.0.1:" + std::to_string(port_) + "/?mirror=" + mirror; }

 private:
  std::uint16_t port_;
  support::ChildProcess process_;
};

}  // namespace

TEST_CASE("libwebsockets: the standard scenarios, one user in each of three mirrors", "[interop]") {
  const auto standard =
      GENERATE(wsbench::scenarios::light, wsbench::scenarios::medium, wsbench::scenarios::heavy, wsbench::scenarios::stress);
  wsbench::Scenario scenario = standard();
  scenario.clients = 3;
  CAPTURE(scenario.name);
  const MirrorServer server;
  const std::vector<std::string> urls{server.url("a"), server.url("b"), server.url("c")};

  const Report report = support::run_within(limit, wsbench::LoadTest{urls, scenario, mirror_protocol});
  INFO(report);
  support::require_sums(report, 3 * scenario.messages);
  CHECK(report.messages().answered == 3 * scenario.messages);
  CHECK(report.metrics().failures.total() == 0);
  for (const std::string& url : urls) CHECK(report.target(url).messages().answered == scenario.messages);
  REQUIRE(report.metrics().connections.subprotocols.size() == 1);
  CHECK(report.metrics().connections.subprotocols.front().name == "lws-mirror-protocol");
  CHECK(report.metrics().connections.subprotocols.front().count == 3);
}

TEST_CASE("libwebsockets: what one of a mirror says reaches all of it", "[interop]") {
  constexpr std::uint64_t subscribers = 30;
  const MirrorServer server;
  const wsbench::Scenario scenario{
      .clients = subscribers + 1, .duration = 1s, .pace = wsbench::think(20ms), .behaviour = wsbench::broadcast({.publishers = 1})};

  const Report report = support::run_within(limit, wsbench::LoadTest{server.url("room"), scenario, mirror_protocol});
  INFO(report);
  const wsbench::FanOutMetrics& fan_out = report.metrics().fan_out;
  CHECK(fan_out.published > 10);
  // Some may have come before all had subscribed.
  CHECK(fan_out.delivered > (fan_out.published - 3) * subscribers);
  CHECK(fan_out.missing() == 0);
  CHECK(fan_out.duplicated == 0);
  CHECK(fan_out.out_of_order == 0);
  CHECK(report.metrics().failures.total() == 0);
}
