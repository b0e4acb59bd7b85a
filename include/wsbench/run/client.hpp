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

#include <wsbench/net/prefetch.hpp>
#include <wsbench/net/receive_stamp.hpp>
#include <wsbench/net/wire.hpp>
#include <wsbench/run/back_off.hpp>
#include <wsbench/run/cohort.hpp>
#include <wsbench/run/conversation.hpp>
#include <wsbench/run/keep_alive.hpp>
#include <wsbench/run/open_load.hpp>
#include <wsbench/schedule.hpp>
#include <wsbench/session.hpp>

namespace wsbench::detail {

/// One virtual user: connects, runs the behaviour, measures what it asks and gets, and closes.
///
/// It is entered by its deadline and by its wire, runs the behaviour as far as that lets it, and writes what was sent in one go.
class Client final : public Session, private WireEvents, private Deadline, private TurnTaker {
 public:
  /// `make_wire(WireEvents&)` gives the wire it speaks through.
  template <class MakeWire>
  Client(Cohort& cohort, const Visit& visit, MakeWire make_wire)
      : Session(visit.id, cohort.options.seed),
        cohort_(cohort),
        wire_(make_wire(static_cast<WireEvents&>(*this))),
        leave_at_(visit.end),
        phase_deadline_(visit.start),
        back_off_(cohort.options, visit.id) {
    cohort_.deadlines.arm(*this, visit.start);
  }

  /// Ends everything at once: the behaviour is cancelled where it waits, what is in flight stays in flight. Not from within the behaviour.
  void interrupt() {
    if (state_ == State::finished) return;
    now_ = cohort_.clock.now();
    execution_.cancel();
    if (has_connection()) {
      count_end_of_connection();
      wire_->close(1000);
      wire_->flush();
    }
    if (cohort_.fan_out != nullptr) cohort_.fan_out->leave(id(), now_);
    count_lost_turns();
    cohort_.outcome_at(now_);
    finish();
  }

  bool finished() const noexcept { return state_ == State::finished; }

  bool stopping() const noexcept override { return state_ == State::finished || load_over(cohort_.clock.now()); }
  bool connected() const noexcept override { return state_ == State::open; }
  std::string_view subprotocol() const noexcept override {
    return subprotocol_ ? std::string_view(cohort_.options.subprotocols[*subprotocol_]) : std::string_view();
  }

 private:
  enum class State : std::uint8_t {
    waiting,       // for its start
    connecting,    // for the first time
    open,          // connected
    reconnecting,  // the behaviour runs, its connection is being made again
    leaving,       // the behaviour runs, and has asked to close its connection
    lost,          // there is no connection, and will be none unless the behaviour asks for one, or starts over
    closing,       // the behaviour has ended, the closing handshake is under way
    finished,
  };
  static constexpr std::chrono::nanoseconds tick{1};
  static constexpr std::chrono::nanoseconds longest_wait = std::chrono::hours{24 * 366};  // beyond, sums of times could leave 64 bits
  static constexpr std::chrono::milliseconds between_looks{50};
  static constexpr std::uint64_t uncountable = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint32_t turns_at_once = 64;

  // ---- the load -------------------------------------------------------------------------------------------------------------------

  const Scenario& scenario() const noexcept { return cohort_.scenario; }
  // Whether turns come when the server allows, or on a schedule over all users.
  bool closed() const noexcept { return cohort_.open_load == nullptr; }
  // When this user's turns end by the clock; `never` where they do not.
  std::chrono::nanoseconds load_end() const noexcept { return std::min(cohort_.load_end(), leave_at_); }
  bool timed() const noexcept { return load_end() != never; }

  // Whether there is a connection to take turns on, or soon will be.
  bool cut_off() const noexcept { return state_ == State::lost || state_ == State::leaving || state_ == State::finished; }

  // Whether this user's load is over.
  bool load_over(std::chrono::nanoseconds now) const noexcept {
    if (!closed()) return cohort_.open_load->over() || now >= leave_at_;
    if (scenario().messages > 0 && turns_ >= scenario().messages) return true;
    return timed() && now >= load_end();
  }

