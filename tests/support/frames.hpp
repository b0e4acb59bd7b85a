#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace support {

/// Opcodes of RFC 6455 section 5.2; the server frames below may have any other.
inline constexpr std::uint8_t continuation_opcode = 0x0, text_opcode = 0x1, binary_opcode = 0x2, close_opcode = 0x8, ping_opcode = 0x9,
                              pong_opcode = 0xA;

/// What a frame's header says, right or wrong.
struct FrameHeader {
  std::uint8_t opcode{text_opcode};
  bool fin{true};
  std::uint8_t reserved_bits{0};  ///< the three bits after FIN: 4 is RSV1
  bool masked{false};             ///< with a mask of zeros, which changes no byte
  bool longest_length{false};     ///< the length in its 64-bit form, whether it needs it or not
};

/// The bytes of a frame's header (RFC 6455 section 5.2), written apart from wsbench's own code for it.
inline std::string frame_header(const FrameHeader& header, std::uint64_t length) {
  std::string bytes;
  const auto append = [&bytes](std::uint64_t value) { bytes += static_cast<char>(value & 0xFF); };
  append((header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.reserved_bits << 4U) | header.opcode);
  const unsigned mask_bit = header.masked ? 0x80U : 0U;
  if (length > 0xFFFF || header.longest_length) {
    append(mask_bit | 127U);
    for (int shift = 56; shift >= 0; shift -= 8) append(length >> static_cast<unsigned>(shift));
  } else if (length > 125) {
    append(mask_bit | 126U);
    append(length >> 8U);
    append(length);
  } else {
    append(mask_bit | length);
  }
  if (header.masked) bytes.append(4, '\0');
  return bytes;
}

/// A whole frame.
inline std::string frame(std::string_view payload, const FrameHeader& header = {}) {
  return frame_header(header, payload.size()).append(payload);
}

/// A close frame with a status and a reason (RFC 6455 section 5.5.1).
inline std::string close_frame(std::uint16_t code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
  return frame(payload.append(reason), {.opcode = close_opcode});
}

}  // namespace support
