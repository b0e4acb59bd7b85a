// Messages as RFC 7692 writes them, and as it does not.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>

#include <wsbench/deflate.hpp>
#include <wsbench/net/protocol.hpp>

#include "catch.hpp"
#include "support/frames.hpp"

using support::frame;
using wsbench::deflate_memory;
using wsbench::DeflateOptions;
using wsbench::Error;
using wsbench::Failure;
using wsbench::detail::CloseReason;
using wsbench::detail::CodecFactory;
using wsbench::detail::DeflateAgreement;
using wsbench::detail::Inflated;
using wsbench::detail::MessageCodec;
using wsbench::detail::Opcode;
using wsbench::detail::ProtocolFault;
using wsbench::detail::Role;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
constexpr std::uint8_t rsv1 = 4;

std::string bytes(std::initializer_list<unsigned> values) {
  std::string text;
  for (const unsigned value : values) text += static_cast<char>(value);
  return text;
}

// RFC 7692 section 7.2.3.
const std::string hello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
const std::string hello_again = bytes({0xf2, 0x00, 0x11, 0x00, 0x00});
const std::string hello_stored = bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00});
const std::string hello_final = bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00});
const std::string hello_in_two_blocks = bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00});

// Both ends of a connection; each has the codecs of a thread of its own.
struct Ends {
  explicit Ends(const DeflateAgreement& agreement, const DeflateOptions& options = {})
      : clients(wsbench::deflate(options)->codecs()),
        servers(wsbench::deflate(options)->codecs()),
        client(clients->codec(agreement, Role::client)),
        server(servers->codec(agreement, Role::server)) {}

  std::unique_ptr<CodecFactory> clients;
  std::unique_ptr<CodecFactory> servers;
  std::unique_ptr<MessageCodec> client;
  std::unique_ptr<MessageCodec> server;
};

void require_message(const Inflated& inflated, std::string_view message) {
  REQUIRE(inflated.problem.empty());
  REQUIRE_FALSE(inflated.too_big);
  REQUIRE(inflated.payload == message);
}

// Some that repeat themselves, some that do not.
std::vector<std::string> many_messages(std::uint32_t seed) {
  std::mt19937 random{seed};
  std::vector<std::string> messages;
  for (int n = 0; n < 60; ++n) {
    std::string message;
    const std::size_t size = random() % 8 == 0 ? random() % 100'000 : random() % 300;
    const std::uint32_t letters = n % 3 == 0 ? 256 : 4;
    while (message.size() < size) message += static_cast<char>(random() % letters);
    messages.push_back(n % 5 == 4 ? messages[random() % messages.size()] : message);
  }
  messages.insert(messages.begin() + 7, {"", "", "x", ""});
  return messages;
}

}  // namespace

TEST_CASE("the examples of RFC 7692 section 7.2.3", "[deflate]") {
  const Ends keeps({});
  CHECK(keeps.client->compress("Hello") == hello);
  CHECK(keeps.client->compress("Hello") == hello_again);
  CHECK(keeps.client->compress("") == bytes({0x00}));
  require_message(keeps.server->inflate(hello, no_limit), "Hello");
  require_message(keeps.server->inflate(hello_again, no_limit), "Hello");
  require_message(keeps.server->inflate(hello_stored, no_limit), "Hello");
  require_message(keeps.server->inflate(hello_in_two_blocks, no_limit), "Hello");
  require_message(keeps.server->inflate(bytes({0x00}), no_limit), "");

  const Ends forgets({.client_context_takeover = false});
  CHECK(forgets.client->compress("Hello") == hello);
  CHECK(forgets.client->compress("Hello") == hello);
  require_message(forgets.server->inflate(hello, no_limit), "Hello");
  CHECK(forgets.server->inflate(hello_again, no_limit).problem == "invalid distance too far back");
}

