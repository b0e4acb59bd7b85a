#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/error.hpp>
#include <wsbench/net/extension.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/probe.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/run/process.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench::detail {

// Beyond this, sums of times could leave 64 bits.
inline constexpr std::chrono::nanoseconds longest_time = std::chrono::hours{24 * 366};

inline void require_time(std::string_view member, std::chrono::nanoseconds time) {
  if (time.count() < 0) throw Error(std::string(member), exact_duration(time) + " is negative: give 0s or more");
  if (time > longest_time) throw Error(std::string(member), exact_duration(time) + " is too long: give a year at most");
}

inline void require_positive_time(std::string_view member, std::chrono::nanoseconds time) {
  require_time(member, time);
  if (time.count() == 0) throw Error(std::string(member), "0s leaves no time for an answer: give a longer one, such as 5s");
}

inline void require_rate(std::string_view member, double per_second) {
  if (!(per_second > 0 && per_second <= 1e9)) {
    throw Error(std::string(member), fmt::format("{:.15g}/s is no rate: give more than 0 and at most 1000M/s", per_second));
  }
}

inline void require_stages(std::string_view member, const std::vector<Stage>& stages) {
  for (const Stage& stage : stages) {
    require_time(member, stage.over);
    if (!(stage.level >= 0 && stage.level <= 1e9)) {
      throw Error(std::string(member), fmt::format("a stage to {:.15g}: give 0 to 1000M", stage.level));
    }
  }
  require_time(member, length_of(stages));
  if (!stages.empty() && length_of(stages).count() == 0)
    throw Error(std::string(member), "the stages take no time: give at least one a time");
}

inline void validate_population(const Population& population, const Scenario& scenario) {
  const std::int64_t clients = population.clients();
  if (population.kind() == Population::Kind::arrivals) {
    require_rate("arrivals", population.arrivals_per_second());
    if (scenario.duration.count() == 0) throw Error("duration", "users arrive without end: give a duration");
    return;
  }
  if (population.kind() == Population::Kind::stages) require_stages("stages", population.stages());
  if (clients < 1) throw Error("clients", fmt::format("{} is nobody: give at least 1", clients));
  if (clients > 10'000'000) throw Error("clients", fmt::format("{} is more than one process can hold: give at most 10M", clients));
}

inline void validate_pace(const Scenario& scenario) {
  const Pace& pace = scenario.pace;
  require_time("think", pace.think_time());
  if (!pace.open()) return;
  if (pace.stages().empty()) {
    require_rate("rate", pace.per_second());
  } else {
    require_stages("rate", pace.stages());
  }
  if (scenario.duration.count() == 0 && scenario.clients.clients() == 0) throw Error("duration", "the load has no end: give a duration");
}

inline void validate_abort_on_fail(const Scenario& scenario, const Options& options) {
  if (!options.abort_on_fail) return;
  require_time("abort_on_fail", *options.abort_on_fail);
  if (scenario.expect.empty()) throw Error("abort_on_fail", "there is no expectation to miss: give one, such as latency.p95 < 200ms");
}

inline void validate_scenario(const Scenario& scenario) {
  require_time("ramp_up", scenario.ramp_up);
  require_time("duration", scenario.duration);
  require_time("warm_up", scenario.warm_up);
  validate_population(scenario.clients, scenario);
  validate_pace(scenario);
  require_positive_time("timeout", scenario.timeout);
  if (scenario.messages == 0 && scenario.duration.count() == 0) {
    throw Error("messages", "the load has no end: give messages for each client, a duration, or both");
  }
  if (scenario.behaviour.is_endless() && scenario.duration.count() == 0) {
    throw Error("duration", "the behaviour goes on until the load is over: give a duration");
  }
  for (const Part& part : scenario.behaviour.parts()) {
    if (!part.behaviour || !part.behaviour.parts().empty()) throw Error("behaviour", "a part of a mix must be one behaviour: name it");
    if (!(part.weight > 0 && part.weight <= 1e9)) {
      throw Error("behaviour", fmt::format("the part {} has the weight {:.15g}: give a positive one", in_quotes(part.name), part.weight));
    }
  }
  if (scenario.duration.count() > 0 && scenario.ramp_up >= scenario.duration) {
    throw Error("ramp_up", fmt::format("{} leaves nothing of the duration of {}: give a shorter one", exact_duration(scenario.ramp_up),
                                       exact_duration(scenario.duration)));
  }
  if (scenario.duration.count() > 0 && scenario.warm_up >= scenario.duration) {
    throw Error("warm_up", fmt::format("{} leaves nothing of the duration of {} to measure: give a shorter one",
                                       exact_duration(scenario.warm_up), exact_duration(scenario.duration)));
  }
}

