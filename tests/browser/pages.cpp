// Writes reports as pages into a folder, for tests/browser/run to open:
//
//     wsbench_browser_pages FOLDER

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include <wsbench/report/capacity_html.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/report/scalability_html.hpp>

#include "support/capacity_reports.hpp"
#include "support/full_report.hpp"
#include "support/judged_reports.hpp"
#include "support/trying_reports.hpp"

int main(int argc, char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: wsbench_browser_pages FOLDER\n";
    return EXIT_FAILURE;
  }
  const std::string folder = argv[1];
  bool written = true;
  const auto write = [&](const std::string& name, const auto& report) {
    written = written && (std::ofstream(folder + '/' + name + ".html", std::ios::binary) << wsbench::to_html(report) << std::flush);
  };
  write("full", support::full_report());
  write("day", support::report_of_a_day());
  write("passed", support::passed_report());
  write("invalid", support::invalid_report());
  write("capacity", support::queue_capacity());
  write("scalability", support::scaled_capacity());
  write("unconnected", support::unconnected_report());
  for (const std::uint64_t answers : {20'000'000ULL, 2'000'000'000ULL}) {
    wsbench::RunRecord record = support::small_record(10);
    for (int n = 1; n <= 100; ++n) record.metrics.labels[0].messages.response_time.record(std::chrono::microseconds{n * n}, answers / 100);
    write("answers_" + std::to_string(answers), wsbench::Report(std::move(record)));
  }
  int number = 0;
  for (const std::string& name : support::hostile_names()) write("hostile_" + std::to_string(number++), support::report_named(name));
  if (!written) std::cerr << "cannot write into " << folder << '\n';
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
