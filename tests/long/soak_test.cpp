// Ten real minutes of an open load: nothing vanishes, and the memory stays where it was after the first.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "bench/echo_process.hpp"
#include "catch.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::LoadTest;
using wsbench::Report;

namespace {

// What is this process's own, without files and program text.
std::uint64_t own_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(line.find_first_of("0123456789")));
  }
  throw std::runtime_error("/proc/self/status tells no RssAnon");
}

}  // namespace

TEST_CASE("ten minutes of an open load need no more memory than the first", "[long][soak]") {
  constexpr double rate = 2000;
  constexpr auto length = 10min;
  constexpr auto look_every = 10s;
  constexpr std::size_t looks_a_minute = 1min / look_every;
  const bench::EchoProcess server(900);
  wsbench::Run run = LoadTest{server.url(), {.name = "soak", .clients = 50, .duration = length, .pace = wsbench::rate(rate)}}.start();
  std::vector<std::uint64_t> memory_kib;
  while (!run.wait_for(look_every)) {
    memory_kib.push_back(own_memory_kib());
    if (run.elapsed() > length + 1min) FAIL("the run did not end");
  }
  const Report report = run.wait();
  support::require_sums(report, static_cast<std::uint64_t>(rate * std::chrono::duration<double>(length).count()));
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(server.counts().answered == report.messages().answered);

  CAPTURE(memory_kib);
  REQUIRE(memory_kib.size() > 2 * looks_a_minute);
  const std::uint64_t after_first_minute = memory_kib[looks_a_minute - 1];
  const std::uint64_t most = *std::max_element(memory_kib.begin() + looks_a_minute, memory_kib.end());
  // The time series has a slot for each second. Of all else, a byte a message would show.
  const std::uint64_t series = report.metrics().series.capacity_bytes() / 1024;
  CHECK(most <= after_first_minute + series + 256);
}
