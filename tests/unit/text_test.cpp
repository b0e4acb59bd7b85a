#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/report/text.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"
#include "support/judged_reports.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::full_report;
using support::has;
using wsbench::Histogram;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::detail::bar_of;
using wsbench::detail::CharacterSet;
using wsbench::detail::columns_of;
using wsbench::detail::histogram_bars;
using wsbench::detail::HistogramBar;
using wsbench::detail::p95_over_time;
using wsbench::detail::sparkline;

namespace {

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) { return letter == '\n' || (letter >= ' ' && letter <= '~'); });
}

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    widest = std::max(widest, columns_of(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return widest;
}

std::string without_colours(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      at = text.find('m', at);
    } else {
      plain += text[at];
    }
  }
  return plain;
}

// A run in which everything that has a name has this one.
Report named(const std::string& name) {
  RunRecord record = support::full_record();
  record.scenario = name;
  record.configuration.behaviour = name;
  record.configuration.urls = {name};
  record.environment = {.host = name, .system = name, .cores = 1, .compiler = name, .asio_version = name, .wsbench_version = name};
  record.parts[0].name = name;
  record.targets[0].name = name;
  wsbench::Metrics& metrics = record.metrics;
  metrics.labels[0].label = name;
  metrics.checks[0].name = name;
  metrics.notes[0].label = name;
  metrics.pushes[0].label = name;
  metrics.connections.subprotocols[0].name = name;
  for (const wsbench::FailureCount& failure : support::full_record().metrics.failures.by_count()) {
    wsbench::FailureCount renamed = failure;
    renamed.sample = name;
    metrics.failures.restore(renamed);
  }
  record.expectations = {{name, wsbench::Unit::seconds, 1.0, false}, {name, wsbench::Unit::share, std::nullopt, false}};
  return Report(std::move(record));
}

struct DecimalComma final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

wsbench::TimeSeries series_of(const std::vector<std::vector<nanoseconds>>& slots) {
  std::vector<wsbench::TimeSlot> made(slots.size());
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    for (const nanoseconds time : slots[slot]) made[slot].response_time.record(time);
  }
  return wsbench::TimeSeries::restore(1s, std::move(made));
}

}  // namespace

TEST_CASE("the text is plain ASCII in eighty columns whatever the names", "[text]") {
  CHECK(is_plain_ascii(to_text(full_report())));
  CHECK(widest_line(to_text(full_report())) <= 80);
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& name : {std::string(), std::string("a"), std::string(10'240, 'x'), std::string(10'240, '\n'), every_byte,
                                  support::long_name + support::long_name, support::name_with_controls}) {
    const std::string text = to_text(named(name));
    CHECK(is_plain_ascii(text));
    CHECK(widest_line(text) <= 80);
    CHECK(has(text, "\n\nFAILED: "));
    CHECK(text.size() < 40'000);
  }
}

TEST_CASE("with Unicode names are shown as they are, in eighty columns", "[text]") {
  for (const Report& report : {full_report(), named(support::long_name), named(support::name_not_utf8 + support::name_with_controls)}) {
    const std::string text = to_text(report, {.unicode = true});
    CHECK(wsbench::detail::is_utf8(text));
    CHECK(widest_line(text) <= 80);
    CHECK_FALSE(has(text, "\x1b"));
  }
  CHECK(has(to_text(full_report(), {.unicode = true}), "Gr\u00fc\u00dfe, \u4e16\u754c"));
  CHECK(has(to_text(full_report(), {.unicode = true}), "\u2588\n"));
}

