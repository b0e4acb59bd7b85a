// Probes on the command line.

#include <cstddef>
#include <string>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/command_line.hpp"
#include "support/text_checks.hpp"

using support::has;
using support::Outcome;
using support::run_command_line;

namespace {

Outcome run_with(const wsbench::EchoServer& server, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"run", server.url(), "-c", "2", "-n", "10"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_command_line(arguments);
}

// Without the ends of its lines, which fall where there are as many readings as there are.
std::string unwrapped(std::string text) {
  for (std::size_t at = 0; (at = text.find("\n  ", at)) != text.npos;) text.erase(at, 2);
  return text;
}

}  // namespace

TEST_CASE("commands and processes are probed, and expectations know them", "[cli][probe]") {
  wsbench::EchoServer server;
  const std::string port = std::to_string(server.port());
  const Outcome run = run_with(server, {"--probe", "lines=echo a=3; echo b=4", "--probe", "broken=echo none", "--watch-port", port,
                                        "--watch-pid", "gone=4194304", "--watch-name", "no-such-program", "--probe-every", "2s", "--expect",
                                        "probe(lines).max == 3", "--expect", "probe(server.rss).min > 1MiB"});
  INFO(run.out << run.errors);
  CHECK(has(run.out, "  lines                  3        3        3"));
  CHECK(has(run.out, "met     probe(server.rss).min > 1MiB"));
  const std::string said = unwrapped(run.out);
  CHECK(has(said, R"(first before the load: printed no number: "none")"));
  CHECK(has(said, "there is no process 4194304"));
  CHECK(has(said, R"(no process is called "no-such-program")"));
  const Outcome missed = run_with(server, {"--probe", "lines=echo 3", "--expect", "probe(lines).max < 3"});
  CHECK(missed.exit_code == 99);
  // Whether it is valid is for the machine to say.
  const Outcome light = run_command_line({"light", server.url(), "--probe", "lines=echo 3", "--expect", "probe(lines).last == 3"});
  CHECK(has(light.out, "met     probe(lines).last == 3"));
}

TEST_CASE("what is no probe is refused in a line before anything is run", "[cli][probe]") {
  struct Row {
    std::vector<std::string> flags{};
    std::string said{};
  };
  const auto row = GENERATE(values<Row>({{{"--probe", "redis-cli info"}, "--probe: "},
                                         {{"--probe", "x="}, "--probe: "},
                                         {{"--watch-pid", "x"}, "--watch-pid: \"x\" is no number"},
                                         {{"--watch-pid", "server="}, "--watch-pid: "},
                                         {{"--watch-port", "70000"}, "--watch-port: \"70000\" is no number from 1 to 65535"},
                                         {{"--watch-name", "api="}, "--watch-name: "},
                                         {{"--probe-every", "0s"}, "probe_every: "},
                                         {{"--watch-pid", "1", "--watch-pid", "2"}, "\"server.cpu\" is there twice"},
                                         {{"--probe", "a(b)=echo 1"}, "\"a(b)\" is no name"},
                                         {{"--expect", "probe(absent).max < 5"}, "is of no probe"},
                                         {{"--probe", "x=echo 1", "--expect", "probe(x).max < 5MiB"}, "counts in no bytes"}}));
  CAPTURE(row.said);
  std::vector<std::string> arguments{"run", "ws://127.0.0.1:9", "-c", "1", "-n", "1"};
  arguments.insert(arguments.end(), row.flags.begin(), row.flags.end());
  const Outcome refused = run_command_line(arguments);
  INFO(refused.errors);
  CHECK(refused.exit_code == 104);
  CHECK(has(refused.errors, row.said));
  CHECK(refused.errors.find('\n') == refused.errors.size() - 1);
}
