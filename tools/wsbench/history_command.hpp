#pragma once

#include <iostream>
#include <string>

#include <wsbench/history.hpp>
#include <wsbench/report/history_text.hpp>

#include "exit_code.hpp"
#include "saved_runs.hpp"

namespace cli {

/// Prints the runs that a folder keeps, and their trends.
inline ExitCode show_history(const std::string& folder) {
  wsbench::History history;
  for_each_run(folder, [&history](const wsbench::Report& report) { history.add(report); });
  std::cout << to_text(history) << std::flush;
  return ExitCode::passed;
}

}  // namespace cli
