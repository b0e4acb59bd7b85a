// Servers that nobody gets a WebSocket connection to.

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::BoundSocket;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Failure;

namespace {

constexpr std::uint64_t clients = 4;
constexpr std::uint64_t messages = 3;
constexpr auto limit = 5s;

// No expectation: a run that reached nobody must not pass for want of one.
wsbench::Scenario few_users() {
  return {.name = "few users", .clients = clients, .messages = messages, .pace = wsbench::think(5ms), .timeout = 1s};
}

void require_no_connection(const wsbench::Report& report, Failure failure, int code = 0) {
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, failure, code, clients);
  CHECK(report.metrics().connections.attempted == clients);
  CHECK(report.metrics().connections.succeeded == 0);
  CHECK(report.metrics().connections.failed == clients);
  CHECK(report.metrics().not_sent == clients * messages);
  CHECK(report.connection_success_rate() == 0.0);
  CHECK(report.success_rate() == 0.0);
  CHECK(report.verdict() == wsbench::Verdict::no_connection);
  CHECK(report.unanswered());
  CHECK_THROWS_AS(report.latency().mean(), wsbench::NotMeasured);
  CHECK_THROWS_AS(report.connect_time().mean(), wsbench::NotMeasured);
}

wsbench::Report run_against(const std::string& url, const wsbench::Options& options = {}) {
  return support::run_within(limit, wsbench::LoadTest{url, few_users(), options});
}

MisbehavingServer::Conduct answering(std::string answer) {
  return [answer = std::move(answer)](PeerSocket& peer) {
    peer.read_request();
    peer.write(answer);
    peer.listen_in_silence();
  };
}

MisbehavingServer::Conduct agreeing_with(std::string extra_headers) {
  return [extra = std::move(extra_headers)](PeerSocket& peer) {
    peer.write(PeerSocket::agreement(peer.read_request(), extra));
    peer.listen_in_silence();
  };
}

}  // namespace

TEST_CASE("nobody listens: refused, at once", "[faults][connect]") {
  const BoundSocket unheard;
  const wsbench::Report report = run_against(unheard.url());
  require_no_connection(report, Failure::refused);
  CHECK(report.record().duration < 2s);
}

TEST_CASE("nobody listens, two workers", "[faults][connect]") {
  const BoundSocket unheard;
  require_no_connection(run_against(unheard.url(), {.workers = 2}), Failure::refused);
}

// Linux has no route for TCP to a broadcast address, this one of loopback's own, and sends nothing.
TEST_CASE("no route to the host: unreachable, at once", "[faults][connect]") {
  const wsbench::Report report = run_against("ws://127.255.255.255:9001");
  require_no_connection(report, Failure::unreachable);
  CHECK(report.record().duration < 2s);
}

TEST_CASE("a host name without an address", "[faults][connect]") {
  require_no_connection(run_against("ws://no-such-host.invalid:9001"), Failure::resolve);
}

TEST_CASE("a server whose queue of connections is full", "[faults][connect]") {
  const BoundSocket full;
  full.listen(0);
  // More than the queue holds: what is over it waits for a place that never comes free.
  std::vector<int> waiting;
  for (int i = 0; i < 8; ++i) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in address = BoundSocket::loopback(full.port());
    [[maybe_unused]] const int in_progress = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    waiting.push_back(descriptor);
  }
  const wsbench::Report report = run_against(full.url(), {.connect_timeout = 300ms});
  for (const int descriptor : waiting) ::close(descriptor);
  require_no_connection(report, Failure::connect_timeout);
}

TEST_CASE("a server that takes the connection and never answers the upgrade", "[faults][connect]") {
  const BoundSocket deaf;
  deaf.listen();
  const wsbench::Report report = run_against(deaf.url(), {.connect_timeout = 300ms});
  require_no_connection(report, Failure::upgrade_timeout);
  CHECK(report.record().duration >= 300ms);
}

TEST_CASE("a server that sends its answer to the upgrade a byte at a time, without end", "[faults][connect]") {
  MisbehavingServer server([](PeerSocket& peer) {
    peer.read_request();
    while (peer.write("x")) std::this_thread::sleep_for(10ms);
  });
  require_no_connection(run_against(server.url(), {.connect_timeout = 300ms}), Failure::upgrade_timeout);
}

TEST_CASE("a server that refuses the upgrade", "[faults][connect]") {
  const auto [status, reason] =
      GENERATE(std::pair{401, "Unauthorized"}, std::pair{403, "Forbidden"}, std::pair{404, "Not Found"},
               std::pair{429, "Too Many Requests"}, std::pair{503, "Service Unavailable"}, std::pair{200, "OK"}, std::pair{302, "Found"});
  CAPTURE(status);
  MisbehavingServer server(answering("HTTP/1.1 " + std::to_string(status) + ' ' + reason + "\r\nContent-Length: 2\r\n\r\nno"));
  const wsbench::Report report = run_against(server.url());
  require_no_connection(report, Failure::http_status, status);
  CHECK(support::entry_of(report, Failure::http_status, status)->sample.find(std::to_string(status)) != std::string::npos);
}

TEST_CASE("a server that refuses the upgrade and hangs up", "[faults][connect]") {
  MisbehavingServer server([](PeerSocket& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
  });
  require_no_connection(run_against(server.url()), Failure::http_status, 503);
}

