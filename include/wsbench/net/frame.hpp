#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <websocketpp/common/network.hpp>
#include <websocketpp/frame.hpp>

#include <wsbench/random.hpp>

namespace wsbench::detail {

/// What a frame carries (RFC 6455 section 5.2).
enum class Opcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xA };

/// Which end of a connection this is: clients mask what they send (RFC 6455 section 5.3).
enum class Role : std::uint8_t { client, server };

// websocketpp finds the machine's byte order at the first length over 64 KiB and keeps it in a plain static: found here, before there are
// threads, it is only read afterwards.
inline const bool byte_order_found = websocketpp::lib::net::_htonll(1) != 0;

/// Copies bytes under a mask, eight at a time; `memcpy` because neither end is aligned.
inline void masked_copy(char* to, std::string_view from, std::uint32_t key) noexcept {
  const std::uint64_t wide_key = (std::uint64_t{key} << 32U) | key;
  std::size_t at = 0;
  for (; at + sizeof wide_key <= from.size(); at += sizeof wide_key) {
    std::uint64_t eight{};
    std::memcpy(&eight, from.data() + at, sizeof eight);
    eight ^= wide_key;
    std::memcpy(to + at, &eight, sizeof eight);
  }
  char key_bytes[sizeof key];
  std::memcpy(key_bytes, &key, sizeof key);
  for (; at < from.size(); ++at) to[at] = static_cast<char>(from[at] ^ key_bytes[at % sizeof key]);
}

/// What a frame's header says beside its opcode.
struct FrameFlags {
  bool fin{true};          ///< its message ends with it
  bool compressed{false};  ///< its message is compressed (RSV1, RFC 7692 section 6)
};

/// Appends one frame to `out`.
inline void append_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, Random& random, FrameFlags flags = {}) {
  namespace frame = websocketpp::frame;
  const bool masked = role == Role::client;
  const std::uint32_t key = masked ? random() : 0;
  const frame::basic_header basic(static_cast<frame::opcode::value>(opcode), payload.size(), flags.fin, masked, flags.compressed);
  const frame::extended_header extended = masked ? frame::extended_header(payload.size(), key) : frame::extended_header(payload.size());
  const std::size_t header_size = frame::get_header_len(basic);
  const std::size_t start = out.size();
  out.resize(start + header_size + payload.size());
  char* at = out.data() + start;
  at[0] = static_cast<char>(basic.b0);
  at[1] = static_cast<char>(basic.b1);
  std::memcpy(at + frame::BASIC_HEADER_LENGTH, extended.bytes, header_size - frame::BASIC_HEADER_LENGTH);
  if (masked) {
    masked_copy(at + header_size, payload, key);
  } else if (!payload.empty()) {
    std::memcpy(at + header_size, payload.data(), payload.size());
  }
}

/// Appends a message to `out`, in frames of at most `fragment_size` bytes of payload; in one where that is 0.
inline void append_message(std::string& out, Role role, Opcode opcode, std::string_view payload, std::size_t fragment_size, bool compressed,
                           Random& random) {
  FrameFlags flags{.fin = fragment_size == 0 || payload.size() <= fragment_size, .compressed = compressed};
  while (!flags.fin) {
    append_frame(out, role, opcode, payload.substr(0, fragment_size), random, flags);
    payload.remove_prefix(fragment_size);
    // Only the first one says what it is (RFC 6455 section 5.4, RFC 7692 section 6.1).
    opcode = Opcode::continuation;
    flags = {.fin = payload.size() <= fragment_size};
  }
  append_frame(out, role, opcode, payload, random, flags);
}

/// The payload of a close frame with this status and reason (RFC 6455 section 5.5.1).
inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
  return payload.append(reason);
}

}  // namespace wsbench::detail
