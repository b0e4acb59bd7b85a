#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

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

/// The server's end of one connection.
class EchoConnection final : private StreamEvents {
 public:
  /// The most bytes that wait for a client to read them; one that exceeds it is dropped.
  static constexpr std::size_t queue_limit = std::size_t{64} << 20U;

  EchoConnection(EventLoop& loop, MessagePool& messages, Random& random, EchoPolicy& policy, std::uint64_t number, bool doomed)
      : loop_(loop), messages_(messages), random_(random), policy_(policy), number_(number), doomed_(doomed) {}

  /// Takes over an accepted socket.
  void start(Socket socket, const TlsContext* tls) {
    handshake_ = std::make_unique<ServerHandshake>(messages_, random_);
    auto& events = static_cast<StreamEvents&>(*this);
    if (tls == nullptr) {
      stream_ = std::make_unique<DefaultStream>(loop_, std::move(socket), events);
    } else {
      stream_ = tls->secure(loop_, std::move(socket), events, {}, session_);
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
    if (open()) append_frame(loop_.write_buffer(), Role::server, binary ? Opcode::binary : Opcode::text, payload, random_);
  }
  /// Begins the closing handshake.
  void close(std::uint16_t code) {
    if (!std::exchange(close_sent_, true)) {
      append_frame(loop_.write_buffer(), Role::server, Opcode::close, close_payload(code), random_);
    }
  }
  /// Writes what was taken.
  void flush() {
    std::string& output = loop_.write_buffer();
    if (output.empty()) return;
    if (unwritten_.empty()) {
      const std::size_t written = stream_->write(output).bytes;
      if (written < output.size()) {
        unwritten_.assign(output, written);
        stream_->watch_writable(true);
      }
    } else {
      unwritten_ += output;
    }
    output.clear();
    if (unwritten_.size() > queue_limit) over_ = true;
  }

 private:
  // What the protocol engine tells; see ProtocolEngine::feed().
  struct Input {
    EchoConnection& self;

    bool on_data(std::string_view payload, bool binary) const {
      self.policy_.on_message(self, payload, binary);
      return true;
    }
    bool on_ping(std::string_view payload) const {
      self.policy_.on_ping(self);
      if (!self.close_sent_) append_frame(self.loop_.write_buffer(), Role::server, Opcode::pong, payload, self.random_);
      return true;
    }
    bool on_pong(std::string_view) const { return true; }
    bool on_close(const CloseReason& reason) const {
      if (!std::exchange(self.close_sent_, true)) {
        append_frame(self.loop_.write_buffer(), Role::server, Opcode::close,
                     reason.code == 1005 ? std::string() : close_payload(reason.code), self.random_);
      }
      self.over_ = true;
      return false;
    }
  };

  void on_ready(bool readable, bool writable) override {
    if (handshake_) {
      const IoResult agreed = stream_->agree();
      if (agreed.would_block()) return;
      over_ = over_ || agreed.error;
    }
    if (writable && !over_) write_waiting();
    if (readable && !over_) read();
    flush();
    if (over_) policy_.on_ended(*this);
  }

  void read() {
    const std::span<std::uint8_t> buffer = loop_.read_buffer();
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
      over_ = !handshake_->answer(loop_.write_buffer());
      handshake_.reset();
      if (over_) return;
      engine_.emplace(Role::server, messages_, random_);
      policy_.on_open(*this);
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

  EventLoop& loop_;
  MessagePool& messages_;
  Random& random_;
  EchoPolicy& policy_;
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
