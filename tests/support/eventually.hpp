#pragma once

#include <chrono>
#include <thread>

namespace support {

/// Waits for what another thread or process brings about; false if it does not hold in time.
template <class Condition>
bool eventually(Condition condition, std::chrono::nanoseconds within = std::chrono::seconds{5}) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace support
