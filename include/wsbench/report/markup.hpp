#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wsbench/net/utf8.hpp>

namespace wsbench::detail {

/// Whether both XML (1.0, section 2.2) and HTML (section 3.2.5.3, "text") may have the character: no control characters but tab and line
/// feed, no noncharacters.
constexpr bool is_markup_character(std::uint32_t code_point) noexcept {
  if (code_point < 0x20) return code_point == '\t' || code_point == '\n';
  if (code_point >= 0x7F && code_point < 0xA0) return false;
  if (code_point >= 0xFDD0 && code_point <= 0xFDEF) return false;
  return (code_point & 0xFFFEU) != 0xFFFE;
}

/// Any text as an element's content or as an attribute's value in quotes, of XML or HTML: it reads back as it is.
///
/// Line ends become line feeds; U+FFFD stands for each byte that is not UTF-8 and for each character that markup cannot have.
inline std::string escaped_markup(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(sequence.size());
    switch (sequence.front()) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      // A parser would make blanks of these in an attribute.
      case '\t': escaped += "&#9;"; break;
      case '\n': escaped += "&#10;"; break;
      case '\r':
        if (!text.starts_with('\n')) escaped += "&#10;";
        break;
      default:
        if (length > 0 && is_markup_character(code_point_of(sequence))) {
          escaped += sequence;
        } else {
          escaped += "\xEF\xBF\xBD";
        }
    }
  }
  return escaped;
}

}  // namespace wsbench::detail
