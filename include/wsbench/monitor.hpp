#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/alert.hpp>
#include <wsbench/error.hpp>
#include <wsbench/monitor_figures.hpp>
#include <wsbench/net/http_listener.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/monitor_prometheus.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/run/alert_commands.hpp>
#include <wsbench/run/monitor_world.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/validation.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// An alert that fired or recovered.
struct AlertChange {
  AlertEvent event{AlertEvent::fired};
  Alert alert{};                       ///< which
  double figure{0};                    ///< what it was measured to be; infinite for an answer that never came
  std::chrono::nanoseconds lasted{0};  ///< from when the condition was first seen true until now
};

/// One round of a monitor.
struct MonitorRound {
  std::uint64_t number{0};                 ///< from 1
  std::shared_ptr<const Report> report{};  ///< what it measured; never null
  std::vector<AlertChange> changes{};      ///< the alerts that fired or recovered by it
  std::vector<AlertWatch> alerts{};        ///< all of them as they stand
};

/// How a monitor goes about it.
struct MonitorOptions {
  std::chrono::nanoseconds every{std::chrono::minutes{1}};  ///< from the start of a round to that of the next
  std::vector<Alert> alerts{};                              ///< what to tell of; default nothing
  /// A command for /bin/sh that is run for each alert that fires or recovers, with the facts in its environment; default none.
  std::string on_alert{};
  std::chrono::nanoseconds command_timeout{std::chrono::seconds{30}};  ///< then it is killed
  std::string listen{"127.0.0.1:9464"};  ///< ADDRESS:PORT where Prometheus is answered; port 0 takes any that is free; empty: nowhere
  std::function<void(const MonitorRound&)> on_round{};   ///< told of each round as it ends; default nobody
  std::function<void(const std::string&)> on_trouble{};  ///< told in a line, on any thread, of what went wrong beside the server's failures
};

namespace detail {

/// What a figure of an alert is for people and for commands.
inline std::string alert_figure_text(double figure, Unit unit) {
  return figure == std::numeric_limits<double>::infinity() ? "no answer" : exact_figure(figure, unit);
}

/// What a command is told of an alert, as variables of its environment.
inline AlertCommands::Facts alert_facts(const AlertChange& change, const RunRecord& round, const std::vector<std::string>& urls) {
  const Expectation& condition = change.alert.condition;
  std::string targets;
  for (const std::string& url : urls) targets += (targets.empty() ? "" : " ") + url;
  AlertCommands::Facts facts{{"WSBENCH_STATE", std::string(name(change.event))},
                             {"WSBENCH_ALERT", to_string(change.alert)},
                             {"WSBENCH_FIGURE", to_string(condition.metric)},
                             {"WSBENCH_VALUE", alert_figure_text(change.figure, condition.metric.unit)},
                             {"WSBENCH_BOUND", exact_figure(condition.bound, condition.metric.unit)},
                             {"WSBENCH_SINCE", utc_second(round.started_at - change.lasted) + 'Z'},
                             {"WSBENCH_LASTED", exact_duration(std::chrono::round<std::chrono::milliseconds>(change.lasted))},
                             {"WSBENCH_URL", targets},
                             {"WSBENCH_SCENARIO", round.scenario}};
  // No variable can hold a zero byte.
  for (auto& [variable, value] : facts) value.erase(std::remove(value.begin(), value.end(), '\0'), value.end());
  return facts;
}

/// "127.0.0.1:9464", "[::1]:9464" in two; throws Error for what is no address and port.
inline std::pair<std::string, std::uint16_t> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == text.npos ? std::string_view() : std::string_view(text).substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
  if (!digits || std::stoul(std::string(port)) > 65'535) {
    throw Error("listen", in_quotes(text) + " is no address and port: write ADDRESS:PORT, such as 127.0.0.1:9464");
  }
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return {std::move(address), static_cast<std::uint16_t>(std::stoul(std::string(port)))};
}

}  // namespace detail

/// A light load again and again, for months: what it measures is there for Prometheus, and what is wrong is told.
///
/// Rounds never overlap: one that takes longer than there is delays the next, which is counted. Memory does not grow with the rounds. What
/// keeps its own time, alerts and rounds, goes by a steady clock; wall time is only shown.
class Monitor {
 public:
  /// Monitors one server. Listens when it returns; throws Error, naming the member, if this cannot be run.
  Monitor(const std::string& url, const Scenario& scenario, MonitorOptions monitoring = {}, Options options = {})
      : Monitor(std::vector<std::string>{url}, scenario, std::move(monitoring), std::move(options)) {}

  /// Monitors several servers; the clients are dealt to them in turn.
  Monitor(const std::vector<std::string>& urls, const Scenario& scenario, MonitorOptions monitoring = {}, Options options = {})
      : Monitor(std::make_unique<detail::LoadTestWorld>(urls, scenario, std::move(options)), scenario.name, urls, std::move(monitoring)) {}

