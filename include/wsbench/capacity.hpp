#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/capacity_report.hpp>
#include <wsbench/capacity_search.hpp>
#include <wsbench/error.hpp>
#include <wsbench/load_test.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/scenarios.hpp>

namespace wsbench {

/// How a capacity is searched; the expectations are the scenario's.
struct CapacityOptions {
  CapacityUnit by{CapacityUnit::clients};
  SearchLimits limits{};                                           ///< which loads are tried; `whole` follows from `by`
  std::chrono::nanoseconds step{std::chrono::seconds{10}};         ///< how long the figures of a step are taken
  std::chrono::nanoseconds settle{std::chrono::seconds{2}};        ///< before that, from when all may be connected; in no figure
  std::chrono::nanoseconds pause{std::chrono::milliseconds{500}};  ///< between two steps, for the server to come to rest
  std::chrono::nanoseconds time{0};                                ///< after so long no step begins; 0: no limit
  std::chrono::nanoseconds patience{std::chrono::minutes{1}};      ///< how long a server that was lost may take to come back
  std::function<void(const CapacityStep&)> on_step{};              ///< told of each step as it ends; default nobody
  std::function<bool()> stopped{};                                 ///< asked fifty times a second whether to end; default never
};

/// Searches for the greatest load at which every expectation of a scenario still holds.
///
/// Each step is a load test of its own, so that its percentiles are those of its load alone. A step that the generator could not bring says
/// nothing of the server. A server that does not accept connections after a step is waited for, with ever fewer attempts.
class Capacity {
 public:
  /// A search with one server.
  Capacity(std::string url, Scenario scenario, CapacityOptions search, Options options = {})
      : Capacity(std::vector<std::string>{std::move(url)}, std::move(scenario), std::move(search), std::move(options)) {}

  /// A search with several servers; the clients are dealt to them in turn.
  Capacity(std::vector<std::string> urls, Scenario scenario, CapacityOptions search, Options options = {})
      : urls_(std::move(urls)), scenario_(std::move(scenario)), search_(std::move(search)), options_(std::move(options)) {
    search_.limits.whole = search_.by == CapacityUnit::clients;
  }

  /// Throws Error, naming the member, if this cannot be searched; opens no socket.
  void validate() const {
    if (scenario_.expect.empty()) throw Error("expect", "a capacity is the most at which something holds: give at least one expectation");
    const SearchLimits& limits = search_.limits;
    if (!(limits.from > 0)) throw Error("from", "a search begins with some load: give more than 0");
    if (!(limits.to >= limits.from)) throw Error("to", "it is less than where the search begins: give a greater one");
    if (!(limits.growth > 1)) throw Error("growth", "a search grows: give more than 1");
    if (!(limits.precision > 0 && limits.precision <= 1)) throw Error("precision", "give more than 0 and at most 100 %");
    if (limits.most_steps == 0) throw Error("steps", "0 tries nothing: give at least 1");
    if (search_.step.count() <= 0) throw Error("step", "0s measures nothing: give a longer one, such as 10s");
    if (search_.by == CapacityUnit::clients && search_.step < scenario_.pace.think_time()) {
      throw Error("step", "users who think for " + exact_duration(scenario_.pace.think_time()) + " may say nothing in " +
                              exact_duration(search_.step) + ": give a longer one");
    }
    for (const auto& [member, time] :
         {std::pair{"settle", search_.settle}, {"pause", search_.pause}, {"time", search_.time}, {"patience", search_.patience}}) {
      if (time.count() < 0) throw Error(member, exact_duration(time) + " is negative: give 0s or more");
    }
    test_of(limits.from).validate();
  }

  /// Searches until the answer is as close as was asked, or the time, the steps or the bounds are used up.
  CapacityReport run() const {
    validate();
    const auto began = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::steady_clock::now() - began; };
    CapacityReport report{.urls = urls_, .scenario = scenario_.name, .by = search_.by};
    CapacitySearch search(search_.limits);
    while (const std::optional<double> load = search.next()) {
      if (search_.time.count() > 0 && elapsed() >= search_.time) {
        report.ended_because = "its time of " + exact_duration(search_.time) + " was over";
        break;
      }
      std::optional<CapacityStep> tried;
      if (report.steps.empty() || rest(search_.pause)) tried = try_load(*load);
      if (!tried) {
        report.stopped = true;
        break;
      }
      const CapacityStep& step = report.steps.emplace_back(std::move(*tried));
      if (search_.on_step) search_.on_step(step);
      // Where nobody ever was, or the test is at fault, nothing is known of the server.
      const bool tells = step.outcome != StepOutcome::behaviour_threw && report.verdict() != Verdict::no_connection;
      if (tells) search.add({step.load, step.outcome});
      report.ended_because = why_to_end(report);
      if (!report.ended_because.empty()) break;
    }
    if (report.stopped) report.ended_because = "it was stopped";
    if (report.ended_because.empty() && !search.interval().confirmed && search.steps().size() >= search_.limits.most_steps) {
      report.ended_because = fmt::format("its {} steps were used up", search_.limits.most_steps);
    }
    report.interval = search.interval();
    report.duration = elapsed();
    return report;
  }

