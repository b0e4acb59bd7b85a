#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/run/cohort.hpp>
#include <wsbench/run/in_flight.hpp>
#include <wsbench/run/recent_ids.hpp>
#include <wsbench/schedule.hpp>
#include <wsbench/session.hpp>

namespace wsbench::detail {

/// Whether what a behaviour waits for has come since it last ran.
class Resumption {
 public:
  /// What it waits for has come.
  void complete(Waiter* waiter) noexcept { requested_ = waiter->complete() || requested_; }
  /// The reply it waits for has come.
  void give(PendingReply* waiter, Reply reply) {
    waiter->reply = std::move(reply);
    complete(waiter);
  }
  /// A behaviour is there that has not begun.
  void request() noexcept { requested_ = true; }
  /// Whether it is to be resumed; asked once.
  bool take() noexcept { return std::exchange(requested_, false); }

 private:
  bool requested_{false};
};

/// A message that came, and when.
struct Incoming {
  std::string_view payload{};
  bool binary{false};
  std::chrono::nanoseconds arrival{0};  ///< when it reached the machine
  std::chrono::nanoseconds read{0};     ///< when it was read
  bool stamped{false};                  ///< whether the arrival is the kernel's word
};

/// What one user has said and heard: its messages that wait for answers, those that came and nobody has asked for, and who waits for which.
class Conversation {
 public:
  Conversation(Cohort& cohort, std::uint64_t client, Resumption& resumption) : cohort_(cohort), client_(client), resumption_(resumption) {}

  // ---- what is said -----------------------------------------------------------------------------------------------------------------

  /// The id that the message's answer will carry, as far as the behaviour correlates.
  std::optional<std::uint64_t> id_of(std::string_view payload) const {
    const Correlation& read_id = cohort_.behaviour().correlation();
    return read_id ? read_id(payload) : std::nullopt;
  }

  /// Adds a message that was taken for writing.
  void add(InFlight& message) {
    message.number = requests_++;
    in_flight_.add(message);
  }

  /// Begins a ping whose pong will carry this payload.
  std::string_view ping(PendingPong& waiter, std::chrono::nanoseconds timeout) {
    std::memcpy(ping_.payload.data(), &++ping_.number, sizeof ping_.number);
    ping_.waiter = &waiter;
    ping_.timeout = timeout;
    ping_.sent = InFlight::unset;
    return {ping_.payload.data(), ping_.payload.size()};
  }

  /// Whether something taken is not written yet.
  bool any_unwritten() const noexcept { return in_flight_.any_unwritten() || ping_.unwritten(); }

  /// Counts what was taken as sent, just before it is written; what had to wait for the server until `usable_since` was late for as long.
  void stamp(std::chrono::nanoseconds now, std::chrono::nanoseconds usable_since) {
    in_flight_.stamp(now, [&](const InFlight& message, bool on_schedule) {
      if (on_schedule) {
        message.collector->sent(message.label, now - std::max(message.due, usable_since));
      } else {
        message.collector->sent(message.label);
      }
    });
    if (!ping_.unwritten()) return;
    ping_.sent = now;
    cohort_.collector.ping_sent();
  }

  /// How many messages wait for answers.
  std::size_t in_flight() const noexcept { return in_flight_.size(); }

  // ---- what is heard ----------------------------------------------------------------------------------------------------------------

  /// What a message that came was.
  struct Taken {
    bool answer{false};                   ///< to a message in flight, which is so no longer
    bool awaited{false};                  ///< an answer, or a message that `receive()` waited for
    std::chrono::nanoseconds arrival{0};  ///< when it reached the machine
    std::exception_ptr thrown{};          ///< what a function of the behaviour threw at it
  };

  /// Takes a message to whom it belongs.
  Taken take(Session& user, const Incoming& incoming) {
    const bool delivery = delivered(incoming);
    const bool by_id = static_cast<bool>(cohort_.behaviour().correlation());
    std::optional<InFlight> message;
    try {
      if (by_id) {
        const std::optional<std::uint64_t> id = id_of(incoming.payload);
        if (id) message = in_flight_.take_answered(*id);
        if (id && !message && count_stray_answer(*id)) return {};
      }
      if (!message && pushed(user, incoming)) return {};
    } catch (...) {
      return {.thrown = std::current_exception()};
    }
    if (!message && !by_id) message = in_flight_.take_answered();
    if (message) return {true, true, answered(*message, incoming), {}};
    if (receiver_ != nullptr) {
      resumption_.give(std::exchange(receiver_, nullptr), Reply(std::string(incoming.payload), incoming.binary));
      return {false, true, incoming.arrival, {}};
    }
    if (!delivery) keep(Reply(std::string(incoming.payload), incoming.binary));
    return {};
  }

