#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/advice.hpp>
#include <wsbench/assessment.hpp>
#include <wsbench/deflate_options.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/charts.hpp>
#include <wsbench/report/html_page.hpp>
#include <wsbench/report/markup.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/report/probe_figures.hpp>
#include <wsbench/report/sections.hpp>
#include <wsbench/report/soak_charts.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/units.hpp>

/// \file
/// A report as one HTML page.

namespace wsbench {

namespace detail {

/// Writes a report as a page.
class HtmlReport final : public ReportSections, private HtmlPage {
 public:
  using ReportSections::ReportSections;

  std::string html() {
    begin(verdict_in_words() + ": " + std::string(title()));
    verdict();
    expectations();
    decay();
    decay_picture();
    summary();
    assessment();
    what_to_look_at();
    time_pictures();
    percentile_picture();
    connections();
    phase_picture();
    messages();
    parts("Parts", report().record().parts);
    parts("Targets", report().record().targets);
    fan_out();
    pushes();
    pings_and_notes();
    probes();
    checks();
    errors();
    generator();
    configuration();
    return end();
  }

 private:
  void section(std::string_view title) override { HtmlPage::section(title); }
  void entry(std::string_view name, std::string_view value) override { HtmlPage::entry(name, value); }
  void table_head(const std::vector<std::string>& columns) override { HtmlPage::table_head(columns); }
  void table_row(std::string_view name, const std::vector<std::string>& cells) override { HtmlPage::table_row(name, cells); }
  void remark(std::string_view text) override { HtmlPage::remark(text); }

  std::string_view title() const {
    const std::string& name = report().record().scenario;
    return name.empty() ? std::string_view("a load test") : name;
  }

  void verdict() {
    const std::string word = verdict_in_words();
    const std::string line = verdict_line(report());
    const std::string why = line.substr(std::min(line.size(), word.size() + 2));  // after the word, a colon and a blank
    write("<h1>{}</h1>\n<div class=\"verdict {}\"><strong>{}</strong> {}</div>\n", words(title()), name(report().verdict()), word,
          words(why));
    const std::string load = load_in_words();
    if (!load.empty()) write("<p>{}</p>\n", words(load));
    const auto started_at = report().record().started_at;
    if (started_at.time_since_epoch().count() != 0) write("<p class=\"remark\">started at {} UTC</p>\n", utc_second(started_at));
  }

  void expectations() {
    if (report().expectations().empty()) return;
    section("Expectations");
    begin_table("<th scope=\"col\">expected</th>", {"verdict", "it is"}, 1);
    for (const ExpectationResult& expectation : report().expectations()) {
      begin_row(expectation.text);
      write("<td class=\"{}\">{}</td><td class=\"words\">{}</td></tr>\n", expectation.met ? "met" : "missed",
            expectation.met ? "met" : "MISSED",
            expectation.actual ? format_figure(expectation.actual, expectation.unit) : "n/a: not measured");
    }
  }

  void assessment() {
    section("Assessment");
    begin_table("<td></td>", {"it is", "rating"}, 1);
    for (const RatedFigure& rated : assess(report())) {
      const std::string why = rated.why_not_rated.empty() ? "" : ": " + rated.why_not_rated;
      begin_row(rated.bounds.what);
      write("<td>{}</td><td class=\"words {}\">{}{}</td></tr>\n", format_figure(rated.figure, rated.bounds.metric.unit),
            rated.rating == Rating::not_rated ? "unrated" : wsbench::name(rated.rating), wsbench::name(rated.rating), escaped_markup(why));
    }
  }

  void what_to_look_at() {
    const std::vector<Advice> found = advice(report());
    if (found.empty()) return;
    section("Advice");
    for (const Advice& each : found) {
      entry(each.what, "seen: " + each.evidence);
      entry("", "look at: " + each.next);
    }
  }

  void time_pictures() {
    const std::optional<Picture> picture = over_time(report());
    if (!picture) return;
    section("Over time");
    draw(to_svg(*picture));
    write("<details>\n<summary>The same in figures</summary>\n");
    time_table();
    probe_table();
    close();
    write("</details>\n");
  }

  // In intervals wide enough that a table has not more than two dozen of them.
  static constexpr std::size_t most_rows = 24;
  void time_table() {
    const TimeSeries& series = metrics().series;
    const std::size_t size = series.slots().size();
    const std::size_t slots = (size + most_rows - 1) / most_rows;
    const std::vector<SlotTimes> times = intervals_of(series, slots);
    const std::vector<std::uint64_t> open = series.open();
    begin_table("<th scope=\"col\">from</th>", {"p50", "p95", "p99", "max", "sent", "answered", "clients", "errors"});
    const auto duration_or_none = [](std::optional<std::chrono::nanoseconds> time) { return time ? format_duration(*time) : "n/a"; };
    for (std::size_t index = 0; index < times.size(); ++index) {
      const std::size_t begin = index * slots;
      const std::size_t end = std::min(begin + slots, size);
      std::uint64_t sent = 0;
      std::uint64_t answered = 0;
      std::uint64_t errors = 0;
      for (std::size_t slot = begin; slot < end; ++slot) {
        const TimeSlot& each = series.slots()[slot];
        sent += each.sent;
        answered += each.answered;
        errors = std::accumulate(each.failures.begin(), each.failures.end(), errors);
      }
      const auto from = std::chrono::floor<std::chrono::seconds>(series.width() * static_cast<std::int64_t>(begin));
      table_row(clock_text(from.count()), {duration_or_none(times[index].percentile(50)), duration_or_none(times[index].percentile(95)),
                                           duration_or_none(times[index].percentile(99)), duration_or_none(times[index].max()),
                                           format_count(sent), format_count(answered), format_count(open[end - 1]), format_count(errors)});
    }
  }

