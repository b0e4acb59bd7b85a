#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/connector.hpp>
#include <wsbench/net/cookies.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/handshake.hpp>
#include <wsbench/net/prefetch.hpp>
#include <wsbench/net/protocol.hpp>
#include <wsbench/net/receive_stamp.hpp>
#include <wsbench/net/source_addresses.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/net/tls_context.hpp>
#include <wsbench/net/wire.hpp>

namespace wsbench::detail {

/// Where a worker's connections to one server go, and what they share.
struct Target {
  Target(EventLoop& on, const Url& to, SourceAddresses& from, bool look_up_once)
      : url(to), sources(from), addresses(on, to, look_up_once) {}

  Url url;
  SourceAddresses& sources;
  HostAddresses addresses;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< added to every upgrade request
  std::vector<std::string> subprotocols{};                     ///< asked for, in order of preference
  CookieJar cookies{};                                         ///< that every user has from the start
  const TlsContext* tls{nullptr};                              ///< for `wss://`
  const DeflateOptions* deflate{nullptr};                      ///< the compression that is offered; null: none
  CodecFactory* codecs{nullptr};                               ///< what makes it, where it is offered
  std::size_t fragment_size{0};                                ///< the most bytes of a message in one frame; 0: all
};

/// What all connections of one worker share.
struct Exchange {
  EventLoop& loop;
  MessagePool& messages;
  Random& random;
  MetricsCollector& collector;
};

/// A client's WebSocket connection.
class WebSocket final : public Wire, private ConnectEvents, private StreamEvents {
 public:
  /// The most bytes that wait for the server to read them.
  static constexpr std::size_t queue_limit = std::size_t{1} << 20U;

  WebSocket(Exchange& exchange, Target& target, WireEvents& events)
      : exchange_(exchange), target_(target), events_(events), cookies_(target.cookies) {}
  ~WebSocket() override { abandon(); }

  void open() override {
    attempt_ = std::make_shared<ConnectAttempt>(exchange_.loop, target_.addresses, target_.sources, static_cast<ConnectEvents&>(*this));
    attempt_->start();
  }

  bool send(std::string_view payload, bool binary) override {
    // What was taken since the last flush is bounded too: a behaviour may send without end before it awaits.
    if (output().size() + payload.size() > queue_limit) flush();
    // A message may be larger than the queue; only one that has to wait behind others is refused.
    if (!unwritten_.empty() && unwritten_.size() + output().size() + payload.size() > queue_limit) return false;
    MessageCodec* const codec = engine_ ? engine_->codec() : nullptr;
    const std::string_view bytes = codec != nullptr ? codec->compress(payload) : payload;
    if (codec != nullptr) exchange_.collector.compressed(payload.size(), bytes.size());
    append_message(output(), Role::client, binary ? Opcode::binary : Opcode::text, bytes, target_.fragment_size, codec != nullptr,
                   exchange_.random);
    return true;
  }

  void flush() override {
    std::string& output = exchange_.loop.write_buffer();
    if (output.empty()) return;
    if (stream_ == nullptr || !unwritten_.empty()) {
      if (stream_ != nullptr) unwritten_ += output;
    } else {
      const std::size_t written = write(output);
      if (written < output.size()) {
        unwritten_.assign(output, written);
        if (stream_ != nullptr) stream_->watch_writable(true);
      }
    }
    output.clear();
    if (output.capacity() > kept_capacity) output.shrink_to_fit();
  }

  bool congested() const noexcept override { return !unwritten_.empty(); }

  void ping(std::string_view payload) override {
    if (!close_sent_ && engine_) append_frame(output(), Role::client, Opcode::ping, payload, exchange_.random);
  }

  void close(std::uint16_t code, std::string_view reason = {}) override {
    if (close_sent_ || !engine_) return;
    close_sent_ = true;
    append_frame(output(), Role::client, Opcode::close, close_payload(code, reason), exchange_.random);
  }

  void abandon() override {
    if (attempt_) std::exchange(attempt_, nullptr)->cancel();
    opening_.reset();
    stream_.reset();
    if (!feeding_) engine_.reset();
    unwritten_ = {};
    ending_.reset();
    close_sent_ = false;
    agreed_ = false;
  }

  Failure phase_timeout() const noexcept override {
    if (!attempt_) return agreed_ ? Failure::upgrade_timeout : Failure::tls_timeout;
    return attempt_->resolving() ? Failure::resolve : Failure::connect_timeout;
  }

 private:
  static constexpr std::size_t kept_capacity = std::size_t{256} * 1024;

