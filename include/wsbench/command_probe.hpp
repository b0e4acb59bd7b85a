#pragma once

#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/probe.hpp>
#include <wsbench/run/shell_command.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// The first number in what a command printed: one that stands for itself. Of "keys:12" it is 12; "1.5M", "1,234", "12:30" and "10.0.0.1"
/// hold none, since half of them would be another number.
inline std::optional<double> number_in(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  const auto may_follow = [&](std::size_t at) {
    if (at >= text.size() || blanks.find(text[at]) != blanks.npos || text[at] == '%') return true;
    return std::string_view(",;)]}\"'").find(text[at]) != text.npos && (at + 1 >= text.size() || !is_digit(text[at + 1]));
  };
  const auto may_precede = [&](std::size_t at) {
    if (at == 0 || blanks.find(text[at - 1]) != blanks.npos) return true;
    return std::string_view(":=,;([{\"'").find(text[at - 1]) != text.npos && (at == 1 || !is_digit(text[at - 2]));
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t digits = at + (text[at] == '-' || text[at] == '+' ? 1 : 0);
    if (digits >= text.size() || !is_digit(text[digits]) || !may_precede(at)) continue;
    double number = 0;
    const auto read = std::from_chars(text.data() + digits, text.data() + text.size(), number);
    if (read.ec != std::errc{} || !std::isfinite(number) || !may_follow(static_cast<std::size_t>(read.ptr - text.data()))) continue;
    return text[at] == '-' ? -number : number;
  }
  return std::nullopt;
}

#if defined(__unix__) || defined(__APPLE__)

class CommandReader final : public ProbeReader {
 public:
  explicit CommandReader(std::string command) : command_(std::move(command)) {}

  std::vector<ProbeReading> read(std::chrono::nanoseconds timeout, const std::atomic<bool>& stop) override {
    const CommandResult result = run_command({.command = command_, .timeout = timeout}, stop);
    if (result.timed_out) throw std::runtime_error("did not end within " + exact_duration(timeout) + ", and was killed");
    if (!result.succeeded()) throw std::runtime_error(how_it_ended(result) + what_it_said(result));
    const std::optional<double> number = number_in(result.output);
    if (!number) throw std::runtime_error("printed no number" + what_it_said(result));
    return {*number};
  }

 private:
  static std::string how_it_ended(const CommandResult& result) {
    if (result.signal) return fmt::format("was killed by signal {}", *result.signal);
    return result.exit_status ? fmt::format("ended with exit status {}", *result.exit_status) : "ended, nobody knows how";
  }
  static std::string what_it_said(const CommandResult& result) {
    const std::string& said = result.errors.empty() ? result.output : result.errors;
    return said.empty() ? ", and nothing else" : ": " + in_quotes(trimmed(said.substr(0, said.find_last_not_of("\r\n") + 1)));
  }

  std::string command_;
};

#else

class CommandReader final : public ProbeReader {
 public:
  explicit CommandReader(const std::string&) {}
  std::vector<ProbeReading> read(std::chrono::nanoseconds, const std::atomic<bool>&) override {
    throw std::runtime_error("there is no /bin/sh to run commands");
  }
};

#endif

}  // namespace detail

/// A probe that runs a command by /bin/sh and takes the first number that it prints: `command_probe("users", "psql -tc 'select count(*)
/// ...'")`.
///
/// A command that does not end in time is killed, with all that it started. One that fails or prints no number is a reading that failed,
/// and says what it printed instead. `1.5M` or `1,234` is no number.
inline Probe command_probe(std::string name, std::string command, Unit unit = Unit::number) {
  return Probe({{std::move(name), unit}}, [command = std::move(command)] { return std::make_unique<detail::CommandReader>(command); });
}

}  // namespace wsbench