TEST_CASE("an answer to the upgrade that is no agreement", "[faults][connect]") {
  const std::string answer = GENERATE(as<std::string>{},
                                      "SSH-2.0-OpenSSH_9.2\r\n\r\n",                                        // not HTTP
                                      std::string("\x16\x03\x01\0\xFF\r\n\r\n", 9),                         // not even text
                                      "HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",  // no reason phrase
                                      "HTTP/1.1 abc Strange\r\n\r\n",                                       // no status
                                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",  // no key
                                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",  // another key
                                      "HTTP/1.1 101 Switching Protocols\r\nno colon here\r\n\r\n");  // no header
  CAPTURE(answer);
  MisbehavingServer server(answering(answer));
  require_no_connection(run_against(server.url()), Failure::bad_handshake);
}

TEST_CASE("a 101 for another protocol than WebSocket", "[faults][connect]") {
  MisbehavingServer server([](PeerSocket& peer) {
    peer.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
               PeerSocket::accept_key(peer.read_request()) + "\r\n\r\n");
    peer.listen_in_silence();
  });
  require_no_connection(run_against(server.url()), Failure::bad_handshake);
}

TEST_CASE("a server that agrees to what nobody offered", "[faults][connect]") {
  SECTION("an extension") {
    MisbehavingServer server(agreeing_with("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    require_no_connection(run_against(server.url()), Failure::bad_handshake);
  }
  SECTION("a subprotocol, where none was asked for") {
    MisbehavingServer server(agreeing_with("Sec-WebSocket-Protocol: chat\r\n"));
    require_no_connection(run_against(server.url()), Failure::bad_handshake);
  }
  SECTION("another subprotocol than those asked for") {
    MisbehavingServer server(agreeing_with("Sec-WebSocket-Protocol: chat\r\n"));
    require_no_connection(run_against(server.url(), {.subprotocols = {"chat.v1", "chat.v2"}}), Failure::bad_handshake);
  }
}

TEST_CASE("a header without end", "[faults][connect]") {
  const std::string filler = GENERATE(as<std::string>{}, "X-Filler: " + std::string(1000, 'a') + "\r\n", std::string(1000, 'a'));
  MisbehavingServer server([&filler](PeerSocket& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 101 Switching Protocols\r\n");
    while (peer.write(filler)) {
    }
  });
  require_no_connection(run_against(server.url()), Failure::bad_handshake);
}

TEST_CASE("a megabyte of lawful headers", "[faults][connect]") {
  std::string headers;
  for (int number = 0; number < 1024; ++number) headers += "X-" + std::to_string(number) + ": " + std::string(1014, 'a') + "\r\n";
  MisbehavingServer server(agreeing_with(headers));
  const wsbench::Report report = run_against(server.url());
  require_no_connection(report, Failure::bad_handshake);
  CHECK(support::entry_of(report, Failure::bad_handshake)->sample.find("header") != std::string::npos);
}

TEST_CASE("a server that goes away during the upgrade", "[faults][connect]") {
  SECTION("by an end") {
    MisbehavingServer server([](PeerSocket& peer) { peer.read_request(); });
    require_no_connection(run_against(server.url()), Failure::abnormal);
  }
  SECTION("by an end in the middle of its answer") {
    MisbehavingServer server([](PeerSocket& peer) {
      peer.read_request();
      peer.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs");
    });
    require_no_connection(run_against(server.url()), Failure::abnormal);
  }
  SECTION("by a reset") {
    MisbehavingServer server([](PeerSocket& peer) {
      peer.read_request();
      peer.reset();
    });
    require_no_connection(run_against(server.url()), Failure::reset);
  }
}

TEST_CASE("one server that answers and one that does not", "[faults][connect]") {
  MisbehavingServer sound([](PeerSocket& peer) {
    if (peer.upgrade()) peer.echo();
  });
  const BoundSocket unheard;
  wsbench::Scenario scenario = few_users();
  scenario.expect = {wsbench::metric::connection_success_rate == 1.0};
  const wsbench::Report report =
      support::run_within(limit, wsbench::LoadTest{std::vector<std::string>{sound.url(), unheard.url()}, scenario});
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, Failure::refused, 0, clients / 2);
  CHECK(report.connection_success_rate() == 0.5);
  CHECK(report.success_rate() == 0.5);
  CHECK(sound.connections() == clients / 2);
  CHECK(report.verdict() == wsbench::Verdict::failed);
}

// The other side of the coin: what is lawful must not be refused.
TEST_CASE("an unusual but lawful answer to the upgrade", "[faults][connect]") {
  const auto answer = GENERATE(
      as<std::string (*)(const std::string&)>{},
      [](const std::string& key) {  // any case, no space after the colon, more than one option
        return "HTTP/1.1 101 Switching Protocols\r\nupgrade:WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n"
               "sec-websocket-accept:   " +
               key + "  \r\nServer: unusual\r\n\r\n";
      },
      [](const std::string& key) {  // an empty reason phrase (RFC 7230 section 3.1.2 wants but the space)
        return "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + key + "\r\n\r\n";
      });
  const bool in_bytes = GENERATE(false, true);
  MisbehavingServer server([&](PeerSocket& peer) {
    const std::string text = answer(PeerSocket::accept_key(peer.read_request()));
    for (std::size_t at = 0; at < text.size(); at += in_bytes ? 1 : text.size()) {
      if (!peer.write(std::string_view(text).substr(at, in_bytes ? 1 : text.size()))) return;
    }
    peer.echo();
  });
  const wsbench::Report report = run_against(server.url());
  support::require_sums(report, clients * messages);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  support::check_passed(report);
}
