#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/histogram.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/time_series.hpp>

namespace wsbench::detail {

/// How many samples lie above the bar before and not above this bound.
struct HistogramBar {
  std::chrono::nanoseconds up_to{0};
  std::uint64_t count{0};

  bool operator==(const HistogramBar&) const = default;
};

/// The samples by bounds of 1, 2 and 5 times a power of ten, from the smallest sample to the largest, in at most so many bars: where there
/// would be more, every second bound is left out, or more of them. A sample within 0.1 % above a bound may count as not above it.
inline std::vector<HistogramBar> histogram_bars(const Histogram& histogram, std::size_t most) {
  if (histogram.count() == 0 || most == 0) return {};
  std::vector<std::chrono::nanoseconds> bounds;
  const std::chrono::nanoseconds max = *histogram.max();
  std::chrono::nanoseconds decade{1};
  while (bounds.empty() || bounds.back() < max) {
    for (const int times : {1, 2, 5}) {
      const std::chrono::nanoseconds bound = decade * times;
      if (bound >= *histogram.min() && (bounds.empty() || bounds.back() < max)) bounds.push_back(bound);
    }
    // Beyond the last power of ten that can be there is only the largest sample.
    if (decade > std::chrono::nanoseconds::max() / 50 && bounds.back() < max) bounds.push_back(max);
    decade = std::min(decade, std::chrono::nanoseconds::max() / 50) * 10;
  }
  const std::size_t stride = (bounds.size() + most - 1) / most;
  std::vector<HistogramBar> bars;
  // Counted from the last, which is above the largest sample.
  for (std::size_t place = (bounds.size() - 1) % stride; place < bounds.size(); place += stride) bars.push_back({bounds[place], 0});
  auto bar = bars.begin();
  for (const Histogram::Bin& bin : histogram.bins()) {
    while (bin.value > bar->up_to.count()) ++bar;
    bar->count += bin.count;
  }
  return bars;
}

/// A bar of so many columns for a share (0 to 1) of 1: anything but nothing is seen.
inline std::string bar_of(double share, std::size_t columns, CharacterSet characters) {
  const double length = std::clamp(share, 0.0, 1.0) * static_cast<double>(columns);
  if (length <= 0) return {};
  if (characters == CharacterSet::ascii) return std::string(std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(length))), '#');
  constexpr std::string_view eighths[] = {"", "\u258F", "\u258E", "\u258D", "\u258C", "\u258B", "\u258A", "\u2589"};
  const auto parts = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(length * 8)));
  std::string bar;
  for (std::size_t full = 0; full < parts / 8; ++full) bar += "\u2588";
  return bar.append(eighths[parts % 8]);
}

/// Values from 0 to the largest, a character each; a blank where there is none.
inline std::string sparkline(const std::vector<std::optional<std::chrono::nanoseconds>>& values, CharacterSet characters) {
  constexpr std::string_view ascii[] = {".", ":", "-", "=", "+", "*", "#", "%", "@"};
  constexpr std::string_view blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  double largest = 0;
  for (const auto& value : values) largest = std::max(largest, value ? static_cast<double>(value->count()) : 0);
  std::string line;
  for (const auto& value : values) {
    if (!value) {
      line += ' ';
      continue;
    }
    const double share = largest > 0 ? static_cast<double>(value->count()) / largest : 0;
    const auto level = [share](const auto& levels) {
      const std::size_t count = std::size(levels);
      return levels[std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)))];
    };
    line += characters == CharacterSet::ascii ? level(ascii) : level(blocks);
  }
  return line;
}

/// The p95 of the response times from the start of the run to its end, in pieces of equal length.
struct P95OverTime {
  std::chrono::nanoseconds piece{0};                              ///< how long each is
  std::vector<std::optional<std::chrono::nanoseconds>> values{};  ///< nothing where a piece had too few answers
};

/// At most so many pieces, of forty answers on average; nothing where that makes fewer than five.
inline std::optional<P95OverTime> p95_over_time(const TimeSeries& series, std::size_t most) {
  std::uint64_t samples = 0;
  for (const TimeSlot& slot : series.slots()) samples += slot.response_time.count();
  const std::size_t slots = series.slots().size();
  const std::size_t wanted = std::min({most, slots, static_cast<std::size_t>(samples / 40)});
  if (wanted < 5) return std::nullopt;
  const std::size_t together = (slots + wanted - 1) / wanted;
  P95OverTime course;
  course.piece = series.width() * static_cast<std::int64_t>(together);
  for (std::size_t begin = 0; begin < slots; begin += together) {
    SlotTimes times;
    for (std::size_t slot = begin; slot < std::min(slots, begin + together); ++slot) times.merge(series.slots()[slot].response_time);
    course.values.push_back(times.percentile(95));
  }
  return course;
}

}  // namespace wsbench::detail
