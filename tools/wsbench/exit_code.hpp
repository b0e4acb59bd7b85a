#pragma once

#include <wsbench/report.hpp>

namespace cli {

/// What the command line says to the shell; the first that applies.
enum class ExitCode : int {
  passed = 0,
  error = 1,                ///< of the system, or of wsbench
  no_connection = 2,        ///< nothing could connect
  invalid = 3,              ///< the result says nothing about the server
  failed = 99,              ///< an expectation missed, answers expected and none came, or a soak found a leak or decay
  bad_configuration = 104,  ///< nothing was run
  interrupted = 105,        ///< the partial report was written
};

/// What a verdict is to the shell.
constexpr ExitCode exit_code_of(wsbench::Verdict verdict) {
  switch (verdict) {
    case wsbench::Verdict::passed: return ExitCode::passed;
    case wsbench::Verdict::failed: return ExitCode::failed;
    case wsbench::Verdict::invalid: return ExitCode::invalid;
    case wsbench::Verdict::interrupted: return ExitCode::interrupted;
    case wsbench::Verdict::no_connection: return ExitCode::no_connection;
  }
  return ExitCode::error;
}

/// What a finished run comes to.
inline ExitCode exit_code_of(const wsbench::Report& report) {
  return exit_code_of(report.verdict());
}

}  // namespace cli
