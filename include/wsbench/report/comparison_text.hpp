#pragma once

#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/comparison.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

inline std::string runs_line(std::string_view which, const ComparedRuns& runs) {
  std::string line = fmt::format("{} {}", format_count(runs.runs), runs.runs == 1 ? "run" : "runs");
  std::string_view separator = " of ";
  for (const std::string& commit : runs.commits) {
    line.append(separator).append(in_one_line(commit));
    separator = ", ";
  }
  if (runs.left_out > 0) line += fmt::format("; {} left out: invalid or interrupted", format_count(runs.left_out));
  return wrapped_lines(fmt::format("{:<6}", which), line);
}

/// A row of the table: 80 columns, unless figures have more digits than usual.
inline std::string figure_row(const FigureChange& figure) {
  const Unit unit = figure.metric.unit;
  std::string row = fmt::format("  {:<11}{:<20}{:>9}{:>9}", name(figure.change), cut_to(20, printable(to_string(figure.metric))),
                                format_figure(median_of(figure.base), unit), format_figure(median_of(figure.current), unit));
  if (figure.by) {
    row += fmt::format("{:>10}{:>19}", format_change(figure.by->estimate, unit),
                       change_number(figure.by->low, unit) + " .. " + format_change(figure.by->high, unit));
  }
  return row + '\n';
}

inline std::string verdict_of(const VersionComparison& comparison) {
  if (comparison.any(Change::worse)) return comparison.any(Change::better) ? "WORSE in some, BETTER in others" : "WORSE";
  if (comparison.any(Change::better)) return "BETTER";
  return comparison.any(Change::cannot_tell) ? "nothing better or worse that can be told" : "UNCHANGED";
}

}  // namespace detail

/// The comparison for people: plain text of 80 columns, the verdict first.
inline std::string to_text(const VersionComparison& comparison) {
  std::string text = detail::wrapped_lines({}, detail::in_one_line(comparison.scenario) + ": " + detail::verdict_of(comparison));
  text += detail::runs_line("base", comparison.base) + detail::runs_line("new", comparison.current) + '\n';
  fmt::format_to(std::back_inserter(text), "  {:<11}{:<20}{:>9}{:>9}{:>10}{:>19}\n", "", "", "base", "new", "change", "95 % interval");
  for (const FigureChange& figure : comparison.figures) text += detail::figure_row(figure);
  std::string_view separator = "\n";
  const auto add = [&](const std::string& start, const std::string& line) {
    text.append(separator).append(detail::wrapped_lines(start, line));
    separator = "";
  };
  for (const FigureChange& figure : comparison.figures) {
    if (!figure.why.empty()) add("  ", detail::in_one_line(to_string(figure.metric)) + ": " + figure.why);
  }
  for (const std::string& note : comparison.notes) add("  ", "note: " + note);
  return text;
}

}  // namespace wsbench
