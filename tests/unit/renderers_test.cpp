// The renderers for programs: what stands in which form, whatever the names.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <locale>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/csv.hpp>
#include <wsbench/net/utf8.hpp>
#include <wsbench/report/annotations.hpp>
#include <wsbench/report/csv.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/prometheus.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"
#include "support/judged_reports.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

struct Rendered {
  std::string form{};
  std::string text{};
};

std::vector<Rendered> in_every_form(const Report& report) {
  return {{"CSV", wsbench::to_csv(report)},
          {"series", wsbench::to_series_csv(report)},
          {"JUnit", wsbench::to_junit(report)},
          {"Markdown", wsbench::to_markdown(report)},
          {"annotations", wsbench::to_annotations(report)},
          {"Prometheus", wsbench::to_prometheus(report)}};
}

// A run in which everything that can have a name has this one.
Report named(const std::string& name) {
  wsbench::MetricsCollector collector;
  collector.at(0ns);
  collector.connection_attempted();
  collector.connection_opened({.total = 1ms});
  collector.subprotocol_chosen(name);
  for (const std::string& label : {name, std::string("other")}) {
    const auto id = collector.label(label);
    collector.sent(id, 0ns);
    collector.answered(id, 2ms, 1ms);
  }
  collector.failure(wsbench::Failure::http_status, 500, 1ms, [&] { return name; });
  collector.check(name, true);
  collector.note(name, 1ms);
  collector.pushed(name, 1ms);
  RunRecord record;
  record.scenario = name;
  record.duration = 1s;
  record.metrics = collector.snapshot();
  record.parts = {{name, collector.snapshot()}};
  record.targets = {{name, collector.snapshot()}};
  record.configuration.urls = {name};
  record.configuration.behaviour = name;
  record.environment = {.host = name, .system = name, .cores = 1, .compiler = name, .asio_version = name, .wsbench_version = name};
  return Report(std::move(record), {wsbench::metric::check(name) > 1.0, wsbench::metric::latency(name).mean < 1s});
}

}  // namespace

