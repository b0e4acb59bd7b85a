// Searches for a capacity, as a shell sees them.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/archive.hpp>
#include <wsbench/capacity.hpp>
#include <wsbench/report/capacity_text.hpp>
#include <wsbench/report/scalability_text.hpp>
#include <wsbench/scalability.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/eventually.hpp"
#include "support/queueing_server.hpp"
#include "support/scratch_file.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::has;
using support::is_one_line;
using support::longest_line;
using support::Outcome;
using support::QueueingServer;
using support::ScratchFile;
using support::TemporaryFolder;

namespace {

namespace metric = wsbench::metric;

constexpr auto patience = 30s;

// Steps as short as they can be.
Outcome capacity(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"capacity", "--step", "150ms", "--settle", "50ms", "--pause", "1ms"});
  return support::run_command_line(arguments);
}

}  // namespace

TEST_CASE("a capacity is told, written and kept", "[cli][capacity]") {
  const wsbench::EchoServer server;
  const TemporaryFolder folder;
  const ScratchFile page;
  const ScratchFile file;
  const std::string archive = folder.path().string();
  const Outcome outcome =
      capacity({server.url(), "--flat-out", "--from", "2", "--to", "4", "--slo", "dashboard", "--expect", "success_rate > 99%", "--archive",
                archive, "--html", page.name(), "-o", file.name(), "--name", "chat"});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.errors.empty());
  CHECK(has(outcome.out, "chat: at least 4 clients\n"));
  CHECK(has(outcome.out, "the most with success_rate > 99%, latency.p95 < 1s\n"));
  CHECK(longest_line(outcome.out) <= 80);
  const nlohmann::json json = nlohmann::json::parse(file.content());
  CHECK(json["by"] == "clients");
  CHECK(json["capacity"]["at_least"] == 4);
  CHECK(has(page.content(), "at least 4 clients"));
  // Each step is a run, which history and compare know.
  CHECK(wsbench::Archive(folder.path()).files().size() == json["steps"].size());
  CHECK(has(support::run_command_line({"history", archive}).out, "chat"));
}

TEST_CASE("a capacity may stand on stdout as JSON", "[cli][capacity]") {
  const wsbench::EchoServer server;
  const Outcome outcome = capacity({server.url(), "--by", "rate", "--from", "50/s", "--to", "50", "-c", "3", "--expect", "latency.p50 < 1s",
                                    "--watch-pid", std::to_string(::getpid()), "--json", "-"});
  INFO(outcome.out << outcome.errors);
  const nlohmann::json json = nlohmann::json::parse(outcome.out);
  CHECK(json["by"] == "messages_per_second");
  CHECK(json["steps"][0]["report"]["connections"]["attempted"] == 3);
  CHECK_FALSE(json["steps"][0]["report"]["probes"].empty());
}

TEST_CASE("the exit code of a search says what is known", "[cli][capacity]") {
  const wsbench::EchoServer server;
  SECTION("no load held") {
    const Outcome outcome = capacity({server.url(), "--flat-out", "--from", "2", "--expect", "latency.p95 < 1ns"});
    CHECK(outcome.exit_code == 99);
    CHECK(has(outcome.out, "capacity: less than 1 client\n"));
    CHECK(has(outcome.out, "limit     at 1 client: missed latency.p95 < 1ns (it is "));
  }
  SECTION("nobody is there") {
    const Outcome outcome = capacity({"ws://127.0.0.1:9", "--slo", "chat", "--flat-out"});
    CHECK(outcome.exit_code == 2);
    CHECK(has(outcome.out, "capacity: unknown\n"));
    CHECK(has(outcome.out, "nothing could connect: refused"));
  }
}

TEST_CASE("more users than this machine has files for are its limit, not the server's", "[cli][capacity]") {
  const wsbench::EchoServer server;
  ChildProcess process({"sh", "-c", "ulimit -n 32; exec \"$0\" capacity \"$@\"", WSBENCH_CLI, server.url(), "--from", "8", "--precision",
                        "50%", "--flat-out", "--slo", "dashboard", "--step", "100ms", "--settle", "0s", "--pause", "0s"});
  process.close_input();
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out);
  INFO(*out);
  CHECK(process.wait(patience) == 0);
  CHECK(has(*out, " clients: generator-limited\n"));
  CHECK(has(*out, "ulimit"));
}

TEST_CASE("what cannot be searched is refused in one line", "[cli][capacity]") {
  struct Row {
    std::vector<std::string> arguments;
    std::string named;
  };
  const auto row = GENERATE(values<Row>({
      {{}, "expect"},
      {{"--slo", "chat", "--by", "luck"}, "--by"},
      {{"--slo", "chat", "-c", "5"}, "--clients"},
      {{"--slo", "chat", "--by", "rate", "--think", "1s"}, "--think"},
      {{"--slo", "chat", "--by", "rate", "--flat-out"}, "--flat-out"},
      {{"--slo", "chat", "--precision", "5"}, "--precision"},
      {{"--slo", "chat", "--from", "many"}, "--from"},
      {{"--slo", "chat", "--steps", "0"}, "steps"},
      {{"--slo", "chat", "--think", "11s"}, "step"},
      {{"--slo", "chat", "--targets", "1,2"}, "targets"},
      {{"--slo", "chat", "--targets", "1,x"}, "--targets"},
      {{"--slo", "chat", "--html", "/nowhere/page.html"}, "--html"},
      {{"--slo", "chat", "--archive", "/proc/nowhere"}, "archive"},
  }));
  std::vector<std::string> arguments{"capacity", "ws://127.0.0.1:9"};
  arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
  CAPTURE(arguments);
  const Outcome outcome = support::run_command_line(arguments);
  CHECK(outcome.exit_code == 104);
  CHECK(outcome.out.empty());
  CHECK(is_one_line(outcome.errors));
  CHECK(has(outcome.errors, row.named));
}

