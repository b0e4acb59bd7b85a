#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/net/utf8.hpp>

namespace wsbench::detail {

/// The characters from one code point to another.
struct CharacterRange {
  std::uint32_t first{0};
  std::uint32_t last{0};
};

template <std::size_t size>
constexpr bool is_among(const std::array<CharacterRange, size>& ranges, std::uint32_t code_point) noexcept {
  return std::any_of(ranges.begin(), ranges.end(),
                     [=](const CharacterRange& range) { return code_point >= range.first && code_point <= range.last; });
}

// What a terminal does not show, or takes for an instruction: controls, line and paragraph ends, directions, byte order marks, tags,
// what is for private use, and no characters at all.
inline constexpr auto unseen_characters = std::to_array<CharacterRange>({{0x00, 0x1F},
                                                                         {0x7F, 0x9F},
                                                                         {0xAD, 0xAD},
                                                                         {0x61C, 0x61C},
                                                                         {0x180E, 0x180E},
                                                                         {0x200B, 0x200F},
                                                                         {0x2028, 0x202E},
                                                                         {0x2060, 0x206F},
                                                                         {0xE000, 0xF8FF},
                                                                         {0xFDD0, 0xFDEF},
                                                                         {0xFE00, 0xFE0F},
                                                                         {0xFEFF, 0xFEFF},
                                                                         {0xFFF0, 0xFFFB},
                                                                         {0xFFFE, 0xFFFF},
                                                                         {0x1FFFE, 0x1FFFF},
                                                                         {0x2FFFE, 0x2FFFF},
                                                                         {0x3FFFE, 0x10FFFF}});
// What is written over the character before it, as far as it is common.
inline constexpr auto combining_characters = std::to_array<CharacterRange>({{0x300, 0x36F},
                                                                            {0x483, 0x489},
                                                                            {0x591, 0x5BD},
                                                                            {0x610, 0x61A},
                                                                            {0x64B, 0x65F},
                                                                            {0x1AB0, 0x1AFF},
                                                                            {0x1DC0, 0x1DFF},
                                                                            {0x20D0, 0x20FF},
                                                                            {0xFE20, 0xFE2F}});
// What takes two columns (Unicode's East_Asian_Width: W and F, in whole blocks).
inline constexpr auto wide_characters = std::to_array<CharacterRange>({{0x1100, 0x115F},
                                                                       {0x2E80, 0x303E},
                                                                       {0x3041, 0xA4CF},
                                                                       {0xA960, 0xA97F},
                                                                       {0xAC00, 0xD7A3},
                                                                       {0xF900, 0xFAFF},
                                                                       {0xFE30, 0xFE6F},
                                                                       {0xFF00, 0xFF60},
                                                                       {0xFFE0, 0xFFE6},
                                                                       {0x1F300, 0x1FAFF},
                                                                       {0x20000, 0x3FFFD}});

/// What a line for people may be written in.
enum class CharacterSet : std::uint8_t { ascii, unicode };

/// Any text as a line may show it: what cannot be seen is escaped ("\n", "\x1b", "\u202e"), and so is what is not ASCII where that is all
/// there may be. A byte that is not UTF-8 is escaped as such ("\xff"). The same text again gives the same.
inline std::string printable(std::string_view text, CharacterSet characters = CharacterSet::ascii) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(sequence.size());
    const std::uint32_t code_point = length == 0 ? static_cast<unsigned char>(sequence.front()) : code_point_of(sequence);
    const bool seen = length > 0 && (code_point < 0x80 || characters == CharacterSet::unicode) && !is_among(unseen_characters, code_point);
    if (seen) {
      shown += sequence;
    } else if (code_point == '\n') {
      shown += "\\n";
    } else if (code_point == '\r') {
      shown += "\\r";
    } else if (code_point == '\t') {
      shown += "\\t";
    } else if (length <= 1) {
      shown += fmt::format("\\x{:02x}", code_point);
    } else {
      shown += fmt::format("\\u{:04x}", code_point);
    }
  }
  return shown;
}

/// The columns of a terminal that a character takes.
constexpr std::size_t columns_of(std::uint32_t code_point) noexcept {
  if (code_point < 0x300) return 1;
  return is_among(combining_characters, code_point) ? 0 : is_among(wide_characters, code_point) ? 2 : 1;
}

/// The columns that a printable text takes; a colour's instruction (`ESC[...m`) takes none.
inline std::size_t columns_of(std::string_view text) noexcept {
  std::size_t columns = 0;
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      text.remove_prefix(std::min(text.find('m') + 1, text.size()));
      continue;
    }
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
    columns += columns_of(code_point_of(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return columns;
}

/// The printable text in at most so many columns (three at least): one that takes more ends in "...".
inline std::string cut_to(std::size_t columns, std::string_view text) {
  if (columns_of(text) <= columns) return std::string(text);
  std::size_t kept = 0;
  std::size_t taken = 0;
  while (true) {
    const std::string_view rest = text.substr(kept);
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence(reinterpret_cast<const unsigned char*>(rest.data()), rest.size()));
    taken += columns_of(code_point_of(rest.substr(0, length)));
    if (taken + 3 > columns) return std::string(text.substr(0, kept)) + "...";
    kept += length;
  }
}

/// The printable text with blanks behind it, up to so many columns.
inline std::string padded(std::size_t columns, std::string text) {
  const std::size_t taken = columns_of(text);
  return text.append(columns - std::min(columns, taken), ' ');
}

}  // namespace wsbench::detail
