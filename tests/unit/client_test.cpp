// One virtual user on a virtual clock and a pretended wire.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/run/client.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"
#include "support/pretended_run.hpp"
#include "support/pretended_wire.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::PretendedRun;
using support::PretendedWire;
using support::Written;
using wsbench::Failure;
using wsbench::NoReply;
using wsbench::Reply;
using wsbench::Scenario;
using wsbench::Session;
using wsbench::Task;
using wsbench::Verdict;

namespace {

// What a few calls in the same moment may add.
constexpr nanoseconds hair = 1us;
constexpr nanoseconds endless = nanoseconds::max();

bool about(nanoseconds actual, nanoseconds expected) {
  return actual >= expected && actual <= expected + hair;
}

void silence(PretendedWire&, const Written&) {}

std::uint64_t count(PretendedRun& run, Failure failure) {
  return run.metrics().failures.count(failure);
}

std::string sample(PretendedRun& run, Failure failure) {
  for (const wsbench::FailureCount& entry : run.metrics().failures.by_count()) {
    if (entry.failure == failure) return entry.sample;
  }
  return "no such failure";
}

// The id of messages of one letter; longer ones have none.
std::optional<std::uint64_t> first_letter(std::string_view text) {
  if (text.size() != 1) return std::nullopt;
  return static_cast<std::uint64_t>(text.front());
}

// Asks in every turn and ignores what comes of it.
Task ask_each_turn(Session& user) {
  while (co_await user.turn()) co_await user.request("ask", "question");
}

}  // namespace

// ---- the pace and the two times -----------------------------------------------------------------------------------------------------

TEST_CASE("under think a message is due that long after the last answer arrived", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms)});
  run.run();
  const std::vector<Written>& read = run.wire().read;
  REQUIRE(read.size() == 3);
  CHECK(about(read[0].at, 10ms));
  CHECK(about(read[1].at, 21ms));
  CHECK(about(read[2].at, 32ms));
  CHECK(about(*run.messages().response_time.max(), 1ms));
  CHECK(about(*run.messages().service_time.max(), 1ms));
  CHECK(*run.metrics().schedule_lag.max() <= hair);
  CHECK(run.metrics().schedule_lag.count() == 3);
  CHECK(run.messages().answered == 3);
  CHECK(run.report().verdict() == Verdict::passed);
}

TEST_CASE("flat out a message is due as soon as the last answer is in", "[client]") {
  PretendedRun run({.clients = 1, .messages = 4, .pace = wsbench::flat_out()});
  run.run();
  for (std::size_t n = 0; n < 4; ++n) CHECK(about(run.wire().read.at(n).at, n * 1ms));
  CHECK(run.messages().answered == 4);
}

TEST_CASE("a generator that is late shows in the response time and not in the service time", "[client]") {
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::think(10ms)});
  run.run_until(20ms);  // answered at 11 ms, so the next is due at 21 ms
  run.freeze_until(50ms);
  run.run();
  REQUIRE(run.wire().read.size() == 2);
  CHECK(about(run.wire().read[1].at, 50ms));
  CHECK(about(*run.messages().response_time.max(), 30ms));
  CHECK(about(*run.messages().service_time.max(), 1ms));
  CHECK(about(*run.metrics().schedule_lag.max(), 29ms));
}

TEST_CASE("a generator that is always late makes the report invalid, and passes for nothing else", "[client]") {
  PretendedRun run({.clients = 1, .messages = 200, .pace = wsbench::think(10ms)});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    run.answer_after(1ms, wire, message.payload);
    run.at(run.clock.now() + 2ms, [&run] { run.freeze_until(run.clock.now() + 30ms); });
  };
  run.run();
  CHECK(run.messages().answered == 200);
  CHECK_FALSE(run.report().valid());
  REQUIRE(run.report().invalid_because().size() == 1);
  CHECK(run.report().invalid_because()[0].starts_with("generator-limited"));
  CHECK(run.report().verdict() == Verdict::invalid);
}

TEST_CASE("an answer ends when it arrived, however late it is handled, and the next is due from there", "[client]") {
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::think(10ms)});
  run.run_until(10500us);  // asked at 10 ms, the answer arrives at 11 ms
  run.freeze_until(40ms);
  run.run();
  CHECK(about(*run.messages().response_time.min(), 1ms));
  REQUIRE(run.wire().read.size() == 2);
  CHECK(about(run.wire().read[1].at, 40ms));
  CHECK(about(*run.metrics().schedule_lag.max(), 19ms));
  CHECK(about(*run.messages().response_time.max(), 20ms));
  CHECK(run.metrics().receive_lag.count() == 2);
  CHECK(about(*run.metrics().receive_lag.max(), 29ms));
  CHECK(about(*run.metrics().receive_lag.min(), 0ms));
}

TEST_CASE("a user that awaits its answer is due again from when that arrived, however late it is handled", "[client]") {
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::think(10ms), .behaviour = ask_each_turn});
  run.run_until(10500us);  // asked at 10 ms, the answer arrives at 11 ms
  run.freeze_until(40ms);
  run.run();
  CHECK(about(*run.metrics().schedule_lag.max(), 19ms));
  CHECK(about(*run.messages().response_time.max(), 20ms));
}

TEST_CASE("flat out a message is due when the last answer was read, however long that waited", "[client]") {
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::flat_out()});
  run.run_until(500us);  // asked at 0 ms, the answer arrives at 1 ms
  run.freeze_until(40ms);
  run.run();
  CHECK(about(*run.messages().response_time.max(), 1ms));
  CHECK(about(*run.messages().service_time.max(), 1ms));
  CHECK(about(*run.metrics().receive_lag.max(), 39ms));
}

TEST_CASE("an answer that is said to be older than its question ends when it is read", "[client]") {
  PretendedRun run({.clients = 1, .messages = 1, .pace = wsbench::think(10ms)});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    run.at(run.clock.now() + 3ms, [&run, &wire, payload = message.payload] { wire.deliver({payload}, run.clock.now() - 5ms); });
  };
  run.run();
  CHECK(about(*run.messages().service_time.max(), 3ms));
  CHECK(about(*run.messages().response_time.max(), 3ms));
  CHECK(run.metrics().receive_lag.count() == 0);
}

TEST_CASE("an answer that arrived before its deadline is no timeout, however late it is handled", "[client]") {
  PretendedRun run({.clients = 1, .messages = 1, .pace = wsbench::think(10ms), .timeout = 100ms});
  run.answer_time = 99ms;
  run.run_until(50ms);
  run.freeze_until(500ms);
  run.run();
  CHECK(run.messages().answered == 1);
  CHECK(about(*run.messages().service_time.max(), 99ms));
}

