// Fifty users say something, get it back, and think for a moment, twenty times each:
//
//     echo [ws://host:port/path]
//
// Without an address, this example and all others start the embedded echo server and test that.

#include <iostream>
#include <optional>
#include <string>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace().url();

  const wsbench::Scenario scenario{
      .name = "echo",
      .clients = 50,
      .messages = 20,
      .pace = wsbench::think(50ms),
      .expect = {metric::success_rate > 0.99, metric::latency.p95 < 100ms},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
  std::cout << report;
  return report.passed() ? 0 : 1;
}
