#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/net/wire.hpp>
#include <wsbench/run/cohort.hpp>
#include <wsbench/run/in_flight.hpp>
#include <wsbench/schedule.hpp>
#include <wsbench/session.hpp>

namespace wsbench::detail {

/// One virtual user: connects, runs the behaviour, measures what it asks and gets, and closes.
///
/// It is entered by its deadline and by its wire, runs the behaviour as far as that lets it, and writes what was sent in one go.
class Client final : public Session, private WireEvents, private Deadline {
 public:
  /// `make_wire(WireEvents&)` gives the wire it speaks through; `start` is when it connects.
  template <class MakeWire>
  Client(Cohort& cohort, std::uint64_t id, std::chrono::nanoseconds start, MakeWire make_wire)
      : Session(id), cohort_(cohort), wire_(make_wire(static_cast<WireEvents&>(*this))), phase_deadline_(start) {
    cohort_.deadlines.arm(*this, start);
  }

  /// Ends everything at once: the behaviour is cancelled where it waits, what is in flight stays in flight. Not from within the behaviour.
  void interrupt() {
    if (state_ == State::finished) return;
    now_ = cohort_.clock.now();
    execution_.cancel();
    if (connected()) {
      cohort_.collector.connection_ended();
      wire_->close(1000);
      wire_->flush();
    }
    cohort_.outcome_at(now_);
    finish();
  }

  bool finished() const noexcept { return state_ == State::finished; }

  bool stopping() const noexcept override { return load_over(cohort_.clock.now()); }

 private:
  enum class State : std::uint8_t {
    waiting,       // for its start
    connecting,    // for the first time
    open,          // connected
    reconnecting,  // the behaviour runs, its connection is being made again
    lost,          // the behaviour runs, there is no connection and will be none
    closing,       // the behaviour has ended, the closing handshake is under way
    finished,
  };
  static constexpr std::chrono::nanoseconds never = DeadlineQueue::never;
  static constexpr std::chrono::nanoseconds tick{1};
  static constexpr std::chrono::nanoseconds longest_wait = std::chrono::hours{24 * 366};  // beyond, sums of times could leave 64 bits
  static constexpr std::size_t inbox_limit = 16;
  static constexpr std::size_t given_up_limit = 32;
  static constexpr std::uint32_t turns_at_once = 64;

  // ---- the load -------------------------------------------------------------------------------------------------------------------

  const Scenario& scenario() const noexcept { return cohort_.scenario; }
  bool timed() const noexcept { return scenario().duration.count() > 0; }

  // Whether this user's turns are over.
  bool load_over(std::chrono::nanoseconds now) const noexcept {
    if (state_ == State::lost || state_ == State::finished) return true;
    if (scenario().messages > 0 && turns_ >= scenario().messages) return true;
    return timed() && now >= scenario().duration;
  }

  // Behaviours that take no notice of the load's end are given as long as an answer may take.
  bool overstayed(std::chrono::nanoseconds now) const noexcept { return timed() && now >= scenario().duration + scenario().timeout; }

  // Turns that were planned and will not be taken.
  std::uint64_t turns_left() const noexcept {
    std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
    if (scenario().messages > 0) left = scenario().messages - std::min(turns_, scenario().messages);
    if (timed()) {
      const std::chrono::nanoseconds think = scenario().pace.think_time();
      const std::chrono::nanoseconds last = state_ == State::connecting ? connect_started_ : now_;
      const std::chrono::nanoseconds next = turn_ != nullptr ? turn_due_ : last + think;
      if (next >= scenario().duration) return 0;
      // Flat out, how many it would have been is the server's to say: only the next one was certain, unless they were counted.
      if (think.count() > 0) left = std::min(left, static_cast<std::uint64_t>((scenario().duration - next - tick) / think) + 1);
      if (left == std::numeric_limits<std::uint64_t>::max()) left = 1;
    }
    return left;
  }

  // ---- entered by the deadline ------------------------------------------------------------------------------------------------------

