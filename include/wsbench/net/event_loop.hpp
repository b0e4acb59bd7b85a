#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <wsbench/net/clock.hpp>
#include <wsbench/net/deadline_queue.hpp>

// Whether plain sockets are read through an epoll set of our own; 0 gives Asio's reads, as everywhere but on Linux.
#ifndef WSBENCH_EPOLL
#if defined(__linux__)
#define WSBENCH_EPOLL 1
#else
#define WSBENCH_EPOLL 0
#endif
#endif

#if WSBENCH_EPOLL
#include <asio/posix/stream_descriptor.hpp>

#include <wsbench/net/poll_set.hpp>
#endif

namespace wsbench::detail {

/// The event loop of one worker: sockets, deadlines, and the buffers that its connections share.
class EventLoop final : public Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

#if WSBENCH_EPOLL
  ~EventLoop() {
    watched_polls_.release();
  }  // the poll set closes it
#endif

  std::chrono::nanoseconds now() const override {
    return std::chrono::steady_clock::now() - origin_;
  }
  asio::io_context& context() noexcept {
    return io_;
  }
  DeadlineQueue& deadlines() noexcept {
    return deadlines_;
  }
#if WSBENCH_EPOLL
  PollSet& polls() noexcept {
    return polls_;
  }
#endif

  /// What sockets are read into, one at a time.
  std::span<std::uint8_t> read_buffer() noexcept {
    return read_buffer_;
  }
  /// What the connection that is being served encodes its frames into; empty between one connection and the next.
  std::string& write_buffer() noexcept {
    return write_buffer_;
  }

  /// Runs until `stop()`; `now()` counts from `origin`.
  void run(TimePoint origin) {
    origin_ = origin;
    watch_polls();
    settle();
    io_.run();
  }
  /// Ends `run()`.
  void stop() {
    io_.stop();
  }

  /// Has `function` called in the loop's thread; may be called from any other.
  template <class Function>
  void post(Function function) {
    asio::post(io_, entering(std::move(function)));
  }

  /// The handler, followed by the deadlines that became due or were armed in it: every handler given to Asio goes through this.
  template <class Handler>
  auto entering(Handler handler) {
    return [this, handler = std::move(handler)](auto&&... arguments) mutable {
      handler(std::forward<decltype(arguments)>(arguments)...);
      settle();
    };
  }

 private:
  // Deadlines are called at most this often, many at once: a wake-up costs more than what it wakes.
  static constexpr std::chrono::microseconds wake_interval{100};

  void settle() {
    if (deadlines_.next() == DeadlineQueue::never) return;
    const std::chrono::nanoseconds time = now();
    deadlines_.run_due(time);
    const std::chrono::nanoseconds wake = std::max<std::chrono::nanoseconds>(deadlines_.next(), time + wake_interval);
    if (deadlines_.next() == DeadlineQueue::never || wake >= armed_for_) return;
    armed_for_ = wake;
    timer_.expires_at(origin_ + std::chrono::ceil<std::chrono::steady_clock::duration>(wake));
    timer_.async_wait([this](const asio::error_code& cancelled) {
      if (cancelled) return;
      armed_for_ = DeadlineQueue::never;
      settle();
    });
  }

  void watch_polls() {
#if WSBENCH_EPOLL
    watched_polls_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& failed) {
      if (failed) return;
      // While a round of many sockets is served more become ready: asking again at once spares two calls of the outer loop. Bounded, so
      // that deadlines and posted calls have their turn.
      for (int rounds = 0; rounds < 8 && polls_.dispatch() > 15; ++rounds) {
      }
      settle();
      watch_polls();
    });
#endif
  }

  TimePoint origin_{std::chrono::steady_clock::now()};
  asio::io_context io_{1};
  DeadlineQueue deadlines_{};
  asio::steady_timer timer_{io_};
  std::chrono::nanoseconds armed_for_{DeadlineQueue::never};
#if WSBENCH_EPOLL
  PollSet polls_{};
  asio::posix::stream_descriptor watched_polls_{io_, polls_.descriptor()};
#endif
  std::vector<std::uint8_t> read_buffer_ = std::vector<std::uint8_t>(std::size_t{64} * 1024);
  std::string write_buffer_{};
};

}  // namespace wsbench::detail
