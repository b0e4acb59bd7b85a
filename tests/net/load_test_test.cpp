// A load test from one end to the other, over real sockets.

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using wsbench::EchoServer;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;

namespace {

constexpr auto limit = 10s;

// All that `on_answer` was told, from whichever thread.
class Outcomes {
 public:
  wsbench::Options listening(wsbench::Options options = {}) {
    options.on_answer = [this](const wsbench::Answer& answer) {
      const std::lock_guard lock(mutex_);
      answers_.push_back(answer);
      threads_.insert(std::this_thread::get_id());
    };
    return options;
  }
  const std::vector<wsbench::Answer>& answers() const noexcept { return answers_; }
  const std::set<std::thread::id>& threads() const noexcept { return threads_; }
  std::set<std::uint64_t> clients() const {
    std::set<std::uint64_t> ids;
    for (const wsbench::Answer& answer : answers_) ids.insert(answer.client);
    return ids;
  }

 private:
  std::mutex mutex_{};
  std::vector<wsbench::Answer> answers_{};
  std::set<std::thread::id> threads_{};
};

// Notes when each user's behaviour started.
class Starts {
 public:
  wsbench::Behaviour noting() {
    return wsbench::Behaviour{[this](wsbench::Session& user) -> wsbench::Task {
      note(user.id());
      while (co_await user.turn()) co_await user.request("echo", "hello");
    }};
  }
  const std::map<std::uint64_t, std::chrono::steady_clock::time_point>& of_clients() const noexcept { return starts_; }

 private:
  void note(std::uint64_t client) {
    const std::lock_guard lock(mutex_);
    starts_.emplace(client, std::chrono::steady_clock::now());
  }

  std::mutex mutex_{};
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> starts_{};
};

std::vector<std::uint64_t> up_to(std::uint64_t count) {
  std::vector<std::uint64_t> numbers(count);
  for (std::uint64_t i = 0; i < count; ++i) numbers[i] = i;
  return numbers;
}

}  // namespace

TEST_CASE("a load test runs its scenario and says what it was", "[net][load_test]") {
  const EchoServer server({.delay = 200ms});  // so that a message has to leave over 20 ms late to be late at all
  const wsbench::Scenario scenario{.name = "small",
                                   .clients = 3,
                                   .messages = 4,
                                   .pace = wsbench::think(5ms),
                                   .expect = {wsbench::metric::success_rate == 1.0, wsbench::metric::latency.max < 10s}};
  const auto before = std::chrono::system_clock::now();
  const Report report = LoadTest{server.url(), scenario, {.seed = 7}}.run();
  support::require_sums(report, 12);
  INFO(report);
  CHECK(report.messages().answered == 12);
  CHECK(report.valid());
  CHECK(report.passed());
  CHECK(report.verdict() == wsbench::Verdict::passed);
  CHECK(report.expectations().size() == 2);
  CHECK(report.metrics().connections.peak_open == 3);

  const wsbench::RunRecord& record = report.record();
  CHECK(record.scenario == "small");
  CHECK_FALSE(record.interrupted);
  CHECK(record.started_at >= before);
  CHECK(record.started_at <= std::chrono::system_clock::now());
  CHECK(record.duration >= 4 * 5ms);  // each message is due a think time after what was before
  CHECK(record.duration < limit);
  CHECK(record.configuration.urls == std::vector{server.url()});
  CHECK(record.configuration.clients == 3);
  CHECK(record.configuration.messages == 4);
  CHECK(record.configuration.pace == wsbench::think(5ms));
  CHECK(record.configuration.behaviour == "echo");
  CHECK(record.configuration.workers == 1);
  CHECK(record.configuration.seed == 7);
  CHECK(record.environment.cores >= 1);
  CHECK(record.environment.wsbench_version == wsbench::version);
  CHECK(record.generator.cpu_time > 0ns);
}

