// What a session offers besides messages: its own random numbers and state, notes, pings, closing and connecting again.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
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
using wsbench::Session;
using wsbench::Task;

namespace {

std::uint64_t count(PretendedRun& run, Failure failure) {
  return run.metrics().failures.count(failure);
}

}  // namespace

// ---- random numbers and state -------------------------------------------------------------------------------------------------------

TEST_CASE("a session's random numbers follow from the seed and the client alone", "[session]") {
  const auto drawn = [](std::uint64_t seed) {
    std::vector<std::uint32_t> numbers;
    auto draw = [&](Session& user) -> Task {
      for (int i = 0; i < 4; ++i) numbers.push_back(user.random()());
      co_return;
    };
    PretendedRun run({.clients = 3, .messages = 1, .behaviour = draw}, {.seed = seed});
    run.run();
    return numbers;
  };
  const std::vector<std::uint32_t> once = drawn(1);
  CHECK(drawn(1) == once);
  CHECK(drawn(2) != once);
  std::vector<std::uint32_t> sorted = once;
  std::sort(sorted.begin(), sorted.end());
  CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
}

TEST_CASE("the random numbers serve the standard's distributions, evenly", "[session]") {
  wsbench::Random random{1, 2};
  std::uniform_int_distribution<int> die{1, 6};
  std::vector<int> thrown(7);
  for (int i = 0; i < 6000; ++i) ++thrown.at(static_cast<std::size_t>(die(random)));
  for (int face = 1; face <= 6; ++face) {
    INFO(face);
    CHECK(std::abs(thrown.at(static_cast<std::size_t>(face)) - 1000) < 150);
  }
}

TEST_CASE("a session keeps a value of each type, its own and no other's", "[session]") {
  struct Basket {
    std::vector<std::string> items{};
  };
  std::vector<std::size_t> sizes;
  auto shop = [&](Session& user) -> Task {
    while (co_await user.turn()) {
      user.state<Basket>().items.emplace_back("apple");
      user.state<int>() += 10;
      co_await user.request("buy", "apple");
    }
    sizes.push_back(user.state<Basket>().items.size());
    CHECK(user.state<int>() == 30);
  };
  PretendedRun run({.clients = 2, .messages = 3, .behaviour = shop});
  run.run();
  CHECK(sizes == std::vector<std::size_t>{3, 3});
}

TEST_CASE("a note is recorded under its label", "[session]") {
  auto log_in = [](Session& user) -> Task {
    user.note("login", 30ms);
    user.note("login", 50ms);
    user.note("logout", 1ms);
    co_return;
  };
  PretendedRun run({.clients = 2, .messages = 1, .behaviour = log_in, .expect = {wsbench::metric::note("login").max < 60ms}});
  run.run();
  REQUIRE(run.metrics().notes.size() == 2);
  CHECK(run.metrics().notes[0].label == "login");
  CHECK(run.metrics().notes[0].duration.count() == 4);
  CHECK(run.metrics().notes[0].duration.mean() == nanoseconds{40ms});
  CHECK(run.metrics().notes[1].duration.count() == 2);
  CHECK(run.report().expectations().front().met);
}

// ---- pings --------------------------------------------------------------------------------------------------------------------------

TEST_CASE("a ping gives the time until its pong", "[session]") {
  auto ping = [](Session& user) -> Task {
    for (int i = 0; i < 3; ++i) {
      const wsbench::Pong pong = co_await user.ping();
      CHECK(static_cast<bool>(pong));
      CHECK(pong.round_trip() == nanoseconds{7ms});
      co_await user.pause(1ms);
    }
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = ping, .expect = {wsbench::metric::ping.max < 8ms}});
  run.answer_time = 7ms;
  run.run();
  CHECK(run.metrics().pings.sent == 3);
  CHECK(run.metrics().pings.answered == 3);
  CHECK(run.metrics().pings.round_trip.max() == nanoseconds{7ms});
  CHECK(run.report().expectations().front().met);
}

TEST_CASE("a ping that is not answered fails at its deadline, and the connection stays", "[session]") {
  nanoseconds given_up{0};
  PretendedRun run({.clients = 1, .messages = 1, .timeout = 3s});
  auto ping = [&](Session& user) -> Task {
    const wsbench::Pong first = co_await user.ping();
    given_up = run.clock.now();
    CHECK_FALSE(static_cast<bool>(first));
    CHECK(first.failure() == Failure::ping_timeout);
    CHECK_THROWS_AS(first.round_trip(), wsbench::NoReply);
    const bool came_1 = static_cast<bool>(co_await user.request("still there?", "yes"));
    CHECK(came_1);
    const wsbench::Pong second = co_await user.ping(200ms);
    CHECK_FALSE(static_cast<bool>(second));
  };
  run.scenario.behaviour = ping;
  run.pongs = false;
  run.run();
  CHECK(given_up == nanoseconds{3s});
  CHECK(run.metrics().pings.failed == 2);
  CHECK(run.metrics().pings.round_trip.count() == 0);
  CHECK(count(run, Failure::ping_timeout) == 2);
}

