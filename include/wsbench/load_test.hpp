#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/validation.hpp>
#include <wsbench/run/workers.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/scenarios.hpp>

namespace wsbench {

/// A load test under way; its destructor stops it and waits.
class Run {
 public:
  /// A report of everything so far.
  Report snapshot() const { return workers_->report(); }
  /// Since the start.
  std::chrono::nanoseconds elapsed() const { return workers_->elapsed(); }
  /// Ends the load now: what is in flight stays so, the report says interrupted. May be called from any thread.
  void stop() { workers_->stop(); }
  /// Waits up to `time`; returns whether the run has ended.
  bool wait_for(std::chrono::nanoseconds time) const { return workers_->wait_for(time); }
  /// Waits for the end and returns the report; throws what a worker threw.
  Report wait() {
    workers_->join();
    return workers_->report();
  }

 private:
  friend class LoadTest;
  explicit Run(std::unique_ptr<detail::Workers> workers) : workers_(std::move(workers)) {}

  std::unique_ptr<detail::Workers> workers_;
};

/// Puts a scenario's load on a WebSocket server and reports what came of it.
///
/// Installs no signal handler and changes no limit of the process.
class LoadTest {
 public:
  /// A test of one server.
  LoadTest(std::string url, Scenario scenario, Options options = {})
      : LoadTest(std::vector<std::string>{std::move(url)}, std::move(scenario), std::move(options)) {}

  /// A test of several servers; the clients are dealt to them in turn.
  LoadTest(std::vector<std::string> urls, Scenario scenario, Options options = {})
      : urls_(std::move(urls)), scenario_(resolved(std::move(scenario), echo())), options_(std::move(options)) {}

  /// Throws Error, naming the member, if this cannot be run; opens no socket.
  void validate() const { detail::validate(urls_, scenario_, options_); }

  /// Runs it to its end. Throws Error as `validate()` does.
  Report run() const { return start().wait(); }

  /// Starts it and returns. Throws Error as `validate()` does.
  Run start() const {
    validate();
    return Run{std::make_unique<detail::Workers>(urls_, scenario_, options_)};
  }

 private:
  std::vector<std::string> urls_;
  Scenario scenario_;
  Options options_;
};

}  // namespace wsbench