  // The averages of the same intervals.
  void probe_table() {
    if (report().probes().empty()) return;
    std::vector<std::string> titles;
    std::vector<std::vector<std::optional<double>>> columns;
    const std::chrono::nanoseconds interval = interval_of_table();
    std::size_t rows = 0;
    for (const ProbeRecord& probe : report().probes()) {
      titles.push_back(probe_label(probe));
      columns.push_back(averages_of(probe.series, interval));
      rows = std::max(rows, columns.back().size());
    }
    begin_table("<th scope=\"col\">from</th>", titles);
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<std::string> cells;
      cells.reserve(columns.size());
      for (std::size_t column = 0; column < columns.size(); ++column) {
        const std::optional<double> average = row < columns[column].size() ? columns[column][row] : std::nullopt;
        cells.push_back(probe_cell(average, report().probes()[column].unit));
      }
      table_row(clock_text(std::chrono::floor<std::chrono::seconds>(interval * static_cast<std::int64_t>(row)).count()), cells);
    }
  }

  // As wide as the rows of the table of the load, or more where probes were read on for long.
  std::chrono::nanoseconds interval_of_table() const {
    std::chrono::nanoseconds interval = metrics().series.width();
    std::chrono::nanoseconds end = interval * static_cast<std::int64_t>(metrics().series.slots().size());
    for (const ProbeRecord& probe : report().probes()) {
      interval = std::max(interval, probe.series.width());
      end = std::max(end, probe.series.width() * static_cast<std::int64_t>(probe.series.slots().size()));
    }
    return interval * std::max<std::int64_t>(1, (end / interval + std::int64_t{most_rows} - 1) / std::int64_t{most_rows});
  }

  static std::vector<std::optional<double>> averages_of(const ProbeSeries& series, std::chrono::nanoseconds interval) {
    const auto slots = static_cast<std::size_t>(interval / series.width());
    std::vector<ProbeSlot> together((series.slots().size() + slots - 1) / slots);
    for (std::size_t index = 0; index < series.slots().size(); ++index) together[index / slots].merge(series.slots()[index]);
    std::vector<std::optional<double>> averages;
    averages.reserve(together.size());
    for (const ProbeSlot& slot : together) averages.push_back(slot.mean());
    return averages;
  }

  void percentile_picture() {
    const std::optional<Picture> picture = by_percentile(report());
    if (!picture) return;
    section("Latency by percentile");
    draw(to_svg(*picture));
  }

  void decay_picture() {
    const std::optional<Picture> picture = decay_over_time(report());
    if (picture) draw(to_svg(*picture));
  }

  void phase_picture() {
    const std::optional<SpanPicture> picture = connect_phases(report());
    if (!picture) return;
    draw(to_svg(*picture));
  }

  void errors() {
    const std::vector<FailureCount> failures = metrics().failures.by_count();
    if (failures.empty()) return;
    section("Errors");
    begin_table("<th scope=\"col\">error</th>", {"count", "first after", "sample"}, 1);
    for (const FailureCount& failure : failures) {
      begin_row(label(failure));
      write("<td>{}</td><td>{}</td><td class=\"words\">{}</td></tr>\n", format_count(failure.count), format_duration(failure.first_at),
            words(failure.sample));
    }
  }

  void configuration() {
    if (load() == Configuration{}) return;
    section("Configuration");
    for (const std::string& url : load().urls) entry(url == load().urls.front() ? "target" : "", url);
    const auto duration = [this](std::string_view name, std::chrono::nanoseconds time) {
      if (time.count() > 0) entry(name, exact_duration(time));
    };
    const auto count = [this](std::string_view name, std::uint64_t number) {
      if (number > 0) entry(name, format_count(number));
    };
    if (load().population != Population{}) entry("users", to_string(load().population));
    entry("pace", to_string(load().pace));
    if (!load().behaviour.empty()) entry("behaviour", load().behaviour);
    count("bytes in a frame at most", load().fragment_size);
    duration("duration", load().duration);
    count("messages each", load().messages);
    duration("ramp-up", load().ramp_up);
    duration("warm-up", load().warm_up);
    count("in flight", load().in_flight);
    duration("answer within", load().timeout);
    duration("connected within", load().connect_timeout);
    if (load().connect_rate > 0) entry("connects", format_rate(load().connect_rate) + " at most");
    if (load().reconnect_attempts > 0) {
      entry("reconnects", fmt::format("{} attempts, after {} to {}", format_count(load().reconnect_attempts),
                                      exact_duration(load().reconnect_delay), exact_duration(load().reconnect_delay_max)));
    }
    duration("ping every", load().ping_every);
    if (load().ping_every.count() > 0) duration("pong within", load().ping_timeout);
    if (load().deflate) {
      const DeflateOptions& deflate = *load().deflate;
      entry("compression",
            fmt::format("permessage-deflate at level {}, windows of {} and {} bits, context takeover of clients {} and of servers {}",
                        deflate.level, deflate.client_window_bits, deflate.server_window_bits,
                        deflate.client_context_takeover ? "on" : "off", deflate.server_context_takeover ? "on" : "off"));
    }
    if (load().insecure) entry("certificates", "not checked");
    count("workers", load().workers);
    entry("seed", fmt::format("{}", load().seed));
  }
};

}  // namespace detail

/// The report as one HTML page: the verdict first, then figures, pictures and tables.
///
/// It needs no script and loads nothing, so it opens in a mail client and under any content security policy; its pictures are told apart
/// without colour, and each has its figures in a table.
inline std::string to_html(const Report& report) {
  return detail::HtmlReport{report}.html();
}

}  // namespace wsbench
