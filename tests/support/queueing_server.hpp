#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "support/web_socket_server.hpp"

namespace support {

/// An echo server with a known capacity: it serves one message after the other, and spins on nothing.
///
/// A message that arrives at `a` is answered at max(answer of the one before, a) + service time.
class QueueingServer final : private wsbench::detail::EchoPolicy, private wsbench::detail::Deadline {
 public:
  using ServiceTime = std::function<std::chrono::nanoseconds()>;

  /// Each message takes the same time.
  explicit QueueingServer(std::chrono::nanoseconds service_time) : QueueingServer([service_time] { return service_time; }) {}
  /// Each takes what is said as it comes, in the server's thread.
  explicit QueueingServer(ServiceTime service_time) : service_time_(std::move(service_time)) {}

  std::string url() const { return server_.url(); }

 private:
  struct Waiting {
    Peer* peer{nullptr};
    std::chrono::nanoseconds release{0};
    std::string text{};
  };

  void on_open(Peer&) override {}
  void on_ended(Peer& peer) override {
    std::erase_if(queue_, [&](const Waiting& waiting) { return waiting.peer == &peer; });
  }

  void on_message(Peer& peer, std::string_view text, bool) override {
    free_at_ = std::max(free_at_, server_.now()) + service_time_();
    queue_.push_back({&peer, free_at_, std::string(text)});
    server_.deadlines().arm(*this, queue_.front().release);
  }

  void on_deadline(std::chrono::nanoseconds now) override {
    for (; !queue_.empty() && queue_.front().release <= now; queue_.pop_front()) {
      WebSocketServer::tell(*queue_.front().peer, queue_.front().text);
    }
    if (!queue_.empty()) server_.deadlines().arm(*this, queue_.front().release);
  }

  ServiceTime service_time_;
  std::chrono::nanoseconds free_at_{0};
  std::deque<Waiting> queue_{};
  WebSocketServer server_{*this};  // last: its thread uses the others
};

}  // namespace support
