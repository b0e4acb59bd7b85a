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

/// A message that waits for its answer.
struct InFlight {
  static constexpr std::chrono::nanoseconds unset{-1};

  MetricsCollector::LabelId label{0};
  std::uint64_t number{0};               ///< of the client's messages that expect an answer
  std::optional<std::uint64_t> id{};     ///< that its answer carries; nothing: answers come in order
  std::chrono::nanoseconds due{unset};   ///< when it should have been sent; unset: whenever it was
  std::chrono::nanoseconds sent{unset};  ///< just before the write; unset: not written yet
  std::chrono::nanoseconds timeout{0};   ///< how long its answer may take, from the send
  PendingReply* waiter{nullptr};         ///< whom to give the answer to; null: nobody waits any more

  std::chrono::nanoseconds deadline() const noexcept { return sent + timeout; }
};

/// The messages of one session that wait for their answers, in the order they were sent.
class InFlightMessages {
 public:
  /// Adds the newest; it is stamped by `stamp()` when it is written.
  void add(const InFlight& message) {
    messages_.push_back(message);
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
      written(message, on_schedule);
    }
  }

  /// The message that an answer with this id belongs to; it is taken out. What is not written yet has no answer.
  std::optional<InFlight> take_answered(std::uint64_t id) {
    return take_first([id](const InFlight& message) { return message.id == id; });
  }

  /// The message that an answer without an id belongs to, the one written longest ago; it is taken out.
  std::optional<InFlight> take_answered() {
    return take_first([](const InFlight&) { return true; });
  }

  /// The oldest message, written or not; it is taken out.
  std::optional<InFlight> take_oldest() { return messages_.empty() ? std::nullopt : std::optional{take_at(messages_.begin())}; }

  /// The oldest message whose deadline is over; it is taken out.
  std::optional<InFlight> take_expired(std::chrono::nanoseconds now) {
    return take_first([now](const InFlight& message) { return message.deadline() <= now; });
  }

  /// The earliest deadline; `none` where nothing was written.
  std::chrono::nanoseconds next_deadline(std::chrono::nanoseconds none) const noexcept {
    std::chrono::nanoseconds earliest = none;
    for (std::size_t at = 0; at + unwritten_ < messages_.size(); ++at) earliest = std::min(earliest, messages_[at].deadline());
    return earliest;
  }

  /// The waiter is gone; its message stays in flight.
  void forget(const Waiter& waiter) noexcept {
    for (InFlight& message : messages_) {
      if (message.waiter == &waiter) message.waiter = nullptr;
    }
  }

  bool empty() const noexcept { return messages_.empty(); }

 private:
  // Of those written.
  template <class Wanted>
  std::optional<InFlight> take_first(Wanted wanted) {
    const auto end = messages_.end() - static_cast<std::ptrdiff_t>(unwritten_);
    const auto place = std::find_if(messages_.begin(), end, wanted);
    return place == end ? std::nullopt : std::optional{take_at(place)};
  }

  InFlight take_at(std::vector<InFlight>::iterator place) {
    const InFlight message = *place;
    if (message.sent == InFlight::unset) --unwritten_;
    messages_.erase(place);
    return message;
  }

  std::vector<InFlight> messages_{};
  std::size_t unwritten_{0};
};

}  // namespace wsbench::detail
