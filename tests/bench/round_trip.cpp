// What a round trip costs wsbench in CPU time, everything recorded, beside what it costs a client of raw sockets. All clients speak to one
// echo server in a process of its own, in turn, each in a process of its own; of two workers each has a server of its own.
//
//     bench_round_trip [RUNS]      7
//
// Exit status: 0 if every floor was met in the median of the runs; 1 if one was missed, or if a message went astray.

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "client_process.hpp"
#include "cpu_time.hpp"
#include "echo_process.hpp"
#include "floors.hpp"
#include "program.hpp"
#include "raw_client.hpp"

namespace {

using bench::ClientFigures;
using bench::CpuTime;
using Servers = std::span<const bench::EchoProcess>;

/// A closed load, flat out.
struct Load {
  std::size_t connections{100};
  std::size_t size{64};
  std::uint64_t messages{1000};  // each
  std::size_t in_flight{1};
  std::size_t workers{1};  // of wsbench
  bool custom{false};      // a behaviour as an embedder writes it instead of echo()
};

constexpr std::string_view number_prefix = R"({"id":")";

// The same conversation as that of echo(): numbered messages, told apart by their number.
wsbench::Task ask_numbered(wsbench::Session& user, std::size_t size) {
  std::string text(number_prefix);
  text.append(16, '0').append(R"(","data":")");
  text.append(size - text.size() - 2, 'x').append(R"("})");
  std::uint64_t number = user.id() << 32U;
  while (co_await user.turn()) {
    fmt::format_to_n(text.begin() + number_prefix.size(), 16, "{:016x}", number++);
    const wsbench::Reply reply = co_await user.request("echo", text);
    if (!reply) co_return;
  }
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const char* const begin = text.data() + number_prefix.size();
  if (text.size() < number_prefix.size() + 16 || std::from_chars(begin, begin + 16, number, 16).ptr != begin + 16) return std::nullopt;
  return number;
}

wsbench::Behaviour behaviour_of(const Load& load) {
  if (!load.custom) return wsbench::echo({.size = load.size});
  return wsbench::Behaviour{[size = load.size](wsbench::Session& user) { return ask_numbered(user, size); }}.correlate(number_in);
}

double each(std::chrono::nanoseconds time, std::uint64_t count) {
  return bench::microseconds(time) / static_cast<double>(count);
}

// From the first message to the last: connecting is left out.
ClientFigures run_raw(Servers servers, const Load& load, bool recorded) {
  return bench::run_client("raw", servers, [&] {
    bench::RawClient client(servers.front().port(), {load.connections, load.size, load.in_flight, recorded});
    const auto started = std::chrono::steady_clock::now();
    const CpuTime before = CpuTime::now();
    client.run(load.messages);
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    const std::chrono::nanoseconds elapsed = std::chrono::steady_clock::now() - started;
    ClientFigures figures{client.answered(), client.system_calls(), each(used, client.answered()), 1e6 / each(elapsed, client.answered())};
    figures.service_time = bench::Durations::of(client.service_time());
    return figures;
  });
}

// The whole run, connecting, closing and the report included.
ClientFigures run_whole(Servers servers, const Load& load) {
  return bench::run_client("wsbench", servers, [&] {
    std::vector<std::string> urls;
    for (const bench::EchoProcess& server : servers) urls.push_back(server.url());
    const wsbench::LoadTest test{urls,
                                 {.name = "round trip",
                                  .clients = load.connections,
                                  .messages = load.messages,
                                  .pace = wsbench::flat_out(),
                                  .in_flight = load.in_flight,
                                  .behaviour = behaviour_of(load)},
                                 {.workers = load.workers, .connect_rate = 0}};
    const CpuTime before = CpuTime::now();
    const wsbench::Report report = test.run();
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    bench::require_all_answered(report);
    const std::uint64_t answered = report.messages().answered;
    ClientFigures figures{answered, 0, each(used, answered), 1e6 / each(report.record().duration, answered)};
    figures.service_time = bench::Durations::of(report.messages().service_time);
    return figures;
  });
}

// What every further round trip costs: a run of one message each is taken off.
ClientFigures run_wsbench(Servers servers, const Load& load) {
  Load least = load;
  least.messages = 1;
  const ClientFigures once = run_whole(servers, least);
  ClientFigures figures = run_whole(servers, load);
  const auto all = static_cast<double>(figures.round_trips);
  const auto few = static_cast<double>(once.round_trips);
  figures.cpu = (figures.cpu * all - once.cpu * few) / (all - few);
  return figures;
}

/// The CPU times of one kind of client, a figure of each run.
using Figures = std::vector<double>;