/// Throws Error if some of a fixed number of clients would not have come before the load is over.
inline void validate_connect_rate(const Scenario& scenario, const Options& options) {
  if (!(options.connect_rate >= 0 && options.connect_rate <= 1e9)) {
    throw Error("connect_rate", fmt::format("{:.15g}/s is no rate: give a positive one, or 0 for no limit", options.connect_rate));
  }
  if (scenario.clients.kind() != Population::Kind::number || scenario.duration.count() == 0 || options.connect_rate == 0) return;
  const double needed = static_cast<double>(scenario.clients.clients() - 1) / options.connect_rate;
  if (needed < std::chrono::duration<double>(scenario.duration).count()) return;
  throw Error("connect_rate",
              fmt::format("at {:.15g}/s, {} clients are not there before the duration of {} is over: give a higher one, or 0 "
                          "for no limit",
                          options.connect_rate, scenario.clients.clients(), exact_duration(scenario.duration)));
}

/// Throws Error for what is no address of this machine, which is tried.
inline void require_own_address(const std::string& text) {
  asio::error_code error;
  const asio::ip::address address = asio::ip::make_address(text, error);
  if (error) throw Error("source_address", in_quotes(text) + " is no numeric address: give one such as 127.0.0.2");
  asio::io_context io;
  const asio::ip::tcp::endpoint endpoint(address, 0);
  asio::ip::tcp::socket socket(io);
  socket.open(endpoint.protocol(), error);
  if (!error) socket.bind(endpoint, error);
  if (error) throw Error("source_address", in_quotes(text) + " cannot be used: " + error.message() + ": give an address of this machine");
}

inline void validate_options(const Options& options) {
  if (options.workers < 1 || options.workers > 1024) {
    throw Error("workers", fmt::format("{} threads: give 1 to 1024", options.workers));
  }
  require_positive_time("connect_timeout", options.connect_timeout);
  require_time("close_timeout", options.close_timeout);
  require_time("reconnect_delay", options.reconnect_delay);
  if (options.reconnect_delay.count() == 0) throw Error("reconnect_delay", "0s is a storm of attempts: give a longer one, such as 100ms");
  require_time("reconnect_delay_max", options.reconnect_delay_max);
  if (options.reconnect_delay_max < options.reconnect_delay) {
    throw Error("reconnect_delay_max", fmt::format("{} is less than the first delay of {}: give a longer one",
                                                   exact_duration(options.reconnect_delay_max), exact_duration(options.reconnect_delay)));
  }
  require_time("ping_every", options.ping_every);
  require_positive_time("ping_timeout", options.ping_timeout);
  if (options.max_message_size < 1) throw Error("max_message_size", "0 accepts nothing: give a size, such as 16MiB");
  const auto control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; };
  for (const Header& header : options.headers) {
    if (!is_token(header.name)) throw Error("header", in_quotes(header.name) + " is no name of a header: write Name: value");
    if (std::any_of(header.value.begin(), header.value.end(), control)) {
      throw Error("header", in_quotes(header.name) + " has a control character in its value: take it out");
    }
  }
  for (const Header& cookie : options.cookies) {
    if (!is_token(cookie.name)) throw Error("cookie", in_quotes(cookie.name) + " is no name of a cookie: write name=value");
    const auto parts = [&](char c) { return control(c) || c == ';' || c == '\t'; };
    if (std::any_of(cookie.value.begin(), cookie.value.end(), parts)) {
      throw Error("cookie", in_quotes(cookie.name) + " has a semicolon or a control character in its value: take it out");
    }
  }
  for (const std::string& address : options.source_addresses) require_own_address(address);
  for (const std::string& subprotocol : options.subprotocols) {
    if (!is_token(subprotocol)) throw Error("subprotocol", in_quotes(subprotocol) + " is no token: use letters, digits and -._");
  }
}

