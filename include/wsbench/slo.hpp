#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// What users of one kind of service take for granted: a bound on the p95 of the latency.
struct ServiceLevel {
  std::string_view name{};          ///< "chat"
  std::string_view service{};       ///< what it is for, in words
  std::chrono::nanoseconds p95{0};  ///< 95 % of the answers came within less
};

/// The service levels there are.
inline constexpr auto service_levels = std::to_array<ServiceLevel>({
    {"chat", "people who talk to each other", std::chrono::milliseconds{100}},
    {"notifications", "news that nobody waits for", std::chrono::milliseconds{500}},
    {"dashboard", "figures that somebody watches", std::chrono::seconds{1}},
});

/// The expectations of a service level, by its name; throws Error, naming those there are, for one that is unknown.
inline std::vector<Expectation> service_level(std::string_view name) {
  std::string known;
  for (const ServiceLevel& level : service_levels) {
    if (level.name == name) return {metric::latency.p95 < level.p95};
    known.append(known.empty() ? "" : ", ").append(level.name);
  }
  throw Error("slo", detail::in_quotes(name) + " is no service level: give one of " + known);
}

}  // namespace wsbench
