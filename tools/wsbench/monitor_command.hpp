#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/alert.hpp>
#include <wsbench/monitor.hpp>
#include <wsbench/report/monitor_text.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/scenarios.hpp>

#include "exit_code.hpp"
#include "flags.hpp"
#include "interruption.hpp"
#include "keeping.hpp"

namespace cli {

/// What the flags of `monitor` are read into.
struct MonitorRequest {
  Request run{};  ///< of each round
  wsbench::MonitorOptions monitoring{};
  bool once{false};  ///< one round, and its report
};

/// The load unless another is asked for: as light as the standard one, and nothing expected.
inline void set_light_load(wsbench::Scenario& scenario) {
  scenario.name = "monitor";
  scenario.clients = wsbench::scenarios::light().clients;
  scenario.pace = wsbench::scenarios::light().pace;
}

/// Ends a load that has no end by what was asked for.
inline void end_load(wsbench::Scenario& scenario) {
  const bool arriving = scenario.clients.kind() == wsbench::Population::Kind::arrivals;
  const bool ends = scenario.messages > 0 || scenario.duration.count() > 0 || !scenario.clients.stages().empty() ||
                    !scenario.pace.stages().empty() || arriving;
  if (!ends) scenario.messages = wsbench::scenarios::light().messages;
}

inline void add_monitor(CLI::App& app, MonitorRequest& request) {
  const char* const group = "Monitor";
  wsbench::MonitorOptions& monitoring = request.monitoring;
  add_duration(app, "--every", monitoring.every, "From the start of a round to that of the next")->group(group);
  // Read as a list, since each use adds one.
  app.add_option_function<std::vector<std::string>>(
         "--alert",
         [&monitoring](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) monitoring.alerts.push_back(wsbench::parse_alert(text));
         },
         "What is wrong where it is true: \"error_rate > 5%\", \"latency.p95 > 500ms for 3m\"; may be given again")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--on-alert", monitoring.on_alert,
                 "Run this by /bin/sh for each alert that fires or recovers, with the facts in WSBENCH_... variables")
      ->type_name("COMMAND")
      ->group(group);
  add_duration(app, "--command-timeout", monitoring.command_timeout, "How long it may take")->group(group);
  app.add_option("--listen", monitoring.listen, "Answer Prometheus there, at /metrics; none: nowhere")
      ->capture_default_str()
      ->type_name("ADDRESS:PORT")
      ->group(group);
  CLI::Option* const once = app.add_flag("--once", request.once, "Have one round and print its report, as for cron; listen nowhere");
  once->group(group);
  for (const auto& form : report_forms) app.get_option(form.flag())->needs(once);
}

/// Tells of alerts, and of rounds where that is wanted; keeps those in which an alert fires or recovers.
inline std::function<void(const wsbench::MonitorRound&)> telling(bool quiet, const Keeping& archive) {
  return [quiet, &archive](const wsbench::MonitorRound& round) {
    if (!quiet) std::cout << to_text(round) << std::flush;
    for (const wsbench::AlertChange& change : round.changes) fmt::print(stderr, "{}\n", to_text(change));
    const std::string problem = round.changes.empty() ? std::string() : archive.keep(*round.report);
    if (!problem.empty()) fmt::print(stderr, "wsbench: {}\n", problem);
  };
}

/// Calls `work` with the monitor on a thread of its own; a signal stops it.
template <class Work>
auto until_interrupted(const MonitorRequest& request, Work work) {
  const Interruption interruption;
  wsbench::Monitor monitor(request.run.urls, request.run.scenario, request.monitoring, request.run.options);
  auto working = std::async(std::launch::async, [&] { return work(monitor); });
  interruption.listen();
  while (working.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready) {
    if (Interruption::requested()) monitor.stop();
  }
  return working.get();
}

/// Monitors until a signal ends it, which is how it ends.
inline ExitCode monitor_until_interrupted(MonitorRequest request) {
  const Keeping archive{request.run.output.archive};
  request.monitoring.on_round = telling(request.run.output.quiet, archive);
  const bool quiet = request.run.output.quiet;
  until_interrupted(request, [quiet](wsbench::Monitor& monitor) {
    if (!quiet && monitor.port() != 0) fmt::print("Prometheus is answered at port {}: /metrics\n", monitor.port());
    std::fflush(stdout);
    monitor.run();
    return true;
  });
  return ExitCode::passed;
}

/// One round; the alerts whose condition is true are told on stderr.
inline wsbench::MonitorRound monitor_once(MonitorRequest request) {
  request.monitoring.listen.clear();
  wsbench::MonitorRound round = until_interrupted(request, [](wsbench::Monitor& monitor) { return monitor.once(); });
  for (const wsbench::AlertChange& change : round.changes) fmt::print(stderr, "{}\n", to_text(change));
  return round;
}

}  // namespace cli
