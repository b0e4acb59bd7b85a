#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/units.hpp>

namespace wsbench::detail {

/// A place on an axis, and what is written there.
struct Tick {
  double value{0};
  std::string text{};
};

/// An axis of a picture: where a value lies between its ends.
class Axis {
 public:
  enum class Scale : std::uint8_t {
    linear,
    logarithmic,  ///< by decades; both ends are above 0
    tail,         ///< of shares of one, by how rare the rest is: 0, 90 %, 99 % and 99.9 % are equally far apart
  };

  Axis(Scale scale, double low, double high, std::vector<Tick> ticks)
      : scale_(scale), low_(scaled(low)), high_(scaled(high)), ticks_(std::move(ticks)) {}

  /// 0 at the low end, 1 at the high one; what lies beyond an end is put there.
  double position(double value) const noexcept {
    const double width = high_ - low_;
    const double place = width > 0 ? (scaled(value) - low_) / width : 0;
    return place > 0 ? std::min(place, 1.0) : 0;  // what is no number is at the low end too
  }

  /// The value at a position from 0 to 1.
  double value_at(double position) const noexcept {
    const double place = low_ + position * (high_ - low_);
    switch (scale_) {
      case Scale::logarithmic: return std::pow(10, place);
      case Scale::tail: return 1 - std::pow(10, -place);
      case Scale::linear: break;
    }
    return place;
  }

  Scale scale() const noexcept { return scale_; }
  const std::vector<Tick>& ticks() const noexcept { return ticks_; }

 private:
  double scaled(double value) const noexcept {
    switch (scale_) {
      case Scale::logarithmic: return std::log10(value);
      case Scale::tail: return -std::log10(1 - value);
      case Scale::linear: break;
    }
    return value;
  }

  Scale scale_;
  double low_;  // as the scale has it
  double high_;
  std::vector<Tick> ticks_;
};

inline constexpr int most_ticks = 6;

/// The smallest of 1, 2 and 5 times a power of ten that is not below the value; 1 for what is not above 0.
inline double round_up(double value) noexcept {
  if (!(value > 0)) return 1;
  const double decade = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    // A logarithm may be off by the last bit.
    if (factor * decade >= value * (1 - 1e-12)) return factor * decade;
  }
  return 10 * decade;
}

/// The largest of 1, 2 and 5 times a power of ten that is not above the value; 1 for what is not above 0.
inline double round_down(double value) noexcept {
  const double up = round_up(value);
  if (!(value > 0) || up <= value * (1 + 1e-12)) return up;
  // 5 lies below 10, 2 below 5, 1 below 2.
  const double decade = std::pow(10, std::floor(std::log10(up) + 1e-9));
  return up > 4 * decade ? 2 * decade : up / 2;
}

/// From 0 to a round number not below `highest`, in round steps of at least `least`.
inline Axis linear_axis(double highest, double least, auto text_of) {
  const double step = std::max(round_up(highest / (most_ticks - 1)), least);
  const int steps = static_cast<int>(std::max(1.0, std::ceil(highest / step * (1 - 1e-12))));  // most_ticks at most
  std::vector<Tick> ticks;
  for (int n = 0; n <= steps; ++n) ticks.push_back({n * step, text_of(n * step)});
  return Axis(Axis::Scale::linear, 0, steps * step, std::move(ticks));
}

/// A number on an axis, in few characters: "500", "2.5k", "12M".
inline std::string short_number(double value) {
  for (const auto& [factor, name] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (value >= factor) return exact_number(value / factor) + name;
  }
  return exact_number(value);
}

