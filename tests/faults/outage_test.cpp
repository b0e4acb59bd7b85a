// A server that is killed and started again, and a generator that is out of file descriptors.

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <wsbench/wsbench.hpp>

#include "bench/child_process.hpp"
#include "bench/echo_process.hpp"
#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Run;

namespace {

constexpr auto limit = 30s;
constexpr unsigned limit_seconds = 60;

// An echo server that listens when it is told where.
class LaterServer {
 public:
  // Forks: to be made while this process has one thread.
  LaterServer() : process_("echo server", limit_seconds, serve) {}

  void listen(std::uint16_t port) const {
    process_.put(port);
    process_.get<bool>();
  }
  wsbench::EchoServer::Counts counts() const {
    process_.put('?');
    return process_.get<wsbench::EchoServer::Counts>();
  }

 private:
  static void serve(const bench::Channel& parent) {
    std::uint16_t port{};
    if (!parent.get(port)) return;
    const wsbench::EchoServer server({.port = port});
    parent.put(true);
    for (char question{}; parent.get(question);) parent.put(server.counts());
  }

  bench::ChildProcess process_;
};

// Lets this process open a few files more, and no others, as long as it lives.
class FewFiles {
 public:
  explicit FewFiles(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next) + more, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

wsbench::Task persist(wsbench::Session& user) {
  for (;;) {
    while (co_await user.turn()) co_await user.request("say", "hello");
    while (!user.stopping() && !user.connected()) co_await user.reconnect();
    if (user.stopping()) break;
  }
}

}  // namespace

TEST_CASE("a server that is killed in mid-run and started again: all come back, and everything is counted", "[faults][outage]") {
  constexpr std::uint64_t clients = 10, messages = 100;
  // Of the behaviour's own doing, or by the run's options.
  const auto [behaviour, attempts] =
      GENERATE(table<wsbench::Behaviour, std::uint64_t>({{wsbench::Behaviour{persist}, 0}, {wsbench::echo(), 1000}}));
  const bench::EchoProcess first(limit_seconds);
  const LaterServer second;
  Run run = LoadTest{first.url(),
                     {.name = "outage",
                      .clients = clients,
                      .messages = messages,
                      .pace = wsbench::think(10ms),
                      .behaviour = behaviour,
                      .expect = {wsbench::metric::errors == 0.0}},
                     {.reconnect_attempts = attempts}}
                .start();
  REQUIRE(support::eventually([&] { return run.snapshot().messages().answered >= clients * messages / 4; }));
  REQUIRE(::kill(first.id(), SIGKILL) == 0);
  const auto killed = std::chrono::steady_clock::now();
  REQUIRE(support::eventually([&] { return run.snapshot().metrics().failures.count(Failure::refused) >= 3 * clients; }));
  second.listen(first.port());
  const std::chrono::nanoseconds away = std::chrono::steady_clock::now() - killed;
  const Report report = support::end_within(limit, run);
  support::require_sums(report, clients * messages);
  INFO(report);

  const wsbench::ConnectionMetrics& connections = report.metrics().connections;
  CHECK(connections.attempted == clients);
  CHECK(connections.succeeded == clients);
  CHECK(connections.reconnected == clients);
  CHECK(connections.reconnects_attempted == connections.reconnected + connections.reconnects_failed);
  // Half a delay at least lies before each attempt: no tight loop.
  CHECK(connections.reconnects_failed <= clients * (1 + static_cast<std::uint64_t>(away / 50ms)));

  const wsbench::FailureTally& failures = report.metrics().failures;
  CHECK(failures.count(Failure::reset) + failures.count(Failure::abnormal) >= clients);
  CHECK(failures.count(Failure::reset) + failures.count(Failure::abnormal) + failures.count(Failure::refused) == failures.total());
  CHECK(failures.total() == clients + connections.reconnects_failed);
  CHECK(report.messages().failed <= clients);
  CHECK(report.messages().answered == clients * messages - report.messages().failed - report.metrics().not_sent);
  CHECK(second.counts().connections == clients);
  CHECK(second.counts().answered <= report.messages().answered);
  CHECK_FALSE(report.passed());
}

// The sanitizer of undefined behaviour makes a pipe to look at an object of a type it has not seen yet, and takes the lack of one for
// a fault.
#ifndef WSBENCH_SANITIZED
TEST_CASE("a process out of file descriptors goes on with the connections it has", "[faults][outage]") {
  constexpr std::uint64_t clients = 20, messages = 30;
  const bench::EchoProcess server(limit_seconds);
  Run run = LoadTest{server.url(),
                     {.name = "out of files",
                      .clients = clients,
                      .ramp_up = 1s,
                      .messages = messages,
                      .pace = wsbench::think(20ms),
                      .expect = {wsbench::metric::errors == 0.0}}}
                .start();
  REQUIRE(support::eventually([&] { return run.snapshot().metrics().connections.succeeded >= 5; }));
  const FewFiles few(3);
  const Report report = support::end_within(limit, run);
  support::require_sums(report, clients * messages);
  const std::uint64_t open = report.metrics().connections.succeeded;
  CHECK(open >= 5);
  CHECK(open < clients);
  support::require_only_failure(report, Failure::too_many_files, 0, clients - open);
  CHECK(support::entry_of(report, Failure::too_many_files)->sample.find("ulimit -n") != std::string::npos);
  CHECK(report.messages().answered == open * messages);
  CHECK(report.metrics().not_sent == (clients - open) * messages);
}
#endif