TEST_CASE("a block with BFINAL set ends neither the message nor what the next may refer to", "[deflate]") {
  const Ends ends({});
  require_message(ends.client->inflate(hello_final, no_limit), "Hello");
  require_message(ends.client->inflate(hello_again, no_limit), "Hello");
  // Without the block after it that RFC 7692 section 7.2.3.4 has.
  require_message(ends.client->inflate(hello_final.substr(0, 7), no_limit), "Hello");
  require_message(ends.client->inflate(hello_again, no_limit), "Hello");
  // In the middle of a message, and at the end of one.
  require_message(ends.client->inflate(hello_final.substr(0, 7) + hello_final.substr(0, 7) + hello_again, no_limit), "HelloHelloHello");
  require_message(ends.client->inflate(bytes({0x01}), no_limit), "");
  require_message(ends.client->inflate(hello_again, no_limit), "Hello");
}

TEST_CASE("a compressed message without a byte is an empty one", "[deflate]") {
  const Ends ends({});
  require_message(ends.client->inflate({}, no_limit), "");
  require_message(ends.client->inflate(hello, no_limit), "Hello");
}

TEST_CASE("what one end compresses the other inflates, with whatever windows and takeover", "[deflate]") {
  for (const bool takeover : {true, false}) {
    for (const int window_bits : {8, 9, 12, 15}) {
      for (const DeflateOptions& options :
           {DeflateOptions{}, DeflateOptions{.level = 1, .memory_level = 1}, DeflateOptions{.level = 9, .memory_level = 9}}) {
        CAPTURE(takeover, window_bits, options.level);
        const Ends ends({.client_context_takeover = takeover,
                         .server_context_takeover = takeover,
                         .client_window_bits = window_bits,
                         .server_window_bits = window_bits},
                        options);
        for (const std::string& message : many_messages(static_cast<std::uint32_t>(window_bits))) {
          require_message(ends.server->inflate(ends.client->compress(message), message.size()), message);
          require_message(ends.client->inflate(ends.server->compress(message), message.size()), message);
        }
      }
    }
  }
}

TEST_CASE("a window of 2^8 bytes is never looked beyond", "[deflate]") {
  const Ends ends({.client_window_bits = 8});
  z_stream strict{};
  REQUIRE(inflateInit2(&strict, -8) == Z_OK);
  for (const std::string& message : many_messages(3)) {
    if (message.empty()) continue;
    std::string compressed = std::string(ends.client->compress(message)) + std::string("\0\0\xff\xff", 4);
    std::string inflated;
    strict.next_in = reinterpret_cast<Bytef*>(compressed.data());
    strict.avail_in = static_cast<uInt>(compressed.size());
    // A byte at a time, or zlib would look back into what it has just written instead of its window.
    for (int result = Z_OK; result == Z_OK;) {
      Bytef byte = 0;
      strict.next_out = &byte;
      strict.avail_out = 1;
      result = inflate(&strict, Z_SYNC_FLUSH);
      REQUIRE((result == Z_OK || result == Z_BUF_ERROR));
      if (strict.avail_out == 0) inflated += static_cast<char>(byte);
      if (strict.avail_in == 0 && strict.avail_out == 1) break;
    }
    REQUIRE(inflated == message);
  }
  inflateEnd(&strict);
}

TEST_CASE("connections without takeover do not disturb each other", "[deflate]") {
  const auto codecs = wsbench::deflate()->codecs();
  const DeflateAgreement forgets{.client_context_takeover = false, .server_context_takeover = false};
  const auto keeps = codecs->codec({}, Role::client);
  const auto one = codecs->codec(forgets, Role::client);
  const auto other = codecs->codec(forgets, Role::client);
  CHECK(keeps->compress("Hello") == hello);
  CHECK(one->compress("Hello") == hello);
  CHECK(other->compress("Hello") == hello);
  CHECK(keeps->compress("Hello") == hello_again);
  CHECK_FALSE(one->inflate("\xff", no_limit).problem.empty());
  require_message(other->inflate(hello, no_limit), "Hello");
  CHECK(other->inflate(hello_again, no_limit).problem == "invalid distance too far back");
}

