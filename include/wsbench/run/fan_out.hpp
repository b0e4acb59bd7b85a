#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wsbench/metrics.hpp>
#include <wsbench/publication.hpp>

namespace wsbench::detail {

/// How many were subscribed at which time, as far back as it is asked for.
class SubscriberLog {
 public:
  /// One more or one less from then on; mostly later than all before.
  void change(std::chrono::nanoseconds at, std::int64_t by) {
    const auto place =
        std::upper_bound(changes_.begin(), changes_.end(), at, [](auto time, const Change& change) { return time < change.at; });
    const std::int64_t before = place == changes_.begin() ? base_ : std::prev(place)->count;
    for (auto later = changes_.insert(place, {at, before}); later != changes_.end(); ++later) later->count += by;
  }

  /// How many there were then.
  std::uint64_t at(std::chrono::nanoseconds time) const {
    const auto after =
        std::upper_bound(changes_.begin(), changes_.end(), time, [](auto then, const Change& change) { return then < change.at; });
    return static_cast<std::uint64_t>(std::max<std::int64_t>(after == changes_.begin() ? base_ : std::prev(after)->count, 0));
  }

  /// Forgets what only times before `time` need.
  void forget_before(std::chrono::nanoseconds time) {
    for (; changes_.size() > 1 && changes_[1].at <= time; changes_.pop_front()) base_ = changes_.front().count;
  }

 private:
  struct Change {
    std::chrono::nanoseconds at{0};
    std::int64_t count{0};  // from then on
  };
  std::deque<Change> changes_{};
  std::int64_t base_{0};
};

/// What became of one publication among the subscribers of one worker, or of several put together.
struct Deliveries {
  std::chrono::nanoseconds due{0};
  std::vector<std::chrono::nanoseconds> times{};  ///< from when it was due until each subscriber had it
  std::uint64_t credited{0};                      ///< of those who had it: have left since, and are in no count of subscribers any more
};

/// Adds a publication whose time is over to the figures; `expected` subscribers should have had it.
inline void account(Deliveries& publication, std::uint64_t expected, FanOutMetrics& into) {
  std::vector<std::chrono::nanoseconds>& times = publication.times;
  expected = std::max<std::uint64_t>(expected, times.size());
  ++into.published;
  into.expected += expected;
  into.delivered += times.size();
  const bool complete = times.size() == expected;
  if (complete) ++into.complete;
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  for (const std::chrono::nanoseconds time : times) into.delivery.record(time);
  into.first.record(times.front());
  // Whoever did not get it waits for ever: half of all have it when half of those expected do.
  const std::uint64_t middle = (expected - 1) / 2;
  if (middle < times.size()) into.median.record(times[middle]);
  if (complete) into.last.record(times.back());
}

/// What a worker knows of publications up to a time.
struct FanOutShare {
  std::chrono::nanoseconds until{0};           ///< what was due a timeout before then has had its time
  std::map<std::uint64_t, Deliveries> over{};  ///< by the publication's id; what has had its time since it was asked last
  SubscriberLog subscribers{};
  bool final{false};  ///< nothing more will come: what is complete counts, whenever it was due
};

/// The publications that the subscribers of one worker get.
///
/// Each is kept until its deadline, `timeout` after it was due; memory is bounded by subscribers times publications in that time, and,
/// where there are several workers, in the time between two calls of `hand_over()`.
class FanOut {
 public:
  /// Publications that are due before `from` are in no figure; `alone` says that no other worker has subscribers.
  FanOut(std::chrono::nanoseconds timeout, std::chrono::nanoseconds from, bool alone) : timeout_(timeout), from_(from), alone_(alone) {}

  /// Whether anybody has subscribed or published yet.
  bool in_use() const noexcept { return in_use_; }

  /// Everything that is due from now on is expected to reach this client.
  void subscribe(std::uint64_t client, std::chrono::nanoseconds now) {
    in_use_ = true;
    const auto [place, is_new] = subscribers_.try_emplace(client);
    if (!is_new) return;
    place->second.since = now;
    log_.change(now, 1);
  }

  /// The client has lost its connection: what was due before then is still expected to have reached it.
  void lose(std::uint64_t client, std::chrono::nanoseconds now) {
    if (subscribers_.erase(client) > 0) log_.change(now, -1);
  }

