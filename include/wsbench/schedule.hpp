#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include <wsbench/scenario.hpp>

namespace wsbench {

/// A time that does not come.
inline constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

namespace detail {

/// A number of seconds in whole nanoseconds; `never` from 290 years on.
inline std::chrono::nanoseconds from_seconds(double seconds) noexcept {
  return seconds < 9.2e9 ? std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)) : never;
}

inline double in_seconds(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double>(time).count();
}

}  // namespace detail

/// When client `index` of `clients` starts, since the start of the run: evenly spread over `ramp_up`, the first at once.
constexpr std::chrono::nanoseconds start_of_client(std::uint64_t index, std::uint64_t clients, std::chrono::nanoseconds ramp_up) noexcept {
  if (clients == 0) return std::chrono::nanoseconds{0};
  // The product of index and ramp_up may exceed 64 bits; quotient and remainder apart do not lose a nanosecond a step.
  const auto total = static_cast<std::uint64_t>(ramp_up.count());
  const std::uint64_t step = total / clients;
  const std::uint64_t rest = total % clients;
  return std::chrono::nanoseconds{static_cast<std::int64_t>(step * index + rest * index / clients)};
}

/// When a client's next message is due in a closed loop, given when its last answer arrived (or was given up).
inline std::chrono::nanoseconds next_due(const Pace& pace, std::chrono::nanoseconds last_answer) noexcept {
  return last_answer + pace.think_time();
}

/// When a rate that follows these stages has brought `amount` messages, since its start; `never` if it does not get there.
inline std::chrono::nanoseconds time_of_amount(const std::vector<Stage>& stages, double amount) noexcept {
  double level = 0;
  std::chrono::nanoseconds start{0};
  for (const Stage& stage : stages) {
    const double length = detail::in_seconds(stage.over);
    const double area = (level + stage.level) / 2 * length;
    if (area > 0 && amount < area) {
      // Solves level * t + slope * t^2 / 2 = amount, in the form that loses no digits where the slope is small.
      const double slope = (stage.level - level) / length;
      const double denominator = level + std::sqrt(level * level + 2 * slope * amount);
      return start + (amount > 0 ? detail::from_seconds(2 * amount / denominator) : std::chrono::nanoseconds{0});
    }
    amount -= area;
    level = stage.level;
    start += stage.over;
  }
  return never;
}

/// When message `amount` (from 0; a fraction lies between two) of an open load is due, since its start; `never` beyond its end.
inline std::chrono::nanoseconds due_of_message(const Pace& pace, double amount) noexcept {
  if (!pace.stages().empty()) return time_of_amount(pace.stages(), amount);
  return pace.per_second() > 0 ? detail::from_seconds(amount / pace.per_second()) : never;
}

/// One worker's share of the messages of an open load, in the order they are due; the same seed gives the same times.
class MessageSchedule {
 public:
  /// Of `shares` workers, this is number `share`; together they have at most `limit` messages.
  MessageSchedule(const Pace& pace, std::uint64_t share, std::uint64_t shares, std::uint64_t seed,
                  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max())
      : pace_(pace), shares_(shares), number_(share), limit_(limit), random_(seed) {
    if (pace_.random()) amount_ = gap();
    find_due();
  }

  /// When the next message is due, since the start of the load; `never` when there is none left.
  std::chrono::nanoseconds due() const noexcept { return due_; }

  /// Goes on to the one after it.
  void advance() {
    number_ += shares_;
    if (pace_.random()) amount_ += gap();
    find_due();
  }

 private:
  // A Poisson process of the whole rate is as many independent ones of a share of it each: exponential gaps (inverse of the distribution).
  double gap() {
    const double uniform = static_cast<double>(random_() >> 11U) * 0x1p-53;
    return -std::log1p(-uniform) * static_cast<double>(shares_);
  }
  void find_due() { due_ = number_ < limit_ ? due_of_message(pace_, pace_.random() ? amount_ : static_cast<double>(number_)) : never; }

