#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/generic/stream_protocol.hpp>

#include <wsbench/failure.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/receive_stamp.hpp>

#if WSBENCH_EPOLL
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#endif

namespace wsbench::detail {

/// A connected socket: TCP, or a Unix socket.
using Socket = asio::generic::stream_protocol::socket;

/// What a read or a write came to: bytes moved, or an error; `would_block` is neither end nor failure.
struct IoResult {
  std::size_t bytes{0};      ///< moved
  asio::error_code error{};  ///< `asio::error::eof` at the end of the stream

  /// Whether nothing can be moved now.
  bool would_block() const noexcept { return error == asio::error::would_block || error == asio::error::try_again; }
};

/// What a read came to, and, without an error, when that arrived.
struct Received : IoResult {
  Arrival arrival{};
};

/// What went wrong with a stream, where an error code does not say it.
struct StreamFault {
  Failure failure{};
  std::string detail{};
};

/// Is told when its stream is ready.
class StreamEvents {
 public:
  /// The stream can be read (or has ended, which reading tells), written, or both; the stream may be destroyed in here.
  virtual void on_ready(bool readable, bool writable) = 0;
  /// That is about to happen: what it needs can be fetched into the cache.
  virtual void on_ready_soon() const {}

 protected:
  ~StreamEvents() = default;
};

/// A connected stream of bytes that never blocks; watched for reading from the start, closed when destroyed.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// Goes on with what both ends have to agree on before bytes can be exchanged: `would_block` until that is done.
  virtual IoResult agree() { return {}; }
  /// Whether they agreed on what they had agreed on before.
  virtual bool resumed() const noexcept { return false; }
  /// What went wrong, if an error was more than the system's.
  virtual std::optional<StreamFault> fault() const { return std::nullopt; }

  /// Has the kernel stamp what comes from now on, where it can.
  virtual void stamp_arrivals() {}
  /// Reads what is there.
  virtual IoResult read(std::span<std::uint8_t> into) = 0;
  /// Reads what is there and tells when it arrived.
  virtual Received receive(std::span<std::uint8_t> into) = 0;
  /// Writes what fits.
  virtual IoResult write(std::string_view bytes) = 0;
  /// Whether to be told when it can be written.
  virtual void watch_writable(bool watch) = 0;
};

/// A stream over Asio's own readiness, for every system.
class AsioStream final : public Stream {
 public:
  AsioStream(EventLoop& loop, Socket socket, StreamEvents& events) : shared_(std::make_shared<Shared>(loop, std::move(socket), events)) {
    shared_->socket.non_blocking(true);
    watch_readable(shared_);
  }
  ~AsioStream() override {
    shared_->events = nullptr;
    asio::error_code ignored;
    shared_->socket.close(ignored);
  }

  IoResult read(std::span<std::uint8_t> into) override {
    IoResult result;
    result.bytes = shared_->socket.read_some(asio::buffer(into.data(), into.size()), result.error);
    return result;
  }
  Received receive(std::span<std::uint8_t> into) override {
    const IoResult result = read(into);
    const std::chrono::nanoseconds now = shared_->loop.now();
    return {result, {now, now, Stamp::none}};
  }
  IoResult write(std::string_view bytes) override {
    IoResult result;
    result.bytes = shared_->socket.write_some(asio::buffer(bytes), result.error);
    return result;
  }
  void watch_writable(bool watch) override {
    shared_->writable_watched = watch;
    if (watch && !shared_->writable_waiting) wait_writable(shared_);
  }

 private:
  // Outlives the stream until the last handler that was given to Asio has run.
  struct Shared {
    Shared(EventLoop& on, Socket over, StreamEvents& to) : loop(on), socket(std::move(over)), events(&to) {}

    EventLoop& loop;
    Socket socket;
    StreamEvents* events;
    bool writable_watched{false};
    bool writable_waiting{false};
  };

  static void watch_readable(const std::shared_ptr<Shared>& shared) {
    shared->socket.async_wait(Socket::wait_read, shared->loop.entering([shared](const asio::error_code& failed) {
      if (failed || shared->events == nullptr) return;
      shared->events->on_ready(true, false);
      if (shared->events != nullptr) watch_readable(shared);
    }));
  }
  static void wait_writable(const std::shared_ptr<Shared>& shared) {
    shared->writable_waiting = true;
    shared->socket.async_wait(Socket::wait_write, shared->loop.entering([shared](const asio::error_code& failed) {
      shared->writable_waiting = false;
      if (failed || shared->events == nullptr || !shared->writable_watched) return;
      shared->events->on_ready(false, true);
      if (shared->events != nullptr && shared->writable_watched) wait_writable(shared);
    }));
  }

  std::shared_ptr<Shared> shared_;
};

#if WSBENCH_EPOLL

/// A stream over the loop's own epoll set.
class EpollStream final : public Stream, private PollHandler {
 public:
  EpollStream(EventLoop& loop, Socket socket, StreamEvents& events) : loop_(loop), events_(events), descriptor_(socket.release()) {
    polls().add(descriptor_, *this);
  }
  ~EpollStream() override {
    polls().remove(descriptor_);
    ::close(descriptor_);
  }

  void stamp_arrivals() override {
    const int on = 1;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);  // without it there are no stamps, which the reads tell
    empty_ = loop_.now();
  }
  IoResult read(std::span<std::uint8_t> into) override {
    return to_read_result(::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT));
  }
  Received receive(std::span<std::uint8_t> into) override {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(timespec))> control;
    iovec place{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const IoResult result = to_read_result(::recvmsg(descriptor_, &message, MSG_DONTWAIT));
    if (result.error) return {result, {}};
    const std::chrono::nanoseconds wall = wall_clock();
    const Arrival arrival = arrival_of({stamp_in(message), wall, loop_.now(), empty_});
    // Unless the buffer was filled nothing is left, and what is read next came after this. The clock is too late to say so: something may
    // have come between the read and the clock.
    if (result.bytes < into.size()) empty_ = arrival.at;
    return {result, arrival};
  }
  IoResult write(std::string_view bytes) override {
    return to_result(::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  void watch_writable(bool watch) override { polls().watch_writable(descriptor_, *this, watch); }

 private:
  static IoResult to_result(ssize_t moved) {
    if (moved >= 0) return {static_cast<std::size_t>(moved), {}};
    if (errno == EINTR) return {0, asio::error::would_block};
    return {0, {errno, asio::error::get_system_category()}};
  }
  static IoResult to_read_result(ssize_t moved) {
    const IoResult result = to_result(moved);
    return result.bytes == 0 && !result.error ? IoResult{0, asio::error::eof} : result;
  }

  static std::chrono::nanoseconds to_time(const timespec& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
  }
  static std::chrono::nanoseconds wall_clock() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return to_time(now);
  }
  // 0 if there is none; the stamp is all that is asked for.
  static std::chrono::nanoseconds stamp_in(const msghdr& message) {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS) return {};
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
    return to_time(stamp);
  }

  PollSet& polls() const noexcept { return loop_.polls(); }
  void on_poll_soon() const override { events_.on_ready_soon(); }
  void on_poll(bool readable, bool writable) override { events_.on_ready(readable, writable); }

  EventLoop& loop_;
  StreamEvents& events_;
  std::chrono::nanoseconds empty_{0};  // what is read next came after this
  int descriptor_;
};

using DefaultStream = EpollStream;
#else
using DefaultStream = AsioStream;
#endif

}  // namespace wsbench::detail
