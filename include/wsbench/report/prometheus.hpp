#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/figures.hpp>

namespace wsbench {

namespace detail {

/// Writes a report in Prometheus' text format, metric family by metric family.
class PrometheusText {
 public:
  explicit PrometheusText(const Report& report) : scenario_(clean_text(report.record().scenario)) {
    const std::string commit = clean_text(report.record().commit);
    add("wsbench_run_info", "The run's verdict", "gauge", "",
        {{"verdict", name(report.verdict())}, {commit.empty() ? std::string_view() : "commit", commit}}, "1");
    for (const Figure& figure : run_figures(report)) add_number({}, {}, figure);
    for_each_scope(report, [this](std::string_view kind, const std::string& name, const Report& each) {
      const std::string_view scope = kind == "run" ? std::string_view() : kind;
      const ReportFigures figures{each};
      for (const Figure& figure : figures.numbers()) add_number(scope, name, figure);
      for (const DurationFigures& durations : figures.durations()) add_durations(scope, name, durations);
    });
  }

  std::string text() const {
    std::string text;
    for (const auto& [name, family] : families_) {
      text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
      text += family.samples;
    }
    return text;
  }

 private:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  struct Family {
    std::string_view help{};
    std::string_view type{};
    std::string samples{};
    std::set<std::string> series{};
  };

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
    if (figure.unit == "seconds" || (figure.unit == "bytes" && !figure.counter)) family.append("_").append(figure.unit);
    if (figure.counter) family += "_total";
    add(family, figure.meaning, figure.counter ? "counter" : "gauge", "", {{scope, name}, {figure.key, figure.label}}, figure.value);
  }

  void add_durations(std::string_view scope, std::string_view name, const DurationFigures& figures) {
    const Histogram& durations = *figures.durations;
    if (durations.count() == 0) return;
    const std::string family = family_name(scope, figures.key, figures.metric);
    const std::string summary = family + "_seconds";
    constexpr std::string_view type = "summary";
    for (const Statistic statistic : {Statistic::p50, Statistic::p90, Statistic::p95, Statistic::p99, Statistic::p99_9}) {
      const auto value = statistic_of(durations, statistic);
      if (!value) continue;
      const std::string quantile = plain(*share_of(statistic));
      add(summary, figures.meaning, type, "", {{scope, name}, {figures.key, figures.label}, {"quantile", quantile}}, plain(value));
    }
    const Histogram::Sum sum = durations.sum();
    const double seconds = (static_cast<double>(sum.high) * 0x1p64 + static_cast<double>(sum.low)) / 1e9;
    add(summary, figures.meaning, type, "_sum", {{scope, name}, {figures.key, figures.label}}, plain(seconds));
    add(summary, figures.meaning, type, "_count", {{scope, name}, {figures.key, figures.label}}, plain(durations.count()));
    for (const Statistic statistic : {Statistic::min, Statistic::max}) {
      const std::string extreme = fmt::format("{}_{}_seconds", family, wsbench::name(statistic));
      add(extreme, figures.meaning, "gauge", "", {{scope, name}, {figures.key, figures.label}}, plain(statistic_of(durations, statistic)));
    }
  }

  static std::string escaped(std::string_view text) {
    std::string value;
    for (const char letter : text) {
      if (letter == '\n') {
        value += "\\n";
      } else {
        if (letter == '\\' || letter == '"') value += '\\';
        value += letter;
      }
    }
    return value;
  }

  // One sample; labels without a name are left out.
  void add(const std::string& name, std::string_view help, std::string_view type, std::string_view suffix, Labels labels,
           std::string_view value) {
    Family& family = families_[name];
    family.help = help;
    family.type = type;
    std::string series = fmt::format("{}{}{{scenario=\"{}\"", name, suffix, escaped(scenario_));
    for (const auto& [key, label] : labels) {
      if (!key.empty()) series += fmt::format(",{}=\"{}\"", key, escaped(label));
    }
    series += '}';
    // Of parts that have one name, and of expectations given twice, the first: a series may not stand twice.
    if (family.series.insert(series).second) family.samples.append(series).append(" ").append(value).append("\n");
  }

  std::string scenario_;
  std::map<std::string, Family> families_{};
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
