// Compressed and fragmented messages between a load test and a server, over real sockets.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/deflate.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::ClientFrame;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::CompressionMetrics;
using wsbench::DeflateOptions;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 4;
constexpr std::uint64_t messages = 25;
constexpr std::uint64_t planned = clients * messages;
constexpr auto limit = 20s;

// Each of its messages is another, of another size, text or bytes; what comes back has to be the same.
wsbench::Task say_much(wsbench::Session& user) {
  for (std::size_t number = 0; co_await user.turn(); ++number) {
    std::mt19937 random{static_cast<std::uint32_t>(user.id() * 1000 + number)};
    const std::size_t size = number % 5 == 0 ? 0 : number % 7 == 0 ? 100'000 : random() % 2'000;
    std::string message;
    while (message.size() < size) message += number % 3 == 0 ? static_cast<char>(random() % 256) : "abcdé"[random() % 4];
    const bool binary = number % 3 == 0;
    wsbench::Reply reply;
    if (binary) {
      reply = co_await user.request("say", std::as_bytes(std::span{message}));
    } else {
      reply = co_await user.request("say", std::string_view{message});
    }
    user.check("the same", reply && reply.text() == message && reply.binary() == binary);
  }
}

wsbench::Scenario talk() {
  return {.clients = clients, .messages = messages, .behaviour = wsbench::Behaviour{say_much, "say_much"}};
}

void require_all_the_same(const Report& report) {
  support::require_sums(report, planned);
  CHECK(report.messages().answered == planned);
  CHECK(report.metrics().failures.total() == 0);
  REQUIRE(report.metrics().checks.size() == 1);
  CHECK(report.metrics().checks[0].passed == planned);
}

}  // namespace

TEST_CASE("compressed messages come back as they were, and the report says what it saved", "[net][deflate]") {
  const bool client_keeps = GENERATE(true, false);
  const bool server_keeps = GENERATE(true, false);
  const std::uint64_t fragment_size = GENERATE(0U, 100U);
  CAPTURE(client_keeps, server_keeps, fragment_size);
  const DeflateOptions options{.client_context_takeover = client_keeps, .server_window_bits = server_keeps ? 15 : 10};
  const EchoServer server{{.deflate = wsbench::deflate({.server_context_takeover = server_keeps}), .fragment_size = fragment_size}};
  const Report report = support::run_within(
      limit, LoadTest{server.url(), talk(), {.workers = 2, .deflate = wsbench::deflate(options), .fragment_size = fragment_size}});
  INFO(report);
  require_all_the_same(report);
  const CompressionMetrics& compression = report.metrics().compression;
  CHECK(compression.connections == clients);
  CHECK(compression.bytes_sent == compression.bytes_received);
  CHECK(compression.bytes_sent > 100'000);
  CHECK(compression.bytes_sent_compressed < compression.bytes_sent * 2 / 3);
  CHECK(compression.bytes_received_compressed < compression.bytes_received * 2 / 3);
  // What went out is what was compressed, its frames and the handshakes.
  CHECK(report.metrics().bytes_sent > compression.bytes_sent_compressed);
  if (fragment_size == 0) CHECK(report.metrics().bytes_sent < compression.bytes_sent_compressed + planned * 14 + clients * 500);
  CHECK(report.record().configuration.deflate == options);
  CHECK(report.record().configuration.fragment_size == fragment_size);
  const std::string text = wsbench::to_text(report);
  CHECK(text.find("  compression       permessage-deflate on 4 of 4 connections, at most ") != text.npos);
}

TEST_CASE("a server that does not compress is talked to without", "[net][deflate]") {
  const EchoServer server;
  const Report report = support::run_within(limit, LoadTest{server.url(), talk(), {.deflate = wsbench::deflate()}});
  require_all_the_same(report);
  CHECK(report.metrics().compression == CompressionMetrics{});
  CHECK(wsbench::to_text(report).find("permessage-deflate on 0 of 4 connections") != std::string::npos);
}

TEST_CASE("nothing is compressed unless it is asked for", "[net][deflate]") {
  const EchoServer server{{.deflate = wsbench::deflate()}};
  const Report report = support::run_within(limit, LoadTest{server.url(), talk()});
  require_all_the_same(report);
  CHECK(report.metrics().compression == CompressionMetrics{});
  CHECK(wsbench::to_text(report).find("compression") == std::string::npos);
}

TEST_CASE("each connection begins with a context of its own, those opened again too", "[net][deflate]") {
  const EchoServer server{{.deflate = wsbench::deflate()}};
  wsbench::Scenario scenario = talk();
  scenario.behaviour = wsbench::Behaviour{[](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      const wsbench::Reply reply = co_await user.request("say", "the same each time, which compresses well");
      user.check("the same", reply && reply.text() == "the same each time, which compresses well");
      co_await user.reconnect();
    }
  }};
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario, {.deflate = wsbench::deflate()}});
  require_all_the_same(report);
  CHECK(report.metrics().compression.connections == planned + clients);
}

TEST_CASE("messages go out in frames of the size that was asked for, wherever that cuts a letter", "[net][fragments]") {
  const bool compressed = GENERATE(false, true);
  CAPTURE(compressed);
  std::mutex mutex;
  std::vector<ClientFrame> frames;
  {
    MisbehavingServer server([&](PeerSocket& peer) {
      const std::string request = peer.read_request();
      peer.write(PeerSocket::agreement(request, compressed ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : ""));
      while (const auto next = peer.read_frame()) {
        if (next->opcode == support::close_opcode) return;
        const std::lock_guard lock(mutex);
        frames.push_back(*next);
      }
    });
    const std::string message = "gr\xc3\xbc\xc3\x9f dich";
    const wsbench::Scenario scenario{.clients = 1, .messages = 1, .timeout = 100ms, .behaviour = wsbench::echo({.text = message})};
    support::run_within(limit,
                        LoadTest{server.url(), scenario, {.deflate = compressed ? wsbench::deflate() : nullptr, .fragment_size = 3}});
  }
  REQUIRE(frames.size() >= 4);
  std::string joined;
  for (std::size_t n = 0; n < frames.size(); ++n) {
    CAPTURE(n);
    CHECK(frames[n].opcode == (n == 0 ? support::text_opcode : support::continuation_opcode));
    CHECK(frames[n].compressed == (compressed && n == 0));
    CHECK(frames[n].fin == (n + 1 == frames.size()));
    CHECK((frames[n].fin ? frames[n].payload.size() <= 3 : frames[n].payload.size() == 3));
    joined += frames[n].payload;
  }
  if (!compressed) CHECK(joined == "gr\xc3\xbc\xc3\x9f dich");
  const auto codecs = wsbench::deflate()->codecs();
  if (compressed) CHECK(codecs->codec({}, wsbench::detail::Role::server)->inflate(joined, 100).payload == "gr\xc3\xbc\xc3\x9f dich");
}
