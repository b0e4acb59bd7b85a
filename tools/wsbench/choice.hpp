#pragma once

#include <cctype>
#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/units.hpp>

#include "standard_loads.hpp"

namespace cli {

/// What was chosen at the terminal.
struct Choice {
  wsbench::Scenario scenario{};
  std::optional<std::string> url{};  ///< nothing: the embedded echo server
};

/// The line that was typed, without the spaces around it; throws Error at the end of the input.
inline std::string answer_to(const std::string& question) {
  std::cout << question << std::flush;
  std::string line;
  if (!std::getline(std::cin, line))
    throw wsbench::Error("choice", "the input ended: name a scenario, as in: wsbench light ws://host:port");
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == line.npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

/// The load with this number or name, light for an empty answer; nothing for any other.
inline std::optional<wsbench::Scenario> standard_load_called(const std::string& answer) {
  for (std::size_t i = 0; i < standard_loads.size(); ++i) {
    wsbench::Scenario scenario = standard_loads.at(i).scenario();
    if (answer == std::to_string(i + 1) || answer == scenario.name || (answer.empty() && i == 0)) return scenario;
  }
  return std::nullopt;
}

/// Asks at the terminal which of the standard four, and where.
inline Choice ask() {
  std::cout << "Which load?\n";
  for (std::size_t i = 0; i < standard_loads.size(); ++i) {
    std::cout << fmt::format("  {}  {:<7} {}\n", i + 1, standard_loads.at(i).scenario().name, description_of(standard_loads.at(i)));
  }
  for (;;) {
    const std::string answer = answer_to("1 to 4, or its name [1]: ");
    if (std::optional<wsbench::Scenario> scenario = standard_load_called(answer)) {
      std::string url = answer_to("Where? ws://host:port/path, or nothing for the embedded echo server: ");
      return {std::move(*scenario), url.empty() ? std::nullopt : std::optional{std::move(url)}};
    }
    std::cout << wsbench::detail::in_quotes(answer) << " is none of them.\n";
  }
}

}  // namespace cli
