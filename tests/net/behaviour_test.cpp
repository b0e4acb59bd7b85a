// Conversations that an embedder writes, over real sockets.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::frame;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;
namespace metric = wsbench::metric;

namespace {

constexpr std::uint64_t clients = 4;
constexpr std::uint64_t messages = 5;
constexpr std::uint64_t planned = clients * messages;
constexpr auto limit = 10s;

Task chat_user(Session& user) {
  user.send(R"({"op":"join","room":"lobby"})");
  const auto welcome = co_await user.receive(2s);
  user.check("welcomed", welcome.contains("ok"));
  while (co_await user.turn()) co_await user.request("post", R"({"op":"say","text":"hello"})");
}

// Answers who joins with this welcome, and what is said with what was said.
MisbehavingServer::Conduct chat_server(std::string welcome) {
  return [welcome = std::move(welcome)](PeerSocket& peer) {
    if (!peer.upgrade()) return;
    while (const auto message = peer.read_message()) {
      const bool joins = message->payload.find(R"("op":"join")") != std::string::npos;
      if (!peer.write(frame(joins ? welcome : message->payload))) return;
    }
    peer.write(support::close_frame(1000));
  };
}

wsbench::Scenario scenario_of(wsbench::Behaviour behaviour) {
  return {.name = "chat", .clients = clients, .messages = messages, .pace = wsbench::think(2ms), .behaviour = std::move(behaviour)};
}

wsbench::CheckCount check_of(const Report& report, std::string_view name) {
  for (const wsbench::CheckCount& check : report.metrics().checks) {
    if (check.name == name) return check;
  }
  return {};
}

}  // namespace

TEST_CASE("a chat user joins, is welcomed and talks", "[net][behaviour]") {
  const MisbehavingServer server(chat_server(R"({"ok":true})"));
  wsbench::Scenario scenario = scenario_of(chat_user);
  scenario.expect = {metric::check("welcomed") == 1.0, metric::latency("post").p50 < 5s, metric::success_rate == 1.0};
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, planned + clients);
  INFO(report);
  support::check_passed(report);
  CHECK(check_of(report, "welcomed").passed == clients);
  CHECK(check_of(report, "welcomed").failed == 0);
  CHECK(report.messages().one_way == clients);
  CHECK(report.messages().answered == planned);
  CHECK(report.latency("post").count() == planned);
  CHECK_THROWS_AS(report.latency("join"), wsbench::NotMeasured);
  CHECK(report.metrics().received == planned + clients);
  CHECK(report.metrics().unclaimed == 0);
  CHECK(server.connections() == clients);
}

TEST_CASE("a chat user who is not welcome", "[net][behaviour]") {
  const MisbehavingServer server(chat_server(R"({"error":"full"})"));
  wsbench::Scenario scenario = scenario_of(chat_user);
  scenario.pace = wsbench::flat_out();  // in which nothing leaves late, however busy the machine
  scenario.expect = {metric::check("welcomed") == 1.0};
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, planned + clients);
  CHECK(check_of(report, "welcomed").failed == clients);
  CHECK(report.valid());
  CHECK(report.verdict() == wsbench::Verdict::failed);
}

TEST_CASE("labels are timed apart", "[net][behaviour]") {
  const EchoServer server;
  const auto two_labels = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.request("read", "r");
      co_await user.request("write", "w");
      co_await user.request("write", "w");
    }
  };
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(two_labels)});
  support::require_sums(report, 3 * planned);
  CHECK(report.latency("read").count() == planned);
  CHECK(report.latency("write").count() == 2 * planned);
  CHECK(report.latency().count() == 3 * planned);
  // Only the first message of a turn has the turn's time; the others start when they are sent.
  CHECK(report.metrics().schedule_lag.count() == planned);
  CHECK(report.latency("write").mean() == report.service_time("write").mean());
}

