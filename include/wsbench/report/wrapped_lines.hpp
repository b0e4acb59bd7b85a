#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/report/printable.hpp>

namespace wsbench::detail {

/// How wide text for people is.
inline constexpr std::size_t text_columns = 80;

/// Any words after `start` in lines of at most 80 columns; further lines are indented as far as it reaches.
///
/// A word that fills more than a line is cut, and so are words with more columns than fifteen lines have.
inline std::string wrapped_lines(const std::string& start, std::string_view words, CharacterSet characters = CharacterSet::ascii) {
  const std::size_t indent = columns_of(start);
  const std::size_t width = text_columns - std::min(indent, text_columns - 3);
  const std::string all = cut_to(15 * width, printable(words, characters));
  words = all;
  std::string text;
  std::string line = start;
  std::size_t taken = 0;
  const auto end_line = [&] {
    // The start of a line without a word is padded.
    line.erase(line.find_last_not_of(' ') + 1);
    text.append(line).append("\n");
  };
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    const std::string word = cut_to(width, words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
    const std::size_t columns = columns_of(word);
    if (taken > 0 && taken + 1 + columns > width) {
      end_line();
      line.assign(indent, ' ');
      taken = 0;
    }
    if (taken > 0) {
      line += ' ';
      ++taken;
    }
    line += word;
    taken += columns;
  }
  end_line();
  return text;
}

}  // namespace wsbench::detail
