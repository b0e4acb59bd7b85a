// Three kinds of users at once, each with figures of its own in the report:
//
//     mix [ws://host:port/path]

#include <iostream>
#include <optional>
#include <string>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

wsbench::Task reader(wsbench::Session& user) {
  while (co_await user.turn()) co_await user.request("read", R"({"op":"read"})");
}

wsbench::Task writer(wsbench::Session& user) {
  while (co_await user.turn()) {
    co_await user.request("read", R"({"op":"read"})");
    co_await user.request("write", R"({"op":"write","text":"hello"})");
  }
}

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace().url();

  const wsbench::Scenario scenario{
      .name = "mix",
      .clients = 45,
      .duration = 2s,
      .pace = wsbench::think(100ms),
      .behaviour = wsbench::mix({
          {.behaviour = wsbench::hold(500ms), .clients = 5, .name = "sleepers"},  // exactly five, who send a ping now and then
          {.behaviour = reader, .weight = 70, .name = "readers"},                 // of the other forty, by weight
          {.behaviour = writer, .weight = 30, .name = "writers"},
      }),
      .expect = {metric::latency("read").p95 < 100ms, metric::latency("write").p95 < 100ms, metric::ping.p50 < 100ms},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
  std::cout << report;

  const wsbench::Report writers = report.part("writers");
  std::cout << "\nWriters wrote " << writers.latency("write").count() << " times and read " << writers.latency("read").count()
            << " times.\n";
  return report.passed() ? 0 : 1;
}
