#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/load_test.hpp>
#include <wsbench/report.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench::detail {

/// The time in which a monitor has its rounds, and what a round is; a test may bring one of its own.
class MonitorWorld {
 public:
  MonitorWorld() = default;
  MonitorWorld(const MonitorWorld&) = delete;
  MonitorWorld& operator=(const MonitorWorld&) = delete;
  virtual ~MonitorWorld() = default;

  /// Since the start, by a steady clock.
  virtual std::chrono::nanoseconds now() const = 0;
  /// Returns at that time; false, at once, where it was stopped.
  virtual bool wait_until(std::chrono::nanoseconds time) = 0;
  /// Has one round, and tells `so_far` while it goes; one that was stopped says interrupted.
  virtual std::shared_ptr<const Report> run_round(const std::function<void(const Report&)>& so_far) = 0;
  /// Ends the round that is under way and every wait; from any thread, and from a signal handler.
  virtual void stop() noexcept = 0;
};

/// Rounds that are load tests, by the system's clock.
class LoadTestWorld final : public MonitorWorld {
 public:
  LoadTestWorld(std::vector<std::string> urls, Scenario scenario, Options options)
      : test_(std::move(urls), std::move(scenario), std::move(options)) {}

  const LoadTest& test() const noexcept { return test_; }

  std::chrono::nanoseconds now() const override { return std::chrono::steady_clock::now() - start_; }

  bool wait_until(std::chrono::nanoseconds time) override {
    while (!stopped_) {
      const std::chrono::nanoseconds left = time - now();
      if (left.count() <= 0) return true;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, look_interval));
    }
    return false;
  }

  std::shared_ptr<const Report> run_round(const std::function<void(const Report&)>& so_far) override {
    Run run = test_.start();
    std::chrono::nanoseconds next_look = now();
    for (bool ending = false; !run.wait_for(look_interval);) {
      if (stopped_ && !std::exchange(ending, true)) run.stop();
      if (now() < next_look) continue;
      so_far(run.snapshot());
      next_look = now() + snapshot_interval;
    }
    return std::make_shared<const Report>(run.wait());
  }

  void stop() noexcept override { stopped_ = true; }

 private:
  // How soon a stop is heeded: a flag that is looked at, since a signal handler can do no more than set one.
  static constexpr std::chrono::milliseconds look_interval{50};
  static constexpr std::chrono::milliseconds snapshot_interval{500};

  LoadTest test_;
  std::chrono::steady_clock::time_point start_{std::chrono::steady_clock::now()};
  std::atomic<bool> stopped_{false};
};

}  // namespace wsbench::detail
