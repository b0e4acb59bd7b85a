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

#include <wsbench/capacity_report.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report/capacity_facts.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

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
  for (std::size_t i = 0; i < columns; ++i) cells.push_back(printable(figure_name(expected[i])));
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

// A bar of each load, by the logarithm of its figure: the knee is where they grow.
inline std::string capacity_chart(const CapacityReport& capacity) {
  constexpr double widest = 30;
  std::vector<const CapacityStep*> steps;
  double least = 0, most = 0;
  for (const CapacityStep& step : capacity.steps) {
    const ExpectationResult* figure = deciding_duration(step);
    if (figure == nullptr || !figure->actual || !(*figure->actual > 0)) continue;
    least = steps.empty() ? *figure->actual : std::min(least, *figure->actual);
    most = std::max(most, *figure->actual);
    steps.push_back(&step);
  }
  if (steps.size() < 2) return {};
  std::stable_sort(steps.begin(), steps.end(), [](const CapacityStep* one, const CapacityStep* other) { return one->load < other->load; });
  std::string text = "\n" + wrapped_lines({}, figure_name(*deciding_duration(*steps.front())) + " by load (logarithmic)");
  const double span = std::max(std::log(most / least), std::log(10));  // what differs little looks so
  const std::optional<double> knee = capacity.knee();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double figure = *deciding_duration(*steps[i])->actual;
    const double share = std::log(figure / least) / span;
    const bool last_of_load = i + 1 == steps.size() || steps[i + 1]->load != steps[i]->load;
    std::string mark;
    const auto mark_at = [&](const std::optional<double>& load, std::string_view name) {
      if (last_of_load && steps[i]->load == load) mark.append(mark.empty() ? "  <- " : ", ").append(name);
    };
    mark_at(capacity.interval.at_least, "at least");
    mark_at(capacity.interval.below, "less than");
    mark_at(knee, "knee");
    fmt::format_to(std::back_inserter(text), "  {:>15}  {:>9} {}{}\n", format_load(steps[i]->load, capacity.by),
                   format_figure(figure, Unit::seconds), std::string(1 + static_cast<std::size_t>(share * (widest - 1)), '#'), mark);
  }
  return text;
}

}  // namespace detail

/// What was found for people: plain text of at most 80 columns, the answer first.
inline std::string to_text(const CapacityReport& capacity) {
  using detail::wrapped_lines;
  std::string text = wrapped_lines({}, capacity.scenario + ": " + to_string(capacity.interval, capacity.by));
  for (const std::string& url : capacity.urls) text += wrapped_lines({}, url);
  if (!capacity.steps.empty()) text += wrapped_lines({}, "the most with " + detail::expected_in_words(capacity));
  text += detail::capacity_steps(capacity) + detail::capacity_chart(capacity) + "\nAnswer\n";
  for (const detail::CapacityFact& fact : detail::facts_of(capacity)) text += wrapped_lines(fmt::format("  {:<10}", fact.name), fact.words);
  return text;
}

/// Writes what was found as text.
inline std::ostream& operator<<(std::ostream& out, const CapacityReport& capacity) {
  return out << to_text(capacity);
}

}  // namespace wsbench
