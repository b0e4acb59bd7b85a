#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/net/web_socket.hpp>
#include <wsbench/run/client.hpp>
#include <wsbench/run/cohort.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/process.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/schedule.hpp>

namespace wsbench::detail {

/// What one worker has measured so far.
struct WorkerResult {
  Metrics metrics{};
  std::chrono::nanoseconds last_outcome{0};
  std::chrono::nanoseconds cpu_time{0};
};

/// One thread's event loop and collector, and its share of the clients.
class Worker {
 public:
  /// Serves the clients `index`, `index + workers`, `index + 2 * workers`, ...; `scenario` and `options` have to outlive it.
  Worker(std::uint64_t index, const std::vector<std::string>& urls, const Scenario& scenario, const Options& options)
      : random_(options.seed + index), messages_(options.max_message_size), cohort_{scenario,          options,
                                                                                    collector_,        loop_,
                                                                                    loop_.deadlines(), [this] { client_finished(); }} {
    for (const std::string& url : urls) {
      Target& target = targets_.emplace_back(loop_, parse_url(url));
      for (const Header& header : options.headers) target.headers.emplace_back(header.name, header.value);
      target.subprotocols = options.subprotocols;
    }
    const auto clients = static_cast<std::uint64_t>(scenario.clients.clients());
    for (std::uint64_t id = index; id < clients; id += options.workers) {
      Target& target = targets_[id % targets_.size()];
      clients_.emplace_back(cohort_, id, start_of_client(id, clients, scenario.ramp_up),
                            [&](WireEvents& events) { return std::make_unique<WebSocket>(exchange_, target, events); });
    }
    unfinished_ = clients_.size();
  }

  /// Runs until every client is through.
  void run(EventLoop::TimePoint origin) {
    if (unfinished_ > 0) loop_.run(origin);
    cpu_time_ = thread_cpu_time();
  }

  /// Ends every client; from any thread.
  void stop() {
    loop_.post([this] {
      for (Client& client : clients_) client.interrupt();
    });
  }

  /// Has `receive(WorkerResult)` called in the worker's thread, unless that ends before; from any thread.
  template <class Receive>
  void ask(Receive receive) {
    loop_.post([this, receive = std::move(receive)] {
      receive(WorkerResult{collector_.snapshot(), cohort_.last_outcome, thread_cpu_time()});
    });
  }

  /// What was measured; after `run()` has returned.
  WorkerResult result() const { return {collector_.snapshot(), cohort_.last_outcome, cpu_time_}; }

 private:
  void client_finished() {
    if (--unfinished_ == 0) loop_.stop();
  }

  EventLoop loop_{};
  Random random_;
  MessagePool messages_;
  MetricsCollector collector_{};
  Exchange exchange_{loop_, messages_, random_, collector_};
  std::deque<Target> targets_{};
  Cohort cohort_;
  std::deque<Client> clients_{};
  std::size_t unfinished_{0};
  std::chrono::nanoseconds cpu_time_{0};
};

}  // namespace wsbench::detail
