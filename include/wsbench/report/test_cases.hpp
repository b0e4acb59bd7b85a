#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/report.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/soak.hpp>

namespace wsbench::detail {

/// What became of one thing that a run is judged by.
enum class Outcome : std::uint8_t {
  passed,
  failed,  ///< the server is not as it was expected
  error,   ///< the run says nothing about that
};

/// One thing that a run is judged by: that it came to a result at all, one of its expectations, or its soak.
struct TestCase {
  std::string name{};  ///< "the run", or the expectation's text
  Outcome outcome{};   ///< what became of it
  std::string_view
      kind{};  ///< of what is wrong, in a word: "missed", "unanswered", "ended_early", "no_data", or the verdict's name, a soak's too
  std::string problem{};  ///< what is wrong, in a line; empty where nothing is
};

/// A soak fails where the server leaks or degrades, and says nothing where it cannot tell.
inline TestCase test_case_of(const Soak& found) {
  const Outcome outcome = decays(found) ? Outcome::failed : found.verdict == SoakVerdict::cannot_tell ? Outcome::error : Outcome::passed;
  if (outcome == Outcome::passed) return {"the soak", outcome, {}, {}};
  return {"the soak", outcome, name(found.verdict), verdict_line(found)};
}

/// The run itself, which fails where it came to no result or no answer came, then each of its expectations, and the soak.
inline std::vector<TestCase> test_cases(const Report& report) {
  const Verdict verdict = report.verdict();
  TestCase run{"the run", Outcome::passed, {}, {}};
  if (verdict == Verdict::failed && report.unanswered()) {
    run = {"the run", Outcome::failed, "unanswered", verdict_line(report)};
  } else if (verdict == Verdict::failed && !report.record().ended_early_by.empty()) {
    run = {"the run", Outcome::failed, "ended_early", verdict_line(report)};
  } else if (verdict == Verdict::no_connection) {
    run = {"the run", Outcome::failed, name(verdict), verdict_line(report)};
  } else if (verdict != Verdict::failed && verdict != Verdict::passed) {
    run = {"the run", Outcome::error, name(verdict), verdict_line(report)};
  }
  std::vector<TestCase> cases{run};
  for (const ExpectationResult& expectation : report.expectations()) {
    if (expectation.met) {
      cases.push_back({expectation.text, Outcome::passed, {}, {}});
    } else if (expectation.actual) {
      cases.push_back({expectation.text, Outcome::failed, "missed",
                       expectation.text + ": it is " + format_figure(expectation.actual, expectation.unit)});
    } else {
      cases.push_back({expectation.text, Outcome::failed, "no_data", expectation.text + ": n/a: not measured"});
    }
  }
  if (report.record().soak) cases.push_back(test_case_of(soak(report)));
  return cases;
}

}  // namespace wsbench::detail
