#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <websocketpp/close.hpp>
#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/processors/hybi13.hpp>

#include <wsbench/failure.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/frame.hpp>
#include <wsbench/net/utf8.hpp>
#include <wsbench/random.hpp>

namespace wsbench::detail {

class MessagePool;

/// An incoming message, filled by the protocol engine and pooled by its worker.
class Message {
 public:
  /// What the engine holds a message by; gives it back to its pool.
  class Handle {
   public:
    Handle() noexcept = default;
    explicit Handle(Message* message) noexcept : message_(message) { acquire(); }
    Handle(const Handle& other) noexcept : message_(other.message_) { acquire(); }
    Handle(Handle&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
    Handle& operator=(Handle other) noexcept {
      std::swap(message_, other.message_);
      return *this;
    }
    ~Handle() { reset(); }

    inline void reset() noexcept;
    Message* operator->() const noexcept { return message_; }
    Message& operator*() const noexcept { return *message_; }
    explicit operator bool() const noexcept { return message_ != nullptr; }

   private:
    inline void acquire() noexcept;

    Message* message_{nullptr};
  };
  using ptr = Handle;

  explicit Message(MessagePool& pool) noexcept : pool_(&pool) {}

  // Called by the engine. It is told that a text is binary, which keeps its byte-wise UTF-8 check (1.8 ns a byte) from running.
  websocketpp::frame::opcode::value get_opcode() const noexcept {
    return opcode_ == Opcode::text ? websocketpp::frame::opcode::BINARY : static_cast<websocketpp::frame::opcode::value>(opcode_);
  }
  std::string& get_raw_payload() noexcept { return payload_; }
  bool get_compressed() const noexcept { return false; }
  void set_compressed(bool) const noexcept {}
  bool get_fin() const noexcept { return true; }
  void set_header(const std::string&) const noexcept {}
  void set_opcode(websocketpp::frame::opcode::value) const noexcept {}
  void set_prepared(bool) const noexcept {}

  /// The opcode that came.
  Opcode opcode() const noexcept { return opcode_; }
  /// The bytes that came.
  std::string_view payload() const noexcept { return payload_; }

 private:
  friend MessagePool;

  MessagePool* pool_;
  std::string payload_{};
  std::uint32_t holders_{0};
  Opcode opcode_{Opcode::text};
};

/// The messages of one worker; a connection holds one only while a message is coming in.
class MessagePool {
 public:
  using ptr = MessagePool*;

  explicit MessagePool(std::size_t max_message_size) noexcept : max_message_size_(max_message_size) {}
  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;

  /// A message to fill. `announced` is the length the other end claims, which is believed only up to a page.
  Message::Handle get_message(websocketpp::frame::opcode::value opcode, std::size_t announced) {
    if (free_.empty()) add_message();
    Message* message = free_.back();
    free_.pop_back();
    message->opcode_ = static_cast<Opcode>(opcode);
    message->payload_.reserve(std::min(announced, page));
    return Message::Handle(message);
  }

  /// The largest message that is accepted, in bytes.
  std::size_t max_message_size() const noexcept { return max_message_size_; }

 private:
  friend Message::Handle;
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t kept_capacity = std::size_t{64} * 1024;

  void add_message() {
    all_.push_back(std::make_unique<Message>(*this));
    free_.reserve(all_.capacity());  // so that giving back never allocates
    free_.push_back(all_.back().get());
  }
  void give_back(Message& message) noexcept {
    // One huge message must not be paid for until the end of the run.
    if (message.payload_.capacity() > kept_capacity) std::string().swap(message.payload_);
    message.payload_.clear();
    free_.push_back(&message);
  }

  std::size_t max_message_size_;
  std::vector<std::unique_ptr<Message>> all_{};
  std::vector<Message*> free_{};
};

inline void Message::Handle::acquire() noexcept {
  if (message_ != nullptr) ++message_->holders_;
}
inline void Message::Handle::reset() noexcept {
  if (message_ != nullptr && --message_->holders_ == 0) message_->pool_->give_back(*message_);
  message_ = nullptr;
}

/// What websocketpp's processor is built with.
struct ProtocolConfig {
  using request_type = websocketpp::http::parser::request;
  using response_type = websocketpp::http::parser::response;
  using message_type = Message;
  using con_msg_manager_type = MessagePool;
  using rng_type = Random;
  struct permessage_deflate_config {};
  using permessage_deflate_type = websocketpp::extensions::permessage_deflate::disabled<permessage_deflate_config>;
  static constexpr bool enable_extensions = false;
  static constexpr std::size_t max_message_size = 0;  // set for each connection
};

/// Why a connection has to be given up by RFC 6455.
struct ProtocolFault {
  Failure failure{Failure::protocol};  ///< `protocol` or `too_big`
  std::string detail{};                ///< what was wrong, in words
  std::uint16_t close_code{1002};      ///< the status to close with (RFC 6455 section 7.4.1)
};

/// What a close frame said.
struct CloseReason {
  std::uint16_t code{1005};   ///< its status; 1005: none was given (RFC 6455 section 7.1.5)
  std::string_view reason{};  ///< its text, valid during the call that brought it
};

/// websocketpp's processor, which also tells where it is.
class FrameProcessor final : public websocketpp::processor::hybi13<ProtocolConfig> {
 public:
  using hybi13::hybi13;

