// What every form of a report says of a soak.

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/report/annotations.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/text.hpp>
#include <wsbench/soak.hpp>

#include "catch.hpp"
#include "support/soak_records.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using support::record_of;
using support::SoakCourse;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::soak;

namespace {

Report report_of(const SoakCourse& course) {
  return as_soak(Report{record_of(course)});
}

Report leaking() {
  return report_of({.reconnects = 10, .after = 20s, .memory = [](int second) { return 100 * support::mib + 102'400.0 * second; }});
}

Report still_filling() {
  return report_of({.memory = [](int second) { return 100 * support::mib + 50 * support::mib * (1 - std::exp(-second / 300.0)); }});
}

}  // namespace

TEST_CASE("the text ends with what a soak found, in 80 columns", "[soak]") {
  const std::string text = to_text(leaking());
  CHECK(support::longest_line(text) <= 80);
  const std::string told = text.substr(text.find("\nSoak\n"));
  CHECK(has(told, "verdict           LEAKING: server.rss\n"));
  CHECK(has(told, "server.rss        leaking: grows from 100 MiB by 352 MiB an hour, and goes on\n"));
  CHECK(has(told, "\n                    1.00 KiB a message, or 10.0 KiB a connection made\n"));
  CHECK(has(told, "throughput        stable: 100/s, falling by less than 5/s"));
  CHECK(has(told, "  from 1m" + std::string(14, ' ') + "100    100/s  10.0 ms  10.0 ms        0        0  109 MiB\n"));
  CHECK(text.starts_with("soak: FAILED\n"));
  CHECK(has(text, "\nFAILED: LEAKING: server.rss\n"));
  CHECK_FALSE(leaking().passed());
  CHECK(report_of({}).passed());
  CHECK(still_filling().passed());
  CHECK_FALSE(has(to_text(Report{record_of({})}), "Soak"));
  CHECK(has(to_text(still_filling()), "CAN'T TELL YET: server.rss; a run of 20m might tell\n"));
  CHECK(has(to_text(report_of({})), "STABLE: nothing grew on, and nothing got worse, over 599s\n"));
}

TEST_CASE("a report fails for what decays, and not for what can't be told", "[soak]") {
  const Report report = report_of({.latency = [](int second) { return second > 300 ? 15ms : 10ms; },
                                   .memory = [](int second) { return 100 * support::mib + 102'400.0 * second; }});
  CHECK(has(verdict_line(soak(report)), "LEAKING: server.rss; CAN'T TELL YET: latency.p50, latency.p95; a run of"));
  CHECK(report.record().decay == "LEAKING: server.rss");
}

TEST_CASE("a soak for which no memory was watched says so", "[soak]") {
  RunRecord record = record_of({});
  record.probes.clear();
  CHECK(has(verdict_line(soak(Report{record})), "STABLE: "));
  CHECK(has(verdict_line(soak(Report{record})), "; the server's memory was not watched"));
}

TEST_CASE("a page shows what a soak watched with its trend", "[soak]") {
  const std::string page = to_html(leaking());
  CHECK(has(page, "<h2>Soak</h2>"));
  CHECK(has(page, "LEAKING: server.rss"));
  CHECK(has(page, ">server.rss in MiB</text>"));
  CHECK(has(page, ">trend</text>"));
  CHECK(has(page, ">after the load</text>"));
  CHECK_FALSE(has(to_html(Report{record_of({})}), "Soak"));
}

TEST_CASE("JSON has a soak's figures", "[soak][json]") {
  const Report report = leaking();
  const nlohmann::json document = nlohmann::json::parse(to_json_text(report));
  const nlohmann::json& told = document.at("soak");
  CHECK(told.at("verdict") == "leaking");
  CHECK(told.at("from_s") == 1);
  CHECK(told.at("run_for_s").is_null());
  const nlohmann::json& memory = told.at("findings").at(0);
  CHECK(memory.at("what") == "server.rss");
  CHECK(memory.at("unit") == "bytes");
  CHECK(std::abs(memory.at("per_hour").at("estimate").get<double>() - 102'400.0 * 3'600) < 1e5);
  CHECK(std::abs(memory.at("bytes_per_message").at("low").get<double>() - 1'024) < 10);
  CHECK(told.at("findings").size() == 6);
  REQUIRE(told.at("periods").size() == 10);
  CHECK(told.at("periods").at(1).at("from_s") == 60);
  CHECK(told.at("periods").at(1).at("answered_per_second") == 100);
  CHECK(told.at("periods").at(1).at("drops") == 0);
  CHECK(told.at("periods").at(9).at("memory_bytes") > 150 * support::mib);

  const Report none{record_of({})};
  CHECK(nlohmann::json::parse(to_json_text(none)).at("soak").is_null());
}

TEST_CASE("a soak is a test case of its own", "[soak]") {
  CHECK(has(to_junit(leaking()), "LEAKING: server.rss"));
  CHECK(has(to_annotations(leaking()), "LEAKING: server.rss"));
  CHECK(has(to_annotations(still_filling()), "CAN'T TELL YET: server.rss"));
  CHECK(to_annotations(report_of({})).empty());
  CHECK(has(to_junit(report_of({})), "the soak"));
}