TEST_CASE("only the first message after a turn has the turn's intended time", "[client]") {
  const auto two_in_a_turn = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.request("first", "1");
      co_await user.request("second", "2");
    }
  };
  PretendedRun run({.clients = 1, .messages = 1, .pace = wsbench::think(10ms), .behaviour = two_in_a_turn});
  run.run_until(5ms);
  run.freeze_until(30ms);
  run.run();
  const wsbench::Report report = run.report();
  CHECK(about(report.latency("first").max(), 21ms));
  CHECK(about(report.latency("second").max(), 1ms));
  CHECK(report.metrics().schedule_lag.count() == 1);
}

TEST_CASE("a message after a pause starts when it is sent", "[client]") {
  const auto hesitant = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.pause(300ms);
      co_await user.request("ask", "question");
    }
  };
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .behaviour = hesitant});
  run.run();
  CHECK(about(*run.messages().response_time.max(), 1ms));
  CHECK(run.report().valid());
}

TEST_CASE("a message after waiting for another starts when it is sent", "[client]") {
  const auto patient = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.receive(1s);
      co_await user.request("ask", "question");
    }
  };
  PretendedRun run({.clients = 1, .messages = 1, .pace = wsbench::think(10ms), .behaviour = patient});
  run.at(300ms, [&] { run.wire().deliver("push"); });
  run.run();
  CHECK(about(*run.messages().response_time.max(), 1ms));
  CHECK(run.report().valid());
}

TEST_CASE("a message sent without a turn starts when it is sent", "[client]") {
  const auto restless = [](Session& user) -> Task {
    for (int n = 0; n < 3; ++n) co_await user.request("ask", "question");
  };
  PretendedRun run({.clients = 1, .messages = 1, .pace = wsbench::think(10ms), .behaviour = restless});
  run.run();
  CHECK(run.messages().answered == 3);
  CHECK(about(*run.messages().response_time.max(), 1ms));
  CHECK(run.metrics().schedule_lag.count() == 0);
}

TEST_CASE("one way messages are paced, counted and lag like others", "[client]") {
  const auto talker = [](Session& user) -> Task {
    while (co_await user.turn()) user.send("news");
  };
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .behaviour = talker});
  run.converse = silence;
  run.run_until(25ms);
  run.freeze_until(47ms);
  run.run();
  CHECK(run.messages().one_way == 3);
  CHECK(run.messages().sent == 3);
  CHECK_FALSE(run.report().success_rate().has_value());
  CHECK_FALSE(run.report().unanswered());
  REQUIRE(run.wire().read.size() == 3);
  CHECK(about(run.wire().read[2].at, 47ms));
  CHECK(about(*run.metrics().schedule_lag.max(), 17ms));
}

TEST_CASE("clients start evenly spread over the ramp up", "[client]") {
  PretendedRun run({.clients = 4, .ramp_up = 1s, .messages = 1, .pace = wsbench::flat_out()});
  run.run();
  for (std::size_t id = 0; id < 4; ++id) CHECK(about(run.wire(id).read.at(0).at, id * 250ms));
  CHECK(run.metrics().connections.peak_open == 1);
}

TEST_CASE("connect times run from the attempt", "[client]") {
  PretendedRun run({.clients = 2, .ramp_up = 1s, .messages = 1});
  run.connect_time = 30ms;
  run.run();
  CHECK(about(*run.metrics().connections.connect_time.min(), 30ms));
  CHECK(about(*run.metrics().connections.connect_time.max(), 30ms));
}

TEST_CASE("a connection counts for as long as it was open, without the time it took to connect", "[client]") {
  PretendedRun run({.clients = 2, .messages = 3, .pace = wsbench::think(2s)});
  run.connect_time = 30ms;
  run.run();
  const wsbench::Histogram& open_time = run.metrics().connections.open_time;
  CHECK(open_time.count() == 2);
  CHECK(*open_time.min() >= 4s);
  CHECK(*open_time.max() < 7s);
}

// ---- answers and failures ------------------------------------------------------------------------------------------------------------

TEST_CASE("a missing answer is a failure at its deadline and never a latency", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .timeout = 100ms});
  run.converse = silence;
  run.run();
  REQUIRE(run.wire().read.size() == 3);
  CHECK(about(run.wire().read[1].at, 120ms));
  CHECK(about(run.wire().read[2].at, 230ms));
  CHECK(count(run, Failure::timeout) == 3);
  CHECK(sample(run, Failure::timeout) == "client 0: no answer within 100 ms");
  CHECK(run.messages().failed == 3);
  CHECK(run.messages().response_time.count() == 0);
  CHECK(about(*run.messages().failed_time.min(), 100ms));
  CHECK(about(*run.messages().failed_time.max(), 100ms));
  CHECK(run.report().unanswered());
  CHECK(run.report().verdict() == Verdict::failed);
  CHECK(run.wire().opens == 1);  // numbered: nothing is out of step
}

TEST_CASE("after a timeout the next is due from its deadline, however late that is seen", "[client]") {
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::think(10ms), .timeout = 100ms});
  run.converse = silence;
  run.run_until(50ms);
  run.freeze_until(300ms);
  run.run();
  REQUIRE(run.wire().read.size() == 2);
  CHECK(about(run.wire().read[1].at, 300ms));
  CHECK(about(*run.metrics().schedule_lag.max(), 180ms));
  CHECK(about(*run.messages().failed_time.max(), 280ms));  // due at 120 ms, given up at 400 ms
}

TEST_CASE("an answer that comes too late is told by its id and taken for no other's", "[client]") {
  PretendedRun run({.clients = 1, .messages = 4, .pace = wsbench::think(10ms), .timeout = 100ms});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    run.answer_after(wire.read.size() == 1 ? 150ms : 60ms, wire, message.payload);
  };
  run.run();
  CHECK(run.metrics().late == 1);
  CHECK(run.metrics().unclaimed == 0);
  CHECK(run.messages().answered == 3);
  CHECK(run.messages().failed == 1);
  CHECK(about(*run.messages().response_time.min(), 60ms));
  CHECK(about(*run.messages().response_time.max(), 60ms));
}

