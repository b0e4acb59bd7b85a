#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace support {

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// Whether it is one line, with its end.
inline bool is_one_line(std::string_view text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

/// The bytes of the longest line.
inline std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
}

}  // namespace support
