// Where connections go, and where they come from.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Scenario;

namespace {

constexpr auto limit = 20s;

Scenario echoes(std::uint64_t clients, std::uint64_t messages) {
  return {.clients = clients, .messages = messages, .pace = wsbench::think(1ms)};
}

std::string refusal_of(const LoadTest& test) {
  try {
    test.validate();
  } catch (const wsbench::Error& error) {
    return error.what();
  }
  return "none";
}

// Notes which address each of its connections comes from, and echoes nothing.
class Origins {
 public:
  std::uint64_t connections() const { return server_.connections(); }
  std::string url() const { return server_.url(); }
  std::map<std::string, int> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void serve(support::PeerSocket& peer) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getpeername(peer.get(), reinterpret_cast<sockaddr*>(&address), &size);
    char text[INET_ADDRSTRLEN]{};
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    const std::lock_guard lock(mutex_);
    ++seen_[text];
  }

  mutable std::mutex mutex_{};
  std::map<std::string, int> seen_{};
  support::MisbehavingServer server_{[this](support::PeerSocket& peer) { serve(peer); }};
};

}  // namespace

TEST_CASE("a load over a Unix socket is answered as one over TCP is", "[net][addresses]") {
  const support::TemporaryFolder folder;
  const std::string path = (folder.path() / "echo.socket").string();
  {
    const EchoServer server{{.socket = path}};
    CHECK(server.url() == "ws+unix://" + path);
    const Report report = support::run_within(limit, LoadTest{server.url() + ":/chat?room=1", echoes(20, 25), {.workers = 2}});
    support::require_sums(report, 500);
    CHECK(report.messages().answered == 500);
    CHECK(report.metrics().failures.total() == 0);
    CHECK(server.counts().messages == 500);
    CHECK(report.metrics().connections.resolve.count() == 0);
    CHECK(report.metrics().connections.tcp.count() == 20);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a Unix socket that is not there is one at which nobody listens", "[net][addresses]") {
  const support::TemporaryFolder folder;
  const std::string nowhere = "ws+unix://" + (folder.path() / "nowhere").string();
  const Report report = support::run_within(limit, LoadTest{nowhere, echoes(3, 1)});
  support::require_only_failure(report, Failure::refused, 0, 3);
  CHECK(report.verdict() == wsbench::Verdict::no_connection);
}

TEST_CASE("a Unix socket with too many waiting is tried again, until there is room or no time", "[net][addresses]") {
  const support::TemporaryFolder folder;
  const std::string path = (folder.path() / "full").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listening, 0) == 0);
  // One more than the backlog is let in, and nobody accepts: the others never get so far as to send their request.
  const Report report = support::run_within(limit, LoadTest{"ws+unix://" + path, echoes(3, 1), {.connect_timeout = 300ms}});
  ::close(listening);
  INFO(report);
  CHECK(report.metrics().failures.count(Failure::upgrade_timeout) == 1);
  CHECK(report.metrics().failures.count(Failure::connect_timeout) == 2);
  CHECK(report.metrics().failures.total() == 3);
}

TEST_CASE("an echo server says why it cannot listen at a Unix socket", "[net][addresses]") {
  const auto problem_of = [](const std::string& socket) -> std::string {
    try {
      const EchoServer server{{.socket = socket}};
    } catch (const wsbench::Error& error) {
      return error.what();
    }
    return "none";
  };
  CHECK(problem_of("here").starts_with("socket: \"here\" is no whole path"));
  CHECK(problem_of("/nowhere/at/all").find("in a folder that is there") != std::string::npos);
  CHECK(problem_of("/" + std::string(200, 'x')).find("is too long") != std::string::npos);
  const support::TemporaryFolder folder;
  const std::string path = (folder.path() / "taken").string();
  const EchoServer first{{.socket = path}};
  CHECK(problem_of(path).find("give a path that is free") != std::string::npos);
  CHECK(std::filesystem::exists(path));  // which is still the first one's
}

