// What an open load of 20,000 messages a second costs wsbench in CPU time, and how late it sends, beside a client of raw sockets that sends
// every half millisecond what became due. Both speak to one echo server in a process of its own, in turn, each in a process of its own.
//
//     bench_open_load [RUNS]      7
//
// Exit status: 0 if every floor was met in the median of the runs; 1 if one was missed, or if a message went astray.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "client_process.hpp"
#include "cpu_time.hpp"
#include "echo_process.hpp"
#include "floors.hpp"
#include "open_files.hpp"
#include "program.hpp"
#include "raw_client.hpp"
#include "scheduling.hpp"

namespace {

using namespace std::chrono_literals;
using bench::ClientFigures;
using bench::CpuTime;
using bench::Durations;

constexpr double rate = 20'000;
constexpr std::chrono::nanoseconds raw_tick = 500us;

/// An open load at `rate`.
struct Load {
  std::size_t connections{100};
  std::chrono::nanoseconds connecting{500ms};  // wsbench: not measured
  std::chrono::nanoseconds measured{4s};
};

ClientFigures run_raw(std::span<const bench::EchoProcess> servers, const Load& load) {
  return bench::run_client("raw", servers, [&] {
    bench::RawClient client(servers.front().port(), {.connections = load.connections});
    const CpuTime before = CpuTime::now();
    client.run_at(rate, load.measured, raw_tick);
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    ClientFigures figures;
    figures.round_trips = client.answered();
    figures.cpu = bench::microseconds(used) / static_cast<double>(client.answered());
    figures.response_time = Durations::of(client.response_time());
    figures.lateness = Durations::of(client.lateness());
    return figures;
  });
}

ClientFigures run_wsbench(std::span<const bench::EchoProcess> servers, const Load& load) {
  return bench::run_client("wsbench", servers, [&] {
    const wsbench::LoadTest test{servers.front().url(),
                                 {.name = "open load",
                                  .clients = load.connections,
                                  .ramp_up = load.connecting / 2,
                                  .duration = load.connecting + load.measured,
                                  .warm_up = load.connecting,
                                  .pace = wsbench::rate(rate),
                                  .timeout = 30s},
                                 {.connect_rate = 0}};
    wsbench::Run run = test.start();
    run.wait_for(load.connecting);
    const CpuTime before = CpuTime::now();
    const std::chrono::nanoseconds begin = run.elapsed();
    run.wait_for(load.measured);
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    // What was due meanwhile.
    const double messages = rate * std::chrono::duration<double>(run.elapsed() - begin).count();
    const wsbench::Report report = run.wait();
    bench::require_all_answered(report);
    ClientFigures figures;
    figures.round_trips = report.messages().answered + report.record().warm_up.answered;
    figures.cpu = bench::microseconds(used) / messages;
    figures.response_time = Durations::of(report.messages().response_time);
    figures.lateness = Durations::of(report.metrics().schedule_lag);
    return figures;
  });
}

/// Figures of one kind, one of each run.
using Figures = std::vector<double>;

/// What one client's runs came to.
struct Runs {
  Figures cpu{};
  Figures response_p50{};
  Figures response_p99{};
  Figures lateness_p50{};
  Figures lateness_p99{};
  Figures lateness_max{};

  void add(const ClientFigures& figures) {
    cpu.push_back(figures.cpu);
    response_p50.push_back(figures.response_time.p50);
    response_p99.push_back(figures.response_time.p99);
    lateness_p50.push_back(figures.lateness.p50);
    lateness_p99.push_back(figures.lateness.p99);
    lateness_max.push_back(figures.lateness.max);
  }
};

void compare(std::span<const bench::EchoProcess> servers, std::uint64_t runs, const char* connections, const Load& load,
             bool cost_is_judged, bench::Floors& floors) {
  Runs raw;
  Runs ours;
  for (std::uint64_t run = 0; run < runs; ++run) {
    raw.add(run_raw(servers, load));
    ours.add(run_wsbench(servers, load));
  }
  const std::string load_in_words = fmt::format("20,000 messages a second over {} connections", connections);
  bench::Floors::title(load_in_words, "CPU time of the client, µs a round trip");
  bench::Floors::show("raw sockets, every 0.5 ms", raw.cpu);
  bench::Floors::show("wsbench", ours.cpu);
  if (cost_is_judged) {
    floors.at_most("wsbench / raw", bench::ratios(ours.cpu, raw.cpu), 1.2);
  } else {
    bench::Floors::show("wsbench / raw", bench::ratios(ours.cpu, raw.cpu));
  }
  bench::Floors::title(load_in_words, "Response time, from when a message was due, µs");
  bench::Floors::show("raw sockets, p50", raw.response_p50);
  bench::Floors::show("wsbench, p50", ours.response_p50);
  bench::Floors::show("raw sockets, p99", raw.response_p99);
  bench::Floors::show("wsbench, p99", ours.response_p99);
  if (cost_is_judged) floors.at_most("p99, wsbench / raw", bench::ratios(ours.response_p99, raw.response_p99), 1);
  bench::Floors::title(load_in_words, "Lateness of sends: from due to written, µs");
  bench::Floors::show("raw sockets, p50", raw.lateness_p50);
  bench::Floors::show("raw sockets, p99", raw.lateness_p99);
  bench::Floors::show("raw sockets, largest", raw.lateness_max);
  bench::Floors::show("wsbench, p50", ours.lateness_p50);
  bench::Floors::show("wsbench, p99", ours.lateness_p99);
  bench::Floors::show("wsbench, largest", ours.lateness_max);
  floors.at_most("p99, wsbench less raw", bench::differences(ours.lateness_p99, raw.lateness_p99), 1000);
}

int bench_open_load(std::uint64_t runs) {
  bench::run_before_all_else();
  bench::raise_open_file_limit();
  const bench::EchoProcess servers[] = {bench::EchoProcess(static_cast<unsigned>(60 + runs * 60))};
  bench::Floors floors;
  compare(servers, runs, "100", {}, true, floors);
  compare(servers, runs, "10,000", {.connections = 10'000, .connecting = 3s, .measured = 2s}, false, floors);
  return floors.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program("bench_open_load", argc, argv, 7, bench_open_load);
}
