// A chat server that keeps its own books, and reports that must say the same.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/json_member.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/chat_server.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::ChatCounts;
using support::ChatServer;
using wsbench::Behaviour;
using wsbench::LoadTest;
using wsbench::Metrics;
using wsbench::Reply;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;

namespace {

constexpr auto limit = 20s;

struct Numbers {
  std::uint64_t next{1};
};

std::string_view answer_to(std::string_view operation) {
  if (operation == "login") return "welcome";
  if (operation == "join") return "joined";
  if (operation == "leave") return "left";
  return "taken";
}

// Asks for something under its own name, and checks that the server agrees.
Task ask(Session& user, std::string operation, std::string more = {}) {
  const std::string id = std::to_string(user.state<Numbers>().next++);
  const Reply reply = co_await user.request(operation, R"({"id":)" + id + R"(,"op":")" + operation + '"' + more + '}');
  user.check(operation, reply.contains(R"({"id":)" + id + R"(,"op":")" + std::string(answer_to(operation)) + '"'));
}

Task enter(Session& user, std::string_view role) {
  co_await ask(user, "login", R"(,"role":")" + std::string(role) + '"');
  co_await ask(user, "join");
}

Task say(Session& user) {
  user.send(R"({"op":"typing"})");
  co_await ask(user, "say", R"(,"text":"from )" + std::to_string(user.id()) + '"');
}

Task chatter(Session& user) {
  co_await enter(user, "chatter");
  while (co_await user.turn()) {
    co_await say(user);
    if (user.random()() % 4 == 0) user.check("pong", static_cast<bool>(co_await user.ping()));
  }
  co_await ask(user, "leave");
}

Task lurker(Session& user) {
  co_await enter(user, "lurker");
  while (!user.stopping()) {
    co_await user.pause(20ms);
    user.check("pong", static_cast<bool>(co_await user.ping()));
  }
  co_await ask(user, "leave");
}

// Goes every third time, without leaving the room, and comes back.
Task restless(Session& user) {
  co_await enter(user, "restless");
  for (int said = 1; co_await user.turn(); ++said) {
    co_await say(user);
    if (said % 3 != 0) continue;
    user.check("back", co_await user.reconnect());
    co_await enter(user, "restless");
  }
  co_await ask(user, "leave");
}

Behaviour in_chat(Task (*talk)(Session&), std::string name) {
  return Behaviour{talk, std::move(name)}.correlate(wsbench::json_member("id")).on_message("said", wsbench::containing(R"("op":"said")"));
}

std::uint64_t count_in(const std::map<std::string, std::uint64_t>& counts, std::string_view operation) {
  const auto found = counts.find(std::string(operation));
  return found == counts.end() ? 0 : found->second;
}

std::uint64_t passed(const Metrics& metrics, std::string_view name) {
  for (const wsbench::CheckCount& check : metrics.checks) {
    if (check.name == name) return check.passed;
  }
  return 0;
}

wsbench::MessageMetrics labelled(const Metrics& metrics, std::string_view label) {
  for (const wsbench::LabelMetrics& entry : metrics.labels) {
    if (entry.label == label) return entry.messages;
  }
  return {};
}

std::uint64_t pushed(const Metrics& metrics) {
  std::uint64_t count = 0;
  for (const wsbench::PushMetrics& push : metrics.pushes) count += push.count;
  return count;
}

// Requires that what the users counted is what the server did, label for label; they were all served.
void require_same_books(const Metrics& metrics, const ChatCounts& counts) {
  INFO(counts);
  for (const std::string_view operation : {"login", "join", "say", "leave"}) {
    CAPTURE(operation);
    const wsbench::MessageMetrics messages = labelled(metrics, operation);
    CHECK(messages.sent == count_in(counts.heard, operation));
    CHECK(messages.answered == count_in(counts.said, answer_to(operation)));
    CHECK(messages.answered == messages.sent);
    CHECK(passed(metrics, operation) == messages.sent);
  }
  CHECK(count_in(counts.said, "refused") == 0);
  CHECK(labelled(metrics, "").one_way == count_in(counts.heard, "typing"));
  CHECK(metrics.messages().one_way == count_in(counts.heard, "typing"));
  CHECK(metrics.messages().sent == ChatCounts::sum(counts.heard));
  CHECK(pushed(metrics) + metrics.unclaimed == count_in(counts.said, "said"));
  CHECK(metrics.received == ChatCounts::sum(counts.said));
  CHECK(metrics.pings.sent == counts.pings);
  CHECK(metrics.pings.answered == counts.pings);
  CHECK(metrics.pings.round_trip.count() == counts.pings);
  CHECK(metrics.connections.succeeded + metrics.connections.reconnected == counts.logins);
  CHECK(metrics.not_sent == 0);
  CHECK(metrics.late == 0);
  CHECK(metrics.duplicated == 0);
  CHECK(metrics.failures.total() == 0);
  for (const wsbench::CheckCount& check : metrics.checks) CHECK(check.failed == 0);
}

// Runs a scenario to its end, by when everybody has left the room.
Report talk(ChatServer& server, wsbench::Scenario scenario, std::uint64_t workers, const wsbench::Pace& pace = wsbench::think(2ms)) {
  scenario.pace = pace;
  const Report report = support::run_within(limit, LoadTest{server.url(), std::move(scenario), {.workers = workers}});
  INFO(report);
  support::require_sums(report, report.messages().sent);
  return report;
}

}  // namespace