TEST_CASE("an expectation that is missed fails the run", "[net][load_test]") {
  const EchoServer server({.delay = 20ms});
  const wsbench::Scenario scenario{
      .clients = 2, .messages = 3, .expect = {wsbench::metric::latency.min < 20ms, wsbench::metric::success_rate == 1.0}};
  const Report report = LoadTest{server.url(), scenario}.run();
  INFO(report);
  CHECK(report.valid());
  CHECK_FALSE(report.passed());
  CHECK(report.verdict() == wsbench::Verdict::failed);
  REQUIRE(report.expectations().size() == 2);
  CHECK_FALSE(report.expectations()[0].met);
  CHECK(report.expectations()[1].met);
}

TEST_CASE("a load test finds a server by its name", "[net][load_test]") {
  const EchoServer server;
  const LoadTest test{"ws://localhost:" + std::to_string(server.port()) + "/chat?room=1", {.clients = 3, .messages = 2}};
  const Report report = support::run_within(limit, test);
  support::require_sums(report, 6);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(server.counts().connections == 3);
}

TEST_CASE("a load test can be run again", "[net][load_test]") {
  const EchoServer server;
  const LoadTest test{server.url(), {.clients = 3, .messages = 2}};
  for (std::uint64_t runs = 1; runs <= 3; ++runs) {
    support::require_sums(support::run_within(limit, test), 6);
    CHECK(server.counts().connections == 3 * runs);
    CHECK(server.counts().answered == 6 * runs);
  }
}

TEST_CASE("clients are dealt to several servers in turn", "[net][load_test]") {
  const EchoServer first, second, third;
  const std::uint64_t workers = GENERATE(1U, 2U, 3U);
  CAPTURE(workers);
  const LoadTest test{std::vector{first.url(), second.url(), third.url()}, {.clients = 7, .messages = 2}, {.workers = workers}};
  const Report report = support::run_within(limit, test);
  support::require_sums(report, 14);
  CHECK(report.success_rate() == 1.0);
  CHECK(first.counts().connections == 3);
  CHECK(second.counts().connections == 2);
  CHECK(third.counts().connections == 2);
  CHECK(first.counts().answered == 6);
  CHECK(report.record().configuration.urls.size() == 3);
}

TEST_CASE("one of several servers is not there", "[net][load_test]") {
  const EchoServer server;
  const support::BoundSocket nobody;
  const LoadTest test{std::vector{server.url(), nobody.url()}, {.clients = 4, .messages = 3, .expect = {wsbench::metric::errors == 0.0}}};
  const Report report = support::run_within(limit, test);
  support::require_sums(report, 12);
  support::require_only_failure(report, Failure::refused, 0, 2);
  CHECK(report.messages().answered == 6);
  CHECK(report.metrics().not_sent == 6);
  CHECK(report.connection_success_rate() == 0.5);
}

TEST_CASE("several workers share the clients", "[net][load_test]") {
  const EchoServer server;
  Outcomes outcomes;
  SECTION("each in a thread of its own") {
    const LoadTest test{server.url(), {.clients = 10, .messages = 5}, outcomes.listening({.workers = 3})};
    const Report report = support::run_within(limit, test);
    support::require_sums(report, 50);
    CHECK(report.success_rate() == 1.0);
    CHECK(server.counts().connections == 10);
    CHECK(outcomes.threads().size() == 3);
    CHECK(outcomes.threads().count(std::this_thread::get_id()) == 0);
    CHECK(outcomes.clients().size() == 10);
    CHECK(report.record().configuration.workers == 3);
  }
  SECTION("and some have none") {
    const LoadTest test{server.url(), {.clients = 2, .messages = 5}, outcomes.listening({.workers = 5})};
    const Report report = support::run_within(limit, test);
    support::require_sums(report, 10);
    CHECK(report.success_rate() == 1.0);
    CHECK(outcomes.threads().size() == 2);
  }
}

