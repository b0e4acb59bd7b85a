#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/scenarios.hpp>

#include "catch.hpp"
#include "support/idle_session.hpp"
#include "support/scratch_file.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Behaviour;
using wsbench::Scenario;
using wsbench::detail::SequencedMessage;
namespace scenarios = wsbench::scenarios;

namespace {

constexpr std::uint64_t uint64_max = std::numeric_limits<std::uint64_t>::max();

struct Sent {
  std::string label{};
  std::string payload{};
  bool binary{};
  nanoseconds timeout{};
};

// A user whose server echoes at once, for a number of turns.
class EchoedUser : public support::IdleSession {
 public:
  EchoedUser(std::uint64_t id, int turns) : IdleSession(id), turns_(turns) {}

  bool stopping() const noexcept override { return turns_ == 0; }

  std::vector<Sent> sent{};

 private:
  void send_one_way(std::string_view, bool) override { FAIL("an echo is no message one way"); }
  void send_request(wsbench::PendingReply* waiter, std::string_view label, std::string_view payload, bool binary,
                    nanoseconds timeout) override {
    sent.push_back({std::string(label), std::string(payload), binary, timeout});
    CHECK(waiter == nullptr);  // the pace sees to it that the next turn comes after the answer
  }
  void await_message(wsbench::PendingReply&, nanoseconds) override { FAIL("an echo receives nothing unasked"); }
  void await_turn(wsbench::PendingTurn& waiter) override {
    waiter.granted = turns_ > 0;
    turns_ -= waiter.granted ? 1 : 0;
    waiter.complete();
  }
  void await_time(wsbench::PendingPause&, nanoseconds) override { FAIL("an echo does not pause"); }
  void count_check(std::string_view, bool) override { FAIL("an echo checks nothing"); }

  int turns_;
};

// What one user sends by this behaviour in so many turns.
std::vector<Sent> sent_by(const Behaviour& behaviour, int turns, std::uint64_t id = 0) {
  EchoedUser user{id, turns};
  wsbench::detail::Execution execution;
  behaviour(user).start_in(execution);
  execution.resume();
  CHECK(execution.done());
  CHECK(execution.exception() == nullptr);
  return user.sent;
}

std::vector<std::string> texts(const std::vector<wsbench::Expectation>& expectations) {
  std::vector<std::string> lines;
  for (const wsbench::Expectation& expectation : expectations) lines.push_back(to_string(expectation));
  return lines;
}

}  // namespace

TEST_CASE("the four standard scenarios are those of the table", "[scenarios]") {
  struct Row {
    Scenario scenario{};
    std::string name{};
    std::int64_t clients{};
    std::uint64_t messages{};
    nanoseconds delay{};
    std::vector<std::string> expect{};
  };
  const std::vector<Row> rows{
      {scenarios::light(), "light", 10, 10, 100ms, {"latency.mean < 50ms", "success_rate > 99.5%", "connection_success_rate == 100%"}},
      {scenarios::medium(), "medium", 50, 20, 50ms, {"latency.mean < 100ms", "success_rate > 99%", "connection_success_rate == 100%"}},
      {scenarios::heavy(), "heavy", 100, 50, 20ms, {"latency.mean < 200ms", "success_rate > 98%"}},
      {scenarios::stress(), "stress", 200, 100, 10ms, {"latency.mean < 500ms", "success_rate > 95%"}},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(row.scenario.name == row.name);
    CHECK(row.scenario.clients.clients() == row.clients);
    CHECK(row.scenario.messages == row.messages);
    CHECK(row.scenario.pace == wsbench::think(row.delay));
    CHECK(texts(row.scenario.expect) == row.expect);
    // And nothing that the table does not say.
    CHECK(row.scenario.ramp_up == 0ns);
    CHECK(row.scenario.duration == 0ns);
    CHECK(row.scenario.timeout == 5s);
    CHECK(row.scenario.behaviour.name() == "echo");
  }
}