TEST_CASE("an interrupted search tells what it found", "[cli][capacity]") {
  const wsbench::EchoServer server;
  const TemporaryFolder folder;
  ChildProcess process({WSBENCH_CLI, "capacity", server.url(), "--from", "2", "--flat-out", "--slo", "dashboard", "--step", "300ms",
                        "--settle", "0s", "--archive", folder.path().string()});
  REQUIRE(support::eventually([&] { return !wsbench::Archive(folder.path()).files().empty(); }));  // a step has ended
  ::kill(process.pid(), SIGINT);
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out);
  CHECK(process.wait(patience) == 105);
  CHECK(has(*out, "ended     early: it was stopped"));
  CHECK(has(*out, "2 clients  held"));
}

TEST_CASE("on a terminal each step is told as it ends", "[cli][capacity]") {
  const wsbench::EchoServer server;
  const std::string command = "'" WSBENCH_CLI "' capacity " + server.url() +
                              " --flat-out --from 1 --to 2 --slo dashboard --step 100ms --settle 0s --pause 0s >/dev/null";
  ChildProcess process({"script", "-qec", command, "/dev/null"});
  process.close_input();
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out);
  CHECK(process.wait(patience) == 0);
  CHECK(has(*out, "1 client: held\r\n2 clients: held\r\n"));
}

TEST_CASE("sets of servers are searched one after the other", "[cli][capacity]") {
  const wsbench::EchoServer one;
  const wsbench::EchoServer other;
  const ScratchFile page;
  const Outcome outcome = capacity(
      {one.url(), other.url(), "--targets", "1,2", "--flat-out", "--from", "2", "--to", "2", "--slo", "dashboard", "--html", page.name()});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.out, "        1  at least 2 clients                          100.0 %\n"));
  CHECK(has(outcome.out, "        2  at least 2 clients                          unknown\n"));
  CHECK(longest_line(outcome.out) <= 80);
  CHECK(has(page.content(), "Steps, 2 servers"));
}

// 3.7 % too much for 1.6 s makes a queue of 60 ms, which is more than what is expected; the machine's own delays may make one of 50 ms
// without a wrong answer. Loads at the precision asked: ..., 951, 1037, 993 a second.
TEST_CASE("the rate that a queue can serve is found within 5 %, in 16 steps at most", "[cli][capacity]") {
  const QueueingServer server(1ms);
  const wsbench::Scenario scenario{.name = "queue", .clients = 50, .expect = {metric::latency.p95<50ms, metric::success_rate> 0.99}};
  const wsbench::Capacity search(
      server.url(), scenario,
      {.by = wsbench::CapacityUnit::rate, .limits = {.from = 400, .most_steps = 16}, .step = 1500ms, .settle = 200ms, .pause = 50ms});
  const auto is_right = [](const wsbench::CapacityInterval& found) {
    return found.confirmed && found.at_least >= 950 && found.at_least <= 1050 && found.below >= 950 && found.below <= 1050;
  };
  wsbench::CapacityReport found = search.run();
  // On a machine that does other things too it may take a second try: of ten, nine have to be right at once (tests/long).
  if (!is_right(found.interval)) found = search.run();
  INFO(found);
  if (found.interval.generator_limit) return;  // it says that this machine was too busy, and not that the server was
  CHECK(is_right(found.interval));
  CHECK(found.knee());
}

// Precise within 10 %, since it is about the sets: two servers of 250 a second serve twice as much as one.
TEST_CASE("two servers have twice the capacity of one", "[cli][capacity]") {
  const QueueingServer one(4ms);
  const QueueingServer other(4ms);
  const wsbench::Scenario scenario{.name = "queues", .clients = 40, .expect = {metric::latency.p95 < 50ms}};
  const wsbench::Scalability search({one.url(), other.url()}, {1, 2}, scenario,
                                    {.by = wsbench::CapacityUnit::rate,
                                     .limits = {.from = 160, .precision = 0.1, .confirmations = 1},
                                     .step = 800ms,
                                     .settle = 100ms,
                                     .pause = 20ms});
  const auto is_right = [](const wsbench::ScalabilityReport& found) {
    return found.sets.size() == 2 && found.efficiency(1).at_least >= 0.8 && found.efficiency(1).at_least <= 1 &&
           found.efficiency(1).below >= 1 && found.efficiency(1).below <= 1.25;
  };
  wsbench::ScalabilityReport found = search.run();
  if (!is_right(found)) found = search.run();
  INFO(found);
  if (std::any_of(found.sets.begin(), found.sets.end(), [](const auto& set) { return set.interval.generator_limit.has_value(); })) return;
  CHECK(is_right(found));
  // The second search began where it ended.
  CHECK(found.sets.back().steps.size() < found.sets.front().steps.size());
}
