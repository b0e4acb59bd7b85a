// wss:// over real sockets, with certificates made for each test.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/tls.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/certificates.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::Certificate;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::TlsVersion;

namespace {

const Certificate& authority() {
  static const Certificate made({.name = "an authority for tests"});
  return made;
}

const Certificate& localhost() {
  static const Certificate made({}, authority());
  return made;
}

EchoServer secure_server(const Certificate& certificate, EchoServer::Options options = {}) {
  options.tls = wsbench::tls_server({.certificate_file = certificate.file(), .key_file = certificate.key_file()});
  return EchoServer(std::move(options));
}

wsbench::Options trusting(wsbench::TlsOptions options = {}) {
  if (options.ca_file.empty()) options.ca_file = authority().file();
  return {.tls = wsbench::tls(options)};
}

Report run_against(const EchoServer& server, wsbench::Scenario scenario, const wsbench::Options& options) {
  return support::run_within(30s, LoadTest{server.url(), std::move(scenario), options});
}

// Asks for an upgrade, and takes ten bytes of the answer each time it is told that there are some.
class SipReader final : private wsbench::detail::StreamEvents {
 public:
  explicit SipReader(std::uint16_t port) {
    asio::ip::tcp::socket socket(loop_.context());
    socket.connect({asio::ip::make_address("127.0.0.1"), port});
    stream_ = trusting().tls->secure(loop_, std::move(socket), *this, "127.0.0.1", session_);
  }

  std::string answer_within(std::chrono::nanoseconds limit) {
    loop_.deadlines().arm(limit_, limit);
    loop_.post([this] { on_ready(true, false); });
    loop_.run(std::chrono::steady_clock::now());
    return answer_;
  }

 private:
  struct Limit final : wsbench::detail::Deadline {
    explicit Limit(wsbench::detail::EventLoop& of) : loop(of) {}
    void on_deadline(std::chrono::nanoseconds) override { loop.stop(); }
    wsbench::detail::EventLoop& loop;
  };

