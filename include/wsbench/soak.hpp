#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/expectation.hpp>
#include <wsbench/failure.hpp>
#include <wsbench/growth.hpp>
#include <wsbench/probe_series.hpp>
#include <wsbench/rank_statistics.hpp>
#include <wsbench/report.hpp>
#include <wsbench/schedule.hpp>
#include <wsbench/soak_findings.hpp>
#include <wsbench/time_series.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// The confidence in the slope of each figure: with six of them, as a process and its load have, 94 % in all together.
inline constexpr double soak_confidence = 0.99;

namespace detail {

/// A difference for people, with its sign where it is below 0: "1.25 MiB", "-20.0 ms".
inline std::string format_difference(double figure, Unit unit) {
  const double size = std::abs(figure);
  const std::string text = unit == Unit::count ? fmt::format("{:.3g}", size) : format_figure(size, unit);
  return (figure < 0 ? "-" : "") + text;
}

/// The middle of some readings at least; nothing without any.
inline std::optional<double> middle_between(std::span<const Reading> readings, double from_s, double to_s) {
  std::vector<double> values;
  for (const Reading& reading : readings) {
    if (reading.at_s >= from_s && reading.at_s < to_s) values.push_back(reading.value);
  }
  return median_of(values);
}

/// The averages of a probe's slots, each at the middle of its slot.
inline std::vector<Reading> readings_of(const ProbeSeries& series) {
  std::vector<Reading> readings;
  const double width = in_seconds(series.width());
  for (std::size_t index = 0; index < series.slots().size(); ++index) {
    if (const auto mean = series.slots()[index].mean()) readings.push_back({(static_cast<double>(index) + 0.5) * width, *mean});
  }
  return readings;
}

/// What a finding about this probe is called.
inline std::string name_of(const ProbeRecord& probe) {
  return probe.source.empty() ? probe.name : probe.name + " on " + probe.source;
}

/// Looks at a report for decay.
class SoakAnalysis {
 public:
  explicit SoakAnalysis(const Report& report) : record_(report.record()), series_(report.metrics().series), valid_(report.valid()) {}

  Soak look() {
    find_steady_load();
    periods();
    if (found_.why_not_judged.empty()) {
      for (const ProbeRecord& probe : record_.probes) watched(probe);
      found_.answers_judged = valid_;
      if (valid_) answers();
      if (valid_) errors();
    }
    judge();
    return std::move(found_);
  }

 private:
  // A share of it in response times and throughput does not matter, nor does a millisecond; so it is when versions are compared.
  static constexpr double least_slowing = 0.1;
  static constexpr double least_slowing_s = 0.001;
  static constexpr double least_loss = 0.05;
  static constexpr double least_memory = 256 * 1024;
  static constexpr double least_count = 3;
  static constexpr std::uint64_t least_errors = 10;

  std::chrono::nanoseconds begin_of(std::size_t slot) const { return series_.width() * static_cast<std::int64_t>(slot); }

  // From when nine tenths of the usual number of clients are there until no more messages are sent, in whole slots.
  void find_steady_load() {
    const Configuration& load = record_.configuration;
    const std::vector<std::uint64_t> open = series_.open();
    const bool steady = load.population.kind() != Population::Kind::stages && load.pace.stages().empty();
    if (!steady) found_.why_not_judged = "the load changes, and so does what it takes: give a steady one";
    const std::chrono::nanoseconds end = load.duration.count() > 0 ? std::min(load.duration, record_.duration) : record_.duration;
    first_ = 0;
    // The last user may have left a moment before the end.
    last_ = std::min(static_cast<std::size_t>((end + series_.width() / 20) / series_.width()), open.size());
    found_.to = begin_of(last_);
    std::vector<double> usual(open.begin() + static_cast<std::ptrdiff_t>(last_ / 2), open.begin() + static_cast<std::ptrdiff_t>(last_));
    const double clients = median_of(usual).value_or(0);
    while (first_ < last_ && static_cast<double>(open[first_]) < 0.9 * clients) ++first_;
    // In the slot in which they came they were not all there.
    while (first_ < last_ && (first_ == 0 || begin_of(first_) < load.warm_up)) ++first_;
    found_.from = begin_of(first_);
    clients_ = clients;
  }

