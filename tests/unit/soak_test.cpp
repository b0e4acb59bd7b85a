#include <wsbench/soak.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>

#include <wsbench/report.hpp>
#include <wsbench/scenario.hpp>

#include "catch.hpp"
#include "support/soak_records.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using support::mib;
using support::record_of;
using support::SoakCourse;
using wsbench::Growth;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::Soak;
using wsbench::soak;
using wsbench::SoakFinding;
using wsbench::SoakVerdict;

namespace {

Soak look(const SoakCourse& course) {
  return soak(Report{record_of(course)});
}

const SoakFinding& finding(const Soak& found, const std::string& what) {
  const SoakFinding* const one = found.find(what);
  if (one == nullptr) FAIL("nothing is told of " << what);
  return *one;
}

// Something about nothing that has no pattern to speak of.
double jitter(int second) {
  return std::fmod(second * 0.754'877'666, 1) - 0.5;
}

}  // namespace

TEST_CASE("a server that stays as it is, is stable", "[soak]") {
  const Soak found = look({.latency = [](int second) { return 10ms + nanoseconds{static_cast<int>(jitter(second) * 2e6)}; },
                           .memory = [](int second) { return 100 * mib + 200'000 * jitter(second); }});
  CHECK(found.verdict == SoakVerdict::stable);
  CHECK(found.why_not_judged.empty());
  CHECK(found.from == 1s);
  CHECK(found.to == 600s);
  CHECK_FALSE(found.run_for);
  for (const char* what : {"server.rss", "server.files", "latency.p50", "latency.p95", "throughput", "errors"}) {
    CAPTURE(what);
    CHECK(finding(found, what).verdict == SoakVerdict::stable);
    CHECK_FALSE(finding(found, what).evidence.empty());
  }
}

TEST_CASE("a leak is told with its slope, and what it comes to for a message and for a connection", "[soak]") {
  const Soak found = look({.reconnects = 10, .memory = [](int second) { return 100 * mib + 102'400 * (second + jitter(second)); }});
  CHECK(found.verdict == SoakVerdict::leaking);
  const SoakFinding& memory = finding(found, "server.rss");
  CHECK(memory.verdict == SoakVerdict::leaking);
  REQUIRE(memory.growth.per_second);
  CHECK(std::abs(memory.growth.per_second->estimate - 102'400) < 100);
  REQUIRE(memory.per_message);
  CHECK(std::abs(memory.per_message->estimate - 1'024) < 2);
  CHECK(memory.per_message->low < memory.per_message->estimate);
  CHECK(memory.per_message->high > memory.per_message->estimate);
  REQUIRE(memory.per_connection);
  CHECK(std::abs(memory.per_connection->estimate - 10'240) < 20);
  CHECK(memory.evidence.starts_with("grows from 100 MiB by 352 MiB an hour (35"));
  CHECK(support::has(memory.evidence, "1.00 KiB a message"));
  CHECK(finding(found, "latency.p95").verdict == SoakVerdict::stable);
}

TEST_CASE("a cache that fills and stays is stable; one that still fills can't be told yet", "[soak]") {
  const auto filled_in = [](double time) { return [=](int second) { return 100 * mib + 50 * mib * (1 - std::exp(-second / time)); }; };
  CHECK(look({.memory = filled_in(40)}).verdict == SoakVerdict::stable);
  const Soak found = look({.memory = filled_in(300)});
  CHECK(found.verdict == SoakVerdict::cannot_tell);
  CHECK(finding(found, "server.rss").growth.growth == Growth::slows);
  REQUIRE(found.run_for);
  CHECK(*found.run_for == 20min);
}

TEST_CASE("descriptors that are not closed leak too", "[soak]") {
  const Soak found = look({.files = [](int second) { return 110 + std::floor(second / 20.0); }});
  CHECK(found.verdict == SoakVerdict::leaking);
  CHECK(finding(found, "server.rss").verdict == SoakVerdict::stable);
  const SoakFinding& files = finding(found, "server.files");
  CHECK(files.verdict == SoakVerdict::leaking);
  CHECK(files.evidence.starts_with("grows from 110 by 180 an hour"));
  CHECK_FALSE(files.per_message);
}

TEST_CASE("latency that creeps up degrades, and leaking comes first where both are told", "[soak]") {
  SoakCourse course{.latency = [](int second) { return 10ms + second * 20us + nanoseconds{static_cast<int>(jitter(second) * 1e6)}; }};
  const Soak slower = look(course);
  CHECK(slower.verdict == SoakVerdict::degrading);
  CHECK(finding(slower, "latency.p50").verdict == SoakVerdict::degrading);
  CHECK(finding(slower, "latency.p95").verdict == SoakVerdict::degrading);
  CHECK(support::has(finding(slower, "latency.p50").evidence, "ms at first, changing by 7"));  // 72 ms an hour, within 3 %
  course.memory = [](int second) { return 100 * mib + 102'400.0 * second; };
  const Soak both = look(course);
  CHECK(both.verdict == SoakVerdict::leaking);
  CHECK(finding(both, "latency.p95").verdict == SoakVerdict::degrading);
}

TEST_CASE("answers that get fewer, and errors that get more, degrade", "[soak]") {
  RunRecord fewer = record_of({});
  for (int second = 0; second < 600; ++second) {
    for (int n = 0; n < (600 - second) / 10; ++n) fewer.metrics.series.answered(seconds{second}, 10ms);
  }
  const Soak found = soak(Report{fewer});
  CHECK(found.verdict == SoakVerdict::degrading);
  const SoakFinding& rate = finding(found, "throughput");
  CHECK(rate.verdict == SoakVerdict::degrading);
  REQUIRE(rate.growth.per_second);
  CHECK(rate.growth.per_second->estimate < -0.09);
  CHECK(rate.growth.level > 150);

  const Soak lost = look({.resets = [](int second) { return second > 400 && second % 10 == 0 ? 1 : 0; }});
  CHECK(lost.verdict == SoakVerdict::degrading);
  CHECK(finding(lost, "errors").verdict == SoakVerdict::degrading);
  CHECK(finding(lost, "errors").evidence == "0 in the first half, 19 in the last");
  SECTION("one burst is no trend, nor are errors that come all along") {
    CHECK(finding(look({.resets = [](int second) { return second == 400 ? 50 : 0; }}), "errors").verdict == SoakVerdict::stable);
    CHECK(finding(look({.resets = [](int second) { return second % 10 == 0 ? 1 : 0; }}), "errors").verdict == SoakVerdict::stable);
  }
}

TEST_CASE("what clients take, and whether it comes back when they leave", "[soak]") {
  const auto memory = [](double left) {
    return [=](int second) { return second == 0 ? 20 * mib : second < 600 ? 120 * mib : left * mib; };
  };
  const Soak back = look({.after = 10s, .memory = memory(30)});
  const SoakFinding& gone = finding(back, "server.rss");
  CHECK(gone.verdict == SoakVerdict::stable);
  REQUIRE(gone.before);
  CHECK(*gone.before == 20 * mib);
  CHECK(gone.after == 30 * mib);
  REQUIRE(gone.per_open);
  CHECK(*gone.per_open == mib);
  CHECK(support::has(gone.evidence, "90 % came back within 9.50 s after the load"));
  CHECK(support::has(finding(look({.after = 10s, .memory = memory(120)}), "server.rss").evidence, "nothing came back"));
  CHECK_FALSE(finding(look({.memory = memory(30)}), "server.rss").after);
}

TEST_CASE("too short a run can't tell yet, and says how long one might", "[soak]") {
  const Soak found = look({.length = 5s, .memory = [](int second) { return 100 * mib + mib * second; }});
  CHECK(found.verdict == SoakVerdict::cannot_tell);
  CHECK(finding(found, "server.rss").verdict == SoakVerdict::cannot_tell);
  REQUIRE(found.run_for);
  CHECK(*found.run_for == 9s);
  CHECK(soak(Report{RunRecord{}}).verdict == SoakVerdict::cannot_tell);
}

TEST_CASE("what is not steady load is not judged", "[soak]") {
  RunRecord stages = record_of({.memory = [](int second) { return 100 * mib + mib * second; }});
  stages.configuration.population = wsbench::stages({{100, 5min}, {200, 5min}});
  const Soak found = soak(Report{stages});
  CHECK(found.verdict == SoakVerdict::cannot_tell);
  CHECK(found.findings.empty());
  CHECK(support::has(found.why_not_judged, "the load changes"));
  CHECK(found.periods.size() == 10);

  RunRecord warm = record_of({.memory = [](int second) { return 100 * mib + (second < 100 ? mib * second : 100 * mib); }});
  warm.configuration.warm_up = 100s;
  CHECK(soak(Report{warm}).from == 100s);
  CHECK(soak(Report{warm}).verdict == SoakVerdict::stable);

  RunRecord late = record_of({.latency = [](int second) { return 10ms + second * 20us; }});
  late.metrics.overrun = 100'000;
  const Report limited{late};
  REQUIRE_FALSE(limited.valid());
  CHECK(soak(limited).find("latency.p95") == nullptr);
  CHECK(soak(limited).find("server.rss") != nullptr);
  CHECK_FALSE(soak(limited).answers_judged);
  CHECK(support::has(verdict_line(soak(limited)), "; answers are not judged"));
}

TEST_CASE("the course of a soak is told in tenths, or in hours where there are more", "[soak]") {
  const Soak found = look({.resets = [](int second) { return second == 130 ? 3 : 0; }});
  REQUIRE(found.periods.size() == 10);
  CHECK(found.periods[2].from == 2min);
  CHECK(found.periods[2].errors == 3);
  CHECK(found.periods[2].drops == 3);
  CHECK(found.periods[2].answered_per_second == 100);
  CHECK(found.periods[2].open == 100);
  CHECK(found.periods[2].memory == 100 * mib);
  REQUIRE(found.periods[2].p95);
  CHECK(*found.periods[2].p95 >= 10ms);
  CHECK(found.periods[3].errors == 0);
  const Soak day = look({.length = 12h, .clients = 1, .answers = 1});
  CHECK(day.periods.size() == 12);
  CHECK(day.periods[1].from == 1h);
  CHECK(look({.length = 100h, .clients = 1, .answers = 1}).periods.size() <= 24);
}
