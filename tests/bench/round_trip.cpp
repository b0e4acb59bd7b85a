// What a round trip costs wsbench in CPU time, everything recorded, as a ratio to a raw client's; both speak to one echo server in a
/// process of its own, in turn, each in a process of its own.
///
///     bench_round_trip [PAIRS [MESSAGES]]      7 pairs, 5000 messages a connection
///
/// Exit status: 0 if the ratio is at most 1.25 in the median; 1 if it is more, or if a message went astray.

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "child_process.hpp"
#include "echo_process.hpp"
#include "raw_client.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t connections = 100;
constexpr std::size_t message_size = 64;
constexpr double most_allowed = 1.25;

/// CPU time of this process.
struct CpuTime {
  std::chrono::nanoseconds user{0};
  std::chrono::nanoseconds system{0};

  static CpuTime now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {since_zero(usage.ru_utime), since_zero(usage.ru_stime)};
  }
  std::chrono::nanoseconds total() const { return user + system; }
  CpuTime operator-(const CpuTime& earlier) const { return {user - earlier.user, system - earlier.system}; }

 private:
  static std::chrono::nanoseconds since_zero(const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
  }
};

/// What one client measured of itself.
struct ClientFigures {
  std::uint64_t round_trips{0};
  std::uint64_t system_calls{0};  // 0: not counted
  CpuTime cpu{};
  std::chrono::nanoseconds elapsed{0};
};

/// A client's figures and what the server spent on it meanwhile; times are microseconds a round trip.
struct Measurement {
  double cpu{0};
  double user{0};
  double system{0};
  double server_cpu{0};
  double round_trips_per_second{0};
  double system_calls{0};
};

// From the first message to the last: connecting is left out, which makes the floor lower.
ClientFigures run_raw(std::uint16_t port, std::uint64_t messages) {
  bench::RawClient client(port, connections, message_size);
  const auto started = std::chrono::steady_clock::now();
  const CpuTime before = CpuTime::now();
  client.run(messages);
  return {client.answered(), client.system_calls(), CpuTime::now() - before, std::chrono::steady_clock::now() - started};
}

// The whole run, connecting, closing and the report included.
ClientFigures run_wsbench(const std::string& url, std::uint64_t messages) {
  const auto started = std::chrono::steady_clock::now();
  const CpuTime before = CpuTime::now();
  const wsbench::Report report = wsbench::LoadTest{
      url,
      {.name = "round trip",
       .clients = connections,
       .messages = messages,
       .pace = wsbench::flat_out(),
       .behaviour = wsbench::echo(
           {.size = message_size})}}.run();
  const ClientFigures figures{report.messages().answered, 0, CpuTime::now() - before, std::chrono::steady_clock::now() - started};
  const wsbench::MessageMetrics& all = report.messages();
  if (!report.passed() || report.metrics().failures.total() != 0 || all.sent != all.answered || all.response_time.count() != all.answered) {
    throw std::runtime_error(fmt::format("the run did not go as planned: {} of {} messages answered, {} errors, verdict {}", all.answered,
                                         report.planned(), report.metrics().failures.total(), wsbench::name(report.verdict())));
  }
  return figures;
}

template <class Client>
Measurement measure(const char* name, const bench::EchoProcess& server, std::uint64_t messages, Client client) {
  const std::chrono::nanoseconds server_before = bench::cpu_time_of(server.id());
  const std::uint64_t echoed_before = server.counts().answered;
  const bench::ChildProcess process(name, 120, [&](const bench::Channel& parent) { parent.put(client()); });
  const auto figures = process.get<ClientFigures>();
  const std::uint64_t echoed = server.counts().answered - echoed_before;
  const std::uint64_t planned = connections * messages;
  if (figures.round_trips != planned || echoed != planned) {
    throw std::runtime_error(
        fmt::format("{}: {} round trips planned, {} counted by the client, {} by the server", name, planned, figures.round_trips, echoed));
  }
  const auto each = [&](std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::micro>(time).count() / static_cast<double>(planned);
  };
  return {each(figures.cpu.total()),
          each(figures.cpu.user),
          each(figures.cpu.system),
          each(bench::cpu_time_of(server.id()) - server_before),
          static_cast<double>(planned) / std::chrono::duration<double>(figures.elapsed).count(),
          static_cast<double>(figures.system_calls) / static_cast<double>(planned)};
}

