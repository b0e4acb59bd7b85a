#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/error.hpp>

namespace wsbench {

namespace detail {
// NOLINTNEXTLINE(modernize-use-using): only a typedef may say __extension__, without which -Wpedantic objects
__extension__ typedef unsigned __int128 uint128;
}  // namespace detail

/// How many samples a percentile rests on.
enum class Evidence : std::uint8_t {
  none,    ///< less than one sample beyond it: the percentile is n/a
  few,     ///< one to nine samples beyond it: shown, flagged "few samples"
  enough,  ///< ten or more samples beyond it
};

/// Durations counted in the HdrHistogram layout: whole nanoseconds, three significant digits, no upper bound.
///
/// Counters double in width with every power of two above 2,048 ns, so a percentile is at most 0.1 % above the sample it stands for
/// (Gil Tene, HdrHistogram). They are made as higher values come: 120 KiB up to 10 ms, 168 KiB up to 1 s, 432 KiB up to the largest
/// nanoseconds there are. Nothing is clamped or lost; a negative duration is no sample, but counted in `negative()`. Count, sum, minimum,
/// maximum and mean are exact. One thread writes at a time.
class Histogram {
 public:
  /// One counter that is not empty.
  struct Bin {
    std::int64_t value{0};   ///< the lowest duration it counts, in nanoseconds
    std::uint64_t count{0};  ///< how many samples it has

    bool operator==(const Bin&) const = default;
  };

  /// The exact sum of all samples in nanoseconds: high * 2^64 + low.
  struct Sum {
    std::uint64_t high{0};  ///< the upper 64 bits; 0 up to 584 years
    std::uint64_t low{0};   ///< the lower 64 bits

    bool operator==(const Sum&) const = default;
  };

  /// All that a histogram holds, as plain values to be written and read back.
  struct Content {
    std::vector<Bin> bins{};          ///< ascending by value
    Sum sum{};                        ///< of the samples
    std::chrono::nanoseconds min{0};  ///< the smallest sample; 0 without samples
    std::chrono::nanoseconds max{0};  ///< the largest sample; 0 without samples
    std::uint64_t negative{0};        ///< negative durations, which are no samples

    bool operator==(const Content&) const = default;
  };

  /// Counts `count` samples of `value`; allocates only when a value needs counters that were not there yet (at most 54 times).
  void record(std::chrono::nanoseconds value, std::uint64_t count = 1) {
    // A negative value, read as unsigned, has an index that no size reaches: one comparison catches it and missing counters alike.
    const std::size_t index = index_of(value.count());
    if (index >= counters_.size()) [[unlikely]]
      return record_beyond(value, count);
    if (count == 0) return;
    counters_[index] += count;
    count_ += count;
    sum_ += wide(value.count()) * count;
    min_ = std::min(min_, value.count());
    max_ = std::max(max_, value.count());
  }

  /// Adds another's samples, as if they had been recorded here.
  void merge(const Histogram& other) {
    if (counters_.size() < other.counters_.size()) grow_to(other.counters_.size());
    for (std::size_t index = 0; index < other.counters_.size(); ++index) counters_[index] += other.counters_[index];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    negative_ += other.negative_;
  }

  /// Forgets every sample and keeps the counters' memory.
  void clear() noexcept {
    std::fill(counters_.begin(), counters_.end(), std::uint64_t{0});
    count_ = 0;
    sum_ = 0;
    min_ = std::numeric_limits<std::int64_t>::max();
    max_ = 0;
    negative_ = 0;
  }

