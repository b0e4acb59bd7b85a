#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <wsbench/capacity_report.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/scalability_report.hpp>

/// \file
/// A capacity, or several, as JSON, for scripts; each step has its whole report, which reads back. Keys are only ever added.

namespace wsbench {

namespace detail {

// In the order of the enums.
inline constexpr auto outcome_names = std::to_array<std::string_view>({"held", "missed", "generator_limited", "behaviour_threw"});
inline constexpr auto capacity_unit_names = std::to_array<std::string_view>({"clients", "messages_per_second"});

inline Json interval_json(const CapacityInterval& interval) {
  Json object;
  object["at_least"] = json_of(interval.at_least);
  object["below"] = json_of(interval.below);
  object["generator_limit"] = json_of(interval.generator_limit);
  object["contradictory"] = interval.contradictory;
  object["confirmed"] = interval.confirmed;
  return object;
}

inline Json step_json(const CapacityStep& step) {
  Json object;
  object["load"] = step.load;
  object["outcome"] = outcome_names.at(static_cast<std::size_t>(step.outcome));
  object["why"] = step.why.empty() ? Json{} : Json(step.why);
  object["server_lost"] = step.server_lost;
  object["report"] = to_json(step.report);
  return object;
}

inline Json capacity_json(const CapacityReport& capacity) {
  Json object;
  object["scenario"] = capacity.scenario;
  object["urls"] = capacity.urls;
  object["by"] = capacity_unit_names.at(static_cast<std::size_t>(capacity.by));
  object["verdict"] = name(capacity.verdict());
  object["capacity"] = interval_json(capacity.interval);
  object["knee"] = json_of(capacity.knee());
  object["ended_because"] = capacity.ended_because.empty() ? Json{} : Json(capacity.ended_because);
  object["duration_s"] = std::chrono::duration<double>(capacity.duration).count();
  object["steps"] = Json::array();
  for (const CapacityStep& step : capacity.steps) object["steps"].push_back(step_json(step));
  return object;
}

inline Json scalability_json(const ScalabilityReport& scalability) {
  Json object;
  object["scenario"] = scalability.scenario;
  object["by"] = capacity_unit_names.at(static_cast<std::size_t>(scalability.by));
  object["verdict"] = name(scalability.verdict());
  object["ended_because"] = scalability.ended_because.empty() ? Json{} : Json(scalability.ended_because);
  object["sets"] = Json::array();
  for (std::size_t set = 0; set < scalability.sets.size(); ++set) {
    const Efficiency efficiency = scalability.efficiency(set);
    Json each;
    each["servers"] = scalability.sets[set].urls.size();
    each["efficiency"] = {{"at_least", json_of(efficiency.at_least)}, {"below", json_of(efficiency.below)}};
    each["search"] = capacity_json(scalability.sets[set]);
    object["sets"].push_back(std::move(each));
  }
  return object;
}

/// A document as text, with its version first.
inline std::string json_text(const Json& object) {
  Json document;
  document["schema_version"] = json_schema_version;
  document.update(object);
  std::string text;
  print(document, 0, text);
  return text += '\n';
}

}  // namespace detail

/// What was found as JSON text, indented by two, with a newline at its end.
inline std::string to_json_text(const CapacityReport& capacity) {
  return detail::json_text(detail::capacity_json(capacity));
}

/// What was found as JSON text, indented by two, with a newline at its end.
inline std::string to_json_text(const ScalabilityReport& scalability) {
  return detail::json_text(detail::scalability_json(scalability));
}

}  // namespace wsbench
