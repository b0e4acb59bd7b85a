#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <zlib.h>

#include <wsbench/deflate_options.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/deflate_agreement.hpp>
#include <wsbench/net/frame.hpp>

namespace wsbench::detail {

/// Bytes that are made of others; their room is kept for the next ones, unless it is large.
class DeflateBuffer {
 public:
  /// Begins anew.
  void clear() {
    size_ = 0;
    if (room_.size() > kept_room) std::string(kept_room, '\0').swap(room_);
  }
  /// Lets zlib write behind what there is, where there is room for at least one byte.
  void offer(z_stream& stream) {
    stream.next_out = reinterpret_cast<Bytef*>(room_.data()) + size_;
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room_.size() - size_, std::numeric_limits<uInt>::max()));
  }
  /// Takes what zlib wrote.
  void take(const z_stream& stream) { size_ = static_cast<std::size_t>(reinterpret_cast<const char*>(stream.next_out) - room_.data()); }
  /// Makes room for so many bytes in all.
  void reserve(std::size_t bytes) {
    if (bytes > room_.size()) room_.resize(bytes);
  }
  /// Makes room for more than there is, but not for more than so many bytes in all.
  void grow(std::size_t most) {
    if (size_ == room_.size()) reserve(std::min(most, std::max(first_room, size_ + std::min(size_, most - size_))));
  }

  std::size_t size() const noexcept { return size_; }
  std::string_view bytes() const noexcept { return std::string_view(room_).substr(0, size_); }

 private:
  static constexpr std::size_t first_room = 4096;
  static constexpr std::size_t kept_room = std::size_t{64} * 1024;

  std::string room_{};
  std::size_t size_{0};
};

/// Gives zlib as much of the bytes as it takes at once.
inline void offer_input(z_stream& stream, std::string_view& bytes) {
  const std::size_t piece = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads there
  stream.avail_in = static_cast<uInt>(piece);
  bytes.remove_prefix(piece);
}

/// How every flushed DEFLATE block ends; it is left out on the wire (RFC 7692 section 7.2.1).
inline constexpr std::string_view deflate_tail{"\0\0\xff\xff", 4};

