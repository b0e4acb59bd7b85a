// What searches over growing sets of servers found: efficiencies, in one word, and in each form.

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/report/capacity_json.hpp>
#include <wsbench/report/scalability_html.hpp>
#include <wsbench/report/scalability_text.hpp>

#include "catch.hpp"
#include "support/capacity_reports.hpp"
#include "support/golden.hpp"
#include "support/text_checks.hpp"

using Catch::Matchers::WithinAbs;
using support::has;
using support::longest_line;
using support::scaled_capacity;
using wsbench::Efficiency;
using wsbench::ScalabilityReport;
using wsbench::Verdict;

TEST_CASE("an efficiency holds wherever both capacities lie in their intervals", "[capacity]") {
  ScalabilityReport found = scaled_capacity();
  CHECK(found.efficiency(0) == Efficiency{1, 1});
  // 951 to 1,037 on one server, 1,902 to 2,074 on two.
  CHECK_THAT(found.efficiency(1).at_least.value(), WithinAbs(1902 / (2 * 1037.0), 1e-9));
  CHECK_THAT(found.efficiency(1).below.value(), WithinAbs(2074 / (2 * 951.0), 1e-9));
  // 2,853 to 3,111 on four: three quarters.
  CHECK_THAT(found.efficiency(2).at_least.value(), WithinAbs(2853 / (4 * 1037.0), 1e-9));
  CHECK_THAT(found.efficiency(2).below.value(), WithinAbs(3111 / (4 * 951.0), 1e-9));
  SECTION("what has no upper end leaves one of its own open") {
    found.sets[1].interval.below.reset();
    CHECK(found.efficiency(1).at_least);
    CHECK_FALSE(found.efficiency(1).below);
  }
  SECTION("where the first set has none, the lower ends of all others are open") {
    found.sets[0].interval.below.reset();
    CHECK_FALSE(found.efficiency(1).at_least);
    CHECK(found.efficiency(1).below);
  }
}

TEST_CASE("searches over several sets come to one word", "[capacity]") {
  ScalabilityReport found = scaled_capacity();
  CHECK(found.verdict() == Verdict::passed);
  found.sets[2].interval = {.below = 10};
  CHECK(found.verdict() == Verdict::failed);
  found.sets[2].interval = {.generator_limit = 10};
  CHECK(found.verdict() == Verdict::invalid);
  found.stopped = true;
  CHECK(found.verdict() == Verdict::interrupted);
  CHECK(ScalabilityReport{}.verdict() == Verdict::invalid);
}

TEST_CASE("a scalability in each form", "[capacity][golden]") {
  const ScalabilityReport found = scaled_capacity();
  const std::string text = to_text(found);
  CHECK(longest_line(text) <= 80);
  support::require_golden("scalability.txt", text);
  const std::string page = to_html(found);
  CHECK(has(page, "<h2>Steps, 4 servers</h2>"));
  CHECK(has(page, "<td class=\"words\">68.8 % to 81.8 %</td>"));
  CHECK(has(page, "Capacity by number of servers"));
  const nlohmann::json json = nlohmann::json::parse(to_json_text(found));
  CHECK(json["schema_version"] == 1);
  CHECK(json["verdict"] == "passed");
  REQUIRE(json["sets"].size() == 3);
  CHECK(json["sets"][1]["servers"] == 2);
  CHECK(json["sets"][1]["search"]["capacity"]["at_least"] == 1902);
  CHECK(json["sets"][1]["efficiency"]["below"] == found.efficiency(1).below.value());
}

TEST_CASE("a table of capacities fits however large they are", "[capacity]") {
  ScalabilityReport found = scaled_capacity();
  found.by = wsbench::CapacityUnit::clients;
  for (wsbench::CapacityReport& set : found.sets) {
    set.by = found.by;
    set.interval = {.at_least = 1'234'567, .below = 1'294'567};
  }
  CHECK(longest_line(to_text(found)) <= 80);
}
