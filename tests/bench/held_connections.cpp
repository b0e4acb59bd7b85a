// What a connection that is only held costs wsbench in memory: opens them all from one process against an echo server in another.
//
//     bench_held_connections [CONNECTIONS]      10000
//
// Exit status: 0 if every connection came to be and one takes at most 2 KiB; else 1.

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "child_process.hpp"
#include "echo_process.hpp"

namespace {

using namespace std::chrono_literals;

constexpr double most_allowed_kib = 2;
constexpr auto patience = 60s;

/// What the holding process saw.
struct Held {
  std::uint64_t open{0};
  std::uint64_t failed{0};
  std::uint64_t before_kib{0};
  std::uint64_t after_kib{0};
  std::chrono::nanoseconds took{0};
  std::chrono::nanoseconds cpu{0};
};

/// This process's memory that is its own: no file, no program text.
std::uint64_t own_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(line.find_first_of("0123456789")));
  }
  throw std::runtime_error("/proc/self/status tells no RssAnon");
}

void raise_open_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

wsbench::Task hold(wsbench::Session& user) {
  while (co_await user.turn()) {
  }
}

Held hold_connections(const std::string& url, std::uint64_t connections) {
  Held held;
  held.before_kib = own_memory_kib();
  const wsbench::LoadTest test{
      url,
      {.name = "hold", .clients = connections, .ramp_up = 2s, .duration = 1h, .pace = wsbench::think(1h), .behaviour = hold},
      {.connect_rate = 0}};
  wsbench::Run run = test.start();
  while (held.open + held.failed < connections && run.elapsed() < patience) {
    run.wait_for(50ms);
    const wsbench::Report report = run.snapshot();
    held.open = report.metrics().connections.open;
    held.failed = report.metrics().connections.failed;
    held.cpu = report.record().generator.cpu_time;
  }
  held.took = run.elapsed();
  held.after_kib = own_memory_kib();
  return held;
}

int bench_held_connections(std::uint64_t connections) {
  raise_open_file_limit();
  const bench::EchoProcess server(120);
  const bench::ChildProcess client("held", 120,
                                   [&](const bench::Channel& parent) { parent.put(hold_connections(server.url(), connections)); });
  const Held held = client.get<Held>();
  const double each = static_cast<double>(held.after_kib - held.before_kib) / static_cast<double>(connections);
  const bool met = held.open == connections && held.failed == 0 && each <= most_allowed_kib;
  fmt::print("{} connections planned, {} open, {} failed, after {:.1f} s and {:.1f} s of CPU\n", connections, held.open, held.failed,
             std::chrono::duration<double>(held.took).count(), std::chrono::duration<double>(held.cpu).count());
  fmt::print("{:.2f} KiB of user memory each ({} KiB before, {} KiB after); at most {} KiB: {}\n", each, held.before_kib, held.after_kib,
             most_allowed_kib, met ? "met" : "missed");
  return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return bench_held_connections(argc > 1 ? std::stoull(argv[1]) : 10'000);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_held_connections: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
