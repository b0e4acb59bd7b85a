#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_file.hpp"

namespace support {

/// What a command printed, and how it ended.
struct Outcome {
  int exit_code{-1};
  std::string out{};
  std::string errors{};
};

/// Whether a run passed, or did but for messages that left late (exit 3): a busy machine does that.
inline bool passed_or_late(const Outcome& outcome) {
  return outcome.exit_code == 0 || outcome.exit_code == 3;
}

/// The command line with its errors in a file.
inline std::vector<std::string> redirected(const std::vector<std::string>& arguments, const std::string& errors) {
  std::vector<std::string> command{"sh", "-c", "exec \"$0\" \"$@\" 2>" + errors, WSBENCH_CLI};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

/// Runs the command line to its end with a line of input, and with `environment` ("NAME=value"); it is in no job of GitHub's.
inline Outcome run_command_line(const std::vector<std::string>& arguments, const std::string& input = {},
                                const std::vector<std::string>& environment = {"GITHUB_STEP_SUMMARY="}) {
  constexpr auto patience = std::chrono::seconds{30};
  const ScratchFile errors;
  ChildProcess process(redirected(arguments, errors.name()), environment);
  if (!input.empty()) process.write_line(input);
  process.close_input();
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out.has_value());
  const std::optional<int> exit_code = process.wait(patience);
  REQUIRE(exit_code.has_value());
  return {*exit_code, *out, errors.content()};
}

}  // namespace support
