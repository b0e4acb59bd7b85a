// Each option of the echo server, shown to be true by a client.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 4;
constexpr std::uint64_t messages = 5;
constexpr std::uint64_t planned = clients * messages;
constexpr auto limit = 10s;

wsbench::Scenario few_users() {
  return {.name = "few users", .clients = clients, .messages = messages};
}

Report run_against(const EchoServer& server, const wsbench::Scenario& scenario = few_users()) {
  return support::run_within(limit, wsbench::LoadTest{server.url(), scenario});
}

// What the server counted when all its connections had ended, which it may notice after the client.
EchoServer::Counts counts_at_end(const EchoServer& server) {
  REQUIRE(support::eventually([&] { return server.counts().open == 0; }));
  return server.counts();
}

void require_all_answered(const Report& report) {
  support::require_sums(report, planned);
  CHECK(report.messages().answered == planned);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.metrics().failures.total() == 0);
}

// A turn each, in which the user does this once connected.
wsbench::Scenario one_user(std::function<wsbench::Task(wsbench::Session&)> behaviour) {
  return {.clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{std::move(behaviour)}};
}

bool ipv6_is_there() {
  const int descriptor = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool there = descriptor >= 0 && ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (descriptor >= 0) ::close(descriptor);
  return there;
}

template <class Action>
std::optional<wsbench::Error> error_of(Action action) {
  try {
    action();
  } catch (const wsbench::Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("an echo server sends back what came, and counts it", "[net][echo_server]") {
  struct Row {
    const char* what;
    std::string message;
    bool binary;
  };
  const Row row = GENERATE(values<Row>({{"nothing", "", false},
                                        {"text", "é €", false},
                                        {"bytes that are no text", "\xFF\xC0", true},
                                        {"more than one read takes", std::string(1 << 20, 'x'), false}}));
  CAPTURE(row.what);
  const EchoServer server;
  wsbench::Scenario scenario = few_users();
  const auto ask = [&row](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      wsbench::Reply reply;
      if (row.binary) {
        reply = co_await user.request("echo", std::as_bytes(std::span{row.message}));
      } else {
        reply = co_await user.request("echo", std::string_view{row.message});
      }
      user.check("the same", reply && reply.text() == row.message && reply.binary() == row.binary);
    }
  };
  scenario.behaviour = wsbench::Behaviour{ask};
  scenario.expect = {wsbench::metric::check("the same") == 1.0};
  const Report report = run_against(server, scenario);
  require_all_answered(report);
  support::check_passed(report);
  CHECK(counts_at_end(server) ==
        EchoServer::Counts{.connections = clients, .open = 0, .messages = planned, .answered = planned, .swallowed = 0});
}

TEST_CASE("an echo server counts the connections that are open", "[net][echo_server]") {
  const EchoServer server;
  CHECK(server.counts() == EchoServer::Counts{});
  const wsbench::Scenario scenario{.clients = clients, .duration = 1h, .pace = wsbench::think(1h)};
  wsbench::Run run = wsbench::LoadTest{server.url(), scenario}.start();
  CHECK(support::eventually([&] { return server.counts().open == clients; }));
  CHECK(server.counts().connections == clients);
  run.stop();
  CHECK(run.wait_for(limit));
  CHECK(support::eventually([&] { return server.counts().open == 0; }));
  CHECK(server.counts().connections == clients);
}

TEST_CASE("an echo server answers after its delay", "[net][echo_server]") {
  const EchoServer server({.delay = 30ms});
  const Report report = run_against(server);
  require_all_answered(report);
  CHECK(report.service_time().min() >= 30ms);
  CHECK(report.latency().min() >= 30ms);
  CHECK(counts_at_end(server).answered == planned);
}

TEST_CASE("an echo server's delay keeps the order and holds up nobody", "[net][echo_server]") {
  constexpr int sends = 50;
  const EchoServer server({.delay = 50ms});
  std::vector<std::string> came;
  const auto ask_much = [&came](wsbench::Session& user) -> wsbench::Task {
    if (!co_await user.turn()) co_return;
    for (int i = 0; i < sends; ++i) user.send(std::to_string(i));
    while (came.size() < sends) {
      const wsbench::Reply reply = co_await user.receive();
      if (!reply) co_return;
      came.emplace_back(reply.text());
    }
  };
  const Report report = run_against(server, one_user(ask_much));
  INFO(report);
  REQUIRE(came.size() == sends);
  for (int i = 0; i < sends; ++i) CHECK(came[static_cast<std::size_t>(i)] == std::to_string(i));
  // One after the other they would take 50 delays.
  CHECK(report.record().duration >= 50ms);
  CHECK(report.record().duration < 1s);
}

TEST_CASE("an echo server forgets the delayed answers of a client that is gone", "[net][echo_server]") {
  const EchoServer server({.delay = 200ms});
  const auto leave = [](wsbench::Session& user) -> wsbench::Task {
    if (co_await user.turn()) user.send("do not wait for me");
  };
  const Report report = run_against(server, one_user(leave));
  CHECK(report.messages().one_way == 1);
  const EchoServer::Counts counts = counts_at_end(server);
  CHECK(counts.messages == 1);
  CHECK(counts.answered == 0);
  // And it still serves others.
  require_all_answered(run_against(server));
  CHECK(counts_at_end(server).answered == planned);
}

TEST_CASE("an echo server that sends to all sends each message to everybody", "[net][echo_server]") {
  struct Row {
    const char* what;
    EchoServer::Options options;
    std::uint64_t swallowed;
  };
  const Row row = GENERATE(values<Row>({{"at once", {.to_all = true}, 0},
                                        {"after a delay", {.to_all = true, .delay = 20ms}, 0},
                                        {"but for some", {.to_all = true, .swallow_every = 4}, planned / 4}}));
  CAPTURE(row.what);
  const EchoServer server(row.options);
  const std::uint64_t heard_by_each = planned - row.swallowed;
  const auto talk = [&](wsbench::Session& user) -> wsbench::Task {
    while (server.counts().open < clients) co_await user.pause(1ms);
    for (std::uint64_t i = 0; i < messages; ++i) user.send(std::to_string(user.id() * messages + i));
    std::vector<std::uint64_t> heard;
    while (heard.size() < heard_by_each) {
      const wsbench::Reply reply = co_await user.receive();
      if (!reply) break;
      heard.push_back(std::stoull(std::string(reply.text())));
    }
    // What one user says comes in the order it was said, once.
    std::stable_sort(heard.begin(), heard.end(), [](auto one, auto other) { return one / messages < other / messages; });
    user.check("all, in order",
               heard.size() == heard_by_each && std::adjacent_find(heard.begin(), heard.end(), std::greater_equal{}) == heard.end());
  };
  wsbench::Scenario scenario = one_user(talk);
  scenario.clients = clients;
  scenario.expect = {wsbench::metric::check("all, in order") == 1.0};
  const Report report = run_against(server, scenario);
  INFO(report);
  CHECK(report.expectations().front().met);
  CHECK(report.metrics().received == clients * heard_by_each);
  CHECK(counts_at_end(server) ==
        EchoServer::Counts{
            .connections = clients, .open = 0, .messages = planned, .answered = clients * heard_by_each, .swallowed = row.swallowed});
}

TEST_CASE("an echo server that sends to all gives each client its own pong", "[net][echo_server]") {
  const EchoServer server({.to_all = true});
  // Ping and message arrive with one read: the pong waits to be written as the message goes to everybody.
  const auto ping_and_say = [&](wsbench::Session& user) -> wsbench::Task {
    while (server.counts().open < clients) co_await user.pause(1ms);
    wsbench::PendingPong pending = user.ping(2s);
    user.send("hello");
    const wsbench::Pong pong = co_await pending;
    user.check("pong", static_cast<bool>(pong));
    while (server.counts().messages < clients) co_await user.pause(1ms);
  };
  wsbench::Scenario scenario = one_user(ping_and_say);
  scenario.clients = clients;
  const Report report = run_against(server, scenario);
  INFO(report);
  CHECK(report.metrics().pings.answered == clients);
  CHECK(report.metrics().failures.total() == 0);
}

TEST_CASE("an echo server that sends to all leaves out who is gone or not there yet", "[net][echo_server]") {
  const EchoServer server({.to_all = true, .delay = 100ms});
  // Accepted before the others, and never more than that.
  const sockaddr_in address = support::BoundSocket::loopback(server.port());
  const int bystander = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(bystander, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const auto leave_or_listen = [&](wsbench::Session& user) -> wsbench::Task {
    while (server.counts().connections < clients) co_await user.pause(1ms);
    if (user.id() == 0) {
      user.send("remember me");
      co_return;
    }
    const wsbench::Reply reply = co_await user.receive(2s);
    user.check("heard", reply.contains("remember me"));
  };
  wsbench::Scenario scenario = one_user(leave_or_listen);
  scenario.clients = clients;
  scenario.expect = {wsbench::metric::check("heard") == 1.0};
  const Report report = run_against(server, scenario);
  INFO(report);
  CHECK(report.expectations().front().met);
  const EchoServer::Counts counts = counts_at_end(server);
  CHECK(counts.messages == 1);
  CHECK(counts.answered == clients - 1);
  ::close(bystander);
}

TEST_CASE("an echo server stalls when it was told to", "[net][echo_server]") {
  constexpr auto stall = 400ms;
  const wsbench::Scenario scenario{.clients = 2, .messages = 100, .pace = wsbench::think(2ms)};
  // A client's message is under way or due within the think time: it waits for about all of the stall, and at least for half of it on
  // a machine that is busy.
  const auto require_stalled = [stall](const Report& report) {
    INFO(report);
    support::require_sums(report, 200);
    CHECK(report.success_rate() == 1.0);
    CHECK(report.latency().max() >= stall / 2);
    CHECK(report.latency().min() < stall / 2);
    CHECK(report.latency().percentile(0.5) < stall / 2);
  };

  SECTION("at a time after its start") {
    const EchoServer server({.stall_at = 50ms, .stall_for = stall});
    require_stalled(run_against(server, scenario));
  }
  SECTION("from now on") {
    EchoServer server;
    wsbench::Run run = wsbench::LoadTest{server.url(), scenario}.start();
    REQUIRE(support::eventually([&] { return server.counts().answered > 0; }));
    server.stall(stall);
    REQUIRE(run.wait_for(limit));
    require_stalled(run.wait());
  }
  SECTION("never, by default") {
    const EchoServer server({.stall_at = 50ms});
    const Report report = run_against(server, scenario);
    CHECK(report.success_rate() == 1.0);
    CHECK(report.latency().max() < 10s);
  }
}

TEST_CASE("an echo server swallows every nth message", "[net][echo_server]") {
  constexpr std::uint64_t every = 3, swallowed = planned / every;
  const EchoServer server({.swallow_every = every});
  wsbench::Scenario scenario = few_users();
  scenario.timeout = 300ms;
  scenario.expect = {wsbench::metric::errors == 0.0};
  const Report report = run_against(server, scenario);
  support::require_sums(report, planned);
  support::require_only_failure(report, Failure::timeout, 0, swallowed);
  CHECK(report.messages().failed == swallowed);
  CHECK(report.messages().answered == planned - swallowed);
  CHECK(
      counts_at_end(server) ==
      EchoServer::Counts{.connections = clients, .open = 0, .messages = planned, .answered = planned - swallowed, .swallowed = swallowed});
}

TEST_CASE("an echo server closes every nth connection at its first message", "[net][echo_server]") {
  constexpr std::uint64_t many = 9, every = 3, closed = many / every;
  const EchoServer server({.close_every = every});
  wsbench::Scenario scenario = few_users();
  scenario.clients = many;
  const Report report = run_against(server, scenario);
  support::require_sums(report, many * messages);
  CHECK(report.metrics().connections.succeeded == many);
  const auto entry = support::entry_of(report, Failure::closed, 1001);
  REQUIRE(entry.has_value());
  CHECK(entry->count == closed);
  CHECK(report.metrics().failures.total() == closed);
  CHECK(report.messages().answered == (many - closed) * messages);
  CHECK(report.messages().failed == closed);
  CHECK(report.metrics().not_sent == closed * (messages - 1));
  const EchoServer::Counts counts = counts_at_end(server);
  CHECK(counts.connections == many);
  CHECK(counts.messages == (many - closed) * messages + closed);
  CHECK(counts.answered == (many - closed) * messages);
}

TEST_CASE("an echo server greets each client", "[net][echo_server]") {
  const EchoServer server({.greeting = "welcome"});
  wsbench::Scenario scenario = few_users();
  const auto listen_first = [](wsbench::Session& user) -> wsbench::Task {
    const wsbench::Reply greeting = co_await user.receive(2s);
    user.check("greeted", greeting && greeting.text() == "welcome" && !greeting.binary());
    while (co_await user.turn()) {
      const wsbench::Reply reply = co_await user.request("echo", "hello");
      user.check("answered", reply && reply.text() == "hello");
    }
  };
  scenario.behaviour = wsbench::Behaviour{listen_first};
  scenario.expect = {wsbench::metric::check("greeted") == 1.0, wsbench::metric::check("answered") == 1.0};
  const Report report = run_against(server, scenario);
  require_all_answered(report);
  support::check_passed(report);
  CHECK(report.metrics().received == planned + clients);
  CHECK(report.metrics().unclaimed == 0);
}

TEST_CASE("an echo server listens where it is told to", "[net][echo_server]") {
  SECTION("at a port of its own choice") {
    const EchoServer one, another;
    CHECK(one.port() != 0);
    CHECK(one.port() != another.port());
    CHECK(one.url() == "ws://127.0.0.1:" + std::to_string(one.port()));
    require_all_answered(run_against(one));
    CHECK(counts_at_end(one).messages == planned);
    CHECK(another.counts() == EchoServer::Counts{});
  }
  SECTION("at a port that is given") {
    std::uint16_t port = 0;
    {
      const EchoServer before;
      port = before.port();
    }
    const EchoServer server({.port = port});
    CHECK(server.port() == port);
    require_all_answered(run_against(server));
  }
  SECTION("at an IPv6 address") {
    if (!ipv6_is_there()) return;
    const EchoServer server({.address = "::1"});
    CHECK(server.url() == "ws://[::1]:" + std::to_string(server.port()));
    require_all_answered(run_against(server));
  }
}

TEST_CASE("an echo server that cannot listen says why", "[net][echo_server]") {
  SECTION("the port is taken") {
    const EchoServer server;
    const std::uint16_t port = server.port();
    const auto error = error_of([port] { EchoServer{{.port = port}}; });
    REQUIRE(error.has_value());
    CHECK(error->member() == "port");
    CHECK(error->problem().find(std::to_string(port)) != std::string::npos);
  }
  SECTION("the address is none") {
    const auto error = error_of([] { EchoServer{{.address = "localhost:1"}}; });
    REQUIRE(error.has_value());
    CHECK(error->member() == "address");
    CHECK(error->problem().find("localhost:1") != std::string::npos);
  }
  SECTION("the address is somebody else's") {
    // TEST-NET-1 (RFC 5737) is no machine's.
    const auto error = error_of([] { EchoServer{{.address = "192.0.2.1"}}; });
    REQUIRE(error.has_value());
    CHECK(error->problem().find("192.0.2.1") != std::string::npos);
  }
}

TEST_CASE("an echo server that is stopped", "[net][echo_server]") {
  SECTION("listens no more") {
    EchoServer server;
    server.stop();
    server.stop();
    const Report report = run_against(server);
    support::require_sums(report, planned);
    support::require_only_failure(report, Failure::refused, 0, clients);
    CHECK(report.verdict() == wsbench::Verdict::no_connection);
  }
  SECTION("takes its connections with it") {
    EchoServer server;
    const wsbench::Scenario scenario{.clients = clients, .messages = 1'000'000, .pace = wsbench::think(1ms)};
    wsbench::Run run = wsbench::LoadTest{server.url(), scenario}.start();
    REQUIRE(support::eventually([&] { return server.counts().answered > 10 * clients; }));
    server.stop();
    REQUIRE(run.wait_for(limit));
    const Report report = run.wait();
    support::require_sums(report, clients * 1'000'000);
    CHECK(report.metrics().failures.count(Failure::abnormal) + report.metrics().failures.count(Failure::reset) == clients);
    CHECK(report.metrics().failures.total() == clients);
  }
  SECTION("does not wait for answers that are due later") {
    EchoServer server({.delay = 1h});
    wsbench::Run run = wsbench::LoadTest{server.url(), few_users()}.start();
    REQUIRE(support::eventually([&] { return server.counts().messages == clients; }));
    server.stop();
    CHECK(run.wait_for(limit));
    CHECK(server.counts().answered == 0);
  }
}

TEST_CASE("an echo server that a client treats badly goes on serving others", "[net][echo_server]") {
  struct Row {
    const char* what;
    std::string bytes;
  };
  const Row row = GENERATE(values<Row>({{"hangs up at once", ""},
                                        {"speaks another protocol", "EHLO there\r\n\r\n"},
                                        {"asks for no WebSocket", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
                                        {"sends half a request", "GET / HTTP/1.1\r\nHost"}}));
  CAPTURE(row.what);
  const EchoServer server;
  const sockaddr_in address = support::BoundSocket::loopback(server.port());
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::send(descriptor, row.bytes.data(), row.bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(row.bytes.size()));
  ::close(descriptor);
  require_all_answered(run_against(server));
  CHECK(counts_at_end(server).connections == clients);
}
