#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include <wsbench/net/frame.hpp>

#include "catch.hpp"
#include "support/frames.hpp"

using wsbench::Random;
using wsbench::detail::append_frame;
using wsbench::detail::Opcode;
using wsbench::detail::Role;

namespace {

constexpr Opcode opcodes[] = {Opcode::continuation, Opcode::text, Opcode::binary, Opcode::close, Opcode::ping, Opcode::pong};

std::string pattern(std::size_t length) {
  std::string text(length, '\0');
  for (std::size_t at = 0; at < length; ++at) text[at] = static_cast<char>((at * 37 + at / 251) & 0xFFU);
  return text;
}

std::string encoded(Role role, Opcode opcode, std::string_view payload, Random& random) {
  std::string out;
  append_frame(out, role, opcode, payload, random);
  return out;
}

}  // namespace

TEST_CASE("a server's frames are as RFC 6455 section 5.2 has them", "[frame]") {
  Random random{1};
  for (const Opcode opcode : opcodes) {
    for (const std::size_t length : std::initializer_list<std::size_t>{0, 1, 125, 126, 127, 1000, 65'535, 65'536, 70'000}) {
      const std::string payload = pattern(length);
      REQUIRE(encoded(Role::server, opcode, payload, random) == support::frame(payload, {.opcode = static_cast<std::uint8_t>(opcode)}));
    }
  }
}

TEST_CASE("a client's frames are the same under their mask", "[frame]") {
  Random random{1};
  for (const std::size_t length :
       std::initializer_list<std::size_t>{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 125, 126, 127, 65'535, 65'536}) {
    const std::string payload = pattern(length);
    std::string bytes = encoded(Role::client, Opcode::text, payload, random);
    const std::size_t header = support::frame_header({}, length).size() + 4;
    REQUIRE(bytes.size() == header + length);
    CHECK((static_cast<unsigned char>(bytes[1]) & 0x80U) != 0);
    const std::string key = bytes.substr(header - 4, 4);
    for (std::size_t at = 0; at < length; ++at) bytes[header + at] = static_cast<char>(bytes[header + at] ^ key[at % 4]);
    bytes.replace(header - 4, 4, 4, '\0');
    REQUIRE(bytes == support::frame(payload, {.masked = true}));
  }
}

TEST_CASE("masks are new each time, and the same for the same seed", "[frame]") {
  Random random{1};
  Random again{1};
  Random other{2};
  std::set<std::string> frames;
  for (int n = 0; n < 1000; ++n) {
    const std::string frame = encoded(Role::client, Opcode::text, "same", random);
    CHECK(frame == encoded(Role::client, Opcode::text, "same", again));
    frames.insert(frame);
  }
  CHECK(frames.size() > 990);
  CHECK(frames.count(encoded(Role::client, Opcode::text, "same", other)) == 0);
}

TEST_CASE("a frame is appended to what is there", "[frame]") {
  Random random{1};
  std::string out = "before";
  append_frame(out, Role::server, Opcode::text, "a", random);
  append_frame(out, Role::server, Opcode::ping, "", random);
  CHECK(out == "before" + support::frame("a") + support::frame("", {.opcode = support::ping_opcode}));
}

TEST_CASE("a masked copy works from and to any address", "[frame]") {
  const std::string from = pattern(64);
  constexpr std::uint32_t key = 0x12345678;
  char key_bytes[4];
  std::memcpy(key_bytes, &key, 4);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      for (std::size_t length = 0; length < 40; ++length) {
        std::string to(64, '?');
        wsbench::detail::masked_copy(to.data() + offset, std::string_view(from).substr(start, length), key);
        std::string expected(64, '?');
        for (std::size_t at = 0; at < length; ++at) expected[offset + at] = static_cast<char>(from[start + at] ^ key_bytes[at % 4]);
        REQUIRE(to == expected);
      }
    }
  }
}

TEST_CASE("a close frame's payload is its status in network order", "[frame]") {
  CHECK(wsbench::detail::close_payload(1000) == "\x03\xe8");
  CHECK(wsbench::detail::close_payload(0x00FF) == std::string("\x00\xff", 2));
}

TEST_CASE("a message goes out in frames of at most the size that was asked for, and only the first says what it is", "[frame]") {
  const auto message = [](std::string_view payload, std::size_t fragment_size, bool compressed) {
    Random random{1};
    std::string out;
    append_message(out, Role::server, Opcode::text, payload, fragment_size, compressed, random);
    return out;
  };
  const auto piece = [](std::string_view payload, bool fin) {
    return support::frame(payload, {.opcode = support::continuation_opcode, .fin = fin});
  };
  for (const std::size_t whole : {std::size_t{0}, std::size_t{5}, std::size_t{100}}) {
    CHECK(message("12345", whole, false) == support::frame("12345"));
    CHECK(message("12345", whole, true) == support::frame("12345", {.reserved_bits = 4}));
  }
  CHECK(message("12345", 4, false) == support::frame("1234", {.fin = false}) + piece("5", true));
  CHECK(message("1234", 2, false) == support::frame("12", {.fin = false}) + piece("34", true));
  CHECK(message("123", 1, true) == support::frame("1", {.fin = false, .reserved_bits = 4}) + piece("2", false) + piece("3", true));
  CHECK(message("", 1, false) == support::frame(""));
}