  void on_deadline(std::chrono::nanoseconds now) override {
    enter(now);
    switch (state_) {
      case State::waiting:
        if (now >= phase_deadline_) {
          cohort_.collector.connection_attempted();
          connect(State::connecting);
        }
        break;
      case State::connecting:
      case State::reconnecting:
        if (now >= phase_deadline_) {
          const Ending ending{wire_->phase_timeout(), 0, "not open within " + in_words(cohort_.options.connect_timeout)};
          wire_->abandon();
          ended(ending);
        }
        break;
      case State::closing:
        if (now >= phase_deadline_) {
          cohort_.collector.connection_ended();
          finish();
        }
        break;
      case State::open:
      case State::lost:
      case State::finished: break;
    }
    run_deadlines();
    leave();
  }

  void run_deadlines() {
    expire();
    if (stall_deadline_ <= now_) {
      drop({Failure::backpressure, 0, "the server read nothing for " + in_words(scenario().timeout)});
    }
    if (refused_ != nullptr && !held_up()) complete(std::exchange(refused_, nullptr));
    if (receiver_ != nullptr && receive_deadline_ <= now_) {
      last_event_ = receive_deadline_;
      give(std::exchange(receiver_, nullptr), Reply(Failure::timeout));
    }
    if (pause_ != nullptr && pause_end_ <= now_) {
      last_event_ = pause_end_;
      complete(std::exchange(pause_, nullptr));
    }
    try_turn();
    run_behaviour();
  }

  // The earliest time at which something above has to be done.
  void rearm() {
    std::chrono::nanoseconds next = stall_deadline_;
    if (state_ != State::open && state_ != State::lost) next = std::min(next, phase_deadline_);
    next = in_flight_.next_deadline(next);
    if (refused_ != nullptr && !held_up()) next = now_;
    if (receiver_ != nullptr) next = std::min(next, receive_deadline_);
    if (pause_ != nullptr) next = std::min(next, pause_end_);
    if (turn_ != nullptr) {
      if (timed()) next = std::min(next, owed(now_) ? scenario().duration + scenario().timeout : scenario().duration);
      if (state_ == State::open && !wire_->congested()) next = std::min(next, turn_due_);
    }
    if (next != never) cohort_.deadlines.arm(*this, next);
  }

  // How late the generator itself was: a turn may have waited for the server to read, or for another connection.
  std::chrono::nanoseconds lag(std::chrono::nanoseconds due, std::chrono::nanoseconds written) const noexcept {
    return written - std::max(due, usable_since_);
  }

  void enter(std::chrono::nanoseconds now) noexcept {
    now_ = now;
    turns_granted_ = 0;
  }

  // Writes what was sent since it was entered and sees to it that it is called again.
  void leave() {
    if (state_ == State::finished) return;
    if (behaviour_ended_ && in_flight_.empty()) part();
    if (state_ == State::finished) return;
    if (in_flight_.any_unwritten() || one_way_due_ != never) {
      const std::chrono::nanoseconds now = cohort_.clock.now();
      in_flight_.stamp(now, [&](const InFlight& message, bool on_schedule) {
        if (on_schedule) {
          cohort_.collector.sent(message.label, lag(message.due, now));
        } else {
          cohort_.collector.sent(message.label);
        }
      });
      if (one_way_due_ != never) cohort_.collector.lagged(lag(std::exchange(one_way_due_, never), now));
    }
    wire_->flush();
    if (!wire_->congested()) {
      stall_deadline_ = never;
    } else if (stall_deadline_ == never) {
      stall_deadline_ = now_ + scenario().timeout;
    }
    rearm();
  }

  // ---- the connection ---------------------------------------------------------------------------------------------------------------

  bool connected() const noexcept { return state_ == State::open || state_ == State::closing; }

  // Whether a message cannot go now and may go later.
  bool held_up() const noexcept { return state_ == State::reconnecting || (state_ == State::open && wire_->congested()); }

