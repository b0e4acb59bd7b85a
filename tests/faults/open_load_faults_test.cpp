// Servers that do to an open load what they should not: every message has to have its outcome, and every figure to be what they did.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/wsbench.hpp>

#include "bench/echo_process.hpp"
#include "catch.hpp"
#include "support/frames.hpp"
#include "support/misbehaving_server.hpp"
#include "support/report_checks.hpp"
#include "support/stopped_process.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::MisbehavingServer;
using support::PeerSocket;
using wsbench::Failure;
using wsbench::LoadTest;
using wsbench::Report;
using wsbench::Scenario;

namespace {

constexpr auto limit = 30s;

nanoseconds now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

// The number that echo() gave a message: of its client's, from 0.
std::uint64_t number_of(std::string_view message) {
  const std::size_t sharp = message.find('#');
  if (sharp == message.npos) return 0;
  return std::strtoull(std::string(message.substr(sharp + 1, 16)).c_str(), nullptr, 16) & 0xFFFFFFFF;
}

// Answers each group of messages out of order, and logs how long each was held.
class Shuffler {
 public:
  static constexpr std::uint64_t group = 5;
  enum class Order : std::uint8_t {
    reversed,    // all when the last has come, the last one first
    first_last,  // each at once but the first, which is answered after the last
  };

  explicit Shuffler(Order order)
      : server_([this, order](PeerSocket& peer) {
          if (!peer.upgrade()) return;
          std::vector<Held> held;
          while (const auto message = peer.read_message()) {
            held.push_back({message->payload, now()});
            const bool last = number_of(message->payload) % group == group - 1;
            while (!held.empty() && (last || (order == Order::first_last && held.size() > 1))) {
              answer(peer, held.back());
              held.pop_back();
            }
          }
          peer.write(support::close_frame(1000));
        }) {}

  std::string url() const { return server_.url(); }
  // By the message's number.
  std::map<std::uint64_t, nanoseconds> held_for() const {
    const std::lock_guard lock(mutex_);
    return held_for_;
  }

 private:
  struct Held {
    std::string message;
    nanoseconds came;
  };

  void answer(PeerSocket& peer, const Held& held) {
    {
      const std::lock_guard lock(mutex_);
      held_for_[number_of(held.message)] = now() - held.came;
    }
    peer.write(support::frame(held.message));
  }

  mutable std::mutex mutex_{};
  std::map<std::uint64_t, nanoseconds> held_for_{};
  MisbehavingServer server_;  // last: its threads use what is above
};

// Answers what comes, and logs when it came.
class ArrivalLog {
 public:
  ArrivalLog()
      : server_([this](PeerSocket& peer) {
          if (!peer.upgrade()) return;
          while (const auto message = peer.read_message()) {
            {
              const std::lock_guard lock(mutex_);
              arrivals_.push_back(now());
            }
            peer.write(support::frame(message->payload));
          }
          peer.write(support::close_frame(1000));
        }) {}

  std::string url() const { return server_.url(); }
  // Since the first.
  std::vector<nanoseconds> arrivals() const {
    const std::lock_guard lock(mutex_);
    std::vector<nanoseconds> since = arrivals_;
    for (nanoseconds& arrival : since) arrival -= arrivals_.front();
    return since;
  }

 private:
  mutable std::mutex mutex_{};
  std::vector<nanoseconds> arrivals_{};
  MisbehavingServer server_;  // last: its threads use what is above
};

// How far two courses of arrivals are apart, in the middle of the cases.
nanoseconds distance(const std::vector<nanoseconds>& one, const std::vector<nanoseconds>& other) {
  std::vector<nanoseconds> apart;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) apart.push_back(std::chrono::abs(one[i] - other[i]));
  REQUIRE_FALSE(apart.empty());
  const auto middle = apart.begin() + static_cast<std::ptrdiff_t>(apart.size() / 2);
  std::nth_element(apart.begin(), middle, apart.end());
  return *middle;
}

}  // namespace

TEST_CASE("a server that really stops: no percentile of an open load is less than its stop makes it", "[faults][open_load]") {
  constexpr nanoseconds length = 4s;
  const bench::EchoProcess server(60);
  wsbench::Run run =
      LoadTest{server.url(), {.name = "stopped", .clients = 10, .duration = length, .pace = wsbench::rate(200), .timeout = 10s}}.start();
  REQUIRE_FALSE(run.wait_for(1500ms));
  const nanoseconds stop = support::stop_process(server.id(), 1s);
  REQUIRE(run.wait_for(limit));
  const Report report = run.wait();
  support::require_sums(report, 800);
  INFO(report);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.latency().max() >= stop - 20ms);
  CHECK(report.latency().percentile(0.99) >= stop - length / 100 - 20ms);
  CHECK(report.latency().percentile(0.95) >= stop - length / 20 - 20ms);
  CHECK(report.latency().percentile(0.9) >= stop - length / 10 - 20ms);
  CHECK(report.latency().percentile(0.5) < stop / 2);
}

