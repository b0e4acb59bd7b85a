#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/comparison.hpp>
#include <wsbench/error.hpp>
#include <wsbench/report/comparison_json.hpp>
#include <wsbench/report/comparison_text.hpp>

#include "exit_code.hpp"
#include "saved_runs.hpp"

namespace cli {

/// What the flags of `compare` are read into.
struct CompareRequest {
  std::string base{};              ///< a file, or a folder of them
  std::string current{};           ///< the same
  std::string base_commit{};       ///< only runs of commits that begin so; empty: all
  std::string current_commit{};    ///< the same
  std::string json{};              ///< a file, or "-" for stdout in place of the text; empty: none
  bool fail_on_regression{false};  ///< whether what is worse is a failure
};

inline void add_compare(CLI::App& app, CompareRequest& request) {
  app.add_option("base", request.base, "Runs of the old version: what --json wrote, or a folder of --archive")
      ->required()
      ->type_name("BASE");
  app.add_option("new", request.current, "Runs of the new version")->required()->type_name("NEW");
  app.add_option("--base-commit", request.base_commit, "Of BASE only the runs of this commit")->type_name("COMMIT");
  app.add_option("--new-commit", request.current_commit, "Of NEW only the runs of this commit")->type_name("COMMIT");
  app.add_option("--json", request.json, "Write the comparison as JSON; - for stdout in place of the text")->type_name("FILE");
  app.add_flag("--fail-on-regression", request.fail_on_regression, "Exit with 99 where a figure is worse");
}

/// Runs under the same load.
using Runs = std::vector<wsbench::Report>;

inline bool are_of_one_load(const Runs& runs, const Runs& others) {
  return wsbench::detail::difference_in_load(runs.front().record(), others.front().record()).empty();
}

/// The runs of a version, by load; throws Error where there are none.
inline std::vector<Runs> runs_by_load(const std::string& name, const std::string& commit) {
  std::vector<Runs> loads;
  const auto take = [&](wsbench::Report report) {
    if (!report.record().commit.starts_with(commit)) return;
    const auto same = std::find_if(loads.begin(), loads.end(), [&](const Runs& runs) {
      return wsbench::detail::difference_in_load(runs.front().record(), report.record()).empty();
    });
    (same != loads.end() ? *same : loads.emplace_back()).push_back(std::move(report));
  };
  if (std::filesystem::is_directory(name)) {
    for_each_run(name, take);
  } else {
    take(wsbench::read_report(name));
  }
  if (loads.empty()) {
    const std::string of_commit = commit.empty() ? "" : " of the commit " + wsbench::detail::in_quotes(commit);
    throw wsbench::Error("compare", wsbench::detail::shown(name) + " has no run" + of_commit + ": give a folder that --archive filled");
  }
  return loads;
}

/// Compares the runs of each load that both versions were under, and names on stderr what only the new one was under; throws Error, naming
/// what differs, where they have none in common.
inline std::vector<wsbench::VersionComparison> compare_by_load(const std::vector<Runs>& base, const std::vector<Runs>& current) {
  std::vector<wsbench::VersionComparison> comparisons;
  std::vector<std::string> alone;
  for (const Runs& runs : current) {
    const auto before = std::find_if(base.begin(), base.end(), [&](const Runs& each) { return are_of_one_load(each, runs); });
    if (before != base.end()) {
      comparisons.push_back(wsbench::compare(*before, runs));
    } else {
      alone.push_back(wsbench::detail::difference_in_load(base.front().front().record(), runs.front().record()));
    }
  }
  if (comparisons.empty()) comparisons.push_back(wsbench::compare(base.front(), current.front()));
  for (const std::string& difference : alone) {
    fmt::print(stderr, "wsbench: not compared: runs that no run of the old version is like: they differ in {}\n", difference);
  }
  return comparisons;
}

inline ExitCode compare(const CompareRequest& request) {
  const auto comparisons =
      compare_by_load(runs_by_load(request.base, request.base_commit), runs_by_load(request.current, request.current_commit));
  std::ofstream file;
  const bool to_file = !request.json.empty() && request.json != "-";
  if (to_file) file.open(request.json);
  if (to_file && !file) {
    throw wsbench::Error("--json",
                         "cannot write to " + wsbench::detail::in_quotes(request.json) + ": give a file in a folder that is there");
  }
  const std::string json = request.json.empty() ? std::string() : wsbench::to_json_text(comparisons);
  if (request.json == "-") {
    std::cout << json;
  } else {
    for (std::size_t i = 0; i < comparisons.size(); ++i) std::cout << (i > 0 ? "\n" : "") << to_text(comparisons[i]);
  }
  std::cout << std::flush;
  if (to_file && !(file << json << std::flush)) {
    throw std::runtime_error("--json: writing to " + wsbench::detail::in_quotes(request.json) + " failed: is the disk full?");
  }
  const bool worse =
      std::any_of(comparisons.begin(), comparisons.end(), [](const auto& comparison) { return comparison.any(wsbench::Change::worse); });
  return worse && request.fail_on_regression ? ExitCode::failed : ExitCode::passed;
}

}  // namespace cli
