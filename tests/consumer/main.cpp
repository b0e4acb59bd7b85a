// What an embedder writes: a load test of a server of one's own.

#include <chrono>
#include <cstdlib>
#include <iostream>

#include <wsbench/wsbench.hpp>

wsbench::Report load_on(const wsbench::EchoServer& server);

int main() {
  using namespace std::chrono_literals;
  const wsbench::EchoServer server;
  const wsbench::Report report = load_on(server);
  std::cout << report;
  return report.passed() && report.latency().percentile(0.5) < 1s ? EXIT_SUCCESS : EXIT_FAILURE;
}