TEST_CASE("the pong of an earlier ping is not the later one's", "[session]") {
  std::vector<std::string> payloads;
  auto ping = [](Session& user) -> Task {
    const bool came_2 = static_cast<bool>(co_await user.ping(10ms));
    CHECK_FALSE(came_2);
    const wsbench::Pong second = co_await user.ping(1s);
    CHECK(second.round_trip() == nanoseconds{50ms});
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = ping});
  run.pongs = false;
  run.at(1ms, [&] {
    run.wire().on_ping = [&](PretendedWire& wire, const std::string& payload) {
      payloads.push_back(payload);
      if (payloads.size() < 2) return;
      run.at(run.clock.now() + 5ms, [&] { wire.deliver_pong(payloads[0]); });
      run.at(run.clock.now() + 50ms, [&] { wire.deliver_pong(payloads[1]); });
    };
  });
  run.connect_time = 2ms;
  run.run();
  CHECK(run.metrics().pings.answered == 1);
  CHECK(run.metrics().pings.failed == 1);
}

TEST_CASE("a ping is lost with its connection", "[session]") {
  auto ping = [](Session& user) -> Task {
    const wsbench::Pong pong = co_await user.ping();
    CHECK(pong.failure() == Failure::reset);
    CHECK_FALSE(user.connected());
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = ping});
  run.pongs = false;
  run.at(5ms, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  CHECK(run.metrics().pings.sent == 1);
  CHECK(run.metrics().pings.failed == 1);
}

// ---- closing ------------------------------------------------------------------------------------------------------------------------

TEST_CASE("a behaviour closes its connection with a status and a reason, and that is no failure", "[session]") {
  auto leave = [](Session& user) -> Task {
    const bool came_3 = co_await user.turn();
    CHECK(came_3);
    co_await user.request("say", "hello");
    user.close(3001, "good bye");
    CHECK_FALSE(user.connected());
    const bool came_4 = co_await user.turn();
    CHECK_FALSE(came_4);
  };
  PretendedRun run({.clients = 1, .messages = 5, .behaviour = leave});
  run.run();
  CHECK(run.wire().close_codes == std::vector<std::uint16_t>{3001});
  CHECK(run.wire().close_reasons == std::vector<std::string>{"good bye"});
  CHECK(run.metrics().failures.total() == 0);
  CHECK(run.metrics().not_sent == 0);
  CHECK(run.messages().answered == 1);
}

TEST_CASE("what a behaviour leaves in flight when it closes comes before the server's close, or fails by name", "[session]") {
  auto leave = [](Session& user) -> Task {
    user.post("quick", "quick");
    user.post("slow", "slow");
    user.close();
    const wsbench::Reply none = co_await user.receive();
    CHECK(none.failure() == Failure::closed);
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = leave});
  run.closes_back = false;
  run.converse = [&](PretendedWire& wire, const Written& message) {
    if (message.payload == "quick") run.answer_after(1ms, wire, "answer");
  };
  run.at(10ms, [&] { run.wire().end({Failure::closed, 1000, "the server closed the connection (1000)"}); });
  run.run();
  CHECK(run.messages().answered == 1);
  CHECK(run.messages().failed == 1);
  CHECK(count(run, Failure::closed) == 1);
}

TEST_CASE("a server that never closes back is not waited for longer than close_timeout", "[session]") {
  nanoseconds through{0};
  PretendedRun run({.clients = 1, .messages = 1}, {.close_timeout = 2s});
  auto leave = [&](Session& user) -> Task {
    user.close();
    const bool came_5 = static_cast<bool>(co_await user.receive(1min));
    CHECK_FALSE(came_5);
    through = run.clock.now();
  };
  run.scenario.behaviour = leave;
  run.closes_back = false;
  run.run();
  CHECK(through == nanoseconds{2s});
}

