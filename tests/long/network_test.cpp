// Networks that lose packets, have no route, or have no ports left: each in a network namespace of its own, which needs root.

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Run;

namespace {

constexpr auto limit = 60s;

void command(const std::string& line) {
  INFO(line);
  REQUIRE(std::system(line.c_str()) == 0);
}

// Calls `test` in a thread that has a network of its own, in which loopback is up; the threads it starts have the same. Where that is not
// allowed, says so and does not call it.
void in_own_network(const std::function<void()>& test) {
  std::exception_ptr thrown;
  bool allowed = true;
  std::thread thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      allowed = false;
      return;
    }
    try {
      command("ip link set lo up");
      test();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (!allowed) WARN("skipped: a network namespace needs root");
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

TEST_CASE("a machine out of ports goes on with the connections it has", "[long][network]") {
  in_own_network([] {
    constexpr std::uint64_t clients = 30, ports = 20, messages = 10;
    const wsbench::EchoServer server({.port = 9001});
    command("echo 40000 40019 > /proc/sys/net/ipv4/ip_local_port_range");
    Run run = LoadTest{server.url(),
                       {.name = "out of ports",
                        .clients = clients,
                        .messages = messages,
                        .pace = wsbench::think(100ms),
                        .expect = {wsbench::metric::errors == 0.0}}}
                  .start();
    const Report report = support::end_within(limit, run);
    support::require_sums(report, clients * messages);
    support::require_only_failure(report, Failure::no_ports, 0, clients - ports);
    CHECK(support::entry_of(report, Failure::no_ports)->sample.find("ip_local_port_range") != std::string::npos);
    CHECK(report.metrics().connections.succeeded == ports);
    CHECK(report.messages().answered == ports * messages);
  });
}

TEST_CASE("a peer that vanishes is missed by its pong", "[long][network]") {
  in_own_network([] {
    constexpr std::uint64_t clients = 5;
    const wsbench::EchoServer server;
    Run run = LoadTest{
        server.url(),
        {.name = "vanished", .clients = clients, .duration = 20s, .behaviour = wsbench::hold(), .expect = {wsbench::metric::errors == 0.0}},
        {.ping_every = 200ms,
         .ping_timeout =
             1s}}.start();
    REQUIRE(support::eventually([&] { return run.snapshot().metrics().pings.answered >= 2 * clients; }));
    command("ip link set lo down");  // what is sent from now on goes nowhere
    const std::chrono::nanoseconds vanished = run.elapsed();
    const Report report = support::end_within(limit, run);
    support::require_sums(report, clients);  // flat out, a loss leaves one message of each unsent
    support::require_only_failure(report, Failure::ping_timeout, 0, clients);
    CHECK(report.metrics().connections.succeeded == clients);
    CHECK(report.metrics().pings.failed == clients);
    CHECK(report.metrics().pings.sent == report.metrics().pings.answered + report.metrics().pings.failed);
    CHECK(support::entry_of(report, Failure::ping_timeout)->first_at >= vanished + 700ms);
    CHECK(report.record().duration < vanished + 5s);
  });
}

TEST_CASE("no host there: unreachable", "[long][network]") {
  in_own_network([] {
    command("ip route add unreachable 192.0.2.0/24");
    Run run = LoadTest{"ws://192.0.2.1:9001", {.name = "nowhere", .clients = 3, .messages = 2}}.start();
    const Report report = support::end_within(limit, run);
    support::require_sums(report, 6);
    support::require_only_failure(report, Failure::unreachable, 0, 3);
    CHECK(report.verdict() == wsbench::Verdict::no_connection);
    CHECK(report.record().duration < 2s);
  });
}
