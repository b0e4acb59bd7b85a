#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/failure.hpp>
#include <wsbench/time_slots.hpp>

namespace wsbench {

/// The response times of one slot of a time series: coarser and far smaller than a Histogram.
///
/// Each power of two has 32 counters, made by the power of two as they are needed, so a percentile is at most 3.2 % above the sample it
/// stands for; the maximum is exact. A counter stops at 4,294,967,295. A negative duration is no sample.
class SlotTimes {
 public:
  /// One counter that is not empty.
  struct Bin {
    std::int64_t value{0};   ///< the lowest duration it counts, in nanoseconds
    std::uint32_t count{0};  ///< how many samples it has

    bool operator==(const Bin&) const = default;
  };

  /// Counts one sample; allocates only for a power of two that is new.
  void record(std::chrono::nanoseconds value) {
    // What lies below the first counter wraps round: one comparison catches all that has no counter, negative values too.
    const std::size_t place = index_of(value.count()) - first_;
    if (place >= counters_.size()) [[unlikely]]
      return record_beyond(value);
    add(counters_[place], 1);
    max_ = std::max(max_, value.count());
  }

  /// Adds another's samples.
  void merge(const SlotTimes& other) {
    if (other.counters_.empty()) return;
    cover(other.first_, other.first_ + other.counters_.size());
    const std::size_t offset = other.first_ - first_;
    for (std::size_t place = 0; place < other.counters_.size(); ++place) add(counters_[offset + place], other.counters_[place]);
    max_ = std::max(max_, other.max_);
  }

  /// How many samples there are.
  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint32_t counter : counters_) sum += counter;
    return sum;
  }

  /// The largest sample, exact; nothing without samples.
  std::optional<std::chrono::nanoseconds> max() const {
    return counters_.empty() ? std::nullopt : std::optional{std::chrono::nanoseconds{max_}};
  }

  /// The smallest duration that this many percent (1 to 99) of the samples do not exceed, up to 3.2 % too high, never above max().
  ///
  /// Nothing with less than one sample beyond it.
  std::optional<std::chrono::nanoseconds> percentile(unsigned percent) const {
    const std::uint64_t samples = count();
    const std::uint64_t rank = (samples * percent + 99) / 100;
    if (rank >= samples) return std::nullopt;
    std::uint64_t passed = 0;
    for (std::size_t place = 0; place < counters_.size(); ++place) {
      passed += counters_[place];
      if (passed >= rank) return std::chrono::nanoseconds{std::min(highest_of(first_ + place), max_)};
    }
    return max();
  }

  /// Every counter that is not empty, ascending.
  std::vector<Bin> bins() const {
    std::vector<Bin> filled;
    for (std::size_t place = 0; place < counters_.size(); ++place) {
      if (counters_[place] > 0) filled.push_back({lowest_of(first_ + place), counters_[place]});
    }
    return filled;
  }

  /// What had these bins and this maximum (0 without samples); throws Error where they contradict each other.
  static SlotTimes restore(const std::vector<Bin>& bins, std::chrono::nanoseconds max) {
    SlotTimes restored;
    for (const Bin& bin : bins) {
      restored.record(std::chrono::nanoseconds{bin.value});
      if (bin.value >= 0) add(restored.counters_[index_of(bin.value) - restored.first_], bin.count - 1);
    }
    const bool fits = bins.empty() ? max.count() == 0 : max.count() >= 0 && index_of(max.count()) == index_of(restored.max_);
    if (restored.bins() != bins || !fits) throw Error("time_series", "bins and maximum do not fit each other: the saved data is damaged");
    restored.max_ = max.count();
    return restored;
  }

  /// Memory of the counters, in bytes: at most 7,552, and 128 for each power of two between the fastest and the slowest.
  std::size_t capacity_bytes() const noexcept { return counters_.capacity() * sizeof(std::uint32_t); }

  bool operator==(const SlotTimes&) const = default;

 private:
  // 64 counters one nanosecond wide, then 32 for every further power of two.
  static constexpr int sub_bucket_bits = 6;
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

  static void add(std::uint32_t& counter, std::uint32_t count) noexcept {
    counter += std::min(count, std::numeric_limits<std::uint32_t>::max() - counter);
  }

  // Records what has no counter yet.
  [[gnu::noinline, gnu::cold]] void record_beyond(std::chrono::nanoseconds value) {
    if (value.count() < 0) return;
    const std::size_t begin = index_of(value.count()) / half_count * half_count;
    cover(begin, begin + half_count);
    record(value);
  }

  // Sees to it that there are counters from `begin` to `end`. Both ends always hold a sample, so equal samples make equal counters.
  void cover(std::size_t begin, std::size_t end) {
    if (!counters_.empty()) {
      begin = std::min(begin, first_);
      end = std::max(end, first_ + counters_.size());
      if (end - begin == counters_.size()) return;
    }
    std::vector<std::uint32_t> wider(end - begin);
    if (!counters_.empty()) std::copy(counters_.begin(), counters_.end(), wider.begin() + static_cast<std::ptrdiff_t>(first_ - begin));
    counters_ = std::move(wider);
    first_ = begin;
  }

  std::size_t first_{0};  // the index of the first counter
  std::vector<std::uint32_t> counters_{};
  std::int64_t max_{0};
};

