#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace wsbench::detail {

/// Something that wants to be called at a time; armed in one queue at most, and gone from it when destroyed.
class Deadline {
 public:
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 protected:
  Deadline() = default;
  inline virtual ~Deadline();

 private:
  friend class DeadlineQueue;

  virtual void on_deadline(std::chrono::nanoseconds now) = 0;

  static constexpr std::size_t unarmed = std::numeric_limits<std::size_t>::max();
  class DeadlineQueue* queue_{nullptr};
  std::size_t place_{unarmed};
};

/// The deadlines of one worker: a binary heap that knows where each is.
///
/// Arming is lazy: an armed deadline moves only to an earlier time. One that is called too early looks again and arms itself anew,
/// which is cheaper than moving it with every message (a timer of the event loop for each client took twice the CPU).
class DeadlineQueue {
 public:
  /// Nothing is armed.
  static constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

  DeadlineQueue() = default;
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;

  /// Has `deadline` called at `at` or sooner.
  void arm(Deadline& deadline, std::chrono::nanoseconds at) {
    at = std::max(at, soonest_);
    if (deadline.place_ == Deadline::unarmed) {
      deadline.queue_ = this;
      heap_.push_back({at, &deadline});
      rise(heap_.size() - 1);
    } else if (at < heap_[deadline.place_].at) {
      heap_[deadline.place_].at = at;
      rise(deadline.place_);
    }
  }

  /// Forgets `deadline`.
  void disarm(Deadline& deadline) noexcept {
    const std::size_t place = deadline.place_;
    if (place == Deadline::unarmed) return;
    deadline.place_ = Deadline::unarmed;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    put(place, last);
    rise(place);
    sink(last.deadline->place_);
  }

  /// When the earliest is due; `never` if none is.
  std::chrono::nanoseconds next() const noexcept { return heap_.empty() ? never : heap_.front().at; }

  /// Calls every one that was due when it began; those they arm for now wait for the next time.
  void run_due(std::chrono::nanoseconds now) {
    // One that arms itself again for now would otherwise keep others from their turn, and the loop from its sockets.
    soonest_ = now + std::chrono::nanoseconds{1};
    while (next() <= now) {
      Deadline& due = *heap_.front().deadline;
      disarm(due);
      due.on_deadline(now);
    }
    soonest_ = std::chrono::nanoseconds::min();
  }

 private:
  struct Entry {
    std::chrono::nanoseconds at{};
    Deadline* deadline{nullptr};
  };

  void put(std::size_t place, const Entry& entry) noexcept {
    heap_[place] = entry;
    entry.deadline->place_ = place;
  }
  void rise(std::size_t place) noexcept {
    const Entry entry = heap_[place];
    for (; place > 0 && entry.at < heap_[(place - 1) / 2].at; place = (place - 1) / 2) put(place, heap_[(place - 1) / 2]);
    put(place, entry);
  }
  void sink(std::size_t place) noexcept {
    const Entry entry = heap_[place];
    for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
      if (!(heap_[child].at < entry.at)) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, entry);
  }

  std::vector<Entry> heap_{};
  std::chrono::nanoseconds soonest_{std::chrono::nanoseconds::min()};
};

inline Deadline::~Deadline() {
  if (place_ != unarmed) queue_->disarm(*this);
}

}  // namespace wsbench::detail
