// Probes beside a load: what they read, and that the load does not notice.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <wsbench/command_probe.hpp>
#include <wsbench/process_probe.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Scenario;
namespace metric = wsbench::metric;

namespace {

Scenario brief() {
  return {.clients = 5, .duration = 500ms, .pace = wsbench::think(10ms)};
}

wsbench::Task guest(wsbench::Session& user, std::atomic<int>& present) {
  ++present;
  while (co_await user.turn()) co_await user.request("echo", "hello");
  --present;
}

}  // namespace

TEST_CASE("a report tells what probes read beside the load, from before its first client until after its last", "[probe]") {
  wsbench::EchoServer server;
  std::atomic<int> present{0};
  Scenario scenario = brief();
  scenario.duration = 2s;  // for a machine that is late with everything
  scenario.behaviour = wsbench::Behaviour{[&](wsbench::Session& user) { return guest(user, present); }, "guest"};
  scenario.expect = {metric::probe("present").max == 5, metric::probe("present").last == 0, metric::probe("lines").last == 3,
                     wsbench::parse_expectation("probe(self.rss).max < 1B"), metric::probe("broken").max < 5};
  const Report report =
      LoadTest(server.url(), scenario,
               {.probes = {wsbench::probe("present", [&] { return present.load(); }), wsbench::command_probe("lines", "echo 3"),
                           wsbench::process_probe("self", wsbench::ByPid{::getpid()}), wsbench::command_probe("broken", "echo none")},
                .probe_every = 200ms})
          .run();
  INFO(report);
  REQUIRE(report.probes().size() == 7);
  CHECK(report.expectations().at(0).met);
  CHECK(report.expectations().at(1).met);
  CHECK(report.expectations().at(2).met);
  CHECK_FALSE(report.expectations().at(3).met);
  CHECK(report.expectations().at(3).actual.value_or(0) > 1e6);
  CHECK_FALSE(report.expectations().at(4).actual.has_value());
  CHECK(report.probe("self.cpu").series.mean().value_or(0) >= 0);
  CHECK(report.probe("self.cpu").series.samples() >= 2);
  CHECK(report.probe("broken").series.samples() == 0);
  CHECK(report.probe("broken").series.first_failure()->reason == "printed no number: \"none\"");
  CHECK(report.messages().failed == 0);
  CHECK(report.record().duration < 10s);
}

TEST_CASE("a probe that hangs delays no message of the load", "[probe]") {
  wsbench::EchoServer server;
  // Whoever is left behind may outlive this test.
  const auto open = std::make_shared<std::atomic<bool>>(false);
  const auto begin = std::chrono::steady_clock::now();
  const Report report = LoadTest(server.url(), brief(),
                                 {.probes = {wsbench::command_probe("sleeps", "sleep 1000"), wsbench::command_probe("fills", "yes"),
                                             wsbench::probe("waits",
                                                            [open]() -> double {
                                                              while (!*open) std::this_thread::sleep_for(1ms);
                                                              throw std::runtime_error("at last");
                                                            })},
                                  .probe_every = 20ms,
                                  .probe_timeout = 50ms})
                            .run();
  const auto took = std::chrono::steady_clock::now() - begin;
  *open = true;
  INFO(report);
  CHECK(took < 10s);
  for (const wsbench::ProbeRecord& probe : report.probes()) {
    CAPTURE(probe.name);
    CHECK(probe.series.failures() >= 1);
    CHECK(probe.series.samples() == 0);
  }
  CHECK(report.probe("sleeps").series.first_failure()->reason == "did not end within 50ms, and was killed");
  CHECK(report.probe("waits").series.first_failure()->reason == "did not return within 50ms");
  CHECK(report.messages().failed == 0);
  CHECK(report.messages().answered > 0);
  CHECK(report.record().duration < took);
}

TEST_CASE("a process that ends in the middle of a run is reported as such", "[probe]") {
  wsbench::EchoServer server;
  support::ChildProcess child({"sh", "-c", "echo started; read line"});
  REQUIRE(child.read_line(10s) == "started");
  Scenario scenario = brief();
  scenario.duration = 1min;
  wsbench::Run run =
      LoadTest(server.url(), scenario, {.probes = {wsbench::process_probe("server", wsbench::ByPid{child.pid()})}, .probe_every = 10ms})
          .start();
  REQUIRE(support::eventually([&] { return run.snapshot().probe("server.rss").series.samples() >= 1; }));
  child.close_input();
  REQUIRE(support::eventually([&] { return run.snapshot().probe("server.rss").series.failures() >= 1; }));
  run.stop();
  const Report report = run.wait();
  INFO(report);
  const wsbench::ProbeSeries& memory = report.probe("server.rss").series;
  CHECK(memory.samples() >= 1);
  CHECK(memory.failures() >= 1);
  CHECK(memory.first_failure()->reason == "process " + std::to_string(child.pid()) + " has ended");
}

TEST_CASE("probes are read until a while after the load, which a stop cuts short", "[probe]") {
  wsbench::EchoServer server;
  std::atomic<int> calls{0};
  const wsbench::Options options{.probes = {wsbench::probe("calls", [&] { return ++calls; })}, .probe_every = 20ms, .probe_after = 200ms};
  const Scenario scenario{.clients = 1, .messages = 1};
  const auto begin = std::chrono::steady_clock::now();
  const Report report = LoadTest(server.url(), scenario, options).run();
  CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
  CHECK(calls >= 3);
  CHECK(report.probe("calls").series.samples() == static_cast<std::uint64_t>(calls));
  // The load's own figures know nothing of it.
  CHECK(report.record().duration < 200ms);

  wsbench::Options longer = options;
  longer.probe_after = 1h;
  wsbench::Run run = LoadTest(server.url(), scenario, longer).start();
  CHECK_FALSE(run.wait_for(100ms));
  run.stop();
  CHECK(run.wait_for(30s));
  CHECK(run.wait().verdict() == wsbench::Verdict::passed);
}
