// Behaviours that do what they should not, and sessions that end while they wait, over real sockets.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::eventually;
using support::frame;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Behaviour;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Run;
using wsbench::Session;
using wsbench::Task;

namespace {

constexpr std::uint64_t clients = 4;
constexpr auto limit = 10s;

// Takes the connection and then neither says nor answers anything, a ping and a close included.
void keep_silent(PeerSocket& peer) {
  if (peer.upgrade()) peer.listen_in_silence();
}

// Closes as soon as the client does, and says nothing else.
void close_in_silence(PeerSocket& peer) {
  if (!peer.upgrade()) return;
  while (peer.read_message()) {
  }
  peer.write(support::close_frame(1000));
}

// Says a few words more when the client has closed.
void talk_after_the_end(PeerSocket& peer) {
  if (!peer.upgrade()) return;
  while (peer.read_message()) {
  }
  for (int words = 0; words < 3; ++words) peer.write(frame("news"));
  peer.write(support::close_frame(1000));
}

// What users hold, in their coroutine and in their state; given back, only the test holds it.
struct Hold {
  std::shared_ptr<int> held{std::make_shared<int>()};
  std::atomic<std::uint64_t> waiting{0};  // users that are where they wait

  bool given_back() const { return held.use_count() == 1; }
};

// A user who holds something and then does `rest`.
Behaviour holding(Hold& hold, Task (*rest)(Session&)) {
  return Behaviour{[&hold, rest](Session& user) -> Task {
    const std::shared_ptr<int> held = hold.held;
    user.state<std::shared_ptr<int>>() = hold.held;
    ++hold.waiting;
    co_await rest(user);
    user.check("went on", true);
  }};
}

wsbench::Scenario for_an_hour(Behaviour behaviour) {
  return {.clients = clients, .duration = 1h, .pace = wsbench::think(1h), .timeout = 1h, .behaviour = std::move(behaviour).endless()};
}

wsbench::CheckCount check_of(const Report& report, std::string_view name) {
  for (const wsbench::CheckCount& check : report.metrics().checks) {
    if (check.name == name) return check;
  }
  return {};
}

// ---- waiting for what does not come ---------------------------------------------------------------------------------------------------

Task wait_for_an_answer(Session& user) {
  co_await user.request("ask", "hello");
}
Task wait_for_a_message(Session& user) {
  co_await user.receive();
}
Task wait_for_a_turn(Session& user) {
  co_await user.turn();
}
Task wait_for_a_place(Session& user) {
  user.post("ask", "hello");
  co_await user.turn();
}
Task wait_for_a_pong(Session& user) {
  co_await user.ping();
}
Task wait_for_time(Session& user) {
  co_await user.pause(1h);
}
Task wait_for_a_connection(Session& user) {
  co_await user.reconnect();
}
Task wait_with_several_answers_to_come(Session& user) {
  const auto first = user.request("ask", "hello");
  auto second = user.request("ask", "hello");
  co_await second;
}
Task wait_in_a_child(Session& user) {
  const std::string mine(100, 'x');
  co_await wait_for_a_pong(user);
}
Task wait_for_a_message_after_close(Session& user) {
  user.close(4000, "enough");
  co_await user.receive();
}
Task wait_for_time_after_close(Session& user) {
  user.close();
  co_await user.pause(1h);
}
Task wait_as_a_subscriber(Session& user) {
  user.subscribe();
  user.send(user.publication());
  co_await user.receive();
}

struct Waiting {
  const char* for_what;
  Task (*wait)(Session&);
};

constexpr std::array waits{
    Waiting{"an answer", wait_for_an_answer},
    Waiting{"a message", wait_for_a_message},
    Waiting{"a turn", wait_for_a_turn},
    Waiting{"a place among those in flight", wait_for_a_place},
    Waiting{"a pong", wait_for_a_pong},
    Waiting{"time", wait_for_time},
    Waiting{"a connection", wait_for_a_connection},
    Waiting{"several answers", wait_with_several_answers_to_come},
    Waiting{"a pong in a child", wait_in_a_child},
    Waiting{"a message after it closed", wait_for_a_message_after_close},
    Waiting{"time after it closed", wait_for_time_after_close},
    Waiting{"a publication", wait_as_a_subscriber},
};

// Stops a run whose users wait, and returns what it said.
Report stopped(Run& run) {
  run.stop();
  REQUIRE(run.wait_for(limit));
  Report report = run.wait();
  INFO(report);
  CHECK(report.verdict() == wsbench::Verdict::interrupted);
  CHECK(check_of(report, "went on").passed == 0);
  const wsbench::MessageMetrics& messages = report.messages();
  CHECK(messages.sent == messages.one_way + messages.answered + messages.failed + messages.in_flight());
  CHECK(messages.failed == 0);
  CHECK(report.metrics().pings.failed == 0);
  CHECK(report.metrics().connections.open == 0);
  CHECK(report.metrics().failures.total() == 0);
  return report;
}

// ---- taking no notice of the end ------------------------------------------------------------------------------------------------------

Task ask_for_ever(Session& user) {
  for (;;) co_await user.request("ask", "hello");
}
Task post_for_ever(Session& user) {
  for (;;) {
    user.post("ask", "hello");
    co_await user.pause(1ms);
  }
}
Task receive_for_ever(Session& user) {
  for (;;) co_await user.receive(1ms);
}
Task take_turns_for_ever(Session& user) {
  for (;;) co_await user.turn();
}
Task ping_for_ever(Session& user) {
  for (;;) co_await user.ping();
}
Task pause_for_ever(Session& user) {
  for (;;) co_await user.pause(1ms);
}
Task reconnect_for_ever(Session& user) {
  for (;;) co_await user.reconnect();
}
Task close_and_pause_for_ever(Session& user) {
  user.close();
  for (;;) co_await user.pause(1ms);
}
Task publish_for_ever(Session& user) {
  user.subscribe();
  for (;;) {
    user.send(user.publication());
    co_await user.pause(5ms);
  }
}

constexpr std::array for_ever{
    Waiting{"asks", ask_for_ever},
    Waiting{"posts", post_for_ever},
    Waiting{"receives", receive_for_ever},
    Waiting{"takes turns", take_turns_for_ever},
    Waiting{"pings", ping_for_ever},
    Waiting{"pauses", pause_for_ever},
    Waiting{"reconnects", reconnect_for_ever},
    Waiting{"pauses when it has closed", close_and_pause_for_ever},
    Waiting{"publishes", publish_for_ever},
};

// ---- awaiting after a close -----------------------------------------------------------------------------------------------------------

Task ask_after_close(Session& user) {
  const wsbench::Reply reply = co_await user.request("ask", "hello");
  user.check("told", !reply && reply.failure() == Failure::closed);
}
Task receive_after_close(Session& user) {
  const wsbench::Reply reply = co_await user.receive();
  user.check("told", !reply && reply.failure() == Failure::closed);
}
Task ping_after_close(Session& user) {
  const wsbench::Pong pong = co_await user.ping();
  user.check("told", !pong && pong.failure() == Failure::closed);
}
Task take_a_turn_after_close(Session& user) {
  user.check("told", !co_await user.turn());
}
Task pause_after_close(Session& user) {
  co_await user.pause(20ms);
  user.check("told", !user.connected());
}
Task send_and_publish_after_close(Session& user) {
  user.send("hello");
  user.post("ask", "hello");
  user.subscribe();
  user.send(user.publication());
  user.close();
  co_await user.pause(1ms);
  user.check("told", !user.connected());
}

struct AfterClose {
  const char* what;
  Task (*wait)(Session&);
  std::uint64_t not_sent;
};

constexpr std::array after_close{
    AfterClose{"asks", ask_after_close, 1},     AfterClose{"receives", receive_after_close, 0},
    AfterClose{"pings", ping_after_close, 0},   AfterClose{"takes a turn", take_a_turn_after_close, 0},
    AfterClose{"pauses", pause_after_close, 0}, AfterClose{"sends, posts and publishes", send_and_publish_after_close, 3},
};

}  // namespace

