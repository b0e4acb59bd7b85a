#pragma once

#include <string>
#include <vector>

#include <wsbench/report.hpp>

namespace wsbench {

namespace detail {

inline std::string missed_expectations(const Report& report) {
  std::string missed;
  for (const ExpectationResult& expectation : report.expectations()) {
    if (expectation.met) continue;
    missed += (missed.empty() ? "missed " : ", ") + expectation.text;
    missed += expectation.actual ? " (it is " + format_figure(expectation.actual, expectation.unit) + ')' : " (n/a: not measured)";
  }
  return missed;
}

inline std::string why_failed(const Report& report) {
  std::string why = report.unanswered() ? "answers were expected and none came" : missed_expectations(report);
  const RunRecord& record = report.record();
  if (!record.decay.empty()) why += (why.empty() ? "" : "; ") + record.decay;
  if (record.ended_early_by.empty()) return why;
  const std::string early = "ended after " + format_duration(record.duration) + ", when " + record.ended_early_by + " was missed";
  return why.empty() ? early : early + "; " + why;
}

inline std::string why_passed(const Report& report) {
  if (!report.expectations().empty()) return "every expectation was met";
  return report.messages().answered > 0 ? "answers came; nothing else was expected" : "nothing was expected";
}

inline std::string why_invalid(const Report& report) {
  std::string reasons;
  for (const std::string& reason : report.invalid_because()) reasons += (reasons.empty() ? "" : "; ") + reason;
  return reasons;
}

inline std::string why_not_connected(const Report& report) {
  const std::vector<FailureCount> failures = report.metrics().failures.by_count();
  return failures.empty() ? "nothing could connect" : "nothing could connect: " + label(failures.front()) + ": " + failures.front().sample;
}

}  // namespace detail

/// The verdict and why, in one line: "FAILED: missed latency.p99 < 20ms (it is 45.2 ms)", "INVALID: generator-limited: ...".
inline std::string verdict_line(const Report& report) {
  switch (report.verdict()) {
    case Verdict::passed: return "PASSED: " + detail::why_passed(report);
    case Verdict::failed: return "FAILED: " + detail::why_failed(report);
    case Verdict::invalid: return "INVALID: " + detail::why_invalid(report);
    case Verdict::interrupted: return "INTERRUPTED: the run was stopped before its end";
    case Verdict::no_connection: return "NO CONNECTION: " + detail::why_not_connected(report);
  }
  return {};
}

}  // namespace wsbench
