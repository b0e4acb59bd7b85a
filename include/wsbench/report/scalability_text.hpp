#pragma once

#include <cstddef>
#include <iterator>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include <wsbench/report/capacity_facts.hpp>
#include <wsbench/report/capacity_text.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/scalability_report.hpp>

namespace wsbench {

/// What was found for people: plain text of at most 80 columns, the table of all sets first, then each of them.
inline std::string to_text(const ScalabilityReport& scalability) {
  using detail::wrapped_lines;
  std::string text = wrapped_lines({}, scalability.scenario + ": capacity by number of servers");
  if (!scalability.sets.empty()) {
    text += wrapped_lines({}, "the most with " + detail::expected_in_words(scalability.sets.front()));
    text += "\n  servers  capacity                                    efficiency\n";
  }
  for (std::size_t set = 0; set < scalability.sets.size(); ++set) {
    const CapacityReport& found = scalability.sets[set];
    fmt::format_to(std::back_inserter(text), "  {:>7}  {:<42}  {}\n", found.urls.size(), to_string(found.interval, found.by),
                   to_string(scalability.efficiency(set)));
  }
  if (!scalability.ended_because.empty()) text += wrapped_lines("  ended early: ", scalability.ended_because);
  for (const CapacityReport& found : scalability.sets) text += '\n' + to_text(found);
  return text;
}

/// Writes what was found as text.
inline std::ostream& operator<<(std::ostream& out, const ScalabilityReport& scalability) {
  return out << to_text(scalability);
}

}  // namespace wsbench