  double from_s() const { return in_seconds(found_.from); }
  double to_s() const { return in_seconds(found_.to); }
  double rate_of(std::uint64_t TimeSlot::*count) const {
    double sum = 0;
    for (std::size_t slot = first_; slot < last_; ++slot) sum += static_cast<double>(series_.slots()[slot].*count);
    return last_ > first_ ? sum / (to_s() - from_s()) : 0;
  }

  static bool is_memory(const ProbeRecord& probe) { return probe.unit == Unit::bytes; }
  static bool is_held(const ProbeRecord& probe) {
    const std::string_view name = probe.name;
    return is_memory(probe) || (probe.unit == Unit::count && (name.ends_with(".files") || name.ends_with(".threads")));
  }

  // What a server holds, and should not hold ever more of.
  void watched(const ProbeRecord& probe) {
    if (!is_held(probe)) return;
    const std::vector<Reading> readings = readings_of(probe.series);
    SoakFinding finding{.what = name_of(probe), .unit = probe.unit};
    finding.growth = growth_of(readings, from_s(), to_s(), is_memory(probe) ? least_memory : least_count, soak_confidence);
    const bool goes_on = finding.growth.growth == Growth::goes_on;
    finding.verdict = goes_on                                 ? SoakVerdict::leaking
                      : finding.growth.growth == Growth::none ? SoakVerdict::stable
                                                              : SoakVerdict::cannot_tell;
    finding.evidence = growth_in_words(finding);
    if (is_memory(probe)) memory(finding, probe.series, readings);
    found_.findings.push_back(std::move(finding));
  }

  void memory(SoakFinding& finding, const ProbeSeries& series, std::span<const Reading> readings) const {
    const bool goes_on = finding.growth.growth == Growth::goes_on;
    const auto each = [&](double rate) -> std::optional<RankEstimate> {
      const auto& slope = finding.growth.per_second;
      if (!(rate > 0) || !slope) return std::nullopt;
      return RankEstimate{slope->estimate / rate, slope->low / rate, slope->high / rate};
    };
    finding.per_message = each(rate_of(&TimeSlot::answered));
    finding.per_connection = each(rate_of(&TimeSlot::opened));
    if (goes_on && finding.per_message) finding.evidence += "; " + with_interval(*finding.per_message, 1, Unit::bytes, " a message");
    if (goes_on && finding.per_connection)
      finding.evidence += ", or " + with_interval(*finding.per_connection, 1, Unit::bytes, " a connection made");
    if (!series.slots().empty() && series.slots().front().samples > 0) finding.before = series.slots().front().min;
    if (finding.before && clients_ >= 1 && finding.growth.per_second) {
      finding.per_open = (finding.growth.level - *finding.before) / clients_;
      if (finding.growth.level - *finding.before > least_memory) {
        finding.evidence += fmt::format("; {} before the first client, so at most {} for each that is connected",
                                        format_figure(finding.before, Unit::bytes), format_figure(finding.per_open, Unit::bytes));
      }
    }
    came_back(finding, series, readings);
  }

  // Whether what the clients took comes back when they are gone.
  void came_back(SoakFinding& finding, const ProbeSeries& series, std::span<const Reading> readings) const {
    const double end = in_seconds(record_.duration);
    const double width = in_seconds(series.width());
    if (readings.empty() || readings.back().at_s - width / 2 < end) return;
    finding.after = series.last();
    const auto at_end = middle_between(readings, to_s() - 2 * width, to_s());
    if (!finding.before || !at_end) return;
    const double taken = *at_end - *finding.before;
    if (taken <= least_memory) return;
    const double share = std::clamp((*at_end - *finding.after) / taken, 0.0, 1.0);
    finding.evidence +=
        fmt::format("; {} came back within {} after the load", share == 0 ? "nothing" : format_share(std::round(share * 100) / 100),
                    format_duration(from_seconds(readings.back().at_s - end)));
  }

