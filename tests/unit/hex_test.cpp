#include <cstdint>
#include <limits>
#include <string>

#include <wsbench/hex.hpp>
#include <wsbench/random.hpp>

#include "catch.hpp"

using wsbench::detail::read_hex;
using wsbench::detail::write_hex;

namespace {

std::string written(std::uint64_t number) {
  std::string text(16, '?');
  write_hex(number, text.data());
  return text;
}

}  // namespace

TEST_CASE("a number is written as sixteen digits and read again", "[hex]") {
  CHECK(written(0) == "0000000000000000");
  CHECK(written(0x0123456789abcdef) == "0123456789abcdef");
  CHECK(written(std::numeric_limits<std::uint64_t>::max()) == "ffffffffffffffff");
  wsbench::Random random{3};
  for (int round = 0; round < 1000; ++round) {
    const std::uint64_t number = (std::uint64_t{random()} << 32U) | random();
    REQUIRE(read_hex(written(number)) == number);
  }
}

TEST_CASE("digits may be large or small, and what follows is left alone", "[hex]") {
  CHECK(read_hex("0123456789ABCDEF\",") == 0x0123456789abcdef);
}

TEST_CASE("what is no sixteen digits is no number", "[hex]") {
  CHECK_FALSE(read_hex("").has_value());
  CHECK_FALSE(read_hex("0123456789abcde").has_value());
  for (int letter = 0; letter < 256; ++letter) {
    const char byte = static_cast<char>(letter);
    const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    for (const std::size_t place : {0U, 7U, 15U}) {
      std::string text(16, '0');
      text[place] = byte;
      INFO(letter << " at " << place);
      CHECK(read_hex(text).has_value() == digit);
    }
  }
}
