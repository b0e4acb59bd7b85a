#pragma once

#include <cstddef>

namespace wsbench::detail {

/// Has an object's memory fetched while something else is done.
template <class Object>
void prefetch(const Object& object) noexcept {
#if defined(__GNUC__)
  constexpr std::size_t cache_line = 64;
  const char* const begin = reinterpret_cast<const char*>(&object);
  for (std::size_t at = 0; at < sizeof(Object); at += cache_line) __builtin_prefetch(begin + at);
#else
  static_cast<void>(object);
#endif
}

}  // namespace wsbench::detail
