// Runs that are kept, told of and compared, as a shell sees it.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/archive.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::has;
using support::is_one_line;
using support::longest_line;
using support::Outcome;
using support::run_command_line;
using support::TemporaryFolder;
using wsbench::Archive;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

// What a shell prints for a command in a folder, without the line's end.
std::string printed_in(const std::filesystem::path& folder, const std::string& command) {
  ChildProcess process({"sh", "-c", "cd \"$0\" && " + command, folder.string()}, {"GITHUB_SHA=", "CI_COMMIT_SHA=", "GITHUB_STEP_SUMMARY="});
  process.close_input();
  std::optional<std::string> out = process.read_to_end(30s);
  REQUIRE(out.has_value());
  REQUIRE(process.wait(30s).has_value());
  while (out->ends_with('\n')) out->pop_back();
  return *out;
}

// The commit that a run in that folder says it tested.
std::string commit_told_in(const std::filesystem::path& folder, const wsbench::EchoServer& server) {
  const std::string json = printed_in(folder, WSBENCH_CLI " run " + server.url() + " -c 1 -n 1 --json -");
  const nlohmann::json commit = nlohmann::json::parse(json)["commit"];
  return commit.is_null() ? "none" : commit.get<std::string>();
}

// Fills a folder with runs of one commit, whose answers took this long.
void fill(const std::filesystem::path& folder, std::size_t count, const std::string& commit, std::chrono::nanoseconds latency,
          const std::string& scenario = "chat") {
  const Archive archive(folder);
  archive.prepare();
  for (std::size_t run = 0; run < count; ++run) {
    wsbench::MetricsCollector collector;
    const auto label = collector.label("ask");
    collector.connection_attempted();
    collector.connection_opened({.total = 2ms});
    for (int message = 0; message < 200; ++message) {
      collector.sent(label, 0ms);
      collector.received();
      collector.answered(label, latency + static_cast<int>(run) * 10us, latency);
    }
    RunRecord record;
    record.scenario = scenario;
    record.commit = commit;
    record.started_at = std::chrono::system_clock::time_point{} + 1'795'508'301s + static_cast<int>(run) * 24h;
    record.duration = 2s;
    record.metrics = collector.snapshot();
    record.configuration.pace = wsbench::think(10ms);
    record.configuration.population = 1;
    record.configuration.clients = 1;
    archive.keep(Report{record});
  }
}

}  // namespace

TEST_CASE("an archive keeps each run with its commit, and the history tells of them", "[cli][archive]") {
  const wsbench::EchoServer server;
  const TemporaryFolder folder;
  const std::string runs = (folder.path() / "kept" / "runs").string();
  for (const char* const commit : {"aa11", "bb22"}) {
    const Outcome outcome =
        run_command_line({"run", server.url(), "--name", "ask twice", "-c", "2", "-n", "3", "--archive", runs, "--commit", commit});
    INFO(outcome.out << outcome.errors);
    CHECK(support::passed_or_late(outcome));
    CHECK(has(outcome.out, commit));
  }
  CHECK(support::passed_or_late(run_command_line({"light", server.url(), "-q", "--archive", runs, "--commit", "cc33"})));
  const std::vector<std::filesystem::path> files = Archive(runs).files();
  REQUIRE(files.size() == 3);
  CHECK(has(files[0].filename().string(), "-ask_twice-aa11.json"));
  const Report first = wsbench::read_report(files[0]);
  CHECK(first.record().commit == "aa11");
  CHECK(first.record().environment.cores > 0);
  CHECK(first.messages().answered == 6);

  const Outcome history = run_command_line({"history", runs});
  INFO(history.out);
  CHECK(history.exit_code == 0);
  CHECK(history.errors.empty());
  CHECK(longest_line(history.out) <= 80);
  CHECK(history.out.find("aa11") < history.out.find("bb22"));
  CHECK(history.out.find("bb22") < history.out.find("cc33"));
  CHECK(has(history.out, "too few"));
}