TEST_CASE("answers out of order are matched by their number, each to its message", "[faults][open_load]") {
  constexpr std::uint64_t planned = 250;
  const Shuffler::Order order = GENERATE(Shuffler::Order::reversed, Shuffler::Order::first_last);
  const Shuffler server(order);
  std::map<std::uint64_t, nanoseconds> service_times;
  wsbench::Options options;
  options.on_answer = [&](const wsbench::Answer& answer) { service_times[answer.message] = answer.service_time; };
  const Report report = support::run_within(
      limit, LoadTest{server.url(), {.name = "shuffled", .clients = 1, .duration = 1s, .pace = wsbench::rate(planned)}, options});
  support::require_sums(report, planned);
  INFO(report);
  CHECK(report.messages().answered == planned);
  CHECK(report.metrics().failures.total() == 0);
  CHECK(report.metrics().unclaimed + report.metrics().late == 0);

  // Every message waited as long as the server held it, and no other's time: in the middle they are near to it.
  const std::map<std::uint64_t, nanoseconds> held_for = server.held_for();
  REQUIRE(held_for.size() == planned);
  REQUIRE(service_times.size() == planned);
  nanoseconds longest{0};
  std::vector<nanoseconds> beyond;
  for (const auto& [number, held] : held_for) {
    CAPTURE(number, held.count(), service_times[number].count());
    CHECK(service_times[number] >= held);
    beyond.push_back(service_times[number] - held);
    longest = std::max(longest, held);
  }
  std::nth_element(beyond.begin(), beyond.begin() + planned / 2, beyond.end());
  CHECK(beyond[planned / 2] < longest / 2);
  CHECK(longest >= 12ms);  // four intervals of 4 ms, as a rule
}

TEST_CASE("a server that never answers an open load: everything failed, and the run ends on time", "[faults][open_load]") {
  constexpr auto timeout = 300ms;
  constexpr std::uint64_t planned = 500;
  MisbehavingServer server([](PeerSocket& peer) {
    if (peer.upgrade()) peer.listen_in_silence();
  });
  Scenario scenario{.name = "silence", .clients = 4, .duration = 1s, .pace = wsbench::rate(planned), .timeout = timeout};
  const bool numbered = GENERATE(true, false);
  if (!numbered) scenario.behaviour = wsbench::echo({.text = "hello"});
  const nanoseconds start = now();
  const Report report = support::run_within(limit, LoadTest{server.url(), scenario, {.close_timeout = 200ms}});
  const nanoseconds took = now() - start;
  support::require_sums(report, planned);
  INFO(report);
  CHECK(report.messages().answered == 0);
  CHECK(report.latency().count() == 0);
  CHECK_THROWS_AS(report.latency().max(), wsbench::NotMeasured);
  CHECK(report.unanswered());
  CHECK_FALSE(report.passed());
  if (numbered) {
    CHECK(report.messages().failed == planned);
    support::require_only_failure(report, Failure::timeout, 0, planned);
    CHECK(report.messages().failed_time.min() >= timeout);
  } else {
    // A missed answer costs all that were in flight with it, and the connection.
    const std::uint64_t timeouts = report.metrics().failures.count(Failure::timeout);
    CHECK(timeouts > 0);
    CHECK(timeouts + report.metrics().failures.count(Failure::out_of_step) == report.messages().failed);
    CHECK(report.metrics().connections.reconnected >= timeouts / 2);
  }
  CHECK(took >= 998ms + (numbered ? timeout : 0ms));  // when the last message was due, and its deadline
  CHECK(took < 1s + timeout + 2s);
}

TEST_CASE("answers to an open load after their deadline are late, and in no latency", "[faults][open_load]") {
  constexpr auto timeout = 300ms;
  constexpr auto stall = 700ms;
  constexpr double rate = 500;
  constexpr std::uint64_t planned = 1000;
  wsbench::EchoServer server;
  Scenario scenario{.name = "late", .clients = 4, .duration = 2s, .pace = wsbench::rate(rate), .timeout = timeout};
  const bool numbered = GENERATE(true, false);
  if (!numbered) scenario.behaviour = wsbench::echo({.text = "hello"});
  wsbench::Run run = LoadTest{server.url(), scenario}.start();
  REQUIRE_FALSE(run.wait_for(600ms));
  server.stall(stall);  // in order, all at once, when it is over
  REQUIRE(run.wait_for(limit));
  const Report report = run.wait();
  support::require_sums(report, planned);
  INFO(report);
  // What was sent more than a timeout before the end of the stall; without numbers, what was in flight at the first deadline.
  const std::chrono::duration<double> lost = numbered ? stall - timeout : timeout;
  const auto least = static_cast<std::uint64_t>(rate * lost.count() * 0.9);
  CHECK(report.messages().failed >= least);
  CHECK(report.messages().answered > 0);
  CHECK(report.service_time().max() <= timeout);
  if (numbered) {
    CHECK(report.metrics().late == report.messages().failed);
    CHECK(report.metrics().received == report.messages().answered + report.metrics().late);
    CHECK(report.metrics().failures.count(Failure::timeout) == report.messages().failed);
    CHECK(report.metrics().failures.total() == report.messages().failed);
  } else {
    CHECK(report.metrics().late == 0);  // they came to connections that were gone
    CHECK(report.metrics().connections.reconnected >= 4);
  }
}

TEST_CASE("the same seed plans the same sends, another seed others", "[faults][open_load]") {
  struct Course {
    std::uint64_t seed;
    ArrivalLog server{};
  };
  Course first{1}, again{1}, other{2};
  std::vector<wsbench::Run> runs;
  for (const Course* course : {&first, &again, &other}) {
    const LoadTest test{course->server.url(),
                        {.name = "seeded", .clients = 1, .duration = 2s, .pace = wsbench::rate(50).poisson()},
                        {.seed = course->seed}};
    runs.push_back(test.start());
  }
  std::vector<std::uint64_t> planned;
  for (wsbench::Run& run : runs) {
    REQUIRE(run.wait_for(limit));
    planned.push_back(run.wait().planned());
  }
  CHECK(planned[0] == planned[1]);
  CHECK(planned[0] != planned[2]);
  CHECK(first.server.arrivals().size() == planned[0]);
  const nanoseconds same = distance(first.server.arrivals(), again.server.arrivals());
  const nanoseconds different = distance(first.server.arrivals(), other.server.arrivals());
  CAPTURE(same.count(), different.count());
  CHECK(same < different / 3);
}
