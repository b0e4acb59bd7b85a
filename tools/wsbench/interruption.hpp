#pragma once

#include <signal.h>

namespace cli {

/// While it lives, the first SIGINT or SIGTERM asks for an end, and a second one ends the process at once.
///
/// Both wait until `listen()`: threads that are started before it never see them, so that one is handled after the other.
class Interruption {
 public:
  Interruption() {
    struct sigaction action {};
    action.sa_handler = [](int) {
      requested_flag = 1;
      ::signal(SIGINT, SIG_DFL);
      ::signal(SIGTERM, SIG_DFL);
    };
    action.sa_mask = both();
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    const sigset_t signals = both();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption() {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
  }

  /// Lets them come, to this thread.
  void listen() const {
    const sigset_t signals = both();
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }

  static bool requested() noexcept { return requested_flag != 0; }

 private:
  static sigset_t both() {
    sigset_t signals{};
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    return signals;
  }

  inline static volatile sig_atomic_t requested_flag = 0;
};

}  // namespace cli
