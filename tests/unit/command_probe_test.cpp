#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <wsbench/command_probe.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::detail::number_in;

namespace {

// What a command's reading failed for.
std::string problem_of(const std::string& command, std::chrono::nanoseconds timeout = 10s) {
  const std::atomic<bool> stop{false};
  try {
    wsbench::command_probe("x", command).open()->read(timeout, stop);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("the number that a command printed is found", "[command_probe][probe]") {
  CHECK(number_in("42\n") == 42.0);
  CHECK(number_in("  -1.5e3 ") == -1500.0);
  CHECK(number_in("+7") == 7.0);
  CHECK(number_in("used_memory:1048576\r\nused_memory_human:1.00M\r\n") == 1048576.0);
  CHECK(number_in("connected_clients=12,") == 12.0);
  CHECK(number_in("(integer) 5") == 5.0);
  CHECK(number_in(R"({"depth":3})") == 3.0);
  CHECK(number_in("12.5%") == 12.5);
  CHECK(number_in(" count \n-------\n    17\n(1 row)\n") == 17.0);
  CHECK(number_in("db0 has 4 keys") == 4.0);
}

TEST_CASE("half of something else is no number", "[command_probe][probe]") {
  for (const char* text : {"", "\n", "n/a", "1.5M", "1,234", "12:30", "10.0.0.1", "2026-11-28", "0x10", "inf", "nan", "-", "- 5x", "v1.2.3",
                           "5apples", "1e999", "one"}) {
    CAPTURE(text);
    CHECK_FALSE(number_in(text).has_value());
  }
}

TEST_CASE("a command's number is read", "[command_probe][probe]") {
  const std::atomic<bool> stop{false};
  const wsbench::Probe probe = wsbench::command_probe("x", "echo lines: 3 | tr 3 8", wsbench::Unit::count);
  CHECK(probe.figures() == std::vector<wsbench::ProbeFigure>{{"x", wsbench::Unit::count}});
  const auto readings = probe.open()->read(10s, stop);
  REQUIRE(readings.size() == 1);
  CHECK(std::get<double>(readings.front()) == 8.0);
}

TEST_CASE("a command that gives no number says what it did instead", "[command_probe][probe]") {
  CHECK(problem_of("echo many; echo more") == R"(printed no number: "many?more")");
  CHECK(problem_of("printf 'a\\033[31mb'") == R"(printed no number: "a?[31mb")");
  CHECK(problem_of("true") == "printed no number, and nothing else");
  CHECK(problem_of("echo 5; exit 1") == R"(ended with exit status 1: "5")");
  CHECK(problem_of("echo could not connect >&2; exit 2") == R"(ended with exit status 2: "could not connect")");
  CHECK(problem_of("kill -9 $$") == "was killed by signal 9, and nothing else");
  CHECK(problem_of("sleep 1000", 20ms) == "did not end within 20ms, and was killed");
  CHECK(problem_of("yes", 20ms) == "did not end within 20ms, and was killed");
  CHECK(problem_of("sleep 1000 & echo 5") == "none");
}