  /// The client goes of its own will: what it did not get and still could is expected no more.
  void leave(std::uint64_t client, std::chrono::nanoseconds now) {
    const auto found = subscribers_.find(client);
    if (found == subscribers_.end()) return;
    const Subscriber& subscriber = found->second;
    const std::chrono::nanoseconds gone = std::max(subscriber.since, now - timeout_);
    for (auto& [id, publication] : open_) {
      if (publication.due >= gone && subscriber.has(id)) ++publication.credited;
    }
    log_.change(gone, -1);
    subscribers_.erase(found);
  }

  bool subscribed(std::uint64_t client) const { return subscribers_.contains(client); }

  /// A client publishes.
  void publish(const Publication& publication) {
    in_use_ = true;
    open(publication);
  }

  /// A message that carries a publication reached a client then.
  void deliver(std::uint64_t client, const Publication& publication, std::chrono::nanoseconds arrival) {
    close(arrival);
    const auto found = subscribers_.find(client);
    if (found == subscribers_.end()) return;
    const bool counts = publication.due >= from_;
    if (found->second.since > publication.due) {
      metrics_.unexpected += counts ? 1 : 0;
      return;
    }
    const Subscriber::Seen seen = found->second.see(publication);
    if (seen == Subscriber::Seen::again) {
      metrics_.duplicated += counts ? 1 : 0;
      return;
    }
    if (arrival >= publication.due + timeout_) {
      metrics_.late += counts ? 1 : 0;
      return;
    }
    if (seen == Subscriber::Seen::late_in_order) metrics_.out_of_order += counts ? 1 : 0;
    open(publication).times.push_back(std::max(arrival - publication.due, std::chrono::nanoseconds{0}));
  }

  /// Whether all that is known to be under way has reached everybody here.
  bool settled(std::chrono::nanoseconds now) {
    // Every subscriber that lingers asks.
    if (now >= look_again_at_) {
      close(now);
      look_again_at_ = now + std::chrono::milliseconds{10};
      settled_ = std::all_of(open_.begin(), open_.end(), [this](const auto& entry) { return complete(entry.second); });
    }
    return settled_;
  }

  /// Hands over what has had its time by now, once; at the end, everything.
  FanOutShare hand_over(std::chrono::nanoseconds now, bool final) {
    close(now);
    if (final) {
      for (auto& [id, publication] : open_) {
        // A run that was cut short does not tell what would have come.
        if (!alone_ || complete(publication)) put_aside(id, publication);
      }
      open_.clear();
      order_.clear();
    }
    return {now, std::exchange(over_, {}), log_, final};
  }

  /// How deliveries were not as they should be; and, for a worker that is alone, all about those that were.
  const FanOutMetrics& metrics() const noexcept { return metrics_; }

 private:
  class Subscriber {
   public:
    enum class Seen : std::uint8_t { in_order, late_in_order, again };

    std::chrono::nanoseconds since{0};

    /// Notes a publication as come.
    Seen see(const Publication& publication) {
      Window& window = window_of(publication.publisher);
      if (window.seen == 0 || publication.sequence > window.latest) {
        const std::uint32_t ahead = publication.sequence - window.latest;
        window.seen = window.seen == 0 || ahead >= width ? 1 : (window.seen << ahead) | 1U;
        window.latest = publication.sequence;
        return Seen::in_order;
      }
      const std::uint32_t behind = window.latest - publication.sequence;
      if (behind >= width) return Seen::late_in_order;
      const std::uint64_t bit = std::uint64_t{1} << behind;
      if ((window.seen & bit) != 0) return Seen::again;
      window.seen |= bit;
      return Seen::late_in_order;
    }
    /// Whether one has come.
    bool has(std::uint64_t id) const {
      const auto publisher = static_cast<std::uint32_t>(id >> 32U);
      const auto place = std::lower_bound(windows_.begin(), windows_.end(), publisher, before);
      if (place == windows_.end() || place->publisher != publisher || place->seen == 0) return false;
      const std::uint32_t behind = place->latest - static_cast<std::uint32_t>(id);
      return behind < width && ((place->seen >> behind) & 1U) != 0;
    }

