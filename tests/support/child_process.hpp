#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// A child process with its standard input and output on pipes (its errors go where the test's go).
///
/// It leads a process group that the destructor kills; the kernel kills it if the thread that started it ends first.
class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  /// Starts `command`, its program looked up in PATH, with `environment` ("NAME=value") added to the test's; throws if it cannot.
  explicit ChildProcess(const std::vector<std::string>& command, const std::vector<std::string>& environment = {}) {
    Pipe input, output, failure;
    // All that allocates is done before the fork: between fork and exec only async-signal-safe calls are allowed.
    std::vector<std::string> variables = inherited_without(environment);
    variables.insert(variables.end(), environment.begin(), environment.end());
    std::vector<std::string> arguments = command;
    const std::vector<char*> argv = pointers_to(arguments);
    const std::vector<char*> envp = pointers_to(variables);
    const pid_t parent = ::getpid();

    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() == parent && ::dup2(input.read_end.get(), 0) >= 0 && ::dup2(output.write_end.get(), 1) >= 0) {
        ::execvpe(argv[0], argv.data(), envp.data());
      }
      const int error = errno;
      [[maybe_unused]] const ssize_t told = ::write(failure.write_end.get(), &error, sizeof error);
      ::_exit(127);
    }
    ::setpgid(pid_, pid_);  // here too, so that the group exists before the destructor can want it

    failure.write_end.close();
    int error = 0;
    if (::read(failure.read_end.get(), &error, sizeof error) > 0) {
      ::waitpid(pid_, nullptr, 0);
      throw std::system_error(error, std::generic_category(), "cannot start " + command.front());
    }
    input_ = std::move(input.write_end);
    output_ = std::move(output.read_end);
  }

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  ~ChildProcess() {
    ::kill(-pid_, SIGKILL);
    if (!status_) ::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const noexcept { return pid_; }

  /// The next line of its output, without the line's end; nothing if none came in time or the output ended.
  std::optional<std::string> read_line(std::chrono::nanoseconds within) {
    const Clock::time_point deadline = Clock::now() + within;
    for (;;) {
      if (const std::size_t end = unread_.find('\n'); end != unread_.npos) {
        std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        return line;
      }
      if (!read_more(deadline)) return std::nullopt;
    }
  }

  /// What is left of its output; nothing if it did not end in time.
  std::optional<std::string> read_to_end(std::chrono::nanoseconds within) {
    const Clock::time_point deadline = Clock::now() + within;
    while (read_more(deadline)) {
    }
    if (!ended_) return std::nullopt;
    return std::exchange(unread_, {});
  }

  /// Writes a line to its input; throws if it reads no more.
  void write_line(std::string_view line) {
    std::string rest = std::string(line) + '\n';
    IgnoredBrokenPipe ignored;
    while (!rest.empty()) {
      const ssize_t written = ::write(input_.get(), rest.data(), rest.size());
      if (written < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "writing to a child process");
      if (written > 0) rest.erase(0, static_cast<std::size_t>(written));
    }
  }

  /// Ends its input.
  void close_input() { input_.close(); }

  /// Its exit code, or 128 and the signal that ended it; nothing if it did not end in time.
  std::optional<int> wait(std::chrono::nanoseconds within) {
    const Clock::time_point deadline = Clock::now() + within;
    while (!status_) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (Clock::now() >= deadline) {
        return std::nullopt;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    }
    return status_;
  }

 private:
  class Descriptor {
   public:
    Descriptor() = default;
    explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
      std::swap(descriptor_, other.descriptor_);
      return *this;
    }
    ~Descriptor() { close(); }

    int get() const noexcept { return descriptor_; }
    void close() noexcept {
      if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

   private:
    int descriptor_{-1};
  };

  struct Pipe {
    Pipe() {
      std::array<int, 2> ends{};
      if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
      read_end = Descriptor(ends[0]);
      write_end = Descriptor(ends[1]);
    }
    Descriptor read_end{};
    Descriptor write_end{};
  };

  // A child that died must fail the test, not end it by a signal.
  class IgnoredBrokenPipe {
   public:
    IgnoredBrokenPipe() {
      struct sigaction ignore {};
      ignore.sa_handler = SIG_IGN;
      ::sigaction(SIGPIPE, &ignore, &before_);
    }
    IgnoredBrokenPipe(const IgnoredBrokenPipe&) = delete;
    IgnoredBrokenPipe& operator=(const IgnoredBrokenPipe&) = delete;
    ~IgnoredBrokenPipe() { ::sigaction(SIGPIPE, &before_, nullptr); }

   private:
    struct sigaction before_ {};
  };

  // getenv() takes the first of two entries of one name.
  static std::vector<std::string> inherited_without(const std::vector<std::string>& replaced) {
    std::vector<std::string> kept;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view variable{*entry};
      const std::string_view name = variable.substr(0, variable.find('=') + 1);
      bool keep = true;
      for (const std::string& other : replaced) keep = keep && !std::string_view(other).starts_with(name);
      if (keep) kept.emplace_back(variable);
    }
    return kept;
  }

  static std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  // Waits for output; false at its end or when time is up.
  bool read_more(Clock::time_point deadline) {
    while (!ended_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      pollfd readable{output_.get(), POLLIN, 0};
      if (::poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      ended_ = count <= 0;
      if (count > 0) {
        unread_.append(buffer.data(), static_cast<std::size_t>(count));
        return true;
      }
    }
    return false;
  }

  pid_t pid_{-1};
  Descriptor input_{};
  Descriptor output_{};
  std::string unread_{};
  std::optional<int> status_{};
  bool ended_{false};
};

}  // namespace support