  static std::string an_hour(const RankEstimate& slope, Unit unit) { return with_interval(slope, 3'600, unit, " an hour"); }

  // "352 MiB an hour (350 MiB to 354 MiB)"; without what would only say the same again.
  static std::string with_interval(const RankEstimate& estimate, double factor, Unit unit, std::string_view each) {
    std::string text = format_difference(estimate.estimate * factor, unit);
    const std::string low = format_difference(estimate.low * factor, unit);
    const std::string high = format_difference(estimate.high * factor, unit);
    const bool same = low == text && high == text;
    text += each;
    if (!same) text += fmt::format(" ({} to {})", low, high);
    return text;
  }

  static std::string growth_in_words(const SoakFinding& finding) {
    const GrowthFinding& growth = finding.growth;
    if (!growth.per_second) return "too few readings under the full load";
    const std::string level = format_difference(growth.level, finding.unit);
    const std::string over = format_duration(from_seconds(growth.length_s));
    const std::string floor = format_difference(finding.unit == Unit::count ? std::ceil(growth.floor) : growth.floor, finding.unit);
    switch (growth.growth) {
      case Growth::none: return fmt::format("{}, growing in the end by less than {} in {}", level, floor, over);
      case Growth::goes_on: return fmt::format("grows from {} by {}, and goes on", level, an_hour(*growth.per_second, finding.unit));
      case Growth::slows:
        return fmt::format("grew from {} by {}, but ever less: a cache that fills?", level, an_hour(*growth.per_second, finding.unit));
      case Growth::unclear: break;
    }
    return fmt::format("{}, growing in the end by {}, where {} in {} would matter", level, an_hour(*growth.at_last, finding.unit), floor,
                       over);
  }

  // A figure of every interval of so many slots under the full load, at its middle.
  std::vector<Reading> readings_by(std::size_t slots, auto figure_of) const {
    std::vector<Reading> readings;
    for (std::size_t begin = first_; begin + slots <= last_; begin += slots) {
      const std::optional<double> figure = figure_of(std::span(series_.slots()).subspan(begin, slots));
      if (figure) readings.push_back({in_seconds(begin_of(begin) + begin_of(slots) / 2), *figure});
    }
    return readings;
  }

  void answers() {
    if (rate_of(&TimeSlot::answered) <= 0) return;
    const std::size_t slots = std::max<std::size_t>((last_ - first_) / most_blocks, 1);
    for (const unsigned percent : {50U, 95U}) {
      const auto readings = readings_by(slots, [percent](std::span<const TimeSlot> interval) -> std::optional<double> {
        SlotTimes times;
        for (const TimeSlot& slot : interval) times.merge(slot.response_time);
        const auto time = times.percentile(percent);
        return time ? std::optional(in_seconds(*time)) : std::nullopt;
      });
      const double level = readings.empty() ? 0 : readings.front().value;
      degrades(fmt::format("latency.p{}", percent), Unit::seconds, "rising",
               rise_of(readings, from_s(), to_s(), std::max(least_slowing * level, least_slowing_s), soak_confidence));
    }
    const auto lost = readings_by(1, [this](std::span<const TimeSlot> slot) {
      return std::optional(-static_cast<double>(slot.front().answered) / in_seconds(series_.width()));
    });
    const double rate = rate_of(&TimeSlot::answered);
    GrowthFinding fall = rise_of(lost, from_s(), to_s(), least_loss * rate, soak_confidence);
    fall.level = -fall.level;
    for (auto* slope : {&fall.per_second, &fall.at_last}) {
      if (*slope) *slope = RankEstimate{-(*slope)->estimate, -(*slope)->high, -(*slope)->low};
    }
    degrades("throughput", Unit::per_second, "falling", fall);
  }

  // `worse` is what it does where it degrades.
  void degrades(std::string what, Unit unit, std::string_view worse, const GrowthFinding& growth) {
    SoakFinding finding{.what = std::move(what), .unit = unit, .growth = growth};
    const bool goes_on = finding.growth.growth == Growth::goes_on;
    finding.verdict = goes_on                                 ? SoakVerdict::degrading
                      : finding.growth.growth == Growth::none ? SoakVerdict::stable
                                                              : SoakVerdict::cannot_tell;
    if (!finding.growth.per_second) {
      finding.evidence = "too few answers under the full load";
    } else {
      const std::string level = format_difference(finding.growth.level, unit);
      const std::string floor = format_difference(finding.growth.floor, unit);
      const std::string over = format_duration(from_seconds(finding.growth.length_s));
      finding.evidence = finding.verdict == SoakVerdict::stable
                             ? fmt::format("{}, {} by less than {} in {}", level, worse, floor, over)
                             : fmt::format("{} at first, changing by {}, where {} in {} would matter", level,
                                           an_hour(*finding.growth.per_second, unit), floor, over);
    }
    found_.findings.push_back(std::move(finding));
  }

  static std::uint64_t errors_in(const TimeSlot& slot) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : slot.failures) sum += count;
    return sum;
  }
  static std::uint64_t drops_in(const TimeSlot& slot) {
    std::uint64_t sum = 0;
    for (const Failure kind : {Failure::closed, Failure::abnormal, Failure::reset, Failure::ping_timeout}) {
      sum += slot.failures.at(static_cast<std::size_t>(kind));
    }
    return sum;
  }

