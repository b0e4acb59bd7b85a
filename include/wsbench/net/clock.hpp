#pragma once

#include <chrono>

namespace wsbench::detail {

/// Tells the time since the start of a run; a test may bring one of its own.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  virtual std::chrono::nanoseconds now() const = 0;

 protected:
  ~Clock() = default;
};

}  // namespace wsbench::detail
