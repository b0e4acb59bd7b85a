#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/expectation.hpp>
#include <wsbench/growth.hpp>
#include <wsbench/rank_statistics.hpp>

namespace wsbench {

/// What a long run under a steady load says of a server, or one of its figures.
enum class SoakVerdict : std::uint8_t {
  stable,       ///< it stays as it is
  leaking,      ///< it takes more and more: memory, descriptors, threads
  degrading,    ///< it answers ever slower, less, or with more errors
  cannot_tell,  ///< the run was too short, or its figures vary too much
};

/// The verdict's name in reports: "stable", "cannot_tell".
constexpr std::string_view name(SoakVerdict verdict) {
  constexpr std::string_view names[] = {"stable", "leaking", "degrading", "cannot_tell"};
  return names[static_cast<std::size_t>(verdict)];
}

/// The verdict for people: "stable", "can't tell yet".
constexpr std::string_view in_words(SoakVerdict verdict) {
  return verdict == SoakVerdict::cannot_tell ? "can't tell yet" : name(verdict);
}

/// One figure that a soak watches.
struct SoakFinding {
  std::string what{};                             ///< "server.rss", "latency.p95", "throughput", "errors"
  Unit unit{Unit::count};                         ///< what it counts in
  SoakVerdict verdict{SoakVerdict::cannot_tell};  ///< on this figure alone
  std::string evidence{};                         ///< why, in words and figures
  GrowthFinding growth{};                         ///< what it did under the steady load
  std::optional<RankEstimate> per_message{};      ///< memory: bytes for each message answered, if those are what it grows by
  std::optional<RankEstimate> per_connection{};   ///< memory: bytes for each connection made, if those are what it grows by
  std::optional<double> per_open{};               ///< memory: bytes for each client that is connected
  std::optional<double> before{};                 ///< memory: what it was before the first client
  std::optional<double> after{};                  ///< memory: the last reading after the load

  bool operator==(const SoakFinding&) const = default;
};

/// What happened in one part of a soak.
struct SoakPeriod {
  std::chrono::nanoseconds from{0};               ///< since the start of the run
  std::uint64_t open{0};                          ///< clients connected at its end
  double answered_per_second{0};                  ///< answers
  std::optional<std::chrono::nanoseconds> p50{};  ///< of the response times
  std::optional<std::chrono::nanoseconds> p95{};  ///< of the response times
  std::uint64_t errors{0};                        ///< of all kinds
  std::uint64_t drops{0};                         ///< of these: connections that were lost
  std::optional<double> memory{};                 ///< of the first process that was watched, on average, in bytes

  bool operator==(const SoakPeriod&) const = default;
};

/// What a run says when it is looked at for decay.
struct Soak {
  SoakVerdict verdict{SoakVerdict::cannot_tell};      ///< leaking before degrading before can't tell before stable, of all findings
  std::string why_not_judged{};                       ///< why there are no findings; empty where there are
  bool answers_judged{true};                          ///< not where the generator was the limit
  std::chrono::nanoseconds from{0};                   ///< when all clients were there
  std::chrono::nanoseconds to{0};                     ///< when the load ended
  std::vector<SoakFinding> findings{};                ///< what is watched, memory first
  std::vector<SoakPeriod> periods{};                  ///< tenths of the run, or hours where there are more, but two dozen at most
  std::optional<std::chrono::nanoseconds> run_for{};  ///< how long a run might tell what this one can't

  /// The finding of that name; null where there is none.
  const SoakFinding* find(std::string_view what) const noexcept {
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const SoakFinding& finding) { return finding.what == what; });
    return found == findings.end() ? nullptr : &*found;
  }

  bool operator==(const Soak&) const = default;
};

}  // namespace wsbench
