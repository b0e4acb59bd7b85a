// The four standard scenarios against servers that nobody here wrote, which count by themselves.
//
// What they expect of latency is not asserted: it is this machine's to meet.

#include <chrono>
#include <cstdint>

#include <wsbench/tls.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/agreement.hpp"
#include "support/real_server.hpp"
#include "support/report_checks.hpp"
#include "support/tls_proxy.hpp"

using namespace std::chrono_literals;
using support::Implementation;
using support::RealServer;
using support::ServerCounts;
using wsbench::Report;

namespace {

constexpr std::uint64_t message_size = 64;

std::uint64_t planned(const wsbench::Scenario& scenario) {
  return static_cast<std::uint64_t>(scenario.clients.clients()) * scenario.messages;
}

}  // namespace

TEST_CASE("the standard scenarios: the server counts what the report says", "[interop]") {
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws, Implementation::aiohttp);
  const auto standard =
      GENERATE(wsbench::scenarios::light, wsbench::scenarios::medium, wsbench::scenarios::heavy, wsbench::scenarios::stress);
  const wsbench::Scenario scenario = standard();
  CAPTURE(implementation, scenario.name);

  RealServer server(implementation);
  const Report report = support::run_within(60s, wsbench::LoadTest{server.url(), scenario});
  const ServerCounts counts = server.final_counts();

  support::require_agreement(report, counts, planned(scenario));
  CHECK(counts.received_binary == 0);
  CHECK(counts.received_bytes == planned(scenario) * message_size);
  CHECK(report.record().scenario == scenario.name);
  CHECK(report.record().duration >= scenario.pace.think_time() * static_cast<std::int64_t>(scenario.messages));
}

TEST_CASE("the standard scenarios over TLS, through nginx", "[interop]") {
  const auto standard =
      GENERATE(wsbench::scenarios::light, wsbench::scenarios::medium, wsbench::scenarios::heavy, wsbench::scenarios::stress);
  const wsbench::Scenario scenario = standard();
  CAPTURE(scenario.name);

  const support::Certificate authority({.name = "an authority"});
  const support::Certificate localhost({}, authority);
  RealServer server(Implementation::node_ws);
  const support::TlsProxy proxy(server.port(), localhost);
  const Report report =
      support::run_within(60s, wsbench::LoadTest{proxy.url(), scenario, {.tls = wsbench::tls({.ca_file = authority.file()})}});

  support::require_agreement(report, server.final_counts(), planned(scenario));
  CHECK(report.metrics().connections.tls.count() == report.metrics().connections.succeeded);
}

TEST_CASE("the bytes of the report are those of the frames", "[interop]") {
  // Two runs differ by nothing but messages: handshakes and close frames take the same in both.
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws);
  const bool binary = GENERATE(false, true);
  CAPTURE(implementation, binary);
  constexpr std::uint64_t clients = 5, few = 2, many = 12;
  constexpr std::uint64_t difference = clients * (many - few);
  constexpr std::uint64_t header = 2, mask = 4;

  RealServer server(implementation);
  const auto run = [&](std::uint64_t messages) {
    const wsbench::Scenario scenario{
        .clients = clients, .messages = messages, .behaviour = wsbench::echo({.size = message_size, .binary = binary})};
    return support::run_within(10s, wsbench::LoadTest{server.url(), scenario});
  };
  const wsbench::Metrics less = run(few).metrics();
  const ServerCounts counts = server.final_counts();
  const wsbench::Metrics more = run(many).metrics();
  const ServerCounts counts_of_both = server.final_counts();

  CHECK(counts.received_bytes == clients * few * message_size);
  CHECK(counts_of_both.received_bytes == clients * (few + many) * message_size);
  CHECK(counts_of_both.received_binary == (binary ? clients * (few + many) : 0));
  CHECK(more.bytes_sent - less.bytes_sent == difference * (header + mask + message_size));
  CHECK(more.bytes_received - less.bytes_received == difference * (header + message_size));
}
