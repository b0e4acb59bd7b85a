// Servers whose faults are drawn at random, connection by connection: whatever they do, nothing vanishes, leaks or hangs.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::ClientFrame;
using support::close_frame;
using support::frame;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Failure;
using wsbench::Random;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;

namespace {

constexpr auto limit = 10s;
constexpr auto timeout = 30ms;
constexpr std::uint64_t max_message_size = 4096;

std::uint64_t pick(Random& random, std::uint64_t least, std::uint64_t most) {
  return least + random() % (most - least + 1);
}
template <class List>
const auto& one_of(const List& list, Random& random) {
  return list[random() % std::size(list)];
}

// ---- the server -----------------------------------------------------------------------------------------------------------------------

struct Peer {
  PeerSocket& socket;
  Random random;

  // In pieces that are reads of their own.
  bool write_in_pieces(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = pick(random, 1, bytes.size());
      if (!socket.write(bytes.substr(at, size))) return false;
      socket.wait_until_read();
      at += size;
    }
    return true;
  }
};

std::string echo_of(const ClientFrame& message) {
  return frame(message.payload, {.opcode = message.opcode});
}

// How a connection begins; false where that was all.
using Opening = bool (*)(Peer&);
constexpr auto openings = std::to_array<Opening>({
    [](Peer& peer) { return peer.write_in_pieces(PeerSocket::agreement(peer.socket.read_request())); },
    [](Peer& peer) { return peer.socket.upgrade(frame("news") + frame("", {.opcode = support::ping_opcode})); },
    [](Peer& peer) { return peer.socket.upgrade(close_frame(1013, "later")); },
    [](Peer&) { return false; },
    [](Peer& peer) {
      peer.socket.reset();
      return false;
    },
    [](Peer& peer) {
      peer.socket.listen_in_silence();
      return false;
    },
    [](Peer& peer) {
      constexpr std::array answers{"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 503\r\n\r\n", "HTTP/1.1 101 Yes\r\n\r\n",
                                   "HTTP/1.1 99999 No\r\n\r\n", "\x15\x03\x01\r\n\r\n"};
      peer.socket.read_request();
      peer.socket.write(one_of(answers, peer.random));
      return false;
    },
    [](Peer& peer) {
      const std::string agreement = PeerSocket::agreement(peer.socket.read_request());
      peer.socket.write(std::string_view(agreement).substr(0, agreement.size() / 2));
      peer.socket.reset();
      return false;
    },
    [](Peer& peer) {
      peer.socket.write(PeerSocket::agreement(peer.socket.read_request(), "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
      return true;
    },
});

// What becomes of a message; false where the connection is through.
using Answer = bool (*)(Peer&, const ClientFrame&);
constexpr auto answers = std::to_array<Answer>({
    [](Peer& peer, const ClientFrame& message) { return peer.write_in_pieces(echo_of(message)); },
    [](Peer& peer, const ClientFrame& message) { return peer.socket.write(echo_of(message) + echo_of(message)); },
    [](Peer&, const ClientFrame&) { return true; },  // never
    [](Peer& peer, const ClientFrame& message) {
      std::this_thread::sleep_for(timeout * 3 / 2);
      return peer.socket.write(echo_of(message));
    },
    [](Peer& peer, const ClientFrame&) { return peer.socket.write(frame("something else")); },
    [](Peer& peer, const ClientFrame& message) {
      const std::string_view payload = message.payload;
      const std::size_t half = payload.size() / 2;
      return peer.socket.write(frame(payload.substr(0, half), {.opcode = message.opcode, .fin = false}) +
                               frame("between", {.opcode = support::ping_opcode}) +
                               frame(payload.substr(half), {.opcode = support::continuation_opcode}));
    },
    [](Peer& peer, const ClientFrame& message) {
      const std::array broken{frame("x", {.reserved_bits = 4}),
                              frame("x", {.opcode = 3}),
                              frame("x", {.masked = true}),
                              frame("x", {.opcode = support::ping_opcode, .fin = false}),
                              frame("x", {.opcode = support::continuation_opcode}),
                              frame("x", {.longest_length = true}),
                              frame("\xed\xa0\x80"),
                              frame(std::string(max_message_size + 1, 'x')),
                              support::frame_header({}, ~std::uint64_t{0}),
                              close_frame(1005),
                              frame("x", {.opcode = support::close_opcode})};
      const std::string before = peer.random() % 2 == 0 ? echo_of(message) : std::string();
      peer.socket.write(before + one_of(broken, peer.random));
      peer.socket.listen_in_silence();
      return false;
    },
    [](Peer& peer, const ClientFrame& message) {
      const std::string answer = echo_of(message);
      peer.socket.write(std::string_view(answer).substr(0, answer.size() / 2));
      if (peer.random() % 2 == 0) peer.socket.reset();
      return false;
    },
    [](Peer& peer, const ClientFrame&) {
      peer.socket.reset();
      return false;
    },
    [](Peer&, const ClientFrame&) { return false; },
    [](Peer& peer, const ClientFrame&) {
      constexpr std::array<std::uint16_t, 7> codes{1000, 1001, 1008, 1011, 1013, 3000, 4999};
      return peer.socket.write(close_frame(one_of(codes, peer.random), "enough")) && peer.random() % 2 == 0;
    },
    [](Peer& peer, const ClientFrame& message) {
      return peer.socket.write(frame("", {.opcode = support::close_opcode}) + echo_of(message) + close_frame(1000));
    },
    [](Peer& peer, const ClientFrame&) {
      peer.socket.ignore();
      return false;
    },
});

void misbehave(PeerSocket& socket, Random random) {
  Peer peer{socket, random};
  const bool well_begun = peer.random() % 4 != 0;
  if (!(well_begun ? socket.upgrade() : one_of(openings, peer.random)(peer))) return;
  while (const std::optional<ClientFrame> next = socket.read_frame()) {
    if (next->opcode == support::close_opcode) {
      if (peer.random() % 4 == 0) return socket.listen_in_silence();
      socket.write(close_frame(1000));
      return;
    }
    if (next->opcode == support::ping_opcode && peer.random() % 2 == 0) {
      socket.write(frame(next->payload, {.opcode = support::pong_opcode}));
    }
    if (next->opcode != support::text_opcode && next->opcode != support::binary_opcode) continue;
    const bool well = peer.random() % 2 == 0;
    if (!(well ? socket.write(echo_of(*next)) : one_of(answers, peer.random)(peer, *next))) return;
  }
}

// ---- the run --------------------------------------------------------------------------------------------------------------------------

// Sends one message a turn, in whatever way, and may ping, listen and connect again between; who closes and does not plans no more turns.
Task do_anything(Session& user) {
  while (co_await user.turn()) {
    switch (user.random()() % 4) {
      case 0: user.send("one way"); break;
      case 1: user.post("post", "posted"); break;
      default: co_await user.request("ask", "asked"); break;
    }
    switch (user.random()() % 8) {
      case 0: co_await user.ping(); break;
      case 1: co_await user.receive(5ms); break;
      case 2: co_await user.pause(2ms); break;
      case 3:
        user.close(4000, "enough");
        co_await user.reconnect();
        break;
      case 4: co_await user.reconnect(); break;
      default: break;
    }
  }
}

wsbench::Scenario random_scenario(Random& random) {
  wsbench::Scenario scenario{.clients = pick(random, 1, 4), .messages = pick(random, 1, 4), .timeout = timeout};
  switch (random() % 4) {
    case 0: scenario.pace = wsbench::think(1ms); break;
    case 1: scenario.pace = wsbench::rate(500); break;
    default: break;
  }
  switch (random() % 4) {
    case 0: break;
    case 1: scenario.behaviour = wsbench::echo({.text = "hello"}); break;
    default: scenario.behaviour = do_anything; break;
  }
  scenario.in_flight = pick(random, 0, 3);
  return scenario;
}

std::size_t open_files() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

using Failures = std::set<Failure>;

// Returns what the clients met with.
Failures run_with_faults(std::uint64_t seed) {
  INFO("the seed is " << seed << ": WSBENCH_SEED=" << seed << " wsbench_faults_tests \"[one_seed]\"");
  Random random(seed, 0);
  const std::size_t files = open_files();
  Failures met;
  {
    std::atomic<std::uint64_t> connections{0};
    const MisbehavingServer server([&](PeerSocket& socket) { misbehave(socket, Random(seed, ++connections)); });
    const support::BoundSocket nobody;
    std::vector<std::string> urls{server.url()};
    if (random() % 8 == 0) urls.push_back(nobody.url());
    const wsbench::Scenario scenario = random_scenario(random);
    const std::uint64_t planned = static_cast<std::uint64_t>(scenario.clients.clients()) * scenario.messages;
    const wsbench::LoadTest test{urls,
                                 scenario,
                                 {.workers = pick(random, 1, 2),
                                  .seed = seed,
                                  .connect_timeout = 40ms,
                                  .close_timeout = 30ms,
                                  .max_message_size = max_message_size}};
    const Report report = support::run_within(limit, test);
    support::require_sums(report, planned);
    for (const wsbench::FailureCount& entry : report.metrics().failures.by_count()) met.insert(entry.failure);
  }
  REQUIRE(open_files() == files);
  return met;
}

Failures run_with_faults_of_seeds_to(std::uint64_t last) {
  Failures met;
  for (std::uint64_t seed = 1; seed <= last; ++seed) met.merge(run_with_faults(seed));
  return met;
}

}  // namespace

TEST_CASE("the sums hold in fifty runs whose faults are drawn at random", "[faults][random]") {
  CHECK(run_with_faults_of_seeds_to(50).size() >= 5);
}

TEST_CASE("the sums hold in a thousand runs whose faults are drawn at random", "[.thousand]") {
  const Failures met = run_with_faults_of_seeds_to(1000);
  for (const Failure failure : {Failure::refused, Failure::bad_handshake, Failure::http_status, Failure::upgrade_timeout, Failure::reset,
                                Failure::abnormal, Failure::closed, Failure::protocol, Failure::too_big, Failure::timeout}) {
    INFO(wsbench::name(failure));
    CHECK(met.count(failure) == 1);
  }
}

TEST_CASE("the sums hold in the run of this seed", "[.one_seed]") {
  const char* const seed = std::getenv("WSBENCH_SEED");
  REQUIRE(seed != nullptr);
  run_with_faults(std::stoull(seed));
}
