#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wsbench::detail {

/// How many hexadecimal digits stand for 64 bits.
inline constexpr std::size_t hex_digits = 16;

/// Writes a number as 16 hexadecimal digits.
inline void write_hex(std::uint64_t number, char* to) noexcept {
  for (std::size_t place = hex_digits; place-- > 0; number >>= 4U) to[place] = "0123456789abcdef"[number & 15U];
}

// The value of each character as a digit; 255 for one that is none.
inline constexpr auto hex_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (unsigned digit = 0; digit < 10; ++digit) values['0' + digit] = static_cast<std::uint8_t>(digit);
  for (unsigned digit = 10; digit < 16; ++digit) {
    values['a' + digit - 10] = static_cast<std::uint8_t>(digit);
    values['A' + digit - 10] = static_cast<std::uint8_t>(digit);
  }
  return values;
}();

/// Reads 16 hexadecimal digits; nothing if the text begins with anything else. Every message that is matched by a number is read twice:
/// `std::from_chars` took 190 instructions for it, this takes 80.
constexpr std::optional<std::uint64_t> read_hex(std::string_view text) noexcept {
  if (text.size() < hex_digits) return std::nullopt;
  std::uint64_t number = 0;
  unsigned seen = 0;
  for (std::size_t place = 0; place < hex_digits; ++place) {
    const unsigned value = hex_values[static_cast<unsigned char>(text[place])];
    seen |= value;
    number = (number << 4U) | (value & 15U);
  }
  return seen > 15 ? std::nullopt : std::optional{number};
}

}  // namespace wsbench::detail