TEST_CASE("a session that is stopped while it waits is gone, with all it holds", "[net][withstand]") {
  for (const Waiting& each : waits) {
    for (const bool by_destructor : {false, true}) {
      CAPTURE(each.for_what, by_destructor);
      const MisbehavingServer server(keep_silent);
      Hold hold;
      {
        Run run = LoadTest{server.url(), for_an_hour(holding(hold, each.wait)), {.close_timeout = 1h}}.start();
        REQUIRE(eventually([&] { return hold.waiting == clients; }));
        if (!by_destructor) CHECK(stopped(run).metrics().connections.succeeded == clients);
      }
      CHECK(hold.given_back());
    }
  }
}

TEST_CASE("a session that is stopped while it connects again is gone, with all it holds", "[net][withstand]") {
  std::atomic<std::uint64_t> count{0};
  const MisbehavingServer server([&](PeerSocket& peer) {
    if (++count <= clients) return close_in_silence(peer);
    peer.read_request();
    peer.listen_in_silence();
  });
  Hold hold;
  {
    const wsbench::Options patient{.connect_timeout = 1h};
    Run run = LoadTest{server.url(), for_an_hour(holding(hold, wait_for_a_connection)), patient}.start();
    REQUIRE(eventually([&] { return count == 2 * clients; }));
    CHECK(stopped(run).metrics().connections.reconnected == 0);
  }
  CHECK(hold.given_back());
}

