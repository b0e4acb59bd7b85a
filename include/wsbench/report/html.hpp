#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/advice.hpp>
#include <wsbench/assessment.hpp>
#include <wsbench/deflate_options.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/charts.hpp>
#include <wsbench/report/markup.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/report/sections.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/units.hpp>
#include <wsbench/version.hpp>

/// \file
/// A report as one HTML page.

namespace wsbench {

namespace detail {

// The page is whole without it: a mail client may strip it.
inline constexpr std::string_view html_style = R"(
:root { color-scheme: light dark; --back: #fff; --fore: #1b1f24; --faint: #57606a; --line: #d0d7de; --good: #1a7f37; --bad: #b3261e;
  --c0: #0b5cad; --c1: #b34700; --c2: #1a7f37; --c3: #8250df; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14181d; --fore: #e6edf3; --faint: #9aa5b1; --line: #3a434d; --good: #57ab5a; --bad: #ff8a80;
    --c0: #6cb6ff; --c1: #f69d50; --c2: #6bc46d; --c3: #dcbdfb; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--fore); font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { border-left: .4rem solid var(--bad); padding: .5rem .8rem; margin: 0 0 1rem; background: color-mix(in srgb, var(--line) 35%, transparent); }
.verdict.passed { border-color: var(--good); }
.verdict strong { font-size: 1.15rem; }
.passed strong, .met, .good { color: var(--good); }
.failed strong, .missed, .poor { color: var(--bad); }
.missed, .poor { font-weight: bold; }
.remark { color: var(--faint); font-size: .9rem; margin: .3rem 0; }
.long { display: block; max-height: 6em; overflow: auto; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { grid-column: 1; color: var(--faint); max-width: 16rem; }
dd { grid-column: 2; margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: normal; }
thead th { color: var(--faint); }
tbody th, th:first-child, .words { text-align: left; white-space: normal; min-width: 8rem; }
details { margin: .5rem 0; }
svg { display: block; max-width: 46rem; height: auto; margin: .5rem 0; }
.c0, .bar { color: var(--c0); }
.c1 { color: var(--c1); }
.c2 { color: var(--c2); }
.c3 { color: var(--c3); }
@media (max-width: 40rem) {
  svg g { font-size: 20px; }
  dl { display: block; }
  dd { margin: 0 0 .3rem 1rem; }
  th, td { padding: .2rem .4rem; }
}
@media print {
  :root { color-scheme: light; --back: #fff; --fore: #000; --faint: #333; --line: #999; --good: #000; --bad: #000; --c0: #000; --c1: #000; --c2: #000; --c3: #000; }
  main { max-width: none; padding: 0; }
  .wide, .long { overflow: visible; max-height: none; }
  svg, tr, dt, dd, .verdict { break-inside: avoid; }
  h2 { break-after: avoid; }
}
)";

/// Writes a report as a page.
class HtmlReport final : public ReportSections {
 public:
  using ReportSections::ReportSections;

  std::string html() {
    head();
    verdict();
    expectations();
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
    checks();
    errors();
    generator();
    configuration();
    close();
    write("<p class=\"remark\">wsbench {}</p>\n</main>\n</body>\n</html>\n", version);
    return std::move(html_);
  }

 private:
  // What stands open in the page, and has to be closed before something else is written.
  enum class Open : std::uint8_t { nothing, entries, table };

  template <class... Arguments>
  void write(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(html_), format, std::forward<Arguments>(arguments)...);
  }

  // Any text in the page; a very long one in a box that scrolls.
  static std::string words(std::string_view text) {
    constexpr std::size_t longest = 240;
    const std::string escaped = escaped_markup(text);
    return text.size() <= longest ? escaped : "<span class=\"long\" tabindex=\"0\">" + escaped + "</span>";
  }

  void close() {
    if (open_ == Open::entries) html_ += "</dl>\n";
    if (open_ == Open::table) html_ += "</tbody>\n</table>\n</div>\n";
    open_ = Open::nothing;
  }

  void section(std::string_view title) override {
    close();
    title_ = title;
    write("<h2>{}</h2>\n", escaped_markup(title));
  }

  void entry(std::string_view name, std::string_view value) override {
    if (open_ != Open::entries) {
      close();
      html_ += "<dl>\n";
      open_ = Open::entries;
    }
    if (!name.empty()) write("<dt>{}</dt>\n", words(name));
    write("<dd>{}</dd>\n", words(value));
  }

  void table_head(const std::vector<std::string>& columns) override { begin_table("<td></td>", columns); }

  // With what stands above the names of the rows; columns of words, not figures, come last.
  void begin_table(std::string_view corner, const std::vector<std::string>& columns, std::size_t of_words = 0) {
    close();
    write("<div class=\"wide\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<thead>\n<tr>{}", escaped_markup(title_),
          corner);
    for (std::size_t index = 0; index < columns.size(); ++index) {
      const bool is_of_words = index + of_words >= columns.size();
      write("<th scope=\"col\"{}>{}</th>", is_of_words ? " class=\"words\"" : "", escaped_markup(columns[index]));
    }
    html_ += "</tr>\n</thead>\n<tbody>\n";
    open_ = Open::table;
  }

  void table_row(std::string_view name, const std::vector<std::string>& cells) override {
    begin_row(name);
    for (const std::string& cell : cells) write("<td>{}</td>", escaped_markup(cell));
    html_ += "</tr>\n";
  }

  void begin_row(std::string_view name) {
    const bool blank = name.find_first_not_of(' ') == name.npos;
    write("<tr><th scope=\"row\">{}</th>", blank ? "(no label)" : words(name));
  }

  void remark(std::string_view text) override {
    close();
    write("<p class=\"remark\">{}</p>\n", words(text));
  }

  std::string_view title() const {
    const std::string& name = report().record().scenario;
    return name.empty() ? std::string_view("a load test") : name;
  }

  void head() {
    const std::string verdict = verdict_in_words();
    write(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>{}: {}</title>
<style>{}</style>
</head>
<body>
<main>
)",
          verdict, escaped_markup(title()), html_style);
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
    html_ += to_svg(*picture);
    html_ += "<details>\n<summary>The same in figures</summary>\n";
    time_table();
    close();
    html_ += "</details>\n";
  }

  // In intervals wide enough that a table has not more than two dozen of them.
  void time_table() {
    constexpr std::size_t most_rows = 24;
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

  void percentile_picture() {
    const std::optional<Picture> picture = by_percentile(report());
    if (!picture) return;
    section("Latency by percentile");
    html_ += to_svg(*picture);
  }

  void phase_picture() {
    const std::optional<SpanPicture> picture = connect_phases(report());
    if (!picture) return;
    close();
    html_ += to_svg(*picture);
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

  std::string html_{};
  std::string title_{};
  Open open_{Open::nothing};
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
