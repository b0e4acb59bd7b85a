// The files that a report goes to, as the readers they are meant for take them.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/report/csv.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/prometheus.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/full_report.hpp"
#include "support/scratch_file.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::has;
using support::Outcome;
using support::run_command_line;
using support::ScratchFile;
using support::TemporaryFolder;

namespace {

const std::string tests_dir = WSBENCH_TESTS_DIR;
const std::string golden_json = tests_dir + "/golden/report.json";
const std::string hostile_name = "<b>\"it's\"</b> & ]]> \n\t\x1b[31m \xff" + std::string(2'000, '%');

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The exit code of a program that reads the text from its input.
int judged_by(const std::string& shell_command, const std::string& text) {
  const ScratchFile file(text);
  ChildProcess process({"sh", "-c", shell_command + " 2>&1", file.name()});
  process.close_input();
  const std::optional<std::string> said = process.read_to_end(30s);
  REQUIRE(said.has_value());
  UNSCOPED_INFO(*said);
  const std::optional<int> code = process.wait(30s);
  REQUIRE(code.has_value());
  return *code;
}

const std::string xmllint = "xmllint --noout --schema '" + tests_dir + "/schemas/junit.xsd' \"$0\"";
const std::string promtool = "promtool check metrics < \"$0\"";
const std::string read_csv =
    "python3 -c '\n"
    "import csv, sys\n"
    "rows = list(csv.reader(open(sys.argv[1], newline=\"\", encoding=\"utf-8\"), strict=True))\n"
    "assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}, rows\n"
    "' \"$0\"";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), with);
}

std::vector<std::string> short_run(const wsbench::EchoServer& server, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"run", server.url(), "-c", "2", "-n", "3"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

const std::vector<std::string> forms{"--json", "--html", "--junit", "--markdown", "--csv", "--csv-series", "--prometheus", "--hdr-log"};

}  // namespace

TEST_CASE("JUnit is valid by its schema, and a damaged one is not", "[cli][report_files]") {
  const std::string text = wsbench::to_junit(support::full_report());
  CHECK(judged_by(xmllint, text) == 0);
  CHECK(judged_by(xmllint, replaced(text, " hostname=", " host=")) != 0);
  CHECK(judged_by(xmllint, replaced(text, "&lt;b&gt;", "<b>")) != 0);
  CHECK(judged_by(xmllint, replaced(text, "time=\"", "time=\"n/a")) != 0);
}

TEST_CASE("JSON is valid by its schema, which notices each key that is gone, added, or of another type", "[cli][report_files]") {
  const std::string schema = tests_dir + "/../include/wsbench/report/report.schema.json";
  const std::string check = "python3 '" + tests_dir + "/schemas/check_report_schema.py' '" + schema + "' \"$0\"";
  const std::string text = wsbench::to_json_text(support::full_report());
  CHECK(judged_by(check, text) == 0);
  CHECK(judged_by(check, replaced(text, "\"verdict\": \"failed\"", "\"verdict\": \"perfect\"")) != 0);
  CHECK(judged_by(check, replaced(text, "\"answered\": 1357", "\"answered\": -1")) != 0);
  CHECK(judged_by(check, replaced(text, "\"valid\": true,", "")) != 0);
  CHECK(judged_by(check, wsbench::to_json_text(wsbench::Report{wsbench::RunRecord{}})) == 0);
}

TEST_CASE("promtool takes the Prometheus text, and not a damaged one", "[cli][report_files]") {
  const std::string text = wsbench::to_prometheus(support::full_report());
  CHECK(judged_by(promtool, text) == 0);
  CHECK(judged_by(promtool, text + "wsbench_more{label=\"a\"b\"} 1\n") != 0);
  CHECK(judged_by(promtool, text + "wsbench_more{label=\"a\"} n/a\n") != 0);
}

TEST_CASE("CSV is what Python reads", "[cli][report_files]") {
  CHECK(judged_by(read_csv, wsbench::to_csv(support::full_report())) == 0);
  CHECK(judged_by(read_csv, wsbench::to_series_csv(support::full_report())) == 0);
  CHECK(judged_by(read_csv, "a,b\n1,2\n\"x\"y,3\n") != 0);
}

TEST_CASE("a run with a hostile name is written in every form at once, and shown again the same", "[cli][report_files]") {
  const wsbench::EchoServer server;
  const TemporaryFolder folder;
  std::vector<std::string> arguments = short_run(server, {"--name", hostile_name, "--expect", "latency.max < 1h"});
  for (const std::string& form : forms) {
    arguments.push_back(form);
    arguments.push_back(folder.path() / form.substr(2));
  }
  const Outcome outcome = run_command_line(arguments);
  INFO(outcome.errors);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.errors.empty());
  CHECK(has(outcome.out, "6 sent, 6 answered, 0 failed"));

  const std::string json = content_of(folder.path() / "json");
  const wsbench::Report report = wsbench::report_from_json(json);
  CHECK(report.messages().answered == 6);
  CHECK(judged_by(xmllint, content_of(folder.path() / "junit")) == 0);
  CHECK(judged_by(promtool, content_of(folder.path() / "prometheus")) == 0);
  CHECK(judged_by(read_csv, content_of(folder.path() / "csv")) == 0);
  CHECK(judged_by(read_csv, content_of(folder.path() / "csv-series")) == 0);
  for (const std::string& form : forms) {
    INFO(form);
    const Outcome shown = run_command_line({"show", folder.path() / "json", form, "-"});
    CHECK(shown.exit_code == 0);
    CHECK(shown.out == content_of(folder.path() / form.substr(2)));
  }
}

