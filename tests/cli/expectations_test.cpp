// What can be expected on the command line, and the exit code it leads to.

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/command_line.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using support::Outcome;
using support::run_command_line;

namespace {

Outcome run_with(const wsbench::EchoServer& server, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"run", server.url(), "-c", "2", "-n", "20"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_command_line(arguments);
}

}  // namespace

TEST_CASE("each expectation has its verdict and exit code", "[cli][expectations]") {
  struct Row {
    std::string text{};
    int exit_code{0};
    std::string said{};  ///< in the report, or in the error where it is refused
  };
  const auto row = GENERATE(values<Row>({
      // met
      {"latency.p95 < 20s", 0, "met     latency.p95 < 20s"},
      {"success_rate > 99%", 0, "met     success_rate > 99%"},
      {"success_rate >= 1", 0, "met     success_rate >= 100%"},
      {"connect.max < 2s", 0, "met     connect_time.max < 2s"},
      {"connect_time.mean < 2s", 0, "met     connect_time.mean < 2s"},
      {"connection_success_rate == 100%", 0, "met     connection_success_rate == 100%"},
      {"messages_per_second > 5", 0, "met     messages_per_second > 5/s"},
      {"errors == 0", 0, "met     errors == 0"},
      {"service_time.min>0s", 0, "met     service_time.min > 0s"},
      // missed
      {"latency.p95 < 1ns", 99, "MISSED  latency.p95 < 1ns"},
      {"success_rate < 99%", 99, "MISSED  success_rate < 99%"},
      {"connect.max < 1us", 99, "MISSED  connect_time.max < 1us"},
      {"messages_per_second > 900M", 99, "MISSED  messages_per_second > 900000000/s"},
      {"errors > 0", 99, "MISSED  errors > 0"},
      // no data is a miss, and says so
      {"latency{post}.p99 < 1s", 99, "latency{post}.p99 < 1s (n/a: not measured)"},
      {"latency.p99_9 < 1h", 99, "latency.p99_9 < 1h (n/a: not measured)"},
      {"check{welcomed} >= 0%", 99, "check{welcomed} >= 0% (n/a: not measured)"},
      {"ping.max < 1h", 99, "ping.max < 1h (n/a: not measured)"},
      {"missing_deliveries == 0", 99, "missing_deliveries == 0 (n/a: not measured)"},
      // refused before the run
      {"", 104, "compares nothing"},
      {" ", 104, "compares nothing"},
      {"latency.p95", 104, "compares nothing"},
      {"speed < 3", 104, "unknown figure \"speed\""},
      {"latency.p42 < 1s", 104, "unknown statistic \"p42\""},
      {"latency < 1s", 104, "which statistic"},
      {"errors.max == 0", 104, "does not take"},
      {"latency.p95 <", 104, "is empty"},
      {"latency.p95 < 200", 104, "has no unit"},
      {"latency.p95 < 200parsecs", 104, "unknown unit \"parsecs\""},
      {"messages_per_second > 5/d", 104, "unknown unit"},
      {"success_rate > most", 104, "no share"},
      {"latency.p95 =< 1s", 104, "unknown comparison \"=<\""},
      {"latency{post.p95 < 1s", 104, "closing brace"},
      {"check > 99%", 104, "which check"},
  }));
  CAPTURE(row.text);
  const wsbench::EchoServer server;
  const Outcome outcome = run_with(server, {"--expect", row.text});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == row.exit_code);
  std::string said = row.exit_code == 104 ? outcome.errors : outcome.out;
  // A report's lines are wrapped.
  for (std::size_t at = said.find("\n "); at != said.npos; at = said.find("\n ", at)) {
    said[at] = ' ';
    said.erase(at + 1, std::min(said.find_first_not_of(' ', at + 1), said.size()) - at - 1);
  }
  CHECK(has(said, row.said));
  if (row.exit_code == 104) {
    CHECK(outcome.errors.find('\n') == outcome.errors.size() - 1);
    CHECK(server.counts().connections == 0);
  }
}

TEST_CASE("one expectation that is missed among others fails the run", "[cli][expectations]") {
  const wsbench::EchoServer server;
  CHECK(run_with(server, {"--expect", "errors == 0", "--expect", "latency.max < 1ns", "--expect", "success_rate > 9%"}).exit_code == 99);
  CHECK(run_with(server, {"--expect", "errors == 0", "--expect", "success_rate > 9%"}).exit_code == 0);
}

TEST_CASE("a service level is expected by its name, beside other expectations", "[cli][expectations]") {
  const wsbench::EchoServer slow({.delay = 150ms});
  const Outcome chat = run_with(slow, {"--slo", "chat", "--expect", "errors == 0"});
  CHECK(chat.exit_code == 99);
  CHECK(has(chat.out, "MISSED  latency.p95 < 100ms"));
  CHECK(has(chat.out, "met     errors == 0"));
  const Outcome notifications = run_with(slow, {"--slo", "notifications"});
  CHECK(has(notifications.out, "latency.p95 < 500ms"));
  CHECK(has(run_with(slow, {"--slo", "dashboard"}).out, "latency.p95 < 1s"));
  const Outcome unknown = run_with(slow, {"--slo", "game"});
  CHECK(unknown.exit_code == 104);
  CHECK(unknown.errors == "wsbench: --slo: \"game\" is no service level: give one of chat, notifications, dashboard\n");
}

TEST_CASE("a standard load is ended when it is lost, where that is asked for", "[cli][expectations]") {
  const wsbench::EchoServer slow({.delay = 200ms});
  const Outcome outcome = run_command_line({"run", slow.url(), "-c", "2", "-d", "1h", "--slo", "chat", "--abort-on-fail", "1s"});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == 99);
  CHECK(has(outcome.out, "when latency.p95 < 100ms was missed"));
  const Outcome nothing_to_miss = run_with(slow, {"--abort-on-fail", "1s"});
  CHECK(nothing_to_miss.exit_code == 104);
  CHECK(has(nothing_to_miss.errors, "abort_on_fail"));
}