  /// Monitors in a world of a test's own.
  Monitor(std::unique_ptr<detail::MonitorWorld> world, std::string scenario, std::vector<std::string> urls, MonitorOptions monitoring)
      : world_(std::move(world)),
        scenario_(std::move(scenario)),
        urls_(std::move(urls)),
        monitoring_(std::move(monitoring)),
        commands_(monitoring_.on_alert, monitoring_.command_timeout, monitoring_.on_trouble) {
    validate();
    for (const Alert& alert : monitoring_.alerts) watches_.emplace_back(alert);
    if (monitoring_.listen.empty()) return;
    const auto [address, port] = detail::parse_listen(monitoring_.listen);
    listener_.emplace(address, port, [this](std::string_view path) { return answer(path); });
  }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Where Prometheus is answered at /metrics, and whoever asks whether this lives at /healthz; 0: nowhere.
  std::uint16_t port() const noexcept { return listener_ ? listener_->port() : std::uint16_t{0}; }

  /// Has rounds until it is stopped; the round that is under way then is in no figure.
  void run() {
    std::chrono::nanoseconds due = world_->now();
    while (world_->wait_until(due) && round(due)) {
      const std::chrono::nanoseconds next = due + monitoring_.every;
      const std::chrono::nanoseconds now = world_->now();
      if (now > next) {
        const std::lock_guard lock(mutex_);
        figures_.delayed();
      }
      due = std::max(next, now);
    }
    commands_.finish(std::min<std::chrono::nanoseconds>(monitoring_.command_timeout, farewell));
  }

  /// Has one round and returns when its commands have ended. An alert whose condition is true fires, however long it would have to last.
  MonitorRound once() {
    watches_.clear();
    for (const Alert& alert : monitoring_.alerts) watches_.emplace_back(Alert{alert.condition, std::chrono::nanoseconds{0}});
    MonitorRound one = judged(world_->run_round([this](const Report& so_far) { take(so_far); }), world_->now());
    commands_.finish(monitoring_.command_timeout);
    return one;
  }

  /// Ends `run()` soon; from any thread, and from a signal handler.
  void stop() noexcept { world_->stop(); }

  /// The page as Prometheus gets it; from any thread.
  std::string page() const {
    const std::lock_guard lock(mutex_);
    return to_prometheus(figures_, {.scenario = scenario_, .urls = urls_, .alerts = watches_, .commands = commands_.counts()});
  }

 private:
  // How long commands of alerts may take on when all is to end.
  static constexpr std::chrono::seconds farewell{5};

  void validate() const {
    detail::require_time("every", monitoring_.every);
    if (monitoring_.every.count() == 0) throw Error("every", "0s leaves no time between rounds: give a longer one, such as 60s");
    detail::require_positive_time("command_timeout", monitoring_.command_timeout);
    for (const Alert& alert : monitoring_.alerts) detail::require_time("alert", alert.lasts);
    if (const auto* load_tests = dynamic_cast<const detail::LoadTestWorld*>(world_.get())) load_tests->test().validate();
  }

  void take(const Report& so_far) {
    const std::lock_guard lock(mutex_);
    figures_.so_far(so_far);
  }

  // Whether to go on.
  bool round(std::chrono::nanoseconds due) {
    std::shared_ptr<const Report> report;
    try {
      report = world_->run_round([this](const Report& so_far) { take(so_far); });
    } catch (const std::exception& error) {
      // What is wrong with this machine now may be right again in the next round.
      {
        const std::lock_guard lock(mutex_);
        figures_.broken();
      }
      if (monitoring_.on_trouble) monitoring_.on_trouble(std::string("a round could not be run: ") + error.what());
      return true;
    }
    if (report->record().interrupted) return false;
    const MonitorRound ended = judged(std::move(report), due);
    if (monitoring_.on_round) monitoring_.on_round(ended);
    return true;
  }

  // By when the round was due, since two of them are then exactly as far apart as was asked for.
  MonitorRound judged(std::shared_ptr<const Report> report, std::chrono::nanoseconds due) {
    MonitorRound round{.report = std::move(report)};
    const RunRecord& record = round.report->record();
    {
      const std::lock_guard lock(mutex_);
      round.number = ++rounds_;
      if (!record.interrupted) {
        figures_.ended(*round.report, monitoring_.every);
        for (AlertWatch& watch : watches_) {
          const std::optional<double> figure = alert_figure(*round.report, watch.alert().condition.metric);
          const std::optional<AlertEvent> event = watch.take(due, figure);
          if (event) round.changes.push_back({*event, watch.alert(), *figure, due - watch.since()});
        }
      }
      round.alerts = watches_;
    }
    for (const AlertChange& change : round.changes) commands_.run(detail::alert_facts(change, record, urls_));
    return round;
  }

  std::optional<detail::HttpAnswer> answer(std::string_view path) const {
    if (path == "/metrics") return detail::HttpAnswer{.type = "text/plain; version=0.0.4; charset=utf-8", .body = page()};
    if (path == "/healthz") return detail::HttpAnswer{.body = "ok\n"};
    return std::nullopt;
  }

  std::unique_ptr<detail::MonitorWorld> world_;
  std::string scenario_;
  std::vector<std::string> urls_;
  MonitorOptions monitoring_;
  detail::AlertCommands commands_;
  mutable std::mutex mutex_{};
  std::uint64_t rounds_{0};
  MonitorFigures figures_{};
  std::vector<AlertWatch> watches_{};
  std::optional<detail::HttpListener> listener_{};  // the last, whose thread asks for all of these
};

}  // namespace wsbench