/// The median of some figures, with the least and the largest.
struct Spread {
  double median{0};
  double least{0};
  double largest{0};

  template <class Figure>
  static Spread of(const std::vector<Measurement>& measurements, Figure figure) {
    std::vector<double> figures;
    for (const Measurement& measurement : measurements) figures.push_back(measurement.*figure);
    return of(figures);
  }
  static Spread of(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return {(figures[(figures.size() - 1) / 2] + figures[figures.size() / 2]) / 2, figures.front(), figures.back()};
  }
};

void print(const char* name, const std::vector<Measurement>& measurements) {
  const Spread cpu = Spread::of(measurements, &Measurement::cpu);
  fmt::print("{:8} {:5.2f} µs of CPU ({:.2f} to {:.2f}): {:.2f} user, {:.2f} system; the server {:.2f} µs; {:.0f} round trips a second\n",
             name, cpu.median, cpu.least, cpu.largest, Spread::of(measurements, &Measurement::user).median,
             Spread::of(measurements, &Measurement::system).median, Spread::of(measurements, &Measurement::server_cpu).median,
             Spread::of(measurements, &Measurement::round_trips_per_second).median);
}

int bench_round_trip(std::size_t pairs, std::uint64_t messages) {
  const bench::EchoProcess server(30 + static_cast<unsigned>(pairs) * 240);
  const auto raw_client = [&] { return run_raw(server.port(), messages); };
  const auto wsbench_client = [&](std::uint64_t each) { return [&server, each] { return run_wsbench(server.url(), each); }; };

  fmt::print("{} connections, {}-byte text, one message in flight on each, {} messages each; CPU time of the client, µs a round trip\n\n",
             connections, message_size, messages);
  fmt::print("pair    raw  wsbench  ratio\n");
  std::vector<Measurement> raw;
  std::vector<Measurement> ours;
  std::vector<double> ratios;
  for (std::size_t pair = 1; pair <= pairs; ++pair) {
    raw.push_back(measure("raw", server, messages, raw_client));
    ours.push_back(measure("wsbench", server, messages, wsbench_client(messages)));
    ratios.push_back(ours.back().cpu / raw.back().cpu);
    fmt::print("{:4}  {:5.2f}    {:5.2f}  {:5.3f}\n", pair, raw.back().cpu, ours.back().cpu, ratios.back());
    std::fflush(stdout);
  }
  fmt::print("\n");
  print("raw", raw);
  print("wsbench", ours);
  // What does not grow with the messages is counted against wsbench; this is how much it is.
  const double once = measure("wsbench", server, 1, wsbench_client(1)).cpu / static_cast<double>(messages);
  fmt::print("of wsbench's, {:.3f} µs is connecting, closing and the report; raw leaves those out\n", once);
  fmt::print("raw makes {:.2f} system calls a round trip\n\n", raw.back().system_calls);

  const Spread ratio = Spread::of(ratios);
  const bool met = ratio.median <= most_allowed;
  fmt::print("ratio wsbench/raw: {:.3f}, median of {} ({:.3f} to {:.3f}); at most {}: {}\n", ratio.median, pairs, ratio.least,
             ratio.largest, most_allowed, met ? "met" : "missed");
  return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
#ifndef __OPTIMIZE__
  fmt::print(stderr,
             "bench_round_trip: built without optimization, its figures would say nothing: build it with CMAKE_BUILD_TYPE=Release\n");
  return EXIT_FAILURE;
#endif
  try {
    const std::size_t pairs = argc > 1 ? std::stoul(argv[1]) : 7;
    const std::uint64_t messages = argc > 2 ? std::stoull(argv[2]) : 5000;
    if (pairs == 0 || messages == 0) throw std::invalid_argument("PAIRS and MESSAGES are at least 1");
    return bench_round_trip(pairs, messages);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_round_trip: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
