// Runs one of the four standard scenarios against a WebSocket server and prints the report:
//
//     standard_scenarios light|medium|heavy|stress [ws://host:port/path]
//
// Without an address it starts the embedded echo server and tests that. Exits 0 if every expectation was met.

#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include <wsbench/wsbench.hpp>

namespace {

const std::map<std::string, wsbench::Scenario (*)()> standard_scenarios{
    {"light", wsbench::scenarios::light},
    {"medium", wsbench::scenarios::medium},
    {"heavy", wsbench::scenarios::heavy},
    {"stress", wsbench::scenarios::stress},
};

int run(const std::string& name, std::optional<std::string> url) {
  std::optional<wsbench::EchoServer> server;
  if (!url) url = server.emplace().url();

  const wsbench::Scenario scenario = standard_scenarios.at(name)();
  const wsbench::Report report = wsbench::LoadTest{*url, scenario}.run();
  std::cout << report;

  // A report is a value: ask it what the text does not say.
  if (report.messages().answered > 0) {
    std::cout << "\nThe slowest of " << report.latency().count() << " answers took " << wsbench::format_duration(report.latency().max())
              << ".\n";
  }
  return report.passed() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char* argv[]) {
  const std::string name = argc > 1 ? argv[1] : "light";
  if (argc > 3 || !standard_scenarios.contains(name)) {
    std::cerr << "usage: standard_scenarios light|medium|heavy|stress [ws://host:port/path]\n";
    return EXIT_FAILURE;
  }
  try {
    return run(name, argc > 2 ? std::optional<std::string>(argv[2]) : std::nullopt);
  } catch (const wsbench::Error& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