  Pace pace_;
  std::uint64_t shares_;
  std::uint64_t number_;
  std::uint64_t limit_;
  std::mt19937_64 random_;
  double amount_{0};
  std::chrono::nanoseconds due_{0};
};

/// One user's stay: it comes at `start` and its load is over at `end`, since the start of the run.
struct Visit {
  std::uint64_t id{0};                  ///< the user's number, in the order they come
  std::chrono::nanoseconds start{0};    ///< when it connects
  std::chrono::nanoseconds end{never};  ///< when it is to leave; `never`: when the load is over

  bool operator==(const Visit&) const = default;
};

namespace detail {

/// When user `index` is there: while the course of the population is above it.
inline void add_visits_of(std::uint64_t index, const std::vector<Stage>& stages, std::vector<Visit>& visits) {
  const auto place = static_cast<double>(index);
  double level = 0;
  std::chrono::nanoseconds start{0};
  bool there = false;
  for (const Stage& stage : stages) {
    // When the line crosses the user's place; asked only where it does.
    const auto crossing = [&, from = level] {
      return start + from_seconds(in_seconds(stage.over) * ((place - from) / (stage.level - from)));
    };
    if (!there && level <= place && stage.level > place) {
      visits.push_back({index, crossing(), never});
      there = true;
    } else if (there && level > place && stage.level <= place) {
      visits.back().end = crossing();
      there = false;
    }
    level = stage.level;
    start += stage.over;
  }
}

}  // namespace detail

/// Who comes when: the visits of a population in the order of their start, no two nearer than 1/`connect_rate` (0: no limit).
///
/// A visit that is over before its turn to connect does not happen. Arrivals go on without end, as fast as they were asked for.
class VisitSchedule {
 public:
  VisitSchedule(const Population& population, std::chrono::nanoseconds ramp_up, double connect_rate)
      : arrivals_(population.arrivals_per_second()) {
    const auto clients = static_cast<std::uint64_t>(std::max<std::int64_t>(population.clients(), 0));
    if (population.kind() == Population::Kind::number) {
      for (std::uint64_t index = 0; index < clients; ++index) visits_.push_back({index, start_of_client(index, clients, ramp_up), never});
    } else if (population.kind() == Population::Kind::stages) {
      for (std::uint64_t index = 0; index < clients; ++index) detail::add_visits_of(index, population.stages(), visits_);
      std::stable_sort(visits_.begin(), visits_.end(), [](const Visit& a, const Visit& b) { return a.start < b.start; });
    }
    if (connect_rate > 0) keep_apart(detail::from_seconds(1 / connect_rate));
    for (std::size_t i = 0; i < visits_.size(); ++i) visits_[i].id = i;
  }

  /// The next visit; nothing when nobody comes any more.
  std::optional<Visit> next() {
    if (arrivals_ > 0) {
      const std::chrono::nanoseconds start = detail::from_seconds(static_cast<double>(next_) / arrivals_);
      return Visit{next_++, start, never};
    }
    if (next_ == visits_.size()) return std::nullopt;
    return visits_[next_++];
  }

 private:
  void keep_apart(std::chrono::nanoseconds distance) {
    std::chrono::nanoseconds earliest{0};
    for (Visit& visit : visits_) {
      visit.start = std::max(visit.start, earliest);
      if (visit.start < visit.end) earliest = visit.start + distance;
    }
    std::erase_if(visits_, [](const Visit& visit) { return visit.start >= visit.end; });
  }

  double arrivals_;
  std::vector<Visit> visits_{};
  std::uint64_t next_{0};
};

/// The most messages a second that so many users can offer in a closed loop when every answer takes `response_time`, or that an open load
/// offers at its peak; infinite where nothing bounds it.
inline double offered_per_second(std::uint64_t clients, const Pace& pace, std::chrono::nanoseconds response_time) noexcept {
  if (pace.open()) {
    double most = pace.per_second();
    for (const Stage& stage : pace.stages()) most = std::max(most, stage.level);
    return most;
  }
  const auto cycle = detail::in_seconds(pace.think_time() + response_time);
  if (cycle <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(clients) / cycle;
}

}  // namespace wsbench
