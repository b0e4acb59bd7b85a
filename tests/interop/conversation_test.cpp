// What servers that nobody here wrote may do in a conversation: fragments, pings, large messages, closing.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/agreement.hpp"
#include "support/real_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::Conduct;
using support::Implementation;
using support::RealServer;
using support::ServerCounts;
using wsbench::Failure;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 5;
constexpr std::uint64_t messages = 10;
constexpr std::uint64_t planned = clients * messages;
constexpr auto limit = 20s;

Implementation any_implementation() {
  return GENERATE(Implementation::python_websockets, Implementation::node_ws);
}

// Asks for its message to come back, and checks that it does: every byte, in a frame of the same kind.
wsbench::Behaviour ask_for(std::string message, bool binary) {
  return wsbench::Behaviour{[message = std::move(message), binary](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      wsbench::Reply reply;
      if (binary) {
        reply = co_await user.request("echo", std::as_bytes(std::span{message}));
      } else {
        reply = co_await user.request("echo", std::string_view{message});
      }
      user.check("the same", reply && reply.text() == message);
      user.check("the same kind", reply.binary() == binary);
    }
  }};
}

wsbench::Scenario asking_for(std::string message, bool binary) {
  return {.clients = clients, .messages = messages, .timeout = 10s, .behaviour = ask_for(std::move(message), binary)};
}

void require_all_checks_passed(const Report& report) {
  REQUIRE(report.metrics().checks.size() == 2);
  for (const wsbench::CheckCount& check : report.metrics().checks) {
    CAPTURE(check.name);
    CHECK(check.passed == planned);
    CHECK(check.failed == 0);
  }
}

// Text of this many bytes in which every code point is of more than one, so that a cut by bytes is a cut in mid code point.
std::string text_of(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() + 4 <= bytes; ++i) text += i % 2 == 0 ? "é" : "€";
  return text.append(bytes - text.size(), '.');
}

// Bytes of every value.
std::string bytes_of(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  return bytes;
}

}  // namespace

TEST_CASE("answers in fragments, with pings between them", "[interop]") {
  const auto implementation = any_implementation();
  const bool binary = GENERATE(false, true);
  const bool ping = GENERATE(false, true);
  CAPTURE(implementation, binary, ping);
  constexpr std::uint64_t pieces = 7;

  RealServer server(implementation, {.pieces = pieces, .ping = ping});
  const std::string message = binary ? bytes_of(1001) : text_of(1001);
  const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), asking_for(message, binary)});
  const ServerCounts counts = server.final_counts();

  support::require_agreement(report, counts, planned);
  require_all_checks_passed(report);
  CHECK(counts.received_binary == (binary ? planned : 0));
  CHECK(counts.received_bytes == planned * message.size());
  CHECK(counts.pings == (ping ? planned * pieces : 0));
}

TEST_CASE("messages of every form of length come back whole", "[interop]") {
  const auto implementation = any_implementation();
  const bool binary = GENERATE(false, true);
  const std::size_t size = GENERATE(0U, 1U, 125U, 126U, 65'535U, 65'536U, 1U << 20U);
  CAPTURE(implementation, binary, size);

  RealServer server(implementation);
  const std::string message = binary ? bytes_of(size) : text_of(size);
  const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), asking_for(message, binary)});
  const ServerCounts counts = server.final_counts();

  support::require_agreement(report, counts, planned);
  require_all_checks_passed(report);
  CHECK(counts.received_binary == (binary ? planned : 0));
  CHECK(counts.received_bytes == planned * size);
}

TEST_CASE("a server that closes is counted with its code and its reason", "[interop]") {
  struct Row {
    std::uint16_t code;
    std::string reason;
  };
  const auto implementation = any_implementation();
  const Row row = GENERATE(values<Row>({{1000, ""}, {1001, "going away"}, {1011, "too much"}, {4001, "genug für heute"}}));
  constexpr std::uint64_t answers = 4;
  CAPTURE(implementation, row.code, row.reason);

  Conduct conduct{.close_code = row.code, .close_reason = row.reason};
  const wsbench::Scenario scenario{
      .clients = clients, .messages = messages, .pace = wsbench::think(2ms), .expect = {wsbench::metric::errors == 0.0}};
  const auto require_closed = [&](const Report& report, const ServerCounts& counts) {
    INFO(report);
    INFO(counts);
    support::require_sums(report, planned);
    support::require_only_failure(report, Failure::closed, row.code, clients);
    CHECK(support::entry_of(report, Failure::closed, row.code)->sample.find(row.reason) != std::string::npos);
    CHECK(report.messages().answered == clients * answers);
    CHECK(report.metrics().received == clients * answers);
    CHECK(report.verdict() == wsbench::Verdict::failed);
    CHECK(report.metrics().connections.succeeded == clients);
    CHECK(counts.connections == clients);
    CHECK(counts.sent == clients * answers);
    // An endpoint answers a close with the code that came (RFC 6455 section 5.5.1).
    CHECK(counts.close_codes == std::map<std::string, std::uint64_t>{{std::to_string(row.code), clients}});
    CHECK(counts.errors.empty());
  };

  SECTION("after an answer") {
    conduct.close_after = answers;
    RealServer server(implementation, conduct);
    const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), scenario});
    require_closed(report, server.final_counts());
    // Whether the next message crossed the close is up to the threads; all after it had no connection to go to.
    CHECK(report.messages().failed <= clients);
  }
  SECTION("in place of an answer") {
    conduct.close_at = answers + 1;
    RealServer server(implementation, conduct);
    const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), scenario});
    const ServerCounts counts = server.final_counts();
    require_closed(report, counts);
    CHECK(report.messages().failed == clients);
    CHECK(report.metrics().not_sent == clients * (messages - answers - 1));
    CHECK(counts.received == report.messages().sent);
  }
}
