#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <wsbench/capacity_report.hpp>
#include <wsbench/report/json.hpp>

/// \file
/// A capacity as JSON, for scripts; each step has its whole report, which reads back. Keys are only ever added.

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

}  // namespace detail

/// What was found as JSON text, indented by two, with a newline at its end.
inline std::string to_json_text(const CapacityReport& capacity) {
  detail::Json document;
  document["schema_version"] = detail::json_schema_version;
  document["scenario"] = capacity.scenario;
  document["urls"] = capacity.urls;
  document["by"] = detail::capacity_unit_names.at(static_cast<std::size_t>(capacity.by));
  document["verdict"] = name(capacity.verdict());
  document["capacity"] = detail::interval_json(capacity.interval);
  document["knee"] = detail::json_of(capacity.knee());
  document["ended_because"] = capacity.ended_because.empty() ? detail::Json{} : detail::Json(capacity.ended_because);
  document["duration_s"] = std::chrono::duration<double>(capacity.duration).count();
  document["steps"] = detail::Json::array();
  for (const CapacityStep& step : capacity.steps) document["steps"].push_back(detail::step_json(step));
  std::string text;
  detail::print(document, 0, text);
  return text += '\n';
}

}  // namespace wsbench
