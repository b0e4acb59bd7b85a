#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/units.hpp>

namespace cli {

/// How far a run has come, as one line of a terminal that renews itself; nothing where the output is no terminal.
class Progress {
 public:
  explicit Progress(bool wanted) : shown_(wanted && ::isatty(STDOUT_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  bool shown() const noexcept { return shown_; }

  /// Renews the line.
  void show(const wsbench::Report& so_far) {
    const std::uint64_t sent = so_far.messages().sent;
    const std::chrono::nanoseconds elapsed = so_far.record().duration;
    const double seconds = std::chrono::duration<double>(elapsed - elapsed_).count();
    const double rate = seconds > 0 ? static_cast<double>(sent - sent_) / seconds : 0;
    sent_ = sent;
    elapsed_ = elapsed;
    const auto p95 = so_far.messages().response_time.percentile(0.95);
    const std::string text = fmt::format("{}  {} connected  {}  p95 {}  {} errors  {}", in_seconds(elapsed),
                                         wsbench::format_count(so_far.metrics().connections.open), wsbench::format_rate(rate),
                                         p95 ? wsbench::format_duration(*p95) : "n/a",
                                         wsbench::format_count(so_far.metrics().failures.total()), time_left(so_far));
    fmt::print(stderr, "\r{:.79}\x1b[K", text);
    std::fflush(stderr);
    dirty_ = true;
  }

  /// Takes the line away.
  void clear() {
    if (dirty_) fmt::print(stderr, "\r\x1b[K");
    dirty_ = false;
  }

 private:
  static std::string in_seconds(std::chrono::nanoseconds time) {
    return fmt::format("{} s", std::chrono::round<std::chrono::seconds>(time).count());
  }

  // By the duration, or by how long what was done took.
  static std::string time_left(const wsbench::Report& so_far) {
    const wsbench::Configuration& load = so_far.record().configuration;
    const std::chrono::nanoseconds elapsed = so_far.record().duration;
    std::optional<std::chrono::nanoseconds> left;
    if (load.duration.count() > 0) left = load.duration - elapsed;
    const wsbench::MessageMetrics& messages = so_far.messages();
    const std::uint64_t done = messages.answered + messages.failed + so_far.metrics().not_sent;
    const std::uint64_t planned = load.clients * load.messages;
    if (planned > 0 && done > 0) {
      const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(
          elapsed * (static_cast<double>(planned - std::min(done, planned)) / static_cast<double>(done)));
      left = std::min(left.value_or(rest), rest);
    }
    return left ? in_seconds(std::max(*left, std::chrono::nanoseconds{0})) + " left" : std::string();
  }

  bool shown_;
  bool dirty_{false};
  std::uint64_t sent_{0};
  std::chrono::nanoseconds elapsed_{0};
};

}  // namespace cli