   private:
    // The last publications of one publisher: bit n is the one n before the latest that came.
    struct Window {
      std::uint32_t publisher{0};
      std::uint32_t latest{0};
      std::uint64_t seen{0};
    };
    static constexpr std::uint32_t width = 64;

    static bool before(const Window& window, std::uint32_t publisher) noexcept { return window.publisher < publisher; }
    Window& window_of(std::uint32_t publisher) {
      const auto place = std::lower_bound(windows_.begin(), windows_.end(), publisher, before);
      if (place != windows_.end() && place->publisher == publisher) return *place;
      return *windows_.insert(place, {publisher, 0, 0});
    }

    std::vector<Window> windows_{};
  };

  Deliveries& open(const Publication& publication) {
    const auto [place, is_new] = open_.try_emplace(publication.id());
    if (is_new) {
      place->second.due = publication.due;
      order_.push_back(publication);
    }
    return place->second;
  }

  std::uint64_t expected(const Deliveries& publication) const { return log_.at(publication.due) + publication.credited; }
  bool complete(const Deliveries& publication) const { return publication.times.size() >= expected(publication); }

  void put_aside(std::uint64_t id, Deliveries& publication) {
    if (publication.due < from_) return;
    if (alone_) {
      account(publication, expected(publication), metrics_);
    } else {
      over_.emplace(id, std::move(publication));
    }
  }

  // Puts aside what has had its time.
  void close(std::chrono::nanoseconds now) {
    for (; !order_.empty() && order_.front().due + timeout_ <= now; order_.pop_front()) {
      const auto found = open_.find(order_.front().id());
      put_aside(found->first, found->second);
      open_.erase(found);
    }
    // Whoever puts the workers' shares together asks once a second.
    log_.forget_before(now - 2 * timeout_ - std::chrono::seconds{10});
  }

  std::chrono::nanoseconds timeout_;
  std::chrono::nanoseconds from_;
  bool alone_;
  bool in_use_{false};
  bool settled_{true};
  std::chrono::nanoseconds look_again_at_{0};
  std::unordered_map<std::uint64_t, Subscriber> subscribers_{};
  SubscriberLog log_{};
  std::unordered_map<std::uint64_t, Deliveries> open_{};
  std::deque<Publication> order_{};  // of the open, as they became known
  std::map<std::uint64_t, Deliveries> over_{};
  FanOutMetrics metrics_{};
};

/// Puts together what the workers know: a publication reached subscribers of all of them.
class FanOutJoin {
 public:
  FanOutJoin(std::size_t workers, std::chrono::nanoseconds timeout) : shares_(workers), timeout_(timeout) {}

  /// Takes what a worker has handed over.
  void add(std::size_t worker, FanOutShare share) {
    for (auto& [id, theirs] : share.over) {
      Deliveries& ours = waiting_[id];
      ours.due = theirs.due;
      ours.times.insert(ours.times.end(), theirs.times.begin(), theirs.times.end());
      ours.credited += theirs.credited;
    }
    share.over.clear();
    shares_[worker] = std::move(share);
  }

  /// Accounts for the publications that every worker has told its part of.
  void settle() {
    std::chrono::nanoseconds until = std::chrono::nanoseconds::max();
    bool final = true;
    for (const FanOutShare& share : shares_) {
      until = std::min(until, share.until);
      final = final && share.final;
    }
    for (auto place = waiting_.begin(); place != waiting_.end();) {
      Deliveries& publication = place->second;
      std::uint64_t expected = publication.credited;
      for (const FanOutShare& share : shares_) expected += share.subscribers.at(publication.due);
      const bool over = publication.due + timeout_ <= until;
      if (!over && !final) {
        ++place;
        continue;
      }
      // A run that was cut short does not tell what would have come.
      if (over || publication.times.size() >= expected) account(publication, expected, metrics_);
      place = waiting_.erase(place);
    }
  }

  const FanOutMetrics& metrics() const noexcept { return metrics_; }

 private:
  std::vector<FanOutShare> shares_;
  std::chrono::nanoseconds timeout_;
  std::map<std::uint64_t, Deliveries> waiting_{};
  FanOutMetrics metrics_{};
};

}  // namespace wsbench::detail