  /// A pong came; whether it was awaited. One that answers no ping in flight is nobody's.
  bool pong(std::string_view payload, std::chrono::nanoseconds arrival) {
    const bool awaited =
        ping_.waiter != nullptr && !ping_.unwritten() && payload == std::string_view(ping_.payload.data(), ping_.payload.size());
    if (!awaited) return false;
    const std::chrono::nanoseconds round_trip = std::max(arrival - ping_.sent, std::chrono::nanoseconds{0});
    cohort_.collector.ping_answered(round_trip);
    ping_.waiter->pong = Pong(round_trip);
    resumption_.complete(std::exchange(ping_.waiter, nullptr));
    return true;
  }

  /// Has `waiter` given the next message that is no answer; whether one was there already.
  bool receive(PendingReply& waiter, std::chrono::nanoseconds deadline) {
    if (!inbox_.empty()) {
      resumption_.give(&waiter, std::move(inbox_.front()));
      inbox_.erase(inbox_.begin());
      return true;
    }
    receiver_ = &waiter;
    receive_deadline_ = deadline;
    return false;
  }
  /// Whether there is a message that nobody has asked for.
  bool has_mail() const noexcept { return !inbox_.empty(); }

  /// Nobody will ask for anything any more.
  void nobody_listens() {
    listened_to_ = false;
    for (; !inbox_.empty(); inbox_.pop_back()) cohort_.collector.received_unclaimed();
  }

  /// Another conversation begins, on another connection.
  void begin_anew() {
    listened_to_ = true;
    answered_ = {};
    given_up_ = {};
  }

  // ---- what does not come -----------------------------------------------------------------------------------------------------------

  /// The earliest time at which something is to be given up, or `other` if that is earlier.
  std::chrono::nanoseconds next_deadline(std::chrono::nanoseconds other) const noexcept {
    if (receiver_ != nullptr) other = std::min(other, receive_deadline_);
    return in_flight_.next_deadline(std::min(other, ping_.deadline()));
  }

  /// Gives up the messages whose deadline is over by then, telling `given_up(deadline)` of each; whether answers that come later can still
  /// be told apart, which without ids they cannot.
  template <class GivenUp>
  bool expire(std::chrono::nanoseconds by, std::chrono::nanoseconds now, GivenUp given_up) {
    while (const std::optional<InFlight> message = in_flight_.take_expired(by)) {
      count_failure(*message, Failure::timeout, now, "no answer within " + in_words(message->timeout));
      given_up(message->deadline());
      give_up(*message, Failure::timeout, message->deadline());
      if (!message->id) return false;
      given_up_.add(*message->id);
    }
    return true;
  }

  /// Lets go whoever has waited for a message until its deadline; when that was.
  std::optional<std::chrono::nanoseconds> expire_receiver(std::chrono::nanoseconds now) {
    if (receiver_ == nullptr || receive_deadline_ > now) return std::nullopt;
    resumption_.give(std::exchange(receiver_, nullptr), Reply(Failure::timeout));
    return receive_deadline_;
  }

  /// Gives up a ping whose deadline is over; when that was.
  std::optional<std::chrono::nanoseconds> expire_ping(std::chrono::nanoseconds now) {
    const std::chrono::nanoseconds deadline = ping_.deadline();
    if (deadline > now) return std::nullopt;
    Cohort::count_failure(cohort_.collector, client_, Failure::ping_timeout, 0, now, "no pong within " + in_words(ping_.timeout));
    fail_ping(Failure::ping_timeout);
    return deadline;
  }

  /// An answer is missing and the next could be anyone's: gives up everything in flight.
  void fall_out_of_step(std::chrono::nanoseconds now) {
    while (const std::optional<InFlight> message = in_flight_.take_oldest()) {
      count_failure(*message, Failure::out_of_step, now, "in flight when an earlier answer was missed");
      give_up(*message, Failure::out_of_step, now);
    }
    fail_ping(Failure::out_of_step);
  }

  /// The connection is gone: so is everything that waited for it.
  void lose(Failure failure, std::chrono::nanoseconds now) {
    while (const std::optional<InFlight> message = in_flight_.take_oldest()) give_up(*message, failure, now);
    if (receiver_ != nullptr) resumption_.give(std::exchange(receiver_, nullptr), Reply(failure));
    fail_ping(failure);
  }

  /// A waiter goes away.
  void forget(const Waiter& waiter) noexcept {
    in_flight_.forget(waiter);
    if (receiver_ == &waiter) receiver_ = nullptr;
    if (ping_.waiter == &waiter) ping_.waiter = nullptr;
  }

 private:
  // The one ping that may be in flight.
  struct Ping {
    std::uint64_t number{0};
    std::array<char, sizeof(std::uint64_t)> payload{};
    PendingPong* waiter{nullptr};
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds sent{InFlight::unset};

