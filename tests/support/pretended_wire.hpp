#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/net/clock.hpp>
#include <wsbench/net/receive_stamp.hpp>
#include <wsbench/net/wire.hpp>

namespace support {

/// A message that a client wrote.
struct Written {
  std::chrono::nanoseconds at{0};
  std::string payload{};
  bool binary{false};
};

/// A connection that goes nowhere: what the client does with it is written down, what the server does is told by the test.
class PretendedWire final : public wsbench::detail::Wire {
 public:
  PretendedWire(const wsbench::detail::Clock& clock, wsbench::detail::WireEvents& events) : clock_(clock), events_(events) {}

  // ---- the client's side

  void open() override {
    ++opens;
    opening_ = true;
    if (on_opening) on_opening(*this);
  }
  bool send(std::string_view payload, bool binary) override {
    if (congested() && waiting_.size() + taken_.size() >= room) return false;
    taken_.push_back({{}, std::string(payload), binary});
    return true;
  }
  void flush() override {
    for (Written& message : std::exchange(taken_, {})) {
      message.at = clock_.now();
      ++handed_over;
      if (reads) {
        arrived(std::move(message));
      } else {
        waiting_.push_back(std::move(message));
      }
    }
    for (const std::string& payload : std::exchange(pings_taken_, {})) {
      if (on_ping) on_ping(*this, payload);
    }
    if (std::exchange(close_taken_, false) && on_close) on_close(*this);
  }
  bool congested() const noexcept override { return !waiting_.empty(); }
  void ping(std::string_view payload) override { pings_taken_.emplace_back(payload); }
  void close(std::uint16_t code, std::string_view reason = {}) override {
    close_codes.push_back(code);
    close_reasons.emplace_back(reason);
    close_taken_ = true;
  }
  void abandon() override {
    ++abandoned;
    ++generation_;
    lost_unwritten += taken_.size();
    taken_.clear();
    pings_taken_.clear();
    waiting_.clear();
    opening_ = open_ = close_taken_ = false;
  }
  wsbench::Failure phase_timeout() const noexcept override { return wsbench::Failure::connect_timeout; }

  // ---- the server's side, never from within a call of the client's

  /// Agrees to the upgrade.
  void succeed(const wsbench::ConnectTimes& times = {}) {
    if (!std::exchange(opening_, false)) return;
    open_ = true;
    events_.on_open(clock_.now(), times);
    events_.on_input_end();
  }
  /// The messages come in with one read, which the kernel stamped then.
  void deliver(const std::vector<std::string>& messages, std::chrono::nanoseconds arrival, bool binary = false) {
    if (!open_) return;
    const std::uint64_t generation = generation_;
    for (const std::string& message : messages) {
      if (generation != generation_) break;
      ++delivered;
      events_.on_message(message, binary, {arrival, clock_.now(), wsbench::detail::Stamp::believed});
    }
    events_.on_input_end();
  }
  void deliver(const std::string& message) { deliver({message}, clock_.now()); }
  void deliver_pong(const std::string& payload) {
    if (!open_) return;
    events_.on_pong(payload, {clock_.now(), clock_.now(), wsbench::detail::Stamp::believed});
    events_.on_input_end();
  }
  /// The connection, or the attempt at one, ends.
  void end(const wsbench::detail::Ending& ending) {
    if (!open_ && !opening_) return;
    abandon();
    events_.on_ended(clock_.now(), ending);
  }
  /// A message and the end come in with one read.
  void deliver_and_end(const std::string& message, const wsbench::detail::Ending& ending) {
    ++delivered;
    events_.on_message(message, false, {clock_.now(), clock_.now(), wsbench::detail::Stamp::believed});
    end(ending);
  }
  /// The server reads again.
  void drain() {
    reads = true;
    for (Written& message : std::exchange(waiting_, {})) arrived(std::move(message));
    events_.on_drained();
  }

  bool is_open() const noexcept { return open_; }
  bool is_opening() const noexcept { return opening_; }
  /// Changes when the connection is dropped.
  std::uint64_t generation() const noexcept { return generation_; }

  bool reads{true};                                                   ///< whether the server reads what is written
  std::size_t room{1000};                                             ///< how many messages may wait for the server
  std::function<void(PretendedWire&)> on_opening{};                   ///< told of every attempt to connect
  std::function<void(PretendedWire&)> on_close{};                     ///< told of every close frame
  std::function<void(PretendedWire&, const std::string&)> on_ping{};  ///< told of every ping, with its payload
  std::function<void(PretendedWire&, const Written&)> on_read;        ///< told of every message that reaches the server

  std::vector<Written> read{};  ///< what reached the server
  std::vector<std::uint16_t> close_codes{};
  std::vector<std::string> close_reasons{};
  std::size_t opens{0};
  std::size_t abandoned{0};
  std::size_t handed_over{0};     ///< messages that were flushed
  std::size_t lost_unwritten{0};  ///< messages that were taken and then dropped before they were flushed
  std::size_t delivered{0};       ///< messages that the client was given

 private:
  void arrived(Written message) {
    read.push_back(std::move(message));
    if (on_read) on_read(*this, read.back());
  }

  const wsbench::detail::Clock& clock_;
  wsbench::detail::WireEvents& events_;
  std::vector<Written> taken_{};
  std::vector<std::string> pings_taken_{};
  std::vector<Written> waiting_{};
  std::uint64_t generation_{0};
  bool opening_{false};
  bool open_{false};
  bool close_taken_{false};
};

}  // namespace support
