#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <wsbench/net/deadline_queue.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::detail::Deadline;
using wsbench::detail::DeadlineQueue;

namespace {

class Call final : public Deadline {
 public:
  std::function<void(nanoseconds)> then{};
  std::vector<nanoseconds> calls{};

 private:
  void on_deadline(nanoseconds now) override {
    calls.push_back(now);
    if (then) then(now);
  }
};

}  // namespace

TEST_CASE("nothing armed is due never", "[deadline_queue]") {
  DeadlineQueue queue;
  CHECK(queue.next() == DeadlineQueue::never);
  queue.run_due(nanoseconds::max() - 1ns);
  Call idle;
  queue.disarm(idle);
  CHECK(queue.next() == DeadlineQueue::never);
}

TEST_CASE("a deadline is called once, when it is due and not before", "[deadline_queue]") {
  DeadlineQueue queue;
  Call call;
  queue.arm(call, 10ms);
  CHECK(queue.next() == 10ms);
  queue.run_due(10ms - 1ns);
  CHECK(call.calls.empty());
  queue.run_due(10ms);
  CHECK(call.calls == std::vector<nanoseconds>{10ms});
  queue.run_due(1h);
  CHECK(call.calls.size() == 1);
  CHECK(queue.next() == DeadlineQueue::never);
}

TEST_CASE("those due are called in the order of their times", "[deadline_queue]") {
  DeadlineQueue queue;
  std::vector<int> order;
  Call calls[5];
  const nanoseconds times[] = {30ms, 10ms, 50ms, 20ms, 40ms};
  for (int n = 0; n < 5; ++n) {
    calls[n].then = [&order, n](nanoseconds) { order.push_back(n); };
    queue.arm(calls[n], times[n]);
  }
  queue.run_due(45ms);
  CHECK(order == std::vector<int>{1, 3, 0, 4});
  CHECK(queue.next() == 50ms);
}

TEST_CASE("an armed deadline moves to earlier times only", "[deadline_queue]") {
  DeadlineQueue queue;
  Call call;
  queue.arm(call, 10ms);
  queue.arm(call, 20ms);
  CHECK(queue.next() == 10ms);
  queue.arm(call, 5ms);
  CHECK(queue.next() == 5ms);
  queue.disarm(call);
  CHECK(queue.next() == DeadlineQueue::never);
  queue.arm(call, 20ms);
  CHECK(queue.next() == 20ms);
}

TEST_CASE("a deadline that goes is gone from the queue", "[deadline_queue]") {
  DeadlineQueue queue;
  Call stays;
  queue.arm(stays, 20ms);
  {
    Call goes;
    queue.arm(goes, 10ms);
    CHECK(queue.next() == 10ms);
  }
  CHECK(queue.next() == 20ms);
  queue.run_due(30ms);
  CHECK(stays.calls.size() == 1);
}

TEST_CASE("one that arms itself for now waits for the next time and keeps nobody from his turn", "[deadline_queue]") {
  DeadlineQueue queue;
  Call greedy;
  Call modest;
  Call later;
  greedy.then = [&](nanoseconds) { queue.arm(greedy, 0ms); };
  queue.arm(greedy, 1ms);
  queue.arm(modest, 10ms);
  queue.arm(later, 30ms);
  queue.run_due(20ms);
  CHECK(greedy.calls.size() == 1);
  CHECK(modest.calls.size() == 1);
  CHECK(queue.next() <= 20ms + 1ns);
  queue.run_due(21ms);
  CHECK(greedy.calls.size() == 2);
  CHECK(later.calls.empty());
}

TEST_CASE("one that is armed for now by another waits too, however late it was", "[deadline_queue]") {
  DeadlineQueue queue;
  Call first;
  Call other;
  first.then = [&](nanoseconds now) { queue.arm(other, now); };
  queue.arm(first, 1ms);
  queue.arm(other, 1h);
  queue.run_due(20ms);
  CHECK(other.calls.empty());
  queue.run_due(21ms);
  CHECK(other.calls.size() == 1);
}

TEST_CASE("a call may disarm, destroy and arm others that are due", "[deadline_queue]") {
  DeadlineQueue queue;
  Call first;
  Call disarmed;
  auto destroyed = std::make_unique<Call>();
  Call last;
  first.then = [&](nanoseconds) {
    queue.disarm(disarmed);
    destroyed.reset();
  };
  queue.arm(first, 1ms);
  queue.arm(disarmed, 2ms);
  queue.arm(*destroyed, 3ms);
  queue.arm(last, 4ms);
  queue.run_due(10ms);
  CHECK(disarmed.calls.empty());
  CHECK(last.calls.size() == 1);
  CHECK(queue.next() == DeadlineQueue::never);
}

TEST_CASE("a call that throws leaves the queue as it was without it", "[deadline_queue]") {
  DeadlineQueue queue;
  Call throws;
  Call other;
  throws.then = [](nanoseconds) { throw 1; };
  queue.arm(throws, 1ms);
  queue.arm(other, 2ms);
  CHECK_THROWS_AS(queue.run_due(10ms), int);
  queue.run_due(10ms);
  CHECK(throws.calls.size() == 1);
  CHECK(other.calls.size() == 1);
}

TEST_CASE("it does as a multimap would", "[deadline_queue]") {
  constexpr std::size_t many = 200;
  std::mt19937 random{20261124};
  DeadlineQueue queue;
  std::vector<std::unique_ptr<Call>> calls;
  for (std::size_t n = 0; n < many; ++n) calls.push_back(std::make_unique<Call>());
  std::multimap<nanoseconds, std::size_t> model;
  const auto place_of = [&](std::size_t n) {
    return std::find_if(model.begin(), model.end(), [n](const auto& entry) { return entry.second == n; });
  };
  nanoseconds now{0};
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t n = random() % many;
    const auto place = place_of(n);
    switch (random() % 8) {
      default: {
        const nanoseconds at = now + nanoseconds{random() % 1000};
        queue.arm(*calls[n], at);
        if (place == model.end()) {
          model.emplace(at, n);
        } else if (at < place->first) {
          model.erase(place);
          model.emplace(at, n);
        }
        break;
      }
      case 0:
        queue.disarm(*calls[n]);
        if (place != model.end()) model.erase(place);
        break;
      case 1:
        calls[n] = std::make_unique<Call>();
        if (place != model.end()) model.erase(place);
        break;
      case 2: {
        now += nanoseconds{random() % 100};
        std::vector<std::size_t> due;
        while (!model.empty() && model.begin()->first <= now) {
          due.push_back(model.begin()->second);
          model.erase(model.begin());
        }
        queue.run_due(now);
        std::vector<std::size_t> called;
        for (std::size_t each = 0; each < many; ++each) {
          for ([[maybe_unused]] const nanoseconds at : calls[each]->calls) called.push_back(each);
          calls[each]->calls.clear();
        }
        std::sort(due.begin(), due.end());
        REQUIRE(called == due);
        break;
      }
    }
    REQUIRE(queue.next() == (model.empty() ? DeadlineQueue::never : model.begin()->first));
  }
}