TEST_CASE("the report of a chat is what the server has in its books", "[net][chat]") {
  const std::uint64_t workers = GENERATE(1U, 2U);
  const wsbench::Pace pace = GENERATE(wsbench::think(2ms), wsbench::flat_out(), wsbench::rate(1000));
  CAPTURE(workers, to_string(pace));
  constexpr std::uint64_t clients = 10, messages = 20;
  ChatServer server;
  const Report report = talk(server, {.clients = clients, .messages = messages, .behaviour = in_chat(chatter, "chatter")}, workers, pace);
  const ChatCounts counts = server.counts();
  require_same_books(report.metrics(), counts);
  CHECK(labelled(report.metrics(), "say").sent == clients * messages);
  CHECK(labelled(report.metrics(), "say").response_time.count() == clients * messages);
  CHECK(report.metrics().unclaimed == 0);
  // Everybody hears at least their own.
  CHECK(pushed(report.metrics()) >= clients * messages);
  CHECK(counts.pings > 0);
  CHECK(server.members() == 0);
}

TEST_CASE("the parts of a mix have each what the server has in its books for them", "[net][chat]") {
  const std::uint64_t workers = GENERATE(1U, 2U);
  ChatServer server;
  const Behaviour mixed = wsbench::mix(
      {{.behaviour = in_chat(chatter, "chatter"), .weight = 70}, {.behaviour = in_chat(lurker, "lurker").endless(), .weight = 30}});
  const Report report = talk(server, {.clients = 10, .duration = 500ms, .behaviour = mixed}, workers);
  const auto& parts = report.record().parts;
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].metrics.connections.succeeded == 7);
  CHECK(parts[1].metrics.connections.succeeded == 3);
  ChatCounts all;
  for (const wsbench::PartRecord& part : parts) {
    CAPTURE(part.name);
    const ChatCounts counts = server.counts_of(part.name);
    require_same_books(part.metrics, counts);
    CHECK(pushed(part.metrics) > 0);
    CHECK(part.metrics.unclaimed == 0);
    all.add(counts);
  }
  CHECK(labelled(parts[1].metrics, "say").sent == 0);
  CHECK(parts[1].metrics.pings.answered > 0);
  CHECK(all == server.counts());
  require_same_books(report.metrics(), all);
}

TEST_CASE("users who go and come back in the middle of a chat are in the server's books as in the report's", "[net][chat]") {
  const std::uint64_t workers = GENERATE(1U, 2U);
  constexpr std::uint64_t clients = 6, messages = 10, absences = messages / 3;
  ChatServer server;
  const Report report = talk(server, {.clients = clients, .messages = messages, .behaviour = in_chat(restless, "restless")}, workers);
  const ChatCounts counts = server.counts();
  require_same_books(report.metrics(), counts);
  CHECK(report.metrics().unclaimed == 0);
  CHECK(report.metrics().connections.succeeded == clients);
  CHECK(report.metrics().connections.reconnected == clients * absences);
  CHECK(passed(report.metrics(), "back") == clients * absences);
  CHECK(labelled(report.metrics(), "say").answered == clients * messages);
}

