// A run under way: looked at, waited for, stopped.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Run;

namespace {

constexpr std::uint64_t clients = 4;
constexpr auto limit = 10s;

// A load that is not over before the test is.
wsbench::Scenario endless() {
  return {.name = "endless", .clients = clients, .duration = 1h, .pace = wsbench::think(5ms), .timeout = 1h};
}

wsbench::Scenario short_one() {
  return {.name = "short", .clients = clients, .messages = 5, .pace = wsbench::think(5ms)};
}

std::uint64_t sum_of(const wsbench::MessageMetrics& messages) {
  return messages.one_way + messages.answered + messages.failed + messages.in_flight();
}

bool everybody_left(const EchoServer& server) {
  return support::eventually([&] { return server.counts().open == 0; });
}

}  // namespace

TEST_CASE("a run reports what it did so far", "[net][run]") {
  const std::uint64_t workers = GENERATE(1U, 3U);
  CAPTURE(workers);
  const EchoServer server;
  Run run = LoadTest{server.url(), endless(), {.workers = workers}}.start();
  REQUIRE(support::eventually([&] { return run.snapshot().messages().answered >= 3 * clients; }));

  const Report first = run.snapshot();
  INFO(first);
  CHECK(first.messages().sent == sum_of(first.messages()));
  CHECK(first.messages().in_flight() <= clients);
  CHECK(first.messages().failed == 0);
  CHECK(first.messages().response_time.count() == first.messages().answered);
  CHECK(first.metrics().connections.open == clients);
  CHECK(first.metrics().connections.succeeded == clients);
  CHECK(first.success_rate() == 1.0);
  CHECK_FALSE(first.record().interrupted);
  CHECK(first.record().duration > 0ns);
  CHECK(first.record().duration <= run.elapsed());

  REQUIRE(support::eventually([&] { return run.snapshot().messages().answered > first.messages().answered; }));
  const Report second = run.snapshot();
  CHECK(second.record().duration > first.record().duration);
  CHECK(second.messages().sent >= second.messages().answered);
  CHECK_FALSE(run.wait_for(0ns));
  run.stop();
  CHECK(run.wait().messages().answered >= second.messages().answered);
}

TEST_CASE("a run that has ended says the same however it is asked", "[net][run]") {
  const EchoServer server;
  Run run = LoadTest{server.url(), short_one(), {.workers = 2}}.start();
  REQUIRE(run.wait_for(limit));
  const Report report = run.wait();
  support::require_sums(report, 5 * clients);
  CHECK(report.success_rate() == 1.0);
  CHECK(run.wait() == report);
  CHECK(run.snapshot() == report);
  CHECK(run.wait_for(0ns));

  run.stop();  // too late to interrupt anything
  CHECK(run.wait() == report);
  CHECK_FALSE(run.wait().record().interrupted);
}

TEST_CASE("a run is waited for as long as it is asked", "[net][run]") {
  const EchoServer server;
  Run run = LoadTest{server.url(), endless()}.start();
  const auto before = std::chrono::steady_clock::now();
  CHECK_FALSE(run.wait_for(50ms));
  CHECK(std::chrono::steady_clock::now() - before >= 50ms);
  CHECK(run.elapsed() >= 50ms);
  run.stop();
  CHECK(run.wait_for(limit));
}

TEST_CASE("a run that is stopped ends at once and says so", "[net][run]") {
  const std::uint64_t workers = GENERATE(1U, 3U);
  CAPTURE(workers);
  // Answers that never come: what is in flight must not be awaited.
  const EchoServer server({.swallow_every = 1});
  Run run = LoadTest{server.url(), endless(), {.workers = workers}}.start();
  REQUIRE(support::eventually([&] { return server.counts().messages == clients; }));
  run.stop();
  run.stop();
  REQUIRE(run.wait_for(limit));
  const Report report = run.wait();
  INFO(report);
  CHECK(report.record().interrupted);
  CHECK(report.verdict() == wsbench::Verdict::interrupted);
  CHECK_FALSE(report.passed());
  CHECK(report.messages().sent == clients);
  CHECK(report.messages().in_flight() == clients);
  CHECK(report.messages().failed == 0);
  CHECK(report.metrics().connections.open == 0);
  CHECK(report.metrics().failures.total() == 0);
  CHECK(everybody_left(server));
}

