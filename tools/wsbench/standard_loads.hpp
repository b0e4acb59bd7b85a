#pragma once

#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/scenarios.hpp>

namespace cli {

/// One of the standard four as the command line offers it.
struct StandardLoad {
  wsbench::Scenario (*scenario)(){};  ///< makes it
  std::string_view question{};        ///< what it answers
};

inline constexpr std::array<StandardLoad, 4> standard_loads{{
    {wsbench::scenarios::light, "is it up, and quick when nothing presses?"},
    {wsbench::scenarios::medium, "how is an ordinary hour?"},
    {wsbench::scenarios::heavy, "how is the busiest hour?"},
    {wsbench::scenarios::stress, "how does it give way?"},
}};

/// "10 clients, 10 messages each, think 100ms: is it up?"
inline std::string description_of(const StandardLoad& load) {
  const wsbench::Scenario scenario = load.scenario();
  return fmt::format("{} clients, {} messages each, {}: {}", scenario.clients.clients(), scenario.messages, to_string(scenario.pace),
                     load.question);
}

}  // namespace cli