TEST_CASE("what is said to users who are going already is nobody's, and told", "[net][chat]") {
  constexpr std::uint64_t clients = 8, messages = 10;
  // The later ones speak longer, and none of them leaves the room.
  const auto abrupt = [](Session& user) -> Task {
    co_await enter(user, "abrupt");
    for (std::uint64_t said = 0; said < messages + 5 * user.id() && co_await user.turn(); ++said) co_await say(user);
  };
  ChatServer server;
  wsbench::Scenario scenario{.clients = clients, .messages = messages + 5 * clients};
  scenario.behaviour = Behaviour{abrupt}.correlate(wsbench::json_member("id")).on_message("said", wsbench::containing(R"("op":"said")"));
  const Report report = talk(server, scenario, 1);
  require_same_books(report.metrics(), server.counts());
  CHECK(support::eventually([&] { return server.members() == 0; }));
}

TEST_CASE("what the server refuses is an answer and a failed check", "[net][chat]") {
  constexpr std::uint64_t clients = 4, messages = 5;
  const auto stranger = [](Session& user) -> Task {
    co_await ask(user, "join");
    co_await ask(user, "login");
    while (co_await user.turn()) co_await ask(user, "say");
    co_await ask(user, "leave");
  };
  ChatServer server;
  wsbench::Scenario scenario{.clients = clients, .messages = messages};
  scenario.behaviour = Behaviour{stranger}.correlate(wsbench::json_member("id"));
  const Report report = talk(server, scenario, 1);
  const ChatCounts counts = server.counts();
  INFO(counts);
  std::uint64_t failed = 0;
  for (const wsbench::CheckCount& check : report.metrics().checks) failed += check.failed;
  CHECK(failed == clients * (1 + messages + 1));
  CHECK(count_in(counts.said, "refused") == failed);
  CHECK(report.messages().answered == clients * (3 + messages));
  CHECK(passed(report.metrics(), "login") == clients);
}

TEST_CASE("answers that come late, twice or unasked are told apart as the server did it", "[net][chat]") {
  constexpr std::uint64_t clients = 8, messages = 12, said = clients * messages;
  const auto patient = [](Session& user) -> Task {
    co_await enter(user, "patient");
    while (co_await user.turn()) {
      const std::string id = std::to_string(user.state<Numbers>().next++);
      const Reply reply = co_await user.request("say", R"({"id":)" + id + R"(,"op":"say","text":"hello"})", 500ms);
      user.check("taken", static_cast<bool>(reply));
    }
    co_await ask(user, "leave");
  };
  ChatServer server({.withheld_every = 20, .twice_every = 7, .unasked_every = 5});
  wsbench::Scenario scenario{.clients = clients, .messages = messages};
  scenario.behaviour = Behaviour{patient}.correlate(wsbench::json_member("id")).on_message("said", wsbench::containing(R"("op":"said")"));
  const Report report = talk(server, scenario, 1);
  const ChatCounts counts = server.counts();
  INFO(counts);
  CHECK(counts.withheld == said / 20);
  CHECK(counts.unasked == said / 5);
  CHECK(counts.doubled > 0);
  const wsbench::MessageMetrics messages_said = labelled(report.metrics(), "say");
  CHECK(messages_said.sent == said);
  CHECK(messages_said.failed == counts.withheld);
  CHECK(messages_said.answered == count_in(counts.said, "taken") - counts.withheld - counts.doubled - counts.unasked);
  CHECK(passed(report.metrics(), "taken") == messages_said.answered);
  CHECK(report.metrics().late == counts.withheld);
  CHECK(report.metrics().duplicated == counts.doubled);
  CHECK(report.metrics().unclaimed == counts.unasked);
  CHECK(report.metrics().received == ChatCounts::sum(counts.said));
  CHECK(pushed(report.metrics()) == count_in(counts.said, "said"));
  CHECK(report.metrics().failures.count(wsbench::Failure::timeout) == counts.withheld);
  CHECK(report.metrics().failures.total() == counts.withheld);
}
