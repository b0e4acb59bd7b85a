#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/source_addresses.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/net/web_socket.hpp>
#include <wsbench/run/client.hpp>
#include <wsbench/run/cohort.hpp>
#include <wsbench/run/open_load.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/worker_watch.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/schedule.hpp>

namespace wsbench::detail {

/// What one worker has measured so far.
struct WorkerResult {
  Metrics metrics{};
  std::vector<Metrics> parts{};    ///< of a mix
  std::vector<Metrics> targets{};  ///< of several
  FanOutShare fan_out{};
  Metrics warm_up{};
  std::chrono::nanoseconds last_outcome{0};
  WorkerEffort effort{};
};

/// One thread's event loop and collector, and its share of the clients.
class Worker {
 public:
  /// Serves every visit and every message whose number leaves `index` when divided by the number of workers; `scenario` and `options` have
  /// to outlive it.
  Worker(std::uint64_t index, const std::vector<std::string>& urls, const Scenario& scenario, const Options& options)
      : index_(index),
        random_(options.seed + index),
        messages_(options.max_message_size),
        sources_(options.source_addresses),
        fan_out_(scenario.timeout, scenario.warm_up, options.workers == 1),
        cohort_{scenario, options, collector_, loop_, loop_.deadlines(), [this](std::uint64_t id) { client_finished(id); }},
        dealer_(scenario.behaviour.parts()),
        visits_(scenario.clients, scenario.ramp_up, options.connect_rate) {
    if (options.deflate != nullptr) codecs_ = options.deflate->codecs();
    for (const std::string& url : urls) {
      Target& target = targets_.emplace_back(loop_, parse_url(url), sources_, !options.resolve_each_connect);
      for (const Header& cookie : options.cookies) target.cookies.set(cookie.name, cookie.value);
      for (const Header& header : options.headers) target.headers.emplace_back(header.name, header.value);
      target.subprotocols = options.subprotocols;
      if (target.url.secure) target.tls = options.tls.get();
      if (codecs_ != nullptr) target.deflate = &options.deflate->options();
      target.codecs = codecs_.get();
      target.fragment_size = options.fragment_size;
    }
    if (scenario.warm_up.count() > 0) cohort_.warm_up = &warm_up_;
    if (scenario.pace.open()) {
      const auto clients = static_cast<std::uint64_t>(scenario.clients.clients());
      const std::uint64_t limit =
          scenario.messages > 0 && clients > 0 ? scenario.messages * clients : std::numeric_limits<std::uint64_t>::max();
      open_load_.emplace(loop_, loop_.deadlines(), collector_,
                         MessageSchedule(scenario.pace, index, options.workers, options.seed + index, limit), scenario.duration,
                         scenario.timeout);
      open_load_->on_density([this](bool dense) { loop_.serve_in_rounds(dense); });
      cohort_.open_load = &*open_load_;
      if (cohort_.warm_up != nullptr) open_load_->record_apart(warm_up_, scenario.warm_up);
    }
    cohort_.fan_out = &fan_out_;
    make_groups();
    admission_.worker = this;
    reaper_.worker = this;
    find_next_visit();
  }

  /// Runs until every client is through.
  void run(EventLoop::TimePoint origin) {
    if (next_visit_) {
      loop_.deadlines().arm(admission_, next_visit_->start);
      watch_.start(loop_);
      loop_.run(origin);
    }
    if (open_load_) open_load_->abandon(interrupted_ ? loop_.now() : never);
    watch_.stop(loop_.now());
  }

  /// Ends every client; from any thread.
  void stop() {
    loop_.post([this] {
      interrupted_ = true;
      next_visit_.reset();
      for (const auto& [id, client] : clients_) client->interrupt();
      if (staying_ == 0) loop_.stop();
    });
  }

  /// Has `receive(WorkerResult)` called in the worker's thread, unless that ends before; from any thread.
  template <class Receive>
  void ask(Receive receive) {
    loop_.post([this, receive = std::move(receive)] { receive(result_at(loop_.now(), watch_.effort_until(loop_.now()), false)); });
  }

  /// Has `receive(FanOutShare)` called in the worker's thread with what it has not handed over yet, unless that ends before; from any
  /// thread.
  template <class Receive>
  void ask_fan_out(Receive receive) {
    loop_.post([this, receive = std::move(receive)] {
      if (fan_out_.in_use()) receive(fan_out_.hand_over(loop_.now(), false));
    });
  }

  /// What was measured; after `run()` has returned.
  WorkerResult result() { return result_at(loop_.now(), watch_.effort(), true); }

 private:
  // Lets the clients in whose time has come.
  struct Admission final : Deadline {
    void on_deadline(std::chrono::nanoseconds now) override { worker->admit(now); }
    Worker* worker{nullptr};
  };
  // Clears away the clients that are through, which they cannot do themselves.
  struct Reaper final : Deadline {
    void on_deadline(std::chrono::nanoseconds) override { worker->reap(); }
    Worker* worker{nullptr};
  };

