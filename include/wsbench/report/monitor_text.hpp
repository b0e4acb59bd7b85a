#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/alert.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/monitor.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// An alert that fired or recovered, in a line without an end: "ALERT firing: latency.p95 > 500ms for 3m (it is 612 ms)".
inline std::string to_text(const AlertChange& change) {
  const Unit unit = change.alert.condition.metric.unit;
  return fmt::format("ALERT {}: {} ({})", name(change.event), detail::printable(to_string(change.alert)),
                     std::isinf(change.figure) ? "no answer came" : "it is " + format_figure(change.figure, unit));
}

/// A round in one line of at most 80 columns, with its end: when it began, its verdict, p95, error rate and alerts. One that did not pass
/// has a second line, which says why.
inline std::string to_text(const MonitorRound& round) {
  const Report& report = *round.report;
  std::size_t firing = 0;
  std::size_t pending = 0;
  for (const AlertWatch& watch : round.alerts) {
    firing += watch.state() == AlertState::firing ? 1 : 0;
    pending += watch.state() == AlertState::pending ? 1 : 0;
  }
  const auto p95 = report.messages().response_time.percentile(0.95);
  const auto error_rate = report.error_rate();
  std::string text =
      fmt::format("{}Z  {:<13}  p95 {:>8}  errors {:>8}", detail::utc_second(report.record().started_at), name(report.verdict()),
                  p95 ? format_duration(*p95) : "n/a", error_rate ? format_share(*error_rate) : "n/a");
  if (firing > 0) text += fmt::format("  {} firing", firing);
  if (firing == 0 && pending > 0) text += fmt::format("  {} pending", pending);
  text += '\n';
  if (report.verdict() == Verdict::passed) return text;
  return text + "  " + detail::cut_to(78, detail::printable(verdict_line(report))) + '\n';
}

}  // namespace wsbench
