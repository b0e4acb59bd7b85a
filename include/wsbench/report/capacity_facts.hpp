#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity_report.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/units.hpp>

/// \file
/// What the renderers of a capacity say in common.

namespace wsbench::detail {

/// What a step came to, in a word or two.
constexpr std::string_view outcome_word(const CapacityStep& step) {
  if (step.server_lost) return "lost";
  switch (step.outcome) {
    case StepOutcome::held: return "held";
    case StepOutcome::missed: return "missed";
    case StepOutcome::generator_limited:
    case StepOutcome::behaviour_threw: return "no result";
  }
  return {};
}

/// The figure of an expectation, as that names it: "latency.p95".
inline std::string figure_name(const ExpectationResult& expectation) {
  const std::size_t bound = expectation.text.rfind(' ');
  return expectation.text.substr(0, bound == std::string::npos ? bound : expectation.text.rfind(' ', bound - 1));
}

/// The figure that decides, by load: the first expectation of a duration; null where there is none.
inline const ExpectationResult* deciding_duration(const CapacityStep& step) {
  for (const ExpectationResult& expectation : step.report.expectations()) {
    if (expectation.unit == Unit::seconds) return &expectation;
  }
  return nullptr;
}

/// What was expected, all of it: "latency.p95 < 50ms, success_rate > 99%".
inline std::string expected_in_words(const CapacityReport& capacity) {
  std::string expected;
  if (capacity.steps.empty()) return expected;
  for (const ExpectationResult& expectation : capacity.steps.front().report.expectations()) {
    expected += (expected.empty() ? "" : ", ") + expectation.text;
  }
  return expected;
}

/// Something that was found, and what it is called.
struct CapacityFact {
  std::string_view name{};
  std::string words{};
};

/// All that was found, the answer first.
inline std::vector<CapacityFact> facts_of(const CapacityReport& capacity) {
  std::vector<CapacityFact> facts{{"capacity", to_string(capacity.interval, capacity.by)}};
  if (const CapacityStep* step = capacity.limiting()) {
    facts.push_back({"limit", "at " + format_load(step->load, capacity.by) + ": " + step->why});
  }
  if (capacity.interval.contradictory) {
    facts.push_back({"doubt", "between the two, loads held and missed by turns: longer steps would tell more"});
  }
  if (const auto knee = capacity.knee()) {
    facts.push_back({"knee", format_load(*knee, capacity.by) + ": of the loads tried, the most throughput for its latency"});
  }
  if (!capacity.ended_because.empty()) facts.push_back({"ended", "early: " + capacity.ended_because});
  facts.push_back({"confirmed", !capacity.interval.confirmed ? "no"
                                : capacity.interval.below    ? "yes, both ends were tried again"
                                                             : "yes, it was tried again"});
  facts.push_back({"took", fmt::format("{} {}, {}", capacity.steps.size(), capacity.steps.size() == 1 ? "step" : "steps",
                                       format_duration(capacity.duration))});
  return facts;
}

}  // namespace wsbench::detail
