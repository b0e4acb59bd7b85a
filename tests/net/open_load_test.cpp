// The open load over real sockets: what the server did has to be in the report.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Report;

namespace {

// Not earlier than the oracle says, nor much later: percentile(p) of a run of length D with a stall of P is P - (1 - p) D.
void require_stall(const Report& report, double share, std::chrono::nanoseconds stall, std::chrono::nanoseconds length) {
  const auto expected = std::chrono::duration_cast<std::chrono::nanoseconds>(stall - (1 - share) * length);
  const auto slack = std::max<std::chrono::nanoseconds>(20ms, stall / 50);
  const std::chrono::nanoseconds actual = share == 1 ? report.latency().max() : report.latency().percentile(share);
  INFO("percentile " << share << ": expected " << expected.count() << " ns, reported " << actual.count() << " ns");
  CHECK(actual >= expected - slack);
  CHECK(actual <= expected + slack + 200ms);  // the machine may be busy with other things
}

}  // namespace

TEST_CASE("a load that grows dense and sparse again sends and counts every message", "[open_load]") {
  EchoServer server;
  const Report report = support::run_within(
      30s, LoadTest{server.url(),
                    {.name = "swelling", .clients = 20, .duration = 3s, .pace = wsbench::rate({{15'000, 1s}, {15'000, 1s}, {0, 1s}})}});
  INFO(report);
  support::require_sums(report, 30'000);
  CHECK(report.success_rate() == 1.0);
  // Read within the round, not when the load has grown sparse again.
  const wsbench::Histogram& receive_lag = report.metrics().receive_lag;
  CHECK((receive_lag.count() == 0 || receive_lag.percentile(0.5) < 100ms));
}

TEST_CASE("a dense load can be stopped", "[open_load]") {
  EchoServer server;
  wsbench::Run run = LoadTest{server.url(), {.clients = 20, .duration = 60s, .pace = wsbench::rate(15'000)}}.start();
  run.wait_for(300ms);
  const auto before = std::chrono::steady_clock::now();
  run.stop();
  const Report report = run.wait();
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  CHECK(report.verdict() == wsbench::Verdict::interrupted);
  CHECK(report.messages().answered > 100);
}

TEST_CASE("a stall of the server is in the percentiles of an open load, and hardly in those of a closed one", "[open_load]") {
  constexpr auto length = 4s;
  constexpr auto stall = 1000ms;
  SECTION("open") {
    const double rate = GENERATE(200.0, 3000.0);
    EchoServer server({.stall_at = 1500ms, .stall_for = stall});
    const Report report = support::run_within(
        30s, LoadTest{server.url(), {.name = "stalled", .clients = 20, .duration = length, .pace = wsbench::rate(rate), .timeout = 10s}});
    support::require_sums(report, static_cast<std::uint64_t>(rate * 4));
    INFO(report);
    CHECK(report.success_rate() == 1.0);
    require_stall(report, 0.9, stall, length);
    require_stall(report, 0.95, stall, length);
    require_stall(report, 0.99, stall, length);
    require_stall(report, 1, stall, length);
    CHECK(report.latency().percentile(0.5) < stall / 2);
    // The time series has all of it, and the second of the stall has none of the answers.
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    for (const wsbench::TimeSlot& slot : report.metrics().series.slots()) {
      sent += slot.sent;
      answered += slot.answered;
    }
    CHECK(sent == report.messages().sent);
    CHECK(answered == report.messages().answered);
    CHECK(wsbench::to_text(report).find("(open loop)") != std::string::npos);
  }
  SECTION("closed") {
    EchoServer server({.stall_at = 1500ms, .stall_for = stall});
    const Report report = support::run_within(
        30s,
        LoadTest{server.url(), {.name = "coordinated", .clients = 20, .duration = length, .pace = wsbench::think(0ms), .timeout = 10s}});
    INFO(report);
    CHECK(report.latency().percentile(0.99) < stall / 2);  // 20 of many thousand answers waited: the rest was never asked
    CHECK(wsbench::to_text(report).find("(closed loop)") != std::string::npos);
  }
}

TEST_CASE("an open load counts every tenth message that is swallowed, and its percentiles do not", "[open_load]") {
  EchoServer server({.swallow_every = 10});
  const Report report = support::run_within(
      30s, LoadTest{server.url(), {.name = "swallowed", .clients = 10, .duration = 2s, .pace = wsbench::rate(500), .timeout = 500ms}});
  support::require_sums(report, 1000);
  INFO(report);
  CHECK(report.messages().failed == 100);
  CHECK(report.success_rate() == 0.9);
  CHECK(report.latency().percentile(0.5) < 100ms);
  CHECK(report.latency().max() < 500ms);
}

TEST_CASE("users arrive, say what they came to say, and leave", "[open_load]") {
  EchoServer server;
  const Report report =
      support::run_within(30s, LoadTest{server.url(), {.name = "churn", .clients = wsbench::arrivals(100), .messages = 2, .duration = 2s}});
  INFO(report);
  // On a slow machine the load may be over before those who came last have had their second turn.
  CHECK(report.planned() <= 400);
  CHECK(report.planned() >= 380);
  support::require_sums(report, report.planned());
  CHECK(report.metrics().connections.succeeded == 200);
  CHECK(report.messages().answered == report.planned());
  CHECK(server.counts().connections == 200);
  CHECK(report.metrics().connections.peak_open < 200);
}

TEST_CASE("clients in stages are as many as the course says", "[open_load]") {
  EchoServer server;
  const LoadTest test{
      server.url(),
      {.name = "stages", .clients = wsbench::stages({{20, 500ms}, {20, 500ms}, {5, 0s}, {5, 500ms}}), .pace = wsbench::think(10ms)}};
  const Report report = support::run_within(30s, test);
  INFO(report);
  CHECK(report.metrics().connections.attempted == 20);
  CHECK(report.metrics().connections.succeeded == 20);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.record().duration >= 1400ms);
}

TEST_CASE("clients do not arrive as one storm unless asked to", "[open_load]") {
  EchoServer server;
  const auto run_at = [&](double connect_rate) {
    return support::run_within(30s,
                               LoadTest{server.url(), {.name = "storm", .clients = 50, .messages = 1}, {.connect_rate = connect_rate}});
  };
  CHECK(run_at(100).record().duration >= 480ms);
  CHECK(run_at(0).record().duration < 480ms);
}

TEST_CASE("several workers share an open load and its users", "[open_load]") {
  EchoServer server;
  const Report report = support::run_within(
      30s, LoadTest{server.url(), {.name = "shared", .clients = 9, .duration = 1s, .pace = wsbench::rate(1000)}, {.workers = 3}});
  support::require_sums(report, 1000);
  INFO(report);
  CHECK(report.messages().answered == 1000);
}

TEST_CASE("a generator that cannot keep the schedule makes the run invalid, not fast", "[open_load]") {
  EchoServer server;
  // 2 ms of work for each message, which is due every millisecond.
  const auto busy = [](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      user.post("busy", "hello");
      const auto until = std::chrono::steady_clock::now() + 2ms;
      while (std::chrono::steady_clock::now() < until) {
      }
    }
  };
  const Report report = support::run_within(
      60s,
      LoadTest{server.url(),
               {.name = "too much", .clients = 10, .duration = 1500ms, .pace = wsbench::rate(1000), .timeout = 60s, .behaviour = busy}});
  INFO(report);
  CHECK_FALSE(report.valid());
  CHECK(report.verdict() == wsbench::Verdict::invalid);
  REQUIRE_FALSE(report.invalid_because().empty());
  CHECK(report.invalid_because().front().find("generator-limited") != std::string::npos);
  CHECK(report.latency().percentile(0.5) > 100ms);  // the lag is in the response times
}
