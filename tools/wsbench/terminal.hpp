#pragma once

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

#include <wsbench/report/text_style.hpp>

namespace cli {

/// The variable of the environment; empty where it is not set.
inline std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Whether the locale's characters are UTF-8, by the first of the variables that is set (POSIX, XBD section 8.2).
inline bool locale_is_utf8() {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = variable(name);
  }
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return locale.find("utf-8") != locale.npos || locale.find("utf8") != locale.npos;
}

/// What a report on stdout is written with: colours and blocks on a terminal that has them, else plain ASCII, and also where the user
/// set NO_COLOR (no-color.org).
inline wsbench::TextStyle style_of_stdout() {
  const std::string_view terminal = variable("TERM");
  const bool plain = ::isatty(STDOUT_FILENO) == 0 || terminal.empty() || terminal == "dumb" || !variable("NO_COLOR").empty();
  if (plain) return {};
  return {.unicode = locale_is_utf8(), .colour = true};
}

}  // namespace cli
