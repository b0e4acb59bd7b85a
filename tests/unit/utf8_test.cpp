#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

#include <wsbench/net/utf8.hpp>

#include "catch.hpp"

using wsbench::detail::is_utf8;

namespace {

// By decoding and judging the code points, one bit at a time: slow, and nothing like the code under test.
bool slowly_is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    std::size_t ones = 0;
    while (ones < 8 && ((first >> (7 - ones)) & 1U) != 0) ++ones;
    if (ones == 1 || ones > 4) return false;
    const std::size_t length = ones == 0 ? 1 : ones;
    if (at + length > text.size()) return false;
    std::uint32_t code_point = first & (0xFFU >> (ones == 0 ? 1 : ones + 1));
    for (std::size_t n = 1; n < length; ++n) {
      const auto next = static_cast<unsigned char>(text[at + n]);
      if (next < 128 || next > 191) return false;
      code_point = code_point * 64 + (next - 128U);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < least[length] || code_point > 0x10FFFF) return false;
    if (code_point >= 0xD800 && code_point <= 0xDFFF) return false;
    at += length;
  }
  return true;
}

std::string bytes_of(std::uint32_t value, std::size_t length) {
  std::string text;
  for (std::size_t n = 0; n < length; ++n) text += static_cast<char>((value >> (8 * (length - 1 - n))) & 0xFFU);
  return text;
}

}  // namespace

TEST_CASE("every sequence of one and two bytes, and of three, is judged as by decoding it", "[utf8][exhaustive]") {
  std::size_t wrong = 0;
  const auto judge = [&wrong](std::uint32_t value, std::size_t length) {
    const std::string text = bytes_of(value, length);
    if (is_utf8(text) != slowly_is_utf8(text)) ++wrong;
  };
  for (std::uint32_t byte = 0; byte < 0x100; ++byte) judge(byte, 1);
  for (std::uint32_t pair = 0; pair < 0x10000; ++pair) {
    judge(pair, 2);
    // The third is judged by its highest two bits: every 16th byte, and those beside the borders.
    for (std::uint32_t third = 0; third < 0x100; third += 16) {
      judge(pair << 8U | third, 3);
      judge(pair << 8U | (third + 15), 3);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("every lead of four bytes is judged as by decoding it", "[utf8]") {
  std::size_t wrong = 0;
  std::size_t well_formed = 0;
  const auto judge = [&](const std::string& text) {
    const bool expected = slowly_is_utf8(text);
    well_formed += expected ? 1 : 0;
    if (is_utf8(text) != expected) ++wrong;
  };
  std::mt19937 random{20261124};
  for (int n = 0; n < 1'000'000; ++n) judge(bytes_of(0xE8000000U + static_cast<std::uint32_t>(random()) % 0x18000000U, 4));
  // Random bytes are seldom well-formed: all continuations that sit at a border, under every lead.
  const unsigned char borders[] = {0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0};
  for (std::uint32_t lead = 0xE0; lead <= 0xFF; ++lead) {
    for (const std::uint32_t second : borders) {
      for (const std::uint32_t third : borders) {
        for (const std::uint32_t fourth : borders) judge(bytes_of((lead << 24U) | (second << 16U) | (third << 8U) | fourth, 4));
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(well_formed > 100);
}

TEST_CASE("a fault is found at every place among ASCII, and well-formed text at every place is none", "[utf8]") {
  for (std::size_t length = 0; length < 40; ++length) {
    for (std::size_t at = 0; at <= length; ++at) {
      std::string text(length, 'a');
      REQUIRE(is_utf8(text));
      REQUIRE(is_utf8(std::string(text).insert(at, "\xe2\x82\xac")));
      REQUIRE(is_utf8(std::string(text).insert(at, "\xf0\x9f\x98\x80")));
      REQUIRE_FALSE(is_utf8(std::string(text).insert(at, "\x80")));
      REQUIRE_FALSE(is_utf8(std::string(text).insert(at, "\xe2\x82")));
      REQUIRE_FALSE(is_utf8(std::string(text).insert(at, "\xf0\x9f\x98")));
      REQUIRE_FALSE(is_utf8(std::string(text).insert(at, "\xff")));
    }
  }
}

TEST_CASE("a sequence that is cut at the end is not read past it", "[utf8]") {
  for (const std::string_view sequence : {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    for (const std::string_view before : {"", "a", "aaaaaaaa"}) {
      // The bytes that would complete it lie just behind.
      const std::string whole = std::string(before).append(sequence);
      for (std::size_t length = before.size() + 1; length < whole.size(); ++length)
        CHECK_FALSE(is_utf8(std::string_view(whole).substr(0, length)));
      CHECK(is_utf8(whole));
    }
  }
}

TEST_CASE("random text of many code points is judged as by decoding it", "[utf8]") {
  std::mt19937 random{20261124};
  const std::string_view parts[] = {
      "a",    "abcdefgh",     "\xc3\xa4",    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf",
      "\x80", "\xed\xa0\x80", "\xe0\x9f\xbf"};
  std::size_t well_formed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::size_t count = random() % 12;
    for (std::size_t n = 0; n < count; ++n) text += parts[random() % (round % 2 == 0 ? 7 : 10)];
    const bool expected = slowly_is_utf8(text);
    well_formed += expected ? 1 : 0;
    REQUIRE(is_utf8(text) == expected);
  }
  CHECK(well_formed > 5'000);
}
