#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/authorization.hpp>
#include <wsbench/deflate.hpp>
#include <wsbench/error.hpp>
#include <wsbench/net/cookies.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/scenarios.hpp>
#include <wsbench/slo.hpp>
#include <wsbench/tls.hpp>
#include <wsbench/units.hpp>

#include "report_files.hpp"

namespace cli {

/// Where the report goes.
struct Output {
  ReportFileNames files{};  ///< in which forms, to which files
  std::string archive{};    ///< a folder that keeps the run; empty: none
  bool quiet{false};        ///< no text and no progress
  bool verbose{false};      ///< every answer as it comes
};

/// Whether messages are compressed, and how: the same in both directions.
struct Compressing {
  bool wanted{false};
  bool no_context_takeover{false};
  int window_bits{15};
  int level{6};
};

/// What the flags of a run are read into.
struct Request {
  std::vector<std::string> urls{};
  wsbench::Scenario scenario{};
  wsbench::Payload payload{};
  wsbench::Broadcast broadcast{.publishers = 0};
  bool hold{false};
  wsbench::Options options{};
  wsbench::TlsOptions tls{};
  Compressing compressing{};
  bool soak{false};  ///< the report is to tell of decay
  Output output{};
};

/// Adds a flag whose text is read by `parse`; an Error names the flag.
template <class Parse, class Set>
CLI::Option* add_parsed(CLI::App& app, const std::string& names, const char* type, const std::string& description, Parse parse, Set set) {
  const std::string flag = names.substr(names.find("--"));
  const auto read = [flag, parse, set](const std::string& text) {
    try {
      set(parse(text));
    } catch (const wsbench::Error& error) {
      throw wsbench::Error(flag, error.problem());
    }
  };
  return app.add_option_function<std::string>(names, read, description)->type_name(type);
}

inline CLI::Option* add_duration(CLI::App& app, const std::string& names, std::chrono::nanoseconds& into, const std::string& description) {
  return add_parsed(app, names, "TIME", description, wsbench::parse_duration, [&into](std::chrono::nanoseconds time) { into = time; })
      ->default_str(into.count() > 0 ? wsbench::exact_duration(into) : std::string());
}

inline CLI::Option* add_count(CLI::App& app, const std::string& names, std::uint64_t& into, const std::string& description) {
  return add_parsed(app, names, "N", description, wsbench::parse_count, [&into](std::uint64_t count) { into = count; })
      ->default_str(into > 0 ? std::to_string(into) : std::string());
}

inline void add_targets(CLI::App& app, Request& request) {
  app.add_option("url", request.urls, "ws://host:port/path, wss://host/path or ws+unix:///socket:/path; several share the clients in turn")
      ->required()
      ->type_name("URL...");
}

/// A rate, or the stages of one.
inline wsbench::Pace parse_pace(const std::string& text) {
  if (text.find(':') == text.npos) return wsbench::rate(wsbench::parse_rate(text));
  return wsbench::rate(wsbench::parse_stages(text, wsbench::parse_rate));
}

inline void add_name(CLI::App& app, wsbench::Scenario& scenario) {
  app.add_option("--name", scenario.name, "What the report calls it")->capture_default_str()->type_name("TEXT")->group("Load");
}

inline CLI::Option* add_clients(CLI::App& app, wsbench::Scenario& scenario, const std::string& description) {
  return add_parsed(app, "-c,--clients", "N", description, wsbench::parse_count,
                    [&scenario](std::uint64_t count) { scenario.clients = count; })
      ->group("Load");
}

inline CLI::Option* add_think(CLI::App& app, wsbench::Scenario& scenario) {
  return add_parsed(app, "--think", "TIME", "From an answer to that client's next message", wsbench::parse_duration,
                    [&scenario](std::chrono::nanoseconds time) { scenario.pace = wsbench::think(time); })
      ->group("Load");
}

inline CLI::Option* add_flat_out(CLI::App& app, wsbench::Scenario& scenario, const std::string& description) {
  return app
      .add_flag_callback(
          "--flat-out", [&scenario] { scenario.pace = wsbench::flat_out(); }, description)
      ->group("Load");
}

inline void add_in_flight(CLI::App& app, wsbench::Scenario& scenario) {
  add_count(app, "--in-flight", scenario.in_flight, "Messages of a user that may wait for answers [1, at a rate 10k]")->group("Load");
}

/// Who is there and when they speak.
inline void add_load(CLI::App& app, Request& request) {
  wsbench::Scenario& scenario = request.scenario;
  const char* const group = "Load";
  add_name(app, scenario);
  CLI::Option* const clients = add_clients(app, scenario, "Users at the same time, such as 10k");
  CLI::Option* const stages = add_parsed(
      app, "--stages", "N:TIME,...", "Users that come and go: each stage is a straight line to N over its time",
      [](const std::string& text) { return wsbench::parse_stages(text, wsbench::parse_count); },
      [&scenario](const std::vector<wsbench::Stage>& course) { scenario.clients = wsbench::stages(course); });
  CLI::Option* const arrivals = add_parsed(app, "--arrivals", "RATE", "Users a second that come, take their turns, and leave",
                                           wsbench::parse_rate, [&scenario](double rate) { scenario.clients = wsbench::arrivals(rate); });
  stages->excludes(clients)->group(group);
  arrivals->excludes(clients)->excludes(stages)->group(group);
  add_duration(app, "--ramp-up", scenario.ramp_up, "Start the clients evenly over this time; default at once")->group(group);
  add_count(app, "-n,--messages", scenario.messages, "Messages each client sends")->group(group);
  add_duration(app, "-d,--duration", scenario.duration, "Messages are sent for so long; either this or --messages, or both")->group(group);
  add_duration(app, "--warm-up", scenario.warm_up, "Messages due before then are left out of the figures")->group(group);
  CLI::Option* const think = add_think(app, scenario);
  CLI::Option* const rate = add_parsed(
      app, "--rate", "RATE", "Messages a second over all users, whatever the server does: 5k/s, or stages 20/s:1m,200/s:0s,200/s:10s",
      parse_pace, [&scenario](const wsbench::Pace& pace) { scenario.pace = pace; });
  rate->excludes(think)->group(group);
  app.add_flag_callback(
         "--poisson", [&scenario] { scenario.pace = std::move(scenario.pace).poisson(); }, "Spread them at random")
      ->needs(rate)
      ->group(group);
  add_in_flight(app, scenario);
  add_flat_out(app, scenario, "Send as soon as the last answer is in (default)")->excludes(think)->excludes(rate);
}

inline std::string service_levels_in_words() {
  std::string words;
  for (const wsbench::ServiceLevel& level : wsbench::service_levels) {
    words += fmt::format("{}{} (p95 < {})", words.empty() ? "Expect what suits " : ", ", level.name, wsbench::exact_duration(level.p95));
  }
  return words;
}

/// What is said.
inline void add_conversation(CLI::App& app, Request& request) {
  const char* const group = "Messages";
  CLI::Option* const size = add_parsed(app, "--size", "SIZE", "Bytes of a message that is made up, such as 64B or 4KiB",
                                       wsbench::parse_size, [&request](std::uint64_t bytes) { request.payload.size = bytes; });
  size->default_str("64B")->group(group);
  CLI::Option* const fixed =
      app.add_option("-m,--message", request.payload.text, "Send this text instead; answers are then matched in order");
  fixed->type_name("TEXT")->excludes(size)->group(group);
  CLI::Option* const file = app.add_option("--message-file", request.payload.file, "Send what is in this file instead");
  file->type_name("FILE")->excludes(size)->excludes(fixed)->group(group);
  app.add_option("--message-format", request.payload.format,
                 "Make each message of this: {client}, {message} (its number) and {random}; other braces are doubled")
      ->type_name("TEXT")
      ->excludes(size)
      ->excludes(fixed)
      ->excludes(file)
      ->group(group);
  app.add_flag("--binary", request.payload.binary, "Send binary messages")->group(group);
  add_duration(app, "--timeout", request.scenario.timeout, "How long an answer may take")->group(group);
  // Read as a list, since each use adds one.
  app.add_option_function<std::vector<std::string>>(
         "--expect",
         [&request](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) request.scenario.expect.push_back(wsbench::parse_expectation(text));
         },
         "What must hold: \"latency.p95 < 200ms\", \"success_rate > 99%\"; may be given again")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->group(group);
  add_parsed(app, "--slo", "NAME", service_levels_in_words(), wsbench::service_level,
             [&request](const std::vector<wsbench::Expectation>& expect) {
               request.scenario.expect.insert(request.scenario.expect.end(), expect.begin(), expect.end());
             })
      ->group(group);
  add_parsed(app, "--abort-on-fail", "TIME", "End the run if an expectation is missed so long after the start, or later",
             wsbench::parse_duration, [&request](std::chrono::nanoseconds delay) { request.options.abort_on_fail = delay; })
      ->group(group);
}