    bool unwritten() const noexcept { return waiter != nullptr && sent == InFlight::unset; }
    std::chrono::nanoseconds deadline() const noexcept { return waiter == nullptr || unwritten() ? never : sent + timeout; }
  };

  static constexpr std::size_t inbox_limit = 16;

  // Whether it carries a publication, which is noted.
  bool delivered(const Incoming& incoming) {
    if (cohort_.fan_out == nullptr || !cohort_.fan_out->in_use()) return false;
    const std::optional<Publication> publication = Publication::find_in(incoming.payload);
    if (publication) cohort_.fan_out->deliver(client_, *publication, incoming.arrival);
    return publication.has_value();
  }

  // Whether it is an answer that had come, or that nobody waited for any more.
  bool count_stray_answer(std::uint64_t id) {
    if (given_up_.take(id)) {
      answered_.add(id);
      cohort_.collector.received_late();
    } else if (answered_.has(id)) {
      cohort_.collector.received_again();
    } else {
      return false;
    }
    return true;
  }

  // Whether it was pushed and one of the behaviour's handlers has it.
  bool pushed(Session& user, const Incoming& incoming) {
    const std::vector<Push>& pushes = cohort_.behaviour().pushes();
    const auto push = std::find_if(pushes.begin(), pushes.end(), [&](const Push& each) { return each.matches(incoming.payload); });
    if (push == pushes.end()) return false;
    std::optional<std::chrono::nanoseconds> delivery_time;
    if (push->sent_at) {
      // The message tells wall time, and so must be told when it arrived.
      const auto arrived = std::chrono::system_clock::now() - (cohort_.clock.now() - incoming.arrival);
      if (const auto sent = push->sent_at(incoming.payload)) delivery_time = arrived - *sent;
    }
    cohort_.collector.pushed(push->label, delivery_time);
    if (push->then) push->then(user, incoming.payload);
    return true;
  }

  void fail_ping(Failure failure) {
    if (ping_.waiter == nullptr) return;
    if (!ping_.unwritten()) cohort_.collector.ping_failed();
    ping_.waiter->fail(failure);
    resumption_.complete(std::exchange(ping_.waiter, nullptr));
  }

  // Returns when the answer reached the machine.
  std::chrono::nanoseconds answered(const InFlight& message, const Incoming& incoming) {
    // No answer is older than its question: the wall clock was set, and its stamp says nothing.
    const bool believed = incoming.arrival >= message.sent;
    const std::chrono::nanoseconds arrival = believed ? incoming.arrival : incoming.read;
    message.collector->answered(message.label, arrival - message.due, arrival - message.sent);
    if (believed && incoming.stamped) message.collector->waited(incoming.read - arrival);
    tell_outcome(message, arrival, std::nullopt);
    if (message.id) answered_.add(*message.id);
    if (message.waiter != nullptr) resumption_.give(message.waiter, Reply(std::string(incoming.payload), incoming.binary));
    return arrival;
  }

  // Keeps a message for a later `receive()`; a behaviour that never calls it pays for the last few only.
  void keep(Reply reply) {
    if (!listened_to_) return cohort_.collector.received_unclaimed();
    if (inbox_.size() == inbox_limit) {
      inbox_.erase(inbox_.begin());
      cohort_.collector.received_unclaimed();
    }
    inbox_.push_back(std::move(reply));
  }

  void give_up(const InFlight& message, Failure failure, std::chrono::nanoseconds at) {
    if (message.sent == InFlight::unset) {
      message.collector->not_sent(1);
    } else {
      message.collector->failed(message.label, at - message.due);
      tell_outcome(message, at, failure);
    }
    if (message.waiter != nullptr) resumption_.give(message.waiter, Reply(failure));
  }

  void tell_outcome(const InFlight& message, std::chrono::nanoseconds at, std::optional<Failure> failure) const {
    if (!cohort_.options.on_answer) return;
    cohort_.options.on_answer({client_, message.number, at - message.due, at - message.sent, failure});
  }

  void count_failure(const InFlight& message, Failure failure, std::chrono::nanoseconds now, const std::string& detail) const {
    Cohort::count_failure(*message.collector, client_, failure, 0, now, detail);
  }

  Cohort& cohort_;
  std::uint64_t client_;
  Resumption& resumption_;
  InFlightMessages in_flight_{};
  RecentIds answered_{};
  RecentIds given_up_{};
  std::vector<Reply> inbox_{};  // messages nobody has asked for yet
  PendingReply* receiver_{nullptr};
  std::chrono::nanoseconds receive_deadline_{0};
  Ping ping_{};
  std::uint32_t requests_{0};
  bool listened_to_{true};
};

}  // namespace wsbench::detail
