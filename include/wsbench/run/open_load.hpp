#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/clock.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/schedule.hpp>

namespace wsbench::detail {

class OpenLoad;

/// A user that takes its turns from an open load; in its line once at most.
class TurnTaker {
 public:
  TurnTaker(const TurnTaker&) = delete;
  TurnTaker& operator=(const TurnTaker&) = delete;

  /// Takes the turn that was due at `due`.
  virtual void take_turn(std::chrono::nanoseconds now, std::chrono::nanoseconds due) = 0;
  /// Whether it stands in line.
  bool in_line() const noexcept { return in_line_; }
  /// No turn will come any more.
  virtual void turns_over(std::chrono::nanoseconds now) = 0;

 protected:
  TurnTaker() = default;
  ~TurnTaker() = default;

 private:
  friend OpenLoad;

  TurnTaker* before_{nullptr};
  TurnTaker* after_{nullptr};
  bool in_line_{false};
};

/// Hands the messages of an open load to the users that are free, each in its turn, when they are due and not before.
///
/// Its time begins when the first user is free. A message that finds nobody free waits for the next one and keeps its due time; one that
/// found nobody when an answer could not come in time any more is counted as not sent.
class OpenLoad final : private Deadline {
 public:
  /// The load lasts `duration` (0: until the schedule ends); its messages are waited for as long as `timeout` after its end.
  OpenLoad(const Clock& clock, DeadlineQueue& deadlines, MetricsCollector& collector, MessageSchedule schedule,
           std::chrono::nanoseconds duration, std::chrono::nanoseconds timeout)
      : clock_(clock),
        deadlines_(deadlines),
        collector_(collector),
        schedule_(std::move(schedule)),
        duration_(duration),
        timeout_(timeout) {}

  /// Has messages that are due before then, and not sent, recorded apart.
  void record_apart(MetricsCollector& warm_up, std::chrono::nanoseconds until) {
    warm_up_ = &warm_up;
    warm_up_end_ = until;
  }

  /// Has `tell(dense)` called whenever the load becomes dense, which is more than 10,000 messages a second, and when it no longer is.
  void on_density(std::function<void(bool)> tell) { tell_density_ = std::move(tell); }

  /// Puts a user at the end of the line, unless it stands in it.
  void wait(TurnTaker& taker) {
    if (taker.in_line_) return;
    if (origin_ == never) origin_ = clock_.now();
    taker.in_line_ = true;
    taker.before_ = last_;
    taker.after_ = nullptr;
    (last_ != nullptr ? last_->after_ : first_) = &taker;
    last_ = &taker;
    deadlines_.arm(*this, due() == never ? clock_.now() : next_event());
  }

  /// Takes a user out of the line, if it stands in it.
  void leave(TurnTaker& taker) noexcept {
    if (!std::exchange(taker.in_line_, false)) return;
    (taker.before_ != nullptr ? taker.before_->after_ : first_) = taker.after_;
    (taker.after_ != nullptr ? taker.after_->before_ : last_) = taker.before_;
  }

  /// Whether no turn will come any more.
  bool over() const noexcept { return over_; }

  /// When the load ends, since the start of the run; `never` as long as it has not begun, or where only the schedule ends it.
  std::chrono::nanoseconds end() const noexcept { return origin_ == never || duration_.count() == 0 ? never : origin_ + duration_; }

  /// Ends it: what was due before `until` and nobody took was not sent.
  void abandon(std::chrono::nanoseconds until) {
    if (origin_ == never) origin_ = std::chrono::nanoseconds{0};
    for (; due() < until; schedule_.advance()) {
      MetricsCollector& collector = due() < warm_up_end_ ? *warm_up_ : collector_;
      if (first_ != nullptr) {
        collector.overrun(1);
      } else {
        collector.not_sent(1);
      }
    }
    over_ = true;
    deadlines_.disarm(*this);
  }

 private:
  // As many at once as keep the sockets waiting for no more than a fraction of a millisecond.
  static constexpr int turns_at_once = 32;

  // Above 10,000 messages a second.
  static constexpr std::chrono::microseconds dense_spacing{100};
  static constexpr int measured_turns = 32;

  // How dense the load is, told by each so many turns.
  void measure(std::chrono::nanoseconds turn_due) {
    if (++measured_ < measured_turns) return;
    tell(turn_due - measured_from_ < measured_turns * dense_spacing);
    measured_from_ = turn_due;
    measured_ = 0;
  }

  void tell(bool dense) {
    if (std::exchange(dense_, dense) != dense && tell_density_) tell_density_(dense);
  }

  // When the next message is due, since the start of the run; `never` if none is.
  std::chrono::nanoseconds due() const noexcept {
    const std::chrono::nanoseconds since_begin = schedule_.due();
    if (since_begin == never || (duration_.count() > 0 && since_begin >= duration_)) return never;
    return origin_ + since_begin;
  }

  std::chrono::nanoseconds give_up_at() const noexcept { return end() == never ? never : end() + timeout_; }

  std::chrono::nanoseconds next_event() const noexcept { return first_ != nullptr ? due() : give_up_at(); }

  void on_deadline(std::chrono::nanoseconds now) override {
    if (now >= give_up_at()) abandon(end());
    int turns = 0;
    for (; turns < turns_at_once && first_ != nullptr && due() <= now; ++turns) {
      TurnTaker& taker = *first_;
      const std::chrono::nanoseconds was_due = due();
      measure(was_due);
      leave(taker);
      schedule_.advance();
      taker.take_turn(now, was_due);
    }
    if (due() == never) return finish(now);
    deadlines_.arm(*this, std::min(next_event(), give_up_at()));
  }

  void finish(std::chrono::nanoseconds now) {
    over_ = true;
    tell(false);
    while (first_ != nullptr) {
      TurnTaker& taker = *first_;
      leave(taker);
      taker.turns_over(now);
    }
  }

  const Clock& clock_;
  DeadlineQueue& deadlines_;
  MetricsCollector& collector_;
  MessageSchedule schedule_;
  std::chrono::nanoseconds duration_;
  std::chrono::nanoseconds timeout_;
  std::function<void(bool)> tell_density_{};
  MetricsCollector* warm_up_{nullptr};
  std::chrono::nanoseconds warm_up_end_{0};
  std::chrono::nanoseconds origin_{never};
  std::chrono::nanoseconds measured_from_{0};
  int measured_{0};
  TurnTaker* first_{nullptr};
  TurnTaker* last_{nullptr};
  bool dense_{false};
  bool over_{false};
};

}  // namespace wsbench::detail
