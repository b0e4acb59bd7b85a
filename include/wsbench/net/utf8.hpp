#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wsbench::detail {

/// The length of the well-formed sequence that begins here, 0 if there is none (Unicode 15, table 3-7: no overlong forms, no surrogates).
inline std::size_t utf8_sequence(const unsigned char* at, std::size_t left) noexcept {
  const auto continues = [](unsigned char byte) { return (byte & 0xC0U) == 0x80U; };
  const unsigned char first = at[0];
  if (first < 0x80U) return 1;
  if (first < 0xC2U) return 0;
  if (first < 0xE0U) return left >= 2 && continues(at[1]) ? 2 : 0;
  if (first < 0xF0U) {
    if (left < 3 || !continues(at[1]) || !continues(at[2])) return 0;
    if (first == 0xE0U && at[1] < 0xA0U) return 0;
    if (first == 0xEDU && at[1] >= 0xA0U) return 0;
    return 3;
  }
  if (first > 0xF4U || left < 4 || !continues(at[1]) || !continues(at[2]) || !continues(at[3])) return 0;
  if (first == 0xF0U && at[1] < 0x90U) return 0;
  if (first == 0xF4U && at[1] >= 0x90U) return 0;
  return 4;
}

/// The code point of a well-formed UTF-8 sequence.
inline std::uint32_t code_point_of(std::string_view sequence) noexcept {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return first;
  std::uint32_t value = first & (0x7FU >> sequence.size());
  for (const char next : sequence.substr(1)) value = value << 6 | (static_cast<unsigned char>(next) & 0x3FU);
  return value;
}

/// Whether a whole text message is UTF-8, as RFC 6455 section 8.1 demands; eight ASCII bytes at a time.
inline bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    std::uint64_t eight{};
    while (left >= sizeof eight) {
      std::memcpy(&eight, at, sizeof eight);
      if ((eight & 0x8080808080808080U) != 0) break;
      at += sizeof eight;
      left -= sizeof eight;
    }
    if (left == 0) return true;
    const std::size_t length = utf8_sequence(at, left);
    if (length == 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

}  // namespace wsbench::detail
