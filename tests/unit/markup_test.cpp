#include <cstdint>
#include <string>
#include <string_view>

#include <wsbench/json_member.hpp>
#include <wsbench/report/markup.hpp>

#include "catch.hpp"

using wsbench::detail::encoded_utf8;
using wsbench::detail::escaped_markup;

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int n = 0; n < times; ++n) all += text;
  return all;
}

}  // namespace

TEST_CASE("text that has nothing to escape stays as it is", "[markup]") {
  for (const std::string_view text : {"", "post", "a b/c?d=e", "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80", "\xC2\xA0", "\xEF\xBF\xBC"}) {
    CHECK(escaped_markup(text) == text);
  }
}

TEST_CASE("what markup gives a meaning to is escaped, in an attribute too", "[markup]") {
  CHECK(escaped_markup("</td><script>alert(\"1\" && '2')") == "&lt;/td&gt;&lt;script&gt;alert(&quot;1&quot; &amp;&amp; &#39;2&#39;)");
  CHECK(escaped_markup("&amp;") == "&amp;amp;");
  CHECK(escaped_markup("]]>") == "]]&gt;");
  CHECK(escaped_markup("a\tb\nc") == "a&#9;b&#10;c");
}

TEST_CASE("every line end is one line feed", "[markup]") {
  CHECK(escaped_markup("a\r\nb") == "a&#10;b");
  CHECK(escaped_markup("a\rb\r\r\nc\r") == "a&#10;b&#10;&#10;c&#10;");
}

TEST_CASE("a control character is replaced", "[markup]") {
  for (int code = 0; code < 0x20; ++code) {
    if (code == '\t' || code == '\n' || code == '\r') continue;
    CHECK(escaped_markup(std::string(1, static_cast<char>(code))) == replacement);
  }
  CHECK(escaped_markup("a\x1b[31mb\x7f") == "a" + std::string(replacement) + "[31mb" + std::string(replacement));
  for (std::uint32_t code = 0x80; code < 0xA0; ++code) CHECK(escaped_markup(encoded_utf8(code).text()) == replacement);
}

TEST_CASE("each byte that is not UTF-8 is replaced, and what follows it is not", "[markup]") {
  CHECK(escaped_markup("\xFF<") == std::string(replacement) + "&lt;");
  CHECK(escaped_markup("a\xE2\x82") == "a" + repeated(replacement, 2));
  CHECK(escaped_markup("\xC3\"") == std::string(replacement) + "&quot;");
  CHECK(escaped_markup("\xED\xA0\x80") == repeated(replacement, 3));  // a surrogate
  CHECK(escaped_markup("\xC0\xBC") == repeated(replacement, 2));      // an overlong '<'
}

TEST_CASE("a noncharacter of any plane is replaced, and its neighbours are not", "[markup]") {
  for (std::uint32_t plane = 0; plane <= 0x10; ++plane) {
    const std::uint32_t end = plane << 16 | 0xFFFD;
    CHECK(escaped_markup(encoded_utf8(end).text()) == encoded_utf8(end).text());
    CHECK(escaped_markup(encoded_utf8(end + 1).text()) == replacement);
    CHECK(escaped_markup(encoded_utf8(end + 2).text()) == replacement);
  }
  CHECK(escaped_markup(encoded_utf8(0xFDCF).text()) == encoded_utf8(0xFDCF).text());
  CHECK(escaped_markup(encoded_utf8(0xFDD0).text()) == replacement);
  CHECK(escaped_markup(encoded_utf8(0xFDEF).text()) == replacement);
  CHECK(escaped_markup(encoded_utf8(0xFDF0).text()) == encoded_utf8(0xFDF0).text());
}

TEST_CASE("every character that may stand in markup is kept, and no other", "[markup]") {
  std::uint64_t wrong = 0;
  for (std::uint32_t code = 0x20; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    const auto character = encoded_utf8(code);
    const std::string escaped = escaped_markup(character.text());
    const bool noncharacter = (code >= 0xFDD0 && code <= 0xFDEF) || code % 0x10000 >= 0xFFFE;
    const bool control = code >= 0x7F && code < 0xA0;
    const bool special = code < 0x80 && std::string_view("&<>\"'").find(static_cast<char>(code)) != std::string_view::npos;
    wrong += escaped == (noncharacter || control ? replacement : character.text()) || (special && escaped.front() == '&') ? 0 : 1;
  }
  CHECK(wrong == 0);
}