  /// How many samples there are.
  std::uint64_t count() const noexcept { return count_; }
  /// How many negative durations were given; they are in no other figure.
  std::uint64_t negative() const noexcept { return negative_; }
  /// The exact sum of the samples.
  Sum sum() const noexcept { return {static_cast<std::uint64_t>(sum_ >> 64), static_cast<std::uint64_t>(sum_)}; }
  /// The same in seconds, as near as a double comes to it.
  double sum_in_seconds() const noexcept { return static_cast<double>(sum_) / 1e9; }
  /// The smallest sample, exact; nothing without samples.
  std::optional<std::chrono::nanoseconds> min() const { return if_any(min_); }
  /// The largest sample, exact; nothing without samples.
  std::optional<std::chrono::nanoseconds> max() const { return if_any(max_); }
  /// The mean from the exact sum, rounded to the nearest nanosecond; nothing without samples.
  std::optional<std::chrono::nanoseconds> mean() const {
    if (count_ == 0) return std::nullopt;
    return std::chrono::nanoseconds{static_cast<std::int64_t>((sum_ + count_ / 2) / count_)};
  }

  /// The smallest duration that at least this share (0 to 1) of the samples do not exceed, up to 0.1 % too high, never outside min and max.
  ///
  /// Nothing with less than one sample beyond it (a median needs two samples, a p99.9 a thousand); share 0 is min(), share 1 is max().
  /// Throws Error for a share outside 0 to 1.
  std::optional<std::chrono::nanoseconds> percentile(double share) const {
    if (evidence(share) == Evidence::none) return std::nullopt;
    const std::uint64_t rank = rank_of(share);
    if (rank == 0) return min();
    std::uint64_t passed = 0;
    for (std::size_t index = 0; index < counters_.size(); ++index) {
      passed += counters_[index];
      if (passed >= rank) return std::chrono::nanoseconds{std::clamp(highest_of(index), min_, max_)};
    }
    return max();
  }

  /// How many samples lie beyond the percentile of this share (0 to 1): the whole part of count * (1 - share). Throws Error outside 0 to 1.
  std::uint64_t samples_beyond(double share) const { return count_ - rank_of(share); }

  /// What the percentile of this share (0 to 1) rests on; shares 0 and 1, which are min and max, always have enough. Throws Error outside.
  Evidence evidence(double share) const {
    const std::uint64_t beyond = samples_beyond(share);
    if (count_ == 0) return Evidence::none;
    if (share == 0 || share == 1 || beyond >= 10) return Evidence::enough;
    return beyond == 0 ? Evidence::none : Evidence::few;
  }

  /// Every counter that is not empty, ascending; their counts add up to count().
  std::vector<Bin> bins() const {
    std::vector<Bin> filled;
    for (std::size_t index = 0; index < counters_.size(); ++index) {
      if (counters_[index] > 0) filled.push_back({lowest_of(index), counters_[index]});
    }
    return filled;
  }

  /// All that it holds; `restore()` makes an equal histogram of it.
  Content content() const {
    return {bins(), sum(), min().value_or(std::chrono::nanoseconds{0}), max().value_or(std::chrono::nanoseconds{0}), negative_};
  }

  /// The histogram that had this content; throws Error where its parts contradict each other.
  static Histogram restore(const Content& content) {
    const auto require = [](bool sound, const char* problem) {
      if (!sound) throw Error("histogram", problem + std::string(": the saved data is damaged"));
    };
    Histogram restored;
    detail::uint128 total = 0;
    detail::uint128 highest_sum = 0;
    for (const Bin& bin : content.bins) {
      restored.record(std::chrono::nanoseconds{bin.value}, bin.count);
      total += bin.count;
      highest_sum += wide(highest_of(index_of(bin.value))) * bin.count;
    }
    require(restored.bins() == content.bins, "the bins are not ascending, not filled, or none of this layout");
    require(restored.count_ == total, "there are more samples than 64 bits can count");
    const std::int64_t min = content.min.count();
    const std::int64_t max = content.max.count();
    const detail::uint128 sum = (detail::uint128{content.sum.high} << 64) + content.sum.low;
    if (total == 0) {
      require(min == 0 && max == 0 && sum == 0, "there is a minimum, maximum or sum without samples");
    } else {
      require(min <= max && index_of(min) == index_of(restored.min_) && index_of(max) == index_of(restored.max_),
              "minimum and maximum do not fit the bins");
      // One sample is the minimum and one the maximum; the rest lies between, each in its bin.
      require(sum >= restored.sum_ && sum >= wide(min) * (total - 1) + wide(max) && sum <= highest_sum &&
                  sum <= wide(max) * (total - 1) + wide(min),
              "the sum does not fit the bins, minimum and maximum");
      restored.min_ = min;
      restored.max_ = max;
      restored.sum_ = sum;
    }
    restored.negative_ = content.negative;
    return restored;
  }

