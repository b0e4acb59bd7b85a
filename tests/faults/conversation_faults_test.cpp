// Servers that open a WebSocket connection and then do not what they should.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::close_frame;
using support::frame;
using support::frame_header;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Failure;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 4;
constexpr std::uint64_t messages = 3;
constexpr auto limit = 5s;

wsbench::Scenario few_users(std::chrono::nanoseconds timeout = 2s) {
  return {.name = "few users", .clients = clients, .messages = messages, .pace = wsbench::think(5ms), .timeout = timeout};
}

wsbench::Options patient_with_nobody() {
  return {.close_timeout = 200ms, .max_message_size = 64 * 1024};
}

Report run_against(const MisbehavingServer& server, const wsbench::Scenario& scenario = few_users()) {
  return support::run_within(limit, wsbench::LoadTest{server.url(), scenario, patient_with_nobody()});
}

// Every client connected, sent one message, lost its connection to `failure` for it, and the rest was not sent.
void require_lost_at_first_message(const Report& report, Failure failure, int code = 0) {
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, failure, code, clients);
  CHECK(report.metrics().connections.succeeded == clients);
  CHECK(report.messages().sent == clients);
  CHECK(report.messages().failed == clients);
  CHECK(report.messages().answered == 0);
  CHECK(report.metrics().not_sent == clients * (messages - 1));
  CHECK(report.success_rate() == 0.0);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  CHECK_THROWS_AS(report.latency().mean(), wsbench::NotMeasured);
}

// Every client connected and nothing was answered; whether a message left before the connection was lost is up to the threads.
void require_lost_before_any_answer(const Report& report, Failure failure, int code = 0) {
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, failure, code, clients);
  CHECK(report.metrics().connections.succeeded == clients);
  CHECK(report.messages().answered == 0);
  CHECK(report.success_rate() == 0.0);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
}

// Answers the first message of each connection with these bytes, and keeps the statuses with which the clients then close.
class WrongAnswers {
 public:
  explicit WrongAnswers(std::string bytes)
      : server_([this, bytes = std::move(bytes)](PeerSocket& peer) {
          if (!peer.upgrade() || !peer.read_message()) return;
          peer.write(bytes);
          const std::optional<std::uint16_t> code = peer.read_close_code();
          const std::lock_guard lock(mutex_);
          close_codes_.push_back(code.value_or(1006));
        }) {}

  const MisbehavingServer& server() const noexcept { return *server_; }

  // Of all clients; the server has stopped.
  std::vector<std::uint16_t> close_codes() {
    server_.reset();
    return close_codes_;
  }

 private:
  std::mutex mutex_{};
  std::vector<std::uint16_t> close_codes_{};
  std::optional<MisbehavingServer> server_;
};

void require_fault(const std::string& bytes, Failure failure, const std::vector<std::uint16_t>& lawful_codes) {
  WrongAnswers wrong(bytes);
  const Report report = run_against(wrong.server());
  require_lost_at_first_message(report, failure);
  // RFC 6455 section 7.1.7: an endpoint that fails the connection should say why.
  const std::vector<std::uint16_t> codes = wrong.close_codes();
  REQUIRE(codes.size() == clients);
  for (const std::uint16_t code : codes) CHECK_THAT(lawful_codes, Catch::Matchers::VectorContains(code));
}

}  // namespace

TEST_CASE("a server that never answers a message", "[faults][conversation]") {
  MisbehavingServer server([](PeerSocket& peer) {
    if (peer.upgrade()) peer.listen_in_silence();
  });
  const Report report = run_against(server, few_users(200ms));
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, Failure::timeout, 0, clients * messages);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  CHECK(report.messages().sent == clients * messages);
  CHECK(report.messages().failed == clients * messages);
  CHECK(report.success_rate() == 0.0);
  CHECK(*report.messages().failed_time.min() >= 200ms);
  CHECK_THROWS_AS(report.latency().mean(), wsbench::NotMeasured);
  CHECK(server.connections() == clients);
}

