#pragma once

#include <sys/resource.h>

namespace bench {

/// Lets this process, and those it forks, have as many descriptors open as it may.
inline void raise_open_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
