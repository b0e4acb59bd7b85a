#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/merging.hpp>
#include <wsbench/rank_statistics.hpp>
#include <wsbench/report.hpp>

namespace wsbench {

/// What became of a figure.
enum class Change : std::uint8_t { better, worse, unchanged, cannot_tell };

/// The change in words: "better", "worse", "unchanged", "can't tell".
constexpr std::string_view name(Change change) {
  constexpr std::string_view names[] = {"better", "worse", "unchanged", "can't tell"};
  return names[static_cast<std::size_t>(change)];
}

/// One figure of the runs of two versions.
struct FigureChange {
  MetricName metric{};                 ///< which figure
  std::vector<double> base{};          ///< of each run of the old version that measured it; seconds for durations
  std::vector<double> current{};       ///< of each run of the new one
  std::optional<RankEstimate> by{};    ///< by how much it changed: as a share of the old figure, 0.1 for a tenth more, where it is a
                                       ///< duration or a rate; else the plain difference
  double floor{0};                     ///< the change that is too small to matter, as `by` counts it
  Change change{Change::cannot_tell};  ///< the verdict
  std::string why{};                   ///< why it cannot be told; empty where it can

  bool operator==(const FigureChange&) const = default;
};

/// The runs of one version.
struct ComparedRuns {
  std::size_t runs{0};                 ///< that were compared
  std::size_t left_out{0};             ///< that were not: invalid or interrupted
  std::vector<std::string> commits{};  ///< that they tested, each once

  bool operator==(const ComparedRuns&) const = default;
};

/// The runs of two versions under the same load, figure by figure.
struct VersionComparison {
  std::string scenario{};               ///< its name
  ComparedRuns base{};                  ///< of the old version
  ComparedRuns current{};               ///< of the new one
  std::vector<FigureChange> figures{};  ///< what became of each figure
  std::vector<std::string> notes{};     ///< what else differs between the runs, a line each

  /// Whether any figure changed so.
  bool any(Change change) const {
    return std::any_of(figures.begin(), figures.end(), [change](const FigureChange& figure) { return figure.change == change; });
  }