TEST_CASE("the standard scenarios send messages of 64 bytes that carry their number", "[scenarios]") {
  for (const Scenario& scenario : {scenarios::light(), scenarios::medium(), scenarios::heavy(), scenarios::stress()}) {
    INFO(scenario.name);
    REQUIRE(static_cast<bool>(scenario.behaviour));
    REQUIRE(static_cast<bool>(scenario.behaviour.correlation()));
    const std::vector<Sent> sent = sent_by(scenario.behaviour, 3);
    REQUIRE(sent.size() == 3);
    for (const Sent& message : sent) {
      CHECK(message.payload.size() == 64);
      CHECK(scenario.behaviour.correlation()(message.payload).has_value());
    }
  }
}

TEST_CASE("an echo sends one request each turn, under its label, with the scenario's timeout", "[scenarios]") {
  for (const int turns : {0, 1, 100}) {
    const std::vector<Sent> sent = sent_by(wsbench::echo(), turns);
    CHECK(sent.size() == static_cast<std::size_t>(turns));
    for (const Sent& message : sent) {
      CHECK(message.label == "echo");
      CHECK(message.timeout == 0ns);
      CHECK_FALSE(message.binary);
    }
  }
}

TEST_CASE("no two messages of an echo have the same number, nor those of two users", "[scenarios]") {
  const Behaviour echo = wsbench::echo();
  std::set<std::uint64_t> numbers;
  for (const std::uint64_t id : std::initializer_list<std::uint64_t>{0, 1, 2, 99'999}) {
    for (const Sent& message : sent_by(echo, 50, id)) {
      const std::optional<std::uint64_t> number = echo.correlation()(message.payload);
      REQUIRE(number.has_value());
      CHECK(numbers.insert(*number).second);
    }
  }
  CHECK(numbers.size() == 200);
}

TEST_CASE("an echo's messages have exactly the size asked for", "[scenarios]") {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 36, 37, 38, 64, 125, 126, 127, 65'535, 65'536, 1'000'000}) {
    for (const bool binary : {false, true}) {
      INFO(size << (binary ? " bytes, binary" : " bytes, text"));
      const Behaviour echo = wsbench::echo({.size = size, .binary = binary});
      CHECK(static_cast<bool>(echo.correlation()) == (size >= 37));
      const std::vector<Sent> sent = sent_by(echo, 2);
      REQUIRE(sent.size() == 2);
      for (const Sent& message : sent) {
        CHECK(message.payload.size() == size);
        CHECK(message.binary == binary);
      }
      CHECK((sent[0].payload == sent[1].payload) == (size < 37));
    }
  }
}

TEST_CASE("a text of one's own is sent as it is, and is not matched by number", "[scenarios]") {
  for (const std::string& text : {std::string("hello"), std::string(R"({"seq":"#0000000000000001"})"), std::string(100, 'a')}) {
    const Behaviour echo = wsbench::echo({.size = 5'000, .text = text});
    CHECK(echo.name() == "echo");
    CHECK_FALSE(static_cast<bool>(echo.correlation()));
    const std::vector<Sent> sent = sent_by(echo, 2);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].payload == text);
    CHECK(sent[1].payload == text);
  }
  CHECK(sent_by(wsbench::echo({.text = "raw", .binary = true}), 1).at(0).binary);
}

TEST_CASE("a message from a file is sent as it is", "[scenarios]") {
  const std::string bytes("\x00line\nline\xff", 11);
  Behaviour echo;
  {
    const support::ScratchFile file(bytes);
    echo = wsbench::echo({.file = file.name(), .binary = true});
  }
  const std::vector<Sent> sent = sent_by(echo, 2);
  REQUIRE(sent.size() == 2);
  CHECK(sent[1].payload == bytes);
  CHECK(sent[1].binary);
  CHECK_THROWS_AS(wsbench::echo({.file = "/nowhere/at/all"}), wsbench::Error);
}

TEST_CASE("a message from a format is made anew for each turn", "[scenarios]") {
  const std::vector<Sent> sent = sent_by(wsbench::echo({.format = R"({{"user":{client},"n":{message:03},"at":{random}}})"}), 3, 7);
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].payload.starts_with(R"({"user":7,"n":000,"at":)"));
  CHECK(sent[2].payload.starts_with(R"({"user":7,"n":002,"at":)"));
  CHECK(sent[0].payload.substr(20) != sent[1].payload.substr(20));
}

