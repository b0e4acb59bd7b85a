#pragma once

#include <sched.h>

#include <cerrno>
#include <system_error>

namespace support {

/// Keeps the calling thread, and the threads and processes that it starts meanwhile, to one processor: the last of those it may use.
class PinnedThread {
 public:
  PinnedThread() {
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0) fail("sched_getaffinity");
    int last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &before_)) --last;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity");
  }
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;
  ~PinnedThread() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  static void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

  cpu_set_t before_{};
};

}  // namespace support