  bool operator==(const VersionComparison&) const = default;
};

/// The confidence in all verdicts of a comparison together, as a share of one.
inline constexpr double comparison_confidence = 0.95;
/// Fewer runs than this of a version, and nothing is told of it.
inline constexpr std::size_t least_compared_runs = 5;

namespace detail {

/// The two highest percentiles with at least ten samples beyond them; where there are none, the median and p95.
inline std::vector<Statistic> sound_percentiles(const Histogram& histogram) {
  std::vector<Statistic> sound;
  for (const Statistic statistic : {Statistic::p99, Statistic::p95, Statistic::p90, Statistic::p50}) {
    if (sound.size() < 2 && histogram.evidence(*share_of(statistic)) == Evidence::enough) sound.insert(sound.begin(), statistic);
  }
  return sound.size() == 2 ? sound : std::vector{Statistic::p50, Statistic::p95};
}

}  // namespace detail

/// The figures that are compared unless others are asked for, by what the run measured: six, since with five runs of either version one
/// order in 126 is the strongest evidence there is, and 5 % shared out to seven would ask for more.
///
/// Of the latencies these are the average and the two highest percentiles that do not hang on a few samples: a p99 of a hundred messages
/// differs by hundreds of percent between runs of one version.
inline std::vector<MetricName> compared_figures(const Report& report) {
  const auto duration = [](const char* quantity, Statistic statistic) { return MetricName{quantity, statistic, {}, Unit::seconds}; };
  std::vector<MetricName> figures;
  if (report.metrics().fan_out.published > 0) {
    figures = {duration("delivery", Statistic::mean),
               duration("delivery", Statistic::p95),
               duration("last_delivery", Statistic::p95),
               {"missing_deliveries", Statistic::value, {}, Unit::count}};
  } else {
    figures = {duration("latency", Statistic::mean)};
    for (const Statistic statistic : detail::sound_percentiles(report.messages().response_time)) {
      figures.push_back(duration("latency", statistic));
    }
    figures.push_back({"success_rate", Statistic::value, {}, Unit::share});
  }
  figures.push_back({"messages_per_second", Statistic::value, {}, Unit::per_second});
  figures.push_back(duration("connect_time", Statistic::mean));
  return figures;
}

namespace detail {

constexpr bool less_is_better(Unit unit) {
  return unit == Unit::seconds || unit == Unit::count;
}

/// Whether its changes are shares of what it was; else they are differences.
constexpr bool changes_by_ratio(Unit unit) {
  return unit == Unit::seconds || unit == Unit::per_second;
}

/// What is too small to matter of a figure that was at this level: 5 %, of durations at least 1 ms, of counts at least 1; of shares 0.1
/// percentage points.
inline double floor_of(Unit unit, double level) {
  switch (unit) {
    case Unit::seconds: return std::max(0.05, 0.001 / level);
    case Unit::per_second: return 0.05;
    case Unit::share: return 0.001;
    case Unit::count: return std::max(1.0, 0.05 * level);
    case Unit::number:
    case Unit::bytes: return 0.05 * std::abs(level);
  }
  return 0;
}

/// A change for people, with its sign and without its unit: "+5.2", "-0.12".
inline std::string change_number(double by, Unit unit) {
  if (unit == Unit::count) return fmt::format("{:+.4g}", by);
  if (unit == Unit::share) return fmt::format("{:+.2f}", by * 100);
  return by < 10 ? fmt::format("{:+.1f}", by * 100) : by < 100 ? fmt::format("{:+.0f}", by * 100) : fmt::format("{:+.0e}", by * 100);
}

/// The unit of that: percent, percentage points, or none.
constexpr std::string_view change_unit(Unit unit) {
  return unit == Unit::count ? "" : unit == Unit::share ? " pp" : " %";
}

/// A change for people: "+5.2 %", "-0.12 pp", "+3".
inline std::string format_change(double by, Unit unit) {
  return change_number(by, unit).append(change_unit(unit));
}

/// The verdict on an interval: a change matters where all of the interval lies beyond the floor, and there is none where none of it does.
inline Change judge(const RankEstimate& by, double floor, Unit unit) {
  if (by.low > floor) return less_is_better(unit) ? Change::worse : Change::better;
  if (by.high < -floor) return less_is_better(unit) ? Change::better : Change::worse;
  return by.low >= -floor && by.high <= floor ? Change::unchanged : Change::cannot_tell;
}

/// The logarithm of each, for figures that change by ratio; nothing where one has none.
inline std::optional<std::vector<double>> on_its_scale(std::vector<double> figures, Unit unit) {
  if (!changes_by_ratio(unit)) return figures;
  for (double& figure : figures) {
    if (!(figure > 0)) return std::nullopt;
    figure = std::log(figure);
  }
  return figures;
}

/// An estimate on that scale as a change.
inline RankEstimate as_change(const RankEstimate& estimate, Unit unit) {
  if (!changes_by_ratio(unit)) return estimate;
  return {std::expm1(estimate.estimate), std::expm1(estimate.low), std::expm1(estimate.high)};
}

inline std::string spread_of(const RankEstimate& by, Unit unit) {
  return "between " + format_change(by.low, unit) + " and " + format_change(by.high, unit);
}

// The interval is the rank-sum test's: one bootstrapped from so few runs is too narrow. Of two sets of runs that came from one
// distribution it told 13.1 % (5 runs a side) and 8.1 % (8 a side) apart where 5 % were asked for; this one tells 3.6 % and 4.5 %.
inline void judge(FigureChange& figure, double confidence) {
  const Unit unit = figure.metric.unit;
  const std::size_t fewest = std::min(figure.base.size(), figure.current.size());
  if (figure.base.empty() && figure.current.empty()) {
    figure.why = "not measured";
  } else if (fewest < least_compared_runs) {
    figure.why = fmt::format("{} and {} runs measured it, and it takes {} of either version", figure.base.size(), figure.current.size(),
                             least_compared_runs);
  } else {
    const auto base = on_its_scale(figure.base, unit);
    const auto current = on_its_scale(figure.current, unit);
    if (!base || !current) {
      figure.why = "it was 0 in a run, of which there is no ratio";
    } else if (const auto shift = shift_between(*base, *current, confidence)) {
      figure.floor = floor_of(unit, *median_of(figure.base));
      figure.by = as_change(*shift, unit);
      figure.change = judge(*figure.by, figure.floor, unit);
      if (figure.change == Change::cannot_tell) figure.why = "the change is " + spread_of(*figure.by, unit) + ": more runs would tell";
    } else {
      figure.why = "too few runs for so many figures";
    }
  }
}

/// Whether a run says something about the server.
inline bool tells_of_server(const Report& report) {
  return report.verdict() != Verdict::invalid && report.verdict() != Verdict::interrupted;
}

/// Adds what each run says, in their order, unless it is there already or empty.
template <class Text>
void add_each_once(std::vector<std::string>& texts, const std::vector<Report>& reports, Text text_of) {
  for (const Report& report : reports) {
    const std::string& text = std::invoke(text_of, report.record());
    if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
}

/// The run that all others are held to: one that had an answer, since only that tells by which clock, if there is one.
inline const Report& reference_among(const std::vector<Report>& base, const std::vector<Report>& current) {
  for (const std::vector<Report>* const runs : {&base, &current}) {
    const auto answered = std::find_if(runs->begin(), runs->end(), [](const Report& report) { return report.messages().answered > 0; });
    if (answered != runs->end()) return *answered;
  }
  return base.front();
}

inline ComparedRuns runs_of(const std::vector<Report>& reports) {
  ComparedRuns compared;
  compared.runs = static_cast<std::size_t>(std::count_if(reports.begin(), reports.end(), tells_of_server));
  compared.left_out = reports.size() - compared.runs;
  add_each_once(compared.commits, reports, &RunRecord::commit);
  return compared;
}

inline std::vector<double> figures_of(const std::vector<Report>& reports, const MetricName& metric) {
  std::vector<double> figures;
  for (const Report& report : reports) {
    if (!tells_of_server(report)) continue;
    if (const std::optional<double> figure = report.figure(metric)) figures.push_back(*figure);
  }
  return figures;
}

/// Notes what the runs of two versions should have in common and have not.
template <class Text>
void note_difference(VersionComparison& comparison, const std::vector<Report>& base, const std::vector<Report>& current,
                     const std::string& what, Text text_of) {
  std::vector<std::string> found;
  for (const std::vector<Report>* const runs : {&base, &current}) add_each_once(found, *runs, text_of);
  if (found.size() < 2) return;
  std::string listed;
  for (const std::string& text : found) listed += (listed.empty() ? "" : ", ") + in_one_line(text);
  comparison.notes.push_back("the runs differ in " + what + ": " + listed);
}

}  // namespace detail

/// Compares the runs of a new version with those of an old one, figure by figure.
///
/// A figure is better or worse where the whole interval of its change, of ratios for durations and rates, lies beyond what is too small to
/// matter; unchanged where all of it lies within; else it cannot be told. That is 5 % or, of durations, 1 ms where that is more, and 0.1
/// percentage points of shares. With confidence 95 % no verdict is wrong: the figures share out the doubt (Bonferroni). Runs that are
/// invalid or were interrupted say nothing about a server and are left out. Throws Error where there is no run of a version, and, naming
/// what differs, where two runs are not of the same load.
inline VersionComparison compare(const std::vector<Report>& base, const std::vector<Report>& current,
                                 const std::vector<MetricName>& figures) {
  if (base.empty() || current.empty()) throw Error("compare", "there is no run of a version: give at least one of either");
  const Report& reference = detail::reference_among(base, current);
  for (const std::vector<Report>* const runs : {&base, &current}) {
    for (const Report& report : *runs) {
      const std::string difference = detail::difference_in_load(reference.record(), report.record());
      if (!difference.empty()) throw Error("compare", "the runs differ in " + difference + ": compare runs of the same load");
    }
  }
  VersionComparison comparison{base.front().record().scenario, detail::runs_of(base), detail::runs_of(current), {}, {}};
  const double confidence = 1 - (1 - comparison_confidence) / static_cast<double>(std::max<std::size_t>(figures.size(), 1));
  for (const MetricName& metric : figures) {
    FigureChange& figure = comparison.figures.emplace_back();
    figure.metric = metric;
    figure.base = detail::figures_of(base, metric);
    figure.current = detail::figures_of(current, metric);
    detail::judge(figure, confidence);
  }
  const auto of_environment = [](std::string Environment::*member) {
    return [member](const RunRecord& record) -> const std::string& { return record.environment.*member; };
  };
  detail::note_difference(comparison, base, current, "machine", of_environment(&Environment::host));
  detail::note_difference(comparison, base, current, "kernel", of_environment(&Environment::system));
  detail::note_difference(comparison, base, current, "wsbench", of_environment(&Environment::wsbench_version));
  return comparison;
}

/// The same of the figures that such a run usually is judged by.
inline VersionComparison compare(const std::vector<Report>& base, const std::vector<Report>& current) {
  const bool any = !base.empty() && !current.empty();
  return compare(base, current, any ? compared_figures(detail::reference_among(base, current)) : std::vector<MetricName>{});
}

}  // namespace wsbench