  // The clients of one part of a mix that go to one target.
  struct Group {
    Group(const Cohort& all, const Exchange& exchange_of_all, const Behaviour* behaviour)
        : exchange{exchange_of_all.loop, exchange_of_all.messages, exchange_of_all.random, collector},
          cohort{all.scenario, all.options, collector, all.clock, all.deadlines, all.on_client_finished} {
      cohort.own_behaviour = behaviour;
      cohort.fan_out = all.fan_out;
      cohort.open_load = all.open_load;
      cohort.warm_up = all.warm_up;
    }

    MetricsCollector collector{};
    Exchange exchange;
    Cohort cohort;
  };

  // Where there are neither parts nor targets to tell apart, there is none.
  void make_groups() {
    const std::vector<Part>& parts = cohort_.scenario.behaviour.parts();
    dealt_.resize(std::max<std::size_t>(parts.size(), 1));
    if (parts.empty() && targets_.size() == 1) return;
    for (std::size_t part = 0; part < std::max<std::size_t>(parts.size(), 1); ++part) {
      for (std::size_t target = 0; target < targets_.size(); ++target) {
        groups_.emplace_back(cohort_, exchange_, parts.empty() ? nullptr : &parts[part].behaviour);
      }
    }
  }

  WorkerResult result_at(std::chrono::nanoseconds now, const WorkerEffort& effort, bool final) {
    WorkerResult result;
    result.metrics = collector_.snapshot();
    result.fan_out = fan_out_.hand_over(now, final);
    result.warm_up = warm_up_.snapshot();
    result.last_outcome = cohort_.last_outcome;
    result.effort = effort;
    result.parts.resize(cohort_.scenario.behaviour.parts().size());
    result.targets.resize(targets_.size() > 1 ? targets_.size() : 0);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const Metrics metrics = groups_[i].collector.snapshot();
      result.metrics.merge(metrics);
      if (!result.parts.empty()) result.parts[i / targets_.size()].merge(metrics);
      if (!result.targets.empty()) result.targets[i % targets_.size()].merge(metrics);
      result.last_outcome = std::max(result.last_outcome, groups_[i].cohort.last_outcome);
    }
    result.metrics.fan_out.merge(fan_out_.metrics());
    return result;
  }

  bool mixed() const noexcept { return !cohort_.scenario.behaviour.parts().empty(); }

  void find_next_visit() {
    const Scenario& scenario = cohort_.scenario;
    do {
      next_visit_ = visits_.next();
      // Each worker deals to all, so that all of them agree whose turn it is. The targets take turns within a part, or two parts and two
      // targets would be the same figures twice.
      if (next_visit_ && mixed()) next_part_ = dealer_.next();
      if (next_visit_) next_target_ = dealt_[next_part_]++ % targets_.size();
    } while (next_visit_ && next_visit_->id % cohort_.options.workers != index_);
    // Whoever would come when the load is over does not come.
    if (next_visit_ && scenario.duration.count() > 0 && next_visit_->start >= scenario.duration) next_visit_.reset();
  }

  void admit(std::chrono::nanoseconds now) {
    for (; next_visit_ && next_visit_->start <= now; find_next_visit()) {
      const Visit& visit = *next_visit_;
      Target& target = targets_[next_target_];
      Group* const group = groups_.empty() ? nullptr : &groups_[next_part_ * targets_.size() + next_target_];
      Exchange& exchange = group != nullptr ? group->exchange : exchange_;
      clients_.emplace(visit.id, std::make_unique<Client>(group != nullptr ? group->cohort : cohort_, visit, [&](WireEvents& events) {
                         return std::make_unique<WebSocket>(exchange, target, events);
                       }));
      ++staying_;
    }
    if (next_visit_) loop_.deadlines().arm(admission_, next_visit_->start);
  }

  void client_finished(std::uint64_t id) {
    through_.push_back(id);
    loop_.deadlines().arm(reaper_, std::chrono::nanoseconds{0});
    if (--staying_ == 0 && !next_visit_) loop_.stop();
  }

  void reap() {
    for (const std::uint64_t id : through_) clients_.erase(id);
    through_.clear();
  }

  std::uint64_t index_;
  EventLoop loop_{};
  Random random_;
  MessagePool messages_;
  MetricsCollector collector_{};
  MetricsCollector warm_up_{};
  Exchange exchange_{loop_, messages_, random_, collector_};
  SourceAddresses sources_;
  std::unique_ptr<CodecFactory> codecs_{};
  std::deque<Target> targets_{};
  FanOut fan_out_;
  Cohort cohort_;
  std::deque<Group> groups_{};  // each target's of the first part, then of the next
  PartDealer dealer_;
  std::size_t next_part_{0};
  std::size_t next_target_{0};
  std::vector<std::uint64_t> dealt_{};  // visits of each part
  std::optional<OpenLoad> open_load_{};
  VisitSchedule visits_;
  std::optional<Visit> next_visit_{};
  Admission admission_{};
  Reaper reaper_{};
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_{};
  std::vector<std::uint64_t> through_{};
  std::size_t staying_{0};
  bool interrupted_{false};
  WorkerWatch watch_{};
};

}  // namespace wsbench::detail
