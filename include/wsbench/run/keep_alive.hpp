#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/run/cohort.hpp>

namespace wsbench::detail {

/// The pings that one connection is kept alive with: on a schedule, one in flight at a time, each with a deadline for its pong.
class KeepAlive {
 public:
  explicit KeepAlive(const Cohort& cohort) noexcept : cohort_(cohort) {}

  /// The connection is open: the first ping is due `ping_every` from now.
  void begin(std::chrono::nanoseconds now) noexcept {
    if (cohort_.options.ping_every.count() > 0) next_ = now + cohort_.options.ping_every;
  }

  /// The connection is gone, and with it the pong that is awaited.
  void lose() noexcept {
    end();
    if (awaited_) cohort_.collector.ping_failed();
    awaited_ = false;
  }

  /// The connection is being closed: no more pings, but a pong may still come.
  void end() noexcept { next_ = never; }

  /// When to look again: a ping is due, or its deadline is over; `never` where there is neither.
  std::chrono::nanoseconds next() const noexcept { return next_; }

  /// Whether a ping is to be sent.
  bool due(std::chrono::nanoseconds now) const noexcept { return next_ <= now && !awaited_; }
  /// Whether a pong has not come in time.
  bool overdue(std::chrono::nanoseconds now) const noexcept { return next_ <= now && awaited_; }

  /// Begins a ping that is written now; gives its payload.
  std::string_view ping(std::chrono::nanoseconds now) noexcept {
    ++number_;
    awaited_ = true;
    sent_ = now;
    next_ = now + cohort_.options.ping_timeout;
    cohort_.collector.ping_sent();
    return payload();
  }

  /// A pong came; whether it was for one of these.
  bool pong(std::string_view answer, std::chrono::nanoseconds arrival) {
    if (!awaited_ || answer != payload()) return false;
    awaited_ = false;
    cohort_.collector.ping_answered(std::max(arrival - sent_, std::chrono::nanoseconds{0}));
    if (next_ != never) next_ = sent_ + cohort_.options.ping_every;
    return true;
  }

 private:
  std::string_view payload() const noexcept { return {reinterpret_cast<const char*>(&number_), sizeof number_}; }

  const Cohort& cohort_;
  std::chrono::nanoseconds next_{never};
  std::chrono::nanoseconds sent_{0};
  std::uint64_t number_{std::uint64_t{1} << 63U};  // apart from those of the behaviour's own pings
  bool awaited_{false};
};

}  // namespace wsbench::detail
