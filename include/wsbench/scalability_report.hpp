#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity_report.hpp>
#include <wsbench/report.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// How much of what more servers could bring they did: 1 where twice as many have twice the capacity.
struct Efficiency {
  std::optional<double> at_least{};  ///< nothing: not known, for want of a limit of the first set
  std::optional<double> below{};     ///< nothing: not known, for want of a limit of this set

  bool operator==(const Efficiency&) const = default;
};

/// What searches over growing sets of servers found.
struct ScalabilityReport {
  std::string scenario{};  ///< its name
  CapacityUnit by{CapacityUnit::clients};
  std::vector<CapacityReport> sets{};  ///< by the number of their targets; as far as was come
  std::string ended_because{};         ///< why not all sets were searched; empty where they were
  bool stopped{false};                 ///< that was because it was told to

  /// The one word for all searches: of theirs, the first of no connection, interrupted, invalid, failed, passed.
  Verdict verdict() const {
    for (const Verdict verdict : {Verdict::no_connection, Verdict::interrupted, Verdict::invalid, Verdict::failed}) {
      if (stopped && verdict == Verdict::interrupted) return verdict;
      if (std::any_of(sets.begin(), sets.end(), [&](const CapacityReport& set) { return set.verdict() == verdict; })) return verdict;
    }
    return sets.empty() ? Verdict::invalid : Verdict::passed;
  }

  /// The capacity of a set over that of as many servers of the first set: capacity(n) / (n / n0 * capacity(n0)). Each bound is taken where
  /// it is farthest away, so that it holds wherever both capacities lie in their intervals.
  Efficiency efficiency(std::size_t set) const {
    const CapacityInterval& first = sets.front().interval;
    const CapacityInterval& own = sets.at(set).interval;
    if (set == 0) return {1, 1};
    const double times = static_cast<double>(sets.at(set).urls.size()) / static_cast<double>(sets.front().urls.size());
    Efficiency efficiency;
    if (own.at_least && first.below) efficiency.at_least = *own.at_least / (times * *first.below);
    if (own.below && first.at_least) efficiency.below = *own.below / (times * *first.at_least);
    return efficiency;
  }
};

/// "1 server", "4 servers".
inline std::string servers_in_words(std::size_t servers) {
  return format_count(servers) + (servers == 1 ? " server" : " servers");
}

/// An efficiency in words: "95.1 % to 104.2 %", "at least 95.1 %".
inline std::string to_string(const Efficiency& efficiency) {
  const auto percent = [](double share) { return fmt::format("{:.1f} %", 100 * share); };
  if (efficiency.at_least && efficiency.below) {
    if (*efficiency.at_least == *efficiency.below) return percent(*efficiency.at_least);
    return percent(*efficiency.at_least) + " to " + percent(*efficiency.below);
  }
  if (efficiency.at_least) return "at least " + percent(*efficiency.at_least);
  return efficiency.below ? "less than " + percent(*efficiency.below) : "unknown";
}

}  // namespace wsbench
