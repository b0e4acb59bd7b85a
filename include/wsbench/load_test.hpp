#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/compilation.hpp>
#include <wsbench/report.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/scenarios.hpp>

namespace wsbench {

namespace detail {
class Workers;
}

/// A load test under way; its destructor stops it and waits.
class Run {
 public:
  Run(Run&& other) noexcept;
  Run& operator=(Run&& other) noexcept;
  ~Run();

  /// A report of everything so far.
  Report snapshot() const;
  /// Since the start.
  std::chrono::nanoseconds elapsed() const;
  /// Ends the load now: what is in flight stays so, the report says interrupted. May be called from any thread.
  void stop();
  /// Waits up to `time`; returns whether the run has ended.
  bool wait_for(std::chrono::nanoseconds time) const;
  /// Waits for the end and returns the report; throws what a worker threw.
  Report wait();

 private:
  friend class LoadTest;
  explicit Run(std::unique_ptr<detail::Workers> workers);

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
  void validate() const;

  /// Runs it to its end. Throws Error as `validate()` does.
  Report run() const;

  /// Starts it and returns. Throws Error as `validate()` does.
  Run start() const;

 private:
  std::vector<std::string> urls_;
  Scenario scenario_;
  Options options_;
};

}  // namespace wsbench

#if WSBENCH_ENGINE_IS_HERE

#include <wsbench/run/validation.hpp>
#include <wsbench/run/workers.hpp>

namespace wsbench {

WSBENCH_DEFINITION Run::Run(std::unique_ptr<detail::Workers> workers) : workers_(std::move(workers)) {}
WSBENCH_DEFINITION Run::Run(Run&& other) noexcept = default;
WSBENCH_DEFINITION Run& Run::operator=(Run&& other) noexcept = default;
WSBENCH_DEFINITION Run::~Run() = default;

WSBENCH_DEFINITION Report Run::snapshot() const {
  return workers_->report();
}
WSBENCH_DEFINITION std::chrono::nanoseconds Run::elapsed() const {
  return workers_->elapsed();
}
WSBENCH_DEFINITION void Run::stop() {
  workers_->stop();
}
WSBENCH_DEFINITION bool Run::wait_for(std::chrono::nanoseconds time) const {
  return workers_->wait_for(time);
}
WSBENCH_DEFINITION Report Run::wait() {
  workers_->join();
  return workers_->report();
}

WSBENCH_DEFINITION void LoadTest::validate() const {
  detail::validate(urls_, scenario_, options_);
}
WSBENCH_DEFINITION Report LoadTest::run() const {
  return start().wait();
}
WSBENCH_DEFINITION Run LoadTest::start() const {
  validate();
  return Run{std::make_unique<detail::Workers>(urls_, scenario_, options_)};
}

}  // namespace wsbench

#endif
