// RFC 6455 section by section: what a server sends, and what a client has to make of it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/frame_notation.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace support::notation;
using support::MisbehavingServer;
using support::PeerSocket;

namespace {

using Texts = std::vector<std::string>;

constexpr auto limit = 20s;
constexpr std::size_t max_message_size = 70'000;
constexpr int none = -1;
const std::string end_mark = "that is all";

// A message as the behaviour heard it.
std::string as_binary(std::string_view payload) {
  return "binary: " + std::string(payload);
}

// What comes of a connection, at both ends of it.
struct Outcome {
  Texts heard{};                 // by the behaviour; binary ones as `as_binary()`
  Texts pongs{};                 // that the client sent
  int close_sent{1000};          // the status with which the client closed; 1005: without one; `none`: not at all
  std::string failure{};         // that was counted, with its code; empty: none was
  std::string words{};           // of it, or a part of them
  bool more_after_close{false};  // whether the client sent anything after its close frame

  Outcome ponging(Texts payloads) && {
    pongs = std::move(payloads);
    return std::move(*this);
  }
  Outcome after(Texts messages) && {
    heard = std::move(messages);
    return std::move(*this);
  }
};

// The client heard these and closed when its behaviour had ended.
Outcome hears(Texts messages) {
  return {.heard = std::move(messages)};
}
// The client has to fail the connection.
Outcome breaks(std::string words, int close_sent = 1002) {
  return {.close_sent = close_sent, .failure = "protocol", .words = std::move(words)};
}
Outcome too_big() {
  return {.close_sent = 1009, .failure = "too_big", .words = "a message of more than 70000 bytes"};
}
// The server closed with this status, and the client answered with the same.
Outcome closed(int code, const std::string& reason = {}) {
  const std::string quoted = reason.empty() ? "" : " \"" + reason + '"';
  return {.close_sent = code,
          .failure = "closed " + std::to_string(code),
          .words = "the server closed the connection (" + std::to_string(code) + quoted + ')'};
}

struct Row {
  std::string section;
  std::string what;
  std::string sent;
  Outcome outcome;
  std::optional<std::string> farewell{};  // what the server answers to a close frame of the client's; its own status where not given
};

// How the server's bytes reach the client: each piece is a read of its own.
enum class Pieces { one, halves, bytes };

std::string_view name(Pieces pieces) {
  return pieces == Pieces::one ? "in one write" : pieces == Pieces::halves ? "cut in two" : "byte by byte";
}

void write_in(Pieces pieces, PeerSocket& peer, std::string_view bytes) {
  for (std::size_t written = 0; !bytes.empty();) {
    std::size_t size = bytes.size();
    if (pieces == Pieces::halves) size = (size + 1) / 2;
    if (pieces == Pieces::bytes) size = bytes.size() > 1000 && written >= 20 ? bytes.size() - 20 : 1;  // of a large one the ends
    if (!peer.write(bytes.substr(0, size))) return;
    bytes.remove_prefix(size);
    written += size;
    if (!bytes.empty()) peer.wait_until_read();
    if (pieces == Pieces::halves) pieces = Pieces::one;
  }
}

int status_of(std::string_view close_payload) {
  if (close_payload.size() < 2) return 1005;
  return static_cast<unsigned char>(close_payload[0]) << 8 | static_cast<unsigned char>(close_payload[1]);
}

// The server's side of a row: what the client sent.
Outcome serve(const Row& row, Pieces pieces, PeerSocket& peer) {
  Outcome seen{.close_sent = none};
  if (!peer.upgrade()) return seen;
  peer.wait_until_read();
  write_in(pieces, peer, row.sent);
  const bool goes_on = row.outcome.failure.empty();
  if (goes_on) peer.write(text(end_mark));
  while (const std::optional<support::ClientFrame> next = peer.read_frame()) {
    if (seen.close_sent != none) seen.more_after_close = true;
    if (next->opcode == support::pong_opcode) seen.pongs.push_back(next->payload);
    if (next->opcode != support::close_opcode) continue;
    seen.close_sent = status_of(next->payload);
    if (goes_on) peer.write(row.farewell.value_or(support::frame(next->payload, {.opcode = support::close_opcode})));
  }
  return seen;
}

Outcome run(const Row& row, Pieces pieces) {
  std::promise<Outcome> served;
  MisbehavingServer server([&](PeerSocket& peer) { served.set_value(serve(row, pieces, peer)); });

  Texts heard;
  const auto listen = [&heard](wsbench::Session& user) -> wsbench::Task {
    while (const wsbench::Reply message = co_await user.receive()) {
      if (message.text() == end_mark) break;
      heard.push_back(message.binary() ? as_binary(message.text()) : std::string(message.text()));
    }
  };
  wsbench::Scenario scenario{.name = "conformance", .clients = 1, .messages = 1, .timeout = 5s};
  scenario.behaviour = wsbench::Behaviour{listen, "listen"};
  const wsbench::Options options{.connect_rate = 0, .max_message_size = max_message_size};
  const wsbench::Report report = support::run_within(limit, wsbench::LoadTest{server.url(), scenario, options});

  std::future<Outcome> outcome = served.get_future();
  REQUIRE(outcome.wait_for(limit) == std::future_status::ready);
  Outcome seen = outcome.get();
  seen.heard = std::move(heard);
  for (const wsbench::FailureCount& entry : report.metrics().failures.by_count()) {
    if (!seen.failure.empty()) seen.failure += ", ";
    seen.failure += wsbench::name(entry.failure);
    if (entry.code != 0) seen.failure += ' ' + std::to_string(entry.code);
    seen.words += entry.sample;
  }
  return seen;
}

// Messages as the report of a failed check may show them.
Texts in_short(Texts texts) {
  for (std::string& each : texts) {
    if (each.size() > 200) each = each.substr(0, 20) + "... of " + std::to_string(each.size()) + " bytes";
  }
  return texts;
}

void require(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const Pieces pieces : {Pieces::one, Pieces::halves, Pieces::bytes}) {
      INFO("RFC 6455 section " << row.section << ": " << row.what << ", " << name(pieces));
      const Outcome seen = run(row, pieces);
      CHECK(in_short(seen.heard) == in_short(row.outcome.heard));
      CHECK((seen.heard == row.outcome.heard));
      CHECK(seen.pongs == row.outcome.pongs);
      CHECK(seen.close_sent == row.outcome.close_sent);
      CHECK_FALSE(seen.more_after_close);
      CHECK(seen.failure == row.outcome.failure);
      CHECK_THAT(seen.words, Catch::Matchers::Contains(row.outcome.words));
    }
  }
}