TEST_CASE("answers with ids may come in any order and twice", "[client]") {
  std::vector<std::uint64_t> order;
  wsbench::Options options;
  options.on_answer = [&](const wsbench::Answer& answer) { order.push_back(answer.message); };
  const auto several = [](Session& user) -> Task {
    auto first = user.request("ask", "1");
    auto second = user.request("ask", "2");
    auto third = user.request("ask", "3");
    const Reply three = co_await third;
    const Reply one = co_await first;
    const Reply two = co_await second;
    user.check("each its own", one.text() == "1" && two.text() == "2" && three.text() == "3");
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{several}.correlate(first_letter)}, options);
  run.converse = [&](PretendedWire& wire, const Written&) {
    if (wire.read.size() == 3) run.at(5ms, [&] { run.wire().deliver({"2", "2", "9", "none", "1", "3", "1"}, 5ms); });
  };
  run.run();
  CHECK(order == std::vector<std::uint64_t>{1, 0, 2});
  CHECK(run.metrics().checks.at(0).passed == 1);
  CHECK(run.messages().answered == 3);
  CHECK(run.metrics().received == 7);
  CHECK(run.metrics().duplicated == 2);
  CHECK(run.metrics().unclaimed == 2);
}

// ---- what the server pushes -----------------------------------------------------------------------------------------------------------

TEST_CASE("what a handler of pushed messages knows is counted and timed beside the conversation", "[client]") {
  const auto said_at = [](std::string_view) { return std::optional{std::chrono::system_clock::now() - 3s}; };
  std::vector<std::string> handled;
  const auto note = [&](Session& user, std::string_view message) {
    handled.emplace_back(message);
    user.send("seen");
  };
  const auto ask = [](Session& user) -> Task {
    const Reply answer = co_await user.request("ask", "question");
    user.check("the answer, and no push", answer.text() == "answer");
    const Reply mail = co_await user.receive();
    user.check("the mail, and no push", mail.text() == "mail");
  };
  wsbench::Behaviour behaviour =
      wsbench::Behaviour{ask}
          .on_message({.label = "said", .matches = wsbench::containing("said"), .sent_at = said_at, .then = note})
          .on_message("joined", wsbench::containing("joined"));
  PretendedRun run(
      {.clients = 1, .messages = 1, .behaviour = std::move(behaviour), .expect = {wsbench::metric::delivery("said").max < 4s}});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (message.payload != "question") return;
    for (const char* push : {"said 1", "joined", "said 2", "answer", "said 3", "mail"}) run.answer_after(1ms, wire, push);
  };
  run.run();
  for (const wsbench::CheckCount& check : run.metrics().checks) CHECK(check.failed == 0);
  CHECK(handled == std::vector<std::string>{"said 1", "said 2", "said 3"});
  REQUIRE(run.metrics().pushes.size() == 2);
  CHECK(run.metrics().pushes[0].count == 3);
  CHECK(run.metrics().pushes[0].delivery_time.count() == 3);
  CHECK(run.metrics().pushes[0].delivery_time.min() >= nanoseconds{2900ms});
  CHECK(run.metrics().pushes[1].count == 1);
  CHECK(run.metrics().pushes[1].delivery_time.count() == 0);
  CHECK(run.metrics().unclaimed == 0);
  CHECK(run.messages().one_way == 3);
  CHECK(run.report().expectations().front().met);
}

TEST_CASE("an answer by its id is no push, whatever a handler says", "[client]") {
  const auto ask = [](Session& user) -> Task {
    const Reply answer = co_await user.request("ask", "1");
    user.check("answered", answer.text() == "1");
  };
  PretendedRun run({.clients = 1,
                    .messages = 1,
                    .behaviour = wsbench::Behaviour{ask}.correlate(first_letter).on_message("all", [](std::string_view) { return true; })});
  run.converse = [&](PretendedWire& wire, const Written&) {
    for (const char* message : {"2", "1"}) run.answer_after(1ms, wire, message);
  };
  run.run();
  CHECK(run.metrics().checks.at(0).passed == 1);
  CHECK(run.metrics().pushes.at(0).count == 1);
}

TEST_CASE("a function of the behaviour that throws at a message ends the session as an error of the behaviour", "[client]") {
  const auto ask = [](Session& user) -> Task {
    while (co_await user.turn()) co_await user.request("ask", "question");
  };
  const auto throws = [](auto&&...) -> bool { throw std::runtime_error("no such message"); };
  const std::vector<wsbench::Behaviour> behaviours{
      wsbench::Behaviour{ask}.on_message("any", throws),
      wsbench::Behaviour{ask}.on_message({.label = "any",
                                          .matches = [](std::string_view) { return true; },
                                          .then = [](Session&, std::string_view) { throw std::runtime_error("no such message"); }}),
      wsbench::Behaviour{ask}.correlate([](std::string_view message) -> std::optional<std::uint64_t> {
        if (message == "question") return 1;
        throw std::runtime_error("no such message");
      })};
  for (const wsbench::Behaviour& behaviour : behaviours) {
    PretendedRun run({.clients = 1, .messages = 5, .behaviour = behaviour});
    run.converse = [&](PretendedWire& wire, const Written&) { run.answer_after(1ms, wire, "answer"); };
    run.run();
    CHECK(count(run, Failure::behaviour_error) == 1);
    CHECK(sample(run, Failure::behaviour_error).find("no such message") != std::string::npos);
    CHECK_FALSE(run.report().valid());
    CHECK(run.metrics().not_sent == 4);
  }
}

TEST_CASE("several requests in flight at once are answered first in, first out, in whatever order they are awaited", "[client]") {
  const auto several = [](Session& user) -> Task {
    while (co_await user.turn()) {
      auto a = user.request("a", "1");
      auto b = user.request("b", "2");
      const Reply second = co_await b;
      const Reply first = co_await a;
      user.check("each its own", first.text() == "1" && second.text() == "2");
    }
  };
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .behaviour = several});
  run.run();
  CHECK(run.metrics().checks.at(0).passed == 3);
  CHECK(run.messages().answered == 6);
}

TEST_CASE("a missed answer without ids drops the connection: what is in flight fails, and a new one goes on", "[client]") {
  const auto several = [](Session& user) -> Task {
    while (co_await user.turn()) {
      auto a = user.request("a", "1");
      auto b = user.request("b", "2");
      auto c = user.request("c", "3");
      co_await c;
      co_await b;
      co_await a;
    }
  };
  PretendedRun run({.clients = 1, .messages = 2, .pace = wsbench::think(10ms), .timeout = 100ms, .behaviour = several});
  run.connect_time = 5ms;
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.opens == 1) return run.answer_after(150ms, wire, "from before");
    run.answer_after(2ms, wire, message.payload);
  };
  run.run();
  CHECK(count(run, Failure::timeout) == 1);
  CHECK(count(run, Failure::out_of_step) == 2);
  CHECK(run.messages().failed == 3);
  CHECK(run.messages().answered == 3);
  CHECK(run.metrics().connections.reconnected == 1);
  CHECK(run.metrics().connections.attempted == 1);
  CHECK(run.wire().opens == 2);
  CHECK(about(*run.messages().response_time.max(), 2ms));
}

