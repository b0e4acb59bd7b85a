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

#include <wsbench/compilation.hpp>
#include <wsbench/net/clock.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/net/metronome.hpp>

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
    if (watched_polls_.is_open()) watched_polls_.release();
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

  /// Whether deadlines are called and sockets read in rounds half a millisecond apart, and not each when it is due or ready. For dense
  /// loads: what arrives is stamped and may wait to be read. From deadlines and handlers.
  void serve_in_rounds(bool in_rounds) {
    if (in_rounds == in_rounds_) return;
    in_rounds_ = in_rounds;
#if WSBENCH_EPOLL
    // A descriptor that Asio knows wakes it, whether it is waited for or not.
    if (in_rounds) {
      watched_polls_.release();
      watching_ = false;
    } else {
      watched_polls_.assign(polls_.descriptor());
      watch_polls();
    }
#endif
    if (in_rounds) {
      rounds_.start(round_interval);
      await_round();
    } else {
      rounds_.stop();
    }
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

  // In a dense load every message sent would have an answer that wakes the loop: at 20,000/s that cost 2.7 times the CPU of a raw client
  // that sends every 0.5 ms.
  static constexpr std::chrono::microseconds round_interval{480};

  void settle() {
    if (in_rounds_ || deadlines_.next() == DeadlineQueue::never) return;
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

  void await_round() {
    rounds_.async_wait([this](const asio::error_code& stopped) {
      if (stopped || !in_rounds_) return;
      serve_round();
      if (in_rounds_) return await_round();
      settle();
    });
  }

  // Reads before it sends: a user that has its answer can send again. Bounded, so that posted calls have their turn.
  void serve_round() {
    const std::chrono::nanoseconds begin = now();
    for (int times = 0; times < 8; ++times) {
      read_ready();
      deadlines_.run_due(now());
      if (deadlines_.next() > begin) return;
    }
  }

  // While a round of many sockets is served more become ready: asking again at once spares two calls of the outer loop. Bounded, so that
  // deadlines and posted calls have their turn.
  void read_ready() {
#if WSBENCH_EPOLL
    for (int rounds = 0; rounds < 8 && polls_.dispatch() > 15; ++rounds) {
    }
#endif
  }

  void watch_polls() {
#if WSBENCH_EPOLL
    if (watching_ || in_rounds_) return;
    watching_ = true;
    watched_polls_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& failed) {
      if (failed) return;
      watching_ = false;
      read_ready();
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
  Metronome rounds_{io_};
  bool in_rounds_{false};
#if WSBENCH_EPOLL
  PollSet polls_{};
  asio::posix::stream_descriptor watched_polls_{io_, polls_.descriptor()};
  bool watching_{false};
#endif
  std::vector<std::uint8_t> read_buffer_ = std::vector<std::uint8_t>(std::size_t{64} * 1024);
  std::string write_buffer_{};
};

}  // namespace wsbench::detail