void compare_small(Servers servers, std::uint64_t runs, bench::Floors& floors) {
  const Load one;
  const Load many{.messages = 5000, .in_flight = 16};
  Figures raw;
  Figures recording;
  Figures ours;
  Figures raw_many;
  Figures ours_many;
  double calls = 0;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const ClientFigures plain = run_raw(servers, one, false);
    calls = static_cast<double>(plain.system_calls) / static_cast<double>(plain.round_trips);
    raw.push_back(plain.cpu);
    ours.push_back(run_wsbench(servers, one).cpu);
    recording.push_back(run_raw(servers, one, true).cpu);
    raw_many.push_back(run_raw(servers, many, false).cpu);
    ours_many.push_back(run_wsbench(servers, many).cpu);
  }
  bench::Floors::title("64 bytes, 100 connections, 1 message in flight on each", "CPU time of the client, µs a round trip");
  bench::Floors::show(fmt::format("raw sockets ({:.2f} system calls)", calls), raw);
  bench::Floors::show("raw sockets, with kernel stamps and two histograms", recording);
  bench::Floors::show("wsbench", ours);
  floors.at_most("wsbench / raw", bench::ratios(ours, raw), 1.20);
  floors.at_most("wsbench / raw that stamps and records", bench::ratios(ours, recording), 1.12);
  bench::Floors::title("64 bytes, 100 connections, 16 messages in flight on each", "CPU time of the client, µs a round trip");
  bench::Floors::show("raw sockets", raw_many);
  bench::Floors::show("wsbench", ours_many);
  bench::Floors::show("raw / raw with 1 in flight", bench::ratios(raw_many, raw));
  floors.at_most("wsbench / raw with 1 in flight", bench::ratios(ours_many, raw), 0.2);
}

void compare(const char* title, Servers servers, std::uint64_t runs, const Load& load, bench::Floors& floors) {
  Figures raw;
  Figures ours;
  for (std::uint64_t run = 0; run < runs; ++run) {
    raw.push_back(run_raw(servers, load, false).cpu);
    ours.push_back(run_wsbench(servers, load).cpu);
  }
  bench::Floors::title(title, "CPU time of the client, µs a round trip");
  bench::Floors::show("raw sockets", raw);
  bench::Floors::show("wsbench", ours);
  floors.at_most("wsbench / raw", bench::ratios(ours, raw), 1.25);
}

void compare_custom(Servers servers, std::uint64_t runs, bench::Floors& floors) {
  Figures echo;
  Figures custom;
  for (std::uint64_t run = 0; run < runs; ++run) {
    echo.push_back(run_wsbench(servers, {}).cpu);
    custom.push_back(run_wsbench(servers, {.custom = true}).cpu);
  }
  bench::Floors::title("A behaviour of one's own, 64 bytes, 100 connections", "CPU time of the client, µs a round trip");
  bench::Floors::show("echo()", echo);
  bench::Floors::show("a coroutine that does the same", custom);
  floors.at_most("a coroutine that does the same / echo()", bench::ratios(custom, echo), 1.08);
}

void compare_workers(Servers servers, std::uint64_t runs, bench::Floors& floors) {
  const Load single{.messages = 750};
  const Load twice{.connections = 2 * single.connections, .messages = single.messages, .workers = 2};
  Figures cpu_of_one;
  Figures cpu_of_two;
  Figures speed_of_one;
  Figures speed_of_two;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const ClientFigures one = run_wsbench(servers.first(1), single);
    const ClientFigures two = run_wsbench(servers, twice);
    cpu_of_one.push_back(one.cpu);
    cpu_of_two.push_back(two.cpu);
    speed_of_one.push_back(one.round_trips_a_second);
    speed_of_two.push_back(two.round_trips_a_second);
  }
  bench::Floors::title("Two workers, each with 100 connections to a server of its own", "CPU time of the client, µs a round trip");
  bench::Floors::show("one worker", cpu_of_one);
  bench::Floors::show("two workers", cpu_of_two);
  floors.at_most("two workers / one: they share nothing", bench::ratios(cpu_of_two, cpu_of_one), 1.10);
  const Figures gain = bench::ratios(speed_of_two, speed_of_one);
  const unsigned cores = std::thread::hardware_concurrency();
  if (cores >= 4) {
    floors.at_least("round trips a second, two workers / one", gain, 1.8);
  } else {
    bench::Floors::show("round trips a second, two workers / one", gain);
    fmt::print("  not judged: two workers and their two servers need 4 cores, here are {}\n", cores);
  }
}

int bench_round_trip(std::uint64_t runs) {
  const auto lifetime = static_cast<unsigned>(60 + runs * 120);
  const bench::EchoProcess servers[] = {bench::EchoProcess(lifetime), bench::EchoProcess(lifetime)};
  const Servers one = Servers(servers).first(1);
  bench::Floors floors;
  compare_small(one, runs, floors);
  compare("64 bytes, 1,000 connections, 1 message in flight on each", one, runs, {.connections = 1000, .messages = 100}, floors);
  compare("16 KiB, 100 connections, 1 message in flight on each", one, runs, {.size = std::size_t{16} * 1024, .messages = 250}, floors);
  compare_custom(one, runs, floors);
  compare_workers(servers, runs, floors);
  return floors.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program("bench_round_trip", argc, argv, 7, bench_round_trip);
}