TEST_CASE("waiting for a new connection is no lag of the generator's", "[client]") {
  PretendedRun run({.clients = 1,
                    .messages = 3,
                    .pace = wsbench::think(1ms),
                    .timeout = 100ms,
                    .behaviour = wsbench::echo({.text = "the same each time"})});
  run.connect_time = 200ms;
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.read.size() % 2 == 0) run.answer_after(1ms, wire, message.payload);
  };
  run.run();
  CHECK(run.metrics().connections.reconnected == 1);
  CHECK(run.messages().answered == 1);
  CHECK(about(*run.messages().response_time.max(), 200ms));  // due 1 ms after the timeout, sent after 200 ms, answered 1 ms later
  CHECK(*run.metrics().schedule_lag.max() <= hair);
  CHECK(run.report().valid());
}

TEST_CASE("a reconnection that fails loses the rest", "[client]") {
  PretendedRun run({.clients = 1, .messages = 5, .pace = wsbench::think(10ms), .timeout = 100ms, .behaviour = ask_each_turn},
                   {.connect_timeout = 1s});
  run.converse = silence;
  run.accepts = [](std::size_t attempt) { return attempt == 0; };
  run.run();
  CHECK(count(run, Failure::timeout) == 1);
  CHECK(count(run, Failure::connect_timeout) == 1);
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 4);
  CHECK(run.metrics().connections.failed == 0);
  CHECK(run.clock.now() < 2s);
}

TEST_CASE("a request may bring its own timeout", "[client]") {
  const auto impatient = [](Session& user) -> Task {
    const Reply quick = co_await user.request("quick", "1", 20ms);
    user.check("timed out", !quick && quick.failure() == Failure::timeout);
    const Reply slow = co_await user.request("slow", "2", 10s);
    user.check("came", slow.contains("2"));
  };
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 100ms, .behaviour = wsbench::Behaviour{impatient}.correlate(first_letter)});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (message.payload == "2") run.answer_after(9s, wire, "2");
  };
  run.run();
  for (const wsbench::CheckCount& check : run.metrics().checks) CHECK(check.passed == 1);
  CHECK(sample(run, Failure::timeout) == "client 0: no answer within 20 ms");
}

TEST_CASE("timeouts without end are long and not negative", "[client]") {
  const auto eternal = [](Session& user) -> Task {
    user.check("answered", static_cast<bool>(co_await user.request("ask", "1", endless)));
    user.check("received", static_cast<bool>(co_await user.receive(endless)));
    co_await user.pause(endless);
  };
  PretendedRun run({.clients = 1, .duration = 1s, .behaviour = eternal});
  run.at(500ms, [&] { run.wire().deliver("push"); });
  run.run();
  for (const wsbench::CheckCount& check : run.metrics().checks) CHECK(check.passed == 1);
  CHECK(run.metrics().checks.size() == 2);
  CHECK(about(run.clock.now(), 1s));
}

TEST_CASE("a message that came before a request was written is not its answer", "[client]") {
  const auto greeted = [](Session& user) -> Task {
    const Reply greeting = co_await user.receive();
    const Reply answer = co_await user.request("ask", "question");
    const Reply history = co_await user.receive();
    user.check("in their places", greeting.contains("hello") && answer.contains("question") && history.contains("history"));
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = greeted});
  run.at(3ms, [&] { run.wire().deliver({"hello", "history"}, 3ms); });
  run.run();
  CHECK(run.metrics().checks.at(0).passed == 1);
  CHECK(run.messages().answered == 1);
  CHECK(about(*run.messages().service_time.max(), 1ms));
}

TEST_CASE("an answer with the id of a request that is not written yet is not its answer", "[client]") {
  const auto greeted = [](Session& user) -> Task {
    co_await user.receive();
    user.check("answered", static_cast<bool>(co_await user.request("ask", "7", 100ms)));
  };
  const auto id_of = [](std::string_view text) -> std::optional<std::uint64_t> {
    if (text != "7") return std::nullopt;
    return 7;
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{greeted}.correlate(id_of)});
  run.converse = silence;
  run.at(3ms, [&] { run.wire().deliver({"hello", "7"}, 3ms); });
  run.run();
  CHECK(run.metrics().checks.at(0).failed == 1);
  CHECK(run.messages().failed == 1);
}

TEST_CASE("outcomes are told one by one", "[client]") {
  std::vector<wsbench::Answer> answers;
  wsbench::Options options;
  options.on_answer = [&](const wsbench::Answer& answer) { answers.push_back(answer); };
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .timeout = 100ms}, options);
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.read.size() != 2) run.answer_after(2ms, wire, message.payload);
  };
  run.run();
  REQUIRE(answers.size() == 3);
  for (std::uint64_t n = 0; n < 3; ++n) CHECK(answers[n].message == n);
  CHECK_FALSE(answers[0].failure.has_value());
  CHECK(about(answers[0].service_time, 2ms));
  CHECK(answers[1].failure == Failure::timeout);
  CHECK(about(answers[1].response_time, 100ms));
}

// ---- the inbox -----------------------------------------------------------------------------------------------------------------------

TEST_CASE("messages nobody asked for are kept for a later receive", "[client]") {
  std::vector<std::string> got;
  const auto reader = [&got](Session& user) -> Task {
    co_await user.pause(10ms);
    for (int n = 0; n < 3; ++n) got.push_back((co_await user.receive(50ms)).text());
    const Reply none = co_await user.receive(50ms);
    user.check("none", !none && none.failure() == Failure::timeout);
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = reader});
  run.at(5ms, [&] { run.wire().deliver({"1", "2"}, 5ms); });
  run.at(20ms, [&] { run.wire().deliver({"3"}, 20ms); });
  run.run();
  CHECK(got == std::vector<std::string>{"1", "2", "3"});
  CHECK(run.metrics().checks.at(0).passed == 1);
  CHECK(run.metrics().failures.total() == 0);  // to wait in vain for a push is no failure
  CHECK(run.metrics().unclaimed == 0);
  CHECK(run.metrics().received == 3);
}