/// An axis of sizes in bytes, from 0, in steps of binary units.
inline Axis bytes_axis(double highest) {
  constexpr std::string_view names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double unit = 1;
  std::size_t name = 0;
  for (; highest >= 1'024 * unit && name + 1 < std::size(names); ++name) unit *= 1'024;
  const Axis in_units = linear_axis(highest / unit, name == 0 ? 1 : 0, short_number);
  std::vector<Tick> ticks;
  for (const Tick& tick : in_units.ticks()) {
    ticks.push_back({tick.value * unit, tick.value > 0 ? fmt::format("{} {}", tick.text, names[name]) : "0"});
  }
  const double high = ticks.back().value;
  return Axis(Axis::Scale::linear, 0, high, std::move(ticks));
}

/// An axis of shares of one, from 0, in per cent.
inline Axis share_axis(double highest) {
  return linear_axis(highest, 0, [](double value) { return exact_number(value * 100) + " %"; });
}

/// An axis of any numbers, from 0 or from a round number below the lowest.
inline Axis number_axis(double lowest, double highest) {
  if (lowest >= 0) return linear_axis(highest, 0, short_number);
  const double step = round_up((std::max(highest, 0.0) - lowest) / (most_ticks - 2));
  const int first = static_cast<int>(std::floor(lowest / step * (1 - 1e-12)));
  const int last = static_cast<int>(std::ceil(std::max(highest, 0.0) / step * (1 - 1e-12)));
  std::vector<Tick> ticks;
  for (int n = first; n <= last; ++n) {
    const double value = n * step;
    ticks.push_back({value, value < 0 ? '-' + short_number(-value) : short_number(value)});
  }
  return Axis(Axis::Scale::linear, first * step, last * step, std::move(ticks));
}

/// An axis of how many, from 0.
inline Axis count_axis(double highest) {
  return linear_axis(highest, 1, short_number);
}

/// An axis of how many a second, from 0.
inline Axis rate_axis(double highest) {
  return linear_axis(highest, 0, short_number);
}

/// An axis of durations in nanoseconds: from 0, or logarithmic where the longest is over 20 times the shortest.
inline Axis duration_axis(double shortest, double longest) {
  const auto text_of = [](double value) {
    return value > 0 ? exact_duration(std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(value, 9e18))}) : std::string("0");
  };
  if (!(longest > 20 * std::max(shortest, 1.0))) return linear_axis(longest, 1, text_of);
  const double low = round_down(std::max(shortest, 1.0));
  const double high = round_up(longest);
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const int every = (last - first) / most_ticks + 1;
  std::vector<Tick> ticks;
  for (int decade = first; decade <= last; ++decade) {
    if ((decade - first) % every != 0) continue;
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10, decade);
      const bool wanted = factor == 1 || last - first < 2;
      if (wanted && value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push_back({value, text_of(value)});
    }
  }
  return Axis(Axis::Scale::logarithmic, low, high, std::move(ticks));
}

/// A time of whole seconds in its two largest units: "0", "45s", "1m30s", "2h", "1h15m".
inline std::string clock_text(std::int64_t seconds) {
  const auto two = [](std::int64_t large, const char* large_name, std::int64_t small, const char* small_name) {
    return small == 0 ? fmt::format("{}{}", large, large_name) : fmt::format("{}{}{}{}", large, large_name, small, small_name);
  };
  if (seconds == 0) return "0";
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3'600) return two(seconds / 60, "m", seconds % 60, "s");
  return two(seconds / 3'600, "h", seconds % 3'600 / 60, "m");
}

/// An axis of the time of a run, in seconds from its start to its end, in steps that a clock has.
inline Axis time_axis(double end) {
  std::int64_t step = 1;
  for (const std::int64_t wider : {2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1'800, 3'600, 7'200, 10'800, 21'600, 43'200, 86'400}) {
    if (end / static_cast<double>(step) > most_ticks) step = wider;
  }
  while (end / static_cast<double>(step) > most_ticks) step *= 2;
  std::vector<Tick> ticks;
  for (std::int64_t at = 0; static_cast<double>(at) <= end; at += step) ticks.push_back({static_cast<double>(at), clock_text(at)});
  return Axis(Axis::Scale::linear, 0, end, std::move(ticks));
}

/// An axis of the percentiles of this many samples, written in per cent, up to the last that one sample lies beyond.
inline Axis tail_axis(std::uint64_t samples) {
  const double highest = 1 - 1 / static_cast<double>(std::max<std::uint64_t>(samples, 2));
  const int decades = static_cast<int>(std::floor(-std::log10(1 - highest) + 1e-9));
  std::vector<Tick> ticks{{0, "0"}};
  if (decades < most_ticks) ticks.push_back({0.5, "50"});  // else there is no room for it
  const int every = decades / most_ticks + 1;
  for (int decade = 1; decade <= decades; ++decade) {
    if (decade % every != 0) continue;
    // Not by the share itself: eight nines and more have no exact double.
    const std::string nines = decade == 1 ? "90" : decade == 2 ? "99" : "99." + std::string(static_cast<std::size_t>(decade - 2), '9');
    ticks.push_back({1 - std::pow(10, -decade), nines});
  }
  return Axis(Axis::Scale::tail, 0, highest, std::move(ticks));
}

}  // namespace wsbench::detail