const std::string masks = "Servers may not send masked frames", reserved_bits = "Invalid use of reserved bits",
                  bad_opcode = "invalid opcode", not_minimal = "Payload length was not minimally encoded",
                  bad_continuation = "Invalid message continuation", split_control = "Control messages cannot be fragmented",
                  long_control = "Control messages are limited to", bad_status = "a close frame with an invalid status",
                  bad_reason = "a close frame whose reason is not UTF-8", not_utf8 = "a text message that is not UTF-8";

}  // namespace

TEST_CASE("5.1: a server masks nothing", "[faults][rfc6455]") {
  require({
      {"5.1", "a text without a mask", text("Hello"), hears({"Hello"})},
      {"5.1", "a text with one", masked(0x1, "Hello"), breaks(masks)},
      {"5.1", "an empty text with one", masked(0x1), breaks(masks)},
      {"5.1", "a binary with one", masked(0x2, "Hello"), breaks(masks)},
      {"5.1", "a ping with one", masked(0x9, "p"), breaks(masks)},
      {"5.1", "a pong with one", masked(0xA, "p"), breaks(masks)},
      {"5.1", "a close with one", masked(0x8, "\x03\xE8"), breaks(masks)},
      {"5.1", "a first fragment with one", masked(0x1, "Hel", not_final) + continuation("lo"), breaks(masks)},
      {"5.1", "a second fragment with one", text("Hel", not_final) + masked(0x0, "lo"), breaks(masks)},
      {"5.1", "a text with one after a message", text("Hello") + masked(0x1, "Hello"), breaks(masks).after({"Hello"})},
      {"5.1", "a text of 126 bytes with one", masked(0x1, bytes(126)), breaks(masks)},
      {"5.1", "a text of 65536 bytes with one", masked(0x1, bytes(65536)), breaks(masks)},
  });
}