  void connect(State state) {
    state_ = state;
    connect_started_ = now_;
    phase_deadline_ = now_ + cohort_.options.connect_timeout;
    wire_->open();
  }

  void on_open(std::chrono::nanoseconds now, const ConnectTimes& times) override {
    enter(now);
    cohort_.outcome_at(now);
    const bool first = state_ == State::connecting;
    state_ = State::open;
    if (first) {
      ConnectTimes all = times;
      all.total = now - connect_started_;
      cohort_.collector.connection_opened(all);
      last_event_ = now;
      start_behaviour();
    } else {
      cohort_.collector.connection_reopened();
      usable_since_ = now;
      try_turn();
    }
    run_behaviour();
  }

  void on_message(std::string_view payload, bool binary, std::chrono::nanoseconds arrival) override {
    enter(arrival);
    expire();
    cohort_.collector.received();
    if (state_ == State::open) {
      take(payload, binary);
    } else {
      cohort_.collector.received_unclaimed();
    }
    run_behaviour();
  }

  void on_input_end() override { leave(); }

  void on_drained() override {
    enter(cohort_.clock.now());
    usable_since_ = now_;
    try_turn();
    run_behaviour();
    leave();
  }

  void on_ended(std::chrono::nanoseconds now, const Ending& ending) override {
    enter(now);
    if (state_ == State::closing) {
      cohort_.collector.connection_ended();
      finish();
      return;
    }
    ended(ending);
    run_behaviour();
    leave();
  }

  // The connection is gone for good, or never came to be.
  void ended(const Ending& ending) {
    count_failure(ending.failure, ending.code, ending.detail);
    cohort_.outcome_at(now_);
    cohort_.collector.not_sent(behaviour_ended_ ? 0 : turns_left());
    if (state_ == State::connecting) {
      cohort_.collector.connection_failed();
      finish();
      return;
    }
    if (connected()) cohort_.collector.connection_ended();
    state_ = State::lost;
    loss_ = ending.failure;
    give_up_all(ending.failure);
    if (receiver_ != nullptr) give(std::exchange(receiver_, nullptr), Reply(ending.failure));
    try_turn();
  }

  // Ends a connection that the server has not ended.
  void drop(const Ending& ending) {
    wire_->abandon();
    stall_deadline_ = never;
    ended(ending);
  }

  void finish() {
    state_ = State::finished;
    wire_->abandon();
    cohort_.deadlines.disarm(*this);
    if (cohort_.on_client_finished) cohort_.on_client_finished();
  }

  // ---- messages ---------------------------------------------------------------------------------------------------------------------

  void send_one_way(std::string_view payload, bool binary) override {
    if (state_ != State::open) return cohort_.collector.not_sent(1);
    if (!wire_->send(payload, binary)) return refuse_send();
    cohort_.collector.sent_one_way(cohort_.collector.label({}));
    one_way_due_ = std::min(one_way_due_, take_due().value_or(never));
  }

  void send_request(PendingReply& waiter, std::string_view label, std::string_view payload, bool binary,
                    std::chrono::nanoseconds timeout) override {
    if (overstays()) return;
    if (state_ != State::open) {
      cohort_.collector.not_sent(1);
      return refuse_unconnected(waiter);
    }
    InFlight message;
    if (const Correlation& id_of = scenario().behaviour.correlation()) message.id = id_of(payload);
    if (!wire_->send(payload, binary)) {
      refuse_send();
      return refuse(waiter, Failure::backpressure);
    }
    message.label = cohort_.collector.label(label);
    message.number = requests_++;
    message.due = take_due().value_or(InFlight::unset);
    message.timeout = wait_of(timeout);
    message.waiter = &waiter;
    in_flight_.add(message);
  }

  // How long to wait where this was asked for.
  std::chrono::nanoseconds wait_of(std::chrono::nanoseconds timeout) const noexcept {
    return timeout.count() > 0 ? std::min(timeout, longest_wait) : scenario().timeout;
  }

