#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include <wsbench/report/printable.hpp>
#include <wsbench/report/wrapped_lines.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"

using namespace std::string_view_literals;
using wsbench::detail::CharacterSet;
using wsbench::detail::columns_of;
using wsbench::detail::cut_to;
using wsbench::detail::is_utf8;
using wsbench::detail::printable;
using wsbench::detail::wrapped_lines;

namespace {

std::string seen(std::string_view text) {
  return printable(text, CharacterSet::unicode);
}

// Every line, with its end.
template <class Look>
void for_each_line(std::string_view text, Look look) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    REQUIRE(end != text.npos);
    look(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

}  // namespace

TEST_CASE("what can be seen is shown as it is", "[printable]") {
  CHECK(printable("GET /a?b=\"c\" \\ <d>") == "GET /a?b=\"c\" \\ <d>");
  CHECK(seen("Gr\u00fc\u00dfe, \u4e16\u754c \U0001F600") == "Gr\u00fc\u00dfe, \u4e16\u754c \U0001F600");
  CHECK(printable("") == "");
}

TEST_CASE("what cannot be seen is escaped", "[printable]") {
  CHECK(printable("a\nb\r\tc\x1b[31m\0\x7f"sv) == "a\\nb\\r\\tc\\x1b[31m\\x00\\x7f");
  CHECK(seen("\u0085\u009b") == "\\u0085\\u009b");               // next line, and the one-character start of a terminal's instruction
  CHECK(seen("\u200b\u202e\u2066") == "\\u200b\\u202e\\u2066");  // no width, and directions
  CHECK(seen("\ufeff\U000E0041") == "\\ufeff\\ue0041");
  CHECK(seen("\xff\xc3(\xe2\x82") == "\\xff\\xc3(\\xe2\\x82");
}

TEST_CASE("in ASCII everything else is escaped too", "[printable]") {
  CHECK(printable("Gr\u00fc\u00dfe") == "Gr\\u00fc\\u00dfe");
  CHECK(printable("\U0001F600") == "\\u1f600");
  for (const std::string* name : {&support::name_with_controls, &support::name_not_utf8, &support::long_name}) {
    const std::string shown = printable(*name);
    CHECK(std::all_of(shown.begin(), shown.end(), [](char letter) { return letter >= ' ' && letter <= '~'; }));
    CHECK(is_utf8(seen(*name)));
  }
}

TEST_CASE("what is printable stays so", "[printable]") {
  for (const std::string* name : {&support::name_with_controls, &support::name_not_utf8, &support::long_name}) {
    CHECK(printable(printable(*name)) == printable(*name));
    CHECK(seen(seen(*name)) == seen(*name));
  }
}

TEST_CASE("columns are those of a terminal", "[printable]") {
  CHECK(columns_of("abc"sv) == 3);
  CHECK(columns_of("\u00fc\u00df"sv) == 2);
  CHECK(columns_of("\u4e16\u754c"sv) == 4);
  CHECK(columns_of("e\u0301"sv) == 1);
  CHECK(columns_of("\U0001F600"sv) == 2);
  CHECK(columns_of("\x1b[1;31mred\x1b[0m"sv) == 3);
}

TEST_CASE("what is too long is cut, between characters", "[printable]") {
  CHECK(cut_to(5, "abcde") == "abcde");
  CHECK(cut_to(5, "abcdef") == "ab...");
  CHECK(cut_to(6, "\u4e16\u754c\u4e16\u754c") == "\u4e16...");  // two columns each: one is left empty
  CHECK(cut_to(3, "abcd") == "...");
}

TEST_CASE("words are wrapped at eighty columns and indented as far as what they follow", "[printable]") {
  CHECK(wrapped_lines("  name  ", "a b") == "  name  a b\n");
  CHECK(wrapped_lines("  name  ", "") == "  name\n");
  const std::string seventy_two(72, 'x');
  CHECK(wrapped_lines("  name  ", seventy_two + " y") == "  name  " + seventy_two + "\n        y\n");
  CHECK(wrapped_lines("  name  ", std::string(70, 'x') + " y") == "  name  " + std::string(70, 'x') + " y\n");
}

TEST_CASE("no words make a line of more than eighty columns, nor of more than fifteen lines", "[printable]") {
  const std::string ten_thousand(10'000, 'x');
  std::string many{};
  for (int n = 0; n < 3000; ++n) many += "and on ";
  for (const std::string* words :
       std::initializer_list<const std::string*>{&ten_thousand, &many, &support::long_name, &support::name_with_controls}) {
    for (const CharacterSet characters : {CharacterSet::ascii, CharacterSet::unicode}) {
      std::size_t lines = 0;
      for_each_line(wrapped_lines("  start  ", *words, characters), [&](std::string_view line) {
        ++lines;
        CHECK(columns_of(line) <= 80);
      });
      CHECK(lines <= 20);
    }
  }
}
