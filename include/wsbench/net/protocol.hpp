#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
#include <wsbench/net/frame.hpp>
#include <wsbench/net/utf8.hpp>
#include <wsbench/random.hpp>

namespace wsbench::detail {

/// Thrown through the protocol engine where a message outgrows its limit: the engine's own check can be passed by a length that wraps
/// around 64 bits.
struct MessageTooBig {};

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
  inline std::string& get_raw_payload();
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
inline std::string& Message::get_raw_payload() {
  if (payload_.size() > pool_->max_message_size()) throw MessageTooBig{};
  return payload_;
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
};

/// What a close frame said.
struct CloseReason {
  std::uint16_t code{1005};   ///< its status; 1005: none was given (RFC 6455 section 7.1.5)
  std::string_view reason{};  ///< its text, valid during the call that brought it
};

/// Takes the bytes of one connection apart into messages: websocketpp's processor, without its I/O.
class ProtocolEngine {
 public:
  ProtocolEngine(Role role, MessagePool& pool, Random& random)
      : max_message_size_(pool.max_message_size()), processor_(false, role == Role::server, &pool, random) {
    processor_.set_max_message_size(max_message_size_);
  }

  /// Feeds what was read; it is unmasked in place. Each whole message goes to `sink.on_data(text, binary)`, `on_ping(payload)`,
  /// `on_pong(payload)` or `on_close(CloseReason)`, each of which returns whether to go on. Returns the fault that ends the connection, if
  /// any.
  template <class Sink>
  std::optional<ProtocolFault> feed(std::span<std::uint8_t> bytes, Sink& sink) {
    try {
      while (!bytes.empty()) {
        websocketpp::lib::error_code error;
        const std::size_t used = processor_.consume(bytes.data(), bytes.size(), error);
        if (error) return fault_of(error);
        bytes = bytes.subspan(used);
        if (!processor_.ready()) continue;
        const Message::Handle message = processor_.get_message();
        bool more = true;
        if (std::optional<ProtocolFault> fault = deliver(*message, sink, more)) return fault;
        if (!more) break;
      }
    } catch (const MessageTooBig&) {
      return too_big();
    }
    return std::nullopt;
  }

 private:
  template <class Sink>
  std::optional<ProtocolFault> deliver(const Message& message, Sink& sink, bool& more) {
    switch (message.opcode()) {
      case Opcode::text:
        if (!is_utf8(message.payload())) return ProtocolFault{Failure::protocol, "a text message that is not UTF-8"};
        more = sink.on_data(message.payload(), false);
        break;
      case Opcode::binary: more = sink.on_data(message.payload(), true); break;
      case Opcode::ping: more = sink.on_ping(message.payload()); break;
      case Opcode::close: return deliver_close(message, sink, more);
      case Opcode::pong: more = sink.on_pong(message.payload()); break;
      case Opcode::continuation: break;
    }
    return std::nullopt;
  }

  template <class Sink>
  std::optional<ProtocolFault> deliver_close(const Message& message, Sink& sink, bool& more) {
    websocketpp::lib::error_code error;
    const std::uint16_t code = websocketpp::close::extract_code(std::string(message.payload()), error);
    if (error) return ProtocolFault{Failure::protocol, "a close frame with an invalid status"};
    const std::string_view reason = message.payload().substr(std::min<std::size_t>(2, message.payload().size()));
    if (!is_utf8(reason)) return ProtocolFault{Failure::protocol, "a close frame whose reason is not UTF-8"};
    more = sink.on_close(CloseReason{code, reason});
    return std::nullopt;
  }

  ProtocolFault fault_of(const websocketpp::lib::error_code& error) const {
    if (error == websocketpp::processor::error::make_error_code(websocketpp::processor::error::message_too_big)) return too_big();
    return {Failure::protocol, error.message()};
  }
  ProtocolFault too_big() const { return {Failure::too_big, "a message of more than " + std::to_string(max_message_size_) + " bytes"}; }

  std::size_t max_message_size_;
  websocketpp::processor::hybi13<ProtocolConfig> processor_;
};

}  // namespace wsbench::detail