/// What is done instead of asking for answers.
inline void add_behaviour(CLI::App& app, Request& request) {
  const char* const group = "Instead of an echo";
  CLI::Option* const publishers =
      add_parsed(app, "--publishers", "N", "N of the clients publish by the pace, all others get it", wsbench::parse_count,
                 [&request](std::uint64_t count) { request.broadcast.publishers = count; });
  publishers->group(group);
  app.add_option("--envelope", request.broadcast.envelope, "A published message, in which $publication stands for its mark")
      ->type_name("TEXT")
      ->needs(publishers)
      ->group(group);
  CLI::Option* const join = app.add_option("--join", request.broadcast.join, "What each client sends first, such as a subscription");
  join->type_name("TEXT")->needs(publishers)->group(group);
  app.add_option("--joined", request.broadcast.joined, "What the server's answer to it contains")
      ->type_name("TEXT")
      ->needs(join)
      ->group(group);
  CLI::Option* const hold = app.add_flag("--hold", request.hold, "Only stay connected");
  hold->excludes(publishers)->group(group);
}

/// The behaviour that the flags ask for; throws Error for one that cannot be.
inline wsbench::Behaviour behaviour_of(const Request& request) {
  if (request.hold) return wsbench::hold();
  if (request.broadcast.publishers == 0) return wsbench::echo(request.payload);
  wsbench::Broadcast settings = request.broadcast;
  settings.size = std::max(request.payload.size, wsbench::Publication::text_size);
  return wsbench::broadcast(settings);
}

