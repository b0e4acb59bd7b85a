#pragma once

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <stdexcept>

namespace bench {

/// CPU time of this process, all its threads.
struct CpuTime {
  std::chrono::nanoseconds user{0};
  std::chrono::nanoseconds system{0};

  /// So far.
  static CpuTime now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {since_zero(usage.ru_utime), since_zero(usage.ru_stime)};
  }

  std::chrono::nanoseconds total() const noexcept { return user + system; }
  CpuTime operator-(const CpuTime& earlier) const noexcept { return {user - earlier.user, system - earlier.system}; }

 private:
  static std::chrono::nanoseconds since_zero(const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
  }
};

/// The CPU time, user and system, that another process has used so far.
inline std::chrono::nanoseconds cpu_time_of(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    throw std::runtime_error("no CPU clock of a process");
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace bench