TEST_CASE("a message may have as many bytes as the limit and no more", "[deflate]") {
  const Ends ends({});
  for (const std::size_t size : {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{4097}, std::size_t{1'000'000}}) {
    CAPTURE(size);
    const std::string message(size, 'x');
    require_message(ends.server->inflate(ends.client->compress(message), size), message);
  }
  const std::string compressed{ends.client->compress(std::string(4097, 'x'))};
  CHECK(ends.server->inflate(compressed, 4096).too_big);
  const Ends others({});
  CHECK(others.server->inflate(hello, 4).too_big);
  CHECK(Ends({}).server->inflate(hello, 0).too_big);
}

TEST_CASE("no more than the limit is ever written, whatever it inflates to", "[deflate]") {
  // 64 MiB of the same byte; the buffer grows to the limit and not beyond.
  const Ends ends({});
  const std::string bomb{ends.client->compress(std::string(std::size_t{64} << 20U, 'x'))};
  REQUIRE(bomb.size() < 70'000);
  wsbench::detail::Inflater inflater(15);
  wsbench::detail::DeflateBuffer buffer;
  CHECK(inflater.inflate(bomb, 100'000, buffer).too_big);
  CHECK(buffer.size() == 100'001);
}

TEST_CASE("what is no deflate data is told in words", "[deflate]") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {bytes({0x06}), "invalid block type"},
      {bytes({0x00, 0x05, 0x00, 0x05, 0x00, 0x48}), "invalid stored block lengths"},
      {hello.substr(0, 1), "it is cut short"},
      {hello.substr(0, 6), "it is cut short"},
      {hello_stored.substr(0, 3), "invalid stored block lengths"},
      {hello_again, "invalid distance too far back"},
      {"Hello", "invalid stored block lengths"},
  };
  for (const auto& [data, problem] : rows) {
    CAPTURE(data.size(), problem);
    CHECK(Ends({}).client->inflate(data, no_limit).problem == problem);
  }
}

TEST_CASE("the memory of a connection is what zlib asks for", "[deflate]") {
  struct Counted {
    static voidpf allocate(voidpf sum, uInt items, uInt size) {
      *static_cast<std::uint64_t*>(sum) += std::uint64_t{items} * size;
      return std::calloc(items, size);
    }
    static void free(voidpf, voidpf address) { std::free(address); }
  };
  const std::vector<DeflateOptions> all{{},
                                        {.client_window_bits = 9, .server_window_bits = 10, .memory_level = 1},
                                        {.client_window_bits = 12, .memory_level = 9},
                                        {.client_window_bits = 8}};
  for (const DeflateOptions& options : all) {
    CAPTURE(options.client_window_bits, options.memory_level);
    std::uint64_t sum = 0;
    z_stream deflating{}, inflating{};
    deflating.zalloc = inflating.zalloc = Counted::allocate;
    deflating.zfree = inflating.zfree = Counted::free;
    deflating.opaque = inflating.opaque = &sum;
    const int window_bits = std::max(options.client_window_bits, 9);
    REQUIRE(deflateInit2(&deflating, options.level, Z_DEFLATED, -window_bits, options.memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
    REQUIRE(inflateInit2(&inflating, -options.server_window_bits) == Z_OK);
    std::string compressed = hello + std::string("\0\0\xff\xff", 4);
    Bytef out[100];
    inflating.next_in = reinterpret_cast<Bytef*>(compressed.data());
    inflating.avail_in = static_cast<uInt>(compressed.size());
    inflating.next_out = out;
    inflating.avail_out = sizeof out;
    REQUIRE(inflate(&inflating, Z_SYNC_FLUSH) == Z_OK);  // it asks for its window only now
    deflateEnd(&deflating);
    inflateEnd(&inflating);
    const std::uint64_t said = deflate_memory(options);
    CHECK(said >= sum - sum / 50);
    CHECK(said <= sum + sum / 10);
  }
  CHECK(deflate_memory({.client_context_takeover = false, .server_context_takeover = false}) == 0);
  CHECK(deflate_memory({.server_context_takeover = false}) + deflate_memory({.client_context_takeover = false}) == deflate_memory({}));
}

TEST_CASE("what zlib cannot do is refused by its member", "[deflate]") {
  const auto member = [](const DeflateOptions& options) {
    try {
      wsbench::deflate(options);
    } catch (const Error& error) {
      return error.member();
    }
    return std::string("none");
  };
  CHECK(member({.client_window_bits = 8, .server_window_bits = 15, .level = 9, .memory_level = 1}) == "none");
  CHECK(member({.client_window_bits = 7}) == "client_window_bits");
  CHECK(member({.server_window_bits = 16}) == "server_window_bits");
  CHECK(member({.level = 0}) == "level");
  CHECK(member({.level = 10}) == "level");
  CHECK(member({.memory_level = 0}) == "memory_level");
}

namespace {

// What one end is told of frames, one line each, and what was inflated for it.
class Listener {
 public:
  explicit Listener(Role role = Role::client, std::size_t limit = 1000)
      : pool_(limit), engine_(role, pool_, random_, codecs_->codec({}, role)) {}

  bool feed(std::string_view data) {
    if (fault) return false;
    std::vector<std::uint8_t> buffer(data.begin(), data.end());  // its own: an address sanitizer sees what reads past it
    fault = engine_.feed(std::span<std::uint8_t>(buffer), *this);
    return !fault;
  }

  bool on_data(std::string_view payload, bool binary) {
    told.push_back((binary ? "binary " : "text ") + std::string(payload));
    return true;
  }
  void on_inflated(std::size_t compressed, std::size_t size) { inflated.emplace_back(compressed, size); }
  bool on_ping(std::string_view payload) {
    told.push_back("ping " + std::string(payload));
    return true;
  }
  bool on_pong(std::string_view payload) {
    told.push_back("pong " + std::string(payload));
    return true;
  }
  bool on_close(const CloseReason&) { return false; }

  std::vector<std::string> told{};
  std::vector<std::pair<std::size_t, std::size_t>> inflated{};
  std::optional<ProtocolFault> fault{};

 private:
  wsbench::detail::MessagePool pool_;
  wsbench::Random random_{1};
  std::unique_ptr<CodecFactory> codecs_{wsbench::deflate()->codecs()};
  wsbench::detail::ProtocolEngine engine_;
};

using Told = std::vector<std::string>;

void require_fault(const std::string& data, Failure failure, std::uint16_t close_code, std::size_t limit = 1000) {
  for (const std::size_t piece : {data.size(), std::size_t{1}}) {
    Listener listener(Role::client, limit);
    for (std::size_t at = 0; at < data.size() && listener.feed(std::string_view(data).substr(at, piece)); at += piece) {
    }
    CAPTURE(piece);
    REQUIRE(listener.fault.has_value());
    CHECK(listener.fault->failure == failure);
    CHECK(listener.fault->close_code == close_code);
    CHECK(listener.told.empty());
  }
}

}  // namespace

TEST_CASE("compressed messages may come between others, in fragments, and cut anywhere", "[deflate][protocol]") {
  const std::string conversation =
      frame(hello, {.reserved_bits = rsv1}) + frame("plain") +
      frame(hello_again, {.opcode = support::binary_opcode, .reserved_bits = rsv1}) +
      frame(hello_again.substr(0, 2), {.fin = false, .reserved_bits = rsv1}) + frame("p", {.opcode = support::ping_opcode}) +
      frame(hello_again.substr(2, 1), {.opcode = support::continuation_opcode, .fin = false}) +
      frame("q", {.opcode = support::pong_opcode}) + frame(hello_again.substr(3), {.opcode = support::continuation_opcode}) +
      frame("pl", {.fin = false}) + frame("ain", {.opcode = support::continuation_opcode}) + frame("", {.reserved_bits = rsv1}) +
      frame("", {.fin = false, .reserved_bits = rsv1}) + frame(hello_again, {.opcode = support::continuation_opcode}) +
      frame("r", {.opcode = support::ping_opcode}) + frame(std::string(1, '\0'), {.reserved_bits = rsv1});
  const Told expected{"text Hello", "text plain", "binary Hello", "ping p", "pong q", "text Hello",
                      "text plain", "text ",      "text Hello",   "ping r", "text "};
  for (std::size_t cut = 0; cut <= conversation.size(); ++cut) {
    Listener listener;
    listener.feed(std::string_view(conversation).substr(0, cut));
    listener.feed(std::string_view(conversation).substr(cut));
    CAPTURE(cut);
    REQUIRE_FALSE(listener.fault.has_value());
    REQUIRE(listener.told == expected);
    REQUIRE(listener.inflated == std::vector<std::pair<std::size_t, std::size_t>>{{7, 5}, {5, 5}, {5, 5}, {0, 0}, {5, 5}, {1, 0}});
  }
  Listener listener;
  for (const char& byte : conversation) listener.feed({&byte, 1});
  CHECK(listener.told == expected);
}

TEST_CASE("a server inflates masked frames", "[deflate][protocol]") {
  Listener server(Role::server);
  std::string sent;
  wsbench::Random random{3};
  const auto codecs = wsbench::deflate()->codecs();
  const auto client = codecs->codec({}, Role::client);
  for (const std::size_t fragment_size : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    append_message(sent, Role::client, Opcode::text, client->compress("Hello"), fragment_size, true, random);
  }
  server.feed(sent);
  CHECK_FALSE(server.fault.has_value());
  CHECK(server.told == Told{"text Hello", "text Hello", "text Hello"});
}

TEST_CASE("RFC 7692 section 6: RSV1 stands on the first frame of a message alone", "[deflate][protocol]") {
  for (const std::uint8_t opcode : {support::ping_opcode, support::pong_opcode, support::close_opcode}) {
    require_fault(frame("", {.opcode = opcode, .reserved_bits = rsv1}), Failure::protocol, 1002);
  }
  require_fault(frame("a", {.fin = false}) + frame("b", {.opcode = support::continuation_opcode, .reserved_bits = rsv1}), Failure::protocol,
                1002);
  require_fault(frame(hello.substr(0, 2), {.fin = false, .reserved_bits = rsv1}) +
                    frame(hello.substr(2), {.opcode = support::continuation_opcode, .reserved_bits = rsv1}),
                Failure::protocol, 1002);
  require_fault(frame(hello, {.reserved_bits = 6}), Failure::protocol, 1002);
  require_fault(frame(hello, {.reserved_bits = 5}), Failure::protocol, 1002);
}

TEST_CASE("a compressed message that cannot be inflated, is too big, or no UTF-8", "[deflate][protocol]") {
  require_fault(frame("\x06", {.reserved_bits = rsv1}), Failure::protocol, 1007);
  require_fault(frame(hello.substr(0, 4), {.reserved_bits = rsv1}), Failure::protocol, 1007);
  require_fault(frame(hello, {.reserved_bits = rsv1}), Failure::too_big, 1009, 4);
  require_fault(
      frame(hello.substr(0, 3), {.fin = false, .reserved_bits = rsv1}) + frame(hello.substr(3), {.opcode = support::continuation_opcode}),
      Failure::too_big, 1009, 4);
  const Ends ends({});
  require_fault(frame(ends.server->compress("cut \xe2\x82"), {.reserved_bits = rsv1}), Failure::protocol, 1007);
}

TEST_CASE("a message that does not shrink is as big as it is, and not as it came", "[deflate][protocol]") {
  std::mt19937 random{7};
  std::string noise;
  while (noise.size() < 1000) noise += static_cast<char>(random() % 256);
  for (const DeflateOptions& options : {DeflateOptions{}, DeflateOptions{.level = 1, .memory_level = 1}}) {
    const Ends ends({}, options);
    const std::string compressed{ends.server->compress(noise)};
    REQUIRE(compressed.size() > noise.size());
    Listener listener;
    CHECK(listener.feed(frame(compressed, {.opcode = support::binary_opcode, .reserved_bits = rsv1})));
    CHECK(listener.told.size() == 1);
  }
  // What was not compressed has the same limit as ever, a message or its fragments.
  require_fault(frame(std::string(1001, 'x')), Failure::too_big, 1009);
  require_fault(frame(std::string(600, 'x'), {.fin = false}) + frame(std::string(401, 'x'), {.opcode = support::continuation_opcode}),
                Failure::too_big, 1009);
  require_fault(support::frame_header({.reserved_bits = rsv1}, 10'000), Failure::too_big, 1009);  // without waiting for its bytes
}