TEST_CASE("a run may be stopped while another thread waits for it", "[net][run]") {
  const EchoServer server;
  Run run = LoadTest{server.url(), endless()}.start();
  std::thread stopping([&] {
    support::eventually([&] { return server.counts().answered > 0; });
    run.stop();
  });
  const Report report = run.wait();
  stopping.join();
  CHECK(report.record().interrupted);
}

TEST_CASE("a run may be stopped before it did anything", "[net][run]") {
  const EchoServer server;
  Run run = LoadTest{server.url(), endless(), {.workers = 2}}.start();
  run.stop();
  REQUIRE(run.wait_for(limit));
  CHECK(run.wait().record().interrupted);
  CHECK(everybody_left(server));
}

TEST_CASE("the destructor of a run stops it", "[net][run]") {
  const EchoServer server;
  const auto before = std::chrono::steady_clock::now();
  {
    const Run run = LoadTest{server.url(), endless(), {.workers = 2}}.start();
    REQUIRE(support::eventually([&] { return server.counts().answered > 0; }));
  }
  CHECK(std::chrono::steady_clock::now() - before < limit);
  CHECK(everybody_left(server));
}

TEST_CASE("a run outlives the load test it came from, and moves", "[net][run]") {
  const EchoServer server;
  std::optional<LoadTest> test;
  test.emplace(server.url(), short_one());
  Run started = test->start();
  test.reset();
  Run run = std::move(started);
  REQUIRE(run.wait_for(limit));
  support::require_sums(run.wait(), 5 * clients);
}

TEST_CASE("two runs at once know nothing of each other", "[net][run]") {
  const EchoServer server, another;
  Run endless_run = LoadTest{server.url(), endless()}.start();
  Run run = LoadTest{another.url(), short_one()}.start();
  REQUIRE(run.wait_for(limit));
  support::require_sums(run.wait(), 5 * clients);
  CHECK_FALSE(endless_run.wait_for(0ns));
  CHECK(another.counts().messages == 5 * clients);
}

TEST_CASE("what on_answer throws comes out of wait()", "[net][run]") {
  const std::uint64_t workers = GENERATE(1U, 3U);
  CAPTURE(workers);
  const EchoServer server;
  const wsbench::Options options{.workers = workers,
                                 .on_answer = [](const wsbench::Answer&) { throw std::logic_error("no more, please"); }};
  Run run = LoadTest{server.url(), endless(), options}.start();
  REQUIRE(run.wait_for(limit));
  CHECK_THROWS_AS(run.wait(), std::logic_error);
  CHECK(run.snapshot().record().interrupted);
}

TEST_CASE("on_snapshot is told each second and at the end, of more each time", "[net][run]") {
  const std::uint64_t workers = GENERATE(1U, 2U);
  CAPTURE(workers);
  const EchoServer server;
  std::vector<std::uint64_t> answered;
  const wsbench::Options options{.workers = workers,
                                 .on_snapshot = [&](const wsbench::Report& report) { answered.push_back(report.messages().answered); }};
  const wsbench::Scenario scenario{.name = "watched", .clients = 4, .duration = 2500ms, .pace = wsbench::rate(200)};
  const wsbench::Report report = LoadTest{server.url(), scenario, options}.run();
  REQUIRE(answered.size() >= 2);  // three where the machine is not busy
  CHECK(answered.size() <= 4);
  CHECK(std::is_sorted(answered.begin(), answered.end()));
  CHECK(answered.front() < report.messages().answered);
  CHECK(answered.back() == report.messages().answered);
}

TEST_CASE("what on_snapshot throws ends the run and comes out of wait()", "[net][run]") {
  const EchoServer server;
  const wsbench::Options options{.on_snapshot = [](const wsbench::Report&) { throw std::logic_error("no more, please"); }};
  Run run = LoadTest{server.url(), endless(), options}.start();
  REQUIRE(run.wait_for(limit));
  CHECK_THROWS_AS(run.wait(), std::logic_error);
}
