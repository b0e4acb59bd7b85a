// Compressed messages with servers that nobody here wrote.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include <wsbench/deflate.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/agreement.hpp"
#include "support/real_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::Implementation;
using support::RealServer;
using support::ServerCounts;
using wsbench::CompressionMetrics;
using wsbench::DeflateOptions;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 5;
constexpr std::uint64_t messages = 20;
constexpr std::uint64_t planned = clients * messages;
constexpr auto limit = 30s;

// Messages of many sizes, empty ones too, that resemble each other.
wsbench::Task say_much(wsbench::Session& user) {
  for (std::size_t number = 0; co_await user.turn(); ++number) {
    std::mt19937 random{static_cast<std::uint32_t>(user.id() * 1000 + number)};
    const std::size_t words = number % 6 == 0 ? 0 : number % 7 == 0 ? 40'000 : random() % 300;
    std::string message;
    for (std::size_t word = 0; word < words; ++word) message += random() % 3 == 0 ? "Grüße " : "and again ";
    wsbench::Reply reply;
    const bool binary = number % 2 == 0;
    if (binary) {
      reply = co_await user.request("say", std::as_bytes(std::span{message}));
    } else {
      reply = co_await user.request("say", std::string_view{message});
    }
    user.check("the same", reply && reply.text() == message && reply.binary() == binary);
  }
}

Report run_against(const RealServer& server, const DeflateOptions& options, std::uint64_t fragment_size) {
  const wsbench::Scenario scenario{
      .clients = clients, .messages = messages, .timeout = 10s, .behaviour = wsbench::Behaviour{say_much, "say_much"}};
  return support::run_within(
      limit, wsbench::LoadTest{server.url(), scenario, {.deflate = wsbench::deflate(options), .fragment_size = fragment_size}});
}

void require_all_the_same(const Report& report, const ServerCounts& counts) {
  INFO(report);
  support::require_agreement(report, counts, planned);
  REQUIRE(report.metrics().checks.size() == 1);
  CHECK(report.metrics().checks[0].passed == planned);
  const CompressionMetrics& compression = report.metrics().compression;
  CHECK(compression.connections == clients);
  CHECK(counts.received_bytes == compression.bytes_sent);
  CHECK(compression.bytes_received == compression.bytes_sent);
  CHECK(compression.bytes_sent_compressed < compression.bytes_sent / 3);
  CHECK(compression.bytes_received_compressed < compression.bytes_received / 3);
}

}  // namespace

TEST_CASE("compressed messages come back as they were, whoever keeps its context", "[interop][deflate]") {
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws, Implementation::aiohttp);
  const bool client_forgets = GENERATE(false, true);
  const bool server_forgets = GENERATE(false, true);
  const bool server_insists = GENERATE(false, true);
  CAPTURE(implementation, client_forgets, server_forgets, server_insists);
  RealServer server(implementation, {.deflate = true, .no_context_takeover = server_insists});
  const DeflateOptions options{.client_context_takeover = !client_forgets, .server_context_takeover = !server_forgets};
  const Report report = run_against(server, options, server_insists ? 1000 : 0);
  require_all_the_same(report, server.final_counts());
}

TEST_CASE("answers in compressed fragments, with pings between them", "[interop][deflate]") {
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws);
  CAPTURE(implementation);
  RealServer server(implementation, {.pieces = 5, .ping = true, .deflate = true});
  const wsbench::Scenario scenario{.clients = clients,
                                   .messages = messages,
                                   .timeout = 10s,
                                   .behaviour = wsbench::echo({.text = "what is said in pieces is heard as a whole, again and again"})};
  const Report report =
      support::run_within(limit, wsbench::LoadTest{server.url(), scenario, {.deflate = wsbench::deflate(), .fragment_size = 7}});
  support::require_agreement(report, server.final_counts(), planned);
  CHECK(report.messages().answered == planned);
  CHECK(report.metrics().compression.connections == clients);
}

TEST_CASE("windows smaller than the largest", "[interop][deflate]") {
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws, Implementation::aiohttp);
  const int client_window_bits = GENERATE(9, 12);
  const int server_window_bits = 21 - client_window_bits;
  CAPTURE(implementation, client_window_bits);
  RealServer server(implementation, {.deflate = true});
  const Report report = run_against(server, {.client_window_bits = client_window_bits, .server_window_bits = server_window_bits}, 0);
  require_all_the_same(report, server.final_counts());
}

TEST_CASE("a server that does not compress is talked to without", "[interop][deflate]") {
  const auto implementation = GENERATE(Implementation::python_websockets, Implementation::node_ws);
  CAPTURE(implementation);
  RealServer server(implementation);
  const Report report = run_against(server, {}, 0);
  support::require_agreement(report, server.final_counts(), planned);
  CHECK(report.metrics().compression == CompressionMetrics{});
}
