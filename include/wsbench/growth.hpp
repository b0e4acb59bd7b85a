#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <wsbench/rank_statistics.hpp>

namespace wsbench {

/// One value of a series, and when it was read.
struct Reading {
  double at_s{0};   ///< in seconds since the start of the run
  double value{0};  ///< in the unit of the series

  bool operator==(const Reading&) const = default;
};

/// What becomes of something that should stay as it is.
enum class Growth : std::uint8_t {
  none,     ///< whatever it does is too little to matter
  goes_on,  ///< it grows, and nothing says that it will end
  slows,    ///< it grew, but ever less: a cache that fills looks so, and so may a leak behind one
  unclear,  ///< it may grow or not: the readings are too few, or vary too much
};

/// How a series went over a stretch of time; its slopes are per second.
struct GrowthFinding {
  Growth growth{Growth::unclear};
  double level{0};                           ///< what it was at the start of the stretch
  double floor{0};                           ///< growth over the stretch up to which it does not matter
  double length_s{0};                        ///< of the stretch
  std::optional<RankEstimate> per_second{};  ///< the slope over the stretch; nothing where there are too few readings
  std::optional<RankEstimate> at_last{};     ///< the slope over its last half, with 95 % confidence to either side
  std::optional<double> longer{};            ///< where it is unclear: how many times as long a run might tell; nothing: no length would

  bool operator==(const GrowthFinding&) const = default;
};

namespace detail {

/// The readings of a short time, as one.
struct ReadingBlock {
  double at_s{0};    ///< the median of their times
  double value{0};   ///< and of their values
  double spread{0};  ///< from their least to their greatest
};

/// Blocks that readings are put into. Readings that follow each other are alike, and a slope's interval from them would be too narrow; the
/// means of few long blocks are nearly independent, and more than 30 of them say hardly more (Schmeiser, "Batch size effects in the
/// analysis of simulation output", 1982). Twice as many are taken since halves are looked at too.
inline constexpr std::size_t most_blocks = 40;
/// Fewer say nothing: a half of them is what a slope with 90 % confidence takes.
inline constexpr std::size_t least_blocks = 8;

/// The readings from one time to another in blocks of equal length; where none was read there is no block.
inline std::vector<ReadingBlock> blocks_of(std::span<const Reading> readings, double from_s, double to_s) {
  std::vector<std::vector<Reading>> parts(most_blocks);
  for (const Reading& reading : readings) {
    if (reading.at_s < from_s || !(reading.at_s < to_s)) continue;
    const double place = (reading.at_s - from_s) / (to_s - from_s) * static_cast<double>(most_blocks);
    parts[std::min(static_cast<std::size_t>(place), most_blocks - 1)].push_back(reading);
  }
  std::vector<ReadingBlock> blocks;
  for (const std::vector<Reading>& part : parts) {
    if (part.empty()) continue;
    std::vector<double> times, values;
    for (const Reading& reading : part) {
      times.push_back(reading.at_s);
      values.push_back(reading.value);
    }
    const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
    blocks.push_back({*median_of(times), *median_of(values), *greatest - *least});
  }
  return blocks;
}

/// How much alike neighbours are beyond the line: the correlation of each block's distance from it with the next one's.
inline double correlation_of_neighbours(std::span<const ReadingBlock> blocks, double slope) {
  std::vector<double> distances;
  for (const ReadingBlock& block : blocks) distances.push_back(block.value - slope * block.at_s);
  double mean = 0;
  for (const double distance : distances) mean += distance / static_cast<double>(distances.size());
  double together = 0, alone = 0;
  for (std::size_t index = 0; index < distances.size(); ++index) {
    alone += (distances[index] - mean) * (distances[index] - mean);
    if (index > 0) together += (distances[index] - mean) * (distances[index - 1] - mean);
  }
  return alone > 0 ? together / alone : 0;
}

/// The slope of some blocks. Where neighbours are still alike the interval is made as wide as that of the fewer independent ones that they
/// are worth: n (1 - r) / (1 + r) (Bayley and Hammersley, "The 'effective' number of independent observations in an autocorrelated time
/// series", 1946).
inline std::optional<RankEstimate> slope_of(std::span<const ReadingBlock> blocks, double confidence) {
  std::vector<double> times, values;
  for (const ReadingBlock& block : blocks) {
    times.push_back(block.at_s);
    values.push_back(block.value);
  }
  std::optional<RankEstimate> slope = wsbench::slope_of(times, values, confidence);
  if (!slope) return slope;
  const double alike = std::clamp(correlation_of_neighbours(blocks, slope->estimate), 0.0, 0.9);
  const double wider = std::sqrt((1 + alike) / (1 - alike));
  slope->low = slope->estimate - (slope->estimate - slope->low) * wider;
  slope->high = slope->estimate + (slope->high - slope->estimate) * wider;
  return slope;
}

/// The median of the slopes between any two; 0 for less than two.
inline double middle_slope(std::span<const ReadingBlock> blocks) {
  std::vector<double> slopes;
  for (std::size_t later = 1; later < blocks.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      slopes.push_back((blocks[later].value - blocks[earlier].value) / (blocks[later].at_s - blocks[earlier].at_s));
    }
  }
  return median_of(slopes).value_or(0);
}

inline double least_of(std::span<const ReadingBlock> blocks) {
  return std::min_element(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.value < b.value; })->value;
}

