#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace support {

namespace detail {

inline std::optional<std::string> content_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The line of the text around a place, as far as a screen shows it, with what cannot be seen as `\x0a`.
inline std::string excerpt(std::string_view text, std::size_t place) {
  constexpr std::size_t reach = 60;
  if (place >= text.size()) return "(its end)";
  const std::size_t line_begin = place == 0 ? 0 : text.rfind('\n', place - 1) + 1;  // npos + 1 is 0
  const std::size_t begin = std::max(line_begin, place - std::min(place, reach));
  const std::size_t end = std::min({text.find('\n', place), place + reach, text.size()});
  std::string shown;
  for (const char letter : text.substr(begin, std::max(end, place + 1) - begin)) {
    if (static_cast<unsigned char>(letter) >= ' ' && letter != '\x7f') {
      shown += letter;
      continue;
    }
    char code[8]{};
    std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(letter)));
    shown += code;
  }
  return shown;
}

/// Where two texts part, in words; nothing where they are the same.
inline std::optional<std::string> first_difference(std::string_view expected, std::string_view actual) {
  if (expected == actual) return std::nullopt;
  const auto [left, right] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  const auto place = static_cast<std::size_t>(left - expected.begin());
  const auto line = 1 + std::count(expected.begin(), left, '\n');
  return "first difference in line " + std::to_string(line) + "\n  expected: " + excerpt(expected, place) +
         "\n  actual:   " + excerpt(actual, place);
}

}  // namespace detail

/// Requires that the text is what tests/golden/NAME holds; with WSBENCH_UPDATE_GOLDEN=1 in the environment it is written there instead.
inline void require_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(WSBENCH_TESTS_DIR) + "/golden/" + name;
  const char* const update = std::getenv("WSBENCH_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    std::ofstream file(path, std::ios::binary);
    REQUIRE(file << text << std::flush);
    return;
  }
  INFO(path << ": look at what changed with WSBENCH_UPDATE_GOLDEN=1 and git diff");
  const std::optional<std::string> expected = detail::content_of_file(path);
  REQUIRE(expected.has_value());
  const std::optional<std::string> difference = detail::first_difference(*expected, text);
  if (difference) FAIL(*difference);
  SUCCEED();
}

}  // namespace support