  /// Memory of the counters, in bytes.
  std::size_t capacity_bytes() const noexcept { return counters_.capacity() * sizeof(std::uint64_t); }

  /// Whether both hold the same; memory not used makes no difference.
  bool operator==(const Histogram& other) const noexcept {
    // With equal counts in all and equal counters as far as both reach, whatever one has beyond is empty.
    const auto common = static_cast<std::ptrdiff_t>(std::min(counters_.size(), other.counters_.size()));
    return count_ == other.count_ && sum_ == other.sum_ && min_ == other.min_ && max_ == other.max_ && negative_ == other.negative_ &&
           std::equal(counters_.begin(), counters_.begin() + common, other.counters_.begin());
  }

 private:
  // 2,048 counters one nanosecond wide, then 1,024 for every further power of two: half of a width's counters were in the width before.
  static constexpr int sub_bucket_bits = 11;
  static constexpr std::size_t half_count = std::size_t{1} << (sub_bucket_bits - 1);
  static constexpr std::uint64_t sub_bucket_mask = (std::uint64_t{1} << sub_bucket_bits) - 1;

  static constexpr std::size_t index_of(std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    const int shift = static_cast<int>(std::bit_width(bits | sub_bucket_mask)) - sub_bucket_bits;
    return static_cast<std::size_t>(shift) * half_count + static_cast<std::size_t>(bits >> shift);
  }
  static constexpr std::size_t shift_of(std::size_t index) noexcept { return index < 2 * half_count ? 0 : index / half_count - 1; }
  static constexpr std::int64_t lowest_of(std::size_t index) noexcept {
    const std::size_t shift = shift_of(index);
    return static_cast<std::int64_t>(std::uint64_t{index - shift * half_count} << shift);
  }
  static constexpr std::int64_t highest_of(std::size_t index) noexcept {
    return lowest_of(index) + static_cast<std::int64_t>((std::uint64_t{1} << shift_of(index)) - 1);
  }

  static constexpr detail::uint128 wide(std::int64_t value) noexcept { return static_cast<std::uint64_t>(value); }

  // Records what has no counter yet.
  [[gnu::noinline, gnu::cold]] void record_beyond(std::chrono::nanoseconds value, std::uint64_t count) {
    if (value.count() < 0) {
      negative_ += count;
      return;
    }
    grow_to((index_of(value.count()) / half_count + 1) * half_count);
    record(value, count);
  }

  void grow_to(std::size_t size) {
    counters_.reserve(size);  // exactly: resize alone would double the memory
    counters_.resize(size);
  }

  // The samples up to and including the percentile: ceil(share * count).
  std::uint64_t rank_of(double share) const {
    if (!(share >= 0 && share <= 1)) throw Error("share", "a percentile is asked for by a share from 0 to 1: 0.99 for p99");
    if (share == 1) return count_;
    // A decimal share is stored up to 2^-54 off and the product is rounded once more: 0.07 * 100 gives 7.000000000000001. What is
    // that near to a whole number is meant to be it.
    const double product = share * static_cast<double>(count_);
    const double rank = std::ceil(product - product * std::numeric_limits<double>::epsilon());
    return std::min(static_cast<std::uint64_t>(rank), count_);
  }

  std::optional<std::chrono::nanoseconds> if_any(std::int64_t value) const {
    return count_ == 0 ? std::nullopt : std::optional{std::chrono::nanoseconds{value}};
  }

  std::vector<std::uint64_t> counters_;
  std::uint64_t count_{0};
  detail::uint128 sum_{0};
  std::int64_t min_{std::numeric_limits<std::int64_t>::max()};
  std::int64_t max_{0};
  std::uint64_t negative_{0};
};

}  // namespace wsbench
