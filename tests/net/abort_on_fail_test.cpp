// A run that is ended because it has failed already.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
namespace metric = wsbench::metric;
using support::run_within;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Verdict;

namespace {

constexpr auto limit = 30s;

// Flat out, since that is valid however busy the machine is.
wsbench::Scenario load(std::chrono::nanoseconds duration, std::vector<wsbench::Expectation> expect) {
  return {.name = "load", .clients = 2, .duration = duration, .pace = wsbench::flat_out(), .expect = std::move(expect)};
}

}  // namespace

TEST_CASE("a missed expectation ends the run, which has then failed and says why", "[net]") {
  const EchoServer server({.delay = 30ms});
  const wsbench::Options options{.abort_on_fail = 0s};
  const Report report = run_within(limit, {server.url(), load(1h, {metric::errors == 0, metric::latency.mean < 10ms}), options});
  INFO(report);
  CHECK(report.verdict() == Verdict::failed);
  CHECK(report.record().ended_early_by == "latency.mean < 10ms");
  CHECK_FALSE(report.record().interrupted);
  CHECK(report.messages().answered > 0);
  CHECK(report.record().duration < 10s);
}

TEST_CASE("it is ended no sooner than after the delay", "[net]") {
  const EchoServer server({.delay = 30ms});
  const wsbench::Options options{.workers = 2, .abort_on_fail = 2500ms};
  const Report report = run_within(limit, {server.url(), load(1h, {metric::latency.mean < 10ms}), options});
  INFO(report);
  CHECK(report.record().ended_early_by == "latency.mean < 10ms");
  CHECK(report.record().duration > 2400ms);  // its last answer came a little before
}

TEST_CASE("a run whose expectations are met, or not measured, goes on to its end", "[net]") {
  const EchoServer server({.delay = 30ms});
  const wsbench::Options options{.abort_on_fail = 0s};
  const bool measured = GENERATE(true, false);
  const auto expect = measured ? metric::latency.mean < 10s : metric::check("welcomed") > 0.5;
  const Report report = run_within(limit, {server.url(), load(2500ms, {expect}), options});
  INFO(report);
  CHECK(report.record().ended_early_by.empty());
  CHECK(report.record().duration > 2400ms);
  CHECK(report.verdict() == (measured ? Verdict::passed : Verdict::failed));
}

TEST_CASE("without the option a run that has failed goes on", "[net]") {
  const EchoServer server({.delay = 30ms});
  const Report report = run_within(limit, {server.url(), load(2500ms, {metric::latency.mean < 10ms}), {}});
  CHECK(report.record().ended_early_by.empty());
  CHECK(report.record().duration > 2400ms);
  CHECK(report.verdict() == Verdict::failed);
}

TEST_CASE("a run that is stopped before it is lost was interrupted", "[net]") {
  const EchoServer server({.delay = 30ms});
  wsbench::Run run = LoadTest(server.url(), load(1h, {metric::latency.mean < 10ms}), {.abort_on_fail = 1min}).start();
  CHECK_FALSE(run.wait_for(1200ms));
  run.stop();
  const Report report = support::end_within(limit, run);
  CHECK(report.verdict() == Verdict::interrupted);
  CHECK(report.record().ended_early_by.empty());
}

TEST_CASE("to end a run for a missed expectation there must be one, and the delay a time", "[net]") {
  const auto refusal = [](std::vector<wsbench::Expectation> expect, std::chrono::nanoseconds delay) {
    try {
      LoadTest("ws://127.0.0.1:9", load(1s, std::move(expect)), {.abort_on_fail = delay}).validate();
    } catch (const wsbench::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal({}, 1s).starts_with("abort_on_fail: there is no expectation"));
  CHECK(refusal({metric::errors == 0}, -1s).starts_with("abort_on_fail: -1s is negative"));
  CHECK(refusal({metric::errors == 0}, 1s).empty());
}