TEST_CASE("a status or a reason that may not be sent is refused", "[session]") {
  auto leave = [](Session& user) -> Task {
    for (const int status : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
      INFO(status);
      CHECK_THROWS_AS(user.close(static_cast<std::uint16_t>(status)), wsbench::Error);
    }
    CHECK_THROWS_AS(user.close(1000, std::string(124, 'x')), wsbench::Error);
    CHECK(user.connected());
    co_return;
  };
  PretendedRun run({.clients = 1, .messages = 1, .behaviour = leave});
  run.run();
  CHECK(run.wire().close_codes == std::vector<std::uint16_t>{1000});
}

// ---- connecting again ---------------------------------------------------------------------------------------------------------------

TEST_CASE("a behaviour connects again and goes on, as its own doing", "[session]") {
  auto reconnect = [](Session& user) -> Task {
    while (co_await user.turn()) {
      const bool came_6 = static_cast<bool>(co_await user.request("say", "hello"));
      CHECK(came_6);
      const bool came_7 = co_await user.reconnect();
      CHECK(came_7);
      CHECK(user.connected());
    }
  };
  PretendedRun run({.clients = 1, .messages = 3, .behaviour = reconnect});
  run.run();
  CHECK(run.wire().opens == 4);
  CHECK(run.metrics().connections.reconnected == 3);
  CHECK(run.metrics().connections.succeeded == 1);
  CHECK(run.metrics().failures.total() == 0);
  CHECK(run.messages().answered == 3);
}

TEST_CASE("a lost connection that the behaviour makes again takes the turns that were left", "[session]") {
  auto persist = [](Session& user) -> Task {
    for (;;) {
      while (co_await user.turn()) co_await user.request("say", "hello");
      if (user.stopping() || !co_await user.reconnect()) break;
    }
  };
  PretendedRun run({.clients = 1, .messages = 5, .pace = wsbench::think(10ms), .behaviour = persist});
  run.at(25ms, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  CHECK(run.messages().answered == 5);
  CHECK(run.metrics().not_sent == 0);
  CHECK(run.metrics().connections.reconnected == 1);
  CHECK(count(run, Failure::reset) == 1);
}

TEST_CASE("where connecting again fails, what was planned is not sent", "[session]") {
  std::vector<nanoseconds> attempts;
  PretendedRun run({.clients = 1, .messages = 5});
  run.accepts = [&](std::size_t attempt) {
    if (attempt > 0) run.at(run.clock.now(), [&] { run.wire().end({Failure::refused, 0, "nobody listens"}); });
    return attempt == 0;
  };
  auto persist = [&](Session& user) -> Task {
    const bool came_8 = co_await user.turn();
    CHECK(came_8);
    const bool came_9 = static_cast<bool>(co_await user.request("say", "hello"));
    CHECK_FALSE(came_9);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const bool came_10 = co_await user.reconnect();
      CHECK_FALSE(came_10);
      attempts.push_back(run.clock.now());
    }
  };
  run.scenario.behaviour = persist;
  run.at(100us, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  REQUIRE(attempts.size() == 3);
  CHECK(attempts[1] - attempts[0] >= nanoseconds{100ms});
  CHECK(attempts[2] - attempts[1] >= nanoseconds{100ms});
  CHECK(run.messages().failed == 1);
  CHECK(run.metrics().not_sent == 4);
  CHECK(count(run, Failure::refused) == 3);
  CHECK(run.metrics().connections.reconnected == 0);
}

TEST_CASE("a behaviour that throws after it has connected again has its turns left counted once", "[session]") {
  auto fail = [](Session& user) -> Task {
    const bool came_11 = co_await user.turn();
    CHECK(came_11);
    const bool came_12 = static_cast<bool>(co_await user.request("say", "hello"));
    CHECK_FALSE(came_12);
    const bool came_13 = co_await user.reconnect();
    CHECK(came_13);
    throw std::runtime_error("enough");
  };
  PretendedRun run({.clients = 1, .messages = 5, .behaviour = fail});
  run.at(100us, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run();
  CHECK(run.metrics().not_sent == 4);
  CHECK(count(run, Failure::behaviour_error) == 1);
}

TEST_CASE("a run that is interrupted counts the turns that a lost connection has lost", "[session]") {
  auto wait = [](Session& user) -> Task {
    const bool came_14 = co_await user.turn();
    CHECK(came_14);
    const bool came_15 = static_cast<bool>(co_await user.request("say", "hello"));
    CHECK_FALSE(came_15);
    co_await user.pause(1h);
  };
  PretendedRun run({.clients = 1, .messages = 5, .behaviour = wait});
  run.at(100us, [&] { run.wire().end({Failure::reset, 0, "the server reset the connection"}); });
  run.run_until(1s);
  run.interrupt();
  CHECK(run.metrics().not_sent == 4);
}
