#pragma once

#include <cstdint>
#include <limits>

namespace wsbench {

/// A small seeded source of random numbers, for the distributions of <random>: SplitMix64 (Steele, Lea, Flood 2014) in 8 bytes.
///
/// Masks need to be unpredictable to whoever wrote the payload (RFC 6455 section 10.3), which a load test's own payloads do not ask
/// for; stock websocketpp reads `std::random_device` for each, which was most of its cost per message.
class Random {
 public:
  using result_type = std::uint32_t;

  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  /// One of many that have a seed in common and no numbers: `stream` tells them apart.
  Random(std::uint64_t seed, std::uint64_t stream) noexcept : state_(mixed(mixed(seed) + stream)) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  /// The next 32 bits.
  result_type operator()() noexcept { return static_cast<result_type>(mixed(state_ += step) >> 32U); }

 private:
  static constexpr std::uint64_t step = 0x9E3779B97F4A7C15U;

  static constexpr std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
    return bits ^ (bits >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace wsbench
