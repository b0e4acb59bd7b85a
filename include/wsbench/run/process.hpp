#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

#include <asio/version.hpp>

#include <wsbench/report.hpp>
#include <wsbench/version.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <dirent.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#endif
#if defined(__linux__)
#include <sched.h>

#include <cstdio>
#endif

namespace wsbench::detail {

/// Descriptors that a worker opens beside its connections: the event loop's, and one in reserve for looking up names.
inline constexpr std::uint64_t files_per_worker = 8;

#if defined(__unix__) || defined(__APPLE__)

/// How many descriptors this process may have open.
inline std::uint64_t open_file_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::numeric_limits<std::uint64_t>::max();
  return limit.rlim_cur;
}

/// How many it has open now; where that cannot be read, the three that everyone has.
inline std::uint64_t open_files() noexcept {
  DIR* const listing = ::opendir("/proc/self/fd");
  if (listing == nullptr) return 3;
  std::uint64_t count = 0;
  while (::readdir(listing) != nullptr) ++count;
  ::closedir(listing);
  return count > 3 ? count - 3 : 0;  // without ".", ".." and the listing's own
}

/// User and system time of the calling thread.
inline std::chrono::nanoseconds thread_cpu_time() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// The largest resident set this process has had, in KiB.
inline std::uint64_t max_rss_kib() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<std::uint64_t>(usage.ru_maxrss) / 1024;
#else
  return static_cast<std::uint64_t>(usage.ru_maxrss);
#endif
}

inline void describe_system(Environment& environment) {
  utsname system{};
  if (::uname(&system) != 0) return;
  environment.host = system.nodename;
  environment.system = std::string(system.sysname) + ' ' + system.release + ' ' + system.machine;
}

#else

inline std::uint64_t open_file_limit() noexcept {
  return std::numeric_limits<std::uint64_t>::max();
}
inline std::uint64_t open_files() noexcept {
  return 3;
}
inline std::chrono::nanoseconds thread_cpu_time() noexcept {
  return std::chrono::nanoseconds{0};
}
inline std::uint64_t max_rss_kib() noexcept {
  return 0;
}
inline void describe_system(Environment&) {}

#endif

/// What became of a thread's time so far.
struct ThreadTime {
  std::chrono::nanoseconds running{0};  ///< on a processor
  std::chrono::nanoseconds waiting{0};  ///< for one; 0 where the system does not tell
};

/// What became of the calling thread's time.
inline ThreadTime thread_time() noexcept {
  ThreadTime time{thread_cpu_time(), std::chrono::nanoseconds{0}};
#if defined(__linux__)
  // "running waiting slices", in nanoseconds (the kernel's Documentation/scheduler/sched-stats.rst).
  std::FILE* const file = std::fopen("/proc/thread-self/schedstat", "re");
  if (file == nullptr) return time;
  long long running = 0;
  long long waiting = 0;
  if (std::fscanf(file, "%lld %lld", &running, &waiting) == 2) time.waiting = std::chrono::nanoseconds{waiting};
  std::fclose(file);
#endif
  return time;
}

/// The processors that this process may use.
inline std::uint64_t usable_cores() noexcept {
#if defined(__linux__)
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0) return static_cast<std::uint64_t>(CPU_COUNT(&cores));
#endif
  return std::thread::hardware_concurrency();
}

/// Where this is.
inline Environment this_environment() {
  Environment environment;
  describe_system(environment);
  environment.cores = usable_cores();
#if defined(__clang__)
  environment.compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
  environment.compiler = "g++ " __VERSION__;
#endif
  environment.asio_version =
      std::to_string(ASIO_VERSION / 100000) + '.' + std::to_string(ASIO_VERSION / 100 % 1000) + '.' + std::to_string(ASIO_VERSION % 100);
  environment.wsbench_version = version;
  return environment;
}

}  // namespace wsbench::detail