TEST_CASE("a subscriber that is stopped while it lingers is gone", "[net][withstand]") {
  const std::uint64_t workers = GENERATE(1U, 2U);
  const MisbehavingServer server(keep_silent);
  std::atomic<std::uint64_t> ended{0};
  const auto subscribe = [&](Session& user) -> Task {
    user.subscribe();
    user.send(user.publication());
    ++ended;
    co_return;
  };
  wsbench::Scenario scenario = for_an_hour(Behaviour{subscribe});
  scenario.pace = wsbench::flat_out();
  Run run = LoadTest{server.url(), scenario, {.workers = workers}}.start();
  REQUIRE(eventually([&] { return ended == clients; }));
  CHECK_FALSE(run.wait_for(60ms));  // what it published never comes
  const Report report = stopped(run);
  // A run that was cut short does not tell what would have come.
  CHECK(report.metrics().fan_out.missing() == 0);
  CHECK(report.messages().one_way == clients);
}

TEST_CASE("users who take no notice of the end are sent home, with all they hold", "[net][withstand]") {
  for (const Waiting& each : for_ever) {
    CAPTURE(each.for_what);
    const EchoServer server;
    Hold hold;
    wsbench::Scenario scenario = for_an_hour(holding(hold, each.wait));
    scenario.duration = 60ms;
    scenario.pace = wsbench::think(5ms);
    scenario.timeout = 100ms;
    {
      const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
      INFO(report);
      CHECK(check_of(report, "went on").passed == 0);
      CHECK(report.metrics().failures.count(Failure::behaviour_error) == 0);
      CHECK(report.messages().in_flight() == 0);
      CHECK(report.metrics().connections.open == 0);
      CHECK(report.metrics().pings.sent == report.metrics().pings.answered);
    }
    CHECK(hold.waiting == clients);
    CHECK(hold.given_back());
    CHECK(eventually([&] { return server.counts().open == 0; }));
  }
}

TEST_CASE("whoever awaits after a close is told, and may connect again and go on", "[net][withstand]") {
  for (const AfterClose& each : after_close) {
    CAPTURE(each.what);
    const EchoServer server;
    const auto close_and_wait = [wait = each.wait](Session& user) -> Task {
      user.close(4000, "enough");
      co_await wait(user);
      user.check("back", co_await user.reconnect());
      user.check("connected", user.connected());
      const wsbench::Reply reply = co_await user.request("again", "hello");
      user.check("answered", reply.contains("hello"));
    };
    const Report report =
        support::run_within(limit, LoadTest{server.url(), {.clients = clients, .messages = 1, .behaviour = close_and_wait}});
    INFO(report);
    CHECK(report.messages().answered == clients);
    CHECK(report.messages().sent == clients);
    CHECK(report.metrics().not_sent == clients * each.not_sent);
    CHECK(report.metrics().failures.total() == 0);
    for (const std::string_view name : {"told", "back", "connected", "answered"}) {
      CAPTURE(name);
      CHECK(check_of(report, name).passed == clients);
      CHECK(check_of(report, name).failed == 0);
    }
    CHECK(report.metrics().connections.reconnected == clients);
    CHECK(server.counts().connections == 2 * clients);
    CHECK(server.counts().messages == clients);
  }
}

TEST_CASE("a behaviour that returns early has its answers awaited; one that never awaits is over at once", "[net][withstand]") {
  const EchoServer server;
  SECTION("with answers to come") {
    const EchoServer slow({.delay = 20ms});
    const auto post = [](Session& user) -> Task {
      for (int message = 0; message < 3; ++message) user.post("ask", "hello");
      co_return;
    };
    const Report report = support::run_within(limit, LoadTest{slow.url(), {.clients = clients, .messages = 1, .behaviour = post}});
    support::require_sums(report, 3 * clients);
    CHECK(report.messages().answered == 3 * clients);
    CHECK(report.metrics().unclaimed == 0);
    CHECK(report.record().duration >= report.latency().max());
  }
  SECTION("with messages that expect none") {
    const auto send = [](Session& user) -> Task {
      for (int message = 0; message < 3; ++message) user.send("hello");
      co_return;
    };
    const Report report = support::run_within(limit, LoadTest{server.url(), {.clients = clients, .messages = 1, .behaviour = send}});
    support::require_sums(report, 3 * clients);
    CHECK(report.messages().one_way == 3 * clients);
    CHECK(server.counts().messages == 3 * clients);
    CHECK(report.metrics().received == 3 * clients);
    CHECK(report.metrics().unclaimed == 3 * clients);
  }
  SECTION("with nothing at all") {
    const auto nothing = [](Session&) -> Task { co_return; };
    const Report report = support::run_within(limit, LoadTest{server.url(), {.clients = clients, .messages = 1, .behaviour = nothing}});
    support::require_sums(report, 0);
    CHECK(report.metrics().connections.succeeded == clients);
    CHECK(report.metrics().failures.total() == 0);
  }
}

