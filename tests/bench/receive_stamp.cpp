// Whether a busy client measures the server or its own queue: 100 clients flat out in one process, at the same time one quiet observer in
// another, both against one echo server in a third. What the 100 report, by the kernel's receive stamps, is held against what the observer
// sees and against what the 100 would report by their own clock.
//
//     bench_receive_stamp [RUNS]      7
//
// Exit status: 0 if every floor was met in the median of the runs; 1 if one was missed, or if a message went astray.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/load_test.hpp>

#include "child_process.hpp"
#include "client_process.hpp"
#include "echo_process.hpp"
#include "floors.hpp"
#include "program.hpp"
#include "scheduling.hpp"

namespace {

using namespace std::chrono_literals;
using bench::Durations;

constexpr auto measured = 2s;

/// What one process of clients saw; microseconds.
struct Seen {
  Durations service_time{};  // ends at the kernel's stamp
  Durations receive_lag{};   // from the stamp to the read
  Durations own_time{};      // ends when the behaviour has the answer
};

/// Asks and looks at the clock, as a client without stamps does.
wsbench::Task ask(wsbench::Session& user, wsbench::Histogram& own_time) {
  const std::string text(64, 'x');
  while (co_await user.turn()) {
    const auto asked = std::chrono::steady_clock::now();
    if (co_await user.request("ask", text)) own_time.record(std::chrono::steady_clock::now() - asked);
  }
}

Seen run_clients(const std::string& url, std::uint64_t clients, const wsbench::Pace& pace) {
  wsbench::Histogram own_time;  // one worker, one writer
  const wsbench::Report report = wsbench::LoadTest{
      url,
      {.name = "receive stamp",
       .clients = clients,
       .duration = measured,
       .warm_up = 300ms,
       .pace = pace,
       .behaviour = wsbench::Behaviour([&own_time](wsbench::Session& user) { return ask(user, own_time); })},
      {.connect_rate = 0}}.run();
  bench::require_all_answered(report);
  return {Durations::of(report.messages().service_time), Durations::of(report.metrics().receive_lag), Durations::of(own_time)};
}

int bench_receive_stamp(std::uint64_t runs) {
  bench::run_before_all_else();
  const bench::EchoProcess server(static_cast<unsigned>(60 + runs * 20));
  std::vector<double> stamped;
  std::vector<double> lag;
  std::vector<double> own;
  std::vector<double> observed;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto start = [&](const char* name, std::uint64_t clients, wsbench::Pace pace) {
      return std::make_unique<bench::ChildProcess>(
          name, 60, [&, clients, pace](const bench::Channel& parent) { parent.put(run_clients(server.url(), clients, pace)); });
    };
    const auto busy = start("busy", 100, wsbench::flat_out());
    const auto quiet = start("quiet", 1, wsbench::think(1ms));
    const Seen by_busy = busy->get<Seen>();
    const Seen by_quiet = quiet->get<Seen>();
    stamped.push_back(by_busy.service_time.p50);
    lag.push_back(by_busy.receive_lag.p50);
    own.push_back(by_busy.own_time.p50);
    observed.push_back(by_quiet.service_time.p50);
  }
  bench::Floors floors;
  bench::Floors::title("100 clients flat out in one process, one quiet observer in another", "Service time, p50, µs");
  bench::Floors::show("the observer, by the kernel's stamps", observed);
  bench::Floors::show("the 100, by the kernel's stamps (wsbench's report)", stamped);
  bench::Floors::show("the 100, by their own clock", own);
  bench::Floors::show("the 100, from the stamp to the read", lag);
  floors.at_most("the 100 / the observer, by stamps", bench::ratios(stamped, observed), 2);
  floors.at_least("the 100 / the observer, by stamps", bench::ratios(stamped, observed), 0.5);
  floors.at_most("the 100, by stamps / by their own clock", bench::ratios(stamped, own), 0.2);
  return floors.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program("bench_receive_stamp", argc, argv, 7, bench_receive_stamp);
}