/// Compresses messages, one after the other (RFC 7692 section 7.2.1).
class Deflater {
 public:
  Deflater(int window_bits, int level, int memory_level) {
    // With a window of 2^9 bytes zlib refers back 250 at most (w_size - MIN_LOOKAHEAD), which a window of 2^8 holds; less it does not take.
    if (deflateInit2(&stream_, level, Z_DEFLATED, -std::max(window_bits, 9), memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream_); }

  /// Forgets what was compressed before.
  void reset() { deflateReset(&stream_); }

  std::string_view compress(std::string_view payload, DeflateBuffer& buffer) {
    // zlib flushes nothing twice; this is the block it would have made.
    if (payload.empty()) return {"\0", 1};
    buffer.clear();
    buffer.reserve(deflateBound(&stream_, static_cast<uLong>(payload.size())) + 16);
    do {
      if (stream_.avail_in == 0) offer_input(stream_, payload);
      buffer.grow(std::numeric_limits<std::size_t>::max());
      buffer.offer(stream_);
      ::deflate(&stream_, payload.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      buffer.take(stream_);
    } while (!payload.empty() || stream_.avail_in > 0 || stream_.avail_out == 0);
    return buffer.bytes().substr(0, buffer.size() - deflate_tail.size());
  }

 private:
  z_stream stream_{};
};

/// Inflates messages, one after the other (RFC 7692 section 7.2.2).
class Inflater {
 public:
  explicit Inflater(int window_bits) {
    if (inflateInit2(&stream_, -window_bits) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  /// Forgets what was inflated before.
  void reset() { inflateReset(&stream_); }

  Inflated inflate(std::string_view compressed, std::size_t limit, DeflateBuffer& buffer) {
    buffer.clear();
    // Some send an empty message as no bytes at all; the tail would be taken for half a block.
    if (compressed.empty()) return {};
    Outcome outcome = run(compressed, limit, buffer);
    // After a block that says it is the last there need not be another for the tail to end.
    if (outcome == Outcome::more) outcome = run(deflate_tail, limit, buffer);
    switch (outcome) {
      case Outcome::too_big: return {{}, {}, true};
      case Outcome::broken: return {{}, stream_.msg != nullptr ? stream_.msg : "no deflate data", false};
      case Outcome::more:
        if (!between_blocks()) return {{}, "it is cut short", false};
        break;
      case Outcome::last_block: break;
    }
    return {buffer.bytes(), {}, false};
  }

 private:
  enum class Outcome : std::uint8_t {
    more,        // all was read
    last_block,  // all was read, and a block that says it is the last ended with it
    too_big,
    broken,
  };

  Outcome run(std::string_view bytes, std::size_t limit, DeflateBuffer& buffer) {
    // One byte more than there may be, so that it shows.
    const std::size_t most = limit + (limit < std::numeric_limits<std::size_t>::max() ? 1 : 0);
    offer_input(stream_, bytes);
    for (;;) {
      buffer.grow(most);
      buffer.offer(stream_);
      const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
      buffer.take(stream_);
      if (buffer.size() > limit) return Outcome::too_big;
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Outcome::broken;
      const bool room_left = stream_.avail_out > 0;
      if (result == Z_STREAM_END) begin_after_last_block();
      if (stream_.avail_in == 0 && !bytes.empty()) {
        offer_input(stream_, bytes);
      } else if (stream_.avail_in == 0) {
        if (result == Z_STREAM_END) return Outcome::last_block;
        // Where there was no room zlib may have more to say, unless nothing is open.
        if (room_left || between_blocks()) return Outcome::more;
      }
    }
  }

  // zlib thinks it is done after a block with BFINAL set, which a message may have anywhere (RFC 7692 section 7.2.3.4). What comes next
  // may refer to what was before.
  void begin_after_last_block() {
    std::array<Bytef, std::size_t{1} << 15U> window;
    uInt size = 0;
    inflateGetDictionary(&stream_, window.data(), &size);
    inflateReset(&stream_);
    inflateSetDictionary(&stream_, window.data(), size);
  }

  // By what zlib tells of the end of its last call: 128 after a block, and how many bits are left of the last byte.
  bool between_blocks() const noexcept { return (stream_.data_type & (128 + 63)) == 128; }

  z_stream stream_{};
};

/// The codec of one end of a connection. What has no context to keep is shared with the other connections of the thread.
class DeflateCodec final : public MessageCodec {
 public:
  DeflateCodec(std::shared_ptr<Deflater> deflater, bool compresses_anew, std::shared_ptr<Inflater> inflater, bool inflates_anew,
               DeflateBuffer& compressed, DeflateBuffer& inflated)
      : deflater_(std::move(deflater)),
        inflater_(std::move(inflater)),
        compressed_(compressed),
        inflated_(inflated),
        compresses_anew_(compresses_anew),
        inflates_anew_(inflates_anew) {}

  std::string_view compress(std::string_view payload) override {
    if (compresses_anew_) deflater_->reset();
    return deflater_->compress(payload, compressed_);
  }

  Inflated inflate(std::string_view compressed, std::size_t limit) override {
    if (inflates_anew_) inflater_->reset();
    return inflater_->inflate(compressed, limit, inflated_);
  }

 private:
  std::shared_ptr<Deflater> deflater_;
  std::shared_ptr<Inflater> inflater_;
  DeflateBuffer& compressed_;
  DeflateBuffer& inflated_;
  bool compresses_anew_;
  bool inflates_anew_;
};

/// What the codecs of one thread share: the buffers, and what keeps no context.
class DeflateCodecs final : public CodecFactory {
 public:
  explicit DeflateCodecs(const DeflateOptions& options) : options_(options) {}

  std::unique_ptr<MessageCodec> codec(const DeflateAgreement& agreement, Role role) override {
    const bool client = role == Role::client;
    const bool keeps_sent = client ? agreement.client_context_takeover : agreement.server_context_takeover;
    const bool keeps_received = client ? agreement.server_context_takeover : agreement.client_context_takeover;
    const int sent_bits = client ? agreement.client_window_bits : agreement.server_window_bits;
    const int received_bits = client ? agreement.server_window_bits : agreement.client_window_bits;
    return std::make_unique<DeflateCodec>(keeps_sent ? new_deflater(sent_bits) : shared_deflater(sent_bits), !keeps_sent,
                                          keeps_received ? std::make_shared<Inflater>(received_bits) : shared_inflater(), !keeps_received,
                                          compressed_, inflated_);
  }

 private:
  static constexpr int largest_window_bits = 15;

  std::shared_ptr<Deflater> new_deflater(int window_bits) const {
    return std::make_shared<Deflater>(window_bits, options_.level, options_.memory_level);
  }
  const std::shared_ptr<Deflater>& shared_deflater(int window_bits) {
    std::shared_ptr<Deflater>& shared = deflaters_.at(static_cast<std::size_t>(window_bits));
    if (shared == nullptr) shared = new_deflater(window_bits);
    return shared;
  }
  // The largest window holds what any smaller one does.
  const std::shared_ptr<Inflater>& shared_inflater() {
    if (inflater_ == nullptr) inflater_ = std::make_shared<Inflater>(largest_window_bits);
    return inflater_;
  }

  DeflateOptions options_;
  DeflateBuffer compressed_{};
  DeflateBuffer inflated_{};
  std::array<std::shared_ptr<Deflater>, largest_window_bits + 1> deflaters_{};  // by the bits of their window
  std::shared_ptr<Inflater> inflater_{};
};

}  // namespace wsbench::detail