TEST_CASE("colours say nothing that the words do not", "[text]") {
  for (const Report& report : {full_report(), support::passed_report(), support::failed_report(), support::invalid_report(),
                               support::interrupted_report(), support::unconnected_report()}) {
    const std::string coloured = to_text(report, {.colour = true});
    CHECK(coloured != to_text(report));
    CHECK(without_colours(coloured) == to_text(report));
    CHECK(widest_line(coloured) <= 80);
  }
  const std::string text = to_text(full_report(), {.colour = true});
  CHECK(has(text, ": \x1b[31mFAILED\x1b[0m\n"));
  CHECK(has(text, "\n\x1b[31mFAILED\x1b[0m: missed"));
  CHECK(has(text, "\x1b[31mMISSED\x1b[0m  latency.p95"));
  CHECK(has(text, "\x1b[32mmet\x1b[0m     latency.p50"));
  CHECK(has(to_text(support::passed_report(), {.colour = true}), "\n\x1b[32mPASSED\x1b[0m: every"));
}

TEST_CASE("a locale with decimal commas changes nothing", "[text]") {
  const std::string before = to_text(full_report());
  const std::locale previous = std::locale::global(std::locale(std::locale::classic(), new DecimalComma));
  const std::string after = to_text(full_report());
  std::ostringstream stream;
  stream << full_report();
  std::locale::global(previous);
  CHECK(after == before);
  CHECK(stream.str() == before);
}

