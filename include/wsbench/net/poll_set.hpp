#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <wsbench/net/prefetch.hpp>

namespace wsbench::detail {

/// Is told when its descriptor is ready.
class PollHandler {
 public:
  /// The descriptor can be read (or has failed, which reading tells), written, or both; the handler may be destroyed in here.
  virtual void on_poll(bool readable, bool writable) = 0;
  /// That is about to happen: what it needs can be fetched into the cache.
  virtual void on_poll_soon() const {}

 protected:
  ~PollHandler() = default;
};

/// A level-triggered epoll set (Linux), itself a descriptor that an event loop can watch.
///
/// With it a message costs one `recv`, where reads through Asio take up to two, and an idle connection costs 0.5 KiB instead of 2.7.
class PollSet {
 public:
  PollSet() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  }
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;
  ~PollSet() { ::close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }

  /// Watches a descriptor for reading until it is removed.
  void add(int descriptor, PollHandler& handler) const { control(EPOLL_CTL_ADD, descriptor, handler, EPOLLIN); }
  /// Watches it for writing too, or no longer.
  void watch_writable(int descriptor, PollHandler& handler, bool watch) const {
    control(EPOLL_CTL_MOD, descriptor, handler, watch ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  /// Watches it no longer. To close it is not enough: where a process is being started just then, that has it too for a moment, and as long
  /// as anybody has it the kernel goes on telling its handler (epoll(7)), which is gone.
  void remove(int descriptor) const noexcept { ::epoll_ctl(descriptor_, EPOLL_CTL_DEL, descriptor, nullptr); }

  /// Tells the handlers of what is ready now, without waiting; returns how many there were.
  std::size_t dispatch() {
    std::array<epoll_event, 128> events;
    const int ready = ::epoll_wait(descriptor_, events.data(), static_cast<int>(events.size()), 0);
    const std::size_t count = ready < 0 ? 0 : static_cast<std::size_t>(ready);
    // Where so many are ready, few are in the cache: at 1,000 connections a round trip took 22 % less of the user time, 4 % less in all.
    const bool many = count >= worth_prefetching;
    for (std::size_t i = 0; i < count; ++i) {
      if (many && i + 2 < count) prefetch(handler_of(events[i + 2]));
      if (many && i + 1 < count) handler_of(events[i + 1]).on_poll_soon();
      const bool writable = (events[i].events & EPOLLOUT) != 0;
      const bool readable = (events[i].events & ~std::uint32_t{EPOLLOUT}) != 0;
      handler_of(events[i]).on_poll(readable, writable);
    }
    return count;
  }

 private:
  static constexpr std::size_t worth_prefetching = 32;

  static PollHandler& handler_of(const epoll_event& event) { return *static_cast<PollHandler*>(event.data.ptr); }

  void control(int operation, int descriptor, PollHandler& handler, std::uint32_t interest) const {
    epoll_event event{};
    event.events = interest;
    event.data.ptr = &handler;
    if (::epoll_ctl(descriptor_, operation, descriptor, &event) != 0) throw std::system_error(errno, std::system_category(), "epoll_ctl");
  }

  int descriptor_;
};

}  // namespace wsbench::detail
