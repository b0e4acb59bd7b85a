#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include <wsbench/histogram.hpp>
#include <wsbench/report.hpp>

#include "child_process.hpp"
#include "cpu_time.hpp"
#include "echo_process.hpp"

namespace bench {

inline double microseconds(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double, std::micro>(time).count();
}

/// What is told of many durations, in microseconds; 0 where there were too few.
struct Durations {
  double p50{0};
  double p99{0};
  double max{0};

  static Durations of(const wsbench::Histogram& histogram) {
    const auto figure = [](std::optional<std::chrono::nanoseconds> time) {
      return microseconds(time.value_or(std::chrono::nanoseconds{0}));
    };
    return {figure(histogram.percentile(0.5)), figure(histogram.percentile(0.99)), figure(histogram.max())};
  }
};

/// What one client measured.
struct ClientFigures {
  std::uint64_t round_trips{0};    ///< all there were
  std::uint64_t system_calls{0};   ///< 0: not counted
  double cpu{0};                   ///< microseconds a round trip
  double round_trips_a_second{0};  ///< from the start to the end of what was measured
  Durations response_time{};       ///< from when a message was due
  Durations service_time{};        ///< from its write
  Durations lateness{};            ///< from when a message was due to its write
  Durations own_time{};            ///< from its write to the moment the client got the answer, by the client's clock
};

/// Throws unless every message of the run was answered. What the load generator says of itself is no matter here.
inline void require_all_answered(const wsbench::Report& report) {
  const wsbench::MessageMetrics& all = report.messages();
  const wsbench::MessageMetrics& before = report.record().warm_up;
  if (all.sent == all.answered && before.sent == before.answered && report.metrics().failures.total() == 0 &&
      report.metrics().not_sent + report.record().warm_up_not_sent == 0) {
    return;
  }
  throw std::runtime_error(fmt::format("the run did not go as planned: {} of {} messages answered, of the warm-up {} of {}; {} errors",
                                       all.answered, report.planned(), before.answered, before.sent + report.record().warm_up_not_sent,
                                       report.metrics().failures.total()));
}

/// Runs a client, a function that returns `ClientFigures`, in a process of its own; the servers have to have seen the same.
template <class Client>
ClientFigures run_client(const char* name, std::span<const EchoProcess> servers, Client client) {
  const auto echoed = [&] {
    std::uint64_t answered = 0;
    for (const EchoProcess& server : servers) answered += server.counts().answered;
    return answered;
  };
  const std::uint64_t before = echoed();
  const ChildProcess process(name, 120, [&](const Channel& parent) { parent.put(client()); });
  const auto figures = process.template get<ClientFigures>();
  const std::uint64_t seen = echoed() - before;
  if (figures.round_trips != seen)
    throw std::runtime_error(fmt::format("{}: {} round trips counted by the client, {} by the server", name, figures.round_trips, seen));
  return figures;
}

}  // namespace bench
