// Daphne and Redis under the heavy load, both watched: the report shows what they use.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/json_member.hpp>
#include <wsbench/process_probe.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/channels_server.hpp"
#include "support/report_checks.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;

namespace {

// A room of its own for each, since a message to all would be ten thousand a turn; each still goes through Redis and comes back.
Task speaker(Session& user) {
  const std::string number = std::to_string(user.id());
  co_await user.request("login", R"({"id":1,"op":"login","name":"speaker )" + number + "\"}");
  co_await user.request("join", R"({"id":2,"op":"join","room":"room-)" + number + "\"}");
  for (std::uint64_t id = 3; co_await user.turn(); ++id) {
    co_await user.request("say", R"({"id":)" + std::to_string(id) + R"(,"op":"say","text":"hello"})");
  }
}

}  // namespace

TEST_CASE("what Daphne and Redis use under the heavy load is in the report", "[interop][probe]") {
  support::ChannelsServer server;
  wsbench::Scenario scenario = wsbench::scenarios::heavy();
  wsbench::Behaviour behaviour{speaker, "speaker"};
  scenario.behaviour =
      std::move(behaviour).correlate(wsbench::json_member("id")).on_message({"said", [](std::string_view message) {
                                                                               return wsbench::json_value(message, "op") == "said";
                                                                             }});
  // How fast it is depends on the machine.
  scenario.timeout = 20s;
  namespace metric = wsbench::metric;
  scenario.expect = {metric::success_rate == 1.0,
                     wsbench::parse_expectation("probe(daphne.rss).max < 2GiB"),
                     wsbench::parse_expectation("probe(redis.rss).max < 500MiB"),
                     wsbench::parse_expectation("probe(daphne.cpu).max < 150%"),
                     wsbench::parse_expectation("probe(redis.cpu).mean < 100%"),
                     metric::probe("daphne.files").max >= 100};
  const Report report =
      support::run_within(90s, wsbench::LoadTest{server.url(),
                                                 scenario,
                                                 {.probes = {wsbench::process_probe("daphne", wsbench::ByPid{server.daphne()}),
                                                             wsbench::process_probe("redis", wsbench::ByPid{server.redis()})},
                                                  .probe_every = 250ms,
                                                  .probe_after = 1s}});
  INFO(report);
  support::check_passed(report);
  const auto series = [&](const char* name) { return report.probe(name).series; };
  for (const wsbench::ProbeRecord& probe : report.probes()) {
    CAPTURE(probe.name);
    CHECK(probe.series.failures() == 0);
    CHECK(probe.series.samples() >= 4);
  }
  // A Python server has work with that, in its one thread; Redis hardly any.
  CHECK(series("daphne.cpu").max().value_or(0) > 0.1);
  CHECK(series("redis.cpu").max().value_or(0) > 0);
  CHECK(series("daphne.cpu").mean() > series("redis.cpu").mean());
  CHECK(series("daphne.rss").min().value_or(0) > 20e6);
  CHECK(series("redis.rss").min().value_or(0) > 2e6);
  CHECK(series("daphne.rss").max() > series("redis.rss").max());
  // Its clients' sockets are open while they are there, and not before or after.
  CHECK(series("daphne.files").max().value_or(0) >= series("daphne.files").min().value_or(1e9) + 50);
  CHECK(series("daphne.files").last().value_or(1e9) < series("daphne.files").max().value_or(0));
  const std::string page = to_html(report);
  for (const char* name : {"daphne.cpu", "daphne.rss", "redis.cpu", "redis.rss", "Probe: cpu", "Probe: rss"}) {
    CHECK(has(page, name));
    CHECK((std::string_view(name).starts_with("Probe: ") || has(to_text(report), name)));
  }
}
