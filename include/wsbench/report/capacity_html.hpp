#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity_report.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/capacity_charts.hpp>
#include <wsbench/report/capacity_facts.hpp>
#include <wsbench/report/html_page.hpp>
#include <wsbench/report/markup.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/units.hpp>

/// \file
/// A capacity as one HTML page, which needs no script and loads nothing.

namespace wsbench {

namespace detail {

/// Writes what was found of a capacity into a page.
class CapacityHtml {
 public:
  /// `which` follows each heading, where there are several: ", 2 servers".
  CapacityHtml(HtmlPage& page, const CapacityReport& capacity, std::string which = {})
      : page_(page), capacity_(capacity), which_(std::move(which)) {}

  void answer() {
    for (const std::string& url : capacity_.urls) page_.entry(&url == &capacity_.urls.front() ? "target" : "", url);
    if (!capacity_.steps.empty()) page_.entry("the most with", expected_in_words(capacity_));
    for (const CapacityFact& fact : facts_of(capacity_)) page_.entry(fact.name, fact.words);
  }

  void by_load_picture() {
    const std::optional<Picture> picture = by_load(capacity_);
    if (!picture) return;
    page_.section("Latency by load" + which_);
    page_.draw(to_svg(*picture));
  }

  void steps() {
    if (capacity_.steps.empty()) return;
    page_.section("Steps" + which_);
    std::vector<std::string> columns{"outcome"};
    for (const ExpectationResult& each : capacity_.steps.front().report.expectations()) columns.push_back(figure_name(each));
    columns.insert(columns.end(), {"p50", "p95", "p99", "why"});
    page_.begin_table("<th scope=\"col\">load</th>", columns, 1);
    for (const CapacityStep& step : capacity_.steps) row(step);
  }

 private:
  void row(const CapacityStep& step) {
    page_.begin_row(format_load(step.load, capacity_.by));
    page_.write("<td class=\"{}\">{}</td>", step.outcome == StepOutcome::held ? "met" : "missed", outcome_word(step));
    for (const ExpectationResult& each : step.report.expectations()) {
      page_.write("<td{}>{}</td>", each.met ? "" : " class=\"missed\"", format_figure(each.actual, each.unit));
    }
    for (const double share : {0.5, 0.95, 0.99}) {
      const auto latency = step.report.messages().response_time.percentile(share);
      page_.write("<td>{}</td>", latency ? format_duration(*latency) : "n/a");
    }
    page_.write("<td class=\"words\">{}</td></tr>\n", HtmlPage::words(step.why));
  }

  HtmlPage& page_;
  const CapacityReport& capacity_;
  std::string which_;
};

/// The heading of a page and what it says in a sentence.
inline void begin_capacity_page(HtmlPage& page, const std::string& title, Verdict verdict, const std::string& answer) {
  page.begin(title + ": " + answer);
  page.write("<h1>{}</h1>\n<div class=\"verdict {}\"><strong>{}</strong></div>\n", HtmlPage::words(title), name(verdict),
             HtmlPage::words(answer));
}

}  // namespace detail

/// What was found as one HTML page: the answer first, then latency against load, then each step.
inline std::string to_html(const CapacityReport& capacity) {
  detail::HtmlPage page;
  detail::begin_capacity_page(page, capacity.scenario, capacity.verdict(), "capacity " + to_string(capacity.interval, capacity.by));
  detail::CapacityHtml html(page, capacity);
  html.answer();
  html.by_load_picture();
  html.steps();
  return page.end();
}

}  // namespace wsbench
