// The monitor as a shell, cron, systemd and Prometheus see it.

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/archive.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/listening_port.hpp"
#include "support/scratch_file.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::eventually;
using support::has;
using support::Outcome;
using support::run_command_line;
using support::ScratchFile;
using support::TemporaryFolder;

namespace {

constexpr auto patience = 30s;
const std::string examples = WSBENCH_TESTS_DIR "/../examples/monitor/";
const std::string nobody = "ws://127.0.0.1:9";

std::vector<std::string> joined(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The command line's `monitor`, at a port of its own.
class MonitorProcess {
 public:
  MonitorProcess(const std::string& url, const std::vector<std::string>& arguments)
      : process_(support::redirected(joined({"monitor", url, "--listen", "127.0.0.1:0"}, arguments), errors_.name())) {
    const std::string line = process_.read_line(patience).value_or("it said nothing");
    INFO(line << errors_.content());
    REQUIRE(line.starts_with("Prometheus is answered at port "));
    port_ = static_cast<std::uint16_t>(std::stoul(line.substr(line.find_first_of("0123456789"))));
  }

  std::string scrape() const { return support::http_get(port_, "/metrics").body; }
  /// Its next line; empty if there is none in time.
  std::string line() { return process_.read_line(patience).value_or(""); }
  std::string errors() const { return errors_.content(); }
  std::optional<int> end(int signal) {
    ::kill(process_.pid(), signal);
    return process_.wait(patience);
  }

 private:
  ScratchFile errors_{};
  ChildProcess process_;
  std::uint16_t port_{0};
};

std::string content_of(const std::filesystem::path& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What a shell's command for a file comes to.
int judged_by(const std::string& command, const std::string& file) {
  ChildProcess process({"sh", "-c", command + " >&2", file});
  process.close_input();
  return process.wait(patience).value_or(-1);
}

}  // namespace

TEST_CASE("monitor --once is a run with its report and exit code, and 99 where an alert's condition is true", "[cli][monitor]") {
  const wsbench::EchoServer server({.delay = 200ms});  // so that a message has to leave over 20 ms late to be late at all
  const std::vector<std::string> once{"monitor", server.url(), "--once", "-c", "2", "-n", "5", "--think", "1ms", "-w", "1"};
  const Outcome calm = run_command_line(joined(once, {"--alert", "error_rate > 5%"}));
  CHECK(calm.exit_code == 0);
  CHECK(calm.errors.empty());
  CHECK(has(calm.out, "10 sent, 10 answered, 0 failed"));

  const TemporaryFolder folder;
  const std::string told = folder.path() / "told";
  const Outcome alarmed = run_command_line(joined(once, {"-q", "--json", folder.path() / "run.json", "--alert", "latency.p50 > 1ns for 1h",
                                                         "--on-alert", "echo $WSBENCH_STATE $WSBENCH_FIGURE >'" + told + "'"}));
  CHECK(alarmed.exit_code == 99);
  CHECK(alarmed.out.empty());
  CHECK(support::is_one_line(alarmed.errors));
  CHECK(alarmed.errors.starts_with("ALERT firing: latency.p50 > 1ns (it is "));
  CHECK(content_of(told) == "firing latency.p50\n");
  CHECK(wsbench::read_report(folder.path() / "run.json").messages().answered == 10);

  const Outcome unconnected = run_command_line({"monitor", nobody, "--once", "--alert", "latency.p95 > 1s"});
  CHECK(unconnected.exit_code == 2);
  CHECK(unconnected.errors == "ALERT firing: latency.p95 > 1s (no answer came)\n");
}

TEST_CASE("what cannot be monitored is refused in one line", "[cli][monitor]") {
  struct Row {
    std::vector<std::string> arguments;
    std::string named;
  };
  const auto row = GENERATE(values<Row>({{{"--alert", "latency > 1s"}, "wsbench: alert: \"latency > 1s\" does not say which statistic"},
                                         {{"--every", "0s"}, "wsbench: every: 0s"},
                                         {{"--listen", "here"}, "wsbench: listen: \"here\" is no address and port"},
                                         {{"--json", "run.json"}, "--once"}}));
  const Outcome outcome = run_command_line(joined({"monitor", nobody}, row.arguments));
  CHECK(outcome.exit_code == 104);
  CHECK(support::is_one_line(outcome.errors));
  CHECK(has(outcome.errors, row.named));
}

TEST_CASE("SIGTERM and SIGINT end a monitor in the middle of a round, with exit code 0", "[cli][monitor]") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  const wsbench::EchoServer server;
  MonitorProcess monitor(server.url(), {"-c", "2", "-d", "1h", "--think", "10ms"});
  REQUIRE(eventually([&] { return has(monitor.scrape(), "wsbench_monitor_connections_open{scenario=\"monitor\"} 2\n"); }, patience));
  CHECK(monitor.end(signal) == 0);
  CHECK(monitor.errors().empty());
}

TEST_CASE("a server that goes away and comes back: one alert each, though their commands hang, and two rounds are kept", "[cli][monitor]") {
  const TemporaryFolder folder;
  const std::string told = folder.path() / "told";
  const std::string rounds = folder.path() / "rounds";
  const std::uint16_t port = support::free_port();
  const std::vector<std::string> serve{WSBENCH_CLI, "serve", "--port", std::to_string(port)};
  auto server = std::make_unique<ChildProcess>(serve);
  REQUIRE(support::listens_soon(port));
  MonitorProcess monitor("ws://127.0.0.1:" + std::to_string(port),
                         {"-c", "2", "-n", "5", "--think", "1ms", "--every", "50ms", "--archive", rounds, "--alert", "error_rate > 5%",
                          "--command-timeout", "300ms", "--on-alert", "echo $WSBENCH_STATE $WSBENCH_VALUE >>'" + told + "'; sleep 600"});
  CHECK(has(monitor.line(), "passed"));
  server.reset();
  REQUIRE(eventually([&] { return content_of(told) == "firing 100%\n"; }, patience));
  server = std::make_unique<ChildProcess>(serve);
  REQUIRE(eventually([&] { return content_of(told) == "firing 100%\nrecovered 0%\n"; }, patience));
  REQUIRE(
      eventually([&] { return has(monitor.scrape(), "alert_commands_total{scenario=\"monitor\",outcome=\"timed_out\"} 2\n"); }, patience));
  CHECK(monitor.end(SIGTERM) == 0);

  const std::string errors = monitor.errors();
  CAPTURE(errors);
  CHECK(errors.starts_with("ALERT firing: error_rate > 5% (it is 100 %)\n"));
  CHECK(has(errors, "\nALERT recovered: error_rate > 5% (it is 0 %)\n"));
  CHECK(has(errors, "was killed after 300ms\n"));
  const std::vector<std::filesystem::path> kept = wsbench::Archive(rounds).files();
  REQUIRE(kept.size() == 2);
  CHECK(wsbench::read_report(kept[0]).error_rate() == 1.0);
  CHECK(wsbench::read_report(kept[1]).error_rate() == 0.0);
}

TEST_CASE("what a probe reads is on the page, and can be an alert's condition", "[cli][monitor]") {
  const wsbench::EchoServer server;
  const MonitorProcess monitor(server.url(),
                               {"-c", "1", "-n", "2", "--every", "100ms", "--probe", "queue=echo 42", "--alert", "probe(queue).max > 41"});
  REQUIRE(eventually([&] { return has(monitor.scrape(), "wsbench_monitor_probe{scenario=\"monitor\",probe=\"queue\"} 42\n"); }, patience));
  REQUIRE(eventually([&] { return has(monitor.errors(), "ALERT firing: probe(queue).max > 41"); }, patience));
}

TEST_CASE("promtool takes the page of a monitor, with names that are hostile", "[cli][monitor]") {
  const wsbench::EchoServer server;
  const MonitorProcess monitor(server.url(), {"-c", "1", "-n", "2", "--name", "\"a\\b\"\n{c} \xff", "--alert", "check{\"x\"} < 50%"});
  REQUIRE(eventually([&] { return has(monitor.scrape(), ",verdict=\"passed\"} 1\n"); }, patience));
  const TemporaryFolder folder;
  const std::string page = folder.path() / "page";
  std::ofstream(page, std::ios::binary) << monitor.scrape();
  CHECK(judged_by("promtool check metrics <\"$0\"", page) == 0);
}

TEST_CASE("the examples: rules that promtool takes, a unit that systemd takes, a configuration that runs", "[cli][monitor]") {
  CHECK(judged_by("promtool check rules \"$0\"", examples + "alerts.yml") == 0);
  const TemporaryFolder folder;
  std::string unit = content_of(examples + "wsbench-monitor.service");
  const std::string program = "/usr/local/bin/wsbench";
  REQUIRE(has(unit, program));
  unit.erase(unit.find(program), program.size()).insert(content_of(examples + "wsbench-monitor.service").find(program), WSBENCH_CLI);
  const std::string name = folder.path() / "wsbench-monitor.service";
  std::ofstream(name) << unit;
  CHECK(judged_by("! command -v systemd-analyze || systemd-analyze verify --man=no \"$0\"", name) == 0);

  const Outcome outcome = run_command_line({"monitor", "--config", examples + "wsbench-monitor.toml", "--once", "-q", "--archive",
                                            folder.path() / "rounds", "--on-alert", "true", "--timeout", "1s"});
  CAPTURE(outcome.errors);
  CHECK((outcome.exit_code == 2 || outcome.exit_code == 0));
  CHECK_FALSE(has(outcome.errors, "wsbench: "));
}