  // Errors come in bursts: the halves are told apart by what blocks of time differ in, and not as if each error came for itself.
  void errors() {
    const std::size_t blocks = std::min(most_blocks / 2, (last_ - first_) / 2);
    if (blocks < least_blocks / 2) return;
    std::array<double, 2> mean{}, variance{};
    for (const std::size_t half : {0U, 1U}) {
      std::vector<double> counts(blocks, 0);
      const std::size_t length = (last_ - first_) / 2;
      for (std::size_t place = 0; place < length; ++place) {
        counts[place * blocks / length] += static_cast<double>(errors_in(series_.slots()[first_ + half * length + place]));
      }
      for (const double count : counts) mean.at(half) += count / static_cast<double>(blocks);
      for (const double count : counts)
        variance.at(half) += (count - mean.at(half)) * (count - mean.at(half)) / static_cast<double>(blocks - 1);
    }
    const double more = (mean[1] - mean[0]) * static_cast<double>(blocks);
    const double deviation = std::sqrt((variance[0] + variance[1]) * static_cast<double>(blocks));
    SoakFinding finding{.what = "errors", .unit = Unit::count};
    // Three standard errors are no chance.
    const bool grow = more >= static_cast<double>(least_errors) && more > 3 * deviation;
    finding.verdict = grow ? SoakVerdict::degrading : SoakVerdict::stable;
    const auto whole = [&](double average) {
      return format_count(static_cast<std::uint64_t>(std::round(average * static_cast<double>(blocks))));
    };
    finding.evidence = fmt::format("{} in the first half, {} in the last", whole(mean[0]), whole(mean[1]));
    finding.growth = {.growth = grow ? Growth::goes_on : Growth::none, .floor = least_errors, .length_s = to_s() - from_s()};
    found_.findings.push_back(std::move(finding));
  }

  // Tenths of the run, or hours where it has more than ten, but two dozen at most.
  void periods() {
    const std::size_t all = last_;
    if (all == 0) return;
    const double hours = to_s() / 3'600;
    const auto wanted = static_cast<std::size_t>(std::clamp(std::ceil(hours), 10.0, 24.0));
    const std::size_t slots = (all + wanted - 1) / wanted;
    const std::vector<std::uint64_t> open = series_.open();
    const auto memory = std::find_if(record_.probes.begin(), record_.probes.end(), is_memory);
    const std::vector<Reading> readings = memory == record_.probes.end() ? std::vector<Reading>{} : readings_of(memory->series);
    for (std::size_t begin = 0; begin < all; begin += slots) {
      const std::size_t end = std::min(begin + slots, all);
      SoakPeriod& period = found_.periods.emplace_back();
      period.from = begin_of(begin);
      period.open = open[end - 1];
      SlotTimes times;
      std::uint64_t answered = 0;
      for (std::size_t index = begin; index < end; ++index) {
        const TimeSlot& slot = series_.slots()[index];
        answered += slot.answered;
        period.errors += errors_in(slot);
        period.drops += drops_in(slot);
        times.merge(slot.response_time);
      }
      period.answered_per_second = static_cast<double>(answered) / in_seconds(begin_of(end - begin));
      period.p50 = times.percentile(50);
      period.p95 = times.percentile(95);
      period.memory = middle_between(readings, in_seconds(begin_of(begin)), in_seconds(begin_of(end)));
    }
  }

  // To what one would give as a duration.
  static std::chrono::nanoseconds rounded_up(double seconds) {
    const double unit = seconds < 600 ? 1 : seconds < 36'000 ? 60 : 3'600;
    return std::chrono::seconds{static_cast<std::int64_t>(std::ceil(seconds / unit) * unit)};
  }

