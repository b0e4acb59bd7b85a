#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/comparison.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/merging.hpp>
#include <wsbench/rank_statistics.hpp>
#include <wsbench/report.hpp>

namespace wsbench {

/// What a history tells of one run.
struct HistoryEntry {
  std::size_t load{0};                                 ///< which of the history's loads it was under
  std::chrono::system_clock::time_point started_at{};  ///< wall time
  std::string commit{};                                ///< which version was tested; empty: not known
  Verdict verdict{Verdict::passed};                    ///< what came of it
  bool telling{true};                                  ///< whether it says anything about the server: not invalid, not interrupted
  std::optional<double> success_rate{};                ///< a share of one
  std::optional<double> mean{};                        ///< latency, or of a broadcast delivery, in seconds
  std::optional<double> p95{};                         ///< the same

  bool operator==(const HistoryEntry&) const = default;
};

/// What a figure did from the first run to the last.
struct Trend {
  std::string figure{};                ///< "average", "p95"
  std::size_t runs{0};                 ///< that measured it
  std::optional<RankEstimate> by{};    ///< the change from the first to the last, as a share: 0.1 is a tenth more
  Change change{Change::cannot_tell};  ///< the verdict, with the same floor as a comparison has
  std::string why{};                   ///< why it cannot be told; empty where it can

  bool operator==(const Trend&) const = default;
};

/// The runs of a server over time, by load: what differs in load has no trend in common.
class History {
 public:
  /// Takes in a run; they may come in any order.
  void add(const Report& report) {
    HistoryEntry entry{.load = load_of(report.record()),
                       .started_at = report.record().started_at,
                       .commit = report.record().commit,
                       .verdict = report.verdict(),
                       .telling = detail::tells_of_server(report),
                       .success_rate = report.success_rate()};
    const char* const quantity = report.metrics().fan_out.published > 0 ? "delivery" : "latency";
    entry.mean = report.figure({quantity, Statistic::mean, {}, Unit::seconds});
    entry.p95 = report.figure({quantity, Statistic::p95, {}, Unit::seconds});
    const auto later = std::upper_bound(entries_.begin(), entries_.end(), entry,
                                        [](const HistoryEntry& a, const HistoryEntry& b) { return a.started_at < b.started_at; });
    entries_.insert(later, std::move(entry));
  }

  /// The runs, the oldest first.
  const std::vector<HistoryEntry>& entries() const noexcept { return entries_; }

  /// A run of each load, in the order in which they were taken in.
  const std::vector<RunRecord>& loads() const noexcept { return loads_; }

  /// What average and p95 of a load did over its runs: the line of Theil and Sen through their logarithms. With confidence 95 % neither
  /// verdict is wrong.
  std::vector<Trend> trends(std::size_t load) const {
    return {trend("average", load, &HistoryEntry::mean), trend("p95", load, &HistoryEntry::p95)};
  }

 private:
  std::size_t load_of(const RunRecord& record) {
    const auto same =
        std::find_if(loads_.begin(), loads_.end(), [&](const RunRecord& load) { return detail::difference_in_load(load, record).empty(); });
    const auto number = static_cast<std::size_t>(same - loads_.begin());
    if (same == loads_.end()) loads_.push_back(record);
    return number;
  }

  Trend trend(std::string name, std::size_t load, std::optional<double> HistoryEntry::*figure) const {
    constexpr double confidence = 1 - (1 - comparison_confidence) / 2;
    std::vector<double> figures;
    for (const HistoryEntry& entry : entries_) {
      if (entry.load == load && entry.telling && entry.*figure) figures.push_back(*(entry.*figure));
    }
    Trend trend{.figure = std::move(name), .runs = figures.size()};
    const auto logarithms = detail::on_its_scale(figures, Unit::seconds);
    if (figures.size() < least_compared_runs || !logarithms) {
      trend.why =
          logarithms ? fmt::format("too few: it takes {} runs", least_compared_runs) : "it was 0 in a run, of which there is no ratio";
      return trend;
    }
    const auto slope = slope_of(*logarithms, confidence);
    if (!slope) return trend;
    const auto steps = static_cast<double>(figures.size() - 1);
    trend.by = detail::as_change({slope->estimate * steps, slope->low * steps, slope->high * steps}, Unit::seconds);
    trend.change = detail::judge(*trend.by, detail::floor_of(Unit::seconds, *median_of(figures)), Unit::seconds);
    if (trend.change == Change::cannot_tell) trend.why = "the runs go up and down";
    return trend;
  }

  std::vector<HistoryEntry> entries_{};
  std::vector<RunRecord> loads_{};
};

}  // namespace wsbench
