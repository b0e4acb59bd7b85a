#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// Why figures cannot be told, each reason once: "latency.p95, latency.p99: not measured".
inline std::vector<std::string> reasons_of(const VersionComparison& comparison) {
  std::vector<std::pair<std::string, std::string>> figures_by_reason;
  for (const FigureChange& figure : comparison.figures) {
    if (figure.why.empty()) continue;
    const auto known = std::find_if(figures_by_reason.begin(), figures_by_reason.end(),
                                    [&figure](const auto& entry) { return entry.first == figure.why; });
    const std::string metric = in_one_line(to_string(figure.metric));
    if (known == figures_by_reason.end()) {
      figures_by_reason.emplace_back(figure.why, metric);
    } else {
      known->second += ", " + metric;
    }
  }
  std::vector<std::string> reasons;
  reasons.reserve(figures_by_reason.size());
  for (auto& [reason, figures] : figures_by_reason) reasons.push_back(std::move(figures.append(": ").append(reason)));
  return reasons;
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
  std::vector<std::string> remarks = detail::reasons_of(comparison);
  for (const std::string& note : comparison.notes) remarks.push_back("note: " + note);
  if (!remarks.empty()) text += '\n';
  for (const std::string& remark : remarks) text += detail::wrapped_lines("  ", remark);
  return text;
}

}  // namespace wsbench