TEST_CASE("whatever the names, every form is UTF-8 without control characters", "[renderers]") {
  const std::string ten_kilobytes(10'240, 'x');
  for (const std::string& name : {support::name_with_markup, support::name_with_controls, support::name_not_utf8, support::long_name,
                                  ten_kilobytes, std::string(10'240, '\x80'), std::string("\0", 1), std::string()}) {
    CAPTURE(name.substr(0, 40));
    for (const Rendered& rendered : in_every_form(named(name))) {
      INFO(rendered.form);
      CHECK(wsbench::detail::is_utf8(rendered.text));
      CHECK(std::none_of(rendered.text.begin(), rendered.text.end(), [](char letter) {
        return (static_cast<unsigned char>(letter) < ' ' && letter != '\n' && letter != '\t') || letter == '\x7f';
      }));
    }
  }
}

TEST_CASE("a report of nothing has every form, and no figure that is none", "[renderers]") {
  for (const Report& report : {Report{RunRecord{}}, support::unconnected_report(), support::full_report()}) {
    for (const Rendered& rendered : in_every_form(report)) {
      INFO(rendered.form);
      for (const char* number : {"nan", "inf", "NaN", "Inf"}) {
        // "info" is a word.
        CHECK(count_of(rendered.text, number) == count_of(rendered.text, "wsbench_run_info") * (number == std::string_view("inf") ? 1 : 0));
      }
    }
  }
}

TEST_CASE("a locale with a decimal comma changes nothing", "[renderers]") {
  struct CommaPoint : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::vector<Rendered> before = in_every_form(support::full_report());
  const std::locale previous = std::locale::global(std::locale(std::locale::classic(), new CommaPoint));
  const std::vector<Rendered> after = in_every_form(support::full_report());
  std::locale::global(previous);
  for (std::size_t form = 0; form < before.size(); ++form) CHECK(before[form].text == after[form].text);
}

TEST_CASE("CSV: what a reader of CSV makes of it is the names and figures that were written", "[renderers]") {
  const std::string text = wsbench::to_csv(named(support::name_with_markup + ",\n\"\""));
  const wsbench::Csv table = wsbench::Csv::from_text(text, "report.csv");
  bool found = false;
  for (std::uint64_t row = 0; row < table.size(); ++row) {
    const wsbench::Csv::Row fields = table.row_for(row);
    if (fields["scope"] != "run" || fields["metric"] != "checks_passed") continue;
    CHECK(fields["name"] == support::name_with_markup + ",\n\"\"");
    CHECK(fields["label"] == support::name_with_markup + ",\n\"\"");
    CHECK(fields["value"] == "1");
    found = true;
  }
  CHECK(found);
}

TEST_CASE("CSV: durations are in seconds, a figure that was not measured is empty", "[renderers]") {
  const std::string text = wsbench::to_csv(support::passed_report());
  CHECK(text.starts_with("scope,name,metric,label,statistic,unit,value\nrun,chat,verdict,,,text,passed\n"));
  CHECK(has(text, "\nrun,chat,latency,,mean,seconds,0.01\n"));
  CHECK(has(text, "\nrun,chat,latency,ask,max,seconds,0.01\n"));
  CHECK(has(text, "\nrun,chat,latency,,p99,seconds,\n"));  // of ten samples
  CHECK(has(text, "\nrun,chat,latency,,count,count,10\n"));
  CHECK(has(text, "\nrun,chat,success_rate,,,share,1\n"));
  CHECK(has(text, "\nrun,chat,generator_cpu,,,seconds,\n"));
  CHECK(has(text, "\nrun,chat,expectation_met,latency.mean < 20ms,,count,1\n"));
}

TEST_CASE("CSV: the time series has a row for each slot, of the run, each part and each target", "[renderers]") {
  const Report report = support::full_report();
  const std::string text = wsbench::to_series_csv(report);
  CHECK(count_of(text, "\n") == 1 + 130 * 5 + 139 * 5);  // and of each of the probes that read something
  CHECK(count_of(text, "\nrun,") == 130);
  CHECK(count_of(text, "\npart,") == 260);
  CHECK(count_of(text, "\ntarget,") == 260);
  // In the outage nobody answers, and a latency that was not measured is empty.
  CHECK(has(text, "\npart,chatters,101,1,0,0,0,0,0,4,,,,,0,0,0,0,0,0,0,,,,,\n"));
}

TEST_CASE("JUnit: each verdict has its failures and errors", "[renderers]") {
  const auto suite = [](const Report& report) {
    const std::string text = wsbench::to_junit(report);
    const std::size_t at = text.find(" tests=");
    return text.substr(at + 1, text.find(" time=", at) - at - 1);
  };
  CHECK(suite(support::passed_report()) == R"(tests="2" failures="0" errors="0")");
  CHECK(suite(support::failed_report()) == R"(tests="4" failures="2" errors="0")");
  CHECK(suite(support::unanswered_report()) == R"(tests="1" failures="1" errors="0")");
  CHECK(suite(support::invalid_report()) == R"(tests="2" failures="1" errors="1")");
  CHECK(suite(support::interrupted_report()) == R"(tests="1" failures="0" errors="1")");
  CHECK(suite(support::unconnected_report()) == R"(tests="1" failures="1" errors="0")");
  CHECK(has(wsbench::to_junit(support::failed_report()), R"(<failure type="no_data")"));
  RunRecord ended_early = support::passed_report().record();
  ended_early.ended_early_by = "latency.p95 < 5ms";
  CHECK(suite(Report(ended_early)) == R"(tests="2" failures="1" errors="0")");
  CHECK(has(wsbench::to_junit(Report(ended_early)), R"(<failure type="ended_early")"));
  CHECK(has(wsbench::to_junit(support::failed_report()), R"(<failure type="missed" message="latency.mean &lt; 5ms: it is 10.0 ms">)"));
  CHECK(has(wsbench::to_junit(support::unconnected_report()), R"(name="wsbench")"));  // it had no name
}

TEST_CASE("Markdown: names cannot become markup, end a cell or a line, or grow without bound", "[renderers]") {
  using wsbench::detail::markdown_line;
  CHECK(markdown_line("a|b") == "a&#124;b");
  CHECK(markdown_line("<b>*x*</b>\n# `y` @me $1$") == "&#60;b&#62;&#42;x&#42;&#60;/b&#62; &#35; &#96;y&#96; &#64;me &#36;1&#36;");
  const std::string cut = markdown_line(std::string(199, 'x') + "ü" + std::string(10, 'y'));
  CHECK(cut == std::string(199, 'x') + "...");
  for (const std::string& line : {wsbench::to_markdown(support::failed_report()), wsbench::to_markdown(support::full_report())}) {
    CHECK(line.starts_with("## "));
    CHECK(has(line, "**MISSED**"));
  }
  CHECK(has(wsbench::to_markdown(support::failed_report()), "| check{welcomed} &#62; 99% | n/a | **MISSED** |"));
}

TEST_CASE("annotations: a line for each miss, escaped as a workflow command has to be", "[renderers]") {
  CHECK(wsbench::to_annotations(support::passed_report()).empty());
  CHECK(wsbench::to_annotations(support::failed_report()) ==
        "::error title=wsbench chat::latency.mean < 5ms: it is 10.0 ms\n"
        "::error title=wsbench chat::check{welcomed} > 99%25: n/a: not measured\n");
  const std::string text = wsbench::to_annotations(named("a:b,c\nd"));
  CHECK(text == "::error title=wsbench a%3Ab%2Cc%0Ad::check{a:b,c%0Ad} > 100%25: it is 100 %25\n");
  CHECK(has(wsbench::to_annotations(support::interrupted_report()), "INTERRUPTED"));
}

TEST_CASE("Prometheus: no series stands twice, whatever the names", "[renderers]") {
  RunRecord record = named("same \xff").record();
  record.metrics.merge(named("same \xfe").record().metrics);
  record.parts.push_back({"same \xfe", record.parts[0].metrics});
  record.expectations.push_back(record.expectations[0]);
  const std::string text = wsbench::to_prometheus(Report(std::move(record)));
  std::vector<std::string> series;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    if (!line.starts_with('#')) series.push_back(line.substr(0, line.rfind(' ')));
    at = end + 1;
  }
  std::sort(series.begin(), series.end());
  CHECK(std::adjacent_find(series.begin(), series.end()) == series.end());
  // Labels that became the same are one.
  CHECK(has(text, "wsbench_label_messages_sent_total{scenario=\"same \xEF\xBF\xBD\",label=\"same \xEF\xBF\xBD\"} 2\n"));
}

TEST_CASE("Prometheus: figures that were not measured have no series", "[renderers]") {
  const std::string text = wsbench::to_prometheus(support::passed_report());
  CHECK(has(text, "wsbench_passed{scenario=\"chat\"} 1\n"));
  CHECK(has(text, "wsbench_run_info{scenario=\"chat\",verdict=\"passed\"} 1\n"));
  CHECK(has(text, "wsbench_latency_seconds{scenario=\"chat\",quantile=\"0.5\"} 0.01\n"));
  CHECK_FALSE(has(text, "quantile=\"0.99\""));  // of ten samples
  CHECK(has(text, "wsbench_latency_seconds_sum{scenario=\"chat\"} 0.1\n"));
  CHECK(has(text, "wsbench_latency_seconds_count{scenario=\"chat\"} 10\n"));
  CHECK_FALSE(has(text, "wsbench_generator_cpu"));
  CHECK_FALSE(has(text, "wsbench_connect_tls"));
}