 private:
  static constexpr std::chrono::milliseconds look_interval{20};
  static constexpr std::chrono::milliseconds first_wait{500};
  static constexpr std::chrono::milliseconds longest_wait{5'000};

  LoadTest test_of(double load) const {
    Scenario scenario = scenario_;
    if (search_.by == CapacityUnit::clients) {
      scenario.clients = static_cast<std::int64_t>(load);
    } else {
      scenario.pace = rate(load);
    }
    const auto clients = static_cast<double>(scenario.clients.clients());
    const double connecting = options_.connect_rate > 0 ? clients / options_.connect_rate : 0;
    scenario.ramp_up = std::chrono::nanoseconds{0};
    scenario.messages = 0;
    scenario.warm_up = search_.settle + std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(connecting));
    scenario.duration = scenario.warm_up + search_.step;
    return {urls_, std::move(scenario), options_};
  }

  // After its last step; a server that was lost is waited for. Empty: it goes on.
  std::string why_to_end(const CapacityReport& report) const {
    const CapacityStep& step = report.steps.back();
    if (step.outcome == StepOutcome::behaviour_threw) return step.why;
    if (!step.server_lost) return {};
    if (report.verdict() == Verdict::no_connection) return detail::why_not_connected(step.report);  // it never was there
    if (comes_back() || stopped()) return {};
    return "the server was lost at " + format_load(step.load, search_.by) + " and did not come back";
  }

  bool stopped() const { return search_.stopped && search_.stopped(); }

  // Whether it was not stopped meanwhile.
  bool rest(std::chrono::nanoseconds time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!stopped()) {
      const auto left = end - std::chrono::steady_clock::now();
      if (left.count() <= 0) return true;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, look_interval));
    }
    return false;
  }

  // Nothing if it was stopped.
  std::optional<CapacityStep> try_load(double load) const {
    const LoadTest test = test_of(load);
    try {
      test.validate();
    } catch (const Error& error) {
      // The first load could be, so this one is more than this machine has files for, or the like.
      RunRecord none;
      none.scenario = scenario_.name;
      return CapacityStep{.load = load,
                          .outcome = StepOutcome::generator_limited,
                          .why = error.what(),
                          .report = Report(std::move(none), scenario_.expect)};
    }
    Run run = test.start();
    while (!run.wait_for(look_interval)) {
      if (stopped()) return std::nullopt;
    }
    return judged(load, run.wait());
  }

  CapacityStep judged(double load, Report report) const {
    CapacityStep step{.load = load, .report = std::move(report)};
    if (step.report.metrics().failures.count(Failure::behaviour_error) > 0) {
      step.outcome = StepOutcome::behaviour_threw;
      step.why = step.report.invalid_because().front();
      return step;
    }
    switch (step.report.verdict()) {
      case Verdict::passed: break;
      case Verdict::invalid:
        step.outcome = StepOutcome::generator_limited;
        step.why = detail::why_invalid(step.report);
        break;
      default:
        step.outcome = StepOutcome::missed;
        step.server_lost = !accepts();
        step.why = why_missed(step);
    }
    return step;
  }

  static std::string why_missed(const CapacityStep& step) {
    if (step.server_lost) return "the server was lost: it accepts no connection";
    return step.report.verdict() == Verdict::no_connection ? detail::why_not_connected(step.report) : detail::why_failed(step.report);
  }

  // One connection, and nothing said.
  bool accepts() const {
    Options options = options_;
    options.on_answer = nullptr;
    options.on_snapshot = nullptr;
    options.probes.clear();
    options.probe_after = {};
    const Scenario look{.clients = 1, .duration = look_interval, .behaviour = hold()};
    for (const std::string& url : urls_) {
      if (LoadTest(url, look, options).run().metrics().connections.succeeded == 0) return false;
    }
    return true;
  }

  bool comes_back() const {
    const auto end = std::chrono::steady_clock::now() + search_.patience;
    for (std::chrono::nanoseconds wait = first_wait; std::chrono::steady_clock::now() < end;
         wait = std::min<std::chrono::nanoseconds>(2 * wait, longest_wait)) {
      if (!rest(wait)) return false;
      if (accepts()) return true;
    }
    return false;
  }

  std::vector<std::string> urls_;
  Scenario scenario_;
  CapacityOptions search_;
  Options options_;
};

}  // namespace wsbench