TEST_CASE("a server that never answers a message, asked in what nothing numbers", "[faults][conversation]") {
  MisbehavingServer server([](PeerSocket& peer) {
    if (peer.upgrade()) peer.listen_in_silence();
  });
  wsbench::Scenario scenario = few_users(200ms);
  scenario.behaviour = wsbench::echo({.text = "hello"});
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, Failure::timeout, 0, clients * messages);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  // A missed answer could still come and be taken for the next one's: each was followed by another connection.
  CHECK(report.metrics().connections.attempted == clients);
  CHECK(report.metrics().connections.reconnected >= clients * (messages - 1));
  CHECK(server.connections() >= clients * messages);
}

TEST_CASE("an answer after its deadline is late, and nobody else's", "[faults][conversation]") {
  // Each first message is answered together with the second, which is a deadline later.
  MisbehavingServer server([](PeerSocket& peer) {
    if (!peer.upgrade()) return;
    const auto first = peer.read_message();
    const auto second = peer.read_message();
    if (!first || !second) return;
    peer.write(frame(first->payload) + frame(second->payload));
    peer.echo();
  });
  wsbench::Scenario scenario = few_users(300ms);
  scenario.expect = {wsbench::metric::errors == 0.0};
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, Failure::timeout, 0, clients);
  CHECK(report.messages().answered == clients * (messages - 1));
  CHECK(report.metrics().late == clients);
  CHECK(report.latency().max() < 300ms);
}

TEST_CASE("a server that sends half a frame and then nothing", "[faults][conversation]") {
  const std::string half = GENERATE(as<std::string>{}, frame_header({}, 100) + std::string(50, 'x'), "\x81", std::string("\x81\x7E\0", 3));
  MisbehavingServer server([&half](PeerSocket& peer) {
    if (!peer.upgrade() || !peer.read_message()) return;
    peer.write(half);
    peer.listen_in_silence();
  });
  const Report report = run_against(server, few_users(200ms));
  support::require_sums(report, clients * messages);
  support::require_only_failure(report, Failure::timeout, 0, clients * messages);
  CHECK(report.unanswered());
}

TEST_CASE("a server that closes right after the upgrade", "[faults][conversation]") {
  SECTION("in one write with its answer") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade(close_frame(1013, "try again later"))) peer.listen_in_silence();
    });
    const Report report = run_against(server);
    require_lost_before_any_answer(report, Failure::closed, 1013);
    CHECK(support::entry_of(report, Failure::closed, 1013)->sample.find("try again later") != std::string::npos);
  }
  SECTION("in a write of its own, and hangs up") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade()) peer.write(close_frame(1011));
      peer.read_close_code();
    });
    require_lost_before_any_answer(run_against(server), Failure::closed, 1011);
  }
  SECTION("without a status") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade(frame({}, {.opcode = support::close_opcode}))) peer.listen_in_silence();
    });
    require_lost_before_any_answer(run_against(server), Failure::closed, 1005);
  }
}

TEST_CASE("a server that closes at the first message: by its status, and what was in flight is lost", "[faults][conversation]") {
  const auto code = GENERATE(as<std::uint16_t>{}, 1001, 1008, 1011, 1013);
  CAPTURE(code);
  MisbehavingServer server([code](PeerSocket& peer) {
    if (!peer.upgrade() || !peer.read_message()) return;
    peer.write(close_frame(code, "so be it"));
    peer.read_close_code();
  });
  require_lost_at_first_message(run_against(server), Failure::closed, code);
}

