#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include <wsbench/report.hpp>
#include <wsbench/scenario.hpp>

namespace support {

inline constexpr double mib = 1024 * 1024;

/// A run as it is told second by second: what happens in each, and what is read in its middle.
struct SoakCourse {
  std::chrono::seconds length{600};
  std::uint64_t clients{100};
  std::uint64_t answers{100};     ///< each second
  std::uint64_t reconnects{0};    ///< each second
  std::chrono::seconds after{0};  ///< that are read when it is over
  std::function<std::chrono::nanoseconds(int)> latency{[](int) { return std::chrono::milliseconds{10}; }};
  std::function<std::uint64_t(int)> resets{[](int) { return 0; }};
  std::function<double(int)> memory{[](int) { return 100 * mib; }};
  std::function<double(int)> files{[](int) { return 110.0; }};
};

/// What such a run would have measured.
inline wsbench::RunRecord record_of(const SoakCourse& course) {
  using wsbench::ProbeRecord;
  using wsbench::Unit;
  wsbench::RunRecord record{.scenario = "soak", .duration = course.length};
  record.configuration.clients = course.clients;
  record.configuration.population = static_cast<std::int64_t>(course.clients);
  record.configuration.duration = course.length;
  ProbeRecord memory{.name = "server.rss", .unit = Unit::bytes};
  ProbeRecord files{.name = "server.files", .unit = Unit::count};
  wsbench::TimeSeries& series = record.metrics.series;
  const auto length = static_cast<int>(course.length.count());
  for (int second = 0; second < length + static_cast<int>(course.after.count()); ++second) {
    const std::chrono::nanoseconds at = std::chrono::seconds{second} + std::chrono::milliseconds{500};
    memory.series.read(at, course.memory(second));
    files.series.read(at, course.files(second));
    if (second >= length) continue;
    for (std::uint64_t n = 0; second == 0 && n < course.clients; ++n) series.opened(at);
    for (std::uint64_t n = 0; n < course.reconnects; ++n) series.ended(at);
    for (std::uint64_t n = 0; n < course.reconnects; ++n) series.opened(at);
    for (std::uint64_t n = 0; n < course.resets(second); ++n) series.failure(at, wsbench::Failure::reset);
    for (std::uint64_t n = 0; n < course.answers; ++n) {
      series.sent(at);
      series.answered(at, course.latency(second));
    }
  }
  record.probes = {std::move(memory), std::move(files)};
  return record;
}

}  // namespace support