/// The figure that a probe of that name reads; none where nobody does.
inline const ProbeFigure* find_probe_figure(const std::vector<Probe>& probes, std::string_view name) {
  for (const Probe& probe : probes) {
    for (const ProbeFigure& figure : probe.figures()) {
      if (figure.name == name) return &figure;
    }
  }
  return nullptr;
}

inline void validate_probes(const Options& options) {
  std::set<std::string> names;
  for (const Probe& probe : options.probes) {
    for (const ProbeFigure& figure : probe.figures()) {
      // Expectations name it in parentheses or braces.
      const bool writable = !figure.name.empty() && std::none_of(figure.name.begin(), figure.name.end(), [](char c) {
        return (c >= 0 && c < ' ') || c == '\x7f' || std::string_view("(){}").find(c) != std::string_view::npos;
      });
      if (!writable) throw Error("probe", in_quotes(figure.name) + " is no name: use letters, digits and -._");
      if (figure.unit == Unit::seconds || figure.unit == Unit::per_second) {
        throw Error("probe", in_quotes(figure.name) + " counts in time: give it the unit number, count, share or bytes");
      }
      if (!names.insert(figure.name).second) {
        throw Error("probe", in_quotes(figure.name) + " is there twice: give each a name of its own");
      }
    }
  }
  require_time("probe_every", options.probe_every);
  require_time("probe_timeout", options.probe_timeout);
  require_time("probe_after", options.probe_after);
  if (options.probe_every < std::chrono::milliseconds{1}) {
    throw Error("probe_every", exact_duration(options.probe_every) + " leaves no time for a reading: give 1ms or more");
  }
  if (options.probe_timeout.count() == 0) throw Error("probe_timeout", "0s leaves no time for a reading: give a longer one, such as 5s");
}

/// Throws Error if an expectation is of a probe that is not there, or that counts in something else.
inline void validate_probe_expectations(const Scenario& scenario, const Options& options) {
  for (const Expectation& expectation : scenario.expect) {
    const MetricName& metric = expectation.metric;
    if (metric.quantity != "probe") continue;
    const ProbeFigure* const figure = find_probe_figure(options.probes, metric.label);
    if (figure == nullptr) throw Error("expect", in_quotes(to_string(metric)) + " is of no probe of this run: give it one of that name");
    if (metric.unit == Unit::number || metric.unit == figure->unit) continue;
    throw Error("expect", in_quotes(to_string(expectation)) +
                              (metric.unit == Unit::bytes ? ": the probe counts in no bytes" : ": the probe is no share") +
                              ": give a plain number");
  }
}

/// Throws Error, naming the member, if a load test cannot be run so.
inline void validate(const std::vector<std::string>& urls, const Scenario& scenario, const Options& options) {
  if (urls.empty()) throw Error("url", "there is none: give at least one, such as ws://127.0.0.1:9001");
  for (const std::string& url : urls) {
    if (!parse_url(url).secure || options.tls != nullptr) continue;
    throw Error("tls", in_quotes(url) + " asks for TLS: include wsbench/tls.hpp and give wsbench::tls()");
  }
  validate_scenario(scenario);
  validate_options(options);
  validate_connect_rate(scenario, options);
  validate_abort_on_fail(scenario, options);
  validate_probes(options);
  validate_probe_expectations(scenario, options);
  const auto clients = static_cast<std::uint64_t>(scenario.clients.clients());
  const std::uint64_t needed = open_files() + clients + options.workers * files_per_worker;
  if (const std::uint64_t limit = open_file_limit(); needed > limit) {
    throw Error("clients", fmt::format("{0} clients need {1} open files and this process may have {2}: raise the limit (ulimit -n {1}) or "
                                       "use fewer clients",
                                       clients, needed, limit));
  }
}

}  // namespace wsbench::detail
