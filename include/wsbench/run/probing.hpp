#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <wsbench/probe.hpp>
#include <wsbench/report.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// Reads the probes of one run, each on a thread of its own, so that one that hangs delays neither the load nor another.
///
/// First before the load, then at each multiple of `Options::probe_every` since its start (one that a reading was still under way at is
/// left out), and last when it has ended or, if given, `Options::probe_after` later. Whoever does not come back from the last reading
/// within an interval, or the timeout if that is shorter, is left behind.
class Probing {
 public:
  using Clock = std::chrono::steady_clock;

  /// Takes a first reading of each, and waits for them; for one that hangs for no longer than an interval, or the timeout.
  explicit Probing(const Options& options) : state_(std::make_shared<State>()) {
    state_->every = options.probe_every;
    state_->timeout = options.probe_timeout;
    state_->after = options.probe_after;
    for (const Probe& probe : options.probes) {
      state_->watches.push_back(std::make_unique<Watch>(probe));
      for (const ProbeFigure& figure : probe.figures()) {
        state_->watches.back()->records.push_back({.name = figure.name, .unit = figure.unit, .source = {}, .series = {}});
      }
    }
    for (const auto& watch : state_->watches) threads_.emplace_back([state = state_, &watch = *watch] { follow(*state, watch); });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, state_->patience(), [&] { return state_->all([](const Watch& watch) { return watch.read_before; }); });
  }
  Probing(const Probing&) = delete;
  Probing& operator=(const Probing&) = delete;
  ~Probing() {
    stop();
    {
      std::unique_lock lock(state_->mutex);
      state_->abandon(Clock::now());
      state_->changed.wait_until(lock, *state_->given_up, [&] { return state_->all_ended(); });
      for (std::size_t index = 0; index < threads_.size(); ++index) {
        if (!state_->watches[index]->ended) threads_[index].detach();
      }
    }
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  /// The load starts now.
  void load_started(Clock::time_point now) {
    const std::lock_guard lock(state_->mutex);
    state_->origin = now;
    state_->changed.notify_all();
  }

  /// The load has ended.
  void load_ended() { end_at(Clock::now() + state_->after); }

  /// There is to be a last reading now.
  void stop() { end_at(Clock::now()); }

  /// Waits until everybody has taken the last reading, or is left behind; returns whether that is so.
  bool wait_until(Clock::time_point deadline) const {
    std::unique_lock lock(state_->mutex);
    while (!state_->all_ended()) {
      const Clock::time_point now = Clock::now();
      Clock::time_point next = deadline;
      if (state_->end) {
        const Clock::time_point enough = *state_->end + state_->patience();
        if (now >= enough) state_->abandon(now);
        if (state_->given_up && now >= *state_->given_up) return true;
        next = std::min(next, state_->given_up.value_or(enough));
      }
      if (now >= deadline) return false;
      state_->changed.wait_until(lock, next);
    }
    return true;
  }

  /// What was read so far.
  std::vector<ProbeRecord> records() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<ProbeRecord> all;
    const Clock::time_point now = Clock::now();
    for (const auto& watch : state_->watches) {
      std::vector<ProbeRecord> records = watch->records;
      if (watch->reading_since) {
        const std::chrono::nanoseconds at = state_->on_axis(*watch->reading_since);
        for (ProbeRecord& record : records) {
          if (now - *watch->reading_since > state_->timeout) {
            record.series.failed(at, "did not return within " + exact_duration(state_->timeout));
          } else if (state_->abandoned) {
            left_behind(record.series, at);
          }
        }
      }
      std::move(records.begin(), records.end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  // A command that is killed needs a moment to be gone.
  static constexpr std::chrono::milliseconds time_to_die{500};

  struct Watch {
    explicit Watch(Probe watched) : probe(std::move(watched)) {}

    const Probe probe;
    std::vector<ProbeRecord> records{};
    std::optional<Clock::time_point> reading_since{};
    bool read_before{false};  // the load started
    bool ended{false};
  };

  // What the threads share with whoever may be gone before them.
  struct State {
    mutable std::mutex mutex{};
    mutable std::condition_variable changed{};
    std::chrono::nanoseconds every{0};
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds after{0};
    std::optional<Clock::time_point> origin{};
    std::optional<Clock::time_point> end{};       // when the last reading is due
    std::atomic<bool> abandoned{false};           // nobody wants another reading: a command is killed then
    std::optional<Clock::time_point> given_up{};  // when nobody waits for who has not ended by then
    std::vector<std::unique_ptr<Watch>> watches{};

    std::chrono::nanoseconds patience() const { return std::min(every, timeout); }
    std::chrono::nanoseconds on_axis(Clock::time_point at) const { return origin ? at - *origin : std::chrono::nanoseconds{0}; }
    void abandon(Clock::time_point now) {
      if (!abandoned.exchange(true)) given_up = now + time_to_die;
      changed.notify_all();
    }
    bool all(auto holds) const {
      return std::all_of(watches.begin(), watches.end(), [&](const auto& watch) { return holds(*watch); });
    }
    bool all_ended() const {
      return all([](const Watch& watch) { return watch.ended; });
    }
  };

  void end_at(Clock::time_point when) {
    const std::lock_guard lock(state_->mutex);
    state_->end = state_->end ? std::min(*state_->end, when) : when;
    state_->changed.notify_all();
  }

  // The life of a watch, on its thread.
  static void follow(State& state, Watch& watch) {
    std::unique_lock lock(state.mutex);
    std::unique_ptr<ProbeReader> reader;
    read(state, watch, reader, lock);
    watch.read_before = true;
    state.changed.notify_all();
    state.changed.wait(lock, [&] { return state.origin || state.end || state.abandoned; });
    for (Clock::time_point due = state.origin.value_or(Clock::now()); !state.abandoned;) {
      due += state.every;
      if (const auto late = Clock::now() - due; late.count() >= 0) due += (late / state.every + 1) * state.every;
      const auto next = [&] { return state.end ? std::min(*state.end, due) : due; };
      while (!state.abandoned && Clock::now() < next()) state.changed.wait_until(lock, next());
      if (state.abandoned) break;
      const bool last = state.end && *state.end <= due;
      read(state, watch, reader, lock);
      if (last) break;
    }
    watch.ended = true;
    state.changed.notify_all();
  }

  static void read(State& state, Watch& watch, std::unique_ptr<ProbeReader>& reader, std::unique_lock<std::mutex>& lock) {
    const Clock::time_point begin = Clock::now();
    watch.reading_since = begin;
    lock.unlock();
    std::vector<ProbeReading> readings;
    std::string problem;
    try {
      if (!reader) reader = watch.probe.open();
      readings = reader->read(state.timeout, state.abandoned);
    } catch (const std::exception& error) {
      problem = error.what();
    } catch (...) {
      problem = "threw what is no std::exception";
    }
    const std::chrono::nanoseconds took = Clock::now() - begin;
    lock.lock();
    watch.reading_since.reset();
    if (state.abandoned) {
      for (ProbeRecord& record : watch.records) left_behind(record.series, state.on_axis(begin));
      return;
    }
    // Nobody knows which moment so late a number is of; a command was killed then, and says so itself.
    if (problem.empty() && took > state.timeout) problem = "took longer than " + exact_duration(state.timeout);
    for (std::size_t index = 0; index < watch.records.size(); ++index) {
      take(watch.records[index].series, state.on_axis(begin),
           !problem.empty() || index >= readings.size() ? ProbeReading(problem.empty() ? "gave no reading" : problem) : readings[index]);
    }
  }

  // Only who has nothing else to tell says that the run ended first.
  static void left_behind(ProbeSeries& series, std::chrono::nanoseconds at) {
    if (series.samples() + series.failures() == 0) series.failed(at, "had not ended when the run did");
  }

  static void take(ProbeSeries& series, std::chrono::nanoseconds at, const ProbeReading& reading) {
    if (const double* const value = std::get_if<double>(&reading)) series.read(at, *value);
    if (const std::string* const problem = std::get_if<std::string>(&reading)) series.failed(at, *problem);
  }

  std::shared_ptr<State> state_;
  std::vector<std::thread> threads_{};
};

}  // namespace wsbench::detail
