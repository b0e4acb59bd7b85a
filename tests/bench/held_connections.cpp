// What a connection that is only held costs wsbench in memory, its session included: opens them all from one process against an echo server
// in another.
//
//     bench_held_connections [CONNECTIONS]      10000
//
// Exit status: 0 if every connection came to be and one takes at most 1.5 KiB; else 1.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "child_process.hpp"
#include "echo_process.hpp"
#include "floors.hpp"
#include "open_files.hpp"
#include "program.hpp"

namespace {

using namespace std::chrono_literals;

constexpr double most_allowed_kib = 1.5;
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
  bench::raise_open_file_limit();
  const bench::EchoProcess server(120);
  const bench::ChildProcess client("held", 120,
                                   [&](const bench::Channel& parent) { parent.put(hold_connections(server.url(), connections)); });
  const Held held = client.get<Held>();
  if (held.open != connections || held.failed != 0)
    throw std::runtime_error(fmt::format("{} connections planned, {} open, {} failed", connections, held.open, held.failed));
  fmt::print("{} connections open after {:.1f} s and {:.1f} s of CPU; {} KiB before, {} KiB after\n", connections,
             std::chrono::duration<double>(held.took).count(), std::chrono::duration<double>(held.cpu).count(), held.before_kib,
             held.after_kib);
  bench::Floors floors;
  bench::Floors::title("Connections that are only held", "memory of the client, KiB a connection");
  floors.at_most("wsbench, with the session", {static_cast<double>(held.after_kib - held.before_kib) / static_cast<double>(connections)},
                 most_allowed_kib);
  return floors.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program("bench_held_connections", argc, argv, 10'000, bench_held_connections);
}