TEST_CASE("5.2: reserved bits mean nothing without an extension", "[faults][rfc6455]") {
  require({
      {"5.2", "RSV1 in a text", with_reserved(4, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV2 in a text", with_reserved(2, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV3 in a text", with_reserved(1, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV1 and RSV2 in a text", with_reserved(6, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV1 and RSV3 in a text", with_reserved(5, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV2 and RSV3 in a text", with_reserved(3, text("Hello")), breaks(reserved_bits)},
      {"5.2", "all three in a text", with_reserved(7, text("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV1 in an empty text", with_reserved(4, text("")), breaks(reserved_bits)},
      {"5.2", "RSV1 in a binary", with_reserved(4, binary("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV2 in a binary", with_reserved(2, binary("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV3 in a binary", with_reserved(1, binary("Hello")), breaks(reserved_bits)},
      {"5.2", "RSV1 in a first fragment", with_reserved(4, text("Hel", not_final)), breaks(reserved_bits)},
      {"5.2", "RSV1 in a continuation", text("Hel", not_final) + with_reserved(4, continuation("lo")), breaks(reserved_bits)},
      {"5.2", "RSV2 in a continuation", text("Hel", not_final) + with_reserved(2, continuation("lo")), breaks(reserved_bits)},
      {"5.2", "RSV3 in a continuation", text("Hel", not_final) + with_reserved(1, continuation("lo")), breaks(reserved_bits)},
      {"5.2", "RSV1 in a ping", with_reserved(4, ping("p")), breaks(reserved_bits)},
      {"5.2", "RSV2 in a ping", with_reserved(2, ping("p")), breaks(reserved_bits)},
      {"5.2", "RSV3 in a ping", with_reserved(1, ping("p")), breaks(reserved_bits)},
      {"5.2", "RSV1 in a pong", with_reserved(4, pong("p")), breaks(reserved_bits)},
      {"5.2", "RSV1 in a close", with_reserved(4, closing(1000)), breaks(reserved_bits)},
      {"5.2", "RSV2 in a close", with_reserved(2, closing(1000)), breaks(reserved_bits)},
      {"5.2", "RSV3 in a close", with_reserved(1, closing(1000)), breaks(reserved_bits)},
      {"5.2", "RSV1 after a message", text("Hello") + with_reserved(4, text("Hello")), breaks(reserved_bits).after({"Hello"})},
      {"5.2", "RSV3 after a ping", ping("p") + with_reserved(1, text("Hello")), breaks(reserved_bits).ponging({"p"})},
  });
}

TEST_CASE("5.2: opcodes", "[faults][rfc6455]") {
  require({
      {"5.2", "a text", text("Hello"), hears({"Hello"})},
      {"5.2", "a binary", binary("Hello"), hears({as_binary("Hello")})},
      {"5.2", "opcode 3", of_opcode(0x3, "x"), breaks(bad_opcode)},
      {"5.2", "opcode 4", of_opcode(0x4, "x"), breaks(bad_opcode)},
      {"5.2", "opcode 5", of_opcode(0x5, "x"), breaks(bad_opcode)},
      {"5.2", "opcode 6", of_opcode(0x6, "x"), breaks(bad_opcode)},
      {"5.2", "opcode 7", of_opcode(0x7, "x"), breaks(bad_opcode)},
      {"5.2", "opcode B", of_opcode(0xB, "x"), breaks(bad_opcode)},
      {"5.2", "opcode C", of_opcode(0xC, "x"), breaks(bad_opcode)},
      {"5.2", "opcode D", of_opcode(0xD, "x"), breaks(bad_opcode)},
      {"5.2", "opcode E", of_opcode(0xE, "x"), breaks(bad_opcode)},
      {"5.2", "opcode F", of_opcode(0xF, "x"), breaks(bad_opcode)},
      {"5.2", "opcode 3 without a payload", of_opcode(0x3), breaks(bad_opcode)},
      {"5.2", "opcode 7 without a payload", of_opcode(0x7), breaks(bad_opcode)},
      {"5.2", "opcode B without a payload", of_opcode(0xB), breaks(bad_opcode)},
      {"5.2", "opcode F without a payload", of_opcode(0xF), breaks(bad_opcode)},
      {"5.2", "opcode 3 in fragments", of_opcode(0x3, "x", not_final), breaks(bad_opcode)},
      {"5.2", "opcode B in fragments", of_opcode(0xB, "x", not_final), breaks(bad_opcode)},
      {"5.2", "opcode 5 after a message", text("Hello") + of_opcode(0x5, "x"), breaks(bad_opcode).after({"Hello"})},
      {"5.2", "opcode 6 between fragments", text("Hel", not_final) + of_opcode(0x6, "x"), breaks(bad_opcode)},
      {"5.2", "opcode D between fragments", text("Hel", not_final) + of_opcode(0xD, "x"), breaks(bad_opcode)},
      {"5.2", "opcode E after a ping", ping("p") + of_opcode(0xE, "x"), breaks(bad_opcode).ponging({"p"})},
  });
}

TEST_CASE("5.2: lengths", "[faults][rfc6455]") {
  require({
      {"5.2", "a text of nothing", text(""), hears({""})},
      {"5.2", "a text of 1 byte", text("x"), hears({"x"})},
      {"5.2", "a text of 124 bytes", text(bytes(124)), hears({bytes(124)})},
      {"5.2", "a text of 125 bytes, the last of the short form", text(bytes(125)), hears({bytes(125)})},
      {"5.2", "a text of 126 bytes, the first in 16 bits", text(bytes(126)), hears({bytes(126)})},
      {"5.2", "a text of 127 bytes", text(bytes(127)), hears({bytes(127)})},
      {"5.2", "a text of 128 bytes", text(bytes(128)), hears({bytes(128)})},
      {"5.2", "a text of 255 bytes", text(bytes(255)), hears({bytes(255)})},
      {"5.2", "a text of 256 bytes", text(bytes(256)), hears({bytes(256)})},
      {"5.2", "a text of 65535 bytes, the last in 16 bits", text(bytes(65535)), hears({bytes(65535)})},
      {"5.2", "a text of 65536 bytes, the first in 64 bits", text(bytes(65536)), hears({bytes(65536)})},
      {"5.2", "a text of 65537 bytes", text(bytes(65537)), hears({bytes(65537)})},
      {"5.2", "a binary of nothing", binary(""), hears({as_binary("")})},
      {"5.2", "a binary of 125 bytes", binary(bytes(125)), hears({as_binary(bytes(125))})},
      {"5.2", "a binary of 126 bytes", binary(bytes(126)), hears({as_binary(bytes(126))})},
      {"5.2", "a binary of 65535 bytes", binary(bytes(65535)), hears({as_binary(bytes(65535))})},
      {"5.2", "a binary of 65536 bytes", binary(bytes(65536)), hears({as_binary(bytes(65536))})},
      {"5.2", "lengths of all three forms", text("x") + text(bytes(126)) + text(bytes(65536)), hears({"x", bytes(126), bytes(65536)})},
      {"5.2", "fragments of 125 and 126 bytes", text(bytes(125), not_final) + continuation(bytes(126)), hears({bytes(251)})},
      {"5.2", "fragments of 65536 and 0 bytes", text(bytes(65536), not_final) + continuation(""), hears({bytes(65536)})},
      {"5.2", "0 bytes in 16 bits", length_in(2, 0x1, ""), breaks(not_minimal)},
      {"5.2", "5 bytes in 16 bits", length_in(2, 0x1, "Hello"), breaks(not_minimal)},
      {"5.2", "125 bytes in 16 bits", length_in(2, 0x1, bytes(125)), breaks(not_minimal)},
      {"5.2", "0 bytes in 64 bits", length_in(8, 0x1, ""), breaks(not_minimal)},
      {"5.2", "5 bytes in 64 bits", length_in(8, 0x1, "Hello"), breaks(not_minimal)},
      {"5.2", "125 bytes in 64 bits", length_in(8, 0x1, bytes(125)), breaks(not_minimal)},
      {"5.2", "126 bytes in 64 bits", length_in(8, 0x1, bytes(126)), breaks(not_minimal)},
      {"5.2", "65535 bytes in 64 bits", length_in(8, 0x1, bytes(65535)), breaks(not_minimal)},
      {"5.2", "a binary of 5 bytes in 16 bits", length_in(2, 0x2, "Hello"), breaks(not_minimal)},
      {"5.2", "a binary of 5 bytes in 64 bits", length_in(8, 0x2, "Hello"), breaks(not_minimal)},
      {"5.2", "a continuation of 2 bytes in 16 bits", text("Hel", not_final) + length_in(2, 0x0, "lo"), breaks(not_minimal)},
      {"5.2", "a continuation of 2 bytes in 64 bits", text("Hel", not_final) + length_in(8, 0x0, "lo"), breaks(not_minimal)},
      {"5.2", "a ping of 5 bytes in 16 bits", length_in(2, 0x9, "Hello"), breaks(long_control)},
      {"5.2", "a ping of 5 bytes in 64 bits", length_in(8, 0x9, "Hello"), breaks(long_control)},
      // The highest bit of a length must be 0: that rule is broken too, but a message of that size is too big first.
      {"5.2", "a length with its highest bit set", support::frame_header({}, std::uint64_t{1} << 63U), too_big()},
      {"5.2", "a length with all bits set", support::frame_header({}, ~std::uint64_t{0}), too_big()},
      {"5.2", "a length of 2^63 - 1", support::frame_header({}, ~std::uint64_t{0} >> 1U), too_big()},
      {"5.2", "a length of 2^32", support::frame_header({}, std::uint64_t{1} << 32U), too_big()},
      {"10.4", "a message of the largest size", text(bytes(max_message_size)), hears({bytes(max_message_size)})},
      {"10.4", "a message of one byte more", text(bytes(max_message_size + 1)), too_big()},
      {"10.4", "fragments of one byte more", text("x", not_final) + continuation(bytes(max_message_size)), too_big()},
  });
}

TEST_CASE("5.4: fragments", "[faults][rfc6455]") {
  const std::string start = text("Hel", not_final), rest = continuation("lo");
  require({
      {"5.4", "two", start + rest, hears({"Hello"})},
      {"5.4", "three", start + continuation("l", not_final) + continuation("o"), hears({"Hello"})},
      {"5.4", "a byte each",
       text("H", not_final) + continuation("e", not_final) + continuation("l", not_final) + continuation("l", not_final) +
           continuation("o"),
       hears({"Hello"})},
      {"5.4", "two of a binary", binary("Hel", not_final) + rest, hears({as_binary("Hello")})},
      {"5.4", "three of a binary", binary("\x00"s, not_final) + continuation("\xFF", not_final) + continuation("\x80"),
       hears({as_binary("\x00\xFF\x80"s)})},
      {"5.4", "an empty first", text("", not_final) + continuation("Hello"), hears({"Hello"})},
      {"5.4", "an empty last", text("Hello", not_final) + continuation(""), hears({"Hello"})},
      {"5.4", "an empty one between", start + continuation("", not_final) + rest, hears({"Hello"})},
      {"5.4", "two empty ones", text("", not_final) + continuation(""), hears({""})},
      {"5.4", "three empty ones of a binary", binary("", not_final) + continuation("", not_final) + continuation(""),
       hears({as_binary("")})},
      {"5.4", "one message in fragments after another", start + rest + start + rest, hears({"Hello", "Hello"})},
      {"5.4", "a whole message after one in fragments", start + rest + text("there"), hears({"Hello", "there"})},
      {"5.4", "a whole message before one in fragments", text("there") + start + rest, hears({"there", "Hello"})},
      {"5.4", "a text and a binary in fragments", start + rest + binary("a", not_final) + continuation("b"),
       hears({"Hello", as_binary("ab")})},

      {"5.4", "a ping between two", start + ping("p") + rest, hears({"Hello"}).ponging({"p"})},
      {"5.4", "an empty ping between two", start + ping() + rest, hears({"Hello"}).ponging({""})},
      {"5.4", "two pings between two", start + ping("p") + ping("q") + rest, hears({"Hello"}).ponging({"p", "q"})},
      {"5.4", "a ping in each of two gaps", start + ping("p") + continuation("l", not_final) + ping("q") + continuation("o"),
       hears({"Hello"}).ponging({"p", "q"})},
      {"5.4", "a ping before, between and after", ping("a") + start + ping("b") + rest + ping("c"),
       hears({"Hello"}).ponging({"a", "b", "c"})},
      {"5.4", "a pong between two", start + pong("p") + rest, hears({"Hello"})},
      {"5.4", "a ping after an empty first", text("", not_final) + ping("p") + continuation("Hello"), hears({"Hello"}).ponging({"p"})},
      {"5.4", "a ping between two of a binary", binary("Hel", not_final) + ping("p") + rest, hears({as_binary("Hello")}).ponging({"p"})},
      {"5.4", "a ping between, and then a whole message", start + ping("p") + rest + text("there"),
       hears({"Hello", "there"}).ponging({"p"})},

      {"5.4", "a continuation of nothing", continuation("lo"), breaks(bad_continuation)},
      {"5.4", "an empty continuation of nothing", continuation(""), breaks(bad_continuation)},
      {"5.4", "a continuation of nothing that goes on", continuation("l", not_final) + continuation("o"), breaks(bad_continuation)},
      {"5.4", "a continuation after a whole message", text("Hello") + rest, breaks(bad_continuation).after({"Hello"})},
      {"5.4", "a continuation after the last fragment", start + rest + rest, breaks(bad_continuation).after({"Hello"})},
      {"5.4", "a continuation after a ping", ping("p") + rest, breaks(bad_continuation).ponging({"p"})},
      {"5.4", "a text inside a text", start + text("there"), breaks(bad_continuation)},
      {"5.4", "a binary inside a text", start + binary("there"), breaks(bad_continuation)},
      {"5.4", "a text inside a binary", binary("Hel", not_final) + text("there"), breaks(bad_continuation)},
      {"5.4", "a binary inside a binary", binary("Hel", not_final) + binary("there"), breaks(bad_continuation)},
      {"5.4", "a first fragment inside a text", start + start, breaks(bad_continuation)},
      {"5.4", "an empty text inside a text", start + text(""), breaks(bad_continuation)},
      {"5.4", "a text after two fragments of three", start + continuation("l", not_final) + text("o"), breaks(bad_continuation)},
      {"5.4", "a text after a fragment and a ping", start + ping("p") + text("there"), breaks(bad_continuation).ponging({"p"})},
      {"5.4", "a text after an empty fragment", text("", not_final) + text("Hello"), breaks(bad_continuation)},
  });
}

TEST_CASE("5.5: control frames", "[faults][rfc6455]") {
  require({
      {"5.5", "a ping in fragments", ping("p", not_final) + continuation("q"), breaks(split_control)},
      {"5.5", "an empty ping in fragments", ping("", not_final), breaks(split_control)},
      {"5.5", "a pong in fragments", pong("p", not_final) + continuation("q"), breaks(split_control)},
      {"5.5", "a close in fragments", of_opcode(0x8, "\x03\xE8", not_final), breaks(split_control)},
      {"5.5", "an empty close in fragments", of_opcode(0x8, "", not_final), breaks(split_control)},
      {"5.5", "a ping in fragments between fragments", text("Hel", not_final) + ping("p", not_final), breaks(split_control)},
      {"5.5", "a ping of 126 bytes", ping(bytes(126)), breaks(long_control)},
      {"5.5", "a ping of 65536 bytes", ping(bytes(65536)), breaks(long_control)},
      {"5.5", "a pong of 126 bytes", pong(bytes(126)), breaks(long_control)},
      {"5.5", "a pong of 65536 bytes", pong(bytes(65536)), breaks(long_control)},
      {"5.5", "a close of 126 bytes", closing(1000, bytes(124)), breaks(long_control)},
      {"5.5", "a close of 65536 bytes", closing(1000, bytes(65534)), breaks(long_control)},
      {"5.5", "a ping of 126 bytes between fragments", text("Hel", not_final) + ping(bytes(126)), breaks(long_control)},

      {"5.5.2", "a ping", ping("p"), hears({}).ponging({"p"})},
      {"5.5.2", "an empty ping", ping(), hears({}).ponging({""})},
      {"5.5.2", "a ping of 124 bytes", ping(bytes(124)), hears({}).ponging({bytes(124)})},
      {"5.5.2", "a ping of 125 bytes", ping(bytes(125)), hears({}).ponging({bytes(125)})},
      {"5.5.2", "a ping of bytes that are no text", ping("\x00\xFF\xFE\xC0\x80"s), hears({}).ponging({"\x00\xFF\xFE\xC0\x80"s})},
      {"5.5.2", "ten pings",
       ping("0") + ping("1") + ping("2") + ping("3") + ping("4") + ping("5") + ping("6") + ping("7") + ping("8") + ping("9"),
       hears({}).ponging({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})},
      {"5.5.2", "a ping before a message", ping("p") + text("Hello"), hears({"Hello"}).ponging({"p"})},
      {"5.5.2", "a ping after a message", text("Hello") + ping("p"), hears({"Hello"}).ponging({"p"})},
      {"5.5.2", "a ping between messages", text("Hello") + ping("p") + binary("there"),
       hears({"Hello", as_binary("there")}).ponging({"p"})},
      {"5.5.3", "a pong nobody asked for", pong("p"), hears({})},
      {"5.5.3", "an empty pong nobody asked for", pong(), hears({})},
      {"5.5.3", "a pong of 125 bytes", pong(bytes(125)), hears({})},
      {"5.5.3", "a pong before a ping", pong("p") + ping("q"), hears({}).ponging({"q"})},
      {"5.5.3", "a pong between messages", text("Hello") + pong("p") + text("there"), hears({"Hello", "there"})},
  });
}

TEST_CASE("5.5.1, 7.4: closing by the server", "[faults][rfc6455]") {
  require({
      {"5.5.1", "without a status", closing(), closed(1005)},
      {"5.5.1", "one byte", of_opcode(0x8, "\x03"), breaks(bad_status)},
      {"5.5.1", "a status", closing(1000), closed(1000)},
      {"5.5.1", "a status and a reason", closing(1000, "bye"), closed(1000, "bye")},
      {"5.5.1", "a reason of 123 bytes", closing(1000, bytes(123)), closed(1000, bytes(40) + "...")},
      {"5.5.1", "a reason of two, three and four bytes a letter", closing(1000, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
       closed(1000, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")},
      {"5.5.1", "a reason that is not UTF-8", closing(1000, "\xFF"), breaks(bad_reason, 1007)},
      {"5.5.1", "a reason with an overlong form", closing(1000, "\xC0\xAF"), breaks(bad_reason, 1007)},
      {"5.5.1", "a reason with a surrogate", closing(1000, "\xED\xA0\x80"), breaks(bad_reason, 1007)},
      {"5.5.1", "a reason that ends in mid code point", closing(1000, "bye \xE2\x82"), breaks(bad_reason, 1007)},
      {"5.5.1", "a wrong status and a wrong reason", closing(999, "\xFF"), breaks(bad_status)},
      {"5.5.1", "a text after it", closing(1000) + text("late"), closed(1000)},
      {"5.5.1", "a ping after it", closing(1000) + ping("late"), closed(1000)},
      {"5.5.1", "a second one after it", closing(1000) + closing(1001), closed(1000)},
      {"5.5.1", "what breaks the protocol after it", closing(1000) + of_opcode(0x3, "x"), closed(1000)},
      {"5.5.1", "after a message", text("Hello") + closing(1000), closed(1000).after({"Hello"})},
      {"5.5.1", "after a message in fragments", text("Hel", not_final) + continuation("lo") + closing(1001), closed(1001).after({"Hello"})},
      {"5.5.1", "after a ping", ping("p") + closing(1000), closed(1000).ponging({"p"})},
      {"5.5.1", "in mid message", text("Hel", not_final) + closing(1000), closed(1000)},
      {"5.5.1", "in mid message, which then goes on", text("Hel", not_final) + closing(1000) + continuation("lo"), closed(1000)},
      {"5.5.1", "in mid code point", text("\xE2\x82", not_final) + closing(1000), closed(1000)},
  });
}

TEST_CASE("7.4.1, 7.4.2: statuses", "[faults][rfc6455]") {
  std::vector<Row> rows;
  const auto status = [](int code) { return std::to_string(code); };
  for (const int lawful : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011}) {
    rows.push_back({"7.4.1", status(lawful), closing(static_cast<std::uint16_t>(lawful)), closed(lawful)});
  }
  for (const int registered : {1012, 1013, 1014}) {
    rows.push_back(
        {"7.4.1", status(registered) + ", registered since", closing(static_cast<std::uint16_t>(registered)), closed(registered)});
  }
  for (const int reserved : {1004, 1005, 1006, 1015}) {
    rows.push_back(
        {"7.4.1", status(reserved) + ", which is never sent", closing(static_cast<std::uint16_t>(reserved)), breaks(bad_status)});
  }
  for (const int unused : {0, 1, 999, 5000, 5001, 32767, 32768, 65535}) {
    rows.push_back({"7.4.2", status(unused) + ", in no range", closing(static_cast<std::uint16_t>(unused)), breaks(bad_status)});
  }
  for (const int later : {1016, 1100, 1999, 2000, 2999}) {
    rows.push_back({"7.4.2", status(later) + ", kept for later", closing(static_cast<std::uint16_t>(later)), breaks(bad_status)});
  }
  for (const int free : {3000, 3001, 3999, 4000, 4001, 4999}) {
    rows.push_back({"7.4.2", status(free) + ", for libraries and applications", closing(static_cast<std::uint16_t>(free)), closed(free)});
  }
  require(rows);
}

TEST_CASE("7.1: closing by the client", "[faults][rfc6455]") {
  require({
      {"7.1.2", "the same status back", "", hears({}), closing(1000)},
      {"7.1.2", "another status back", "", hears({}), closing(1001)},
      {"7.1.2", "no status back", "", hears({}), closing()},
      {"7.1.2", "a reason back", "", hears({}), closing(1000, "bye")},
      {"5.5.1", "messages before the close", "", hears({}), text("late") + binary("later") + closing(1000)},
      {"5.5.1", "a ping before the close, which is too late for a pong", "", hears({}), ping("p") + closing(1000)},
      {"5.5.1", "a fragment before the close", "", hears({}), text("la", not_final) + closing(1000)},
      {"5.5.1", "a text after the close", "", hears({}), closing(1000) + text("late")},
      {"7.1.2", "after messages", text("Hello") + ping("p"), hears({"Hello"}).ponging({"p"}), closing(1000)},
  });
}

TEST_CASE("5.6, 8.1: text is UTF-8", "[faults][rfc6455]") {
  struct Sequence {
    const char* what;
    std::string bytes;
  };
  const std::vector<Sequence> good{
      {"U+0000", "\x00"s},
      {"U+007F, the last of one byte", "\x7F"},
      {"U+0080, the first of two bytes", "\xC2\x80"},
      {"U+07FF, the last of two bytes", "\xDF\xBF"},
      {"U+0800, the first of three bytes", "\xE0\xA0\x80"},
      {"U+0FFF", "\xE0\xBF\xBF"},
      {"U+1000", "\xE1\x80\x80"},
      {"U+20AC", "\xE2\x82\xAC"},
      {"U+CFFF", "\xEC\xBF\xBF"},
      {"U+D7FF, the last before the surrogates", "\xED\x9F\xBF"},
      {"U+E000, the first after the surrogates", "\xEE\x80\x80"},
      {"U+FEFF, a byte order mark", "\xEF\xBB\xBF"},
      {"U+FFFD", "\xEF\xBF\xBD"},
      {"U+FFFE, no character", "\xEF\xBF\xBE"},
      {"U+FFFF, the last of three bytes", "\xEF\xBF\xBF"},
      {"U+10000, the first of four bytes", "\xF0\x90\x80\x80"},
      {"U+1F600", "\xF0\x9F\x98\x80"},
      {"U+3FFFF", "\xF0\xBF\xBF\xBF"},
      {"U+40000", "\xF1\x80\x80\x80"},
      {"U+FFFFF", "\xF3\xBF\xBF\xBF"},
      {"U+100000", "\xF4\x80\x80\x80"},
      {"U+10FFFF, the last", "\xF4\x8F\xBF\xBF"},
  };
  const std::vector<Sequence> bad{
      {"a continuation byte alone, the first", "\x80"},
      {"a continuation byte alone, the last", "\xBF"},
      {"a continuation byte too many", "\xC2\x80\x80"},
      {"U+002F in two bytes", "\xC0\xAF"},
      {"U+0000 in two bytes", "\xC0\x80"},
      {"U+007F in two bytes", "\xC1\xBF"},
      {"U+0000 in three bytes", "\xE0\x80\x80"},
      {"U+07FF in three bytes", "\xE0\x9F\xBF"},
      {"U+0000 in four bytes", "\xF0\x80\x80\x80"},
      {"U+FFFF in four bytes", "\xF0\x8F\xBF\xBF"},
      {"U+D800, the first surrogate", "\xED\xA0\x80"},
      {"U+DBFF", "\xED\xAF\xBF"},
      {"U+DC00", "\xED\xB0\x80"},
      {"U+DFFF, the last surrogate", "\xED\xBF\xBF"},
      {"a pair of surrogates", "\xED\xA0\xBD\xED\xB8\x80"},
      {"U+110000, the first beyond the last", "\xF4\x90\x80\x80"},
      {"U+13FFFF", "\xF4\xBF\xBF\xBF"},
      {"U+140000", "\xF5\x80\x80\x80"},
      {"five bytes", "\xF8\x88\x80\x80\x80"},
      {"six bytes", "\xFC\x84\x80\x80\x80\x80"},
      {"FE, which never occurs", "\xFE"},
      {"FF, which never occurs", "\xFF"},
      {"one of two bytes", "\xC2"},
      {"one of three bytes", "\xE2"},
      {"two of three bytes", "\xE2\x82"},
      {"one of four bytes", "\xF0"},
      {"two of four bytes", "\xF0\x9F"},
      {"three of four bytes", "\xF0\x9F\x98"},
      {"a letter for the second of two bytes", "\xC2\x41"},
      {"a letter for the third of three bytes", "\xE2\x82\x41"},
      {"a letter for the fourth of four bytes", "\xF0\x9F\x98\x41"},
      {"a lead byte twice", "\xC2\xC2\x80"},
  };
  std::vector<Row> rows;
  for (const Sequence& each : good) {
    rows.push_back({"8.1", each.what, text(each.bytes), hears({each.bytes})});
    // A fragment may end in mid code point (section 5.6): only the whole message is text.
    for (std::size_t at = 1; at < each.bytes.size(); ++at) {
      rows.push_back({"5.6", std::string(each.what) + ", in fragments after " + std::to_string(at),
                      text(each.bytes.substr(0, at), not_final) + continuation(each.bytes.substr(at)), hears({each.bytes})});
    }
  }
  for (const Sequence& each : bad) {
    rows.push_back({"8.1", each.what, text(each.bytes), breaks(not_utf8, 1007)});
    rows.push_back({"8.1", std::string(each.what) + ", at the end of a long text", text(bytes(40) + each.bytes), breaks(not_utf8, 1007)});
    rows.push_back({"8.1", std::string(each.what) + ", in a second fragment", text("Hello ", not_final) + continuation(each.bytes),
                    breaks(not_utf8, 1007)});
    rows.push_back(
        {"5.6", std::string(each.what) + ", in a binary, where all is allowed", binary(each.bytes), hears({as_binary(each.bytes)})});
  }
  require(rows);
}

TEST_CASE("5.6, 8.1: text in fragments", "[faults][rfc6455]") {
  const std::string smile = "\xF0\x9F\x98\x80";
  require({
      {"5.6", "a byte of a code point in each",
       text("\xF0", not_final) + continuation("\x9F", not_final) + continuation("\x98", not_final) + continuation("\x80"), hears({smile})},
      {"5.6", "a ping in mid code point", text("\xF0\x9F", not_final) + ping("p") + continuation("\x98\x80"),
       hears({smile}).ponging({"p"})},
      {"5.6", "a ping that is no text in mid code point", text("\xF0\x9F", not_final) + ping("\xFF") + continuation("\x98\x80"),
       hears({smile}).ponging({"\xFF"})},
      {"5.6", "an empty fragment in mid code point", text("\xF0\x9F", not_final) + continuation("", not_final) + continuation("\x98\x80"),
       hears({smile})},
      {"8.1", "the message ends in mid code point", text("\xF0\x9F", not_final) + continuation("\x98"), breaks(not_utf8, 1007)},
      {"8.1", "the message ends in mid code point with nothing", text("\xF0\x9F", not_final) + continuation(""), breaks(not_utf8, 1007)},
      {"8.1", "a code point is begun and another follows", text("\xF0\x9F", not_final) + continuation(smile), breaks(not_utf8, 1007)},
      {"8.1", "half a code point in one message, half in the next", text("\xF0\x9F") + text("\x98\x80"), breaks(not_utf8, 1007)},
      {"8.1", "not UTF-8 in the first of two", text("\xFF", not_final) + continuation("Hello"), breaks(not_utf8, 1007)},
      {"8.1", "an overlong form across two", text("\xC0", not_final) + continuation("\xAF"), breaks(not_utf8, 1007)},
      {"8.1", "a surrogate across two", text("\xED", not_final) + continuation("\xA0\x80"), breaks(not_utf8, 1007)},
      {"8.1", "beyond the last code point across two", text("\xF4", not_final) + continuation("\x90\x80\x80"), breaks(not_utf8, 1007)},
      {"8.1", "after a good message", text("Hello") + text("\xFF"), breaks(not_utf8, 1007).after({"Hello"})},
      {"8.1", "after a ping", ping("p") + text("\xFF"), breaks(not_utf8, 1007).ponging({"p"})},
  });
}