TEST_CASE("what a behaviour's functions throw is an error of the behaviour, and nobody else's", "[net][withstand]") {
  const EchoServer server({.greeting = "welcome"});
  const auto oops = [](auto&&...) -> bool { throw std::runtime_error("no such thing"); };
  const auto any = [](std::string_view) { return true; };
  Hold hold;
  const auto waiting = [&] { return holding(hold, wait_for_time); };
  const std::vector<std::pair<const char*, Behaviour>> behaviours{
      {"the matcher", waiting().on_message("any", oops)},
      {"the time it was sent", waiting().on_message({"any", any,
                                                     [](std::string_view) -> std::optional<std::chrono::system_clock::time_point> {
                                                       throw std::runtime_error("no such thing");
                                                     }})},
      {"the handler",
       waiting().on_message({"any", any, {}, [](Session&, std::string_view) { throw std::runtime_error("no such thing"); }})},
      {"the correlation",
       waiting().correlate([](std::string_view) -> std::optional<std::uint64_t> { throw std::runtime_error("no such thing"); })},
      {"the handler, something that is no exception", waiting().on_message({"any", any, {}, [](Session&, std::string_view) { throw 7; }})},
      {"the start", Behaviour{[&hold](Session& user) -> Task {
         user.state<std::shared_ptr<int>>() = hold.held;
         throw std::runtime_error("no such thing");
       }}},
      {"the coroutine", holding(hold,
                                [](Session& user) -> Task {
                                  co_await user.receive();
                                  throw std::runtime_error("no such thing");
                                })},
  };
  for (const auto& [what, behaviour] : behaviours) {
    CAPTURE(what);
    {
      wsbench::Scenario scenario{.clients = clients, .messages = 1, .behaviour = behaviour};
      const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
      support::require_sums(report, report.metrics().not_sent);
      support::require_only_failure(report, Failure::behaviour_error, 0, clients);
      CHECK_FALSE(report.valid());
      CHECK(report.metrics().connections.open == 0);
    }
    CHECK(hold.given_back());
  }
}

TEST_CASE("a matcher may throw while answers are under way", "[net][withstand]") {
  // The greeting comes first, and then the answers to those who are gone.
  const EchoServer server({.delay = 20ms, .greeting = "welcome"});
  Hold hold;
  const auto ask = [](Session& user) -> Task {
    user.post("ask", "hello");
    auto reply = user.request("ask", "hello");
    co_await reply;
  };
  const auto greeted = [](std::string_view message) -> bool {
    if (message == "welcome") throw std::runtime_error("no such thing");
    return false;
  };
  {
    const wsbench::Scenario scenario{.clients = clients, .messages = 1, .behaviour = holding(hold, ask).on_message("greeting", greeted)};
    const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
    support::require_sums(report, 2 * clients + clients);  // the turn that was not taken
    support::require_only_failure(report, Failure::behaviour_error, 0, clients);
    CHECK(report.messages().answered == 2 * clients);
    CHECK(check_of(report, "went on").passed == 0);
  }
  CHECK(hold.given_back());
}

TEST_CASE("a handler may close the connection that its message came on", "[net][withstand]") {
  const EchoServer server({.greeting = "welcome"});
  const auto listen = [](Session& user) -> Task {
    const wsbench::Reply reply = co_await user.receive();
    user.check("told", !reply && reply.failure() == Failure::closed);
  };
  wsbench::Scenario scenario{.clients = clients, .messages = 1};
  scenario.behaviour = Behaviour{listen}.on_message(
      {"greeting", wsbench::containing("welcome"), {}, [](Session& user, std::string_view) { user.close(4001, "no, thank you"); }});
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, 0);
  CHECK(check_of(report, "told").passed == clients);
  CHECK(report.metrics().failures.total() == 0);
  CHECK(report.metrics().received == clients);
  CHECK(eventually([&] { return server.counts().open == 0; }));
}

TEST_CASE("messages after the end are nobody's", "[net][withstand]") {
  const MisbehavingServer server(talk_after_the_end);
  std::atomic<std::uint64_t> handled{0};
  const auto nothing = [](Session&) -> Task { co_return; };
  wsbench::Scenario scenario{.clients = clients, .messages = 1};
  scenario.behaviour =
      Behaviour{nothing}.on_message({"news", wsbench::containing("news"), {}, [&](Session&, std::string_view) { ++handled; }});
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, 0);
  CHECK(report.metrics().received == 3 * clients);
  CHECK(report.metrics().unclaimed == 3 * clients);
  CHECK(report.metrics().failures.total() == 0);
  CHECK(handled == 0);
}