TEST_CASE("a behaviour that never receives keeps only the last few, and the rest is counted as nobody's", "[client]") {
  std::string first;
  const auto deaf = [&first](Session& user) -> Task {
    co_await user.pause(100ms);
    first = (co_await user.receive()).text();
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = deaf});
  for (int n = 0; n < 50; ++n) run.at(1ms * (n + 1), [&run, n] { run.wire().deliver(std::to_string(n)); });
  run.run();
  CHECK(run.metrics().received == 50);
  CHECK(run.metrics().unclaimed == 49);
  CHECK(first == "34");
}

TEST_CASE("binary messages are told apart", "[client]") {
  const auto binary = [](Session& user) -> Task {
    const std::byte bytes[] = {std::byte{0}, std::byte{255}};
    user.send(std::span<const std::byte>{bytes});
    const Reply reply = co_await user.receive();
    user.check("binary", reply.binary() && reply.text() == std::string_view("\0\xff", 2));
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = binary});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    CHECK(message.binary);
    run.at(1ms, [&wire, payload = message.payload] { wire.deliver({payload}, 1ms, true); });
  };
  run.run();
  CHECK(run.metrics().checks.at(0).passed == 1);
}

// ---- connections that end --------------------------------------------------------------------------------------------------------------

TEST_CASE("a connection that cannot be made leaves everything unsent", "[client]") {
  PretendedRun run({.clients = 2, .messages = 5}, {.connect_timeout = 3s});
  run.accepts = [](std::size_t) { return false; };
  run.at(1s, [&] { run.wire(1).end({Failure::http_status, 503, "refused the upgrade with 503"}); });
  run.run();
  CHECK(run.metrics().not_sent == 10);
  CHECK(run.metrics().connections.failed == 2);
  CHECK(count(run, Failure::http_status) == 1);
  CHECK(count(run, Failure::connect_timeout) == 1);
  CHECK(sample(run, Failure::connect_timeout) == "client 0: not open within 3 s");
  CHECK(run.report().verdict() == Verdict::no_connection);
  CHECK(about(run.clock.now(), 3s));
}

TEST_CASE("a close with messages in flight fails them and leaves the rest unsent", "[client]") {
  PretendedRun run({.clients = 1, .messages = 10, .pace = wsbench::think(10ms)});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.read.size() < 4) return run.answer_after(1ms, wire, message.payload);
    run.at(run.clock.now() + 1ms, [&wire] { wire.end({Failure::closed, 1001, "the server closed the connection (1001)"}); });
  };
  run.run();
  CHECK(run.messages().answered == 3);
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 6);
  CHECK(count(run, Failure::closed) == 1);
  CHECK(run.metrics().failures.by_count().at(0).code == 1001);
  CHECK(*run.report().success_rate() == 0.3);
  CHECK(about(*run.messages().failed_time.max(), 1ms));
}

TEST_CASE("a close between two turns leaves the rest unsent", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(100ms)});
  run.at(150ms, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  CHECK(run.messages().answered == 1);
  CHECK(run.messages().failed == 0);
  CHECK(run.metrics().not_sent == 2);
  CHECK(about(run.clock.now(), 150ms));
}

TEST_CASE("a close while a turn is taken but nothing is sent yet counts that message once", "[client]") {
  const auto hesitant = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.pause(50ms);
      co_await user.request("ask", "question");
    }
  };
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .behaviour = hesitant});
  run.at(30ms, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  CHECK(run.messages().sent == 0);
  CHECK(run.metrics().not_sent == 3);
}

TEST_CASE("a close that comes with the answer before the next message is written leaves that one unsent", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::flat_out()});
  std::string first;
  run.converse = [&](PretendedWire&, const Written& message) { first = message.payload; };
  run.at(1ms, [&] {
    // As websockets do: the message and the close are in one read.
    run.wire().deliver_and_end(first, {Failure::closed, 1000, "the server closed the connection (1000)"});
  });
  run.run();
  CHECK(run.messages().sent == 1);
  CHECK(run.messages().answered == 1);
  CHECK(run.metrics().not_sent == 2);
}

TEST_CASE("what was planned for a time is counted as unsent by the pace", "[client]") {
  PretendedRun run({.clients = 1, .duration = 1s, .pace = wsbench::think(100ms)});
  run.answer_time = 0ms;
  SECTION("never connected: due at 100, 200, .. 900 ms") {
    run.accepts = [](std::size_t) { return false; };
    run.at(1us, [&] { run.wire().end({Failure::refused, 0, "refused"}); });
    run.run();
    CHECK(run.metrics().not_sent == 9);
  }
  SECTION("its attempt took longer than the load") {
    run.accepts = [](std::size_t) { return false; };
    run.run();
    CHECK(run.clock.now() > 1s);
    CHECK(run.metrics().not_sent == 9);
  }
  SECTION("lost at 550 ms: due at 600, .. 900 ms") {
    run.at(550ms, [&] { run.wire().end({Failure::reset, 0, "reset"}); });
    run.run();
    CHECK(run.messages().sent == 5);
    CHECK(run.metrics().not_sent == 4);
  }
  SECTION("never lost") {
    run.run();
    CHECK(run.messages().sent == 9);
    CHECK(run.metrics().not_sent == 0);
  }
}

TEST_CASE("flat out for a time, a loss leaves one message unsent", "[client]") {
  PretendedRun run({.clients = 1, .duration = 1s});
  run.at(500500us, [&] { run.wire().end({Failure::reset, 0, "reset"}); });
  run.run();
  CHECK(run.metrics().not_sent == 1);
  CHECK(run.messages().failed == 1);
}

TEST_CASE("a close after the behaviour has ended fails what is still in flight", "[client]") {
  const auto leaves_it = [](Session& user) -> Task {
    auto forgotten = user.request("ask", "question");
    co_return;
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = leaves_it});
  run.converse = silence;
  run.at(20ms, [&] { run.wire().end({Failure::closed, 1000, "closed"}); });
  run.run();
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 0);
  CHECK(count(run, Failure::closed) == 1);
}

TEST_CASE("the answer is awaited after the behaviour has ended", "[client]") {
  const auto leaves_it = [](Session& user) -> Task {
    { auto forgotten = user.request("ask", "question"); }
    co_return;
  };
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 100ms, .behaviour = leaves_it});
  SECTION("it comes") {
    run.run();
    CHECK(run.messages().answered == 1);
    CHECK(about(run.clock.now(), 1ms));
    CHECK(about(run.report().record().duration, 1ms));
  }
  SECTION("it never comes") {
    run.converse = silence;
    run.run();
    CHECK(run.messages().failed == 1);
    CHECK(about(run.clock.now(), 100ms));
    CHECK(about(run.report().record().duration, 100ms));
    CHECK(run.wire().opens == 1);  // nobody is left to go on
  }
  CHECK(run.finished == 1);
}

