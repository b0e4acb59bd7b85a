#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report/axis.hpp>
#include <wsbench/report/capacity_html.hpp>
#include <wsbench/report/charts.hpp>
#include <wsbench/report/html_page.hpp>
#include <wsbench/report/picture.hpp>
#include <wsbench/scalability_report.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// Both ends of the capacity by number of servers, and the first set's as if it grew with them; nothing where there is one set.
inline std::optional<Picture> by_servers(const ScalabilityReport& scalability) {
  if (scalability.sets.size() < 2) return std::nullopt;
  Curve least{"at least", {}};
  Curve below{"less than", {}};
  Curve linear{"linear", {}};
  const CapacityReport& first = scalability.sets.front();
  for (const CapacityReport& set : scalability.sets) {
    const auto servers = static_cast<double>(set.urls.size());
    least.points.push_back({servers, set.interval.at_least});
    below.points.push_back({servers, set.interval.below});
    linear.points.push_back({servers, first.interval.at_least});
    if (auto& ideal = linear.points.back().y) *ideal *= servers / static_cast<double>(first.urls.size());
  }
  std::vector<Curve> curves{std::move(least), std::move(below), std::move(linear)};
  Axis axis = rate_axis(highest_of(curves));
  Picture picture{"Capacity by number of servers",
                  "The two ends of each set's capacity, and what it would be if it grew with the servers; the table has the same figures.",
                  count_axis(static_cast<double>(scalability.sets.back().urls.size())),
                  {}};
  picture.panels.push_back(
      {scalability.by == CapacityUnit::rate ? "Messages a second by servers" : "Clients by servers", std::move(axis), std::move(curves)});
  return picture;
}

}  // namespace detail

/// What was found as one HTML page: all sets first, then each of them.
inline std::string to_html(const ScalabilityReport& scalability) {
  detail::HtmlPage page;
  detail::begin_capacity_page(page, scalability.scenario, scalability.verdict(), "capacity by number of servers");
  if (!scalability.ended_because.empty()) page.entry("ended", "early: " + scalability.ended_because);
  page.section("Servers");
  page.begin_table("<th scope=\"col\">servers</th>", {"capacity", "efficiency"}, 2);
  for (std::size_t set = 0; set < scalability.sets.size(); ++set) {
    const CapacityReport& found = scalability.sets[set];
    page.begin_row(format_count(found.urls.size()));
    page.write("<td class=\"words\">{}</td><td class=\"words\">{}</td></tr>\n", to_string(found.interval, found.by),
               to_string(scalability.efficiency(set)));
  }
  if (const auto picture = detail::by_servers(scalability)) page.draw(to_svg(*picture));
  for (const CapacityReport& found : scalability.sets) {
    page.section(servers_in_words(found.urls.size()));
    detail::CapacityHtml html(page, found, ", " + servers_in_words(found.urls.size()));
    html.answer();
    html.by_load_picture();
    html.steps();
  }
  return page.end();
}

}  // namespace wsbench
