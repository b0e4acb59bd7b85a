#pragma once

#include <algorithm>
#include <chrono>

#include <wsbench/net/clock.hpp>

namespace support {

/// A clock that stands still until it is told.
class VirtualClock final : public wsbench::detail::Clock {
 public:
  std::chrono::nanoseconds now() const override { return now_; }

  /// Never goes back.
  void advance_to(std::chrono::nanoseconds time) noexcept { now_ = std::max(now_, time); }

 private:
  std::chrono::nanoseconds now_{0};
};

}  // namespace support