TEST_CASE("several targets share the clients in turn, and each has its own figures", "[net][addresses]") {
  const EchoServer quick;
  const EchoServer slow{{.delay = 30ms}};
  const std::uint64_t workers = GENERATE(as<std::uint64_t>{}, 1, 3);
  const LoadTest test{std::vector<std::string>{quick.url(), slow.url(), quick.url() + "/again"}, echoes(30, 8), {.workers = workers}};
  const Report report = support::run_within(limit, test);
  support::require_sums(report, 240);
  REQUIRE(report.record().targets.size() == 3);
  wsbench::Metrics all;
  for (const wsbench::PartRecord& target : report.record().targets) {
    INFO(target.name);
    support::require_sums(report.target(target.name), 80);
    CHECK(target.metrics.connections.succeeded == 10);
    CHECK(target.metrics.bytes_sent > 80 * 64);
    all.merge(target.metrics);
  }
  CHECK(all == report.metrics());
  CHECK(report.target(slow.url()).latency().min() >= 30ms);
  CHECK(report.target(quick.url()).latency().min() < 30ms);
  CHECK(slow.counts().messages == 80);
  CHECK(quick.counts().messages == 160);
}

TEST_CASE("of several targets one may be down: its figures say so, and the others' do not", "[net][addresses]") {
  const EchoServer up;
  const support::BoundSocket down;
  const Report report = support::run_within(limit, LoadTest{std::vector<std::string>{up.url(), down.url()}, echoes(10, 5)});
  support::require_sums(report, 50);
  CHECK(report.target(up.url()).metrics().failures.total() == 0);
  CHECK(report.target(up.url()).messages().answered == 25);
  support::require_only_failure(report.target(down.url()), Failure::refused, 0, 5);
  CHECK(report.target(down.url()).metrics().not_sent == 25);
  CHECK(wsbench::to_text(report).find("\nTargets\n") != std::string::npos);
}

TEST_CASE("a mix over several targets has both the parts' figures and the targets'", "[net][addresses]") {
  const EchoServer one, other;
  Scenario scenario = echoes(12, 4);
  scenario.behaviour = wsbench::mix(
      {{.behaviour = wsbench::echo(), .name = "short"}, {.behaviour = wsbench::echo(wsbench::Payload{.size = 200}), .name = "long"}});
  const Report report = support::run_within(limit, LoadTest{std::vector<std::string>{one.url(), other.url()}, scenario});
  support::require_sums(report, 48);
  CHECK(report.part("short").messages().answered == 24);
  CHECK(report.part("long").messages().answered == 24);
  CHECK(report.target(one.url()).messages().answered == 24);
  CHECK(report.target(other.url()).messages().answered == 24);
  // Each target has as many of the one part as of the other.
  CHECK(report.target(one.url()).metrics().bytes_received > 24 * (64 + 200) / 2);
  CHECK(report.target(one.url()).metrics().bytes_sent == report.target(other.url()).metrics().bytes_sent);
  CHECK(report.part("short").metrics().bytes_sent + report.part("long").metrics().bytes_sent == report.metrics().bytes_sent);
}

TEST_CASE("one target given twice is one, with twice the clients", "[net][addresses]") {
  const EchoServer one, other;
  const Report report = support::run_within(limit, LoadTest{std::vector<std::string>{one.url(), other.url(), one.url()}, echoes(9, 2), {}});
  REQUIRE(report.record().targets.size() == 2);
  CHECK(report.target(one.url()).messages().answered == 12);
  CHECK(report.target(other.url()).messages().answered == 6);
}

TEST_CASE("a run with one target has no figures of targets", "[net][addresses]") {
  const EchoServer server;
  CHECK(support::run_within(limit, LoadTest{server.url(), echoes(2, 2)}).record().targets.empty());
}

TEST_CASE("connections come from the source addresses in turn", "[net][addresses]") {
  const Origins server;
  wsbench::Options options{.source_addresses = {"127.0.0.2", "127.0.0.3", "::1"}};
  const Report report = support::run_within(limit, LoadTest{server.url(), echoes(12, 1), options});
  REQUIRE(support::eventually([&] { return server.connections() == 12; }));
  CHECK(report.metrics().connections.failed == 12);  // since it ends them all
  // The one of the other family reaches nobody here, and is passed over.
  REQUIRE(support::eventually([&] { return server.seen() == std::map<std::string, int>{{"127.0.0.2", 6}, {"127.0.0.3", 6}}; }));
}

TEST_CASE("without a source address that can reach the server, that is said", "[net][addresses]") {
  const EchoServer server;
  const Report report = support::run_within(limit, LoadTest{server.url(), echoes(2, 1), {.source_addresses = {"::1"}}});
  support::require_only_failure(report, Failure::other, 0, 2);
}

