#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/session.hpp>

namespace wsbench::detail {

/// A message that waits for its answer; one cache line, since with many connections each touch of another costs 100 ns.
struct alignas(64) InFlight {
  static constexpr std::chrono::nanoseconds unset{-1};

  MetricsCollector* collector{nullptr};  ///< where it is recorded; null: it waits no more
  std::uint32_t label{0};                ///< its label's id there
  std::uint32_t number{0};               ///< of the client's messages that expect an answer
  std::optional<std::uint64_t> id{};     ///< that its answer carries; nothing: answers come in order
  std::chrono::nanoseconds due{unset};   ///< when it should have been sent; unset: whenever it was
  std::chrono::nanoseconds sent{unset};  ///< just before the write; unset: not written yet
  std::chrono::nanoseconds timeout{0};   ///< how long its answer may take, from the send
  PendingReply* waiter{nullptr};         ///< whom to give the answer to; null: nobody waits any more

  std::chrono::nanoseconds deadline() const noexcept { return sent + timeout; }
};

/// The messages of one session that wait for their answers, in the order they were sent.
///
/// Answers mostly come in that order: the oldest is found at once however many wait, and what was taken from the middle leaves a gap until
/// all before it are gone.
class InFlightMessages {
 public:
  /// Adds the newest; it is stamped by `stamp()` when it is written.
  void add(const InFlight& message) {
    if (first_ > compact_from && 2 * first_ > messages_.size()) compact();
    messages_.push_back(message);
    ++count_;
    ++unwritten_;
  }

  /// Whether some were added since the last `stamp()`.
  bool any_unwritten() const noexcept { return unwritten_ > 0; }

  /// Stamps those added since, just before they are written, and tells `written` of each.
  template <class Written>
  void stamp(std::chrono::nanoseconds now, Written written) {
    for (; unwritten_ > 0; --unwritten_) {
      InFlight& message = messages_[messages_.size() - unwritten_];
      const bool on_schedule = message.due != InFlight::unset;
      message.sent = now;
      if (!on_schedule) message.due = now;
      // With one timeout for all, whoever was sent first is due first.
      if (message.deadline() < latest_deadline_) in_order_ = false;
      latest_deadline_ = std::max(latest_deadline_, message.deadline());
      written(message, on_schedule);
    }
  }

  /// The message that an answer with this id belongs to; it is taken out. What is not written yet has no answer.
  std::optional<InFlight> take_answered(std::uint64_t id) {
    // From where the last one was found: where an old message is never answered, all that came after it leave gaps.
    const std::size_t from = std::clamp(found_, first_, written_end());
    const auto wanted = [id](const InFlight& message) { return message.id == id; };
    std::optional<InFlight> found = take_first_of(from, written_end(), wanted);
    return found ? found : take_first_of(first_, std::min(from, written_end()), wanted);
  }

  /// The message that an answer without an id belongs to, the one written longest ago; it is taken out.
  std::optional<InFlight> take_answered() {
    return take_first([](const InFlight&) { return true; });
  }

  /// The oldest message, written or not; it is taken out.
  std::optional<InFlight> take_oldest() { return empty() ? std::nullopt : std::optional{take_at(first_)}; }

  /// The oldest message whose deadline is over; it is taken out.
  std::optional<InFlight> take_expired(std::chrono::nanoseconds now) {
    if (next_deadline(std::chrono::nanoseconds::max()) > now) return std::nullopt;
    return take_first([now](const InFlight& message) { return message.deadline() <= now; });
  }

  /// The earliest deadline, if it is before `other`; else that.
  std::chrono::nanoseconds next_deadline(std::chrono::nanoseconds other) const noexcept {
    if (first_ == written_end()) return other;
    std::chrono::nanoseconds earliest = std::min(other, messages_[first_].deadline());
    if (in_order_) return earliest;
    for (std::size_t at = first_; at < written_end(); ++at) {
      if (messages_[at].collector != nullptr) earliest = std::min(earliest, messages_[at].deadline());
    }
    return earliest;
  }

  /// The waiter is gone; its message stays in flight.
  void forget(const Waiter& waiter) noexcept {
    for (std::size_t at = first_; at < messages_.size(); ++at) {
      if (messages_[at].waiter == &waiter) messages_[at].waiter = nullptr;
    }
  }

  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t compact_from = 64;

  // Everything before it was written; the first entry is never a gap.
  std::size_t written_end() const noexcept { return messages_.size() - unwritten_; }

  // Of those written.
  template <class Wanted>
  std::optional<InFlight> take_first(Wanted wanted) {
    return take_first_of(first_, written_end(), wanted);
  }

  template <class Wanted>
  std::optional<InFlight> take_first_of(std::size_t from, std::size_t to, Wanted wanted) {
    for (std::size_t at = from; at < to; ++at) {
      if (messages_[at].collector != nullptr && wanted(messages_[at])) {
        found_ = at;
        return take_at(at);
      }
    }
    return std::nullopt;
  }

  InFlight take_at(std::size_t at) {
    const InFlight message = messages_[at];
    if (message.sent == InFlight::unset) --unwritten_;
    messages_[at].collector = nullptr;
    --count_;
    while (first_ < messages_.size() && messages_[first_].collector == nullptr) ++first_;
    if (first_ == messages_.size()) start_over();
    return message;
  }

  void start_over() noexcept {
    messages_.clear();
    first_ = 0;
    found_ = 0;
    in_order_ = true;
    latest_deadline_ = std::chrono::nanoseconds{0};
  }

  void compact() {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
    found_ -= std::min(found_, first_);
    first_ = 0;
  }

  std::vector<InFlight> messages_{};
  std::size_t first_{0};  // of those that still wait
  std::size_t found_{0};  // where the last one was found by its id
  std::size_t count_{0};
  std::size_t unwritten_{0};
  std::chrono::nanoseconds latest_deadline_{0};
  bool in_order_{true};
};

}  // namespace wsbench::detail
