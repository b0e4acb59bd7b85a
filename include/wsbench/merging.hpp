#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report.hpp>
#include <wsbench/soak.hpp>

namespace wsbench {

namespace detail {

/// What the loads of two runs differ in, with how where that is short; empty where they put the same load on a server.
inline std::string difference_in_load(const RunRecord& first, const RunRecord& other) {
  std::string difference;
  const auto compare = [&](std::string_view member, const auto& ours, const auto& theirs, const std::string& in_words) {
    if (difference.empty() && ours != theirs) difference = std::string(member) + in_words;
  };
  compare("scenario", first.scenario, other.scenario, " (" + in_quotes(first.scenario) + " and " + in_quotes(other.scenario) + ')');
  const Configuration& ours = first.configuration;
  const Configuration& theirs = other.configuration;
  compare("clients", ours.population, theirs.population, " (" + to_string(ours.population) + " and " + to_string(theirs.population) + ')');
  compare("pace", ours.pace, theirs.pace, " (" + to_string(ours.pace) + " and " + to_string(theirs.pace) + ')');
  compare("messages", ours.messages, theirs.messages, {});
  compare("duration", ours.duration, theirs.duration, {});
  compare("ramp_up", ours.ramp_up, theirs.ramp_up, {});
  compare("warm_up", ours.warm_up, theirs.warm_up, {});
  compare("in_flight", ours.in_flight, theirs.in_flight, {});
  compare("timeout", ours.timeout, theirs.timeout, {});
  compare("behaviour", ours.behaviour, theirs.behaviour, {});
  compare("deflate", ours.deflate, theirs.deflate, {});
  compare("fragment_size", ours.fragment_size, theirs.fragment_size, {});
  // A run without an answer had no use for a clock.
  const bool both_answered = first.metrics.messages().answered > 0 && other.metrics.messages().answered > 0;
  if (both_answered) compare("the clock of answers", first.generator.kernel_stamps, other.generator.kernel_stamps, {});
  const auto parts = [](const RunRecord& record) {
    std::vector<std::string> names;
    for (const PartRecord& part : record.parts) names.push_back(part.name);
    return names;
  };
  compare("parts", parts(first), parts(other), {});
  return difference;
}

/// Throws Error, naming the member, unless two runs put the same load on a server and expect the same of it.
inline void require_same_load(const RunRecord& first, const RunRecord& other) {
  const auto expected = [](const RunRecord& record) {
    std::vector<std::string> texts;
    for (const ExpectationResult& expectation : record.expectations) texts.push_back(expectation.text);
    return texts;
  };
  std::string difference = difference_in_load(first, other);
  if (difference.empty() && expected(first) != expected(other)) difference = "expectations";
  if (!difference.empty()) throw Error("merge", "the runs differ in " + difference + ": merge runs of one scenario");
}

/// Probes of several machines stand beside each other under their machines; those of one machine and one name are one.
inline void add_probes(RunRecord& all, const RunRecord& other) {
  for (ProbeRecord probe : other.probes) {
    if (probe.source.empty()) probe.source = other.environment.host;
    const auto same = std::find_if(all.probes.begin(), all.probes.end(), [&](const ProbeRecord& ours) {
      return ours.name == probe.name && ours.source == probe.source && ours.unit == probe.unit;
    });
    if (same != all.probes.end()) {
      same->series.merge(probe.series);
    } else {
      all.probes.push_back(std::move(probe));
    }
  }
}

inline void add(RunRecord& all, const RunRecord& other) {
  require_same_load(all, other);
  if (all.commit.find(other.commit) == std::string::npos) all.commit += (all.commit.empty() ? "" : ", ") + other.commit;
  all.started_at = std::min(all.started_at, other.started_at);
  all.duration = std::max(all.duration, other.duration);
  all.interrupted = all.interrupted || other.interrupted;
  all.soak = all.soak || other.soak;
  if (all.ended_early_by.empty()) all.ended_early_by = other.ended_early_by;
  all.metrics.merge(other.metrics);
  for (std::size_t part = 0; part < all.parts.size(); ++part) all.parts[part].metrics.merge(other.parts[part].metrics);
  for (const PartRecord& target : other.targets) {
    const auto same =
        std::find_if(all.targets.begin(), all.targets.end(), [&](const PartRecord& ours) { return ours.name == target.name; });
    (same != all.targets.end() ? *same : all.targets.emplace_back(PartRecord{target.name, {}})).metrics.merge(target.metrics);
  }
  add_probes(all, other);
  all.warm_up.merge(other.warm_up);
  all.warm_up_not_sent += other.warm_up_not_sent;
  all.generator.kernel_stamps = all.generator.kernel_stamps || other.generator.kernel_stamps;
  all.generator.cpu_time += other.generator.cpu_time;
  all.generator.max_rss_kib = std::max(all.generator.max_rss_kib, other.generator.max_rss_kib);
  if (other.generator.busy) all.generator.busy = std::max(all.generator.busy.value_or(0), *other.generator.busy);
  all.generator.overloaded = std::max(all.generator.overloaded, other.generator.overloaded);
  Configuration& load = all.configuration;
  for (const std::string& url : other.configuration.urls) {
    if (std::find(load.urls.begin(), load.urls.end(), url) == load.urls.end()) load.urls.push_back(url);
  }
  load.clients += other.configuration.clients;
  load.workers += other.configuration.workers;
  if (all.environment.host != other.environment.host) all.environment.host += ", " + other.environment.host;
}

}  // namespace detail

/// The runs of one scenario at the same time, from several machines or processes, as one report.
///
/// Counts add up and histograms are summed, so that every percentile is that of one recording of all; clients and workers add up too, and
/// the longest duration is that of all. What probes read is kept apart by machine, and an expectation of it is of all machines' readings.
/// The expectations are judged anew, on the merged figures, and so is a soak. Throws Error, naming what differs, where the runs are not of
/// one scenario.
inline Report merge(const std::vector<Report>& reports) {
  if (reports.empty()) throw Error("merge", "there is no run: give at least one");
  RunRecord all = reports.front().record();
  for (ProbeRecord& probe : all.probes) {
    if (probe.source.empty() && reports.size() > 1) probe.source = all.environment.host;
  }
  for (std::size_t i = 1; i < reports.size(); ++i) detail::add(all, reports[i].record());
  std::vector<Expectation> expect;
  for (const ExpectationResult& expectation : all.expectations) expect.push_back(parse_expectation(expectation.text));
  Report merged{std::move(all), expect};
  return merged.record().soak ? as_soak(merged) : merged;
}

}  // namespace wsbench