TEST_CASE("a server that goes away without a close frame", "[faults][conversation]") {
  SECTION("right after the upgrade") {
    MisbehavingServer server([](PeerSocket& peer) { peer.upgrade(); });
    const Report report = run_against(server);
    support::require_sums(report, clients * messages);
    CHECK(report.metrics().connections.succeeded == clients);
    // A message that crosses the end meets a reset.
    CHECK(report.metrics().failures.count(Failure::abnormal) + report.metrics().failures.count(Failure::reset) == clients);
    CHECK(report.metrics().failures.total() == clients);
    CHECK(report.verdict() == wsbench::Verdict::failed);
  }
  SECTION("at the first message") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade()) peer.read_message();
    });
    require_lost_at_first_message(run_against(server), Failure::abnormal);
  }
  SECTION("in the middle of a frame") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade() && peer.read_message()) peer.write(frame_header({}, 100) + "part");
    });
    require_lost_at_first_message(run_against(server), Failure::abnormal);
  }
}

TEST_CASE("a server that resets the connection", "[faults][conversation]") {
  SECTION("right after the upgrade") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade()) peer.reset();
    });
    const Report report = run_against(server);
    support::require_sums(report, clients * messages);
    support::require_only_failure(report, Failure::reset, 0, clients);
    CHECK(report.unanswered());
  }
  SECTION("at the first message") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (peer.upgrade() && peer.read_message()) peer.reset();
    });
    require_lost_at_first_message(run_against(server), Failure::reset);
  }
  SECTION("after an answer") {
    MisbehavingServer server([](PeerSocket& peer) {
      if (!peer.upgrade()) return;
      if (const auto message = peer.read_message()) peer.write(frame(message->payload));
      if (peer.read_message()) peer.reset();
    });
    wsbench::Scenario scenario = few_users();
    scenario.expect = {wsbench::metric::success_rate > 0.99};
    const Report report = run_against(server, scenario);
    support::require_sums(report, clients * messages);
    support::require_only_failure(report, Failure::reset, 0, clients);
    CHECK(report.messages().answered == clients);
    CHECK(report.messages().failed == clients);
    CHECK(report.metrics().not_sent == clients * (messages - 2));
  }
}

TEST_CASE("a server that closes every connection at its nth message", "[faults][conversation]") {
  constexpr std::uint64_t closes_at = 4, planned_each = 10;
  MisbehavingServer server([](PeerSocket& peer) {
    if (!peer.upgrade()) return;
    for (std::uint64_t count = 1; const auto message = peer.read_message(); ++count) {
      if (count == closes_at) break;
      if (!peer.write(frame(message->payload))) return;
    }
    peer.write(close_frame(4000, "enough"));
    peer.read_close_code();
  });
  wsbench::Scenario scenario = few_users();
  scenario.messages = planned_each;
  scenario.expect = {wsbench::metric::success_rate > 0.99};
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * planned_each);
  support::require_only_failure(report, Failure::closed, 4000, clients);
  CHECK(report.messages().answered == clients * (closes_at - 1));
  CHECK(report.messages().failed == clients);
  CHECK(report.metrics().not_sent == clients * (planned_each - closes_at));
  CHECK(report.verdict() == wsbench::Verdict::failed);
  CHECK(server.connections() == clients);
}

TEST_CASE("a server that breaks the framing", "[faults][conversation]") {
  struct Row {
    const char* what;
    std::string bytes;
  };
  const Row row =
      GENERATE(values<Row>({{"a masked frame", frame("hello", {.masked = true})},
                            {"an opcode for data that is reserved", frame("hello", {.opcode = 0x3})},
                            {"an opcode for control that is reserved", frame("hello", {.opcode = 0xB})},
                            {"the first reserved bit", frame("hello", {.reserved_bits = 4})},
                            {"the second reserved bit", frame("hello", {.reserved_bits = 2})},
                            {"the third reserved bit", frame("hello", {.reserved_bits = 1})},
                            {"a ping of 126 bytes", frame(std::string(126, 'x'), {.opcode = support::ping_opcode})},
                            {"a close of 126 bytes", frame("\x03\xE8" + std::string(124, 'x'), {.opcode = support::close_opcode})},
                            {"a ping in fragments", frame("hello", {.opcode = support::ping_opcode, .fin = false})},
                            {"a continuation of nothing", frame("hello", {.opcode = support::continuation_opcode})},
                            {"a message inside another", frame("hello", {.fin = false}) + frame("hello")},
                            {"a length in a longer form than it needs", frame("hello", {.longest_length = true})},
                            {"a close of one byte", frame("x", {.opcode = support::close_opcode})},
                            {"a close with a status below all", close_frame(999)},
                            {"a close with a status that is never sent", close_frame(1005)},
                            {"a close with another status that is never sent", close_frame(1006)}}));
  CAPTURE(row.what);
  require_fault(row.bytes, Failure::protocol, {1002});
}