  /// Whether the next byte is the first of a frame.
  bool at_frame() const noexcept { return m_state == HEADER_BASIC && m_bytes_needed == websocketpp::frame::BASIC_HEADER_LENGTH; }
};

/// Takes the bytes of one connection apart into messages: websocketpp's processor, without its I/O.
class ProtocolEngine {
 public:
  /// `codec` is null on a connection without compression.
  ProtocolEngine(Role role, MessagePool& pool, Random& random, std::unique_ptr<MessageCodec> codec = nullptr)
      : max_message_size_(pool.max_message_size()),
        client_(role == Role::client),
        codec_(std::move(codec)),
        processor_(false, role == Role::server, &pool, random) {
    processor_.set_max_message_size(max_frame_size());
  }

  /// What messages are compressed with; null where they are not.
  MessageCodec* codec() const noexcept { return codec_.get(); }

  /// Feeds what was read; it is unmasked in place. Each whole message goes to `sink.on_data(text, binary)`, `on_ping(payload)`,
  /// `on_pong(payload)` or `on_close(CloseReason)`, each of which returns whether to go on; before a message that was compressed,
  /// `on_inflated(compressed_size, size)` is called. Returns the fault that ends the connection, if any.
  template <class Sink>
  std::optional<ProtocolFault> feed(std::span<std::uint8_t> bytes, Sink& sink) {
    for (bool more = true; more && !bytes.empty();) {
      if (const std::optional<PlainFrame> frame = plain_frame(bytes)) {
        bytes = bytes.subspan(frame->size);
        if (std::optional<ProtocolFault> fault = deliver(frame->opcode, frame->payload, frame->compressed, sink, more)) return fault;
        continue;
      }
      const bool control_first = websocketpp::frame::opcode::is_control(websocketpp::frame::get_opcode({bytes[0], 0}));
      websocketpp::lib::error_code error;
      const std::size_t used = processor_.consume(bytes.data(), codec_ == nullptr ? bytes.size() : one_step(bytes), error);
      if (error) return fault_of(error);
      bytes = bytes.subspan(used);
      if (!processor_.ready()) {
        // A length that wraps its sum with the fragments before around 64 bits passes the processor's own check.
        if (processor_.get_bytes_needed() > std::max(max_frame_size(), longest_control_payload)) return too_big();
        between_messages_ = false;
        continue;
      }
      const Message::Handle message = processor_.get_message();
      // A control frame may have come between the fragments of a message that goes on.
      const bool control = websocketpp::frame::opcode::is_control(static_cast<websocketpp::frame::opcode::value>(message->opcode()));
      between_messages_ = !control || (between_messages_ && control_first);
      const bool compressed = !control && std::exchange(compressed_, false);
      if (std::optional<ProtocolFault> fault = deliver(message->opcode(), message->payload(), compressed, sink, more)) return fault;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t longest_control_payload = 125;

  // A whole message in one frame.
  struct PlainFrame {
    Opcode opcode{Opcode::text};
    std::string_view payload{};  // where it was read
    std::size_t size{0};         // with its header
    bool compressed{false};
  };

  // What a message of so many bytes may have compressed: the worst that zlib makes of it, with whatever parameters (deflateBound).
  static constexpr std::size_t largest_compressed(std::size_t size) noexcept {
    const std::size_t most = std::numeric_limits<std::size_t>::max();
    return size < most / 2 ? size + size / 8 + size / 64 + 64 : most;
  }

  // Of a frame, and of all frames of a message together.
  std::size_t max_frame_size() const noexcept { return codec_ == nullptr ? max_message_size_ : largest_compressed(max_message_size_); }

  // How many of the bytes the processor is to have at once, so that the first byte of each frame is seen: the bit that says that a message
  // is compressed (RFC 7692 section 6) is noted and taken out, where it may stand; elsewhere the processor refuses it.
  std::size_t one_step(std::span<std::uint8_t> bytes) {
    constexpr unsigned reserved_1 = 0x40;
    const unsigned first = bytes[0];
    const auto opcode = static_cast<Opcode>(first & 0x0FU);
    if (processor_.at_frame() && (first & reserved_1) != 0 && (opcode == Opcode::text || opcode == Opcode::binary)) {
      bytes[0] = static_cast<std::uint8_t>(first & ~reserved_1);
      compressed_ = true;
    }
    return std::min(bytes.size(), processor_.get_bytes_needed());
  }

  // The message at the start of the bytes, if it is one that a server sends most: whole, unmasked, in one frame with nothing unusual in it.
  // Such a one is told from where it was read; all others, and everything that breaks a rule, are the processor's. It spares a copy and
  // four cache lines a connection: 0.4 of 13.5 us of CPU a round trip at 16 KiB.
  std::optional<PlainFrame> plain_frame(std::span<const std::uint8_t> bytes) const {
    namespace frame = websocketpp::frame;
    if (!between_messages_ || !client_ || bytes.size() < frame::BASIC_HEADER_LENGTH) return std::nullopt;
    const frame::basic_header header(bytes[0], bytes[1]);
    const frame::opcode::value opcode = frame::get_opcode(header);
    const bool data = opcode == frame::opcode::TEXT || opcode == frame::opcode::BINARY;
    const bool compressed = frame::get_rsv1(header);
    const bool reserved = (compressed && codec_ == nullptr) || frame::get_rsv2(header) || frame::get_rsv3(header);
    if (!data || reserved || !frame::get_fin(header) || frame::get_masked(header)) return std::nullopt;
    const std::size_t header_size = frame::get_header_len(header);
    if (bytes.size() < header_size) return std::nullopt;
    frame::extended_header extended;
    std::copy(bytes.begin() + frame::BASIC_HEADER_LENGTH, bytes.begin() + static_cast<std::ptrdiff_t>(header_size), extended.bytes);
    const std::uint64_t size = frame::get_payload_size(header, extended);
    // A length in more bytes than it takes breaks RFC 6455 section 5.2.
    const bool shortest = frame::basic_header(opcode, size, true, false).b1 == header.b1;
    if (!shortest || size > max_frame_size() || size > bytes.size() - header_size) return std::nullopt;
    return PlainFrame{static_cast<Opcode>(opcode),
                      {reinterpret_cast<const char*>(bytes.data()) + header_size, static_cast<std::size_t>(size)},
                      header_size + static_cast<std::size_t>(size),
                      compressed};
  }

  template <class Sink>
  std::optional<ProtocolFault> deliver(Opcode opcode, std::string_view payload, bool compressed, Sink& sink, bool& more) {
    if (compressed) {
      const Inflated inflated = codec_->inflate(payload, max_message_size_);
      if (inflated.too_big) return too_big();
      if (!inflated.problem.empty()) {
        return ProtocolFault{Failure::protocol, "a compressed message that cannot be inflated: " + std::string(inflated.problem), 1007};
      }
      sink.on_inflated(payload.size(), inflated.payload.size());
      payload = inflated.payload;
    } else if (codec_ != nullptr && payload.size() > max_message_size_ && (opcode == Opcode::text || opcode == Opcode::binary)) {
      return too_big();  // it was let in as it might have been compressed
    }
    switch (opcode) {
      case Opcode::text:
        if (!is_utf8(payload)) return ProtocolFault{Failure::protocol, "a text message that is not UTF-8", 1007};
        more = sink.on_data(payload, false);
        break;
      case Opcode::binary: more = sink.on_data(payload, true); break;
      case Opcode::ping: more = sink.on_ping(payload); break;
      case Opcode::close: return deliver_close(payload, sink, more);
      case Opcode::pong: more = sink.on_pong(payload); break;
      case Opcode::continuation: break;
    }
    return std::nullopt;
  }

  template <class Sink>
  std::optional<ProtocolFault> deliver_close(std::string_view payload, Sink& sink, bool& more) {
    websocketpp::lib::error_code error;
    const std::uint16_t code = websocketpp::close::extract_code(std::string(payload), error);
    if (error) return ProtocolFault{Failure::protocol, "a close frame with an invalid status"};
    const std::string_view reason = payload.substr(std::min<std::size_t>(2, payload.size()));
    if (!is_utf8(reason)) return ProtocolFault{Failure::protocol, "a close frame whose reason is not UTF-8", 1007};
    more = sink.on_close(CloseReason{code, reason});
    return std::nullopt;
  }

  ProtocolFault fault_of(const websocketpp::lib::error_code& error) const {
    if (error == websocketpp::processor::error::make_error_code(websocketpp::processor::error::message_too_big)) return too_big();
    return {Failure::protocol, error.message()};
  }
  ProtocolFault too_big() const {
    return {Failure::too_big, "a message of more than " + std::to_string(max_message_size_) + " bytes", 1009};
  }

  std::size_t max_message_size_;
  bool client_;
  bool between_messages_{true};  // nothing of a message is in the processor, as far as that is known
  bool compressed_{false};       // the message that is coming in
  std::unique_ptr<MessageCodec> codec_;
  FrameProcessor processor_;
};

}  // namespace wsbench::detail