TEST_CASE("a broken file in an archive is named and skipped; given alone, it is refused", "[cli][archive]") {
  const TemporaryFolder folder;
  fill(folder.path(), 5, "aa11", 20ms);
  const std::filesystem::path broken = folder.path() / "2026-12-01-broken.json";
  std::ofstream(broken) << "{\"schema_version\": 2}";
  const Outcome history = run_command_line({"history", folder.path().string()});
  CHECK(history.exit_code == 0);
  CHECK(has(history.out, "unchanged"));
  CHECK(is_one_line(history.errors));
  CHECK(has(history.errors, "skipped: \"" + broken.string() + "\": schema_version: was written by a newer version"));

  const Outcome compared = run_command_line({"compare", folder.path().string(), folder.path().string()});
  CHECK(compared.exit_code == 0);
  CHECK(has(compared.out, "chat: UNCHANGED"));
  const Outcome refused = run_command_line({"compare", broken.string(), folder.path().string()});
  CHECK(refused.exit_code == 104);
  CHECK(refused.out.empty());
  CHECK(has(refused.errors, broken.string()));
  CHECK(has(refused.errors, "schema_version"));
}

TEST_CASE("versions are compared by their commits, and a regression is exit code 99 where that is asked for", "[cli][archive]") {
  const TemporaryFolder folder;
  const std::string runs = folder.path().string();
  fill(folder.path(), 8, "aa11ff", 20ms);
  fill(folder.path(), 8, "bb22ff", 30ms);
  fill(folder.path(), 8, "bb22ff", 20ms, "other");  // of which there is nothing to compare with
  const std::vector<std::string> slower{"compare", runs, runs, "--base-commit", "aa11", "--new-commit", "bb22"};
  const Outcome told = run_command_line(slower);
  INFO(told.out << told.errors);
  CHECK(told.exit_code == 0);
  CHECK(is_one_line(told.errors));
  CHECK(has(told.errors, "not compared: runs that no run of the old version is like: they differ in scenario (\"chat\" and \"other\")"));
  CHECK(told.out.starts_with("chat: WORSE\nbase  8 runs of aa11ff\nnew   8 runs of bb22ff\n"));
  CHECK(has(told.out, "worse      latency.p95"));
  CHECK(longest_line(told.out) <= 80);

  std::vector<std::string> failing = slower;
  failing.insert(failing.end(), {"--fail-on-regression", "--json", "-"});
  const Outcome failed = run_command_line(failing);
  CHECK(failed.exit_code == 99);
  const nlohmann::json document = nlohmann::json::parse(failed.out);
  REQUIRE(document.size() == 1);
  CHECK(document[0]["any_worse"] == true);
  CHECK(document[0]["figures"][0]["change"] == "worse");

  const Outcome better = run_command_line({"compare", runs, runs, "--base-commit", "bb22", "--new-commit", "aa11", "--fail-on-regression"});
  CHECK(better.exit_code == 0);
  CHECK(has(better.out, "chat: BETTER"));
}

TEST_CASE("one run a side cannot be told apart", "[cli][archive]") {
  const TemporaryFolder folder;
  fill(folder.path(), 1, "aa11", 20ms);
  fill(folder.path(), 1, "bb22", 90ms);
  const std::vector<std::filesystem::path> files = Archive(folder.path()).files();
  REQUIRE(files.size() == 2);
  const Outcome outcome = run_command_line({"compare", files[0].string(), files[1].string(), "--fail-on-regression"});
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.out, "it takes 5 of either version"));
  CHECK_FALSE(has(outcome.out, "WORSE"));
}

