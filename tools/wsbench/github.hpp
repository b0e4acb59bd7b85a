#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <string>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/annotations.hpp>
#include <wsbench/report/markdown.hpp>

namespace cli {

/// In a job of GitHub Actions: adds the report to the job's summary, and a line to stderr for each expectation that was missed.
///
/// Elsewhere, where `GITHUB_STEP_SUMMARY` names no file, it does nothing. Returns why the summary could not be written, if so.
inline std::string tell_github(const wsbench::Report& report) {
  const char* const name = std::getenv("GITHUB_STEP_SUMMARY");
  if (name == nullptr || *name == '\0') return {};
  fmt::print(stderr, "{}", wsbench::to_annotations(report));
  std::ofstream summary(name, std::ios::binary | std::ios::app);
  summary << wsbench::to_markdown(report) << '\n' << std::flush;
  return summary ? std::string() : "GITHUB_STEP_SUMMARY: writing to " + wsbench::detail::in_quotes(name) + " failed";
}

}  // namespace cli
