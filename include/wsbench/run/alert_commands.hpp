#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/report/monitor_prometheus.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/run/shell_command.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// Runs one command again and again with other facts in its environment, one after the other, on a thread of its own: nobody who gives
/// one waits for it.
class AlertCommands {
 public:
  /// Variables by name and value.
  using Facts = std::vector<std::pair<std::string, std::string>>;

  /// How many may wait; what comes then is dropped, and counted.
  static constexpr std::size_t most_waiting = 64;

  /// `on_trouble` is told in a line, on this thread, of each that did not end well. An empty command is never run.
  AlertCommands(std::string command, std::chrono::nanoseconds timeout, std::function<void(const std::string&)> on_trouble)
      : command_(std::move(command)), timeout_(timeout), on_trouble_(std::move(on_trouble)) {
    if (!command_.empty()) thread_ = std::thread([this] { work(); });
  }
  AlertCommands(const AlertCommands&) = delete;
  AlertCommands& operator=(const AlertCommands&) = delete;
  ~AlertCommands() { finish(std::chrono::nanoseconds{0}); }

  /// Has it run; returns at once.
  void run(Facts facts) {
    if (command_.empty()) return;
    const std::lock_guard lock(mutex_);
    if (closed_ || waiting_.size() >= most_waiting) {
      ++counts_.dropped;
      return;
    }
    waiting_.push_back(std::move(facts));
    changed_.notify_all();
  }

  /// Waits up to `grace` for all that were given; what is left then is killed or dropped. Nothing is run any more.
  void finish(std::chrono::nanoseconds grace) {
    if (!thread_.joinable()) return;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, grace, [this] { return waiting_.empty() && !running_; });
      closed_ = true;
      counts_.dropped += waiting_.size();
      waiting_.clear();
      kill_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  /// What became of them so far; from any thread.
  AlertCommandCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const Facts facts = std::move(waiting_.front());
      waiting_.pop_front();
      running_ = true;
      lock.unlock();
      const auto [outcome, trouble] = run_one(facts);
      if (!trouble.empty() && on_trouble_) on_trouble_(trouble);
      lock.lock();
      ++(counts_.*outcome);
      running_ = false;
      changed_.notify_all();
    }
  }

  struct Outcome {
    std::uint64_t AlertCommandCounts::*counted{};
    std::string trouble{};
  };

  Outcome run_one(const Facts& facts) const {
    std::string trouble;
    try {
      const CommandResult result = run_command({.command = command_, .extra = facts, .timeout = timeout_}, kill_);
      if (result.succeeded()) return {&AlertCommandCounts::succeeded, {}};
      if (result.timed_out) return {&AlertCommandCounts::timed_out, told("was killed after " + exact_duration(timeout_))};
      trouble = result.exit_status ? "ended with " + std::to_string(*result.exit_status) : "was killed";
      if (const std::string_view said = first_line(result.errors); !said.empty()) trouble += ": " + printable(in_one_line(said, 200));
    } catch (const std::exception& error) {
      trouble = std::string("could not be run: ") + error.what();
    }
    return {&AlertCommandCounts::failed, told(trouble)};
  }

  static std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }
  std::string told(const std::string& trouble) const { return "the alert's command " + printable(in_quotes(command_)) + ' ' + trouble; }

  std::string command_;
  std::chrono::nanoseconds timeout_;
  std::function<void(const std::string&)> on_trouble_;
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Facts> waiting_{};
  AlertCommandCounts counts_{};
  bool running_{false};
  bool closed_{false};
  std::atomic<bool> kill_{false};
  std::thread thread_{};
};

}  // namespace wsbench::detail
