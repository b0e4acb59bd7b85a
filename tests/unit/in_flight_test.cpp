#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/run/in_flight.hpp>
#include <wsbench/session.hpp>

#include "catch.hpp"
#include "support/idle_session.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::PendingReply;
using wsbench::PendingTurn;
using wsbench::detail::InFlight;
using wsbench::detail::InFlightMessages;

namespace {

InFlight numbered(std::uint32_t number, nanoseconds timeout = 1s, nanoseconds due = InFlight::unset) {
  static wsbench::MetricsCollector collector;
  InFlight message;
  message.collector = &collector;
  message.number = number;
  message.id = 100 + number;
  message.timeout = timeout;
  message.due = due;
  return message;
}

void write(InFlightMessages& messages, nanoseconds now) {
  messages.stamp(now, [](const InFlight&, bool) {});
}

}  // namespace

TEST_CASE("messages without an id are answered in the order they were written", "[in_flight]") {
  InFlightMessages messages;
  for (std::uint32_t n = 0; n < 3; ++n) messages.add(numbered(n));
  write(messages, 1ms);
  for (std::uint32_t n = 0; n < 3; ++n) CHECK(messages.take_answered()->number == n);
  CHECK_FALSE(messages.take_answered().has_value());
  CHECK(messages.empty());
}

TEST_CASE("messages with an id are answered by it", "[in_flight]") {
  InFlightMessages messages;
  for (std::uint32_t n = 0; n < 3; ++n) messages.add(numbered(n));
  write(messages, 1ms);
  CHECK(messages.take_answered(101)->number == 1);
  CHECK_FALSE(messages.take_answered(101).has_value());
  CHECK_FALSE(messages.take_answered(7).has_value());
  CHECK(messages.take_answered(102)->number == 2);
  CHECK(messages.take_answered(100)->number == 0);
  CHECK(messages.empty());
}

TEST_CASE("a message that is not written yet has no answer and no deadline", "[in_flight]") {
  InFlightMessages messages;
  messages.add(numbered(0));
  CHECK_FALSE(messages.take_answered().has_value());
  CHECK_FALSE(messages.take_answered(100).has_value());
  CHECK_FALSE(messages.take_expired(nanoseconds::max()).has_value());
  CHECK(messages.next_deadline(77s) == 77s);
  CHECK_FALSE(messages.empty());
  CHECK(messages.any_unwritten());
  write(messages, 5ms);
  CHECK_FALSE(messages.any_unwritten());
  messages.add(numbered(1));
  CHECK(messages.take_answered()->number == 0);
  CHECK_FALSE(messages.take_answered().has_value());
  CHECK(messages.any_unwritten());
}

TEST_CASE("a stamp reaches those added since the last one, and keeps their due times", "[in_flight]") {
  InFlightMessages messages;
  messages.add(numbered(0, 1s, 2ms));
  write(messages, 5ms);
  messages.add(numbered(1));
  messages.add(numbered(2, 1s, 4ms));
  std::vector<std::uint64_t> told;
  std::vector<bool> scheduled;
  messages.stamp(9ms, [&](const InFlight& message, bool on_schedule) {
    told.push_back(message.number);
    scheduled.push_back(on_schedule);
    CHECK(message.sent == 9ms);
  });
  CHECK(told == std::vector<std::uint64_t>{1, 2});
  CHECK(scheduled == std::vector<bool>{false, true});
  const auto first = messages.take_oldest();
  CHECK(first->sent == 5ms);
  CHECK(first->due == 2ms);
  CHECK(messages.take_oldest()->due == 9ms);  // unset: due when it was sent
  CHECK(messages.take_oldest()->due == 4ms);
}

TEST_CASE("the oldest is taken out whether it is written or not, and the count of the unwritten holds", "[in_flight]") {
  InFlightMessages messages;
  messages.add(numbered(0));
  write(messages, 1ms);
  messages.add(numbered(1));
  messages.add(numbered(2));
  CHECK(messages.take_oldest()->sent == 1ms);
  CHECK(messages.take_oldest()->sent == InFlight::unset);
  CHECK(messages.any_unwritten());
  write(messages, 3ms);
  CHECK(messages.take_answered()->number == 2);
  CHECK_FALSE(messages.any_unwritten());
  CHECK_FALSE(messages.take_oldest().has_value());
}