TEST_CASE("a load of a duration ends on time", "[net][load_test]") {
  struct Row {
    const char* what;
    wsbench::Pace pace;
    std::uint64_t swallow_every;
    std::uint64_t least_sent, most_sent;
  };
  constexpr std::uint64_t clients = 4, many = 1'000'000'000;
  constexpr auto duration = 300ms;
  const Row row = GENERATE(values<Row>({{"thinking", wsbench::think(10ms), 0, clients, clients * 31},
                                        {"flat out", wsbench::flat_out(), 0, 10 * clients, many},
                                        {"nothing is due before the end", wsbench::think(1h), 0, 0, 0},
                                        {"answers under way are awaited", wsbench::flat_out(), 1, clients, clients}}));
  CAPTURE(row.what);
  const EchoServer server({.swallow_every = row.swallow_every});
  const wsbench::Scenario scenario{
      .clients = clients, .duration = duration, .pace = row.pace, .timeout = 500ms, .expect = {wsbench::metric::errors == 0.0}};
  const auto started = std::chrono::steady_clock::now();
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario});
  const auto took = std::chrono::steady_clock::now() - started;
  INFO(report);
  support::require_sums(report, report.messages().sent + report.metrics().not_sent);
  CHECK(report.metrics().not_sent == 0);
  CHECK(took >= duration);
  CHECK(took < duration + 500ms + 2s);
  CHECK_FALSE(report.record().interrupted);
  CHECK(report.messages().sent >= row.least_sent);
  CHECK(report.messages().sent <= row.most_sent);
  if (row.swallow_every > 0) support::require_only_failure(report, Failure::timeout, 0, clients);
}

TEST_CASE("messages and a duration: whichever is over first", "[net][load_test]") {
  const EchoServer server;
  SECTION("the messages") {
    const LoadTest test{server.url(), {.clients = 2, .messages = 3, .duration = 1h, .pace = wsbench::think(2ms)}};
    const Report report = support::run_within(limit, test);
    support::require_sums(report, 6);
    CHECK(report.success_rate() == 1.0);
  }
  SECTION("the duration") {
    const LoadTest test{server.url(), {.clients = 2, .messages = 1'000'000, .duration = 100ms, .pace = wsbench::think(2ms)}};
    const Report report = support::run_within(limit, test);
    INFO(report);
    CHECK(report.success_rate() == 1.0);
    CHECK(report.messages().sent <= 2 * (100 / 2 + 1));
  }
}

TEST_CASE("clients start spread over the ramp-up", "[net][load_test]") {
  constexpr std::uint64_t clients = 10;
  constexpr auto ramp_up = 500ms;
  const std::uint64_t workers = GENERATE(1U, 3U);
  CAPTURE(workers);
  const EchoServer server;
  Starts starts;
  const LoadTest test{
      server.url(), {.clients = clients, .ramp_up = ramp_up, .messages = 1, .behaviour = starts.noting()}, {.workers = workers}};
  const auto began = std::chrono::steady_clock::now();
  const Report report = support::run_within(limit, test);
  support::require_sums(report, clients);
  REQUIRE(starts.of_clients().size() == clients);
  for (const auto& [client, start] : starts.of_clients()) {
    CAPTURE(client);
    CHECK(start - began >= wsbench::start_of_client(client, clients, ramp_up));
  }
  // Not all at the end: the first does not wait for the last.
  CHECK(starts.of_clients().at(9) - starts.of_clients().at(0) >= ramp_up / 3);
}

TEST_CASE("every outcome is told once", "[net][load_test]") {
  constexpr std::uint64_t clients = 5, messages = 8, planned = clients * messages, every = 4;
  const EchoServer server({.swallow_every = every});
  Outcomes outcomes;
  const LoadTest test{server.url(), {.clients = clients, .messages = messages, .timeout = 200ms}, outcomes.listening({.workers = 2})};
  const Report report = support::run_within(limit, test);
  support::require_sums(report, planned);

  std::map<std::uint64_t, std::vector<std::uint64_t>> numbers;
  std::uint64_t failed = 0;
  std::chrono::nanoseconds sum{0};
  for (const wsbench::Answer& answer : outcomes.answers()) {
    numbers[answer.client].push_back(answer.message);
    CHECK(answer.response_time >= answer.service_time);
    if (answer.failure) {
      CHECK(answer.failure == Failure::timeout);
      CHECK(answer.service_time >= 200ms);
      ++failed;
    } else {
      sum += answer.response_time;
    }
  }
  CHECK(outcomes.answers().size() == planned);
  CHECK(failed == planned / every);
  REQUIRE(numbers.size() == clients);
  for (const auto& [client, told] : numbers) {
    CAPTURE(client);
    CHECK(told == up_to(messages));
  }
  // They are the answers of the report.
  CHECK(std::chrono::abs(report.latency().mean() - sum / static_cast<std::int64_t>(planned - failed)) <= 1ns);
}

