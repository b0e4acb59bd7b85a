#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/clean_text.hpp>
#include <wsbench/report/figures.hpp>
#include <wsbench/report/prometheus_page.hpp>

namespace wsbench {

namespace detail {

/// Writes a report in Prometheus' text format.
class PrometheusText {
 public:
  explicit PrometheusText(const Report& report) : page_(clean_text(report.record().scenario)) {
    const std::string commit = clean_text(report.record().commit);
    page_.add({"wsbench_run_info", "The run's verdict", "gauge"}, "",
              {{"verdict", name(report.verdict())}, {commit.empty() ? std::string_view() : "commit", commit}}, "1");
    for (const Figure& figure : run_figures(report)) add_number({}, {}, figure);
    for (const Figure& figure : probe_figures(report)) add_number({}, {}, figure);
    for_each_scope(report, [this](std::string_view kind, const std::string& name, const Report& each) {
      const std::string_view scope = kind == "run" ? std::string_view() : kind;
      const ReportFigures figures{each};
      for (const Figure& figure : figures.numbers()) add_number(scope, name, figure);
      for (const DurationFigures& durations : figures.durations()) add_durations(scope, name, durations);
    });
  }

  std::string text() const { return page_.text(); }

 private:
  // Parts, targets and labels have families of their own, so that a sum over a family counts nothing twice.
  static std::string family_name(std::string_view scope, std::string_view key, std::string_view metric) {
    std::string name = "wsbench_";
    if (!scope.empty()) name.append(scope).append("_");
    if (key == "label") name += "label_";
    return name.append(metric);
  }

  void add_number(std::string_view scope, std::string_view name, const Figure& figure) {
    if (figure.value.empty()) return;
    std::string family = family_name(scope, figure.key, figure.metric);
    if (!figure.statistic.empty()) family.append("_").append(figure.statistic);
    if (figure.unit == "seconds" || (figure.unit == "bytes" && !figure.counter)) family.append("_").append(figure.unit);
    if (figure.counter) family += "_total";
    page_.add({family, figure.meaning, figure.counter ? "counter" : "gauge"}, "", {{scope, name}, {figure.key, figure.label}},
              figure.value);
  }

  void add_durations(std::string_view scope, std::string_view name, const DurationFigures& figures) {
    const Histogram& durations = *figures.durations;
    if (durations.count() == 0) return;
    const std::string family = family_name(scope, figures.key, figures.metric);
    const PrometheusPage::Family summary{family + "_seconds", figures.meaning, "summary"};
    for (const Statistic statistic : {Statistic::p50, Statistic::p90, Statistic::p95, Statistic::p99, Statistic::p99_9}) {
      const auto value = statistic_of(durations, statistic);
      if (!value) continue;
      page_.add(summary, "", {{scope, name}, {figures.key, figures.label}, {"quantile", plain(*share_of(statistic))}}, plain(value));
    }
    page_.add(summary, "_sum", {{scope, name}, {figures.key, figures.label}}, plain(durations.sum_in_seconds()));
    page_.add(summary, "_count", {{scope, name}, {figures.key, figures.label}}, plain(durations.count()));
    for (const Statistic statistic : {Statistic::min, Statistic::max}) {
      page_.add({fmt::format("{}_{}_seconds", family, wsbench::name(statistic)), figures.meaning, "gauge"}, "",
                {{scope, name}, {figures.key, figures.label}}, plain(statistic_of(durations, statistic)));
    }
  }

  PrometheusPage page_;
};

}  // namespace detail

/// The report in Prometheus' text format, for the text file collector of its node exporter or a push gateway.
///
/// Every series has the scenario as a label. Durations are summaries in seconds; a figure that was not measured has no series. Parts,
/// targets and labels have families of their own: `wsbench_target_...`, `wsbench_label_...`.
inline std::string to_prometheus(const Report& report) {
  return detail::PrometheusText{report}.text();
}

}  // namespace wsbench