TEST_CASE("a server that does not close is left in the end", "[client]") {
  PretendedRun run({.clients = 1, .messages = 1}, {.close_timeout = 2s});
  run.closes_back = false;
  run.at(500ms, [&] { run.wire().deliver("too late for anybody"); });
  run.run();
  CHECK(about(run.clock.now(), 2001ms));
  CHECK(run.wire().close_codes == std::vector<std::uint16_t>{1000});
  CHECK(run.metrics().failures.total() == 0);
  CHECK(run.metrics().unclaimed == 1);
  CHECK(run.report().passed());
}

// ---- a server that does not read ----------------------------------------------------------------------------------------------------

TEST_CASE("a message that finds no room is not sent, and refused until there is room again", "[client]") {
  std::vector<Failure> refusals;
  const auto asking = [&refusals](Session& user) -> Task {
    auto stuck = user.request("ask", "1");
    co_await user.receive();
    for (;;) {
      const Reply reply = co_await user.request("ask", "2");
      if (reply) break;
      refusals.push_back(reply.failure());
    }
    user.check("answered in the end", static_cast<bool>(co_await stuck));
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{asking}.correlate(first_letter)});
  run.wire().reads = false;
  run.wire().room = 1;
  run.at(10ms, [&] { run.wire().deliver("push"); });
  run.at(500ms, [&] { run.wire().drain(); });
  run.run();
  CHECK(refusals == std::vector<Failure>{Failure::backpressure});
  CHECK(sample(run, Failure::backpressure) == "client 0: the send queue is full: the server reads too slowly");
  CHECK(run.metrics().not_sent == 1);
  CHECK(run.messages().answered == 2);
  CHECK(run.metrics().checks.at(0).passed == 1);
}

TEST_CASE("a server that stops reading is given up after the timeout", "[client]") {
  const auto talker = [](Session& user) -> Task {
    while (co_await user.turn()) user.send("news");
  };
  PretendedRun run({.clients = 1, .messages = 10, .pace = wsbench::think(10ms), .timeout = 1s, .behaviour = talker});
  run.converse = silence;
  run.at(35ms, [&] { run.wire().reads = false; });
  run.run();
  CHECK(run.messages().one_way == 4);
  CHECK(run.metrics().not_sent == 6);
  CHECK(count(run, Failure::backpressure) == 1);
  CHECK(about(run.clock.now(), 1040ms));
}

TEST_CASE("turns wait for a server that does not read; that is no lag of the generator's, but the response time has it", "[client]") {
  const auto talker = [](Session& user) -> Task {
    while (co_await user.turn()) {
      user.send("news");
      if (!co_await user.turn()) break;
      co_await user.request("ask", "question");
    }
  };
  PretendedRun run({.clients = 1, .messages = 4, .pace = wsbench::think(10ms), .timeout = 10s, .behaviour = talker});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (message.payload == "question") run.answer_after(1ms, wire, "answer");
  };
  run.wire().reads = false;
  run.at(5s, [&] { run.wire().drain(); });
  run.run();
  CHECK(run.messages().sent == 4);
  CHECK(*run.messages().response_time.max() >= 4900ms);
  CHECK(*run.metrics().schedule_lag.max() <= hair);
  CHECK(run.report().valid());
}

TEST_CASE("a deadline and a stall that end together end once", "[client]") {
  const auto several = [](Session& user) -> Task {
    const Reply reply = co_await user.request("ask", "question");
    if (reply) co_await user.pause(1s);
  };
  const auto leaves_it = [](Session& user) -> Task {
    { auto forgotten = user.request("ask", "question"); }
    co_return;
  };
  const bool stays = GENERATE(false, true);
  PretendedRun run({.clients = 2, .messages = 1, .timeout = 100ms, .behaviour = stays ? wsbench::Behaviour{several} : leaves_it});
  run.wire(0).reads = false;
  run.wire(1).reads = false;
  run.run();
  CHECK(run.finished == 2);
  CHECK(count(run, Failure::timeout) == 2);
  CHECK(run.messages().failed == 2);
}

TEST_CASE("a closing handshake and a stall that end together end once", "[client]") {
  const auto floods = [](Session& user) -> Task {
    for (int i = 0; i < 10; ++i) user.send("hello");
    co_return;
  };
  PretendedRun run({.clients = 2, .messages = 1, .timeout = 100ms, .behaviour = wsbench::Behaviour{floods}}, {.close_timeout = 100ms});
  run.wire(0).reads = false;
  run.wire(1).reads = false;
  run.closes_back = false;
  run.run();
  CHECK(run.finished == 2);
  CHECK(run.metrics().connections.open == 0);
}

TEST_CASE("a stall of the old connection is not held against the new one", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .pace = wsbench::think(10ms), .timeout = 100ms, .behaviour = ask_each_turn});
  run.wire().reads = false;
  run.at(50ms, [&] { run.wire().reads = true; });  // too late for what waits, in time for the new connection
  run.run();
  CHECK(run.wire().opens == 2);
  CHECK(run.messages().answered == 2);
  CHECK(count(run, Failure::timeout) == 1);
  CHECK(count(run, Failure::backpressure) == 0);
}

TEST_CASE("asking in a loop while there is no connection is refused once an attempt", "[client]") {
  const auto relentless = [](Session& user) -> Task {
    while (!user.stopping()) co_await user.request("ask", "question");
  };
  PretendedRun run({.clients = 1, .duration = 1s, .timeout = 100ms, .behaviour = relentless});
  run.connect_time = 300ms;
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.opens > 1) run.answer_after(10ms, wire, message.payload);
  };
  run.run();
  CHECK(count(run, Failure::timeout) == 1);
  CHECK(run.metrics().not_sent == 1);
  CHECK(run.messages().answered >= 20);
}

// ---- the end of the load ---------------------------------------------------------------------------------------------------------------

TEST_CASE("a load by time takes turns until then and awaits the answers", "[client]") {
  PretendedRun run({.clients = 1, .duration = 100ms, .pace = wsbench::think(10ms)});
  run.answer_time = 35ms;
  run.run();
  CHECK(run.wire().read.size() == 2);  // at 10 and 55 ms; at 100 ms it is over
  CHECK(run.messages().in_flight() == 0);
  CHECK(run.metrics().failures.total() == 0);
}