  // Kept only until the connection is open.
  struct Opening {
    Opening(const Target& target, Exchange& exchange)
        : handshake(target.url, target.headers, target.subprotocols, exchange.messages, exchange.random, target.deflate) {}

    ClientHandshake handshake;
    ConnectTimes times{};
    std::chrono::nanoseconds started{0};
  };

  // What the protocol engine tells; see ProtocolEngine::feed().
  struct Input {
    WebSocket& self;
    const Arrival& arrival;
    std::uint64_t messages{0};

    bool on_data(std::string_view payload, bool binary) {
      ++messages;
      self.events_.on_message(payload, binary, arrival);
      return self.reading();
    }
    void on_inflated(std::size_t compressed, std::size_t size) const { self.exchange_.collector.inflated(compressed, size); }
    bool on_ping(std::string_view payload) const {
      if (self.unwritten_.size() + self.output().size() > queue_limit) {
        self.end({Failure::backpressure, 0, "the server sent pings and read no answers"});
      } else if (!self.close_sent_) {
        append_frame(self.output(), Role::client, Opcode::pong, payload, self.exchange_.random);
      }
      return self.reading();
    }
    bool on_pong(std::string_view payload) const {
      self.events_.on_pong(payload, arrival);
      return self.reading();
    }
    bool on_close(const CloseReason& reason) const {
      self.closed_by_server(reason);
      return false;
    }
  };

  std::string& output() const noexcept { return exchange_.loop.write_buffer(); }
  bool reading() const noexcept { return stream_ != nullptr && !ending_; }

  void on_connected(Socket socket, const ConnectTimes& times) override {
    attempt_.reset();
    opening_ = std::make_unique<Opening>(target_, exchange_);
    opening_->times = times;
    opening_->started = exchange_.loop.now();
    auto& stream_events = static_cast<StreamEvents&>(*this);
    if (target_.tls == nullptr) {
      stream_ = std::make_unique<DefaultStream>(exchange_.loop, std::move(socket), stream_events);
    } else {
      stream_ = target_.tls->secure(exchange_.loop, std::move(socket), stream_events, target_.url.host, session_);
    }
    stream_->stamp_arrivals();
    agree();
    tell_end();
  }

  // Both ends agree on TLS, where there is any; then the upgrade begins.
  void agree() {
    const IoResult result = stream_->agree();
    if (result.would_block()) return;
    if (result.error) return end(ending_of(result.error));
    agreed_ = true;
    if (target_.tls != nullptr) {
      const std::chrono::nanoseconds now = exchange_.loop.now();
      opening_->times.tls = now - opening_->started;
      opening_->times.tls_resumed = stream_->resumed();
      opening_->started = now;
    }
    opening_->handshake.add_cookies(cookies_);
    output() += opening_->handshake.request();
    flush();
  }

  void on_connect_failed(Failure failure, const std::string& detail) override {
    attempt_.reset();
    events_.on_ended(exchange_.loop.now(), {failure, 0, detail});
  }

  void on_ready_soon() const override {
    prefetch(*this);
    events_.on_message_soon();
  }

  void on_ready(bool readable, bool writable) override {
    if (!agreed_) {
      agree();
      return tell_end();
    }
    if (writable) write_waiting();
    if (readable && reading()) read();
    tell_end();
  }