TEST_CASE("counts of many digits keep a table in its columns", "[text]") {
  for (const std::uint64_t count : {std::uint64_t{999'999}, std::uint64_t{1'000'000}, std::uint64_t{864'123'456},
                                    std::uint64_t{999'999'000'000}, std::numeric_limits<std::uint64_t>::max() / 4}) {
    RunRecord record = support::full_record();
    record.parts[0].metrics.connections.succeeded = count;
    record.parts[0].metrics.labels = {{"", {.sent = count, .answered = count - 7, .failed = 7}}};
    const std::string text = to_text(Report(std::move(record)));
    CHECK(widest_line(text) <= 80);
    if (count == 999'999) CHECK(has(text, "  999,999  999,999  999,992        7 "));
    if (count == 1'000'000) CHECK(has(text, "    1.00M    1.00M  999,993        7 "));
    if (count == 864'123'456) CHECK(has(text, "  864.12M  864.12M  864.12M        7 "));
    if (count == 999'999'000'000) CHECK(has(text, "    1.00T    1.00T    1.00T        7 "));
  }
}

TEST_CASE("a histogram's bars have bounds of 1, 2 and 5 and hold every sample", "[text]") {
  Histogram histogram;
  CHECK(histogram_bars(histogram, 12).empty());
  histogram.record(1ms, 3);
  histogram.record(1001us, 2);
  histogram.record(4ms, 5);
  histogram.record(20ms);
  CHECK(histogram_bars(histogram, 12) == std::vector<HistogramBar>{{1ms, 3}, {2ms, 2}, {5ms, 5}, {10ms, 0}, {20ms, 1}});
  CHECK(histogram_bars(histogram, 5).size() == 5);
  CHECK(histogram_bars(histogram, 4) == std::vector<HistogramBar>{{1ms, 3}, {5ms, 7}, {20ms, 1}});
  CHECK(histogram_bars(histogram, 2) == std::vector<HistogramBar>{{2ms, 5}, {20ms, 6}});
  CHECK(histogram_bars(histogram, 1) == std::vector<HistogramBar>{{20ms, 11}});
  Histogram on_bounds;
  on_bounds.record(1ns, 3);
  on_bounds.record(2ns, 4);
  CHECK(histogram_bars(on_bounds, 12) == std::vector<HistogramBar>{{1ns, 3}, {2ns, 4}});
}

TEST_CASE("the shortest and the longest durations there are have bars", "[text]") {
  Histogram histogram;
  histogram.record(0ns);
  CHECK(histogram_bars(histogram, 12) == std::vector<HistogramBar>{{1ns, 1}});
  histogram.record(nanoseconds::max());
  histogram.record(5'000'000'000s);
  const std::vector<HistogramBar> bars = histogram_bars(histogram, 12);
  CHECK(bars.size() <= 12);
  CHECK(bars.back().up_to == nanoseconds::max());
  std::uint64_t samples = 0;
  for (const HistogramBar& bar : bars) samples += bar.count;
  CHECK(samples == 3);
}

TEST_CASE("a bar is as long as its share, and seen if there is any", "[text]") {
  CHECK(bar_of(0, 8, CharacterSet::ascii).empty());
  CHECK(bar_of(1e-9, 8, CharacterSet::ascii) == "#");
  CHECK(bar_of(0.5, 8, CharacterSet::ascii) == "####");
  CHECK(bar_of(1, 8, CharacterSet::ascii) == "########");
  CHECK(bar_of(1e-9, 8, CharacterSet::unicode) == "\u258F");
  CHECK(bar_of(0.5, 8, CharacterSet::unicode) == "\u2588\u2588\u2588\u2588");
  CHECK(bar_of(0.171875, 8, CharacterSet::unicode) == "\u2588\u258D");  // eleven eighths
}

TEST_CASE("a sparkline goes from nothing to the largest, with gaps", "[text]") {
  CHECK(sparkline({}, CharacterSet::ascii).empty());
  CHECK(sparkline({0ns, 1ms, 5ms, 9ms, std::nullopt, 8ms}, CharacterSet::ascii) == ".:*@ @");
  CHECK(sparkline({0ns, 1ms, 2ms, 3ms, 4ms, 5ms, 6ms, 7ms, 8ms}, CharacterSet::unicode) == "▁▂▃▄▅▆▇██");
  CHECK(sparkline({0ns, 0ns}, CharacterSet::ascii) == "..");
}

TEST_CASE("p95 over time is taken in pieces with enough answers", "[text]") {
  const std::vector<nanoseconds> forty(40, 10ms);
  const std::vector<nanoseconds> slow(40, 30ms);
  CHECK_FALSE(p95_over_time(series_of({forty, forty, forty, slow}), 60).has_value());
  const auto course = p95_over_time(series_of({forty, forty, {}, slow, slow, forty}), 60);
  REQUIRE(course.has_value());
  CHECK(course->piece == 2s);  // 200 answers are enough for five pieces
  CHECK(course->values.size() == 3);
  const auto even = p95_over_time(series_of({forty, forty, slow, slow, forty}), 60);
  REQUIRE(even.has_value());
  CHECK(even->piece == 1s);
  CHECK(sparkline(even->values, CharacterSet::ascii) == "==@@=");
  std::vector<nanoseconds> tail = forty;
  std::fill_n(tail.begin(), 3, 30ms);
  const auto tails = p95_over_time(series_of({forty, forty, tail, forty, forty}), 60);
  REQUIRE(tails.has_value());
  CHECK(sparkline(tails->values, CharacterSet::ascii) == "==@==");
  // In twelve pieces of three seconds each, the last of them shorter.
  const auto few = p95_over_time(series_of(std::vector<std::vector<nanoseconds>>(35, forty)), 12);
  REQUIRE(few.has_value());
  CHECK(few->piece == 3s);
  CHECK(few->values.size() == 12);
  // A piece that has too few answers of its own is a gap.
  const std::vector<nanoseconds> more(60, 30ms);
  const auto gap = p95_over_time(series_of({more, more, more, more, more, {10ms}, more}), 60);
  REQUIRE(gap.has_value());
  CHECK_FALSE(gap->values[5].has_value());
  CHECK(sparkline(gap->values, CharacterSet::ascii) == "@@@@@ @");
}

TEST_CASE("the text shows the latency's histogram, and its p95 over time where there is enough of it", "[text]") {
  const std::string text = to_text(full_report());
  CHECK(has(text, "\nLatency\n  up to "));
  CHECK(has(text, "\n  p95 over time  "));
  CHECK_FALSE(has(to_text(support::passed_report()), "p95 over time"));
  CHECK_FALSE(has(to_text(support::unanswered_report()), "\nLatency\n"));
}
