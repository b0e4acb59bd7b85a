// When answers arrived, by the kernel's receive stamp or, where there is none, by the read.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/ip/address_v4.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/receive_stamp.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::EchoServer;
using wsbench::LoadTest;
using wsbench::Metrics;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;
using wsbench::detail::Received;
using wsbench::detail::Stamp;

namespace {

constexpr auto limit = 30s;
constexpr bool stamped = WSBENCH_EPOLL != 0;

void spin(nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Keeps the worker to itself after every answer.
Task think_hard(Session& user) {
  while (co_await user.turn()) {
    co_await user.request("ask", "question");
    spin(2ms);
  }
}

// A stream that is read by hand, and its other end.
struct Pair : private wsbench::detail::StreamEvents {
  Pair() { stream.stamp_arrivals(); }

  void write(std::string_view bytes) { asio::write(peer, asio::buffer(bytes)); }
  Received receive(std::size_t at_most) {
    Received received;
    const bool came = support::eventually([&] {
      received = stream.receive(std::span(buffer).first(at_most));
      return !received.would_block();
    });
    REQUIRE(came);
    REQUIRE_FALSE(received.error);
    return received;
  }
  // The kernel takes a while to begin with its stamps.
  void warm_up() {
    const bool begun = support::eventually([&] {
      write("x");
      return (receive(buffer.size()).arrival.stamp == Stamp::believed) == stamped;
    });
    REQUIRE(begun);
  }

  wsbench::detail::EventLoop loop{};
  asio::ip::tcp::acceptor acceptor{loop.context(), {asio::ip::address_v4::loopback(), 0}};
  asio::ip::tcp::socket peer = connected();
  wsbench::detail::DefaultStream stream{loop, acceptor.accept(), static_cast<wsbench::detail::StreamEvents&>(*this)};
  std::array<std::uint8_t, 64> buffer{};

 private:
  asio::ip::tcp::socket connected() {
    asio::ip::tcp::socket socket(loop.context());
    socket.connect(acceptor.local_endpoint());
    socket.set_option(asio::ip::tcp::no_delay(true));
    return socket;
  }
  void on_ready(bool, bool) override {}
};

}  // namespace

TEST_CASE("a stream tells when bytes came and when they were read", "[net][receive_stamp]") {
  Pair pair;
  pair.warm_up();
  const nanoseconds before = pair.loop.now();
  pair.write("hello");
  const nanoseconds written = pair.loop.now();
  spin(20ms);
  const Received received = pair.receive(64);
  CHECK(received.bytes == 5);
  CHECK((received.arrival.stamp == (stamped ? Stamp::believed : Stamp::none)));
  CHECK((received.arrival.at >= before - 1ms));
  CHECK((received.arrival.read >= written + 20ms));
  CHECK((received.arrival.at < received.arrival.read) == stamped);
  if (stamped) CHECK((received.arrival.at <= written + 10ms));
}

TEST_CASE("what a full buffer left in the socket is as old as what was read", "[net][receive_stamp]") {
  Pair pair;
  pair.warm_up();
  int believed = 0;
  int before_the_first_read = 0;
  for (int round = 0; round < 100; ++round) {
    pair.write("0123456789abcdefghij");
    const Received first = pair.receive(10);
    const Received second = pair.receive(64);
    REQUIRE(first.bytes == 10);
    REQUIRE(second.bytes == 10);
    believed += first.arrival.stamp == Stamp::believed && second.arrival.stamp == Stamp::believed ? 1 : 0;
    before_the_first_read += second.arrival.at <= first.arrival.read ? 1 : 0;
  }
  // Whoever loses the processor between two looks at the clocks sees an arrival late: not often.
  if (stamped) CHECK(before_the_first_read >= 80);
  CHECK(believed == (stamped ? 100 : 0));
}

TEST_CASE("the end of a stream is told as by a plain read", "[net][receive_stamp]") {
  Pair pair;
  CHECK(pair.stream.receive(pair.buffer).would_block());
  pair.peer.close();
  Received received;
  REQUIRE(support::eventually([&] {
    received = pair.stream.receive(pair.buffer);
    return !received.would_block();
  }));
  CHECK(received.error == asio::error::eof);
}

TEST_CASE("answers are stamped by the kernel where it can, and the report says so", "[net][receive_stamp]") {
  const EchoServer server;
  const Report report =
      support::run_within(limit, LoadTest{server.url(), {.name = "stamped", .clients = 4, .messages = 25, .pace = wsbench::think(4ms)}});
  support::require_sums(report, 100);
  INFO(report);
  const Metrics& metrics = report.metrics();
  CHECK(report.record().generator.kernel_stamps == stamped);
  CHECK((metrics.stamped_reads > 0) == stamped);
  CHECK((metrics.receive_lag.count() > 0) == stamped);
  CHECK(metrics.receive_lag.count() <= report.messages().answered);
  CHECK(metrics.receive_lag.negative() == 0);
  CHECK(metrics.unbelieved_stamps <= metrics.stamped_reads / 10);
  CHECK(metrics.shared_stamps == 0);
  CHECK(report.service_time().histogram().negative() == 0);
}

TEST_CASE("what answers wait while others are handled is receive lag and no service time", "[net][receive_stamp]") {
  const EchoServer server;
  const Report report = support::run_within(
      limit, LoadTest{server.url(),
                      {.name = "busy", .clients = 8, .messages = 12, .pace = wsbench::flat_out(), .behaviour = think_hard},
                      {.workers = 1}});
  support::require_sums(report, 96);
  INFO(report);
  const wsbench::Histogram& lag = report.metrics().receive_lag;
  const nanoseconds service = report.service_time().percentile(0.5);
  if (stamped) {
    REQUIRE(lag.percentile(0.5).has_value());
    CHECK((*lag.percentile(0.5) > 2ms));
    CHECK((service < *lag.percentile(0.5) / 2));
  } else {
    CHECK(lag.count() == 0);
    CHECK((service > 2ms));
  }
}

TEST_CASE("messages that are read together share the stamp of the newest", "[net][receive_stamp]") {
  const support::MisbehavingServer server([](support::PeerSocket& peer) {
    if (!peer.upgrade()) return;
    while (const auto message = peer.read_message()) {
      const std::string answer = support::frame(message->payload);
      if (!peer.write(answer + answer + answer)) return;
    }
    peer.write(support::close_frame(1000));
  });
  const auto asking = [](Session& user) -> Task {
    while (co_await user.turn()) {
      co_await user.request("ask", "question");
      co_await user.receive();
      co_await user.receive();
    }
  };
  const Report report = support::run_within(
      limit, LoadTest{server.url(), {.name = "thrice", .clients = 1, .messages = 20, .pace = wsbench::think(2ms), .behaviour = asking}});
  INFO(report);
  CHECK(report.messages().answered == 20);
  CHECK((report.metrics().shared_stamps > 0) == stamped);
  CHECK(report.metrics().shared_stamps <= 40);
  CHECK(report.metrics().shared_stamps % 2 == 0);
}
