// Servers that agree to compress, and then do it to the client's harm.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>

#include <wsbench/deflate.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::frame;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Failure;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 4;
constexpr auto limit = 20s;
constexpr std::uint8_t rsv1 = 4;
const std::string hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);  // "Hello", RFC 7692 section 7.2.3.1

// Agrees to compress, and answers the first message of each connection with these bytes.
class WrongAnswers {
 public:
  explicit WrongAnswers(std::string bytes, std::string extension = "permessage-deflate")
      : server_([this, bytes = std::move(bytes), extension = std::move(extension)](PeerSocket& peer) {
          const std::string request = peer.read_request();
          peer.write(PeerSocket::agreement(request, "Sec-WebSocket-Extensions: " + extension + "\r\n"));
          if (!peer.read_message()) return;
          peer.write(bytes);
          const std::optional<std::uint16_t> code = peer.read_close_code();
          const std::lock_guard lock(mutex_);
          close_codes_.push_back(code.value_or(1006));
        }) {}

  std::string url() const { return server_.url(); }
  Report run_against(const wsbench::Options& options) const {
    const wsbench::Scenario scenario{.clients = clients, .messages = 2, .timeout = 10s};
    return support::run_within(limit, wsbench::LoadTest{server_.url(), scenario, options});
  }

  // Of all clients, which it may learn after them.
  std::vector<std::uint16_t> close_codes() {
    REQUIRE(support::eventually([this] {
      const std::lock_guard lock(mutex_);
      return close_codes_.size() == clients;
    }));
    return close_codes_;
  }

 private:
  std::mutex mutex_{};
  std::vector<std::uint16_t> close_codes_{};
  MisbehavingServer server_;
};

wsbench::Options compressing() {
  return {.close_timeout = 200ms, .deflate = wsbench::deflate()};
}

void require_fault(WrongAnswers& server, const wsbench::Options& options, Failure failure, std::uint16_t close_code,
                   std::string_view words) {
  const Report report = server.run_against(options);
  INFO(report);
  support::require_sums(report, clients * 2);
  support::require_only_failure(report, failure, 0, clients);
  CHECK(report.metrics().compression.connections == clients);
  CHECK(report.messages().answered == 0);
  CHECK(report.verdict() == wsbench::Verdict::failed);
  CHECK(support::entry_of(report, failure)->sample.find(words) != std::string::npos);
  CHECK(server.close_codes() == std::vector<std::uint16_t>(clients, close_code));
}

void require_fault(const std::string& bytes, Failure failure, std::uint16_t close_code, std::string_view words) {
  WrongAnswers server(bytes);
  require_fault(server, compressing(), failure, close_code, words);
}

// A compressed message of about a megabyte that inflates to so many mebibytes of zeros.
std::string bomb(std::size_t mebibytes) {
  const std::string zeros(std::size_t{1} << 20U, '\0');
  std::string piece(4096, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(piece.data());
  stream.avail_out = static_cast<uInt>(piece.size());
  REQUIRE(deflate(&stream, Z_FULL_FLUSH) == Z_OK);
  REQUIRE(stream.avail_in == 0);
  piece.resize(piece.size() - stream.avail_out);
  deflateEnd(&stream);
  std::string bytes;
  for (std::size_t n = 0; n < mebibytes; ++n) bytes += piece;
  return bytes.substr(0, bytes.size() - 4);
}

// The largest resident set since it was last asked to begin anew, in bytes (proc(5)).
std::size_t peak_resident_set() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}
void begin_peak_anew() {
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
}

}  // namespace

TEST_CASE("a megabyte that inflates to gigabytes", "[faults][deflate]") {
  const std::string megabyte = bomb(1024);
  REQUIRE(megabyte.size() < 1'100'000);
  const bool fragmented = GENERATE(false, true);
  std::string frames;
  if (fragmented) {
    for (std::size_t at = 0; at < megabyte.size(); at += 100'000) {
      frames +=
          frame(std::string_view(megabyte).substr(at, 100'000), {.opcode = at == 0 ? support::binary_opcode : support::continuation_opcode,
                                                                 .fin = at + 100'000 >= megabyte.size(),
                                                                 .reserved_bits = at == 0 ? rsv1 : std::uint8_t{0}});
    }
  } else {
    frames = frame(megabyte, {.opcode = support::binary_opcode, .reserved_bits = rsv1});
  }
  WrongAnswers server(frames);
  wsbench::Options options = compressing();
  options.max_message_size = std::uint64_t{1} << 20U;
  begin_peak_anew();
  const std::size_t before = peak_resident_set();
  require_fault(server, options, Failure::too_big, 1009, "the server sent a message of more than 1048576 bytes");
  const std::size_t after = peak_resident_set();
  CAPTURE(before, after);
  REQUIRE(before > 0);
  CHECK(after - before < std::size_t{64} << 20U);
}

TEST_CASE("a bomb below the limit is a message like another", "[faults][deflate]") {
  WrongAnswers server(frame(bomb(8), {.opcode = support::binary_opcode, .reserved_bits = rsv1}));
  const wsbench::Scenario scenario{
      .clients = 1, .messages = 1, .behaviour = wsbench::Behaviour{[](wsbench::Session& user) -> wsbench::Task {
                                     while (co_await user.turn()) {
                                       const wsbench::Reply reply = co_await user.request("ask", "please");
                                       user.check("8 MiB", reply && reply.text().size() == std::size_t{8} << 20U);
                                     }
                                   }}};
  const Report report = support::run_within(limit, wsbench::LoadTest{server.url(), scenario, compressing()});
  REQUIRE(report.metrics().checks.size() == 1);
  CHECK(report.metrics().checks[0].passed == 1);
}

TEST_CASE("a compressed message that cannot be inflated", "[faults][deflate]") {
  require_fault(frame("\x06", {.reserved_bits = rsv1}), Failure::protocol, 1007,
                "the server sent a compressed message that cannot be inflated: invalid block type");
  require_fault(frame(hello.substr(0, 4), {.reserved_bits = rsv1}), Failure::protocol, 1007, "cannot be inflated: ");
}

TEST_CASE("a compressed text that is not UTF-8", "[faults][deflate]") {
  require_fault(frame(std::string("\x00\x01\x00\xfe\xff\xff\x00", 7), {.reserved_bits = rsv1}), Failure::protocol, 1007, "not UTF-8");
}

TEST_CASE("the mark of a compressed message where it must not stand", "[faults][deflate]") {
  require_fault(frame("", {.opcode = support::ping_opcode, .reserved_bits = rsv1}), Failure::protocol, 1002, "reserved bits");
  require_fault(frame("x", {.fin = false}) + frame(hello, {.opcode = support::continuation_opcode, .reserved_bits = rsv1}),
                Failure::protocol, 1002, "reserved bits");
}

TEST_CASE("an answer to the offer that goes beyond it", "[faults][deflate]") {
  WrongAnswers server("", "permessage-deflate; client_max_window_bits=12");
  const Report report = server.run_against({.deflate = wsbench::deflate({.client_window_bits = 11})});
  CHECK(report.verdict() == wsbench::Verdict::no_connection);
  support::require_only_failure(report, Failure::bad_handshake, 0, clients);
  CHECK(support::entry_of(report, Failure::bad_handshake)->sample.find("a window of more than 11 bits") != std::string::npos);
}
