#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/random.hpp>

/// What a fuzz target defines; libFuzzer calls it with inputs it makes up, the replay with those of the corpus.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace support {

/// The input as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program, naming the rule, where an input broke it.
inline void demand(bool holds, std::string_view rule) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(rule.size()), rule.data());
  std::abort();
}

/// Whether people can be shown the text in a line.
inline bool is_one_line(std::string_view text) noexcept {
  for (const char letter : text) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') return false;
  }
  return !text.empty();
}

/// Calls `read`, which may refuse what it reads, with an Error of one line; returns whether it took it.
template <class Read>
bool accepted(Read read) {
  try {
    read();
    return true;
  } catch (const wsbench::Error& error) {
    demand(is_one_line(error.what()), "an error is one line");
    return false;
  }
}

/// A number made of all bytes (FNV-1a), so that what is drawn for an input is always the same.
inline std::uint64_t seed_of(std::string_view bytes) noexcept {
  std::uint64_t seed = 0xcbf29ce484222325U;
  for (const char byte : bytes) seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return seed;
}

/// How the same bytes may arrive: in one piece, byte by byte, and cut at places drawn from `seed`.
inline std::vector<std::vector<std::string_view>> deliveries(std::string_view bytes, std::uint64_t seed) {
  std::vector<std::vector<std::string_view>> all(3);
  all[0].push_back(bytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) all[1].push_back(bytes.substr(at, 1));
  wsbench::Random random{seed};
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t longest = random() % 4 == 0 ? bytes.size() : 16;
    all[2].push_back(bytes.substr(at, 1 + random() % longest));
    at += all[2].back().size();
  }
  return all;
}

}  // namespace support
