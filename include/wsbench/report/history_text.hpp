#pragma once

#include <cstddef>
#include <string>

#include <fmt/format.h>

#include <wsbench/comparison.hpp>
#include <wsbench/history.hpp>
#include <wsbench/load.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

// A record filled by hand does not have to say.
inline std::string clients_of(const RunRecord& load) {
  if (load.configuration.population.kind() == Population::Kind::arrivals) return "arriving";
  return load.configuration.clients > 0 ? format_count(load.configuration.clients) : "n/a";
}

inline std::string history_row(const HistoryEntry& entry, const RunRecord& load) {
  std::string minute = utc_second(entry.started_at).substr(0, 16);
  minute.replace(10, 1, " ");
  std::string row =
      fmt::format("{:<2}{:<14}{:>9}{:>10}{:>9}{:>9}  {:<16}  {}", entry.telling ? "" : "!", cut_to(13, printable(load.scenario)),
                  clients_of(load), format_figure(entry.success_rate, Unit::share), format_figure(entry.mean, Unit::seconds),
                  format_figure(entry.p95, Unit::seconds), minute, printable(entry.commit.substr(0, 7)).substr(0, 7));
  row.erase(row.find_last_not_of(' ') + 1);
  return row + '\n';
}

inline std::string trend_line(const Trend& trend) {
  std::string line{name(trend.change)};
  if (trend.by) {
    line += fmt::format(", {} from the first run to the last ({} .. {})", format_change(trend.by->estimate, Unit::seconds),
                        change_number(trend.by->low, Unit::seconds), format_change(trend.by->high, Unit::seconds));
  }
  if (!trend.why.empty()) line += ": " + trend.why;
  return wrapped_lines(fmt::format("    {:<9}", trend.figure), line);
}

}  // namespace detail

/// The history for people: plain text of 80 columns, a table of the runs and what the figures of each load did over them.
inline std::string to_text(const History& history) {
  if (history.entries().empty()) return "no runs\n";
  std::string text = fmt::format("{:<16}{:>9}{:>10}{:>9}{:>9}  {:<16}  {}\n", "  scenario", "clients", "success", "average", "p95",
                                 "date (UTC)", "commit");
  bool all_telling = true;
  for (const HistoryEntry& entry : history.entries()) {
    text += detail::history_row(entry, history.loads().at(entry.load));
    all_telling = all_telling && entry.telling;
  }
  if (!all_telling) text += "  ! invalid or interrupted: it says nothing about the server, and is in no trend\n";
  text += "\nTrends\n";
  for (std::size_t load = 0; load < history.loads().size(); ++load) {
    const RunRecord& record = history.loads()[load];
    text += detail::wrapped_lines("  ", fmt::format("{}: {}, {}", detail::cut_to(40, detail::printable(record.scenario)),
                                                    detail::in_one_line(to_string(record.configuration.population)),
                                                    detail::in_one_line(to_string(record.configuration.pace))));
    for (const Trend& trend : history.trends(load)) text += detail::trend_line(trend);
  }
  return text;
}

}  // namespace wsbench
