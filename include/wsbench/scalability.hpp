#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity.hpp>
#include <wsbench/error.hpp>
#include <wsbench/load_test.hpp>
#include <wsbench/scalability_report.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench {

/// Searches for the capacity of growing sets of servers.
///
/// Each search is a `Capacity` over the first so many targets; all but the first begin where the one before would be if it grew with the
/// number of servers, which saves steps where it nearly did.
class Scalability {
 public:
  /// `sizes` are how many of the targets, from the first, each set has; they grow. The clients are dealt to a set's targets in turn. The
  /// search's `time` is that of all sets together.
  Scalability(std::vector<std::string> urls, std::vector<std::uint64_t> sizes, Scenario scenario, CapacityOptions search,
              Options options = {})
      : urls_(std::move(urls)),
        sizes_(std::move(sizes)),
        scenario_(std::move(scenario)),
        search_(std::move(search)),
        options_(std::move(options)) {}

  /// Throws Error, naming the member, if this cannot be searched; opens no socket.
  void validate() const {
    if (sizes_.empty()) throw Error("targets", "no set has a size: give some, such as 1,2,4");
    if (sizes_.front() == 0) throw Error("targets", "a set of 0 servers has no capacity: begin with 1 or more");
    if (std::adjacent_find(sizes_.begin(), sizes_.end(), [](std::uint64_t one, std::uint64_t next) { return one >= next; }) !=
        sizes_.end()) {
      throw Error("targets", "the sets do not grow: give their sizes in order, such as 1,2,4");
    }
    if (sizes_.back() > urls_.size()) {
      throw Error("targets", fmt::format("a set of {} needs as many URLs, and there are {}", sizes_.back(), urls_.size()));
    }
    if (search_.by == CapacityUnit::rate && static_cast<std::uint64_t>(scenario_.clients.clients()) < sizes_.back()) {
      throw Error("clients",
                  fmt::format("{} cannot speak to {} servers: give at least as many", scenario_.clients.clients(), sizes_.back()));
    }
    capacity_of(sizes_.back(), search_).validate();
  }

  /// Searches each set, until one has no capacity, or the time is over.
  ScalabilityReport run() const {
    validate();
    const auto end = std::chrono::steady_clock::now() + search_.time;
    ScalabilityReport report{.scenario = scenario_.name, .by = search_.by};
    for (const std::uint64_t size : sizes_) {
      CapacityOptions search = search_;
      if (search.time.count() > 0) search.time = std::max<std::chrono::nanoseconds>(end - std::chrono::steady_clock::now(), one_moment);
      if (!report.sets.empty()) begin_near(report.sets.back(), size, search.limits);
      CapacityReport found = capacity_of(size, search).run();
      report.stopped = found.stopped;
      if (found.steps.empty()) {
        report.ended_because = search_.time.count() > 0 && !found.stopped ? "the time was over" : found.ended_because;
        break;
      }
      const CapacityReport& set = report.sets.emplace_back(std::move(found));
      if (set.verdict() == Verdict::passed) continue;
      if (size != sizes_.back() || set.stopped) report.ended_because = servers_in_words(size) + ": " + why_no_more(set);
      break;
    }
    return report;
  }

 private:
  static constexpr std::chrono::nanoseconds one_moment{1};

  Capacity capacity_of(std::uint64_t size, const CapacityOptions& search) const {
    return Capacity(std::vector<std::string>(urls_.begin(), urls_.begin() + static_cast<std::ptrdiff_t>(size)), scenario_, search,
                    options_);
  }

  // Where the capacity grew with the servers, one step of this holds, the next misses, and one more is between them.
  static void begin_near(const CapacityReport& before, std::uint64_t size, SearchLimits& limits) {
    const double times = static_cast<double>(size) / static_cast<double>(before.urls.size());
    limits.from = std::min(times * *before.interval.at_least, limits.to);
    limits.growth = 1 + 2 * limits.precision;
  }

  static std::string why_no_more(const CapacityReport& set) {
    return set.ended_because.empty() ? "its capacity is " + to_string(set.interval, set.by) : set.ended_because;
  }

  std::vector<std::string> urls_;
  std::vector<std::uint64_t> sizes_;
  Scenario scenario_;
  CapacityOptions search_;
  Options options_;
};

}  // namespace wsbench
