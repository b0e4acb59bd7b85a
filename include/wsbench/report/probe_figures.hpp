#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// The figures of a probe that reports have in their tables, and what stands above them.
struct ProbeColumn {
  std::string_view title{};
  std::optional<double> (*of)(const ProbeSeries&);
};
inline constexpr ProbeColumn probe_columns[] = {
    {"first", [](const ProbeSeries& series) { return series.first(); }},
    {"min", [](const ProbeSeries& series) { return series.min(); }},
    {"average", [](const ProbeSeries& series) { return series.mean(); }},
    {"p95", [](const ProbeSeries& series) { return series.percentile(0.95); }},
    {"max", [](const ProbeSeries& series) { return series.max(); }},
    {"last", [](const ProbeSeries& series) { return series.last(); }},
};

/// A probe's name in a report, with the machine that read it where several did.
inline std::string probe_label(const ProbeRecord& probe) {
  return probe.source.empty() ? probe.name : probe.name + '@' + probe.source;
}

/// What a probe read, in at most eight characters: "1.25 MiB", "150 %", "12,345", "1.23M"; "n/a" without a reading.
inline std::string probe_cell(std::optional<double> value, Unit unit) {
  if (!value) return "n/a";
  const double size = std::abs(*value);
  if (unit == Unit::bytes && *value >= 0) return format_figure(value, unit);
  if (unit == Unit::share) return size < 10 ? format_share(std::round(*value * 1e3) / 1e3) : fmt::format("{:.0f} %", *value * 100);
  if (size >= 1e15 || (size > 0 && size < 1e-3)) return fmt::format("{:.1e}", *value);
  if (size < 999'999.5) return format_number(*value);
  double rest = *value / 1e6;
  std::string_view letters = "MGT";
  for (; std::abs(rest) >= 999.5; letters.remove_prefix(1)) rest /= 1'000;
  return fmt::format("{:.3g}{}", rest, letters.front());
}

/// Probes whose readings failed alike, as those of a process that ended do.
struct FailedProbes {
  std::string names{};
  std::string what{};  ///< "3 of 12 readings failed, first after 4.00 s: process 123 has ended"
};

/// What readings failed, and why.
inline std::vector<FailedProbes> failed_probes(const std::vector<ProbeRecord>& probes) {
  std::vector<FailedProbes> all;
  for (const ProbeRecord& probe : probes) {
    const std::optional<ProbeFailure> first = probe.series.first_failure();
    if (!first) continue;
    const std::uint64_t failed = probe.series.failures();
    const std::string when = first->at.count() <= 0 ? "before the load" : "after " + format_duration(first->at);
    std::string what =
        probe.series.samples() == 0
            ? fmt::format("{} failed, first {}: {}", failed == 1 ? "its one reading" : fmt::format("all {} readings", format_count(failed)),
                          when, first->reason)
            : fmt::format("{} of {} readings failed, first {}: {}", format_count(failed), format_count(failed + probe.series.samples()),
                          when, first->reason);
    const auto alike = std::find_if(all.begin(), all.end(), [&](const FailedProbes& each) { return each.what == what; });
    if (alike == all.end()) {
      all.push_back({probe_label(probe), std::move(what)});
    } else {
      alike->names += ", " + probe_label(probe);
    }
  }
  return all;
}

}  // namespace wsbench::detail