TEST_CASE("what is no address of this machine is refused before the run", "[net][addresses]") {
  const EchoServer server;
  const auto refusal = [&](const char* address) { return refusal_of({server.url(), echoes(1, 1), {.source_addresses = {address}}}); };
  CHECK(refusal("127.0.0.2") == "none");
  CHECK(refusal("localhost").starts_with("source_address: \"localhost\" is no numeric address"));
  CHECK(refusal("").starts_with("source_address: \"\" is no numeric address"));
  CHECK(refusal("192.0.2.1").find("give an address of this machine") != std::string::npos);
}

TEST_CASE("a name is looked up once, or at each connect", "[net][addresses]") {
  const EchoServer server{{.address = "127.0.0.1"}};
  const std::string url = "ws://localhost:" + std::to_string(server.port());
  const bool each = GENERATE(false, true);
  const Report report = support::run_within(limit, LoadTest{url, echoes(20, 2), {.connect_rate = 200, .resolve_each_connect = each}});
  support::require_sums(report, 40);
  CHECK(report.messages().answered == 40);
  // Who comes while the name is being looked up waits for that too.
  if (each) {
    CHECK(report.metrics().connections.resolve.count() == 20);
  } else {
    CHECK(report.metrics().connections.resolve.count() < 20);
  }
}

TEST_CASE("a name that is looked up at each connect fails by itself each time", "[net][addresses]") {
  const Report report = support::run_within(limit, LoadTest{"ws://nowhere.invalid:9", echoes(3, 1), {.resolve_each_connect = true}});
  support::require_only_failure(report, Failure::resolve, 0, 3);
}

TEST_CASE("a user shows the cookies it was given, and from then on those the server has set", "[net][addresses]") {
  std::mutex mutex;
  std::vector<std::string> shown;
  const support::MisbehavingServer server([&](support::PeerSocket& peer) {
    const std::string request = peer.read_request();
    const std::size_t at = request.find("Cookie: ");
    {
      const std::lock_guard lock(mutex);
      shown.push_back(at == std::string::npos ? "none" : request.substr(at + 8, request.find('\r', at) - at - 8));
    }
    peer.write(support::PeerSocket::agreement(request, "Set-Cookie: visit=" + std::to_string(shown.size()) + "; Path=/\r\n"));
    if (peer.read_message()) peer.end();
  });
  wsbench::Options options{.cookies = {{"theme", "dark"}}, .reconnect_attempts = 1, .reconnect_delay = 10ms};
  const Report report = support::run_within(limit, LoadTest{server.url(), echoes(1, 3), options});
  INFO(report);
  CHECK(shown == std::vector<std::string>{"theme=dark", "theme=dark; visit=1", "theme=dark; visit=2"});
  CHECK(report.metrics().connections.reconnected == 2);
}

TEST_CASE("the subprotocols that servers chose are counted, and the behaviour knows its own", "[net][addresses]") {
  const EchoServer server;
  const wsbench::Behaviour behaviour{[](wsbench::Session& user) -> wsbench::Task {
    user.check(user.subprotocol(), true);
    while (co_await user.turn()) co_await user.request("echo", "hello");
  }};
  Scenario scenario = echoes(4, 1);
  scenario.behaviour = behaviour;
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario, {.subprotocols = {"chat.v2", "chat.v1"}}});
  support::require_sums(report, 4);
  CHECK(report.metrics().connections.subprotocols == std::vector<wsbench::SubprotocolCount>{{"chat.v2", 4}});
  CHECK(report.metrics().checks == std::vector<wsbench::CheckCount>{{"chat.v2", 4, 0}});
  CHECK(wsbench::to_text(report).find("subprotocol       chat.v2 (4)\n") != std::string::npos);
  const Report without = support::run_within(limit, LoadTest{server.url(), scenario});
  CHECK(without.metrics().connections.subprotocols.empty());
  CHECK(without.metrics().checks == std::vector<wsbench::CheckCount>{{"", 4, 0}});
}

TEST_CASE("a cookie that could not be sent is refused before the run", "[net][addresses]") {
  const auto refusal = [](std::string name, std::string value) {
    return refusal_of({"ws://127.0.0.1:9", echoes(1, 1), {.cookies = {{std::move(name), std::move(value)}}}});
  };
  CHECK(refusal("a", "b=c d\"e") == "none");
  CHECK(refusal("a b", "c").starts_with("cookie: \"a b\" is no name of a cookie"));
  for (const char* secret : {"secret;x", "secret\r\nX: y", "secret\x7f"}) {
    const std::string problem = refusal("a", secret);
    CHECK(problem.starts_with("cookie: \"a\" has a semicolon or a control character in its value"));
    CHECK(problem.find("secret") == std::string::npos);
  }
}
