#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <wsbench/publication.hpp>
#include <wsbench/session.hpp>

namespace support {

/// A session in which nothing is sent and nothing comes; a test overrides what it wants to know of.
class IdleSession : public wsbench::Session {
 public:
  explicit IdleSession(std::uint64_t id = 0) : Session(id, 0) {}

  bool stopping() const noexcept override { return false; }
  bool connected() const noexcept override { return false; }
  std::string_view subprotocol() const noexcept override { return {}; }
  void subscribe() override {}
  std::chrono::nanoseconds due() const noexcept override { return {}; }

 protected:
  void send_one_way(std::string_view, bool) override {}
  void send_request(wsbench::PendingReply*, std::string_view, std::string_view, bool, std::chrono::nanoseconds) override {}
  void await_message(wsbench::PendingReply&, std::chrono::nanoseconds) override {}
  void await_turn(wsbench::PendingTurn&) override {}
  void await_time(wsbench::PendingPause&, std::chrono::nanoseconds) override {}
  void send_ping(wsbench::PendingPong&, std::chrono::nanoseconds) override {}
  void close_connection(std::uint16_t, std::string_view) override {}
  void await_connection(wsbench::PendingConnection&) override {}
  std::string next_publication() override { return wsbench::Publication{}.text(); }
  void count_check(std::string_view, bool) override {}
  void record_note(std::string_view, std::chrono::nanoseconds) override {}
  void forget(const wsbench::detail::Waiter&) noexcept override {}
};

}  // namespace support
