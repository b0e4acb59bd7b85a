#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wsbench::detail {

/// A page in Prometheus' text format, put together metric family by metric family.
class PrometheusPage {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// What a family's samples have in common.
  struct Family {
    std::string name{};       ///< "wsbench_latency_seconds"
    std::string_view help{};  ///< in words
    std::string_view type{};  ///< "counter", "gauge", "summary" or "histogram"
  };

  /// Every series has the scenario, which is clean text, as a label.
  explicit PrometheusPage(std::string scenario) : scenario_(std::move(scenario)) {}

  /// Adds a sample of a family; labels without a name are left out. The suffix is of the series: "_sum". Of samples with the same labels,
  /// the first counts: a series may not stand twice.
  void add(const Family& family, std::string_view suffix, Labels labels, std::string_view value) {
    Written& written = families_[family.name];
    if (written.text.empty()) written.text = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help, family.type);
    std::string series = fmt::format("{}{}{{scenario=\"{}\"", family.name, suffix, escaped(scenario_));
    for (const auto& [key, label] : labels) {
      if (!key.empty()) series += fmt::format(",{}=\"{}\"", key, escaped(label));
    }
    series += '}';
    if (written.series.insert(series).second) written.text.append(series).append(" ").append(value).append("\n");
  }

  std::string text() const {
    std::string text;
    for (const auto& [name, family] : families_) text += family.text;
    return text;
  }

 private:
  struct Written {
    std::string text{};
    std::set<std::string> series{};
  };

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

  std::string scenario_;
  std::map<std::string, Written> families_{};
};

}  // namespace wsbench::detail