TEST_CASE("what cannot be run is refused before a socket opens, by name", "[net][load_test]") {
  struct Row {
    const char* member;
    std::vector<std::string> urls;
    wsbench::Scenario scenario;
    wsbench::Options options;
  };
  const support::BoundSocket listener;
  listener.listen();
  const std::vector<std::string> there{listener.url()};
  const std::string host = "127.0.0.1:" + std::to_string(listener.port());
  const wsbench::Scenario good{.clients = 1, .messages = 1};
  const std::vector<Row> rows{
      {"url", {}, good, {}},
      {"url", {""}, good, {}},
      {"url", {host}, good, {}},
      {"url", {"http://" + host}, good, {}},
      {"url", {"ws://"}, good, {}},
      {"url", {"ws://127.0.0.1:0"}, good, {}},
      {"url", {"ws://127.0.0.1:70000"}, good, {}},
      {"url", {"ws://" + host + "/#top"}, good, {}},
      {"url", {listener.url(), "nonsense"}, good, {}},
      {"clients", there, {.messages = 1}, {}},
      {"clients", there, {.clients = 0, .messages = 1}, {}},
      {"clients", there, {.clients = -1, .messages = 1}, {}},
      {"clients", there, {.clients = std::numeric_limits<std::uint64_t>::max(), .messages = 1}, {}},
      {"ramp_up", there, {.clients = 1, .ramp_up = -1s, .messages = 1}, {}},
      {"ramp_up", there, {.clients = 1, .ramp_up = 2s, .duration = 1s}, {}},
      {"messages", there, {.clients = 1}, {}},
      {"duration", there, {.clients = 1, .duration = -1s}, {}},
      {"think", there, {.clients = 1, .messages = 1, .pace = wsbench::think(-1ms)}, {}},
      {"timeout", there, {.clients = 1, .messages = 1, .timeout = 0s}, {}},
      {"timeout", there, {.clients = 1, .messages = 1, .timeout = -1s}, {}},
      {"workers", there, good, {.workers = 0}},
      {"workers", there, good, {.workers = 1'000'000}},
      {"connect_timeout", there, good, {.connect_timeout = 0s}},
      {"close_timeout", there, good, {.close_timeout = -1s}},
      {"max_message_size", there, good, {.max_message_size = 0}},
      {"header", there, good, {.headers = {{"", "x"}}}},
      {"header", there, good, {.headers = {{"X Y", "x"}}}},
      {"header", there, good, {.headers = {{"X", "x\r\nY: y"}}}},
      {"subprotocol", there, good, {.subprotocols = {"a b"}}},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i, rows[i].member);
    const LoadTest test(rows[i].urls, rows[i].scenario, rows[i].options);
    const auto refused = [&](auto call) {
      try {
        call();
      } catch (const wsbench::Error& error) {
        CHECK(error.member() == rows[i].member);
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
        return true;
      }
      return false;
    };
    CHECK(refused([&] { test.validate(); }));
    CHECK(refused([&] { test.start(); }));
    CHECK(refused([&] { test.run(); }));
  }
  CHECK_NOTHROW(LoadTest(listener.url(), good).validate());
  pollfd knocked{listener.get(), POLLIN, 0};
  CHECK(::poll(&knocked, 1, 0) == 0);
}

TEST_CASE("more clients than the process may have open files", "[net][load_test]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::optional<wsbench::Error> refused;
  try {
    LoadTest{"ws://127.0.0.1:9", {.clients = 100, .messages = 1}}.validate();
  } catch (const wsbench::Error& error) {
    refused = error;
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(refused.has_value());
  CHECK(refused->member() == "clients");
  CHECK(refused->problem().find("64") != std::string::npos);
  CHECK_NOTHROW(LoadTest{"ws://127.0.0.1:9", {.clients = 100, .messages = 1}}.validate());
}
