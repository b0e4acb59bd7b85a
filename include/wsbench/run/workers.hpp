#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <wsbench/net/compression.hpp>
#include <wsbench/net/tls_context.hpp>
#include <wsbench/report.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/probing.hpp>
#include <wsbench/run/process.hpp>
#include <wsbench/run/worker.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench::detail {

/// The workers of one run and their threads; they share nothing, and are asked for what they measured.
class Workers {
 public:
  /// Starts a validated run.
  Workers(std::vector<std::string> urls, Scenario scenario, Options options)
      : urls_(std::move(urls)),
        scenario_(std::move(scenario)),
        options_(std::move(options)),
        probing_(options_),
        fan_out_(options_.workers, scenario_.timeout) {
    for (std::uint64_t index = 0; index < options_.workers; ++index) {
      crew_.push_back(std::make_unique<Member>(index, urls_, scenario_, options_));
    }
    started_at_ = std::chrono::system_clock::now();
    origin_ = std::chrono::steady_clock::now();
    probing_.load_started(origin_);
    for (const auto& member : crew_) member->thread = std::thread([this, &member = *member] { work(member); });
    // Whose publications have reached whom is put together as it goes: it would be too much for the end.
    if (options_.on_snapshot || options_.abort_on_fail || crew_.size() > 1) observer_ = std::thread([this] { observe(); });
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop();
    for (const auto& member : crew_) member->thread.join();
    if (observer_.joinable()) observer_.join();
  }

  std::chrono::nanoseconds elapsed() const { return std::chrono::steady_clock::now() - origin_; }

  void stop() {
    const std::lock_guard lock(mutex_);
    end_now();
  }