TEST_CASE("a saved run is rendered again, and its verdict is the exit code", "[cli][report_files]") {
  const TemporaryFolder folder;
  const std::string csv = folder.path() / "out.csv";
  const Outcome shown = run_command_line({"show", golden_json, "--csv", csv});
  CHECK(shown.exit_code == 99);
  CHECK(shown.errors.empty());
  CHECK(has(shown.out, "Expectations"));
  const wsbench::Report report = wsbench::report_from_json(content_of(golden_json));
  CHECK(content_of(csv) == wsbench::to_csv(report));
  const Outcome merged = run_command_line({"merge", golden_json, golden_json, "--junit", "-"});
  CHECK(has(merged.out, "<testsuites>"));
  CHECK_FALSE(has(merged.out, "Expectations"));
}

TEST_CASE("a full disk is told of, the report is on stdout, and the other files are written", "[cli][report_files]") {
  const wsbench::EchoServer server;
  const std::string form = GENERATE("--json", "--html", "--junit", "--markdown", "--csv", "--csv-series", "--prometheus", "--hdr-log");
  const bool quiet = GENERATE(false, true);
  CAPTURE(form, quiet);
  const ScratchFile other;
  std::vector<std::string> more{form, "/dev/full", form == "--json" ? "--csv" : "--json", other.name()};
  if (quiet) more.emplace_back("--quiet");
  const Outcome outcome = run_command_line(short_run(server, more));
  CHECK(outcome.exit_code == 1);
  CHECK(has(outcome.out, "6 sent, 6 answered, 0 failed"));
  CHECK(outcome.errors == "wsbench: " + form + ": writing to \"/dev/full\" failed: is the disk full?\n");
  CHECK(has(other.content(), "answered"));
}

TEST_CASE("every file that could not be written is told of", "[cli][report_files]") {
  const Outcome outcome = run_command_line({"merge", golden_json, "--junit", "/dev/full", "--csv", "/dev/full"});
  CHECK(outcome.exit_code == 99);  // the verdict comes first
  CHECK(has(outcome.errors, "--junit: writing"));
  CHECK(has(outcome.errors, "; --csv: writing"));
  CHECK(has(outcome.out, "FAILED"));
}

TEST_CASE("a form on stdout is not followed by the text, whatever else could not be written", "[cli][report_files]") {
  const wsbench::EchoServer server;
  const Outcome outcome = run_command_line(short_run(server, {"--json", "-", "--csv", "/dev/full"}));
  CHECK(outcome.exit_code == 1);
  CHECK(wsbench::report_from_json(outcome.out).messages().answered == 6);
}

TEST_CASE("a file that cannot be opened, and two forms on stdout, are refused before the run", "[cli][report_files]") {
  const wsbench::EchoServer server;
  const std::string form = GENERATE("--json", "--html", "--junit", "--markdown", "--csv", "--csv-series", "--prometheus", "--hdr-log");
  CAPTURE(form);
  for (const char* place : {"/nowhere/report", "/dev/null/report", "/"}) {
    const Outcome outcome = run_command_line(short_run(server, {form, place}));
    CHECK(outcome.exit_code == 104);
    CHECK(outcome.errors.starts_with("wsbench: " + form + ": cannot write to \"" + place + "\": "));
    CHECK(outcome.out.empty());
  }
  const std::string other = form == "--csv" ? "--junit" : "--csv";
  const Outcome twice = run_command_line(short_run(server, {form, "-", other, "-"}));
  CHECK(twice.exit_code == 104);
  CHECK(has(twice.errors, "goes to stdout already"));
  CHECK(server.counts().connections == 0);
}

TEST_CASE("in a job of GitHub's the summary gets the report, and stderr a line for each miss", "[cli][report_files]") {
  const wsbench::EchoServer server;
  const ScratchFile summary("# What was there before\n");
  const std::vector<std::string> arguments =
      short_run(server, {"--name", "echo", "--expect", "latency.max < 1ns", "--expect", "errors == 0"});
  const Outcome outcome = run_command_line(arguments, {}, {"GITHUB_STEP_SUMMARY=" + summary.name()});
  CHECK(outcome.exit_code == 99);
  CHECK(summary.content().starts_with("# What was there before\n## echo: FAILED\n"));
  CHECK(outcome.errors.starts_with("::error title=wsbench echo::latency.max < 1ns: it is "));
  CHECK(outcome.errors.find('\n') == outcome.errors.size() - 1);

  const Outcome passed = run_command_line(short_run(server, {}), {}, {"GITHUB_STEP_SUMMARY=" + summary.name()});
  CHECK(passed.exit_code == 0);
  CHECK(passed.errors.empty());
  CHECK(has(summary.content(), "\n## custom: PASSED\n"));

  const Outcome shown = run_command_line({"show", golden_json}, {}, {"GITHUB_STEP_SUMMARY=" + summary.name()});
  CHECK(shown.errors.empty());  // it was told when it ran
  const Outcome elsewhere = run_command_line(arguments);
  CHECK(elsewhere.errors.empty());

  const Outcome full = run_command_line(short_run(server, {}), {}, {"GITHUB_STEP_SUMMARY=/dev/full"});
  CHECK(full.exit_code == 1);
  CHECK(has(full.out, "6 answered"));
  CHECK(full.errors == "wsbench: GITHUB_STEP_SUMMARY: writing to \"/dev/full\" failed\n");
}