  // Behaviours that take no notice of the load's end are given as long as an answer may take.
  bool overstayed(std::chrono::nanoseconds now) const noexcept { return timed() && now >= load_end() + scenario().timeout; }

  // Whether as many messages wait for answers as may.
  bool in_flight_full() const noexcept { return conversation_.in_flight() >= scenario().in_flight; }

  // Turns that were planned and will not be taken.
  std::uint64_t turns_left() const noexcept {
    if (!closed()) return 0;  // others take them
    std::uint64_t left = uncountable;
    if (scenario().messages > 0) left = scenario().messages - std::min(turns_, scenario().messages);
    if (timed()) left = std::min(left, turns_due_before(load_end()));
    // Flat out, how many it would have been is the server's to say: only the next one was certain, unless they were counted.
    return left == uncountable ? 1 : left;
  }

  // As far as the pace tells.
  std::uint64_t turns_due_before(std::chrono::nanoseconds end) const noexcept {
    const std::chrono::nanoseconds think = scenario().pace.think_time();
    const std::chrono::nanoseconds last = state_ == State::connecting ? connect_started_ : now_;
    const std::chrono::nanoseconds next = turn_ != nullptr ? turn_due_ : last + think;
    if (next >= end) return 0;
    return think.count() > 0 ? static_cast<std::uint64_t>((end - next - tick) / think) + 1 : uncountable;
  }

  // They are not sent, unless the connection comes back.
  void lose_turns() noexcept {
    const std::uint64_t left = turns_left();
    if (left <= lost_turns_) return;
    lost_turns_ = left;
    lost_in_warm_up_ = cohort_.warm_up != nullptr ? std::min(left, turns_due_before(scenario().warm_up)) : 0;
  }