TEST_CASE("a format that is none, and two kinds of message at once, are refused", "[scenarios]") {
  for (const std::string& format : {std::string("{"), std::string("{name}"), std::string("{client:x!}"), std::string(R"({"a":1})")}) {
    INFO(format);
    CHECK_THROWS_AS(wsbench::echo({.format = format}), wsbench::Error);
  }
  CHECK_THROWS_AS(wsbench::echo({.text = "a", .format = "b"}), wsbench::Error);
  CHECK_THROWS_AS(wsbench::echo({.text = "a", .file = "/dev/null"}), wsbench::Error);
}

TEST_CASE("a numbered message is JSON with its number in sixteen digits", "[scenarios]") {
  SequencedMessage message{40};
  CHECK(message.numbered(0) == R"({"seq":"#0000000000000000","data":"xxx"})");
  CHECK(message.numbered(0x1f) == R"({"seq":"#000000000000001f","data":"xxx"})");
  CHECK(message.numbered(uint64_max) == R"({"seq":"#ffffffffffffffff","data":"xxx"})");
  CHECK(SequencedMessage::least_size == 37);
  CHECK(SequencedMessage{37}.numbered(1) == R"({"seq":"#0000000000000001","data":""})");
}

TEST_CASE("a message's number comes back, also out of an answer around it", "[scenarios]") {
  std::mt19937_64 random{41};
  SequencedMessage message{64};
  for (int round = 0; round < 10'000; ++round) {
    const std::uint64_t number = round == 0 ? 0 : round == 1 ? uint64_max : random() >> (random() % 64);
    const std::string text{message.numbered(number)};
    CHECK(SequencedMessage::number_in(text) == number);
    CHECK(SequencedMessage::number_in("echo: " + text) == number);
    CHECK(SequencedMessage::number_in(R"({"room":"#lobby","colour":"#00ff00","text":)" + text + "}") == number);
  }
}

TEST_CASE("a message's number comes back from inside a JSON string", "[scenarios]") {
  CHECK(SequencedMessage::number_in(R"({"from":"me","text":"{\"seq\":\"#00000000000000ab\",\"data\":\"x\"}"})") == 0xab);
}

TEST_CASE("what carries no number has none", "[scenarios]") {
  const std::string digits(16, '0');
  const std::vector<std::string> numberless{
      "",
      "#",
      "hello",
      digits,
      "#" + digits.substr(1),
      "##############################",
      R"({"seq":"#)",
      R"({"seq":"#000000000000001)",
      R"({"seq":"#000000000000001","data":""})",
      R"({"seq":"#000000000000001g","data":""})",
      R"({"seq":"#-000000000000001","data":""})",
      R"({"seq":"#+000000000000001","data":""})",
      R"({"seq":"#0x00000000000001","data":""})",
      R"({"seq":"# 000000000000001","data":""})",
      std::string("#000000000000000\0", 17),
      "#\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
      "\xef\xbb\xbf{}",
  };
  for (const std::string& text : numberless) {
    INFO(text);
    CHECK(SequencedMessage::number_in(text) == std::nullopt);
  }
}

TEST_CASE("every part of a message is read within its bounds", "[scenarios]") {
  // Each prefix in a buffer of its own size: an address sanitizer sees a read beyond the end.
  SequencedMessage message{64};
  const std::string text{message.numbered(uint64_max)};
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::vector<char> part(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
    const auto number = SequencedMessage::number_in({part.data(), part.size()});
    CHECK(number.has_value() == (length >= SequencedMessage::prefix.size() + wsbench::detail::hex_digits));
  }
  std::mt19937_64 random{43};
  constexpr std::string_view letters = "##0123456789abcdefABCDEFxyz\"{}";
  for (int round = 0; round < 50'000; ++round) {
    std::vector<char> noise(random() % 40);
    for (char& letter : noise) letter = letters[random() % letters.size()];
    (void)SequencedMessage::number_in({noise.data(), noise.size()});
  }
}
