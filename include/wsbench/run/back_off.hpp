#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <wsbench/random.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/schedule.hpp>

namespace wsbench::detail {

/// When a lost connection may be made again: the delays double, and each is drawn between its half and its whole, so that the clients of a
/// server that was away do not come back all at once.
class BackOff {
 public:
  BackOff(const Options& options, std::uint64_t client) noexcept : random_(~options.seed, client) {}

  /// A connection was made.
  void opened(std::chrono::nanoseconds now) noexcept { opened_ = now; }

  /// The connection was lost, or the attempt to make one failed.
  void failed(const Options& options, std::chrono::nanoseconds now) {
    if (opened_ != never && now - opened_ >= options.reconnect_delay_max) tries_ = 0;
    opened_ = never;
    next_ = now + drawn(delay_of(options, tries_));
    ++tries_;
  }

  /// The connection that was begun at `started` was given up of the client's own will.
  void left(const Options& options, std::chrono::nanoseconds started) noexcept { next_ = started + options.reconnect_delay; }

  /// When the next attempt may begin.
  std::chrono::nanoseconds next() const noexcept { return next_; }

 private:
  static std::chrono::nanoseconds delay_of(const Options& options, std::uint32_t tries) noexcept {
    std::chrono::nanoseconds delay = options.reconnect_delay;
    for (; tries > 0 && delay < options.reconnect_delay_max; --tries) delay *= 2;
    return std::min(delay, options.reconnect_delay_max);
  }

  std::chrono::nanoseconds drawn(std::chrono::nanoseconds delay) noexcept {
    const double part = static_cast<double>(random_()) / static_cast<double>(Random::max());
    return delay - std::chrono::nanoseconds{static_cast<std::int64_t>(static_cast<double>(delay.count()) / 2 * part)};
  }

  Random random_;  // apart from the behaviour's, which does not depend on what the network does
  std::chrono::nanoseconds next_{0};
  std::chrono::nanoseconds opened_{never};  // never: it is not open
  std::uint32_t tries_{0};                  // losses and failed attempts in a row, without a connection that lasted
};

}  // namespace wsbench::detail