  void refuse_unconnected(PendingReply& waiter) {
    if (state_ != State::lost) return refuse(waiter, Failure::out_of_step);
    // A behaviour that goes on asking a connection that is gone would go on for ever.
    if (std::exchange(asked_after_loss_, true)) {
      cancel_requested_ = true;
    } else {
      refuse(waiter, loss_);
    }
  }

  // The waiter is told at the next deadline, or when asking again may help, so that asking in a loop leaves the thread to others.
  void refuse(PendingReply& waiter, Failure failure) {
    waiter.reply = Reply(failure);
    if (refused_ != nullptr) complete(std::exchange(refused_, nullptr));
    refused_ = &waiter;
  }

  void refuse_send() {
    cohort_.collector.not_sent(1);
    count_failure(Failure::backpressure, 0, "the send queue is full: the server reads too slowly");
  }

  // The due time of the turn, which is its first message's.
  std::optional<std::chrono::nanoseconds> take_due() noexcept {
    if (!due_pending_) return std::nullopt;
    due_pending_ = false;
    return turn_due_;
  }

  void take(std::string_view payload, bool binary) {
    std::optional<InFlight> message;
    if (const Correlation& id_of = scenario().behaviour.correlation()) {
      const std::optional<std::uint64_t> id = id_of(payload);
      if (id) message = in_flight_.take_answered(*id);
      if (id && !message && std::erase(given_up_, *id) > 0) return cohort_.collector.received_late();
    } else {
      message = in_flight_.take_answered();
    }
    if (message) {
      answered(*message, payload, binary);
    } else if (receiver_ != nullptr) {
      last_event_ = now_;
      give(std::exchange(receiver_, nullptr), Reply(std::string(payload), binary));
    } else {
      keep(Reply(std::string(payload), binary));
    }
  }

  void answered(const InFlight& message, std::string_view payload, bool binary) {
    last_event_ = now_;
    cohort_.collector.answered(message.label, now_ - message.due, now_ - message.sent);
    tell_outcome(message, now_, std::nullopt);
    if (message.waiter != nullptr) give(message.waiter, Reply(std::string(payload), binary));
  }

  // Keeps a message for a later `receive()`; a behaviour that never calls it pays for the last few only.
  void keep(Reply reply) {
    if (behaviour_ended_) return cohort_.collector.received_unclaimed();
    if (inbox_.size() == inbox_limit) {
      inbox_.erase(inbox_.begin());
      cohort_.collector.received_unclaimed();
    }
    inbox_.push_back(std::move(reply));
  }

  // Gives up the messages whose deadline is over.
  void expire() {
    while (std::optional<InFlight> message = in_flight_.take_expired(now_)) {
      count_failure(Failure::timeout, 0, "no answer within " + in_words(message->timeout));
      last_event_ = message->deadline();
      give_up(*message, Failure::timeout, message->deadline());
      if (message->id) {
        if (given_up_.size() == given_up_limit) given_up_.erase(given_up_.begin());
        given_up_.push_back(*message->id);
      } else {
        fall_out_of_step();
      }
    }
  }

  // Answers come in order and one is missing: the next could be anyone's, so the connection is made anew.
  void fall_out_of_step() {
    while (std::optional<InFlight> message = in_flight_.take_oldest()) {
      count_failure(Failure::out_of_step, 0, "in flight when an earlier answer was missed");
      give_up(*message, Failure::out_of_step, now_);
    }
    wire_->abandon();
    stall_deadline_ = never;
    cohort_.collector.connection_ended();
    if (!behaviour_ended_) return connect(State::reconnecting);
    finish();
  }

  void give_up_all(Failure failure) {
    while (std::optional<InFlight> message = in_flight_.take_oldest()) give_up(*message, failure, now_);
  }

  void give_up(const InFlight& message, Failure failure, std::chrono::nanoseconds at) {
    if (message.sent == InFlight::unset) {
      cohort_.collector.not_sent(1);
    } else {
      cohort_.collector.failed(message.label, at - message.due);
      tell_outcome(message, at, failure);
    }
    if (message.waiter != nullptr) give(message.waiter, Reply(failure));
  }

