#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/command_probe.hpp>
#include <wsbench/error.hpp>
#include <wsbench/process_probe.hpp>
#include <wsbench/units.hpp>

#include "flags.hpp"

namespace cli {

/// "NAME=what", or what alone, which then goes under `usual`.
inline std::pair<std::string, std::string> named(const std::string& text, const std::string& usual) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return {usual, text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// A number of this kind from 1 up; an Error names the flag.
inline std::uint64_t parse_number(const char* flag, const std::string& text, std::uint64_t most) {
  const bool digits = !text.empty() && text.size() <= 10 && text.find_first_not_of("0123456789") == text.npos;
  const std::uint64_t number = digits ? std::stoull(text) : 0;
  if (number < 1 || number > most) {
    throw wsbench::Error(flag,
                         fmt::format("{} is no number from 1 to {}: write NUMBER or NAME=NUMBER", wsbench::detail::in_quotes(text), most));
  }
  return number;
}

inline wsbench::Probe parse_command_probe(const std::string& text) {
  const auto [name, command] = named(text, {});
  if (name.empty() || wsbench::detail::trimmed(command).empty()) {
    throw wsbench::Error("--probe", wsbench::detail::in_quotes(text) + " is no probe: write NAME=COMMAND, a command that prints a number");
  }
  return wsbench::command_probe(name, command);
}

inline wsbench::Probe parse_watched_pid(const std::string& text) {
  constexpr std::uint64_t largest_pid = 1U << 22U;  // PID_MAX_LIMIT of Linux
  const auto [name, pid] = named(text, "server");
  return wsbench::process_probe(name, wsbench::ByPid{static_cast<int>(parse_number("--watch-pid", pid, largest_pid))});
}

inline wsbench::Probe parse_watched_port(const std::string& text) {
  const auto [name, port] = named(text, "server");
  return wsbench::process_probe(name, wsbench::ListeningOn{static_cast<std::uint16_t>(parse_number("--watch-port", port, 65'535))});
}

inline wsbench::Probe parse_watched_name(const std::string& text) {
  const auto [name, program] = named(text, text);
  if (program.empty())
    throw wsbench::Error("--watch-name", wsbench::detail::in_quotes(text) + " names nobody: write PROGRAM or NAME=PROGRAM");
  return wsbench::process_probe(name, wsbench::ByName{program});
}

/// What is read beside the load.
inline void add_probes(CLI::App& app, Request& request) {
  const char* const group = "Probes, read beside the load";
  // Read as lists, since each use adds one.
  const auto add = [&](const char* flag, const char* type, const char* description, wsbench::Probe (*parse)(const std::string&)) {
    app.add_option_function<std::vector<std::string>>(
           flag,
           [&request, parse](const std::vector<std::string>& texts) {
             for (const std::string& text : texts) request.options.probes.push_back(parse(text));
           },
           description)
        ->type_name(type)
        ->allow_extra_args(false)
        ->group(group);
  };
  add("--probe", "NAME=COMMAND", "A command that prints a number; may be given again", parse_command_probe);
  add("--watch-pid", "[NAME=]PID",
      "CPU, memory, open files and threads of this process with its children, as NAME.cpu, .rss, .files, .threads", parse_watched_pid);
  add("--watch-name", "[NAME=]PROGRAM", "The same of every process of this name", parse_watched_name);
  add("--watch-port", "[NAME=]PORT", "The same of who listens on this port of this machine", parse_watched_port);
  add_duration(app, "--probe-every", request.options.probe_every, "How often each of them is read")->group(group);
}

}  // namespace cli
