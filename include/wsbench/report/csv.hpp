#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/figures.hpp>
#include <wsbench/report/utc_text.hpp>

/// \file
/// A report as comma-separated values (RFC 4180, UTF-8, lines end in a line feed): its figures, and its course over time.
///
/// Numbers are plain, with a decimal point and without an exponent; a figure that was not measured is an empty field. Columns and rows are
/// only ever added, at the right and at the end of a kind.

namespace wsbench {

namespace detail {

/// A field, in quotes where it needs them.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n") == text.npos) return std::string(text);
  std::string field = "\"";
  for (const char letter : text) {
    if (letter == '"') field += '"';
    field += letter;
  }
  return field += '"';
}

inline void add_csv_row(std::string& text, std::initializer_list<std::string_view> fields) {
  bool first = true;
  for (const std::string_view field : fields) {
    if (!first) text += ',';
    first = false;
    text += csv_field(field);
  }
  text += '\n';
}

inline void add_csv_durations(std::string& text, std::string_view kind, std::string_view name, const DurationFigures& figures) {
  const Histogram& durations = *figures.durations;
  add_csv_row(text, {kind, name, figures.metric, figures.label, "count", "count", plain(durations.count())});
  for (const Statistic statistic : {Statistic::mean, Statistic::min, Statistic::p50, Statistic::p90, Statistic::p95, Statistic::p99,
                                    Statistic::p99_9, Statistic::max}) {
    const std::string value = plain(statistic_of(durations, statistic));
    add_csv_row(text, {kind, name, figures.metric, figures.label, wsbench::name(statistic), "seconds", value});
  }
}

/// The kinds of failure that happened in any slot, in the order of their enum.
inline std::vector<std::size_t> failures_over_time(const TimeSeries& series) {
  std::vector<std::size_t> kinds;
  for (std::size_t kind = 0; kind < failure_names.size(); ++kind) {
    const bool any =
        std::any_of(series.slots().begin(), series.slots().end(), [&](const TimeSlot& slot) { return slot.failures[kind] > 0; });
    if (any) kinds.push_back(kind);
  }
  return kinds;
}

}  // namespace detail

/// The figures of a report, one a row: `scope,name,metric,label,statistic,unit,value`.
///
/// The scope is "run", "part" (of a mix) or "target"; metric and statistic are named as in expectations; durations are in seconds.
inline std::string to_csv(const Report& report) {
  std::string text = "scope,name,metric,label,statistic,unit,value\n";
  const std::string scenario = detail::clean_text(report.record().scenario);
  const auto word = [&](std::string_view metric, std::string_view value) {
    detail::add_csv_row(text, {"run", scenario, metric, "", "", "text", value});
  };
  word("verdict", name(report.verdict()));
  word("started_at", detail::utc_text(report.record().started_at));
  word("commit", detail::clean_text(report.record().commit));
  for (const detail::Figure& figure : detail::run_figures(report)) {
    detail::add_csv_row(text, {"run", scenario, figure.metric, figure.label, "", figure.unit, figure.value});
  }
  detail::for_each_scope(report, [&](std::string_view kind, const std::string& scope, const Report& each) {
    const detail::ReportFigures figures{each};
    for (const detail::Figure& figure : figures.numbers()) {
      detail::add_csv_row(text, {kind, scope, figure.metric, figure.label, "", figure.unit, figure.value});
    }
    for (const detail::DurationFigures& durations : figures.durations()) detail::add_csv_durations(text, kind, scope, durations);
  });
  for (const detail::Figure& figure : detail::probe_figures(report)) {
    detail::add_csv_row(text, {"run", scenario, figure.metric, figure.label, figure.statistic, figure.unit, figure.value});
  }
  return text;
}

/// A report's course over time, one slot a row: counts, connections open at the slot's end, latencies in milliseconds, and what went wrong.
///
/// The first three columns are `scope,name,start_s`; behind them is one for each kind of failure that happened. Rates are counts over the
/// distance of two starts; the slots of a warm-up have connections and no messages. What probes read has rows of its own, of the scope
/// "probe", and columns at the right, which a run without probes does not have.
inline std::string to_series_csv(const Report& report) {
  using std::chrono::nanoseconds;
  const std::vector<std::size_t> kinds = detail::failures_over_time(report.metrics().series);
  std::string text = "scope,name,start_s,width_s,sent,answered,failed,opened,ended,open,p50_ms,p95_ms,p99_ms,max_ms,errors";
  for (const std::size_t kind : kinds) text.append(",").append(detail::failure_names.at(kind));
  const bool probed = !report.probes().empty();
  if (probed) text += ",readings,mean,min,max,last";
  text += '\n';
  const auto in_ms = [](std::optional<nanoseconds> time) {
    return time ? detail::exact_number(std::chrono::duration<double, std::milli>(*time).count()) : std::string();
  };
  detail::for_each_scope(report, [&](std::string_view scope, const std::string& name, const Report& each) {
    const TimeSeries& series = each.metrics().series;
    const std::vector<std::uint64_t> open = series.open();
    const std::string start = std::string(scope) + ',' + detail::csv_field(name) + ',';
    const std::string width = detail::plain(series.width());
    for (std::size_t index = 0; index < series.slots().size(); ++index) {
      const TimeSlot& slot = series.slots()[index];
      const SlotTimes& times = slot.response_time;
      text += start;
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}", detail::plain(series.width() * static_cast<std::int64_t>(index)), width,
                          slot.sent, slot.answered, slot.failed, slot.opened, slot.ended, open[index], in_ms(times.percentile(50)),
                          in_ms(times.percentile(95)), in_ms(times.percentile(99)), in_ms(times.max()));
      std::uint64_t errors = 0;
      for (const std::uint64_t count : slot.failures) errors += count;
      text += fmt::format(",{}", errors);
      for (const std::size_t kind : kinds) text += fmt::format(",{}", slot.failures.at(kind));
      text += probed ? ",,,,,\n" : "\n";
    }
  });
  constexpr std::size_t columns_of_load = 11;  // from "sent" to "errors"
  const std::string unknown(columns_of_load + kinds.size(), ',');
  for (const ProbeRecord& probe : report.probes()) {
    const std::string start = "probe," + detail::csv_field(detail::clean_text(detail::probe_label(probe))) + ',';
    for (std::size_t index = 0; index < probe.series.slots().size(); ++index) {
      const ProbeSlot& slot = probe.series.slots()[index];
      text += fmt::format("{}{},{}{},{}", start, detail::plain(probe.series.width() * static_cast<std::int64_t>(index)),
                          detail::plain(probe.series.width()), unknown, slot.samples);
      for (const double figure : {slot.mean().value_or(0), slot.min, slot.max, slot.last}) {
        text.append(",").append(slot.samples > 0 ? detail::plain(figure) : "");
      }
      text += '\n';
    }
  }
  return text;
}

}  // namespace wsbench