  void tell_outcome(const InFlight& message, std::chrono::nanoseconds at, std::optional<Failure> failure) const {
    if (!cohort_.options.on_answer) return;
    cohort_.options.on_answer({id(), message.number, at - message.due, at - message.sent, failure});
  }

  // ---- the behaviour ----------------------------------------------------------------------------------------------------------------

  void await_message(PendingReply& waiter, std::chrono::nanoseconds timeout) override {
    if (!inbox_.empty()) {
      give(&waiter, std::move(inbox_.front()));
      inbox_.erase(inbox_.begin());
      return;
    }
    if (overstays()) return;
    if (state_ != State::open) return refuse_unconnected(waiter);
    due_pending_ = false;
    receiver_ = &waiter;
    receive_deadline_ = cohort_.clock.now() + wait_of(timeout);
    if (timed()) receive_deadline_ = std::min(receive_deadline_, scenario().duration + scenario().timeout);
  }

  void await_turn(PendingTurn& waiter) override {
    if (turns_refused_) {  // a behaviour that takes no for an answer and asks again would go on for ever
      cancel_requested_ = true;
      return;
    }
    turn_ = &waiter;
    turn_due_ = next_due(scenario().pace, last_event_);
    due_pending_ = false;
    try_turn();
  }

  void await_time(PendingPause& waiter, std::chrono::nanoseconds length) override {
    if (overstays()) return;
    const std::chrono::nanoseconds now = cohort_.clock.now();
    due_pending_ = false;
    pause_ = &waiter;
    pause_end_ = now + std::clamp(length, std::chrono::nanoseconds{0}, longest_wait);
    if (!timed()) return;
    pause_end_ = std::min(pause_end_, scenario().duration + (now < scenario().duration ? std::chrono::nanoseconds{0} : scenario().timeout));
  }

  bool overstays() {
    if (!overstayed(now_)) return false;
    cancel_requested_ = true;
    return true;
  }

  // Whether the turn that is waited for was due before the load's end, and is not lost with the connection.
  bool unsent_turn() const noexcept {
    if (state_ == State::lost || !timed() || turn_due_ >= scenario().duration) return false;
    return scenario().messages == 0 || turns_ < scenario().messages;
  }

  // Whether it is to be granted even now: a late turn is not skipped.
  bool owed(std::chrono::nanoseconds now) const noexcept { return unsent_turn() && !overstayed(now); }

  // Grants the turn that is waited for if it is due, or refuses it for good if the load is over.
  void try_turn() {
    if (turn_ == nullptr) return;
    if (load_over(now_) && !owed(now_)) {
      if (unsent_turn()) cohort_.collector.not_sent(1);
      turns_refused_ = true;
      complete(std::exchange(turn_, nullptr));
      return;
    }
    // Not without end: a behaviour that awaits nothing else would keep the thread to itself.
    if (turns_granted_ == turns_at_once || state_ != State::open || turn_due_ > now_ || wire_->congested()) return;
    ++turns_granted_;
    due_pending_ = true;
    last_event_ = now_;
    ++turns_;
    turn_->granted = true;
    complete(std::exchange(turn_, nullptr));
  }

  void count_check(std::string_view name, bool passed) override { cohort_.collector.check(name, passed); }

  void forget(const Waiter& waiter) noexcept override {
    in_flight_.forget(waiter);
    if (receiver_ == &waiter) receiver_ = nullptr;
    if (refused_ == &waiter) refused_ = nullptr;
    if (turn_ == &waiter) turn_ = nullptr;
    if (pause_ == &waiter) pause_ = nullptr;
  }

  void give(PendingReply* waiter, Reply reply) {
    waiter->reply = std::move(reply);
    complete(waiter);
  }
  void complete(Waiter* waiter) noexcept { resume_requested_ = waiter->complete() || resume_requested_; }