TEST_CASE("deadlines run from the write, each with its own timeout", "[in_flight]") {
  InFlightMessages messages;
  messages.add(numbered(0, 5s));
  messages.add(numbered(1, 10ms));
  messages.add(numbered(2, 20ms));
  write(messages, 100ms);
  CHECK(messages.next_deadline(InFlightMessages{}.next_deadline(1h)) == 110ms);
  CHECK(messages.next_deadline(50ms) == 50ms);
  CHECK_FALSE(messages.take_expired(110ms - 1ns).has_value());
  CHECK(messages.take_expired(110ms)->number == 1);
  CHECK_FALSE(messages.take_expired(110ms).has_value());
  CHECK(messages.next_deadline(1h) == 120ms);
  CHECK(messages.take_expired(6s)->number == 0);  // the oldest of those that are over
  CHECK(messages.take_expired(6s)->number == 2);
  CHECK_FALSE(messages.take_expired(nanoseconds::max()).has_value());
}

TEST_CASE("a waiter that is gone is forgotten, its message is not", "[in_flight]") {
  support::IdleSession session;  // waiters belong to one
  InFlightMessages messages;
  InFlight first = numbered(0);
  InFlight second = numbered(1);
  PendingReply stays = session.request("", "");
  second.waiter = &stays;
  {
    PendingReply goes = session.request("", "");
    first.waiter = &goes;
    messages.add(first);
    messages.add(second);
    messages.forget(goes);
  }
  write(messages, 1ms);
  CHECK(messages.take_answered()->waiter == nullptr);
  CHECK(messages.take_answered()->waiter == &stays);
}

TEST_CASE("whatever is done with them, messages come out once and as they went in", "[in_flight]") {
  std::mt19937 random{20261124};
  InFlightMessages messages;
  std::vector<InFlight> model;  // those not stamped have sent unset
  std::uint32_t added = 0;
  nanoseconds now{0};
  const auto take_from_model = [&](std::size_t at) {
    const InFlight message = model.at(at);
    model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
    return message;
  };
  const auto find_in_model = [&](auto wanted) -> std::optional<InFlight> {
    for (std::size_t at = 0; at < model.size(); ++at) {
      if (model[at].sent != InFlight::unset && wanted(model[at])) return take_from_model(at);
    }
    return std::nullopt;
  };
  const auto same = [](const std::optional<InFlight>& a, const std::optional<InFlight>& b) {
    return a.has_value() == b.has_value() && (!a || (a->number == b->number && a->sent == b->sent && a->due == b->due));
  };
  bool equal = true;
  for (int step = 0; step < 50'000 && equal; ++step) {
    now += nanoseconds{random() % 10};
    const std::uint64_t id = 100 + (added == 0 ? 0 : random() % added);
    switch (random() % 7) {
      case 0:
      case 1:
        if (model.size() > 20) break;
        model.push_back(numbered(added++, nanoseconds{random() % 100 + 1}, random() % 2 == 0 ? now : InFlight::unset));
        messages.add(model.back());
        break;
      case 2:
        for (InFlight& message : model) {
          if (message.sent != InFlight::unset) continue;
          message.sent = now;
          if (message.due == InFlight::unset) message.due = now;
        }
        write(messages, now);
        break;
      case 3: equal = same(messages.take_answered(), find_in_model([](const InFlight&) { return true; })); break;
      case 4: equal = same(messages.take_answered(id), find_in_model([&](const InFlight& message) { return message.id == id; })); break;
      case 5:
        equal = same(messages.take_expired(now), find_in_model([&](const InFlight& message) { return message.deadline() <= now; }));
        break;
      case 6:
        if (random() % 8 == 0) equal = same(messages.take_oldest(), model.empty() ? std::nullopt : std::optional{take_from_model(0)});
        break;
    }
    equal = equal && messages.empty() == model.empty();
    nanoseconds earliest{nanoseconds::max()};
    bool unwritten = false;
    for (const InFlight& message : model) {
      unwritten = unwritten || message.sent == InFlight::unset;
      if (message.sent != InFlight::unset) earliest = std::min(earliest, message.deadline());
    }
    equal = equal && messages.any_unwritten() == unwritten && messages.next_deadline(nanoseconds::max()) == earliest;
    if (!equal) FAIL("at step " << step);
  }
  CHECK(added > 1000);
}
