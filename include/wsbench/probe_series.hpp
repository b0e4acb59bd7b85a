#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/time_slots.hpp>

namespace wsbench {

/// What a probe read in one slot of its series.
struct ProbeSlot {
  std::uint64_t samples{0};  ///< readings that gave a number
  double sum{0};             ///< of them
  double min{0};             ///< the least of them; 0 without any
  double max{0};             ///< the largest of them; 0 without any
  double last{0};            ///< the latest of them; 0 without any

  /// Takes one reading, later than those before.
  void record(double value) {
    min = samples == 0 ? value : std::min(min, value);
    max = samples == 0 ? value : std::max(max, value);
    sum += value;
    last = value;
    ++samples;
  }
  /// Adds another's readings, which are the later ones.
  void merge(const ProbeSlot& later) {
    if (later.samples == 0) return;
    min = samples == 0 ? later.min : std::min(min, later.min);
    max = samples == 0 ? later.max : std::max(max, later.max);
    sum += later.sum;
    last = later.last;
    samples += later.samples;
  }
  /// Their average; nothing without any.
  std::optional<double> mean() const {
    return samples == 0 ? std::nullopt : std::optional(std::clamp(sum / static_cast<double>(samples), min, max));
  }

  bool operator==(const ProbeSlot&) const = default;
};

/// Why a reading failed, and when.
struct ProbeFailure {
  std::chrono::nanoseconds at{0};  ///< since the start of the run
  std::string reason{};            ///< "printed no number: \"n/a\""

  bool operator==(const ProbeFailure&) const = default;
};

/// What one probe read over the time of a run, in at most 3,600 slots of equal width: one second at first, doubled whenever they are full.
///
/// Times are since the start of the run; one before it counts as the start. Memory does not grow with the run: 141 KiB at most.
class ProbeSeries {
 public:
  /// A number was read; what is not finite is a reading that failed.
  void read(std::chrono::nanoseconds at, double value) {
    if (!std::isfinite(value)) return failed(at, "read a number that is not finite");
    slots_.at(at).record(value);
  }
  /// A reading gave no number.
  void failed(std::chrono::nanoseconds at, std::string reason) {
    if (failures_++ == 0) first_failure_ = {at, std::move(reason)};
  }

  /// Adds another's readings, as the later ones of each slot, at the wider of both widths.
  void merge(const ProbeSeries& other) {
    slots_.merge(other.slots_);
    const bool first = failures_ == 0 || (other.failures_ > 0 && other.first_failure_.at < first_failure_.at);
    if (first) first_failure_ = other.first_failure_;
    failures_ += other.failures_;
  }

  /// How long each slot is.
  std::chrono::nanoseconds width() const noexcept { return slots_.width(); }
  /// The slots from the start of the run up to the last in which a number was read.
  const std::vector<ProbeSlot>& slots() const noexcept { return slots_.all(); }

  /// How many readings gave a number.
  std::uint64_t samples() const noexcept { return whole().samples; }
  /// How many gave none.
  std::uint64_t failures() const noexcept { return failures_; }
  /// The first that gave none; nothing where all did.
  std::optional<ProbeFailure> first_failure() const { return failures_ == 0 ? std::nullopt : std::optional(first_failure_); }

  /// What it began with: the average of the first slot that has any; nothing without readings.
  std::optional<double> first() const {
    const auto found = std::find_if(slots().begin(), slots().end(), [](const ProbeSlot& slot) { return slot.samples > 0; });
    return found == slots().end() ? std::nullopt : found->mean();
  }
  /// The latest reading; nothing without readings.
  std::optional<double> last() const { return if_any(whole().last); }
  /// The least reading; nothing without readings.
  std::optional<double> min() const { return if_any(whole().min); }
  /// The largest reading; nothing without readings.
  std::optional<double> max() const { return if_any(whole().max); }
  /// The average of all readings; nothing without readings.
  std::optional<double> mean() const { return whole().mean(); }
  /// The value that this share of the slots' averages does not exceed (of the readings themselves, as long as a slot has one: an hour, read
  /// each second); nothing with less than one slot beyond it.
  std::optional<double> percentile(double share) const {
    std::vector<double> averages;
    for (const ProbeSlot& slot : slots()) {
      if (slot.samples > 0) averages.push_back(*slot.mean());
    }
    const auto count = static_cast<double>(averages.size());
    // A product may be off by the last bit.
    const double rank = std::max(std::ceil(share * count * (1 - 1e-12)), 1.0);
    if (rank >= count) return std::nullopt;
    const auto place = averages.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
    std::nth_element(averages.begin(), place, averages.end());
    return *place;
  }

  /// The series that had all this; throws Error where no series can have it.
  static ProbeSeries restore(std::chrono::nanoseconds width, std::vector<ProbeSlot> slots, std::uint64_t failures,
                             std::optional<ProbeFailure> first_failure) {
    for (const ProbeSlot& slot : slots) {
      const bool sound =
          slot.samples == 0 ? slot == ProbeSlot{} : slot.min <= slot.last && slot.last <= slot.max && std::isfinite(slot.sum);
      if (!sound) throw Error("probes", "the figures of a slot contradict each other: the saved data is damaged");
    }
    if ((failures > 0) != first_failure.has_value()) throw Error("probes", "readings failed without a first: the saved data is damaged");
    ProbeSeries restored;
    restored.slots_ = detail::TimeSlots<ProbeSlot>::restore("probes", width, std::move(slots));
    restored.failures_ = failures;
    if (first_failure) restored.first_failure_ = *std::move(first_failure);
    return restored;
  }

  bool operator==(const ProbeSeries&) const = default;

 private:
  ProbeSlot whole() const noexcept {
    ProbeSlot all;
    for (const ProbeSlot& slot : slots()) all.merge(slot);
    return all;
  }
  std::optional<double> if_any(double figure) const { return samples() == 0 ? std::nullopt : std::optional(figure); }

  detail::TimeSlots<ProbeSlot> slots_{};
  std::uint64_t failures_{0};
  ProbeFailure first_failure_{};
};

}  // namespace wsbench