  void start_behaviour() {
    try {
      scenario().behaviour(*this).start_in(execution_);
      resume_requested_ = true;
    } catch (...) {
      session_ended(std::current_exception());
    }
  }

  void run_behaviour() {
    while (std::exchange(resume_requested_, false)) {
      execution_.resume();
      if (cancel_requested_) execution_.cancel();
      if (execution_.done()) return session_ended(execution_.exception());
    }
  }

  void session_ended(const std::exception_ptr& exception) {
    behaviour_ended_ = true;
    cohort_.outcome_at(now_);
    for (; !inbox_.empty(); inbox_.pop_back()) cohort_.collector.received_unclaimed();
    if (!exception) return;
    if (state_ != State::lost) cohort_.collector.not_sent(turns_left());
    try {
      std::rethrow_exception(exception);
    } catch (const NoReply&) {
      // An ordinary way to end a session.
    } catch (const std::exception& thrown) {
      count_failure(Failure::behaviour_error, 0, std::string("the behaviour threw: ") + thrown.what());
    } catch (...) {
      count_failure(Failure::behaviour_error, 0, "the behaviour threw something that is no std::exception");
    }
  }

  // The behaviour has ended and every answer is in or given up.
  void part() {
    if (state_ == State::open) {
      state_ = State::closing;
      phase_deadline_ = now_ + cohort_.options.close_timeout;
      wire_->close(1000);
    } else if (state_ == State::lost || state_ == State::reconnecting) {
      finish();
    }
  }

  // ---- words ------------------------------------------------------------------------------------------------------------------------

  void count_failure(Failure failure, int code, std::string_view detail) {
    cohort_.collector.failure(failure, code, now_, [&] { return "client " + std::to_string(id()) + ": " + std::string(detail); });
  }

  static std::string in_words(std::chrono::nanoseconds time) {
    std::string text = exact_duration(time);
    return text.insert(text.find_last_of("0123456789") + 1, 1, ' ');
  }

  Cohort& cohort_;
  std::unique_ptr<Wire> wire_;
  State state_{State::waiting};

  std::chrono::nanoseconds now_{0};  // when it was entered
  std::chrono::nanoseconds connect_started_{0};
  std::chrono::nanoseconds phase_deadline_;         // of its start, an attempt to connect, the closing handshake
  std::chrono::nanoseconds stall_deadline_{never};  // for the server to read what waits for it
  std::chrono::nanoseconds usable_since_{0};        // when messages could go again after the server had held them up
  std::chrono::nanoseconds last_event_{0};          // when what the behaviour last waited for came, or was given up
  std::chrono::nanoseconds turn_due_{0};            // of the turn that is waited for, or was granted last
  std::chrono::nanoseconds one_way_due_{never};     // of a message without an answer that is not written yet
  std::chrono::nanoseconds receive_deadline_{0};
  std::chrono::nanoseconds pause_end_{0};

  InFlightMessages in_flight_{};
  std::vector<std::uint64_t> given_up_{};  // ids of the last messages that timed out
  std::vector<Reply> inbox_{};             // messages nobody has asked for yet
  PendingReply* receiver_{nullptr};
  PendingReply* refused_{nullptr};
  PendingTurn* turn_{nullptr};
  PendingPause* pause_{nullptr};

  std::uint64_t turns_{0};
  std::uint64_t requests_{0};
  std::uint32_t turns_granted_{0};  // since it was entered
  Failure loss_{Failure::closed};
  bool due_pending_{false};       // the turn's first message is not sent yet
  bool turns_refused_{false};     // the behaviour was told that the load is over
  bool asked_after_loss_{false};  // the behaviour has had one refusal
  bool cancel_requested_{false};  // the behaviour is to end where it waits
  bool resume_requested_{false};  // what the behaviour waits for has come
  bool behaviour_ended_{false};

  Execution execution_{};  // last: its frames, as they go, still call forget()
};

}  // namespace wsbench::detail