  void on_ready(bool readable, bool) override {
    if (stream_->agree().error || !readable) return;
    if (!std::exchange(asked_, true)) {
      stream_->write(
          "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    }
    std::array<std::uint8_t, 10> sip{};
    const wsbench::detail::IoResult got = stream_->read(sip);
    answer_.append(reinterpret_cast<const char*>(sip.data()), got.bytes);
    if (answer_.ends_with("\r\n\r\n")) loop_.stop();
  }

  wsbench::detail::EventLoop loop_{};
  Limit limit_{loop_};
  std::shared_ptr<void> session_{};
  std::unique_ptr<wsbench::detail::Stream> stream_{};
  std::string answer_{};
  bool asked_{false};
};

constexpr std::uint64_t clients = 4;

Report connect_to(const EchoServer& server, const wsbench::Options& options) {
  return run_against(server, {.clients = clients, .messages = 3, .timeout = 2s}, options);
}

void require_refused(const EchoServer& server, const wsbench::Options& options, Failure failure) {
  const Report report = connect_to(server, options);
  INFO(report);
  support::require_only_failure(report, failure, 0, clients);
  CHECK(report.metrics().connections.succeeded == 0);
  CHECK(report.verdict() == wsbench::Verdict::no_connection);
}

}  // namespace

TEST_CASE("messages of every size go over TLS and back", "[tls]") {
  EchoServer server = secure_server(localhost());
  CHECK(server.url().starts_with("wss://"));
  const std::uint64_t size = GENERATE(as<std::uint64_t>{}, 2, 64, 16'000, 16'384, 70'000, 1'500'000);
  const Report report = run_against(
      server, {.clients = 3, .messages = 10, .timeout = 20s, .behaviour = wsbench::echo({.size = static_cast<std::size_t>(size)})},
      trusting());
  INFO(size << " bytes\n" << report);
  support::require_sums(report, 30);
  CHECK(report.success_rate() == 1.0);
  CHECK(server.counts().messages == 30);
  CHECK(report.metrics().connections.tls.count() == 3);
  CHECK(report.metrics().connections.tls_resumed == 0);
}

TEST_CASE("many messages in flight go over TLS", "[tls]") {
  EchoServer server = secure_server(localhost());
  const Report report =
      run_against(server, {.clients = 20, .messages = 500, .pace = wsbench::flat_out(), .in_flight = 16, .timeout = 20s}, trusting());
  INFO(report);
  support::require_sums(report, 10'000);
  CHECK(report.success_rate() == 1.0);
}

TEST_CASE("an open load over TLS sends and counts every message", "[tls]") {
  EchoServer server = secure_server(localhost());
  const Report report = run_against(server, {.clients = 10, .duration = 1s, .pace = wsbench::rate(12'000), .timeout = 20s}, trusting());
  INFO(report);
  support::require_sums(report, 12'000);
  CHECK(report.success_rate() == 1.0);
}

TEST_CASE("what OpenSSL has read and nobody has taken is told again", "[tls]") {
  EchoServer server = secure_server(localhost());
  SipReader reader(server.port());
  CHECK(reader.answer_within(5s).ends_with("\r\n\r\n"));
}

TEST_CASE("several workers speak TLS with one context", "[tls]") {
  EchoServer server = secure_server(localhost());
  wsbench::Options options = trusting();
  options.workers = 3;
  const Report report = run_against(server, {.clients = 12, .messages = 50, .timeout = 20s}, options);
  INFO(report);
  support::require_sums(report, 600);
  CHECK(report.success_rate() == 1.0);
}

TEST_CASE("a user who reconnects resumes its session, unless it is not to", "[tls]") {
  EchoServer server = secure_server(localhost());
  const bool resume = GENERATE(true, false);
  const auto twice = [](wsbench::Session& user) -> wsbench::Task {
    co_await user.request("before", "one");
    co_await user.reconnect();
    co_await user.request("after", "two");
  };
  const Report report =
      run_against(server, {.clients = clients, .messages = 2, .timeout = 5s, .behaviour = twice}, trusting({.resume = resume}));
  INFO(report);
  CHECK(report.messages().answered == 2 * clients);
  CHECK(report.metrics().connections.reconnected == clients);
  CHECK(report.metrics().connections.tls_resumed == (resume ? clients : 0));
  CHECK((wsbench::to_text(report).find("(4 with a resumed") != std::string::npos) == resume);
}

TEST_CASE("a certificate that has expired", "[tls][faults]") {
  const Certificate expired({.valid_from = -7200, .valid_until = -3600}, authority());
  require_refused(secure_server(expired), trusting(), Failure::certificate_expired);
}

TEST_CASE("a certificate that is not valid yet", "[tls][faults]") {
  const Certificate early({.valid_from = 3600, .valid_until = 7200}, authority());
  require_refused(secure_server(early), trusting(), Failure::certificate_expired);
}

TEST_CASE("a certificate for another host", "[tls][faults]") {
  const Certificate other({.name = "elsewhere.test", .alternative_names = "DNS:elsewhere.test"}, authority());
  require_refused(secure_server(other), trusting(), Failure::certificate_host);
}

TEST_CASE("a certificate that nobody trusted has signed", "[tls][faults]") {
  SECTION("by itself") {
    const Certificate itself{support::Subject{}};
    require_refused(secure_server(itself), trusting(), Failure::certificate_untrusted);
  }
  SECTION("by an authority that the system does not know") {
    require_refused(secure_server(localhost()), {.tls = wsbench::tls()}, Failure::certificate_untrusted);
  }
}

TEST_CASE("any certificate is taken if that is asked for, and the report says so", "[tls]") {
  const Certificate itself({.name = "elsewhere.test", .alternative_names = "DNS:elsewhere.test", .valid_until = -1800});
  const EchoServer server = secure_server(itself);
  const Report report = connect_to(server, {.tls = wsbench::tls({.insecure = true})});
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.record().configuration.insecure);
  CHECK(wsbench::to_text(report).find("NOT CHECKED") != std::string::npos);
  CHECK(wsbench::to_text(connect_to(secure_server(localhost()), trusting())).find("NOT CHECKED") == std::string::npos);
}

TEST_CASE("a server that asks who is there", "[tls][faults]") {
  const TlsVersion version = GENERATE(TlsVersion::tls_1_2, TlsVersion::tls_1_3);
  EchoServer::Options options;
  options.tls = wsbench::tls_server(
      {.certificate_file = localhost().file(), .key_file = localhost().key_file(), .client_ca_file = authority().file()});
  const EchoServer server(options);
  SECTION("is told") {
    const Certificate user({.name = "a user", .alternative_names = "DNS:user.test"}, authority());
    const Report report = connect_to(server, trusting({.certificate_file = user.file(), .key_file = user.key_file(), .minimum = version}));
    INFO(report);
    CHECK(report.success_rate() == 1.0);
  }
  SECTION("is not") {
    require_refused(server, trusting({.minimum = version}), Failure::certificate_required);
  }
  SECTION("is told by somebody it does not trust") {
    const Certificate stranger({.name = "a stranger"});
    require_refused(server, trusting({.certificate_file = stranger.file(), .key_file = stranger.key_file(), .minimum = version}),
                    Failure::tls);
  }
}

TEST_CASE("a server that speaks no TLS, and waits for more of what it takes for a request", "[tls][faults]") {
  const EchoServer plain;
  const Report report = support::run_within(30s, LoadTest{"wss://127.0.0.1:" + std::to_string(plain.port()),
                                                          {.clients = clients, .messages = 1, .timeout = 2s},
                                                          {.connect_timeout = 1s, .tls = wsbench::tls()}});
  INFO(report);
  support::require_only_failure(report, Failure::tls_timeout, 0, clients);
}

TEST_CASE("a server that answers a TLS handshake with something else", "[tls][faults]") {
  support::MisbehavingServer server([](support::PeerSocket& peer) {
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.listen_in_silence();
  });
  const Report report = support::run_within(
      30s, LoadTest{"wss" + server.url().substr(2), {.clients = clients, .messages = 1, .timeout = 2s}, {.tls = wsbench::tls()}});
  INFO(report);
  support::require_only_failure(report, Failure::tls, 0, clients);
}

TEST_CASE("a secure address without TLS, and files that are none, are refused by name", "[tls]") {
  const auto refused = [](auto attempt) {
    try {
      attempt();
    } catch (const wsbench::Error& error) {
      return error.member();
    }
    return std::string("nothing");
  };
  CHECK(refused([] { LoadTest{"wss://127.0.0.1:1", {.clients = 1, .messages = 1}}.validate(); }) == "tls");
  CHECK(refused([] { wsbench::tls({.ca_file = "/nowhere/ca.pem"}); }) == "ca_file");
  CHECK(refused([] { wsbench::tls({.certificate_file = "/nowhere/me.pem"}); }) == "certificate_file");
  CHECK(refused([] { wsbench::tls({.certificate_file = "/nowhere/me.pem", .key_file = "/nowhere/me.key"}); }) == "certificate_file");
  CHECK(refused([] { wsbench::tls({.certificate_file = localhost().file(), .key_file = authority().key_file()}); }) == "key_file");
  CHECK(refused([] { wsbench::tls_server({.certificate_file = localhost().file(), .key_file = "/nowhere/me.key"}); }) == "key_file");
}
