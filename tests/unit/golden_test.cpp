// One report with everything in it, as each renderer writes it.

#include <string>

#include <wsbench/report/annotations.hpp>
#include <wsbench/report/csv.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/prometheus.hpp>
#include <wsbench/report/text.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"
#include "support/golden.hpp"

using support::full_report;
using support::require_golden;

TEST_CASE("the full report is what it is meant to be", "[golden]") {
  const wsbench::Report report = full_report();
  CHECK(report.valid());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  CHECK(report == full_report());
  int met = 0;
  int missed = 0;
  int without_data = 0;
  for (const wsbench::ExpectationResult& result : report.expectations()) ++(result.met ? met : result.actual ? missed : without_data);
  CHECK(met == 7);
  CHECK(missed == 6);
  CHECK(without_data == 3);
  CHECK(report.metrics().failures.by_count().size() == 6);
  CHECK(report.metrics().series.slots().size() == 130);
}

TEST_CASE("golden: text", "[golden]") {
  require_golden("report.txt", wsbench::to_text(full_report()));
}

TEST_CASE("golden: JSON, which reads back as the same report", "[golden]") {
  const std::string text = wsbench::to_json_text(full_report());
  require_golden("report.json", text);
  const wsbench::Report read = wsbench::report_from_json(text);
  CHECK(wsbench::to_json_text(read) == text);
  CHECK(read == wsbench::report_from_json(wsbench::to_json_text(read)));
  // Names that were not UTF-8 are not what they were; all else is.
  const wsbench::Report written = full_report();
  CHECK(read.messages() == written.messages());
  CHECK(read.metrics().connections == written.metrics().connections);
  CHECK(read.metrics().series == written.metrics().series);
  CHECK(read.record().configuration == written.record().configuration);
  CHECK(read.verdict() == written.verdict());
}

TEST_CASE("golden: figures and time series as CSV", "[golden]") {
  require_golden("report.csv", wsbench::to_csv(full_report()));
  require_golden("report_series.csv", wsbench::to_series_csv(full_report()));
}

TEST_CASE("golden: JUnit", "[golden]") {
  require_golden("report.junit.xml", wsbench::to_junit(full_report()));
}

TEST_CASE("golden: Markdown and annotations", "[golden]") {
  require_golden("report.md", wsbench::to_markdown(full_report()));
  require_golden("report.annotations.txt", wsbench::to_annotations(full_report()));
}

TEST_CASE("golden: Prometheus", "[golden]") {
  require_golden("report.prom", wsbench::to_prometheus(full_report()));
}

TEST_CASE("a golden file that differs is told by its first difference", "[golden]") {
  using support::detail::first_difference;
  CHECK_FALSE(first_difference("a\nb\n", "a\nb\n").has_value());
  CHECK(first_difference("a\nbcd\ne\n", "a\nbxd\ne\n") == "first difference in line 2\n  expected: bcd\n  actual:   bxd");
  CHECK(first_difference("a\n", "a\nb\n") == "first difference in line 2\n  expected: (its end)\n  actual:   b");
  CHECK(first_difference("ab", "a\x01") == "first difference in line 1\n  expected: ab\n  actual:   a\\x01");
  CHECK(first_difference("a\nb", "ab") == "first difference in line 1\n  expected: a\\x0a\n  actual:   ab");
}
