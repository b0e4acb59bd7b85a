#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system's header declares it
#endif

namespace wsbench {

/// A command for /bin/sh, and how long and how loud it may be.
struct ShellCommand {
  std::string command{};                                       ///< as one types it: pipes, quotes and all
  std::vector<std::pair<std::string, std::string>> extra{};    ///< variables added to the environment it inherits, by name and value
  std::chrono::nanoseconds timeout{std::chrono::seconds{10}};  ///< then it is killed, with everything it started; a day at most
  std::size_t output_limit{
      std::size_t{64} << 10U};  ///< bytes kept of what it prints, and as many of its errors; the rest is read and dropped
};

/// What came of a command.
struct CommandResult {
  std::string output{};              ///< what it printed, up to the limit
  std::string errors{};              ///< what it printed as errors, up to the limit
  std::optional<int> exit_status{};  ///< 0 is success; 127 where the shell does not know it; nothing where it was killed
  std::optional<int> signal{};       ///< what killed it; nothing where it ended by itself
  bool timed_out{false};             ///< whether that was for its timeout
  std::chrono::nanoseconds took{0};  ///< until it ended

  /// Whether it ended by itself, and well.
  bool succeeded() const noexcept { return exit_status == 0; }
};

namespace detail {

#if defined(__unix__) || defined(__APPLE__)

/// A descriptor that is closed when it goes, and in every process that is started.
class OwnDescriptor {
 public:
  explicit OwnDescriptor(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  OwnDescriptor(OwnDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  OwnDescriptor& operator=(OwnDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~OwnDescriptor() { close(); }

  int get() const noexcept { return descriptor_; }
  bool open() const noexcept { return descriptor_ >= 0; }
  void close() noexcept {
    if (open()) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_;
};

[[noreturn]] inline void throw_errno(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A pipe whose ends are none of the standard descriptors, even where those are closed.
struct OutputPipe {
  OutputPipe() {
    std::array<int, 2> ends{};
#if defined(__linux__)
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno(errno, "a pipe");
#else
    if (::pipe(ends.data()) != 0) throw_errno(errno, "a pipe");
    for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#endif
    read_end = above_standard(ends[0]);
    write_end = above_standard(ends[1]);
    ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  }

  OwnDescriptor read_end{};
  OwnDescriptor write_end{};

 private:
  static OwnDescriptor above_standard(int descriptor) {
    OwnDescriptor own(descriptor);
    if (descriptor > STDERR_FILENO) return own;
    return OwnDescriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  }
};

/// One command while it runs. Whatever comes, what was started is dead and reaped when this goes.
class RunningCommand {
 public:
  explicit RunningCommand(const ShellCommand& command) : limit_(command.output_limit) {
    start(command);
    output_.write_end.close();
    errors_.write_end.close();
  }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;
  ~RunningCommand() { kill_and_reap(); }

  /// Reads what it prints until it ends; false where it has not by then, or somebody gave the order to stop.
  bool wait(std::chrono::steady_clock::time_point deadline, const std::atomic<bool>& stop) {
    // Most end with their output, which wakes this at once; one whose child keeps the pipe open is seen to have ended at the next look.
    for (auto pause = std::chrono::milliseconds{1}; !ended(); pause = std::min(2 * pause, longest_pause)) {
      if (stop || std::chrono::steady_clock::now() >= deadline) return false;
      if (output_.read_end.open() || errors_.read_end.open()) {
        wait_for_output(pause);
      } else {
        std::this_thread::sleep_for(pause);
      }
      drain();
    }
    return true;
  }

  /// Kills what is left of it, reaps it, and tells what came of it.
  CommandResult finish() {
    drain();
    if (const std::optional<int> status = kill_and_reap()) {
      if (WIFEXITED(*status)) result_.exit_status = WEXITSTATUS(*status);
      if (WIFSIGNALED(*status)) result_.signal = WTERMSIG(*status);
    }
    return std::move(result_);
  }

 private:
  static constexpr std::chrono::milliseconds longest_pause{20};

  struct SpawnActions {
    SpawnActions() { ::posix_spawn_file_actions_init(&actions); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions); }
    posix_spawn_file_actions_t actions{};
  };
  struct SpawnAttributes {
    SpawnAttributes() { ::posix_spawnattr_init(&attributes); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes); }
    posix_spawnattr_t attributes{};
  };

  void start(const ShellCommand& command) {
    SpawnActions files;
    ::posix_spawn_file_actions_adddup2(&files.actions, output_.write_end.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files.actions, errors_.write_end.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addopen(&files.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    // Asio's sockets are not closed in a process that is started: one held there would not end when it is closed here.
    ::posix_spawn_file_actions_addclosefrom_np(&files.actions, STDERR_FILENO + 1);
#endif
    SpawnAttributes how;
    ::posix_spawnattr_setflags(&how.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setpgroup(&how.attributes, 0);
    // What this program blocks or ignores is its own affair.
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&how.attributes, &signals);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&signals, signal);
    ::posix_spawnattr_setsigdefault(&how.attributes, &signals);
    std::vector<std::string> variables = environment(command.extra);
    std::vector<char*> entries;
    entries.reserve(variables.size() + 1);
    for (std::string& variable : variables) entries.push_back(variable.data());
    entries.push_back(nullptr);
    std::array<std::string, 3> words{"sh", "-c", command.command};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    const int error = ::posix_spawn(&pid_, "/bin/sh", &files.actions, &how.attributes, arguments.data(), entries.data());
    if (error != 0) {
      pid_ = -1;
      throw_errno(error, "starting /bin/sh");
    }
  }

  // getenv() takes the first of two entries of one name.
  static std::vector<std::string> environment(const std::vector<std::pair<std::string, std::string>>& extra) {
    std::vector<std::string> variables;
    variables.reserve(extra.size());
    for (const auto& [name, value] : extra) variables.emplace_back(name).append("=").append(value);
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view variable{*entry};
      const auto replaced = [&](const auto& added) { return variable.substr(0, variable.find('=')) == added.first; };
      if (std::none_of(extra.begin(), extra.end(), replaced)) variables.emplace_back(variable);
    }
    return variables;
  }

  // Whether the shell has ended; it stays to be reaped. Where this process reaps no children, nobody can tell: it has ended when it is
  // gone.
  bool ended() const {
    siginfo_t info{};
    const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return looked == 0 ? info.si_pid == pid_ : errno == ECHILD;
  }

  // Its status; nothing where it is reaped already, or this process reaps no children.
  std::optional<int> kill_and_reap() noexcept {
    if (pid_ <= 0) return std::nullopt;
    // The shell is not reaped yet, so that no other group can have its number.
    ::kill(-pid_, SIGKILL);
    const pid_t pid = std::exchange(pid_, -1);
    int status = 0;
    pid_t reaped = 0;
    do reaped = ::waitpid(pid, &status, 0);
    while (reaped < 0 && errno == EINTR);
    return reaped == pid ? std::optional(status) : std::nullopt;
  }

  void wait_for_output(std::chrono::milliseconds pause) const {
    // A negative descriptor is one that poll() passes over.
    std::array<pollfd, 2> ends{{{output_.read_end.get(), POLLIN, 0}, {errors_.read_end.get(), POLLIN, 0}}};
    ::poll(ends.data(), ends.size(), static_cast<int>(pause.count()));
  }

  void drain() {
    drain(output_.read_end, result_.output);
    drain(errors_.read_end, result_.errors);
  }
  // At most so much at a time that one who prints without end does not keep this from looking at the clock.
  void drain(OwnDescriptor& from, std::string& into) const {
    std::array<char, 16'384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is written before it is read
    for (int reads = 0; reads < 16 && from.open(); ++reads) {
      const ssize_t count = ::read(from.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (count <= 0) return from.close();
      into.append(buffer.data(), std::min(static_cast<std::size_t>(count), limit_ - std::min(limit_, into.size())));
    }
  }

  std::size_t limit_;
  OutputPipe output_{};
  OutputPipe errors_{};
  pid_t pid_{-1};
  CommandResult result_{};
};

#endif

}  // namespace detail

#if defined(__unix__) || defined(__APPLE__)

/// Runs a command in a process group of its own and waits for it: at most for its timeout, and not much longer than until `stop` is true.
///
/// It has ended when the shell has: what it left running in its group is killed then, and so is all of it when its time is over. Its input
/// is empty. Throws std::system_error where no process can be started, Error for a command that holds a zero byte.
inline CommandResult run_command(const ShellCommand& command, const std::atomic<bool>& stop) {
  if (command.command.find('\0') != std::string::npos) throw Error("command", "it has a zero byte, which no command can hold");
  const auto begin = std::chrono::steady_clock::now();
  detail::RunningCommand running(command);
  const bool ended = running.wait(begin + std::min<std::chrono::nanoseconds>(command.timeout, std::chrono::hours{24}), stop);
  const bool timed_out = !ended && !stop;
  CommandResult result = running.finish();
  result.timed_out = timed_out;
  result.took = std::chrono::steady_clock::now() - begin;
  return result;
}

/// The same of a command that nobody stops.
inline CommandResult run_command(const ShellCommand& command) {
  const std::atomic<bool> stop{false};
  return run_command(command, stop);
}

#endif

}  // namespace wsbench
