// A wall clock that is set while messages are under way: the kernel's stamps are wall time, and what they say is then false.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

#include <wsbench/monitor.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Report;

namespace {

// How far the wall clock that this program reads is from the one that the kernel stamps with.
std::atomic<std::int64_t> wall_clock_error_s{0};

}  // namespace

// The linker puts the first in the place of the second wherever wsbench's headers read a clock (-Wl,--wrap); std::chrono keeps its own.
extern "C" int __real_clock_gettime(clockid_t clock, timespec* time);
extern "C" int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  const int result = __real_clock_gettime(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += wall_clock_error_s;
  return result;
}

TEST_CASE("a wall clock that is set costs the stamps, and no figure", "[faults][receive_stamp]") {
  const std::int64_t jump_s = GENERATE(3600, -3600, 2, -2);
  CAPTURE(jump_s);
  constexpr std::uint64_t planned = 500;
  const EchoServer server;
  wall_clock_error_s = 0;
  wsbench::Run run = LoadTest{server.url(), {.name = "set clock", .clients = 4, .duration = 1s, .pace = wsbench::rate(planned)}}.start();
  for (int time = 0; !run.wait_for(100ms); ++time) wall_clock_error_s = time % 2 == 0 ? jump_s : 0;
  const Report report = run.wait();
  wall_clock_error_s = 0;
  support::require_sums(report, planned);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK((report.metrics().unbelieved_stamps > 0) == report.record().generator.kernel_stamps);
  CHECK(report.latency().histogram().negative() == 0);
  CHECK(report.service_time().histogram().negative() == 0);
  CHECK(report.latency().max() < 1s);
  CHECK(report.service_time().max() < 1s);
}

TEST_CASE("a wall clock that is set makes a monitor tell of nothing, and keep to its rounds", "[faults][monitor]") {
  const EchoServer server;
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t rounds = 0;
  std::uint64_t changes = 0;
  std::chrono::nanoseconds slowest{0};
  wsbench::Monitor* running = nullptr;
  wsbench::MonitorOptions options{
      .every = 100ms, .alerts = {{wsbench::metric::latency.p50 > 5s, 0s}, {wsbench::metric::error_rate > 0.0, 0s}}, .listen = ""};
  options.on_round = [&](const wsbench::MonitorRound& round) {
    wall_clock_error_s = rounds % 2 == 0 ? 7200 : -7200;
    slowest = std::max(slowest, round.report->latency().max());
    changes += round.changes.size();
    if (++rounds == 5) running->stop();
  };
  wsbench::Monitor monitor(server.url(), {.clients = 2, .messages = 10, .pace = wsbench::think(1ms)}, options);
  running = &monitor;
  monitor.run();
  wall_clock_error_s = 0;
  CHECK(rounds == 5);
  CHECK(changes == 0);
  CHECK(slowest < 5s);
  CHECK(std::chrono::steady_clock::now() - begin >= 400ms);
}