TEST_CASE("a server that sends text that is not UTF-8", "[faults][conversation]") {
  struct Row {
    const char* what;
    std::string bytes;
  };
  const Row row = GENERATE(values<Row>({{"a byte that never occurs", frame("hello \xFF")},
                                        {"a surrogate", frame("\xED\xA0\x80")},
                                        {"an overlong form", frame("\xC0\xAF")},
                                        {"beyond the last code point", frame("\xF4\x90\x80\x80")},
                                        {"an end in mid code point", frame("hello \xE2\x82")},
                                        {"an end in mid code point, in fragments",
                                         frame("hello \xE2", {.fin = false}) + frame("\x82", {.opcode = support::continuation_opcode})},
                                        {"the reason of a close", close_frame(1000, "\xFF")}}));
  CAPTURE(row.what);
  require_fault(row.bytes, Failure::protocol, {1002, 1007});
}

TEST_CASE("a server that sends more than is accepted", "[faults][conversation]") {
  const std::string too_much(64 * 1024 + 1, 'x');
  SECTION("in one frame") {
    require_fault(frame(too_much), Failure::too_big, {1009});
  }
  SECTION("in fragments") {
    const std::string half = too_much.substr(0, 40'000);
    require_fault(frame(half, {.fin = false}) + frame(half, {.opcode = support::continuation_opcode}), Failure::too_big, {1009});
  }
  SECTION("as its header says: 2^63 - 1 bytes") {
    require_fault(frame_header({}, std::numeric_limits<std::int64_t>::max()), Failure::too_big, {1009});
  }
  SECTION("as its header says, with the highest bit set, which is against the protocol too") {
    require_fault(frame_header({}, std::uint64_t{1} << 63U), Failure::too_big, {1009});
  }
  SECTION("as its second header says: 2^63 - 1 bytes after a few") {
    require_fault(frame("hello", {.fin = false}) +
                      frame_header({.opcode = support::continuation_opcode}, std::numeric_limits<std::int64_t>::max()) + "hello",
                  Failure::too_big, {1009});
  }
}

TEST_CASE("a server that stops reading while a client asks", "[faults][conversation]") {
  MisbehavingServer server(
      [](PeerSocket& peer) {
        if (peer.upgrade()) peer.ignore();
      },
      4096);
  wsbench::Scenario scenario = few_users(300ms);
  scenario.behaviour = wsbench::echo({.size = std::size_t{8} << 20U});  // more than the kernel takes
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * messages);
  INFO(report);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  const wsbench::FailureTally& failures = report.metrics().failures;
  CHECK(failures.count(Failure::timeout) + failures.count(Failure::backpressure) == failures.total());
}

TEST_CASE("a server that stops reading while a client floods it", "[faults][conversation]") {
  constexpr std::uint64_t sends = 1000;
  MisbehavingServer server(
      [](PeerSocket& peer) {
        if (peer.upgrade()) peer.ignore();
      },
      4096);
  wsbench::Scenario scenario = few_users(300ms);
  scenario.messages = 1;
  scenario.expect = {wsbench::metric::errors == 0.0};
  const std::string flood(64 * 1024, 'x');
  const auto flooding = [&flood](wsbench::Session& user) -> wsbench::Task {
    while (co_await user.turn()) {
      for (std::uint64_t i = 0; i < sends; ++i) user.send(flood);
    }
  };
  scenario.behaviour = wsbench::Behaviour{flooding, "flood"};
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * sends);
  INFO(report);
  CHECK(report.metrics().failures.count(Failure::backpressure) > 0);
  CHECK(report.metrics().failures.count(Failure::backpressure) == report.metrics().failures.total());
  CHECK(report.metrics().not_sent > 0);
  CHECK_FALSE(report.passed());
}