TEST_CASE("what cannot be kept or compared is refused in one line that names what is wrong", "[cli][archive]") {
  const TemporaryFolder folder;
  const std::string runs = (folder.path() / "runs").string();
  const std::string others = (folder.path() / "others").string();
  const std::string empty = (folder.path() / "empty").string();
  fill(runs, 1, "aa11", 20ms);
  fill(others, 1, "aa11", 20ms, "other");
  Archive(empty).prepare();
  struct Row {
    std::vector<std::string> arguments;
    std::string named;
  };
  const std::vector<Row> rows{{{"run", "ws://127.0.0.1:9", "-c", "1", "-n", "1", "--archive", "/dev/null/x"}, "/dev/null/x"},
                              {{"history"}, "folder"},
                              {{"history", "/no/such/folder"}, "/no/such/folder"},
                              {{"compare", runs}, "new"},
                              {{"compare", runs, "/no/such/file"}, "/no/such/file"},
                              {{"compare", runs, empty}, empty},
                              {{"compare", runs, runs, "--base-commit", "bb22"}, "bb22"},
                              {{"compare", runs, others}, "scenario (\"chat\" and \"other\")"},
                              {{"compare", runs, runs, "--json", "/no/such/folder/x"}, "--json"}};
  for (const Row& row : rows) {
    CAPTURE(row.arguments);
    const Outcome outcome = run_command_line(row.arguments);
    INFO(outcome.errors);
    CHECK(outcome.exit_code == 104);
    CHECK(outcome.out.empty());
    CHECK(is_one_line(outcome.errors));
    CHECK(has(outcome.errors, row.named));
  }
}

TEST_CASE("a run that cannot be kept any more is printed all the same", "[cli][archive]") {
  const TemporaryFolder folder;
  const std::string runs = (folder.path() / "runs").string();
  // The server takes the folder away while the run is on.
  wsbench::EchoServer server({.delay = 500ms});
  ChildProcess process({WSBENCH_CLI, "run", server.url(), "-c", "1", "-n", "1", "--archive", runs}, {"GITHUB_STEP_SUMMARY="});
  process.close_input();
  while (server.counts().messages == 0) std::this_thread::yield();
  std::filesystem::remove(runs);
  const std::optional<std::string> out = process.read_to_end(30s);
  REQUIRE(out.has_value());
  CHECK(has(*out, "1 answered"));
  CHECK(process.wait(30s) == 1);
}

TEST_CASE("the commit is what is given, else what CI says, else git's HEAD", "[cli][archive]") {
  const wsbench::EchoServer server;
  const auto told = [&](const std::vector<std::string>& more, const std::vector<std::string>& environment) {
    std::vector<std::string> arguments{"run", server.url(), "-c", "1", "-n", "1", "--json", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(run_command_line(arguments, {}, environment).out)["commit"].get<std::string>();
  };
  CHECK(told({"--commit", "v1.2"}, {"GITHUB_SHA=aa", "CI_COMMIT_SHA=bb"}) == "v1.2");
  CHECK(told({}, {"GITHUB_SHA=aa", "CI_COMMIT_SHA=bb"}) == "aa");
  CHECK(told({}, {"GITHUB_SHA=", "CI_COMMIT_SHA=bb"}) == "bb");

  const TemporaryFolder folder;
  CHECK(commit_told_in(folder.path(), server) == "none");
  const std::filesystem::path work = folder.path() / "work";
  std::filesystem::create_directories(work / "deep" / "down");
  const std::string git = "git -c user.name=a -c user.email=a@example.org -c init.defaultBranch=main ";
  const auto head_of = [](const std::filesystem::path& where) { return printed_in(where, "git rev-parse HEAD"); };
  printed_in(work, git + "init -q . && " + git + "commit -q --allow-empty -m one");
  REQUIRE(head_of(work).size() == 40);
  CHECK(commit_told_in(work / "deep" / "down", server) == head_of(work));
  printed_in(work, git + "pack-refs --all");
  CHECK(commit_told_in(work, server) == head_of(work));
  printed_in(work, git + "worktree add -q -b other ../other && cd ../other && " + git + "commit -q --allow-empty -m two");
  REQUIRE(head_of(folder.path() / "other") != head_of(work));
  CHECK(commit_told_in(folder.path() / "other", server) == head_of(folder.path() / "other"));
  printed_in(work, git + "checkout -q --detach");
  CHECK(commit_told_in(work, server) == head_of(work));
}
