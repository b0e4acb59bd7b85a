#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// What a step came to, in a word.
constexpr std::string_view outcome_word(const CapacityStep& step) {
  if (step.server_lost) return "lost";
  switch (step.outcome) {
    case StepOutcome::held: return "held";
    case StepOutcome::missed: return "missed";
    case StepOutcome::generator_limited: return "no result";
  }
  return {};
}

inline constexpr std::size_t capacity_columns = 3;  // of figures, as 80 columns allow

/// The figures that the expectations ask for, as the columns of a table.
inline std::string capacity_row(std::string_view load, std::string_view outcome, const std::vector<std::string>& cells) {
  std::string row = fmt::format("  {:>15}  {:<10}", load, outcome);
  for (const std::string& cell : cells) row += fmt::format("{:>17}", cut_to(16, cell));
  row.erase(row.find_last_not_of(' ') + 1);
  return row + '\n';
}

inline std::string capacity_steps(const CapacityReport& capacity) {
  if (capacity.steps.empty()) return {};
  const std::vector<ExpectationResult>& expected = capacity.steps.front().report.expectations();
  const std::size_t columns = std::min(expected.size(), capacity_columns);
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < columns; ++i) cells.push_back(printable(expected[i].text.substr(0, expected[i].text.find(' '))));
  std::string text = "\nSteps\n" + capacity_row("load", "outcome", cells);
  for (const CapacityStep& step : capacity.steps) {
    cells.clear();
    for (std::size_t i = 0; i < columns; ++i) {
      const ExpectationResult& result = step.report.expectations()[i];
      cells.push_back(format_figure(result.actual, result.unit));
    }
    text += capacity_row(format_load(step.load, capacity.by), outcome_word(step), cells);
  }
  return text;
}

/// The figure that decides, by load: the first expectation of a duration; null where there is none.
inline const ExpectationResult* charted(const CapacityStep& step) {
  for (const ExpectationResult& expectation : step.report.expectations()) {
    if (expectation.unit == Unit::seconds) return &expectation;
  }
  return nullptr;
}

// A bar of each load, by the logarithm of its figure: the knee is where they grow.
inline std::string capacity_chart(const CapacityReport& capacity) {
  constexpr double widest = 36;
  std::vector<const CapacityStep*> steps;
  double least = 0, most = 0;
  for (const CapacityStep& step : capacity.steps) {
    const ExpectationResult* figure = charted(step);
    if (figure == nullptr || !figure->actual || !(*figure->actual > 0)) continue;
    least = steps.empty() ? *figure->actual : std::min(least, *figure->actual);
    most = std::max(most, *figure->actual);
    steps.push_back(&step);
  }
  if (steps.size() < 2) return {};
  std::stable_sort(steps.begin(), steps.end(), [](const CapacityStep* one, const CapacityStep* other) { return one->load < other->load; });
  const std::string& text_of_figure = charted(*steps.front())->text;
  std::string text = "\n" + wrapped_lines({}, printable(text_of_figure.substr(0, text_of_figure.find(' '))) + " by load (logarithmic)");
  const double span = std::log(most / least);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double figure = *charted(*steps[i])->actual;
    const double share = span > 0 ? std::log(figure / least) / span : 1;
    const bool last_of_load = i + 1 == steps.size() || steps[i + 1]->load != steps[i]->load;
    std::string_view mark;
    if (last_of_load && steps[i]->load == capacity.interval.at_least) mark = "  <- at least";
    if (last_of_load && steps[i]->load == capacity.interval.below) mark = "  <- less than";
    fmt::format_to(std::back_inserter(text), "  {:>15}  {:>9} {}{}\n", format_load(steps[i]->load, capacity.by),
                   format_figure(figure, Unit::seconds), std::string(1 + static_cast<std::size_t>(share * (widest - 1)), '#'), mark);
  }
  return text;
}

}  // namespace detail

/// What was found for people: plain text of at most 80 columns, the answer first.
inline std::string to_text(const CapacityReport& capacity) {
  using detail::wrapped_lines;
  std::string text = wrapped_lines({}, capacity.scenario + ": capacity " + to_string(capacity.interval, capacity.by));
  for (const std::string& url : capacity.urls) text += wrapped_lines({}, url);
  if (!capacity.steps.empty()) {
    std::string expected;
    for (const ExpectationResult& expectation : capacity.steps.front().report.expectations()) {
      expected += (expected.empty() ? "with " : ", ") + expectation.text;
    }
    text += wrapped_lines({}, expected);
  }
  text += detail::capacity_steps(capacity) + detail::capacity_chart(capacity) + "\nAnswer\n";
  text += wrapped_lines("  capacity  ", to_string(capacity.interval, capacity.by));
  if (const CapacityStep* step = capacity.limiting()) {
    text += wrapped_lines("  limit     ", "at " + format_load(step->load, capacity.by) + ": " + step->why);
  }
  for (const CapacityStep& step : capacity.steps) {
    if (capacity.interval.generator_limit != step.load || step.outcome != StepOutcome::generator_limited) continue;
    text += wrapped_lines("  limit     ", "at " + format_load(step.load, capacity.by) + ": " + step.why);
    break;
  }
  if (capacity.interval.contradictory) {
    text += wrapped_lines("  doubt     ", "between the two, loads held and missed by turns: longer steps would tell more");
  }
  if (!capacity.ended_because.empty()) text += wrapped_lines("  ended     ", "early: " + capacity.ended_because);
  text += wrapped_lines("  confirmed ", capacity.interval.confirmed ? "yes, both ends were tried again" : "no");
  return text + wrapped_lines("  took      ", fmt::format("{} steps, {}", capacity.steps.size(), format_duration(capacity.duration)));
}

/// Writes what was found as text.
inline std::ostream& operator<<(std::ostream& out, const CapacityReport& capacity) {
  return out << to_text(capacity);
}

}  // namespace wsbench
