#pragma once

#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <wsbench/compilation.hpp>

#if WSBENCH_EPOLL
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include <asio/posix/stream_descriptor.hpp>
#endif

namespace wsbench::detail {

/// A steady beat that an event loop can wait for.
class Metronome {
 public:
#if WSBENCH_EPOLL
  // A timer of the kernel's that repeats by itself: to set one anew for each beat took 7 us of CPU on a virtual machine, which was 5 % of
  // an open load of 20,000 messages a second.

  explicit Metronome(asio::io_context& io) : timer_(io, created()) {}

  /// Beats from now on, `interval` apart.
  void start(std::chrono::nanoseconds interval) {
    set(interval);
  }
  /// Beats no more; who waits is told that it was cancelled.
  void stop() {
    set(std::chrono::nanoseconds{0});
    asio::error_code ignored;
    timer_.cancel(ignored);
  }
  /// Has `handler(error)` called at the next beat.
  template <class Handler>
  void async_wait(Handler handler) {
    timer_.async_wait(asio::posix::stream_descriptor::wait_read, [this, handler = std::move(handler)](const asio::error_code& failed) {
      std::uint64_t beats = 0;
      if (!failed) static_cast<void>(::read(timer_.native_handle(), &beats, sizeof beats));
      handler(failed);
    });
  }

 private:
  static int created() {
    const int descriptor = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (descriptor < 0) throw std::system_error(errno, std::system_category(), "timerfd_create");
    return descriptor;
  }
  void set(std::chrono::nanoseconds interval) {
    const timespec period{0, static_cast<long>(interval.count())};
    const itimerspec beat{period, period};
    ::timerfd_settime(timer_.native_handle(), 0, &beat, nullptr);
  }

  asio::posix::stream_descriptor timer_;
#else
  explicit Metronome(asio::io_context& io) : timer_(io) {}

  void start(std::chrono::nanoseconds interval) {
    interval_ = interval;
    timer_.expires_after(interval);
  }
  void stop() {
    timer_.cancel();
  }
  template <class Handler>
  void async_wait(Handler handler) {
    timer_.async_wait([this, handler = std::move(handler)](const asio::error_code& cancelled) {
      if (!cancelled) timer_.expires_at(timer_.expiry() + interval_);
      handler(cancelled);
    });
  }

 private:
  asio::steady_timer timer_;
  std::chrono::nanoseconds interval_{0};
#endif
};

}  // namespace wsbench::detail
