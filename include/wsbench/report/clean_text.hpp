#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wsbench/net/utf8.hpp>
#include <wsbench/report/markup.hpp>

namespace wsbench::detail {

/// Any text as UTF-8 that every reader of text takes: tabs and line ends (as line feeds) stay, U+FFFD stands for each byte that is not
/// UTF-8 and for each other control character.
inline std::string clean_text(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(sequence.size());
    if (sequence == "\r") {
      if (!text.starts_with('\n')) clean += '\n';
    } else if (length > 0 && is_markup_character(code_point_of(sequence))) {
      clean += sequence;
    } else {
      clean += "\xEF\xBF\xBD";
    }
  }
  return clean;
}

}  // namespace wsbench::detail
