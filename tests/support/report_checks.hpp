#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"

namespace support {

/// The report of a run that has to end within `limit`: one that hangs is a failed test and not a hanging one.
inline wsbench::Report end_within(std::chrono::nanoseconds limit, wsbench::Run& run) {
  const bool ended = run.wait_for(limit);
  if (!ended) {
    const wsbench::Report so_far = run.snapshot();
    run.stop();
    INFO(so_far);
    FAIL("the run did not end within " << std::chrono::duration<double>(limit).count() << " s");
  }
  return run.wait();
}

/// Runs a load test that has to end within `limit`.
inline wsbench::Report run_within(std::chrono::nanoseconds limit, const wsbench::LoadTest& test) {
  wsbench::Run run = test.start();
  return end_within(limit, run);
}

/// Requires of a finished run that nothing vanished: every sum that a report promises, for `planned` messages.
inline void require_sums(const wsbench::Report& report, std::uint64_t planned) {
  INFO(report);
  const wsbench::Metrics& metrics = report.metrics();
  const wsbench::MessageMetrics& messages = report.messages();
  const wsbench::ConnectionMetrics& connections = metrics.connections;

  REQUIRE(messages.sent + metrics.not_sent == planned);
  REQUIRE(report.planned() == planned);
  REQUIRE(messages.one_way + messages.answered + messages.failed == messages.sent);  // in flight: none, once the run has ended
  REQUIRE(messages.in_flight() == 0);
  const std::uint64_t expected = messages.answered + messages.failed + metrics.not_sent;
  REQUIRE(report.success_rate().has_value() == (expected > 0));
  if (expected > 0) REQUIRE(*report.success_rate() == static_cast<double>(messages.answered) / static_cast<double>(expected));

  REQUIRE(messages.response_time.count() == messages.answered);
  REQUIRE(messages.service_time.count() == messages.answered);
  REQUIRE(messages.failed_time.count() == messages.failed);
  REQUIRE(metrics.received >= messages.answered + metrics.late + metrics.unclaimed);

  REQUIRE(connections.succeeded + connections.failed == connections.attempted);
  REQUIRE(connections.connect_time.count() == connections.succeeded);
  REQUIRE(connections.reconnected + connections.reconnects_failed <= connections.reconnects_attempted);
  REQUIRE(connections.open == 0);

  // In an open load messages may also have found nobody free in time.
  const std::uint64_t unsendable = report.record().configuration.pace.open() ? 0 : metrics.not_sent;
  const bool anything_lost = messages.failed + unsendable + connections.failed > 0;
  if (anything_lost) REQUIRE(metrics.failures.total() > 0);
}

/// Checks that a run passed, or did but for messages that left late: a busy machine does that, and no expectation is missed by it.
inline void check_passed(const wsbench::Report& report) {
  INFO(report);
  for (const wsbench::ExpectationResult& expectation : report.expectations()) CHECK(expectation.met);
  for (const std::string& reason : report.invalid_because()) CHECK(reason.starts_with("generator-limited: messages left late"));
  CHECK((report.passed() || report.verdict() == wsbench::Verdict::invalid));
}

/// The entry of a failure, if it happened at all; `code` 0 is for failures that have none.
inline std::optional<wsbench::FailureCount> entry_of(const wsbench::Report& report, wsbench::Failure failure, int code = 0) {
  for (const wsbench::FailureCount& entry : report.metrics().failures.by_count()) {
    if (entry.failure == failure && entry.code == code) return entry;
  }
  return std::nullopt;
}

/// Requires that this failure, and no other, happened `count` times, and that its sample names a client.
inline void require_only_failure(const wsbench::Report& report, wsbench::Failure failure, int code, std::uint64_t count) {
  INFO(report);
  const auto entry = entry_of(report, failure, code);
  INFO("expected: " << wsbench::name(failure) << ' ' << code);
  REQUIRE(entry.has_value());
  CHECK(entry->count == count);
  REQUIRE(report.metrics().failures.total() == entry->count);
  INFO("sample: " << entry->sample);
  CHECK(entry->sample.starts_with("client "));
  CHECK(entry->sample.find_first_of("0123456789") == std::string("client ").size());
  CHECK(entry->sample.find(": ") != std::string::npos);
  CHECK(entry->sample.find('\n') == std::string::npos);
  CHECK_FALSE(report.passed());
}

}  // namespace support