  /// Waits for the end of the load and the last readings of the probes.
  bool wait_for(std::chrono::nanoseconds time) const {
    constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 366};
    const auto deadline = std::chrono::steady_clock::now() + std::min(time, longest);
    return load_over_within(time) && probing_.wait_until(deadline);
  }

  /// Waits for the end; throws what a worker or `on_snapshot` threw.
  void join() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return all_ended(); });
    }
    probing_.wait_until(std::chrono::steady_clock::time_point::max());
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !observer_.joinable() || observed_; });
    if (thrown_) std::rethrow_exception(thrown_);
  }

  /// A report of everything so far; not from a worker's own thread.
  Report report() const {
    RunRecord record;
    record.scenario = scenario_.name;
    record.commit = options_.commit;
    record.started_at = started_at_;
    record.configuration = configuration();
    record.environment = this_environment();
    record.duration = std::chrono::nanoseconds{0};
    const bool running = !load_over_within(std::chrono::nanoseconds{0});
    for (const Part& part : scenario_.behaviour.parts()) record.parts.push_back({part.name, {}});
    record.targets = targets();
    for (std::size_t index = 0; index < crew_.size(); ++index) {
      WorkerResult result = result_of(*crew_[index]);
      take_fan_out(index, std::move(result.fan_out));
      record.metrics.merge(result.metrics);
      for (std::size_t part = 0; part < record.parts.size(); ++part) record.parts[part].metrics.merge(result.parts[part]);
      for (std::size_t target = 0; target < result.targets.size(); ++target) {
        record_of(urls_[target], record.targets).metrics.merge(result.targets[target]);
      }
      record.warm_up.merge(result.warm_up.messages());
      record.warm_up_not_sent += result.warm_up.not_sent;
      add_effort(record.generator, result.effort);
      record.duration = std::max(record.duration, result.last_outcome);
    }
    record.metrics.fan_out.merge(joined_fan_out());
    if (running) record.duration = elapsed();
    record.generator.max_rss_kib = running ? max_rss_kib() : max_rss_kib_at_end_;
    record.generator.kernel_stamps = record.metrics.stamped_reads > 0;
    record.probes = probing_.records();
    {
      const std::lock_guard lock(mutex_);
      record.ended_early_by = ended_early_by_;
      record.interrupted = interrupted_ && ended_early_by_.empty();
    }
    return Report(std::move(record), scenario_.expect);
  }

 private:
  bool load_over_within(std::chrono::nanoseconds time) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return all_ended(); });
  }

  // Where there are several; one that was given twice, to get more of the clients, is one.
  std::vector<PartRecord> targets() const {
    std::vector<PartRecord> targets;
    if (urls_.size() > 1) {
      for (const std::string& url : urls_) record_of(url, targets);
    }
    return targets;
  }
  static PartRecord& record_of(const std::string& name, std::vector<PartRecord>& records) {
    const auto found = std::find_if(records.begin(), records.end(), [&](const PartRecord& record) { return record.name == name; });
    return found != records.end() ? *found : records.emplace_back(PartRecord{name, {}});
  }

  void take_fan_out(std::size_t worker, FanOutShare share) const {
    const std::lock_guard lock(fan_out_mutex_);
    fan_out_.add(worker, std::move(share));
  }
  // Publications that every worker has told its part of are in the figures.
  FanOutMetrics joined_fan_out() const {
    const std::lock_guard lock(fan_out_mutex_);
    if (options_.workers > 1) fan_out_.settle();
    return fan_out_.metrics();
  }

  static void add_effort(GeneratorFigures& generator, const WorkerEffort& effort) {
    const auto share = [](auto part, auto whole) { return static_cast<double>(part) / static_cast<double>(whole); };
    generator.cpu_time += effort.cpu_time;
    if (effort.watched.count() > 0) {
      generator.busy = std::max(generator.busy.value_or(0), std::min(share(effort.busy.count(), effort.watched.count()), 1.0));
    }
    if (effort.seconds > 0) generator.overloaded = std::max(generator.overloaded, share(effort.overloaded_seconds, effort.seconds));
  }

  struct Member {
    Member(std::uint64_t index, const std::vector<std::string>& urls, const Scenario& scenario, const Options& options)
        : worker(index, urls, scenario, options) {}

    Worker worker;
    std::thread thread{};
    bool ended{false};
  };

  // Once a second, and once more at the end.
  void observe() {
    try {
      for (bool ended = false; !ended;) {
        ended = wait_for(std::chrono::seconds{1});
        if (options_.on_snapshot || options_.abort_on_fail) {
          const Report so_far = report();
          if (options_.on_snapshot) options_.on_snapshot(so_far);
          if (!ended) end_if_lost(so_far);
        }
        if (!ended) collect_fan_out();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!thrown_) thrown_ = std::current_exception();
      end_now();
    }
    const std::lock_guard lock(mutex_);
    observed_ = true;
    changed_.notify_all();
  }

  // Ends the run where it is late enough and an expectation is missed.
  void end_if_lost(const Report& so_far) {
    if (!options_.abort_on_fail || so_far.record().duration < *options_.abort_on_fail) return;
    for (const ExpectationResult& expectation : so_far.expectations()) {
      if (expectation.met || !expectation.actual) continue;
      const std::lock_guard lock(mutex_);
      if (interrupted_ || all_ended()) return;
      ended_early_by_ = expectation.text;
      return interrupt();
    }
  }

  void collect_fan_out() {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < crew_.size(); ++index) {
      if (crew_[index]->ended) continue;
      crew_[index]->worker.ask_fan_out([this, index](FanOutShare share) { take_fan_out(index, std::move(share)); });
    }
    joined_fan_out();
  }

  void work(Member& member) {
    std::exception_ptr thrown;
    try {
      member.worker.run(origin_);
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    member.ended = true;
    if (all_ended()) {
      max_rss_kib_at_end_ = max_rss_kib();
      interrupted_ ? probing_.stop() : probing_.load_ended();
    }
    if (thrown && !thrown_) {
      thrown_ = thrown;
      interrupt();
    }
    changed_.notify_all();
  }

  void end_now() { all_ended() ? probing_.stop() : interrupt(); }

  void interrupt() {
    interrupted_ = true;
    for (const auto& member : crew_) member->worker.stop();
  }

  bool all_ended() const {
    return std::all_of(crew_.begin(), crew_.end(), [](const auto& member) { return member->ended; });
  }

  WorkerResult result_of(Member& member) const {
    const auto answer = std::make_shared<std::optional<WorkerResult>>();
    std::unique_lock lock(mutex_);
    if (!member.ended) {
      member.worker.ask([this, answer](WorkerResult result) {
        const std::lock_guard answering(mutex_);
        *answer = std::move(result);
        changed_.notify_all();
      });
    }
    changed_.wait(lock, [&] { return answer->has_value() || member.ended; });
    return *answer ? std::move(**answer) : member.worker.result();
  }

  Configuration configuration() const {
    Configuration configuration;
    configuration.urls = urls_;
    configuration.population = scenario_.clients;
    configuration.clients = static_cast<std::uint64_t>(scenario_.clients.clients());
    configuration.ramp_up = scenario_.ramp_up;
    configuration.messages = scenario_.messages;
    configuration.duration = scenario_.duration;
    configuration.warm_up = scenario_.warm_up;
    configuration.pace = scenario_.pace;
    configuration.in_flight = scenario_.in_flight;
    configuration.timeout = scenario_.timeout;
    configuration.connect_timeout = options_.connect_timeout;
    configuration.reconnect_attempts = options_.reconnect_attempts;
    configuration.reconnect_delay = options_.reconnect_delay;
    configuration.reconnect_delay_max = options_.reconnect_delay_max;
    configuration.ping_every = options_.ping_every;
    configuration.ping_timeout = options_.ping_timeout;
    configuration.behaviour = scenario_.behaviour.name();
    configuration.insecure = options_.tls != nullptr && !options_.tls->verifies();
    if (options_.deflate != nullptr) configuration.deflate = options_.deflate->options();
    configuration.fragment_size = options_.fragment_size;
    configuration.connect_rate = options_.connect_rate;
    configuration.workers = options_.workers;
    configuration.seed = options_.seed;
    return configuration;
  }

  std::vector<std::string> urls_;
  Scenario scenario_;
  Options options_;
  Probing probing_;
  std::chrono::system_clock::time_point started_at_{};
  EventLoop::TimePoint origin_{};
  std::atomic<bool> interrupted_{false};
  mutable std::mutex mutex_{};
  mutable std::condition_variable changed_{};
  std::exception_ptr thrown_{};
  std::string ended_early_by_{};
  std::uint64_t max_rss_kib_at_end_{0};
  mutable std::mutex fan_out_mutex_{};
  mutable FanOutJoin fan_out_;
  std::vector<std::unique_ptr<Member>> crew_{};
  bool observed_{false};
  std::thread observer_{};
};

}  // namespace wsbench::detail