TEST_CASE("a load by time and by messages ends with what comes first", "[client]") {
  const bool by_time = GENERATE(false, true);
  PretendedRun run({.clients = 1,
                    .messages = by_time ? std::uint64_t{1000} : std::uint64_t{3},
                    .duration = by_time ? nanoseconds{35ms} : nanoseconds{1s},
                    .pace = wsbench::think(10ms)});
  run.answer_time = 0ms;
  run.run();
  CHECK(run.messages().sent == 3);
  CHECK(about(run.clock.now(), by_time ? 35ms : 30ms));
}

TEST_CASE("a turn that was due before the end is taken, however late", "[client]") {
  PretendedRun run({.clients = 1, .duration = 100ms, .pace = wsbench::think(40ms)});
  run.run_until(50ms);  // sent at 40, the next is due at 81 ms
  run.freeze_until(300ms);
  run.run();
  CHECK(run.messages().sent == 2);
  CHECK(run.messages().answered == 2);
  CHECK(about(*run.messages().response_time.max(), 220ms));
}

TEST_CASE("a turn that was due before the end and had no connection until long after is not sent", "[client]") {
  PretendedRun run({.clients = 1, .duration = 1s, .pace = wsbench::think(10ms), .timeout = 900ms, .behaviour = ask_each_turn});
  run.converse = silence;
  run.accepts = [](std::size_t attempt) { return attempt == 0; };
  run.run();
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 1);  // due at 920 ms
}

TEST_CASE("a load that a user takes no notice of ends all the same", "[client]") {
  const std::string kind =
      GENERATE("turns", "requests", "one way and pauses", "pauses of nothing", "receives", "a long receive", "a long pause");
  const auto behaviour = [kind](Session& user) -> Task {
    for (;;) {
      if (kind == "turns") co_await user.turn();
      if (kind == "requests") co_await user.request("ask", "question");
      if (kind == "one way and pauses") user.send("news");
      if (kind == "one way and pauses") co_await user.pause(1ms);
      if (kind == "pauses of nothing") co_await user.pause(1us);
      if (kind == "receives") co_await user.receive(1ms);
      if (kind == "a long receive") co_await user.receive(1h);
      if (kind == "a long pause") co_await user.pause(1h);
    }
  };
  INFO(kind);
  PretendedRun run({.clients = 1, .duration = 100ms, .pace = wsbench::think(10ms), .timeout = 200ms, .behaviour = behaviour});
  if (kind == "turns" || kind == "one way and pauses") run.converse = silence;
  run.run();
  CHECK(run.clock.now() <= 501ms);
  CHECK(run.metrics().failures.total() == 0);
  CHECK(run.wire().close_codes == std::vector<std::uint16_t>{1000});
}

TEST_CASE("a user that never takes no for an answer ends all the same when the connection is lost", "[client]") {
  const std::string kind = GENERATE("turns", "requests", "receives");
  const auto behaviour = [kind](Session& user) -> Task {
    for (;;) {
      if (kind == "turns") co_await user.turn();
      if (kind == "requests") co_await user.request("ask", "question");
      if (kind == "receives") co_await user.receive();
    }
  };
  INFO(kind);
  PretendedRun run({.clients = 1, .messages = 1'000'000, .pace = wsbench::think(10ms), .behaviour = behaviour});
  run.at(55500us, [&] { run.wire().end({Failure::reset, 0, "reset"}); });
  run.run(1min);
  CHECK(count(run, Failure::reset) == 1);
  CHECK(run.clock.now() < 1s);
}

TEST_CASE("stopping is true when the load is over", "[client]") {
  std::vector<bool> stopping;
  const auto watcher = [&stopping](Session& user) -> Task {
    stopping.push_back(user.stopping());
    while (co_await user.turn()) co_await user.request("ask", "question");
    stopping.push_back(user.stopping());
  };
  PretendedRun run({.clients = 1, .messages = 2, .behaviour = watcher});
  run.run();
  CHECK(stopping == std::vector<bool>{false, true});
}

// ---- behaviours
// --------------------------------------------------------------------------------------------------------------------------

TEST_CASE("a behaviour that throws ends its session, and the report is invalid", "[client]") {
  const std::string when = GENERATE("before the coroutine", "at once", "after an answer", "with the load over", "no std::exception");
  const auto thrower = [when](Session& user) -> Task {
    if (when == "before the coroutine") throw std::runtime_error("broken");
    const auto coroutine = [](Session& session, std::string moment) -> Task {
      if (moment == "at once") throw std::runtime_error("broken");
      if (moment == "no std::exception") throw 7;
      while (co_await session.turn()) {
        co_await session.request("ask", "question");
        if (moment == "after an answer") throw std::runtime_error("broken");
      }
      throw std::runtime_error("broken");
    };
    return coroutine(user, when);
  };
  INFO(when);
  PretendedRun run({.clients = 2, .messages = 4, .pace = wsbench::think(10ms), .behaviour = thrower});
  run.run();
  CHECK(run.finished == 2);
  CHECK(count(run, Failure::behaviour_error) == 2);
  CHECK(sample(run, Failure::behaviour_error) == (when == "no std::exception"
                                                      ? "client 0: the behaviour threw something that is no std::exception"
                                                      : "client 0: the behaviour threw: broken"));
  CHECK_FALSE(run.report().valid());
  CHECK(run.report().verdict() == Verdict::invalid);
  const std::uint64_t sent_each = when == "after an answer" ? 1 : when == "with the load over" ? 4 : 0;
  CHECK(run.messages().sent == 2 * sent_each);
  CHECK(run.metrics().not_sent == 2 * (4 - sent_each));
  for (const PretendedWire* wire : run.wires) CHECK(wire->close_codes == std::vector<std::uint16_t>{1000});
}

TEST_CASE("a behaviour that throws after the connection is lost counts what was planned once", "[client]") {
  const auto thrower = [](Session& user) -> Task {
    while (co_await user.turn()) {
      if (!co_await user.request("ask", "question")) throw std::runtime_error("broken");
    }
  };
  PretendedRun run({.clients = 1, .messages = 4, .pace = wsbench::think(10ms), .behaviour = thrower});
  run.converse = silence;
  run.at(20ms, [&] { run.wire().end({Failure::reset, 0, "reset"}); });
  run.run();
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 3);
}

