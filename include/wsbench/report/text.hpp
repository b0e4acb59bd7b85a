#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/advice.hpp>
#include <wsbench/assessment.hpp>
#include <wsbench/deflate_options.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/sections.hpp>
#include <wsbench/report/text_charts.hpp>
#include <wsbench/report/text_style.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/report/wrapped_lines.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// Writes a report as text of at most 80 columns, whatever the names in it.
class TextReport final : public ReportSections {
 public:
  TextReport(const Report& report, TextStyle style) : ReportSections(report), style_(style) {}

  std::string text() {
    head();
    summary();
    connections();
    messages();
    latency_charts();
    fan_out();
    pushes();
    pings_and_notes();
    parts("Parts", report().record().parts);
    parts("Targets", report().record().targets);
    probes();
    checks();
    errors();
    assessment();
    what_to_look_at();
    expectations();
    generator();
    verdict();
    decay();
    return std::move(text_);
  }

 private:
  static constexpr std::size_t name_width = 16;
  static constexpr std::size_t row_name_width = 15;
  static constexpr std::size_t longest_name = text_columns - 4;

  enum class Colour : std::uint8_t { bold = 1, red = 31, green = 32, yellow = 33, cyan = 36 };

  // What is printed as it is: text that is printable already.
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    // A cell that is padded ends no line.
    text_.erase(text_.find_last_not_of(' ') + 1);
    text_ += '\n';
  }

  std::string in(Colour colour, std::string_view text) const {
    return style_.colour && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(colour), text) : std::string(text);
  }
  CharacterSet characters() const noexcept { return style_.unicode ? CharacterSet::unicode : CharacterSet::ascii; }
  std::string safe(std::string_view text, std::size_t most = longest_name) const { return cut_to(most, printable(text, characters())); }

  void section(std::string_view title) override { line("\n{}", in(Colour::bold, title)); }
  void wrapped(const std::string& start, std::string_view words) { text_ += wrapped_lines(start, words, characters()); }

  // The name in a column of so many, or on a line of its own.
  std::string name_in(std::size_t columns, std::string_view name) {
    std::string shown = safe(name);
    if (columns_of(shown) <= columns) return padded(columns, std::move(shown));
    line("  {}", shown);
    return std::string(columns, ' ');
  }
  void entry(std::string_view name, std::string_view value) override { wrapped("  " + name_in(name_width, name) + "  ", value); }
  void remark(std::string_view words) override { wrapped("  ", words); }

  void table_head(const std::vector<std::string>& titles) override { table_row("", titles); }
  void table_row(std::string_view name, const std::vector<std::string>& cells) override {
    std::string row = "  " + name_in(row_name_width, name);
    for (const std::string& text : cells) row += fmt::format("{:>9}", text);
    line("{}", row);
  }

  void head() {
    line("{}: {}", safe(report().record().scenario, 60), in(verdict_colour(), verdict_in_words()));
    if (const std::string what = load_in_words(); !what.empty()) {
      wrapped("", what);
      for (const std::string& url : load().urls) line("{}", safe(url, text_columns));
    }
  }

  // How the answers' times are spread, and how their p95 went.
  void latency_charts() {
    const Histogram& times = report().messages().response_time;
    if (times.count() == 0) return;
    constexpr std::size_t most_bars = 12;
    constexpr std::size_t bar_columns = 48;
    const std::vector<HistogramBar> bars = histogram_bars(times, most_bars);
    const auto fewer = [](const HistogramBar& a, const HistogramBar& b) { return a.count < b.count; };
    const auto largest = static_cast<double>(std::max_element(bars.begin(), bars.end(), fewer)->count);
    section("Latency");
    for (const HistogramBar& bar : bars) {
      const std::string drawn = bar_of(static_cast<double>(bar.count) / largest, bar_columns, characters());
      line("  up to {:>8}  {:>11}  {}", format_duration(bar.up_to), format_count(bar.count), in(Colour::cyan, drawn));
    }
    const std::optional<P95OverTime> course = p95_over_time(metrics().series, text_columns - name_width - 4);
    if (!course) return;
    std::optional<std::chrono::nanoseconds> highest;
    for (const auto& value : course->values) highest = std::max(highest, value);
    line("  {:<{}}  {}", "p95 over time", name_width, in(Colour::cyan, sparkline(course->values, characters())));
    entry("", fmt::format("{} each, from 0 to {}", exact_duration(course->piece), format_figure_of(highest)));
  }

  void assessment() {
    section("Assessment");
    for (const RatedFigure& rated : assess(report())) {
      const std::string why = rated.why_not_rated.empty() ? "" : ": " + rated.why_not_rated;
      line("  {:<25} {:>10}  {}{}", rated.bounds.what, format_figure(rated.figure, rated.bounds.metric.unit),
           in(colour_of(rated.rating), name(rated.rating)), why);
    }
  }

  void what_to_look_at() {
    const std::vector<Advice> found = advice(report());
    if (found.empty()) return;
    section("Advice");
    for (const Advice& each : found) {
      line("  {}", in(Colour::yellow, each.what));
      wrapped("    seen     ", each.evidence);
      wrapped("    look at  ", each.next);
    }
  }

  void expectations() {
    if (report().expectations().empty()) return;
    section("Expectations");
    for (const ExpectationResult& expectation : report().expectations()) {
      const std::string start = "  " + padded(8, expectation.met ? in(Colour::green, "met") : in(Colour::red, "MISSED"));
      const std::string text = safe(expectation.text, 200);
      const std::string actual = expectation.actual ? "it is " + format_figure(expectation.actual, expectation.unit) : "n/a: not measured";
      if (columns_of(text) <= 36) {
        line("{}{} {}", start, padded(36, text), actual);
      } else {
        wrapped(start, fmt::format("{}: {}", text, actual));
      }
    }
  }

  Colour verdict_colour() const {
    switch (report().verdict()) {
      case Verdict::passed: return Colour::green;
      case Verdict::failed:
      case Verdict::no_connection: return Colour::red;
      case Verdict::invalid:
      case Verdict::interrupted: break;
    }
    return Colour::yellow;
  }
  static Colour colour_of(Rating rating) {
    switch (rating) {
      case Rating::good: return Colour::green;
      case Rating::acceptable: return Colour::yellow;
      case Rating::poor: return Colour::red;
      case Rating::not_rated: break;
    }
    return Colour::bold;
  }

  // Why, in one line: the last thing a reader sees.
  void verdict() {
    line("");
    const std::string words = verdict_in_words();
    const std::size_t begin = text_.size();
    wrapped("", verdict_line(report()));
    text_.replace(begin, words.size(), in(verdict_colour(), words));
  }

  TextStyle style_;
  std::string text_{};
};

}  // namespace detail

/// The report for people: text of 80 columns, the verdict first and last; plain ASCII unless asked otherwise.
///
/// Whatever names and samples hold, they break no line and give a terminal no instruction.
inline std::string to_text(const Report& report, TextStyle style = {}) {
  return detail::TextReport{report, style}.text();
}

/// Prints the report for people, in plain ASCII.
inline std::ostream& operator<<(std::ostream& out, const Report& report) {
  return out << to_text(report);
}

}  // namespace wsbench
