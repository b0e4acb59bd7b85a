#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>

namespace wsbench::detail {

/// The time of a run in at most 3,600 slots of equal width: one second at first, doubled whenever the slots are full.
///
/// A `Slot` takes up a later one with `merge(later)`. Times are since the start of the run; one before it counts as the start.
template <class Slot>
class TimeSlots {
 public:
  /// How many slots there are at most.
  static constexpr std::size_t limit = 3'600;

  /// The slot of that time, made if there is none.
  Slot& at(std::chrono::nanoseconds at) {
    // A time before the last slot used, read as unsigned, is far beyond its width.
    if (static_cast<std::uint64_t>(at.count()) - static_cast<std::uint64_t>(last_begin_.count()) >= last_width_) [[unlikely]]
      turn_to(std::max(at, std::chrono::nanoseconds{0}));
    return slots_[last_];
  }

  /// Adds another's slots, at the wider of both widths.
  void merge(const TimeSlots& other) {
    while (width_ < other.width_) double_width();
    const auto ratio = static_cast<std::size_t>(width_ / other.width_);
    slots_.resize(std::max(slots_.size(), (other.slots_.size() + ratio - 1) / ratio));
    for (std::size_t index = 0; index < other.slots_.size(); ++index) slots_[index / ratio].merge(other.slots_[index]);
  }

  /// How long each slot is.
  std::chrono::nanoseconds width() const noexcept { return width_; }
  /// The slots from the start of the run up to the last that was used.
  const std::vector<Slot>& all() const noexcept { return slots_; }

  /// What had this width and these slots; throws Error, naming the member, where nothing can have them.
  static TimeSlots restore(const std::string& member, std::chrono::nanoseconds width, std::vector<Slot> slots) {
    const std::int64_t doubled = width / first_width;
    const bool possible = width % first_width == std::chrono::nanoseconds{0} && doubled > 0 && doubled <= most_doubled &&
                          std::has_single_bit(static_cast<std::uint64_t>(doubled));
    if (!possible) throw Error(member, "the width is not one second, doubled or not: the saved data is damaged");
    if (slots.size() > limit) throw Error(member, "there are more than 3,600 slots: the saved data is damaged");
    TimeSlots restored;
    restored.width_ = width;
    restored.slots_ = std::move(slots);
    return restored;
  }

  /// Whether both have the same slots.
  bool operator==(const TimeSlots& other) const noexcept { return width_ == other.width_ && slots_ == other.slots_; }

 private:
  static constexpr std::chrono::nanoseconds first_width = std::chrono::seconds{1};
  // With this width the slots reach beyond the largest nanoseconds there are.
  static constexpr std::int64_t most_doubled = std::int64_t{1} << 22;

  // Makes the slot of that time the last one used.
  [[gnu::noinline, gnu::cold]] void turn_to(std::chrono::nanoseconds at) {
    while (static_cast<std::size_t>(at / width_) >= limit) double_width();
    last_ = static_cast<std::size_t>(at / width_);
    if (last_ >= slots_.size()) {
      if (last_ >= slots_.capacity()) slots_.reserve(std::min(limit, std::max(last_ + 1, 2 * slots_.capacity())));
      slots_.resize(last_ + 1);
    }
    last_begin_ = width_ * static_cast<std::int64_t>(last_);
    last_width_ = static_cast<std::uint64_t>(width_.count());
  }

  void double_width() {
    for (std::size_t index = 1; index < slots_.size(); ++index) {
      if (index % 2 == 0) {
        slots_[index / 2] = std::move(slots_[index]);
      } else {
        slots_[index / 2].merge(slots_[index]);
      }
    }
    slots_.resize((slots_.size() + 1) / 2);
    width_ *= 2;
    last_width_ = 0;
  }

  std::chrono::nanoseconds width_{first_width};
  std::vector<Slot> slots_{};
  // The slot used last, since most of what happens falls into the same; a width of 0 stands for none.
  std::size_t last_{0};
  std::chrono::nanoseconds last_begin_{0};
  std::uint64_t last_width_{0};
};

}  // namespace wsbench::detail