TEST_CASE("a reply that does not come", "[net][behaviour]") {
  const EchoServer server({.swallow_every = 1});
  SECTION("is false and says why") {
    const auto look = [](Session& user) -> Task {
      while (co_await user.turn()) {
        const wsbench::Reply reply = co_await user.request("ask", "hello", 50ms);
        user.check("timeout", !reply && reply.failure() == Failure::timeout && !reply.contains(""));
      }
    };
    const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(look)});
    support::require_sums(report, planned);
    support::require_only_failure(report, Failure::timeout, 0, planned);
    CHECK(check_of(report, "timeout").passed == planned);
    CHECK(report.metrics().failures.by_count().front().sample.find("50 ms") != std::string::npos);
  }
  SECTION("ends the session where its text is taken, and is no error of the behaviour") {
    const auto trust = [](Session& user) -> Task {
      while (co_await user.turn()) {
        const wsbench::Reply reply = co_await user.request("ask", "hello", 50ms);
        user.check("never reached", reply.text().empty());
      }
    };
    const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(trust)});
    support::require_sums(report, planned);
    support::require_only_failure(report, Failure::timeout, 0, clients);
    CHECK(report.metrics().not_sent == clients * (messages - 1));
    CHECK(report.metrics().checks.empty());
  }
  SECTION("is no failure where nothing was asked") {
    const auto listen = [](Session& user) -> Task {
      const wsbench::Reply reply = co_await user.receive(50ms);
      user.check("timeout", !reply && reply.failure() == Failure::timeout);
    };
    const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(listen)});
    support::require_sums(report, 0);
    CHECK(check_of(report, "timeout").passed == clients);
    CHECK(report.metrics().failures.total() == 0);
    CHECK_FALSE(report.success_rate().has_value());
  }
}

TEST_CASE("a behaviour that throws makes the report invalid", "[net][behaviour]") {
  const EchoServer server;
  const auto fail = [](Session& user) -> Task {
    if (!co_await user.turn()) co_return;
    co_await user.request("ask", "hello");
    if (user.id() % 2 == 1) throw std::out_of_range("beyond the end");
    while (co_await user.turn()) co_await user.request("ask", "hello");
  };
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(fail)});
  support::require_sums(report, planned);
  support::require_only_failure(report, Failure::behaviour_error, 0, clients / 2);
  CHECK(report.metrics().failures.by_count().front().sample.find("beyond the end") != std::string::npos);
  CHECK(report.metrics().not_sent == clients / 2 * (messages - 1));
  CHECK_FALSE(report.valid());
  CHECK(report.verdict() == wsbench::Verdict::invalid);
}

TEST_CASE("a user pauses as long as it says", "[net][behaviour]") {
  const EchoServer server;
  std::mutex mutex;
  std::vector<std::chrono::nanoseconds> pauses;
  const auto pause = [&](Session& user) -> Task {
    const auto before = std::chrono::steady_clock::now();
    co_await user.pause(60ms);
    const std::lock_guard lock(mutex);
    pauses.push_back(std::chrono::steady_clock::now() - before);
  };
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(pause)});
  support::require_sums(report, 0);
  REQUIRE(pauses.size() == clients);
  for (const auto length : pauses) CHECK(length >= 60ms);
  // At once and not one after the other, however long each was.
  CHECK(report.record().duration < clients * 60ms + 1s);
}

TEST_CASE("a user who takes no turns learns that the load is over", "[net][behaviour]") {
  const EchoServer server;
  const auto talk = [](Session& user) -> Task {
    while (!user.stopping()) {
      co_await user.request("ask", "hello");
      co_await user.pause(5ms);
    }
    user.check("stopped by itself", true);
  };
  wsbench::Scenario scenario = scenario_of(talk);
  scenario.messages = 0;
  scenario.duration = 150ms;
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, report.messages().sent);
  CHECK(check_of(report, "stopped by itself").passed == clients);
  CHECK(report.messages().answered >= clients);
  CHECK(report.success_rate() == 1.0);
}

TEST_CASE("a user who takes no notice of the end is sent home", "[net][behaviour]") {
  const EchoServer server;
  const auto alive = std::make_shared<int>();
  const auto talk_for_ever = [alive](Session& user) -> Task {
    const std::shared_ptr<int> held = alive;
    for (;;) co_await user.request("ask", "hello");
  };
  wsbench::Scenario scenario = scenario_of(talk_for_ever);
  scenario.messages = 0;
  scenario.duration = 100ms;
  scenario.timeout = 100ms;
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  support::require_sums(report, report.messages().sent + report.metrics().not_sent);
  CHECK(report.messages().answered > 0);
  // What the users held is given back.
  scenario.behaviour = {};
  CHECK(alive.use_count() == 2);
}

TEST_CASE("a user who loses the connection is told so", "[net][behaviour]") {
  const EchoServer server({.close_every = 1});
  const auto ask = [](Session& user) -> Task {
    while (co_await user.turn()) {
      const wsbench::Reply reply = co_await user.request("ask", "hello");
      user.check("closed", !reply && reply.failure() == Failure::closed);
    }
    user.check("ended", true);
  };
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario_of(ask)});
  support::require_sums(report, planned);
  support::require_only_failure(report, Failure::closed, 1001, clients);
  CHECK(check_of(report, "closed").passed == clients);
  CHECK(check_of(report, "ended").passed == clients);
}
