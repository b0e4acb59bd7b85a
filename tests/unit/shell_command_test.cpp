#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <wsbench/run/process.hpp>
#include <wsbench/run/shell_command.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using wsbench::CommandResult;
using wsbench::run_command;

namespace {

// Whether it is no more, or waits to be reaped by whoever inherited it.
bool is_dead(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  if (!std::getline(file, text)) return true;
  return text.substr(text.rfind(')') + 2, 1) == "Z";
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

TEST_CASE("a command's output, its errors and its exit status are told", "[shell_command]") {
  const CommandResult good = run_command({.command = "echo 12 | tr 1 4; echo oh >&2"});
  CHECK(good.output == "42\n");
  CHECK(good.errors == "oh\n");
  CHECK(good.succeeded());
  const CommandResult bad = run_command({.command = "exit 3"});
  CHECK(bad.exit_status == 3);
  CHECK_FALSE(bad.succeeded());
  CHECK(run_command({.command = "no-such-command-at-all"}).exit_status == 127);
  const CommandResult killed = run_command({.command = "kill -9 $$"});
  CHECK(killed.signal == 9);
  CHECK_FALSE(killed.exit_status.has_value());
  CHECK_FALSE(killed.timed_out);
  CHECK_THROWS_AS(run_command({.command = std::string("a\0b", 3)}), wsbench::Error);
}

TEST_CASE("a command has an empty input and the environment with what is added to it", "[shell_command]") {
  ::setenv("WSBENCH_TEST_KEPT", "kept", 1);
  ::setenv("WSBENCH_TEST_REPLACED", "before", 1);
  const CommandResult result = run_command({.command = "cat; echo $WSBENCH_TEST_KEPT $WSBENCH_TEST_REPLACED $WSBENCH_TEST_ADDED",
                                            .extra = {{"WSBENCH_TEST_REPLACED", "after"}, {"WSBENCH_TEST_ADDED", "a b\"c'"}}});
  CHECK(result.output == "kept after a b\"c'\n");
}

TEST_CASE("what a command prints beyond its limit is read and dropped", "[shell_command]") {
  const CommandResult result = run_command({.command = "head -c 3000000 /dev/zero | tr '\\0' x; echo done >&2", .output_limit = 1'000});
  CHECK(result.output == std::string(1'000, 'x'));
  CHECK(result.errors == "done\n");
  CHECK(result.succeeded());
}

TEST_CASE("a command that does not end is killed at its timeout, with all that it started", "[shell_command]") {
  const std::string command = GENERATE("echo $$; exec sleep 1000", "echo $$; sleep 1000", "echo $$; yes", "echo $$; yes | cat",
                                       "echo $$; trap '' TERM INT; while :; do sleep 1; done", "echo $$; exec >&- 2>&-; sleep 1000");
  CAPTURE(command);
  const CommandResult result = run_command({.command = command, .timeout = 50ms, .output_limit = 10'000});
  CHECK(result.timed_out);
  CHECK(result.signal == 9);
  CHECK_FALSE(result.succeeded());
  CHECK(result.took >= 50ms);
  CHECK(result.took < 10s);
  CHECK(result.output.size() <= 10'000);
  CHECK(is_dead(first_line(result.output)));
  CHECK_FALSE(has_children());
}

TEST_CASE("a command has ended though its child keeps the pipe open, and the child goes too", "[shell_command]") {
  const CommandResult result = run_command({.command = "sleep 1000 & echo $!", .timeout = 30s});
  CHECK(result.succeeded());
  CHECK(result.took < 20s);
  const std::string child = first_line(result.output);
  REQUIRE_FALSE(child.empty());
  CHECK(support::eventually([&] { return is_dead(child); }));
}

TEST_CASE("who waits for a command can end it", "[shell_command]") {
  std::atomic<bool> stop{false};
  std::thread stopper([&] { stop = true; });
  const CommandResult result = run_command({.command = "sleep 1000", .timeout = 100s}, stop);
  stopper.join();
  CHECK(result.signal == 9);
  CHECK_FALSE(result.timed_out);
  CHECK(result.took < 50s);
}

TEST_CASE("a command leaves neither a descriptor nor a child behind", "[shell_command]") {
  const auto before = wsbench::detail::open_files();
  for (int n = 0; n < 5; ++n) run_command({.command = "echo $$; sleep 1000 &"});
  for (int n = 0; n < 5; ++n) run_command({.command = "yes", .timeout = 2ms});
  CHECK(wsbench::detail::open_files() == before);
  CHECK_FALSE(has_children());
}

TEST_CASE("a command has none of this program's descriptors", "[shell_command]") {
  const int open = ::dup(STDIN_FILENO);  // as Asio opens its sockets: not to be closed in a process that is started
  REQUIRE(open > STDERR_FILENO);
  const CommandResult result = run_command({.command = "test -e /proc/self/fd/0 && test ! -e /proc/self/fd/" + std::to_string(open)});
  ::close(open);
  CHECK(result.succeeded());
}