  void read() {
    const std::span<std::uint8_t> buffer = exchange_.loop.read_buffer();
    const Received result = stream_->receive(buffer);
    if (result.would_block()) return;
    if (result.error) return end(ending_of(result.error));
    exchange_.collector.bytes_received(result.bytes);
    if (result.arrival.stamp != Stamp::none) exchange_.collector.stamped_read(result.arrival.stamp == Stamp::believed);
    std::span<std::uint8_t> bytes = buffer.first(result.bytes);
    if (opening_) {
      bytes = bytes.subspan(opening_->handshake.take({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
      if (!opening_->handshake.decided()) return;
      if (!upgraded(result.arrival.read)) return;
    }
    if (reading() && !bytes.empty()) feed(bytes, result.arrival);
    events_.on_input_end();
    flush();
  }

  // Returns whether the server agreed.
  bool upgraded(std::chrono::nanoseconds now) {
    opening_->handshake.keep_cookies(cookies_, target_.url);
    if (std::optional<Refusal> refusal = opening_->handshake.refusal()) {
      end({refusal->failure, refusal->code, std::move(refusal->detail)});
      return false;
    }
    ConnectTimes times = opening_->times;
    times.upgrade = now - opening_->started;
    times.subprotocol = opening_->handshake.subprotocol();
    std::unique_ptr<MessageCodec> codec;
    if (const auto& agreement = opening_->handshake.deflate()) codec = target_.codecs->codec(*agreement, Role::client);
    times.compressed = codec != nullptr;
    opening_.reset();
    engine_.emplace(Role::client, exchange_.messages, exchange_.random, std::move(codec));
    events_.on_open(now, times);
    return true;
  }

  void feed(std::span<std::uint8_t> bytes, const Arrival& arrival) {
    Input input{*this, arrival};
    feeding_ = true;
    std::optional<ProtocolFault> fault = engine_->feed(bytes, input);
    feeding_ = false;
    if (arrival.stamp == Stamp::believed && input.messages > 1) exchange_.collector.shared_stamp(input.messages - 1);
    if (stream_ == nullptr) engine_.reset();  // abandoned while it was being fed
    if (!fault || !reading()) return;
    close(fault->close_code);
    end({fault->failure, 0, "the server sent " + fault->detail});
  }

  void closed_by_server(const CloseReason& reason) {
    // The same status back, or none where none came (RFC 6455 section 5.5.1).
    if (!std::exchange(close_sent_, true)) {
      append_frame(output(), Role::client, Opcode::close, reason.code == 1005 ? std::string() : close_payload(reason.code),
                   exchange_.random);
    }
    std::string detail = "the server closed the connection (" + std::to_string(reason.code);
    if (!reason.reason.empty()) detail += ' ' + in_quotes(reason.reason);
    end({Failure::closed, reason.code, detail + ')'});
  }

  Ending ending_of(const asio::error_code& error) const {
    const std::string when = !agreed_ ? " during the TLS handshake" : opening_ ? " during the upgrade" : "";
    if (std::optional<StreamFault> fault = stream_->fault()) return {fault->failure, 0, std::move(fault->detail) + when};
    Failure failure = failure_of(error);
    if (failure == Failure::abnormal && reset_) failure = Failure::reset;
    if (failure == Failure::abnormal) return {failure, 0, "the server ended the connection" + when + " without a close frame"};
    if (failure == Failure::reset) return {failure, 0, "the server reset the connection" + when};
    return {failure, 0, error.message() + when};
  }

  // The connection is over; told by `tell_end()` when what led here has returned.
  void end(Ending ending) {
    if (!ending_) ending_ = std::make_unique<Ending>(std::move(ending));
  }

  void tell_end() {
    if (!ending_) return;
    flush();
    const std::unique_ptr<Ending> ending = std::move(ending_);
    if (close_sent_) discard_input();
    abandon();
    events_.on_ended(exchange_.loop.now(), *ending);
  }

  // Closing a socket that has unread bytes resets the connection, and the close frame on its way is lost with it. Bounded, since a server
  // may go on without end.
  void discard_input() {
    for (int reads = 0; stream_ != nullptr && reads < 64; ++reads) {
      const IoResult result = stream_->read(exchange_.loop.read_buffer());
      if (result.error) return;
      exchange_.collector.bytes_received(result.bytes);
    }
  }

  std::size_t write(std::string_view bytes) {
    const IoResult result = stream_->write(bytes);
    exchange_.collector.bytes_sent(result.bytes);
    // A failed write says less than the read that follows: what the server said before it hung up is still to be read. But it takes a reset
    // from the socket, whose reads then only end.
    reset_ = reset_ || result.error == asio::error::connection_reset;
    return result.bytes;
  }

  void write_waiting() {
    if (unwritten_.empty() || stream_ == nullptr) return;
    unwritten_.erase(0, write(unwritten_));
    if (!unwritten_.empty()) return;
    unwritten_.shrink_to_fit();
    stream_->watch_writable(false);
    events_.on_drained();
    flush();
  }

  Exchange& exchange_;
  Target& target_;
  WireEvents& events_;
  std::shared_ptr<ConnectAttempt> attempt_{};
  std::unique_ptr<Opening> opening_{};
  std::shared_ptr<void> session_{};  // of TLS, for the next connection
  CookieJar cookies_;
  std::unique_ptr<Stream> stream_{};
  std::optional<ProtocolEngine> engine_{};
  std::unique_ptr<Ending> ending_{};
  std::string unwritten_{};
  bool agreed_{false};  // with the other end on TLS, or without it
  bool close_sent_{false};
  bool reset_{false};  // as a write was told
  bool feeding_{false};
};

}  // namespace wsbench::detail