/// What happened in one slot of a time series.
struct TimeSlot {
  /// How often each failure happened, in the order of the enum.
  using Failures = std::array<std::uint64_t, detail::failure_names.size()>;

  std::uint64_t sent{0};      ///< messages written, with or without an answer to come
  std::uint64_t answered{0};  ///< answers that came in time
  std::uint64_t failed{0};    ///< messages given up
  std::uint64_t opened{0};    ///< connections that came to be open, again or for the first time
  std::uint64_t ended{0};     ///< open connections that ended
  Failures failures{};        ///< what went wrong
  SlotTimes response_time{};  ///< of the answered

  /// Adds another's counts and samples.
  void merge(const TimeSlot& other) {
    sent += other.sent;
    answered += other.answered;
    failed += other.failed;
    opened += other.opened;
    ended += other.ended;
    for (std::size_t kind = 0; kind < failures.size(); ++kind) failures[kind] += other.failures[kind];
    response_time.merge(other.response_time);
  }
  bool operator==(const TimeSlot&) const = default;
};

/// How a run went over its time, in at most 3,600 slots of equal width: one second at first, doubled whenever the slots are full.
///
/// All times are since the start of the run; one before it counts as the start. Series add up, whatever their widths and in whatever order,
/// to what one series of the wider width would have recorded. Memory does not grow with the run: a slot takes 232 bytes and 128 for each
/// power of two between its fastest and its slowest answer, hence 12 MiB at most where answers take from 1 us to 16 s, and 30 MiB at most.
class TimeSeries {
 public:
  /// How many slots there are at most.
  static constexpr std::size_t slot_limit = detail::TimeSlots<TimeSlot>::limit;

  /// A message was written.
  void sent(std::chrono::nanoseconds at) { ++slots_.at(at).sent; }
  /// A message was answered.
  void answered(std::chrono::nanoseconds at, std::chrono::nanoseconds response_time) {
    TimeSlot& slot = slots_.at(at);
    ++slot.answered;
    slot.response_time.record(response_time);
  }
  /// A message was given up.
  void failed(std::chrono::nanoseconds at) { ++slots_.at(at).failed; }
  /// A connection came to be open.
  void opened(std::chrono::nanoseconds at) { ++slots_.at(at).opened; }
  /// An open connection ended.
  void ended(std::chrono::nanoseconds at) { ++slots_.at(at).ended; }
  /// Something went wrong.
  void failure(std::chrono::nanoseconds at, Failure failure) { ++slots_.at(at).failures.at(static_cast<std::size_t>(failure)); }

  /// Adds another's slots, at the wider of both widths.
  void merge(const TimeSeries& other) { slots_.merge(other.slots_); }

  /// How long each slot is.
  std::chrono::nanoseconds width() const noexcept { return slots_.width(); }
  /// The slots from the start of the run up to the last in which anything happened.
  const std::vector<TimeSlot>& slots() const noexcept { return slots_.all(); }

  /// How many connections were open at the end of each slot.
  std::vector<std::uint64_t> open() const {
    std::vector<std::uint64_t> levels;
    std::uint64_t opened = 0;
    std::uint64_t ended = 0;
    for (const TimeSlot& slot : slots()) {
      opened += slot.opened;
      ended += slot.ended;
      levels.push_back(opened - std::min(opened, ended));
    }
    return levels;
  }

  /// The series that had this width and these slots; throws Error where no series can have them.
  static TimeSeries restore(std::chrono::nanoseconds width, std::vector<TimeSlot> slots) {
    TimeSeries restored;
    restored.slots_ = detail::TimeSlots<TimeSlot>::restore("time_series", width, std::move(slots));
    return restored;
  }

  /// Memory of the slots, in bytes.
  std::size_t capacity_bytes() const noexcept {
    std::size_t bytes = slots().capacity() * sizeof(TimeSlot);
    for (const TimeSlot& slot : slots()) bytes += slot.response_time.capacity_bytes();
    return bytes;
  }

  bool operator==(const TimeSeries&) const = default;

 private:
  detail::TimeSlots<TimeSlot> slots_{};
};

}  // namespace wsbench