inline void add_cookies(Request& request, const std::string& text) {
  for (auto& [name, value] : wsbench::detail::parse_cookies(text)) request.options.cookies.push_back({std::move(name), std::move(value)});
}

/// How a connection is made.
inline void add_connection(CLI::App& app, Request& request) {
  const char* const group = "Connections";
  const auto parse_header = [](const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) throw wsbench::Error("header", wsbench::detail::in_quotes(text) + " has no colon: write Name: value");
    const std::size_t value = text.find_first_not_of(' ', colon + 1);
    return wsbench::Header{text.substr(0, colon), value == text.npos ? std::string() : text.substr(value)};
  };
  // Read as a list, since each use adds one.
  app.add_option_function<std::vector<std::string>>(
         "-H,--header",
         [&request, parse_header](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) request.options.headers.push_back(parse_header(text));
         },
         "Add \"Name: value\" to the upgrade request; may be given again")
      ->type_name("HEADER")
      ->allow_extra_args(false)
      ->group(group);
  // Read when the flags are, so that what is wrong with it is said before the run.
  const auto add_secret = [&](const char* flag, const char* description, auto header_of) {
    add_parsed(app, flag, "FILE|env:NAME", description, wsbench::read_secret, [&request, header_of](const std::string& secret) {
      request.options.headers.push_back(header_of(secret));
    })->group(group);
  };
  add_secret("--bearer", "Authorize with the token that stands there", wsbench::bearer);
  add_secret("--basic", "Authorize with the name:password that stands there", wsbench::basic);
  app.add_option_function<std::vector<std::string>>(
         "--cookie",
         [&request](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) add_cookies(request, text);
         },
         "Give every user this cookie; may be given again")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->group(group);
  add_parsed(app, "--cookies", "FILE|env:NAME", "Give every user those that stand there: name=value; name=value", wsbench::read_secret,
             [&request](const std::string& text) { add_cookies(request, text); })
      ->group(group);
  app.add_option("--subprotocol", request.options.subprotocols, "Ask for this subprotocol; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  add_parsed(app, "--connect-rate", "RATE", "The most first connects a second; 0/s: no limit", wsbench::parse_rate,
             [&request](double rate) { request.options.connect_rate = rate; })
      ->default_str("1000/s")
      ->group(group);
  add_duration(app, "--connect-timeout", request.options.connect_timeout, "How long a connection may take to be open")->group(group);
  app.add_option("--source-address", request.options.source_addresses,
                 "Connect from this address of this machine; may be given again, each has its own 64k ports")
      ->type_name("ADDRESS")
      ->allow_extra_args(false)
      ->group(group);
  app.add_flag("--resolve-each", request.options.resolve_each_connect, "Look a host's name up at each connect, and not once")->group(group);
  add_count(app, "--reconnect-attempts", request.options.reconnect_attempts,
            "Times in a row to make a lost connection again; the conversation begins anew")
      ->group(group);
  add_duration(app, "--reconnect-delay", request.options.reconnect_delay, "Before the first of them, at most")->group(group);
  add_duration(app, "--reconnect-delay-max", request.options.reconnect_delay_max, "What that doubles up to")->group(group);
  add_duration(app, "--ping-every", request.options.ping_every, "Ping each connection so often")->group(group);
  add_duration(app, "--ping-timeout", request.options.ping_timeout, "How long its pong may take; without one it is given up")->group(group);
}

