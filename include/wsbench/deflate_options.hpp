#pragma once

#include <cstdint>

namespace wsbench {

/// How messages are compressed by permessage-deflate (RFC 7692): what a load test asks its servers for, and what an echo server agrees to.
///
/// With context takeover what was said before helps to compress what comes next, and each connection keeps it in memory, at both ends;
/// without it the connections of a thread share what they compress with.
struct DeflateOptions {
  bool client_context_takeover{true};  ///< for what clients send
  bool server_context_takeover{true};  ///< for what servers send
  int client_window_bits{15};          ///< for what clients send: how far back it may refer, as a power of two; 8 to 15
  int server_window_bits{15};          ///< for what servers send
  int level{6};                        ///< from 1, fast, to 9, small; what the other end sends is its own choice
  int memory_level{8};                 ///< for compressing, from 1 to 9: more memory is faster and smaller

  bool operator==(const DeflateOptions&) const = default;
};

/// The memory that compression costs a load test for each connection, at most, in bytes: zlib's own formulas (zconf.h) for what is kept
/// between messages.
constexpr std::uint64_t deflate_memory(const DeflateOptions& options) noexcept {
  constexpr std::uint64_t small_objects = 6144;
  const auto power_of_two = [](int bits) { return std::uint64_t{1} << static_cast<unsigned>(bits); };
  const int client_bits = options.client_window_bits < 9 ? 9 : options.client_window_bits;  // zlib compresses with no smaller one
  std::uint64_t bytes = 0;
  if (options.client_context_takeover) bytes += power_of_two(client_bits + 2) + power_of_two(options.memory_level + 9) + small_objects;
  if (options.server_context_takeover) bytes += power_of_two(options.server_window_bits) + small_objects + 1024;
  return bytes;
}

}  // namespace wsbench
