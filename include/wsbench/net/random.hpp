#pragma once

#include <cstdint>

namespace wsbench::detail {

/// The random numbers of one worker: SplitMix64 (Steele, Lea, Flood 2014), seeded once.
///
/// Masks need to be unpredictable to whoever wrote the payload (RFC 6455 section 10.3), which a load test's own payloads do not ask
/// for; stock websocketpp reads `std::random_device` for each, which was most of its cost per message.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  /// The next 32 bits; the name and form that websocketpp's processor calls.
  std::uint32_t operator()() noexcept {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return static_cast<std::uint32_t>((mixed ^ (mixed >> 31U)) >> 32U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace wsbench::detail
