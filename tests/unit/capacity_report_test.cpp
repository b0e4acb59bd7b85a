// What a search for a capacity found: in one word, its knee, and in each form.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/report/capacity_html.hpp>
#include <wsbench/report/capacity_json.hpp>
#include <wsbench/report/capacity_text.hpp>

#include "catch.hpp"
#include "support/capacity_reports.hpp"
#include "support/golden.hpp"
#include "support/judged_reports.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using support::longest_line;
using support::queue_capacity;
using support::step_report;
using wsbench::CapacityReport;
using wsbench::CapacityStep;
using wsbench::StepOutcome;
using wsbench::Verdict;

namespace {

CapacityReport of(std::vector<CapacityStep> steps, wsbench::CapacityInterval interval = {}) {
  return {.urls = {"ws://x"}, .scenario = "chat", .steps = std::move(steps), .interval = interval};
}

// Steps at these loads, with these latencies in milliseconds.
CapacityReport with_latencies(const std::vector<std::pair<double, int>>& latencies) {
  std::vector<CapacityStep> steps;
  for (const auto& [load, milliseconds] : latencies) {
    steps.push_back({.load = load, .report = step_report(load, milliseconds * 1ms, {})});
  }
  return of(std::move(steps));
}

}  // namespace

TEST_CASE("a search for a capacity comes to one word", "[capacity]") {
  const CapacityStep held{.load = 10, .report = support::passed_report()};
  const CapacityStep missed{.load = 20, .outcome = StepOutcome::missed, .report = support::failed_report()};
  const CapacityStep limited{.load = 20, .outcome = StepOutcome::generator_limited, .report = support::passed_report()};
  const CapacityStep threw{.load = 20, .outcome = StepOutcome::behaviour_threw, .report = support::invalid_report()};
  const CapacityStep nobody{.load = 10, .outcome = StepOutcome::missed, .report = support::unconnected_report()};
  CHECK(of({held, missed}, {.at_least = 10, .below = 20}).verdict() == Verdict::passed);
  CHECK(of({held, limited}, {.at_least = 10, .generator_limit = 20}).verdict() == Verdict::passed);
  CHECK(of({missed}, {.below = 20}).verdict() == Verdict::failed);
  CHECK(of({limited}, {.generator_limit = 20}).verdict() == Verdict::invalid);
  CHECK(of({held, threw}, {.at_least = 10}).verdict() == Verdict::invalid);
  CHECK(of({nobody}, {.below = 10}).verdict() == Verdict::no_connection);
  CHECK(of({held, nobody}, {.at_least = 10, .below = 20}).verdict() == Verdict::passed);
  CHECK(of({}).verdict() == Verdict::invalid);
  CapacityReport stopped = of({held}, {.at_least = 10});
  stopped.stopped = true;
  CHECK(stopped.verdict() == Verdict::interrupted);
}

TEST_CASE("the knee is the load of the greatest power", "[capacity]") {
  // Answers a second over the average latency: of a queue with random arrivals greatest at half of its capacity (Kleinrock 1979).
  CHECK(queue_capacity().knee() == 400);
  CHECK(with_latencies({{10, 1}, {20, 1}, {40, 3}, {80, 100}}).knee() == 20);
  SECTION("one that may lie beyond what was tried is none") {
    CHECK_FALSE(with_latencies({{10, 1}, {20, 1}, {40, 1}}).knee());
    CHECK_FALSE(with_latencies({{10, 1}, {20, 3}, {40, 10}}).knee());
    CHECK_FALSE(of({}).knee());
  }
  SECTION("a step without a result has none") {
    CapacityReport found = with_latencies({{10, 1}, {20, 1}, {40, 1}, {80, 100}});
    CHECK(found.knee() == 40);
    found.steps[2].outcome = StepOutcome::generator_limited;
    CHECK(found.knee() == 20);
  }
}

TEST_CASE("what limits is the server where it missed, else the generator", "[capacity]") {
  CapacityReport found = queue_capacity();
  REQUIRE(found.limiting() != nullptr);
  CHECK(found.limiting() == &found.steps.back());
  found.interval.below.reset();
  CHECK(found.limiting() == nullptr);
  found.interval.generator_limit = 1600;
  found.steps[4].outcome = StepOutcome::generator_limited;
  CHECK(found.limiting() == &found.steps[4]);
}

TEST_CASE("a capacity in each form", "[capacity][golden]") {
  const CapacityReport found = queue_capacity();
  const std::string text = to_text(found);
  CHECK(longest_line(text) <= 80);
  support::require_golden("capacity.txt", text);
  support::require_golden("capacity.html", to_html(found));
  const nlohmann::json json = nlohmann::json::parse(to_json_text(found));
  CHECK(json["verdict"] == "passed");
  CHECK(json["by"] == "messages_per_second");
  CHECK(json["capacity"]["at_least"] == 951);
  CHECK(json["capacity"]["below"] == 1037);
  CHECK(json["knee"] == 400);
  CHECK(json["ended_because"].is_null());
  REQUIRE(json["steps"].size() == 11);
  CHECK(json["steps"][4]["outcome"] == "missed");
  CHECK(json["steps"][4]["report"]["expectations"][0]["met"] == false);
  CHECK(json["steps"][0]["why"].is_null());
}

TEST_CASE("a capacity of which little is known is told all the same", "[capacity]") {
  CapacityReport found = of({});
  found.stopped = true;
  found.ended_because = "it was stopped";
  CHECK(has(to_text(found), "chat: unknown"));
  CHECK(has(to_html(found), "it was stopped"));
  CHECK(nlohmann::json::parse(to_json_text(found))["knee"].is_null());
  // Where no answer is timed, the duration that is expected something of is what is drawn.
  found = queue_capacity();
  for (CapacityStep& step : found.steps) step.report = support::unconnected_report();
  CHECK(longest_line(to_text(found)) <= 80);
  CHECK(has(to_html(found), "Steps"));
}

TEST_CASE("names that are hostile break neither the text nor the page of a capacity", "[capacity]") {
  CapacityReport found = queue_capacity();
  found.scenario = "<b>x</b> \x1b[31m \xff" + std::string(200, 'w');
  found.urls = {"ws://<script>", std::string(300, 'u')};
  for (CapacityStep& step : found.steps) step.why = "<i>why</i>\n\x1b[0m" + std::string(300, 'y');
  const std::string text = to_text(found);
  CHECK(longest_line(text) <= 80);
  CHECK_FALSE(has(text, "\x1b"));
  const std::string page = to_html(found);
  CHECK_FALSE(has(page, "<b>x"));
  CHECK_FALSE(has(page, "<script"));
  CHECK_FALSE(has(page, "<i>why"));
}
