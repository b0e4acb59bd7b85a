// Every way to break RFC 6455, and every way to cut what keeps it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/net/protocol.hpp>

#include "catch.hpp"
#include "support/frames.hpp"

using support::close_frame;
using support::frame;
using support::frame_header;
using wsbench::Failure;
using wsbench::Random;
using wsbench::detail::CloseReason;
using wsbench::detail::MessagePool;
using wsbench::detail::Opcode;
using wsbench::detail::ProtocolEngine;
using wsbench::detail::ProtocolFault;
using wsbench::detail::Role;

namespace {

using support::binary_opcode;
using support::close_opcode;
using support::continuation_opcode;
using support::ping_opcode;
using support::text_opcode;

// What a client is told, one line each.
class Listener {
 public:
  explicit Listener(std::size_t limit = 1000, Role role = Role::client) : pool_(limit), engine_(role, pool_, random_) {}

  // Returns whether the connection goes on.
  bool feed(std::string_view bytes) {
    if (fault || closed || stopped) return false;
    std::vector<std::uint8_t> buffer(bytes.begin(), bytes.end());  // its own: an address sanitizer sees what reads past it
    fault = engine_.feed(std::span<std::uint8_t>(buffer), *this);
    return !fault && !closed && !stopped;
  }

  bool on_data(std::string_view payload, bool binary) {
    told.push_back((binary ? "binary " : "text ") + std::string(payload));
    if (told.size() == stop_after) stopped = true;
    return !stopped;
  }
  void on_inflated(std::size_t, std::size_t) { FAIL_CHECK("nothing is compressed here"); }
  bool on_ping(std::string_view payload) {
    told.push_back("ping " + std::string(payload));
    return true;
  }
  bool on_pong(std::string_view payload) {
    told.push_back("pong " + std::string(payload));
    return true;
  }
  bool on_close(const CloseReason& reason) {
    told.push_back("close " + std::to_string(reason.code) + ' ' + std::string(reason.reason));
    closed = true;
    return false;
  }

  std::vector<std::string> told{};
  std::optional<ProtocolFault> fault{};
  std::size_t stop_after{0};
  bool closed{false};
  bool stopped{false};

 private:
  MessagePool pool_;
  Random random_{1};
  ProtocolEngine engine_;
};

using Told = std::vector<std::string>;

void require_fault(const std::string& bytes, Failure failure = Failure::protocol, std::size_t limit = 1000) {
  INFO("bytes: " << Catch::rangeToString(
           std::vector<int>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(bytes.size(), 20)))));
  for (const std::size_t piece : {bytes.size(), std::size_t{1}}) {
    Listener listener(limit);
    for (std::size_t at = 0; at < bytes.size() && listener.feed(std::string_view(bytes).substr(at, piece)); at += piece) {
    }
    INFO("in pieces of " << piece);
    REQUIRE(listener.fault.has_value());
    CHECK(listener.fault->failure == failure);
    CHECK_FALSE(listener.fault->detail.empty());
    CHECK(listener.told.empty());
  }
}

}  // namespace

TEST_CASE("whole messages are told with their kind", "[protocol]") {
  Listener listener;
  CHECK(listener.feed(frame("hello") + frame("\x01\xff", {.opcode = binary_opcode}) + frame("", {.opcode = text_opcode}) +
                      frame("p", {.opcode = ping_opcode}) + frame("q", {.opcode = support::pong_opcode}) + frame("bye")));
  CHECK(listener.told == Told{"text hello", "binary \x01\xff", "text ", "ping p", "pong q", "text bye"});
  CHECK_FALSE(listener.fault.has_value());
}

TEST_CASE("a conversation may be cut into pieces anywhere", "[protocol]") {
  const std::string bytes = frame("hello") + frame("", {.opcode = binary_opcode}) + frame("Gr\xc3\xbc\xc3", {.fin = false}) +
                            frame("ping", {.opcode = ping_opcode}) + frame("\x9f", {.opcode = continuation_opcode, .fin = false}) +
                            frame("", {.opcode = ping_opcode}) + frame("", {.opcode = continuation_opcode, .fin = false}) +
                            frame("e", {.opcode = continuation_opcode}) + frame(std::string(126, 'x')) + close_frame(1001, "away");
  const Told expected{"text hello",
                      "binary ",
                      "ping ping",
                      "ping ",
                      "text Gr\xc3\xbc\xc3\x9f"
                      "e",
                      "text " + std::string(126, 'x'),
                      "close 1001 away"};
  SECTION("in two") {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Listener listener;
      listener.feed(std::string_view(bytes).substr(0, cut));
      listener.feed(std::string_view(bytes).substr(cut));
      INFO("cut at " << cut);
      REQUIRE_FALSE(listener.fault.has_value());
      REQUIRE(listener.told == expected);
    }
  }
  SECTION("in bytes") {
    Listener listener;
    for (const char& byte : bytes) listener.feed({&byte, 1});
    CHECK(listener.told == expected);
  }
  SECTION("at random, in three") {
    std::mt19937 random{20261124};
    for (int round = 0; round < 2000; ++round) {
      std::size_t first = random() % (bytes.size() + 1);
      std::size_t second = random() % (bytes.size() + 1);
      if (second < first) std::swap(first, second);
      Listener listener;
      listener.feed(std::string_view(bytes).substr(0, first));
      listener.feed(std::string_view(bytes).substr(first, second - first));
      listener.feed(std::string_view(bytes).substr(second));
      REQUIRE(listener.told == expected);
    }
  }
}