TEST_CASE("a server that answers messages and no ping", "[faults][conversation]") {
  MisbehavingServer server([](PeerSocket& peer) {
    if (peer.upgrade()) peer.echo();
  });
  wsbench::Scenario scenario = few_users();
  scenario.messages = 100'000;
  scenario.expect = {wsbench::metric::errors == 0.0};
  wsbench::Options options = patient_with_nobody();
  options.ping_every = 100ms;
  options.ping_timeout = 200ms;
  const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), scenario, options});
  support::require_sums(report, clients * scenario.messages);
  support::require_only_failure(report, Failure::ping_timeout, 0, clients);
  CHECK(support::entry_of(report, Failure::ping_timeout)->first_at >= 300ms);
  CHECK(report.messages().answered > 0);
  CHECK(report.metrics().pings.sent == clients);
  CHECK(report.metrics().pings.failed == clients);
}

TEST_CASE("a server that pings without end and reads nothing", "[faults][conversation]") {
  MisbehavingServer server(
      [](PeerSocket& peer) {
        const std::string pings = [] {
          std::string all;
          for (int i = 0; i < 500; ++i) all += frame(std::string(125, 'p'), {.opcode = support::ping_opcode});
          return all;
        }();
        if (!peer.upgrade()) return;
        while (peer.write(pings)) {
        }
      },
      4096);
  wsbench::Scenario scenario = few_users(500ms);
  scenario.messages = 1;
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients);
  INFO(report);
  CHECK(report.unanswered());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  const wsbench::FailureTally& failures = report.metrics().failures;
  CHECK(failures.count(Failure::timeout) + failures.count(Failure::backpressure) == failures.total());
}

TEST_CASE("a server that says what nobody asked for", "[faults][conversation]") {
  // Greets in one write with its answer to the upgrade, and chatters between answers.
  MisbehavingServer server([](PeerSocket& peer) {
    if (!peer.upgrade(frame("welcome"))) return;
    while (const auto message = peer.read_message()) {
      if (!peer.write(frame("news") + frame("ping", {.opcode = support::ping_opcode}) + frame(message->payload))) return;
    }
    peer.write(close_frame(1000));
  });
  const Report report = run_against(server);
  support::require_sums(report, clients * messages);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.metrics().unclaimed == clients * (messages + 1));
  CHECK(report.metrics().received == clients * (2 * messages + 1));
  CHECK(report.metrics().failures.total() == 0);
  support::check_passed(report);
}

TEST_CASE("a server that takes no notice of the closing handshake", "[faults][conversation]") {
  MisbehavingServer server([](PeerSocket& peer) {
    if (!peer.upgrade()) return;
    while (const auto message = peer.read_message()) {
      if (!peer.write(frame(message->payload))) return;
    }
    peer.ignore();
  });
  const Report report = run_against(server);
  support::require_sums(report, clients * messages);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.metrics().failures.total() == 0);
  support::check_passed(report);
}

TEST_CASE("a message of the largest size that is accepted", "[faults][conversation]") {
  MisbehavingServer server([](PeerSocket& peer) {
    if (peer.upgrade()) peer.echo();
  });
  wsbench::Scenario scenario = few_users();
  scenario.behaviour = wsbench::echo({.size = 64 * 1024});
  const Report report = run_against(server, scenario);
  support::require_sums(report, clients * messages);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  support::check_passed(report);
}