  void judge() {
    const auto any = [&](SoakVerdict verdict) {
      return std::any_of(found_.findings.begin(), found_.findings.end(), [&](const SoakFinding& each) { return each.verdict == verdict; });
    };
    double longest = 0;
    for (const SoakFinding& finding : found_.findings) {
      if (finding.verdict == SoakVerdict::cannot_tell && finding.growth.longer) longest = std::max(longest, *finding.growth.longer);
    }
    if (longest > 0) found_.run_for = rounded_up(in_seconds(found_.from) + longest * (to_s() - from_s()));
    if (found_.findings.empty()) return;
    found_.verdict = SoakVerdict::stable;
    for (const SoakVerdict verdict : {SoakVerdict::cannot_tell, SoakVerdict::degrading, SoakVerdict::leaking}) {
      if (any(verdict)) found_.verdict = verdict;
    }
  }

  const RunRecord& record_;
  const TimeSeries& series_;
  bool valid_;
  Soak found_{};
  std::size_t first_{0};  // the slots of the steady load
  std::size_t last_{0};
  double clients_{0};  // usually there
};

}  // namespace detail

/// Looks at a report for decay: what a server holds that grows (`leaking`), and answers that get slower, fewer or fail more (`degrading`).
///
/// Judged is the steady load alone: from when nine tenths of the clients are there, and after the warm-up, until the last message was due.
/// Of the probes these are what counts in bytes, as a resident set does, and a process's files and threads. Growth that ended, as that of a
/// cache that filled, is none. Answers are not judged where the generator was the limit.
inline Soak soak(const Report& report) {
  return detail::SoakAnalysis{report}.look();
}

/// Whether the server leaks or degrades.
inline bool decays(const Soak& found) {
  return found.verdict == SoakVerdict::leaking || found.verdict == SoakVerdict::degrading;
}

namespace detail {

/// What has one of these verdicts, and which: "LEAKING: server.rss; DEGRADING: latency.p95"; empty where nothing has.
inline std::string listed(const Soak& found, std::initializer_list<std::pair<SoakVerdict, std::string_view>> verdicts) {
  std::string line;
  for (const auto& [verdict, words] : verdicts) {
    std::string names;
    for (const SoakFinding& finding : found.findings) {
      if (finding.verdict == verdict) names += (names.empty() ? "" : ", ") + finding.what;
    }
    if (!names.empty()) line.append(line.empty() ? "" : "; ").append(words).append(": ").append(names);
  }
  return line;
}

}  // namespace detail

/// What is wrong with the server, in one line: "LEAKING: server.rss; DEGRADING: latency.p95"; empty where nothing is.
inline std::string decay_line(const Soak& found) {
  return detail::listed(found, {{SoakVerdict::leaking, "LEAKING"}, {SoakVerdict::degrading, "DEGRADING"}});
}

/// The verdict and what it is about, in one line: "LEAKING: server.rss", "CAN'T TELL YET: latency.p95; a run of 4h might tell".
inline std::string verdict_line(const Soak& found) {
  if (!found.why_not_judged.empty()) return "CAN'T TELL: " + found.why_not_judged;
  if (found.findings.empty()) return "CAN'T TELL: nothing was measured under a full load";
  std::string line = detail::listed(
      found, {{SoakVerdict::leaking, "LEAKING"}, {SoakVerdict::degrading, "DEGRADING"}, {SoakVerdict::cannot_tell, "CAN'T TELL YET"}});
  if (line.empty()) line = "STABLE: nothing grew on, and nothing got worse, over " + exact_duration(found.to - found.from);
  if (found.run_for) line += "; a run of " + exact_duration(*found.run_for) + " might tell";
  const bool watched =
      std::any_of(found.findings.begin(), found.findings.end(), [](const SoakFinding& each) { return each.unit == Unit::bytes; });
  if (!watched) line += "; the server's memory was not watched";
  if (!found.answers_judged) line += "; answers are not judged, since the result is invalid";
  return line;
}

/// The same report, as one that tells of decay in every form that it is written in, and that has failed where there is any.
inline Report as_soak(const Report& report) {
  RunRecord record = report.record();
  const Soak found = soak(report);
  record.soak = true;
  record.decay = decay_line(found);
  return Report(std::move(record));
}

}  // namespace wsbench