TEST_CASE("a NoReply that leaves the behaviour ends the session and is no error of the behaviour", "[client]") {
  const auto trusting = [](Session& user) -> Task {
    while (co_await user.turn()) {
      const Reply reply = co_await user.request("ask", "question");
      user.check("text", !reply.text().empty());
    }
  };
  PretendedRun run({.clients = 1, .messages = 4, .pace = wsbench::think(10ms), .timeout = 50ms, .behaviour = trusting});
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (wire.read.size() < 2) run.answer_after(1ms, wire, message.payload);
  };
  run.run();
  CHECK(count(run, Failure::behaviour_error) == 0);
  CHECK(count(run, Failure::timeout) == 1);
  CHECK(run.report().valid());
  CHECK(run.messages().sent == 2);
  CHECK(run.metrics().not_sent == 2);
}

TEST_CASE("a behaviour that never awaits is over at once", "[client]") {
  const auto brief = [](Session& user) -> Task {
    user.send("hello");
    user.check("there", true);
    co_return;
  };
  PretendedRun run({.clients = 3, .messages = 1, .behaviour = brief});
  run.converse = silence;
  run.run();
  CHECK(run.messages().one_way == 3);
  CHECK(run.metrics().checks.at(0).passed == 3);
  CHECK(run.clock.now() <= hair);
}

TEST_CASE("a behaviour that never sends measures nothing", "[client]") {
  PretendedRun run({.clients = 1, .messages = 3, .behaviour = [](Session&) -> Task { co_return; }});
  run.run();
  CHECK_FALSE(run.report().success_rate().has_value());
  CHECK_THROWS_AS(run.report().latency().mean(), wsbench::NotMeasured);
}

TEST_CASE("turns without an answer to wait for leave the thread to others now and then", "[client]") {
  const auto talker = [](Session& user) -> Task {
    while (co_await user.turn()) user.send("");
  };
  PretendedRun run({.clients = 1, .messages = 10'000, .behaviour = talker});
  nanoseconds moment{-1};
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  run.converse = [&](PretendedWire&, const Written& message) {
    at_once = message.at == moment ? at_once + 1 : 1;
    moment = message.at;
    most_at_once = std::max(most_at_once, at_once);
  };
  run.run();
  CHECK(run.messages().one_way == 10'000);
  CHECK(most_at_once < 200);
}

TEST_CASE("awaiting after the loss gives failures and then the end", "[client]") {
  std::vector<Failure> failures;
  bool turned = true;
  const auto persistent = [&](Session& user) -> Task {
    const Reply first = co_await user.request("ask", "1");
    failures.push_back(first.failure());
    const Reply second = co_await user.request("ask", "2");
    failures.push_back(second.failure());
    turned = co_await user.turn();
  };
  PretendedRun run({.clients = 1, .messages = 4, .behaviour = persistent});
  run.converse = silence;
  run.at(20ms, [&] { run.wire().end({Failure::abnormal, 0, "ended"}); });
  run.run();
  CHECK(failures == std::vector<Failure>{Failure::abnormal, Failure::abnormal});
  CHECK_FALSE(turned);
  CHECK(run.messages().failed == 1);
}

TEST_CASE("a listener is told of the loss", "[client]") {
  std::optional<Failure> told;
  const auto listener = [&told](Session& user) -> Task {
    const Reply reply = co_await user.receive(10s);
    if (!reply) told = reply.failure();
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = listener});
  run.at(20ms, [&] { run.wire().end({Failure::closed, 1012, "restart"}); });
  run.run();
  CHECK(told == Failure::closed);
  CHECK(about(run.clock.now(), 20ms));
}

TEST_CASE("children of a behaviour await and throw like itself", "[client]") {
  const auto parent = [](Session& user) -> Task {
    const auto child = [](Session& session, int depth, const auto& self) -> Task {
      if (depth > 0) co_return co_await self(session, depth - 1, self);
      const Reply reply = co_await session.request("ask", "question");
      if (reply.contains("question")) throw std::logic_error("from below");
    };
    co_await child(user, 50, child);
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = parent});
  run.run();
  CHECK(sample(run, Failure::behaviour_error) == "client 0: the behaviour threw: from below");
}

TEST_CASE("an id that cannot be read throws before anything is sent", "[client]") {
  const auto id_of = [](std::string_view) -> std::optional<std::uint64_t> { throw std::runtime_error("no id"); };
  PretendedRun run({.clients = 1, .messages = 3, .behaviour = wsbench::Behaviour{ask_each_turn}.correlate(id_of)});
  run.run();
  CHECK(run.messages().sent == 0);
  CHECK(run.wire().read.empty());
  CHECK(count(run, Failure::behaviour_error) == 1);
}

// ---- interruption
// ------------------------------------------------------------------------------------------------------------------------

TEST_CASE("an interruption ends everything where it is", "[client]") {
  struct Life {
    explicit Life(int& alive) : count(alive) { ++count; }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() { --count; }
    int& count;
  };
  int alive = 0;
  const auto asking = [&alive](Session& user) -> Task {
    const Life life{alive};
    while (co_await user.turn()) co_await user.request("ask", "question");
  };
  PretendedRun run({.clients = 4, .ramp_up = 4s, .messages = 10, .pace = wsbench::think(10ms), .behaviour = asking});
  run.converse = silence;
  SECTION("with messages in flight, thinking and not yet started") {
    run.run_until(1001ms);
    CHECK(alive == 2);
    run.interrupt();
    CHECK(alive == 0);
    CHECK(run.finished == 4);
    CHECK(run.messages().sent == 1);
    CHECK(run.messages().in_flight() == 1);
    CHECK(run.metrics().connections.attempted == 2);
    CHECK(run.report().verdict() == Verdict::interrupted);
    CHECK(run.wire(0).close_codes == std::vector<std::uint16_t>{1000});
    CHECK(run.wire(3).close_codes.empty());
  }
  SECTION("twice") {
    run.run_until(1001ms);
    run.interrupt();
    run.interrupt();
    CHECK(run.finished == 4);
  }
  SECTION("while it connects") {
    run.connect_time = 1h;
    run.run_until(500ms);
    run.interrupt();
    CHECK(run.finished == 4);
    CHECK(run.metrics().connections.open == 0);
  }
  SECTION("before anything") {
    run.interrupt();
    CHECK(run.finished == 4);
  }
  run.run_until(1min);  // nothing happens any more
  CHECK(run.finished == 4);
  CHECK(run.deadlines.next() == wsbench::detail::DeadlineQueue::never);
}

TEST_CASE("a client that goes while its behaviour waits destroys what the behaviour holds", "[client]") {
  const auto holder = [](Session& user) -> Task {
    auto a = user.request("a", "1");
    auto b = user.request("b", "2");
    co_await user.pause(1h);
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = holder});
  run.converse = silence;
  run.run_until(1ms);
  CHECK(run.messages().in_flight() == 2);
}
