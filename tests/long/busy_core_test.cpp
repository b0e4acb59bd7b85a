// A generator that has to share its processor: its report has to say so.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "bench/echo_process.hpp"
#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/pinned_thread.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Run;

namespace {

// So much that a thirtieth of a processor is not enough, and a whole one is.
constexpr double rate = 20'000;
constexpr auto length = 2s;

// Keep a processor busy until they are destroyed, for 30 s of its time at most.
class Spinners {
 public:
  explicit Spinners(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      processes_.emplace_back(std::vector<std::string>{"sh", "-c", "ulimit -t 30; echo spinning; while :; do :; done"});
      REQUIRE(processes_.back().read_line(10s) == "spinning");
    }
  }

 private:
  std::deque<support::ChildProcess> processes_{};
};

Report run_on_one_core(const bench::EchoProcess& server, std::size_t spinners) {
  std::optional<support::PinnedThread> pinned(std::in_place);
  const Spinners busy(spinners);
  Run run = LoadTest{server.url(), {.name = "shared core", .clients = 20, .duration = length, .pace = wsbench::rate(rate), .timeout = 2s}}
                .start();
  pinned.reset();  // its worker stays where it is
  REQUIRE(run.wait_for(60s));
  return run.wait();
}

}  // namespace

TEST_CASE("a generator on a processor that something else keeps busy makes the run invalid, not fast", "[long][busy_core]") {
  const bench::EchoProcess server(240);
  const Report report = run_on_one_core(server, 30);
  support::require_sums(report, static_cast<std::uint64_t>(rate * length.count()));
  INFO(report);
  CHECK_FALSE(report.valid());
  CHECK(report.verdict() == wsbench::Verdict::invalid);
  REQUIRE_FALSE(report.invalid_because().empty());
  CHECK(report.invalid_because().front().find("generator-limited") != std::string::npos);
  CHECK(report.latency().percentile(0.5) > 50ms);

  // With the processor to itself it is hardly late.
  const Report alone = run_on_one_core(server, 0);
  INFO(alone);
  CHECK(alone.metrics().schedule_lag.percentile(0.99).value() < report.metrics().schedule_lag.percentile(0.99).value() / 10);
}
