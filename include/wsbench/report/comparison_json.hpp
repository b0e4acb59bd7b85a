#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/comparison.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/report/json.hpp>

/// \file
/// A comparison of two versions as JSON, for scripts; it is not read back. Keys are only ever added.

namespace wsbench {

namespace detail {

// In the order of the enum.
inline constexpr auto change_names = std::to_array<std::string_view>({"better", "worse", "unchanged", "cannot_tell"});

inline Json runs_json(const ComparedRuns& runs) {
  return {{"runs", runs.runs}, {"left_out", runs.left_out}, {"commits", runs.commits}};
}

inline Json figure_json(const FigureChange& figure) {
  Json object;
  object["metric"] = to_string(figure.metric);
  object["unit"] = unit_names.at(static_cast<std::size_t>(figure.metric.unit));
  object["change"] = change_names.at(static_cast<std::size_t>(figure.change));
  object["why"] = figure.why.empty() ? Json{} : Json(figure.why);
  object["base_median"] = json_of(median_of(figure.base));
  object["new_median"] = json_of(median_of(figure.current));
  // Of ratios 0.1 is a tenth more; of differences it is 0.1 in the figure's unit.
  object["change_is"] = changes_by_ratio(figure.metric.unit) ? "ratio_less_one" : "difference";
  Json& by = object["by"];
  if (figure.by) by = {{"estimate", figure.by->estimate}, {"low", figure.by->low}, {"high", figure.by->high}};
  object["too_small_to_matter"] = figure.by ? Json(figure.floor) : Json{};
  object["base"] = figure.base;
  object["new"] = figure.current;
  return object;
}

}  // namespace detail

/// The comparison as a JSON document; durations are in seconds, shares of one.
inline nlohmann::ordered_json to_json(const VersionComparison& comparison) {
  detail::Json document;
  document["schema_version"] = detail::json_schema_version;
  document["scenario"] = comparison.scenario;
  document["confidence"] = comparison_confidence;
  document["any_worse"] = comparison.any(Change::worse);
  document["base"] = detail::runs_json(comparison.base);
  document["new"] = detail::runs_json(comparison.current);
  document["figures"] = detail::Json::array();
  for (const FigureChange& figure : comparison.figures) document["figures"].push_back(detail::figure_json(figure));
  document["notes"] = comparison.notes;
  return document;
}

/// Comparisons, one for each load, as a list in JSON text, indented by two, with a newline at its end.
inline std::string to_json_text(const std::vector<VersionComparison>& comparisons) {
  detail::Json list = detail::Json::array();
  for (const VersionComparison& comparison : comparisons) list.push_back(to_json(comparison));
  std::string text;
  detail::print(list, 0, text);
  return text += '\n';
}

}  // namespace wsbench
