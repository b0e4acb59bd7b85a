#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <wsbench/deflate_options.hpp>
#include <wsbench/net/deflate_agreement.hpp>
#include <wsbench/net/frame.hpp>

namespace wsbench {

namespace detail {

/// What a compressed message says; views are valid until a codec of the same thread is called again.
struct Inflated {
  std::string_view payload{};  ///< the message
  std::string_view problem{};  ///< why it is none, in words; empty if it is one
  bool too_big{false};         ///< it has more bytes than it may
};

/// Compresses what one connection sends, and inflates what it gets.
class MessageCodec {
 public:
  MessageCodec() = default;
  MessageCodec(const MessageCodec&) = delete;
  MessageCodec& operator=(const MessageCodec&) = delete;
  virtual ~MessageCodec() = default;

  /// The bytes to send for a message; valid until a codec of the same thread is called again.
  virtual std::string_view compress(std::string_view payload) = 0;
  /// The message that a whole payload stands for, which may have at most `limit` bytes: no more than those are ever held.
  virtual Inflated inflate(std::string_view compressed, std::size_t limit) = 0;
};

/// What the codecs of one thread share; outlives them.
class CodecFactory {
 public:
  CodecFactory() = default;
  CodecFactory(const CodecFactory&) = delete;
  CodecFactory& operator=(const CodecFactory&) = delete;
  virtual ~CodecFactory() = default;

  /// A codec for this end of a connection.
  virtual std::unique_ptr<MessageCodec> codec(const DeflateAgreement& agreement, Role role) = 0;
};

}  // namespace detail

/// What compresses the messages of a run or of a server: `deflate()` of `wsbench/deflate.hpp` makes one.
///
/// An interface, so that only those who include that header need zlib. Shared by threads and never changed.
class Compression {
 public:
  explicit Compression(const DeflateOptions& options) : options_(options) {}
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;
  virtual ~Compression() = default;

  /// What is offered, or agreed to.
  const DeflateOptions& options() const noexcept { return options_; }
  /// What makes the codecs of one thread.
  virtual std::unique_ptr<detail::CodecFactory> codecs() const = 0;

 private:
  DeflateOptions options_;
};

}  // namespace wsbench
