// Servers that leak what is known, for a minute and a half: what a longer run adds is how close the slope is.

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <wsbench/process_probe.hpp>
#include <wsbench/report/text.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/leaking_server.hpp"

using namespace std::chrono_literals;
using support::LeakingServer;
using wsbench::LoadTest;
using wsbench::Options;
using wsbench::Report;
using wsbench::Scenario;
using wsbench::Soak;
using wsbench::SoakFinding;
using wsbench::SoakVerdict;

namespace {

Options watching(const LeakingServer& server) {
  return {.probes = {wsbench::process_probe("server", wsbench::ByPid{server.id()})}, .probe_after = 5s};
}

const SoakFinding& memory(const Soak& found) {
  const SoakFinding* const finding = found.find("server.rss");
  REQUIRE(finding != nullptr);
  return *finding;
}

}  // namespace

TEST_CASE("ninety seconds tell a leak within 3 %, and that there is none", "[long][leaks]") {
  constexpr unsigned patience_s = 200;
  const LeakingServer sound(patience_s);
  const LeakingServer by_message(patience_s, {.bytes_a_message = 1'024});
  const LeakingServer by_connection(patience_s, {.bytes_a_connection = 10'240});
  const LeakingServer cache(patience_s, {.bytes_a_message = 1'024, .most_bytes = std::size_t{16} << 20U});
  const Scenario talk{.name = "talk", .clients = 100, .duration = 90s, .pace = wsbench::think(100ms)};
  const Scenario churn{.name = "churn", .clients = wsbench::arrivals(100), .messages = 1, .duration = 90s};
  std::vector<wsbench::Run> runs;
  runs.push_back(LoadTest(sound.url(), talk, watching(sound)).start());
  runs.push_back(LoadTest(by_message.url(), talk, watching(by_message)).start());
  runs.push_back(LoadTest(by_connection.url(), churn, watching(by_connection)).start());
  runs.push_back(LoadTest(cache.url(), talk, watching(cache)).start());
  std::vector<Report> reports;
  for (wsbench::Run& run : runs) reports.push_back(as_soak(run.wait()));

  const Soak none = soak(reports[0]);
  INFO(reports[0]);
  CHECK(memory(none).verdict == SoakVerdict::stable);
  CHECK(none.verdict != SoakVerdict::leaking);

  const Soak message = soak(reports[1]);
  INFO(reports[1]);
  CHECK(message.verdict == SoakVerdict::leaking);
  REQUIRE(memory(message).per_message);
  CHECK(std::abs(memory(message).per_message->estimate - 1'024) < 31);

  const Soak connection = soak(reports[2]);
  INFO(reports[2]);
  CHECK(connection.verdict == SoakVerdict::leaking);
  REQUIRE(memory(connection).per_connection);
  CHECK(std::abs(memory(connection).per_connection->estimate - 10'240) < 307);

  const Soak filled = soak(reports[3]);
  INFO(reports[3]);
  CHECK(cache.leaked() == std::size_t{16} << 20U);
  CHECK(memory(filled).verdict == SoakVerdict::stable);
}
