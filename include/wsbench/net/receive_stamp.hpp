#pragma once

#include <chrono>
#include <cstdint>

namespace wsbench::detail {

/// What the kernel said of when bytes came.
enum class Stamp : std::uint8_t { none, believed, unbelieved };

/// When bytes reached this machine; times are on the loop's clock.
struct Arrival {
  std::chrono::nanoseconds at{0};    ///< by the kernel's stamp where it is believed, otherwise when they were read
  std::chrono::nanoseconds read{0};  ///< when they were read
  Stamp stamp{Stamp::none};          ///< what `at` rests on
};

/// What is known beside a read.
struct StampedRead {
  std::chrono::nanoseconds stamp{0};  ///< of the newest byte, by the wall clock; 0: the kernel gave none
  std::chrono::nanoseconds wall{0};   ///< the wall clock
  std::chrono::nanoseconds now{0};    ///< the loop's clock, read after the wall clock: in between, an arrival seems later and never earlier
  std::chrono::nanoseconds empty{0};  ///< a time on the loop's clock at which none of what was read had come
};

/// When the newest byte came. The wall clock may have been set since: a stamp of the future, or one from before the socket was empty, is
/// not believed.
constexpr Arrival arrival_of(const StampedRead& read) noexcept {
  if (read.stamp.count() == 0) return {read.now, read.now, Stamp::none};
  const std::chrono::nanoseconds age = read.wall - read.stamp;
  if (age.count() < 0 || age > read.now - read.empty) return {read.now, read.now, Stamp::unbelieved};
  return {read.now - age, read.now, Stamp::believed};
}

}  // namespace wsbench::detail
