#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include <wsbench/scenario.hpp>

namespace wsbench {

/// When client `index` of `clients` starts, since the start of the run: evenly spread over `ramp_up`, the first at once.
constexpr std::chrono::nanoseconds start_of_client(std::uint64_t index, std::uint64_t clients, std::chrono::nanoseconds ramp_up) noexcept {
  if (clients == 0) return std::chrono::nanoseconds{0};
  // The product of index and ramp_up may exceed 64 bits; quotient and remainder apart do not lose a nanosecond a step.
  const auto total = static_cast<std::uint64_t>(ramp_up.count());
  const std::uint64_t step = total / clients;
  const std::uint64_t rest = total % clients;
  return std::chrono::nanoseconds{static_cast<std::int64_t>(step * index + rest * index / clients)};
}

/// When a client's next message is due, given when its last answer arrived (or was given up).
constexpr std::chrono::nanoseconds next_due(const Pace& pace, std::chrono::nanoseconds last_answer) noexcept {
  return last_answer + pace.think_time();
}

/// The most messages a second that so many users can offer when every answer takes `response_time`; infinite where nothing bounds it.
constexpr double offered_per_second(std::uint64_t clients, const Pace& pace, std::chrono::nanoseconds response_time) noexcept {
  const auto cycle = std::chrono::duration<double>(pace.think_time() + response_time).count();
  if (cycle <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(clients) / cycle;
}

}  // namespace wsbench
