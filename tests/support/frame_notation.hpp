#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/frames.hpp"

/// Frames as they read in a table: `text("Hel", not_final) + ping("p") + continuation("lo")`.
namespace support::notation {

/// Whether a frame is the last of its message.
enum class Fin : bool { not_final, final };
using enum Fin;

inline std::string text(std::string_view payload, Fin fin = final) {
  return frame(payload, {.opcode = text_opcode, .fin = fin == final});
}
inline std::string binary(std::string_view payload, Fin fin = final) {
  return frame(payload, {.opcode = binary_opcode, .fin = fin == final});
}
inline std::string continuation(std::string_view payload, Fin fin = final) {
  return frame(payload, {.opcode = continuation_opcode, .fin = fin == final});
}
inline std::string ping(std::string_view payload = {}, Fin fin = final) {
  return frame(payload, {.opcode = ping_opcode, .fin = fin == final});
}
inline std::string pong(std::string_view payload = {}, Fin fin = final) {
  return frame(payload, {.opcode = pong_opcode, .fin = fin == final});
}
/// A close frame with a status and a reason.
inline std::string closing(std::uint16_t code, std::string_view reason = {}) {
  return close_frame(code, reason);
}
/// A close frame with nothing in it.
inline std::string closing() {
  return frame({}, {.opcode = close_opcode});
}

/// A frame with the first of the reserved bits (4), the second (2), the third (1), or several.
inline std::string with_reserved(unsigned bits, std::string whole_frame) {
  whole_frame[0] = static_cast<char>(static_cast<unsigned char>(whole_frame[0]) | bits << 4U);
  return whole_frame;
}
/// A frame of any opcode.
inline std::string of_opcode(unsigned opcode, std::string_view payload = {}, Fin fin = final) {
  return frame(payload, {.opcode = static_cast<std::uint8_t>(opcode), .fin = fin == final});
}
/// A frame as only a client may send it.
inline std::string masked(unsigned opcode, std::string_view payload = {}, Fin fin = final) {
  return frame(payload, {.opcode = static_cast<std::uint8_t>(opcode), .fin = fin == final, .masked = true});
}
/// A frame that has its length in two or in eight bytes, whether it needs them or not.
inline std::string length_in(std::size_t bytes, unsigned opcode, std::string_view payload) {
  std::string whole_frame{static_cast<char>(0x80U | opcode), static_cast<char>(bytes == 2 ? 126 : 127)};
  for (std::size_t at = bytes; at-- > 0;) whole_frame += static_cast<char>(std::uint64_t{payload.size()} >> 8U * at & 0xFFU);
  return whole_frame.append(payload);
}
/// So many bytes.
inline std::string bytes(std::size_t count) {
  return std::string(count, 'x');
}

}  // namespace support::notation
