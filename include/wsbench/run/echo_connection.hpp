#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/net/compression.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/handshake.hpp>
#include <wsbench/net/protocol.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/net/tls_context.hpp>

namespace wsbench::detail {

class EchoConnection;

/// What an echo server decides for its connections.
class EchoPolicy {
 public:
  /// The WebSocket is open.
  virtual void on_open(EchoConnection& connection) = 0;
  /// A message came.
  virtual void on_message(EchoConnection& connection, std::string_view payload, bool binary) = 0;
  /// A ping came, which is answered without more ado.
  virtual void on_ping(EchoConnection&) {}
  /// The connection is over; it may be destroyed in here.
  virtual void on_ended(EchoConnection& connection) = 0;

 protected:
  ~EchoPolicy() = default;
};

/// What all connections of one echo server share.
struct EchoExchange {
  EventLoop& loop;
  MessagePool& messages;
  Random& random;
  EchoPolicy& policy;
  const DeflateOptions* deflate{nullptr};  ///< the compression that is agreed to; null: none
  CodecFactory* codecs{nullptr};           ///< what makes it
  std::size_t fragment_size{0};            ///< the most bytes of a message in one frame; 0: all
};

/// The server's end of one connection.
class EchoConnection final : private StreamEvents {
 public:
  /// The most bytes that wait for a client to read them; one that exceeds it is dropped.
  static constexpr std::size_t queue_limit = std::size_t{64} << 20U;

  EchoConnection(EchoExchange& exchange, std::uint64_t number, bool doomed) : exchange_(exchange), number_(number), doomed_(doomed) {}

  /// Takes over an accepted socket.
  void start(Socket socket, const TlsContext* tls) {
    handshake_ = std::make_unique<ServerHandshake>(exchange_.messages, exchange_.random, exchange_.deflate);
    auto& events = static_cast<StreamEvents&>(*this);
    if (tls == nullptr) {
      stream_ = std::make_unique<DefaultStream>(exchange_.loop, std::move(socket), events);
    } else {
      stream_ = tls->secure(exchange_.loop, std::move(socket), events, {}, session_);
    }
  }

  /// Counted from 1, in the order they were accepted.
  std::uint64_t number() const noexcept { return number_; }
  /// Whether the handshake succeeded.
  bool opened() const noexcept { return engine_.has_value(); }
  /// Whether messages can be sent now.
  bool open() const noexcept { return opened() && !close_sent_ && !over_; }
  /// Whether it is to be closed at its first message.
  bool doomed() const noexcept { return doomed_; }

  /// Takes a message to be written when what led here has returned, or by `flush()`.
  void send(std::string_view payload, bool binary) {
    if (!open()) return;
    MessageCodec* const codec = engine_->codec();
    append_message(output(), Role::server, binary ? Opcode::binary : Opcode::text, codec != nullptr ? codec->compress(payload) : payload,
                   exchange_.fragment_size, codec != nullptr, exchange_.random);
  }
  /// Begins the closing handshake.
  void close(std::uint16_t code) {
    if (!std::exchange(close_sent_, true)) {
      append_frame(output(), Role::server, Opcode::close, close_payload(code), exchange_.random);
    }
  }
  /// Writes what was taken.
  void flush() {
    std::string& taken = output();
    if (taken.empty()) return;
    if (unwritten_.empty()) {
      const std::size_t written = stream_->write(taken).bytes;
      if (written < taken.size()) {
        unwritten_.assign(taken, written);
        stream_->watch_writable(true);
      }
    } else {
      unwritten_ += taken;
    }
    taken.clear();
    if (unwritten_.size() > queue_limit) over_ = true;
  }

 private:
  // What the protocol engine tells; see ProtocolEngine::feed().
  struct Input {
    EchoConnection& self;

    bool on_data(std::string_view payload, bool binary) const {
      self.exchange_.policy.on_message(self, payload, binary);
      return true;
    }
    void on_inflated(std::size_t, std::size_t) const {}
    bool on_ping(std::string_view payload) const {
      self.exchange_.policy.on_ping(self);
      if (!self.close_sent_) append_frame(self.output(), Role::server, Opcode::pong, payload, self.exchange_.random);
      return true;
    }
    bool on_pong(std::string_view) const { return true; }
    bool on_close(const CloseReason& reason) const {
      if (!std::exchange(self.close_sent_, true)) {
        append_frame(self.output(), Role::server, Opcode::close, reason.code == 1005 ? std::string() : close_payload(reason.code),
                     self.exchange_.random);
      }
      self.over_ = true;
      return false;
    }
  };

  std::string& output() const noexcept { return exchange_.loop.write_buffer(); }

  void on_ready(bool readable, bool writable) override {
    if (handshake_) {
      const IoResult agreed = stream_->agree();
      if (agreed.would_block()) return;
      over_ = over_ || agreed.error;
    }
    if (writable && !over_) write_waiting();
    if (readable && !over_) read();
    flush();
    if (over_) exchange_.policy.on_ended(*this);
  }

  void read() {
    const std::span<std::uint8_t> buffer = exchange_.loop.read_buffer();
    const IoResult result = stream_->read(buffer);
    if (result.would_block()) return;
    if (result.error) {
      over_ = true;
      return;
    }
    std::span<std::uint8_t> bytes = buffer.first(result.bytes);
    if (handshake_) {
      bytes = bytes.subspan(handshake_->take({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
      if (!handshake_->decided()) return;
      over_ = !handshake_->answer(output());
      std::unique_ptr<MessageCodec> codec;
      if (const auto& agreement = handshake_->deflate()) codec = exchange_.codecs->codec(*agreement, Role::server);
      handshake_.reset();
      if (over_) return;
      engine_.emplace(Role::server, exchange_.messages, exchange_.random, std::move(codec));
      exchange_.policy.on_open(*this);
    }
    Input input{*this};
    if (const std::optional<ProtocolFault> fault = engine_->feed(bytes, input)) {
      close(fault->close_code);
      over_ = true;
    }
  }

  void write_waiting() {
    if (unwritten_.empty()) return;
    unwritten_.erase(0, stream_->write(unwritten_).bytes);
    if (!unwritten_.empty()) return;
    unwritten_.shrink_to_fit();
    stream_->watch_writable(false);
  }

  EchoExchange& exchange_;
  std::uint64_t number_;
  std::unique_ptr<ServerHandshake> handshake_{};
  std::shared_ptr<void> session_{};
  std::unique_ptr<Stream> stream_{};
  std::optional<ProtocolEngine> engine_{};
  std::string unwritten_{};
  bool doomed_;
  bool close_sent_{false};
  bool over_{false};
};

}  // namespace wsbench::detail