/// Whether growth goes on at its pace: from the first half to the last or, where a start was faster, from the second third to the last; and
/// also at its low points, since a heap that is collected now and then grows until it is.
inline bool goes_on(std::span<const ReadingBlock> blocks, double at_last) {
  const std::size_t half = blocks.size() / 2;
  const std::size_t third = blocks.size() / 3;
  const auto kept = [at_last](double before, double after) {
    // A cache that fills by a law of decay slows to 0.8 of its pace in a time in which it is filled by a fifth.
    return std::min(before, after) >= at_last / 2 && after >= 0.8 * before;
  };
  const bool all_along = kept(middle_slope(blocks.first(half)), at_last);
  const bool in_the_end = kept(middle_slope(blocks.subspan(third, third)), middle_slope(blocks.last(third)));
  const double between = blocks[half].at_s - blocks.front().at_s;
  const double low_points = least_of(blocks.subspan(half)) - least_of(blocks.first(half));
  return (all_along || in_the_end) && low_points >= at_last * between / 2;
}

/// How many times as long a run has to be so that the interval lies on one side of the floor, if the slope is what it is taken for: noise
/// that stays the same widens the interval of a growth by the root of the length, while the growth becomes as many times as large.
inline std::optional<double> times_longer(double growth, double half_width, double floor) {
  constexpr int most_steps = 21;  // to a hundred times
  for (int step = 2; step <= most_steps; ++step) {
    const double times = std::pow(1.25, step);
    const double width = half_width / std::sqrt(times);
    if (growth * times - width > floor || growth * times + width <= floor) return times;
  }
  return std::nullopt;
}

/// What is read of a series between two times, before it is judged; nothing is told of too few readings.
inline GrowthFinding slopes_of(std::span<const ReadingBlock> blocks, double from_s, double to_s, double confidence) {
  GrowthFinding found{.length_s = to_s - from_s};
  if (blocks.size() >= least_blocks) {
    found.per_second = slope_of(blocks, confidence);
    found.at_last = slope_of(blocks.subspan(blocks.size() / 2), 0.9);
  }
  if (!found.at_last || !found.per_second) {
    found.per_second.reset();
    found.longer = 2;
    return found;
  }
  found.level = blocks.front().value - found.per_second->estimate * (blocks.front().at_s - from_s);
  return found;
}

inline std::optional<double> times_longer(const GrowthFinding& found, const RankEstimate& slope) {
  return times_longer(slope.estimate * found.length_s, (slope.high - slope.low) / 2 * found.length_s, found.floor);
}

}  // namespace detail

/// Growth that does not matter: this share of the level, over the time that was looked at.
inline constexpr double negligible_growth = 0.02;

/// Whether a series grows between two times, as what leaks does, or not, as a cache does that has filled.
///
/// There is none where the slope of the last half, with all of its interval, is too little to matter over the time that was looked at: 2 %
/// of the level, half of what it varies by within a fortieth of the time, or `least`, whichever is most. It goes on where the whole
/// interval of both slopes, of all and of the last half, is more than that and the pace is kept. `confidence` is a share of one.
inline GrowthFinding growth_of(std::span<const Reading> readings, double from_s, double to_s, double least, double confidence) {
  const std::vector<detail::ReadingBlock> blocks = detail::blocks_of(readings, from_s, to_s);
  GrowthFinding found = detail::slopes_of(blocks, from_s, to_s, confidence);
  if (!found.per_second) return found;
  std::vector<double> spreads;
  spreads.reserve(blocks.size());
  for (const detail::ReadingBlock& block : blocks) spreads.push_back(block.spread);
  found.floor = std::max({negligible_growth * std::abs(found.level), *median_of(spreads) / 2, least});
  const auto beyond = [&](const RankEstimate& slope) { return slope.low * found.length_s > found.floor; };
  if (found.at_last->high * found.length_s <= found.floor) {
    found.growth = Growth::none;
  } else if (beyond(*found.per_second) && beyond(*found.at_last) && detail::goes_on(blocks, found.at_last->estimate)) {
    found.growth = Growth::goes_on;
  } else if (found.at_last->low > 0 && found.at_last->estimate < 0.8 * found.per_second->estimate) {
    found.growth = Growth::slows;
    found.longer = 2;
  } else {
    found.longer = detail::times_longer(found, *found.at_last);
  }
  return found;
}

/// Whether a series rises between two times by more than `floor` over all of it. A single step up is not told from chance: it is unclear.
inline GrowthFinding rise_of(std::span<const Reading> readings, double from_s, double to_s, double floor, double confidence) {
  const std::vector<detail::ReadingBlock> blocks = detail::blocks_of(readings, from_s, to_s);
  GrowthFinding found = detail::slopes_of(blocks, from_s, to_s, confidence);
  found.floor = floor;
  if (!found.per_second) return found;
  const auto within = [&](double slope) { return slope * found.length_s <= floor; };
  // What fell, as times do when a server is warm, makes the interval of all wide, but not that of the last half.
  if (within(found.per_second->high) || (within(found.per_second->estimate) && within(found.at_last->high))) {
    found.growth = Growth::none;
  } else if (found.per_second->low * found.length_s > floor) {
    found.growth = Growth::goes_on;
  } else {
    found.longer = detail::times_longer(found, *found.per_second);
  }
  return found;
}

}  // namespace wsbench
