#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace bench {

/// One end of a socket pair between two processes that are the same program: values cross it as they are.
class Channel {
 public:
  Channel() = default;
  explicit Channel(int descriptor) noexcept : descriptor_(descriptor) {}
  Channel(Channel&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Channel& operator=(Channel&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Channel() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Sends a value; throws if nobody is there.
  template <class Value>
  void put(const Value& value) const {
    static_assert(std::is_trivially_copyable_v<Value>);
    if (::send(descriptor_, &value, sizeof value, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof value)) {
      throw std::system_error(errno, std::system_category(), "sending to the other process");
    }
  }

  /// Waits for a value; false if the other process ended instead.
  template <class Value>
  bool get(Value& value) const {
    static_assert(std::is_trivially_copyable_v<Value>);
    ssize_t got = 0;
    do {
      got = ::recv(descriptor_, &value, sizeof value, MSG_WAITALL);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof value);
  }

 private:
  int descriptor_{-1};
};

/// A function that runs in a process of its own, so that its CPU time and its memory are nobody else's; killed with its parent, with this
/// object, and after `seconds`.
class ChildProcess {
 public:
  /// Forks: to be called while this process has one thread. `run(channel)` runs in the child; what it throws is printed there.
  template <class Run>
  ChildProcess(const char* name, unsigned seconds, Run&& run) : ChildProcess(name) {
    if (id_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, name);  // how a profiler tells the processes apart
    ::alarm(seconds);
    int status = EXIT_SUCCESS;
    try {
      run(channel_);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", name, error.what());
      status = EXIT_FAILURE;
    }
    ::_exit(status);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }

  pid_t id() const noexcept { return id_; }

  /// The value that the child sends next; throws if it ended without.
  template <class Value>
  Value get() const {
    Value value{};
    if (!channel_.get(value)) throw std::runtime_error("the process \"" + name_ + "\" ended before it had a result");
    return value;
  }
  /// Sends the child a value.
  template <class Value>
  void put(const Value& value) const {
    channel_.put(value);
  }

 private:
  explicit ChildProcess(const char* name) : name_(name) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::system_error(errno, std::system_category(), "socketpair");
    Channel parent_end(ends[0]);
    Channel child_end(ends[1]);
    std::fflush(nullptr);  // or the child would print again what waits here
    id_ = ::fork();
    if (id_ < 0) throw std::system_error(errno, std::system_category(), "fork");
    channel_ = std::move(id_ == 0 ? child_end : parent_end);
  }

  std::string name_;
  Channel channel_{};
  pid_t id_{-1};
};

}  // namespace bench
