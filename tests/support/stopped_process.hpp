#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace support {

/// Stops a child process for a time, as a debugger or a full machine does; returns how long it stood still, to within a few system calls.
inline std::chrono::nanoseconds stop_process(pid_t child, std::chrono::nanoseconds time) {
  const auto require = [](bool done, const char* what) {
    if (!done) throw std::system_error(errno, std::generic_category(), what);
  };
  require(::kill(child, SIGSTOP) == 0, "SIGSTOP");
  int status = 0;
  require(::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "waiting for a process to stop");
  const auto stopped = std::chrono::steady_clock::now();
  std::this_thread::sleep_until(stopped + time);
  const auto ended = std::chrono::steady_clock::now();
  require(::kill(child, SIGCONT) == 0, "SIGCONT");
  return ended - stopped;
}

}  // namespace support