/// How messages are sent.
inline void add_frames(CLI::App& app, Compressing& compressing, std::uint64_t& fragment_size, const char* group) {
  CLI::Option* const deflate = app.add_flag("--deflate", compressing.wanted, "Compress messages, where the other end agrees");
  deflate->group(group);
  app.add_flag("--deflate-no-context-takeover", compressing.no_context_takeover,
               "Compress each message for itself, which costs a connection no memory")
      ->needs(deflate)
      ->group(group);
  app.add_option("--deflate-window-bits", compressing.window_bits,
                 "Look back 2 to the power of 8 to 15 bytes: less memory, larger messages")
      ->capture_default_str()
      ->check(CLI::Range(8, 15))
      ->type_name("N")
      ->needs(deflate)
      ->group(group);
  app.add_option("--deflate-level", compressing.level, "From 1, fast, to 9, small")
      ->capture_default_str()
      ->check(CLI::Range(1, 9))
      ->type_name("N")
      ->needs(deflate)
      ->group(group);
  add_parsed(app, "--fragment", "SIZE", "Send messages in frames of at most so many bytes", wsbench::parse_size,
             [&fragment_size](std::uint64_t bytes) { fragment_size = bytes; })
      ->group(group);
}

/// What compresses messages, if that is asked for.
inline std::shared_ptr<const wsbench::Compression> compression_of(const Compressing& compressing) {
  if (!compressing.wanted) return nullptr;
  return wsbench::deflate({.client_context_takeover = !compressing.no_context_takeover,
                           .server_context_takeover = !compressing.no_context_takeover,
                           .client_window_bits = compressing.window_bits,
                           .server_window_bits = compressing.window_bits,
                           .level = compressing.level});
}

/// How `wss://` is spoken.
inline void add_tls(CLI::App& app, Request& request) {
  const char* const group = "TLS, for wss://";
  app.add_option("--ca-file", request.tls.ca_file, "Trust these authorities (PEM) and not the system's")->type_name("FILE")->group(group);
  app.add_option("--certificate-file", request.tls.certificate_file, "Show this certificate (PEM) to a server that asks for one")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--key-file", request.tls.key_file, "The key that belongs to it (PEM)")->type_name("FILE")->group(group);
  app.add_flag_callback(
         "--tls-1.3", [&request] { request.tls.minimum = wsbench::TlsVersion::tls_1_3; }, "Refuse TLS 1.2")
      ->group(group);
  app.add_flag_callback(
         "--no-resume", [&request] { request.tls.resume = false; }, "Make a full handshake when a user reconnects too")
      ->group(group);
  app.add_flag("--insecure", request.tls.insecure, "Take any certificate; the report says so")->group(group);
}

/// Calls `make()`; an Error names the flag and not the member.
template <class Make>
auto naming_flags(Make make) {
  try {
    return make();
  } catch (const wsbench::Error& error) {
    std::string flag = "--" + error.member();
    std::replace(flag.begin(), flag.end(), '_', '-');
    throw wsbench::Error(flag, error.problem());
  }
}

/// What speaks TLS, if an address asks for it: the system's authorities take time to read.
inline std::shared_ptr<const wsbench::TlsContext> tls_of(const Request& request) {
  const auto is_secure = [](const std::string& url) { return wsbench::detail::parse_url(url).secure; };
  if (std::none_of(request.urls.begin(), request.urls.end(), is_secure)) return nullptr;
  return naming_flags([&] { return wsbench::tls(request.tls); });
}

/// How a load is made, and where runs of it are kept.
inline void add_making(CLI::App& app, Request& request) {
  const char* const group = "Run";
  add_count(app, "-w,--workers", request.options.workers, "Threads")->group(group);
  add_count(app, "--seed", request.options.seed, "Of everything random")->group(group);
  app.add_option("--commit", request.options.commit,
                 "The version that is tested [$GITHUB_SHA, $CI_COMMIT_SHA, or git's HEAD in this folder]")
      ->type_name("TEXT")
      ->group(group);
  app.add_option("--archive", request.output.archive, "Keep the run in this folder, for history and compare")
      ->type_name("DIR")
      ->group(group);
}

/// How this run is made and what is told of it.
inline void add_run(CLI::App& app, Request& request) {
  const char* const group = "Run";
  add_making(app, request);
  app.add_flag("-v,--verbose", request.output.verbose, "Tell of every answer as it comes")->group(group);
  app.add_flag("-q,--quiet", request.output.quiet, "Print no report and no progress: the exit code tells")->group(group);
  add_report_files(app, request.output.files);
}

}  // namespace cli