TEST_CASE("lengths at the borders of their forms", "[protocol]") {
  for (const std::size_t length : std::initializer_list<std::size_t>{0, 1, 125, 126, 127, 65'535, 65'536, 65'537}) {
    const std::string payload(length, 'x');
    Listener listener(70'000);
    CHECK(listener.feed(frame(payload)));
    REQUIRE(listener.told.size() == 1);
    CHECK(listener.told[0].size() == length + 5);
  }
}

TEST_CASE("what comes after a stop is not told", "[protocol]") {
  Listener listener;
  listener.stop_after = 2;
  CHECK_FALSE(listener.feed(frame("1") + frame("2") + frame("3") + frame("4", {.reserved_bits = 7})));
  CHECK(listener.told == Told{"text 1", "text 2"});
  CHECK_FALSE(listener.fault.has_value());
}

TEST_CASE("nothing is told after a close", "[protocol]") {
  Listener listener;
  listener.feed(close_frame(1000) + frame("late"));
  CHECK(listener.told == Told{"close 1000 "});
}

TEST_CASE("RFC 6455 section 5.2: reserved bits, opcodes, masks and lengths", "[protocol]") {
  for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{1, 2, 4, 7}) {
    for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{text_opcode, binary_opcode, ping_opcode})
      require_fault(frame("x", {.opcode = opcode, .reserved_bits = bits}));
  }
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    require_fault(frame("x", {.opcode = opcode}));
  require_fault(frame("x", {.masked = true}));
  require_fault(frame("", {.masked = true}));
  require_fault(frame("short", {.longest_length = true}));                     // not the least number of bytes
  require_fault(std::string("\x81\x7e\x00\x7d", 4) + std::string(125, 'x'));   // 125 in 16 bits
  require_fault(std::string("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10));  // 65535 in 64 bits
}

TEST_CASE("RFC 6455 section 5.2: the most significant bit of a length is 0", "[protocol]") {
  for (const std::string_view length :
       {std::string_view("\x80\x00\x00\x00\x00\x00\x00\x00", 8), std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff", 8)}) {
    Listener listener;
    const std::string bytes = "\x82\x7f" + std::string(length) + "payload";
    CHECK_FALSE(listener.feed(bytes));
    CHECK(listener.fault.has_value());
    CHECK(listener.told.empty());
  }
}

TEST_CASE("a length that wraps the sum of the fragments around 64 bits passes no limit", "[protocol]") {
  const std::string bytes = frame("x", {.fin = false}) + frame_header({.opcode = continuation_opcode}, 0xFFFF'FFFF'FFFF'FFFFU);
  require_fault(bytes, Failure::too_big);
  require_fault(bytes + std::string(10'000, 'x'), Failure::too_big);
}

TEST_CASE("RFC 6455 section 5.4: fragments follow their first, and no other begins between", "[protocol]") {
  require_fault(frame("x", {.opcode = continuation_opcode}));
  require_fault(frame("x", {.opcode = continuation_opcode, .fin = false}));
  require_fault(frame("x", {.fin = false}) + frame("y"));
  require_fault(frame("x", {.fin = false}) + frame("y", {.opcode = binary_opcode, .fin = false}));
  Listener listener;
  CHECK(listener.feed(frame("a", {.fin = false}) + frame("b", {.opcode = continuation_opcode})));
  CHECK_FALSE(listener.feed(frame("c", {.opcode = continuation_opcode})));
  CHECK(listener.told == Told{"text ab"});
}

TEST_CASE("RFC 6455 section 5.5: control frames are short and whole", "[protocol]") {
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{close_opcode, ping_opcode, support::pong_opcode}) {
    require_fault(frame("", {.opcode = opcode, .fin = false}));
    require_fault(frame(std::string(126, 'x'), {.opcode = opcode}));
    require_fault(frame_header({.opcode = opcode, .longest_length = true}, 70'000));
  }
  Listener listener;
  CHECK(listener.feed(frame(std::string(125, 'x'), {.opcode = ping_opcode})));
  CHECK(listener.told.at(0).size() == 130);
}

TEST_CASE("RFC 6455 section 7.4: close statuses", "[protocol]") {
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999}) {
    Listener listener;
    listener.feed(close_frame(code, "why"));
    CHECK(listener.told == Told{"close " + std::to_string(code) + " why"});
  }
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{0, 1, 999, 1004, 1005, 1006, 1015, 5000, 65'535}) {
    INFO(code);
    require_fault(close_frame(code));
  }
  require_fault(frame("\x03", {.opcode = close_opcode}));  // half a status
  require_fault(close_frame(1000, "\xff"));
  require_fault(close_frame(1000, "cut \xc3"));
  Listener listener;
  listener.feed(frame("", {.opcode = close_opcode}));
  CHECK(listener.told == Told{"close 1005 "});
}

TEST_CASE("RFC 6455 section 8.1: text is UTF-8, over all its fragments", "[protocol]") {
  require_fault(frame("\xff"));
  require_fault(frame("cut \xe2\x82"));
  require_fault(frame("\xed\xa0\x80"));
  require_fault(frame("\xc0\xaf"));
  require_fault(frame("\xf4\x90\x80\x80"));
  require_fault(frame("cut \xe2\x82", {.fin = false}) + frame("", {.opcode = continuation_opcode}));
  require_fault(frame("\xe2", {.fin = false}) + frame("x", {.opcode = continuation_opcode}));
  Listener listener;
  CHECK(listener.feed(frame("\xe2", {.fin = false}) + frame("\x82", {.opcode = continuation_opcode, .fin = false}) +
                      frame("\xac", {.opcode = continuation_opcode}) + frame("\xff\xfe", {.opcode = binary_opcode})));
  CHECK(listener.told == Told{"text \xe2\x82\xac", "binary \xff\xfe"});
}

TEST_CASE("a message over the limit is too big, announced or in fragments", "[protocol]") {
  require_fault(frame(std::string(1001, 'x')), Failure::too_big);
  require_fault(frame_header({}, 1001), Failure::too_big);  // without waiting for its bytes
  require_fault(frame_header({.opcode = binary_opcode}, std::uint64_t{1} << 40U), Failure::too_big);
  require_fault(frame(std::string(600, 'x'), {.fin = false}) + frame(std::string(401, 'x'), {.opcode = continuation_opcode}),
                Failure::too_big);
  require_fault(frame("x", {.fin = false}) + frame_header({.opcode = continuation_opcode}, 0x7fffffffffffffffU), Failure::too_big);
  std::string drops = frame("", {.fin = false});
  for (int n = 0; n < 1001; ++n) drops += frame("x", {.opcode = continuation_opcode, .fin = false});
  require_fault(drops, Failure::too_big);
  Listener listener;
  CHECK(listener.feed(frame(std::string(1000, 'x')) + frame(std::string(999, 'x'), {.fin = false}) +
                      frame("x", {.opcode = continuation_opcode})));
  CHECK(listener.told.size() == 2);
}

TEST_CASE("a limit below a control frame's length is a limit of messages", "[protocol]") {
  Listener listener(4);
  CHECK(listener.feed(frame("1234")));
  CHECK_FALSE(listener.feed(frame("12345")));
  CHECK(listener.fault->failure == Failure::too_big);
}

TEST_CASE("a server takes masked frames and no others", "[protocol]") {
  Listener masked(1000, Role::server);
  CHECK(masked.feed(frame("hello", {.masked = true})));
  CHECK(masked.told == Told{"text hello"});
  Listener bare(1000, Role::server);
  CHECK_FALSE(bare.feed(frame("hello")));
  CHECK(bare.fault->failure == Failure::protocol);
}

TEST_CASE("what a client writes a server reads, cut anywhere", "[protocol]") {
  Random random{7};
  std::string bytes;
  wsbench::detail::append_frame(bytes, Role::client, Opcode::text, "hello, world", random);
  wsbench::detail::append_frame(bytes, Role::client, Opcode::binary, std::string(300, '\x7f'), random);
  wsbench::detail::append_frame(bytes, Role::client, Opcode::ping, "p", random);
  wsbench::detail::append_frame(bytes, Role::client, Opcode::close, wsbench::detail::close_payload(1001), random);
  const Told expected{"text hello, world", "binary " + std::string(300, '\x7f'), "ping p", "close 1001 "};
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Listener listener(1000, Role::server);
    listener.feed(std::string_view(bytes).substr(0, cut));
    listener.feed(std::string_view(bytes).substr(cut));
    INFO("cut at " << cut);
    REQUIRE(listener.told == expected);
  }
}

TEST_CASE("many messages do not make the pool grow", "[protocol]") {
  MessagePool pool(1000);
  Random random{1};
  ProtocolEngine engine(Role::client, pool, random);
  struct {
    void on_inflated(std::size_t, std::size_t) {}
    bool on_data(std::string_view, bool) {
      ++count;
      return true;
    }
    bool on_ping(std::string_view) { return true; }
    bool on_pong(std::string_view) { return true; }
    bool on_close(const CloseReason&) { return false; }
    int count{0};
  } sink;
  for (int n = 0; n < 10'000; ++n) {
    std::string bytes = frame("x", {.fin = false}) + frame("p", {.opcode = ping_opcode}) + frame("y", {.opcode = continuation_opcode});
    REQUIRE_FALSE(engine.feed({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}, sink).has_value());
  }
  CHECK(sink.count == 10'000);
}

TEST_CASE("random bytes end in a fault or in messages, never in a crash", "[protocol]") {
  std::mt19937 random{20261124};
  std::size_t faults = 0;
  for (int round = 0; round < 20'000; ++round) {
    Listener listener(200, round % 2 == 0 ? Role::client : Role::server);
    std::string bytes;
    const std::size_t size = random() % 300;
    for (std::size_t n = 0; n < size; ++n) bytes += static_cast<char>(random() & 0xFFU);
    // Most begin as frames do, or the first byte would end nearly all.
    if (round % 4 != 0)
      bytes.insert(0, frame_header({.opcode = static_cast<std::uint8_t>(random() % 3), .fin = random() % 2 == 0, .masked = round % 2 != 0},
                                   random() % 64));
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = 1 + random() % 40;
      if (!listener.feed(std::string_view(bytes).substr(at, piece))) break;
      at += piece;
    }
    faults += listener.fault.has_value() ? 1 : 0;
    if (listener.fault) REQUIRE((listener.fault->failure == Failure::protocol || listener.fault->failure == Failure::too_big));
  }
  CHECK(faults > 10'000);
}

TEST_CASE("valid frames with one byte changed never crash", "[protocol]") {
  const std::string bytes = frame("hello") + frame("Gr\xc3\xbc", {.fin = false}) + frame("e", {.opcode = continuation_opcode}) +
                            frame(std::string(130, 'x'), {.opcode = binary_opcode}) + close_frame(1000, "bye");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      Listener listener(200);
      listener.feed(changed);
    }
  }
  SUCCEED();
}

TEST_CASE("a message reads the same whole and cut anywhere, between, before and behind others", "[protocol]") {
  // What comes whole in one frame takes a shorter way than what does not: both must tell the same.
  const std::vector<std::string> pieces{frame("hello"), frame(std::string(200, 'a')),
                                        frame(std::string(70'000, 'b'), {.opcode = binary_opcode}), frame("", {.opcode = text_opcode}),
                                        frame("p", {.opcode = ping_opcode}), frame("first ", {.fin = false}),
                                        frame("pong", {.opcode = support::pong_opcode}), frame("last", {.opcode = 0}),
                                        // What looks like frames wherever it is cut.
                                        frame("\x82\x02xy\x81\x01z\x82\x02xy", {.opcode = binary_opcode})};
  const std::vector<std::vector<std::size_t>> orders{{8, 8, 0, 8},       {5, 4, 7, 8},          {0, 1, 2, 3, 4}, {5, 6, 7, 0},
                                                     {4, 5, 4, 7, 0, 1}, {5, 7, 5, 6, 4, 7, 0}, {6, 0, 5, 7, 3}};
  for (const std::vector<std::size_t>& order : orders) {
    std::string bytes;
    for (const std::size_t piece : order) bytes += pieces[piece];
    Listener whole(100'000);
    CHECK(whole.feed(bytes));
    for (std::size_t cut = 1; cut<bytes.size(); cut += bytes.size()> 1000 && cut > 600 && cut < bytes.size() - 600 ? 997 : 1) {
      Listener parts(100'000);
      CHECK(parts.feed(bytes.substr(0, cut)));
      CHECK(parts.feed(bytes.substr(cut)));
      REQUIRE(parts.told == whole.told);
    }
  }
}

TEST_CASE("a message that begins within another is a fault, in one read or two", "[protocol]") {
  for (const bool ping_between : {false, true}) {
    const std::string first = frame("first", {.fin = false}) + (ping_between ? frame("p", {.opcode = ping_opcode}) : std::string());
    Listener one;
    one.feed(first + frame("whole"));
    CHECK(one.fault.has_value());
    Listener two;
    CHECK(two.feed(first));
    two.feed(frame("whole"));
    CHECK(two.fault.has_value());
  }
}
