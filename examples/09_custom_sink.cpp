// Each second of a run, as a line for a database of yours while it is under way; here in InfluxDB's line protocol, to standard output:
//
//     custom_sink [ws://host:port/path]

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

// Is called with everything so far, each second and at the end, on a thread of its own: the server is not kept waiting.
class LineProtocol {
 public:
  void operator()(const wsbench::Report& report) {
    const wsbench::MessageMetrics& messages = report.messages();
    const auto p99 = messages.response_time.percentile(0.99);  // nothing where it was not measured
    fmt::print("wsbench,scenario={} answered={}i,failed={}i,open={}i{} {}\n", report.record().scenario, messages.answered - answered_,
               messages.failed - failed_, report.metrics().connections.open, p99 ? fmt::format(",p99_ns={}i", p99->count()) : "",
               std::chrono::nanoseconds((report.record().started_at + report.record().duration).time_since_epoch()).count());
    answered_ = messages.answered;
    failed_ = messages.failed;
  }

 private:
  std::uint64_t answered_{0};
  std::uint64_t failed_{0};
};

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace().url();

  const wsbench::Scenario scenario{
      .name = "sink",
      .clients = 20,
      .duration = 2500ms,
      .pace = wsbench::think(50ms),
      .expect = {metric::success_rate > 0.99},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario, {.on_snapshot = LineProtocol{}}}.run();
  std::cout << report;
  return report.passed() ? 0 : 1;
}