  void count_lost_turns() noexcept {
    if (cohort_.warm_up != nullptr) cohort_.warm_up->not_sent(lost_in_warm_up_);
    cohort_.collector.not_sent(lost_turns_ - lost_in_warm_up_);
    lost_turns_ = lost_in_warm_up_ = 0;
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
          count_end_of_connection();
          finish();
        }
        break;
      case State::leaving:
        if (now >= phase_deadline_) left();
        break;
      case State::open:
      case State::lost:
      case State::finished: break;
    }
    if (state_ == State::finished) return;
    run_deadlines();
    leave();
  }

  void run_deadlines() {
    expire(now_);
    if (stall_deadline_ <= now_) {
      drop({Failure::backpressure, 0, "the server read nothing for " + in_words(scenario().timeout)});
    }
    if (keep_alive_.overdue(now_)) drop({Failure::ping_timeout, 0, "no pong within " + in_words(cohort_.options.ping_timeout)});
    if (refused_ != nullptr && !held_up()) resumption_.complete(std::exchange(refused_, nullptr));
    last_event_ = conversation_.expire_receiver(now_).value_or(last_event_);
    last_event_ = conversation_.expire_ping(now_).value_or(last_event_);
    if (starting_over_ && state_ == State::lost && load_over(now_)) stay_away();
    if (wants_connection() && back_off_.next() <= now_) connect(State::reconnecting);
    if (pause_ != nullptr && pause_end_ <= now_) {
      last_event_ = pause_end_;
      resumption_.complete(std::exchange(pause_, nullptr));
    }
    try_turn();
    run_behaviour();
  }

  // The earliest time at which something above has to be done.
  void rearm() {
    std::chrono::nanoseconds next = stall_deadline_;
    if (state_ != State::open && state_ != State::lost) next = std::min(next, phase_deadline_);
    next = std::min(conversation_.next_deadline(next), keep_alive_.next());
    if (refused_ != nullptr && !held_up()) next = now_;
    if (pause_ != nullptr) next = std::min(next, pause_end_);
    if (wants_connection()) next = std::min(next, back_off_.next());
    if (starting_over_ && timed()) next = std::min(next, std::max(load_end(), now_));
    if (behaviour_ended_ && state_ == State::open) next = std::min(next, linger_until_);
    if (turn_ != nullptr) {
      if (timed()) next = std::min(next, turns_end());
      if (closed() && state_ == State::open && !wire_->congested() && !in_flight_full()) next = std::min(next, turn_due_);
    }
    if (next != never) cohort_.deadlines.arm(*this, next);
  }

  // When the turn that is waited for is to be refused, as far as the clock decides it.
  std::chrono::nanoseconds turns_end() const noexcept {
    if (closed()) return owed(now_) ? load_end() + scenario().timeout : load_end();
    const std::chrono::nanoseconds end = cohort_.load_end();
    return std::min(leave_at_, end == never ? never : end + scenario().timeout);
  }

  void enter(std::chrono::nanoseconds now) noexcept {
    now_ = arrival_ = now;
    turns_granted_ = 0;
    cohort_.collector.at(now);
  }

  // Writes what was sent since it was entered and sees to it that it is called again.
  void leave() {
    if (state_ == State::finished) return;
    if (behaviour_ended_ && conversation_.in_flight() == 0) {
      if (lingers()) {
        linger_until_ = now_ + between_looks;
      } else {
        part();
      }
    }
    if (state_ == State::finished) return;
    if (conversation_.any_unwritten() || one_way_due_ != never) {
      const std::chrono::nanoseconds now = cohort_.clock.now();
      conversation_.stamp(now, usable_since_);
      if (one_way_due_ != never) {
        const std::chrono::nanoseconds due = std::exchange(one_way_due_, never);
        cohort_.collector_of(due).lagged(now - std::max(due, usable_since_));
      }
    }
    if (keep_alive_.due(now_)) wire_->ping(keep_alive_.ping(cohort_.clock.now()));
    wire_->flush();
    if (!closed()) stand_in_line();
    if (!wire_->congested()) {
      stall_deadline_ = never;
    } else if (stall_deadline_ == never) {
      stall_deadline_ = now_ + scenario().timeout;
    }
    rearm();
  }

  // In an open load a user that is free waits in line for its next turn.
  void stand_in_line() {
    OpenLoad& load = *cohort_.open_load;
    const bool usable = turn_ != nullptr && state_ == State::open && !wire_->congested();
    if (!usable || in_flight_full()) {
      if (usable && !std::exchange(held_by_in_flight_, true)) cohort_.collector.held_by_in_flight();
      return load.leave(*this);
    }
    // Whoever comes back from a turn was free all the while; whoever was waiting for the server is free from now on.
    if (!in_line() && !taking_turn_) usable_since_ = arrival_;
    load.wait(*this);
  }

  void take_turn(std::chrono::nanoseconds now, std::chrono::nanoseconds due) override {
    enter(now);
    turn_due_ = due;
    taking_turn_ = true;
    grant_turn();
    run_behaviour();
    leave();
    taking_turn_ = false;
  }

  void turns_over(std::chrono::nanoseconds now) override {
    enter(now);
    try_turn();
    run_behaviour();
    leave();
  }

  // ---- the connection ---------------------------------------------------------------------------------------------------------------

  bool has_connection() const noexcept { return state_ == State::open || state_ == State::leaving || state_ == State::closing; }

  // Whether a connection is waited for that nobody is making yet.
  bool wants_connection() const noexcept { return (connection_ != nullptr || starting_over_) && state_ == State::lost; }

  // Whether the connection was lost to the server or the network, and the conversation is to begin anew on another.
  bool starts_over() const noexcept { return state_ == State::lost && lost_to_others_ && attempts_left() && !load_over(now_); }
  bool attempts_left() const noexcept { return attempts_ < cohort_.options.reconnect_attempts; }

  // It does not come to that.
  void stay_away() {
    starting_over_ = false;
    end_behaviour();
  }

  // Whether a message cannot go now and may go later.
  bool held_up() const noexcept { return state_ == State::reconnecting || (state_ == State::open && wire_->congested()); }

  void connect(State state) {
    state_ = state;
    connect_started_ = now_;
    phase_deadline_ = now_ + cohort_.options.connect_timeout;
    if (state == State::reconnecting) cohort_.collector.reconnect_attempted();
    if (starting_over_) ++attempts_;
    wire_->open();
  }

  void on_open(std::chrono::nanoseconds now, const ConnectTimes& times) override {
    enter(now);
    cohort_.outcome_at(now);
    const bool first = state_ == State::connecting;
    state_ = State::open;
    attempts_ = 0;
    subprotocol_.reset();
    if (times.subprotocol) {
      subprotocol_ = static_cast<std::uint16_t>(*times.subprotocol);
      cohort_.collector.subprotocol_chosen(subprotocol());
    }
    if (times.compressed) cohort_.collector.compression_agreed();
    keep_alive_.begin(now);
    back_off_.opened(now);
    opened_at_ = now;
    if (first) {
      ConnectTimes all = times;
      all.total = now - connect_started_;
      cohort_.collector.connection_opened(all);
      last_event_ = now;
      start_behaviour();
    } else {
      cohort_.collector.connection_reopened(times.tls_resumed);
      usable_since_ = now;
      lost_turns_ = lost_in_warm_up_ = 0;
      turns_refused_ = asked_after_loss_ = false;
      if (std::exchange(starting_over_, false)) {
        last_event_ = now;
        conversation_.begin_anew();
        start_behaviour();
      } else {
        tell_connected(true);
        try_turn();
      }
    }
    run_behaviour();
  }

  void on_message_soon() const override { prefetch(*this); }
  void on_message(std::string_view payload, bool binary, const Arrival& arrival) override {
    enter(arrival.read);
    expire(arrival.at);
    arrival_ = arrival.at;
    cohort_.collector.received();
    if (state_ == State::open || state_ == State::leaving) {
      take({payload, binary, arrival.at, arrival.read, arrival.stamp == Stamp::believed});
    } else {
      cohort_.collector.received_unclaimed();
    }
    try_turn();
    run_behaviour();
  }

  void on_pong(std::string_view payload, const Arrival& arrival) override {
    enter(arrival.read);
    if (keep_alive_.pong(payload, arrival.at) || !conversation_.pong(payload, arrival.at)) return;
    last_event_ = arrival.at;
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
      count_end_of_connection();
      finish();
      return;
    }
    if (state_ == State::leaving) {
      left();
    } else {
      ended(ending);
    }
    run_behaviour();
    leave();
  }

  // The connection is gone, or never came to be.
  void ended(const Ending& ending) {
    const std::string_view remedy = advice(ending.failure);
    count_failure(ending.failure, ending.code, remedy.empty() ? ending.detail : ending.detail + ": " + std::string(remedy));
    cohort_.outcome_at(now_);
    if (!behaviour_ended_) lose_turns();
    if (state_ == State::connecting) {
      count_lost_turns();
      cohort_.collector.connection_failed();
      finish();
      return;
    }
    if (state_ == State::reconnecting) cohort_.collector.reconnect_failed();
    if (has_connection()) count_end_of_connection();
    back_off_.failed(cohort_.options, now_);
    lost_to_others_ = true;
    lose(ending.failure);
    if (starting_over_ && !attempts_left()) stay_away();
  }

  void count_end_of_connection() { cohort_.collector.connection_ended(now_ - opened_at_); }

  // The behaviour has closed the connection, and so has the server, or it takes too long.
  void left() {
    wire_->abandon();
    count_end_of_connection();
    if (conversation_.in_flight() > 0) count_failure(Failure::closed, 1000, "the behaviour closed the connection before its answers came");
    back_off_.left(cohort_.options, connect_started_);
    lost_to_others_ = false;
    lose(Failure::closed);
  }

  void lose(Failure failure) {
    const bool attempt_failed = state_ == State::reconnecting;
    state_ = State::lost;
    if (cohort_.fan_out != nullptr) cohort_.fan_out->lose(id(), now_);
    loss_ = failure;
    stall_deadline_ = never;
    keep_alive_.lose();
    conversation_.lose(failure, now_);
    // Whoever asked for a new connection while the old one was still closing goes on waiting.
    if (attempt_failed) tell_connected(false);
    if (pause_ != nullptr && starts_over()) pause_end_ = now_;
    try_turn();
  }

  void tell_connected(bool open) {
    if (connection_ == nullptr) return;
    connection_->open = open;
    last_event_ = now_;
    resumption_.complete(std::exchange(connection_, nullptr));
  }

  // Ends a connection that the server has not ended.
  void drop(const Ending& ending) {
    wire_->abandon();
    stall_deadline_ = never;
    ended(ending);
  }

  void finish() {
    if (std::exchange(state_, State::finished) == State::finished) return;
    wire_->abandon();
    cohort_.deadlines.disarm(*this);
    if (!closed()) cohort_.open_load->leave(*this);
    if (cohort_.on_client_finished) cohort_.on_client_finished(id());
  }

  // ---- messages ---------------------------------------------------------------------------------------------------------------------

  void send_one_way(std::string_view payload, bool binary) override {
    const std::chrono::nanoseconds due = take_due().value_or(never);
    MetricsCollector& collector = cohort_.collector_of(due == never ? now_ : due);
    if (state_ != State::open) return collector.not_sent(1);
    if (!wire_->send(payload, binary)) return refuse_send(collector);
    collector.sent_one_way(collector.label({}));
    one_way_due_ = std::min(one_way_due_, due);
  }

  void send_request(PendingReply* waiter, std::string_view label, std::string_view payload, bool binary,
                    std::chrono::nanoseconds timeout) override {
    if (overstays()) return overstayed_turn();
    InFlight message;
    message.due = take_due().value_or(InFlight::unset);
    message.collector = &cohort_.collector_of(message.due == InFlight::unset ? now_ : message.due);
    if (state_ != State::open) {
      message.collector->not_sent(1);
      return refuse_unconnected(waiter);
    }
    message.id = conversation_.id_of(payload);
    if (!wire_->send(payload, binary)) {
      refuse_send(*message.collector);
      return refuse(waiter, Failure::backpressure);
    }
    message.label = static_cast<std::uint32_t>(message.collector->label(label));
    message.timeout = wait_of(timeout);
    message.waiter = waiter;
    conversation_.add(message);
  }

  // A turn of an open load that a generator without a processor took too late.
  void overstayed_turn() {
    if (const std::optional<std::chrono::nanoseconds> due = take_due()) cohort_.collector_of(*due).overrun(1);
  }

  // How long to wait where this was asked for.
  std::chrono::nanoseconds wait_of(std::chrono::nanoseconds timeout) const noexcept {
    return timeout.count() > 0 ? std::min(timeout, longest_wait) : scenario().timeout;
  }

  template <class Pending>
  void refuse_unconnected(Pending* waiter) {
    if (state_ == State::reconnecting) return refuse(waiter, Failure::out_of_step);
    // A behaviour that goes on asking a connection that is gone would go on for ever.
    if (std::exchange(asked_after_loss_, true)) {
      cancel_requested_ = true;
    } else {
      refuse(waiter, loss_);
    }
  }

  // The waiter is told at the next deadline, or when asking again may help, so that asking in a loop leaves the thread to others.
  template <class Pending>
  void refuse(Pending* waiter, Failure failure) {
    if (waiter == nullptr) return;
    waiter->fail(failure);
    if (refused_ != nullptr) resumption_.complete(std::exchange(refused_, nullptr));
    refused_ = waiter;
  }

  void refuse_send(MetricsCollector& collector) {
    collector.not_sent(1);
    count_failure(collector, Failure::backpressure, 0, "the send queue is full: the server reads too slowly");
  }

  // The due time of the turn, which is its first message's.
  std::optional<std::chrono::nanoseconds> take_due() noexcept {
    if (!due_pending_) return std::nullopt;
    due_pending_ = false;
    return turn_due_;
  }

  void take(const Incoming& incoming) {
    const Conversation::Taken taken = conversation_.take(*this, incoming);
    if (taken.thrown) {
      execution_.cancel();
      return session_ended(taken.thrown);
    }
    if (!taken.awaited) return;
    arrival_ = taken.arrival;
    // Flat out there is no schedule: the next message is due when the user has read the answer.
    last_event_ = taken.answer && scenario().pace.kind() == Pace::Kind::flat_out ? now_ : arrival_;
    if (taken.answer) message_settled();
  }

  // A message in flight was answered or given up.
  void message_settled() noexcept {
    if (behaviour_ended_) cohort_.outcome_at(now_);
    // A turn that waited for its place is due by the pace from now on.
    if (turn_ == nullptr || !closed() || conversation_.in_flight() + 1 != scenario().in_flight) return;
    turn_due_ = next_due(scenario().pace, last_event_);
  }

  // Gives up the messages whose deadline is over by then.
  void expire(std::chrono::nanoseconds by) {
    const bool in_step = conversation_.expire(by, now_, [this](std::chrono::nanoseconds deadline) {
      last_event_ = deadline;
      message_settled();
    });
    if (!in_step) fall_out_of_step();
  }

  // Answers come in order and one is missing: the next could be anyone's, so the connection is made anew.
  void fall_out_of_step() {
    conversation_.fall_out_of_step(now_);
    if (state_ == State::leaving) return left();
    wire_->abandon();
    if (cohort_.fan_out != nullptr) cohort_.fan_out->lose(id(), now_);
    stall_deadline_ = never;
    keep_alive_.lose();
    count_end_of_connection();
    if (!behaviour_ended_) return connect(State::reconnecting);
    finish();
  }

  // ---- the behaviour ----------------------------------------------------------------------------------------------------------------

  void await_message(PendingReply& waiter, std::chrono::nanoseconds timeout) override {
    std::chrono::nanoseconds deadline = cohort_.clock.now() + wait_of(timeout);
    if (!conversation_.has_mail()) {
      if (overstays()) return;
      if (state_ != State::open && state_ != State::leaving) return refuse_unconnected(&waiter);
      due_pending_ = false;
      if (timed()) deadline = std::min(deadline, load_end() + scenario().timeout);
    }
    conversation_.receive(waiter, deadline);
  }

  void await_turn(PendingTurn& waiter) override {
    if (turns_refused_) {  // a behaviour that takes no for an answer and asks again would go on for ever
      cancel_requested_ = true;
      return;
    }
    turn_ = &waiter;
    if (closed()) turn_due_ = next_due(scenario().pace, last_event_);
    due_pending_ = false;
    held_by_in_flight_ = false;
    try_turn();
  }

  void await_time(PendingPause& waiter, std::chrono::nanoseconds length) override {
    if (overstays()) return;
    const std::chrono::nanoseconds now = cohort_.clock.now();
    due_pending_ = false;
    pause_ = &waiter;
    pause_end_ = now + std::clamp(length, std::chrono::nanoseconds{0}, longest_wait);
    if (!timed()) return;
    pause_end_ = std::min(pause_end_, load_end() + (now < load_end() ? std::chrono::nanoseconds{0} : scenario().timeout));
  }

  void send_ping(PendingPong& waiter, std::chrono::nanoseconds timeout) override {
    if (overstays()) return;
    if (state_ != State::open) return refuse_unconnected(&waiter);
    due_pending_ = false;
    wire_->ping(conversation_.ping(waiter, wait_of(timeout)));
  }

  void close_connection(std::uint16_t status, std::string_view reason) override {
    if (state_ != State::open) return;
    if (cohort_.fan_out != nullptr) cohort_.fan_out->leave(id(), cohort_.clock.now());
    state_ = State::leaving;
    keep_alive_.end();
    loss_ = Failure::closed;
    phase_deadline_ = cohort_.clock.now() + cohort_.options.close_timeout;
    wire_->close(status, reason);
  }

  void await_connection(PendingConnection& waiter) override {
    if (overstays()) return;
    due_pending_ = false;
    connection_ = &waiter;
    close_connection(1000, {});
  }

  bool overstays() {
    if (!overstayed(now_)) return false;
    cancel_requested_ = true;
    return true;
  }

  // Whether the turn that is waited for was due before the load's end, and is not lost with the connection.
  bool unsent_turn() const noexcept {
    if (cut_off() || !closed() || !timed() || turn_due_ >= load_end() || in_flight_full()) return false;
    return scenario().messages == 0 || turns_ < scenario().messages;
  }

  // Whether it is to be granted even now: a late turn is not skipped.
  bool owed(std::chrono::nanoseconds now) const noexcept { return unsent_turn() && !overstayed(now); }

  // Grants the turn that is waited for if it is due, or refuses it for good if the load is over.
  void try_turn() {
    if (turn_ == nullptr) return;
    if ((cut_off() || load_over(now_)) && !owed(now_)) {
      if (unsent_turn()) cohort_.collector_of(turn_due_).not_sent(1);
      turns_refused_ = true;
      resumption_.complete(std::exchange(turn_, nullptr));
      return;
    }
    if (!closed() || state_ != State::open || turn_due_ > now_ || wire_->congested() || in_flight_full()) return;
    // Not without end: a behaviour that awaits nothing else would keep the thread to itself.
    if (turns_granted_ < turns_at_once) grant_turn();
  }

  void grant_turn() {
    ++turns_granted_;
    due_pending_ = true;
    last_event_ = now_;
    ++turns_;
    turn_->granted = true;
    resumption_.complete(std::exchange(turn_, nullptr));
  }

  void subscribe() override {
    if (cohort_.fan_out != nullptr && state_ == State::open) cohort_.fan_out->subscribe(id(), cohort_.clock.now());
  }

  std::string next_publication() override {
    const Publication publication{static_cast<std::uint32_t>(id()), publications_++, due()};
    if (cohort_.fan_out != nullptr && state_ == State::open) cohort_.fan_out->publish(publication);
    return publication.text();
  }

  std::chrono::nanoseconds due() const noexcept override { return due_pending_ ? turn_due_ : cohort_.clock.now(); }

  // Whether a subscriber whose behaviour has ended stays for what is still under way.
  bool lingers() {
    if (cohort_.fan_out == nullptr || state_ != State::open || !cohort_.fan_out->subscribed(id())) return false;
    if (timed() && now_ >= load_end() + scenario().timeout) return false;
    return !cohort_.fan_out->settled(now_) || (cohort_.options.workers > 1 && timed());
  }

  void count_check(std::string_view name, bool passed) override { cohort_.collector.check(name, passed); }
  void record_note(std::string_view label, std::chrono::nanoseconds duration) override { cohort_.collector.note(label, duration); }

  void forget(const Waiter& waiter) noexcept override {
    if (waiter.done()) return;  // what led to it is gone already
    conversation_.forget(waiter);
    if (refused_ == &waiter) refused_ = nullptr;
    if (turn_ == &waiter) turn_ = nullptr;
    if (pause_ == &waiter) pause_ = nullptr;
    if (connection_ == &waiter) connection_ = nullptr;
  }

  void start_behaviour() {
    try {
      cohort_.behaviour()(*this).start_in(execution_);
      resumption_.request();
    } catch (...) {
      session_ended(std::current_exception());
    }
  }

  void run_behaviour() {
    while (resumption_.take()) {
      execution_.resume();
      if (cancel_requested_) execution_.cancel();
      if (execution_.done()) return session_ended(execution_.exception());
    }
  }

  void session_ended(const std::exception_ptr& exception) {
    conversation_.nobody_listens();
    const bool threw = count_thrown(exception);
    if (!threw && starts_over()) {
      starting_over_ = true;
      return;
    }
    if (exception && lost_turns_ == 0 && !cut_off()) lose_turns();
    end_behaviour();
  }

  void end_behaviour() {
    behaviour_ended_ = true;
    cohort_.outcome_at(now_);
    count_lost_turns();
  }

  // Whether an exception is an error of the behaviour, which is counted.
  bool count_thrown(const std::exception_ptr& exception) {
    if (!exception) return false;
    try {
      std::rethrow_exception(exception);
    } catch (const NoReply&) {
      return false;  // an ordinary way to end a session
    } catch (const std::exception& thrown) {
      count_failure(Failure::behaviour_error, 0, std::string("the behaviour threw: ") + thrown.what());
    } catch (...) {
      count_failure(Failure::behaviour_error, 0, "the behaviour threw something that is no std::exception");
    }
    return true;
  }

  // The behaviour has ended and every answer is in or given up.
  void part() {
    if (state_ == State::open) {
      if (cohort_.fan_out != nullptr) cohort_.fan_out->leave(id(), now_);
      state_ = State::closing;
      keep_alive_.end();
      phase_deadline_ = now_ + cohort_.options.close_timeout;
      wire_->close(1000);
    } else if (state_ == State::leaving) {
      state_ = State::closing;
    } else if (state_ == State::lost || state_ == State::reconnecting) {
      finish();
    }
  }

  // ---- words ------------------------------------------------------------------------------------------------------------------------

  void count_failure(Failure failure, int code, std::string_view detail) { count_failure(cohort_.collector, failure, code, detail); }
  void count_failure(MetricsCollector& collector, Failure failure, int code, std::string_view detail) {
    Cohort::count_failure(collector, id(), failure, code, now_, detail);
  }

  Cohort& cohort_;
  std::unique_ptr<Wire> wire_;
  State state_{State::waiting};

  std::chrono::nanoseconds now_{0};      // when it was entered
  std::chrono::nanoseconds arrival_{0};  // when what it was entered for reached the machine
  std::chrono::nanoseconds leave_at_;    // when this user's load ends, if before that of all
  std::chrono::nanoseconds connect_started_{0};
  std::chrono::nanoseconds opened_at_{0};
  std::chrono::nanoseconds phase_deadline_;         // of its start, an attempt to connect, the closing handshake
  std::chrono::nanoseconds stall_deadline_{never};  // for the server to read what waits for it
  std::chrono::nanoseconds usable_since_{0};        // when messages could go again after the server had held them up
  std::chrono::nanoseconds last_event_{0};          // when what the behaviour last waited for came, or was given up
  std::chrono::nanoseconds turn_due_{0};            // of the turn that is waited for, or was granted last
  std::chrono::nanoseconds one_way_due_{never};     // of a message without an answer that is not written yet
  std::chrono::nanoseconds pause_end_{0};
  std::chrono::nanoseconds linger_until_{never};  // when to look again whether what is under way has come

  Resumption resumption_{};
  Conversation conversation_{cohort_, id(), resumption_};
  KeepAlive keep_alive_{cohort_};
  BackOff back_off_;
  Waiter* refused_{nullptr};
  PendingTurn* turn_{nullptr};
  PendingPause* pause_{nullptr};
  PendingConnection* connection_{nullptr};

  std::uint64_t turns_{0};
  std::uint64_t lost_in_warm_up_{0};  // of the lost turns
  std::uint64_t lost_turns_{0};       // that were planned when the connection was lost; not sent unless it comes back
  std::uint32_t publications_{0};
  std::uint64_t attempts_{0};                   // in a row, to make a connection on which the conversation begins anew
  std::uint32_t turns_granted_{0};              // since it was entered
  std::optional<std::uint16_t> subprotocol_{};  // which of those that were asked for
  Failure loss_{Failure::closed};
  bool due_pending_{false};       // the turn's first message is not sent yet
  bool turns_refused_{false};     // the behaviour was told that the load is over
  bool asked_after_loss_{false};  // the behaviour has had one refusal
  bool cancel_requested_{false};  // the behaviour is to end where it waits
  bool behaviour_ended_{false};
  bool lost_to_others_{false};     // the behaviour did not close the connection itself
  bool starting_over_{false};      // the behaviour has ended, to begin anew on another connection
  bool taking_turn_{false};        // what happens comes of a turn of the open load
  bool held_by_in_flight_{false};  // the turn that is waited for was held up by the bound

  Execution execution_{};  // last: its frames, as they go, still call forget()
};

}  // namespace wsbench::detail
