#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// A part of a load's course: a straight line to `level` over a time; an equal level holds, `0s` is a step. The first begins at 0.
struct Stage {
  Stage() = default;
  /// To this many clients, or messages a second.
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr Stage(Number to, std::chrono::nanoseconds time) noexcept : level(static_cast<double>(to)), over(time) {}

  double level{0};                   ///< clients, or messages a second, at its end
  std::chrono::nanoseconds over{0};  ///< how long it takes to get there

  bool operator==(const Stage&) const = default;
};

/// How long stages take together.
inline std::chrono::nanoseconds length_of(const std::vector<Stage>& stages) noexcept {
  std::chrono::nanoseconds length{0};
  for (const Stage& stage : stages) length += stage.over;
  return length;
}

/// Stages as the command line writes them: "100:10s,1000:1m".
inline std::string to_string(const std::vector<Stage>& stages) {
  std::string text;
  for (const Stage& stage : stages) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", detail::exact_number(stage.level), exact_duration(stage.over));
  }
  return text;
}

/// Reads stages as `to_string` writes them; `parse_level` reads what is before a colon. Throws Error.
template <class ParseLevel>
std::vector<Stage> parse_stages(std::string_view text, ParseLevel parse_level) {
  std::vector<Stage> stages;
  while (true) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, end);
    const std::size_t colon = part.find(':');
    if (colon == part.npos) {
      throw Error("stages", detail::in_quotes(part) + " has no colon: write level:time, separated by commas, such as 100:10s,1000:1m");
    }
    stages.emplace_back(parse_level(part.substr(0, colon)), parse_duration(part.substr(colon + 1)));
    if (end == text.size()) return stages;
    text.remove_prefix(end + 1);
  }
}

/// Who is there: the virtual users of a run.
class Population {
 public:
  /// What decides who is there.
  enum class Kind : std::uint8_t {
    number,    ///< so many, from the start or brought up over `ramp_up`, until the load is over
    stages,    ///< as many as a course of stages says
    arrivals,  ///< users come at a rate, run the behaviour once, and leave
  };

  /// Nobody, which no run accepts.
  Population() = default;
  /// A closed population of `clients` users; a value that cannot be counted is kept out by `LoadTest::validate()`.
  template <std::integral Integer>
  Population(Integer clients) noexcept  // NOLINT(google-explicit-constructor): `.clients = 1000` is how a scenario reads
      : clients_(std::in_range<std::int64_t>(clients) ? static_cast<std::int64_t>(clients) : std::numeric_limits<std::int64_t>::max()) {}

  Kind kind() const noexcept { return kind_; }
  /// How many users there are at most at once; 0 where users arrive and the server decides how long they stay.
  std::int64_t clients() const noexcept { return clients_; }
  /// The course, where the population has one.
  const std::vector<Stage>& stages() const noexcept { return stages_; }
  /// Users a second, where they arrive.
  double arrivals_per_second() const noexcept { return arrivals_per_second_; }

  bool operator==(const Population&) const = default;

 private:
  friend Population stages(std::vector<Stage> course);
  friend Population arrivals(double per_second);

  Kind kind_{Kind::number};
  std::int64_t clients_{0};
  std::vector<Stage> stages_{};
  double arrivals_per_second_{0};
};

/// A population that rises and falls: `stages({{100, 10s}, {1000, 1min}, {0, 10s}})`. Who came last leaves first.
inline Population stages(std::vector<Stage> course) {
  Population population;
  population.kind_ = Population::Kind::stages;
  double most = 0;
  for (const Stage& stage : course) most = std::max(most, stage.level);
  population.clients_ = most < 9e18 ? static_cast<std::int64_t>(most) : std::numeric_limits<std::int64_t>::max();
  population.stages_ = std::move(course);
  return population;
}

/// Users that come at a steady rate, run the behaviour once, and leave: connection churn.
inline Population arrivals(double per_second) {
  Population population;
  population.kind_ = Population::Kind::arrivals;
  population.arrivals_per_second_ = per_second;
  return population;
}

/// The population as text: "100 clients", "clients in stages 100:10s,1000:1m", "20/s arriving".
inline std::string to_string(const Population& population) {
  switch (population.kind()) {
    case Population::Kind::number: return fmt::format("{} {}", population.clients(), population.clients() == 1 ? "client" : "clients");
    case Population::Kind::stages: return "clients in stages " + to_string(population.stages());
    case Population::Kind::arrivals: return detail::exact_number(population.arrivals_per_second()) + "/s arriving";
  }
  return {};
}

/// When the users speak.
class Pace {
 public:
  /// What decides when the next message is due.
  enum class Kind : std::uint8_t {
    think,     ///< a time after the last answer arrived (closed loop)
    flat_out,  ///< as soon as the last answer is in (closed loop)
    rate,      ///< on a schedule over all users, whatever the server does (open loop)
  };

  /// Flat out.
  Pace() = default;

  Kind kind() const noexcept { return kind_; }
  /// Whether messages are due whatever the server does.
  bool open() const noexcept { return kind_ == Kind::rate; }
  /// The time between an answer and the next message of that user; 0 for any other kind.
  std::chrono::nanoseconds think_time() const noexcept { return think_time_; }
  /// Messages a second over all users, where that does not change; else 0.
  double per_second() const noexcept { return per_second_; }
  /// The course of the rate, where it changes.
  const std::vector<Stage>& stages() const noexcept { return stages_; }
  /// Whether messages come at random (a Poisson process, seeded) instead of evenly spread.
  bool random() const noexcept { return random_; }

  /// The same rate at random: a Poisson process, as many independent users would make it.
  Pace poisson() && {
    random_ = true;
    return std::move(*this);
  }

  bool operator==(const Pace&) const = default;

 private:
  friend Pace think(std::chrono::nanoseconds think_time);
  friend Pace rate(double per_second);
  friend Pace rate(std::vector<Stage> course);

  Kind kind_{Kind::flat_out};
  std::chrono::nanoseconds think_time_{0};
  double per_second_{0};
  std::vector<Stage> stages_{};
  bool random_{false};
};

/// The next message of a user is due `think_time` after the last answer arrived.
inline Pace think(std::chrono::nanoseconds think_time) {
  Pace pace;
  pace.kind_ = Pace::Kind::think;
  pace.think_time_ = think_time;
  return pace;
}
/// The next message of a user is due as soon as the last answer is in.
inline Pace flat_out() {
  return {};
}
/// Messages a second over all users, evenly spread, from when the first user can speak; whatever the server does.
inline Pace rate(double per_second) {
  Pace pace;
  pace.kind_ = Pace::Kind::rate;
  pace.per_second_ = per_second;
  return pace;
}
/// A rate that changes: `rate({{20, 0s}, {20, 1min}, {200, 0s}, {200, 10s}})` is 20/s for a minute and a burst of 200/s.
inline Pace rate(std::vector<Stage> course) {
  Pace pace;
  pace.kind_ = Pace::Kind::rate;
  pace.stages_ = std::move(course);
  return pace;
}
/// The pace as text: "think 50ms", "flat out", "rate 5000/s", "rate 200/s at random".
inline std::string to_string(const Pace& pace) {
  switch (pace.kind()) {
    case Pace::Kind::think: return "think " + exact_duration(pace.think_time());
    case Pace::Kind::flat_out: return "flat out";
    case Pace::Kind::rate: break;
  }
  const std::string course =
      pace.stages().empty() ? detail::exact_number(pace.per_second()) + "/s" : "in stages " + to_string(pace.stages());
  return "rate " + course + (pace.random() ? " at random" : "");
}

}  // namespace wsbench
