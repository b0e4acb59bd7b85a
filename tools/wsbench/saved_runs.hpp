#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include <fmt/format.h>

#include <wsbench/archive.hpp>
#include <wsbench/error.hpp>
#include <wsbench/report.hpp>

namespace cli {

/// Reads the runs of a folder one after the other; a file that is no sound report is named on stderr and skipped.
inline void for_each_run(const std::filesystem::path& folder, const std::function<void(wsbench::Report)>& take) {
  for (const std::filesystem::path& file : wsbench::Archive(folder).files()) {
    try {
      take(wsbench::read_report(file));
    } catch (const wsbench::Error& error) {
      fmt::print(stderr, "wsbench: skipped: {}\n", error.what());
    }
  }
}

}  // namespace cli
