#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/run/process.hpp>

namespace wsbench::detail {

/// How much of its time a worker was busy: running, or waiting for a processor to run on.
struct WorkerEffort {
  std::chrono::nanoseconds cpu_time{0};  ///< user and system time of its thread
  std::chrono::nanoseconds busy{0};      ///< that, and the time it waited for a processor
  std::chrono::nanoseconds watched{0};   ///< how long it ran
  std::uint64_t seconds{0};              ///< whole seconds of that
  std::uint64_t overloaded_seconds{0};   ///< of those: busy for more than 90 %
};

/// Looks once a second how busy its worker is.
class WorkerWatch final : private Deadline {
 public:
  /// Begins, in the worker's thread.
  void start(EventLoop& loop) {
    deadlines_ = &loop.deadlines();
    begun_ = looked_ = std::chrono::nanoseconds{0};
    started_ = now_used();
    last_ = started_;
    deadlines_->arm(*this, interval);
  }

  /// Ends, in the worker's thread.
  void stop(std::chrono::nanoseconds now) {
    effort_ = effort_until(now);
    if (deadlines_ != nullptr) deadlines_->disarm(*this);
  }

  /// All so far, in the worker's thread.
  WorkerEffort effort_until(std::chrono::nanoseconds now) const {
    WorkerEffort effort = effort_;
    const ThreadTime used = now_used();
    effort.cpu_time = used.running - started_.running;
    effort.busy = effort.cpu_time + used.waiting - started_.waiting;
    effort.watched = now;
    return effort;
  }

  /// All there was; after `stop()`.
  const WorkerEffort& effort() const noexcept { return effort_; }

 private:
  static constexpr std::chrono::nanoseconds interval = std::chrono::seconds{1};
  static constexpr double overloaded = 0.9;

  static ThreadTime now_used() { return thread_time(); }

  void on_deadline(std::chrono::nanoseconds now) override {
    if (now >= looked_ + interval) {
      const ThreadTime used = now_used();
      const std::chrono::nanoseconds busy = used.running - last_.running + used.waiting - last_.waiting;
      ++effort_.seconds;
      if (std::chrono::duration<double>(busy) > overloaded * std::chrono::duration<double>(now - looked_)) ++effort_.overloaded_seconds;
      looked_ = now;
      last_ = used;
    }
    deadlines_->arm(*this, looked_ + interval);
  }

  DeadlineQueue* deadlines_{nullptr};
  std::chrono::nanoseconds begun_{0};
  std::chrono::nanoseconds looked_{0};
  ThreadTime started_{};
  ThreadTime last_{};
  WorkerEffort effort_{};
};

}  // namespace wsbench::detail
