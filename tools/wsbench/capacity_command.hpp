#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <future>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/capacity.hpp>
#include <wsbench/error.hpp>
#include <wsbench/report/capacity_facts.hpp>
#include <wsbench/report/capacity_html.hpp>
#include <wsbench/report/capacity_json.hpp>
#include <wsbench/report/capacity_text.hpp>
#include <wsbench/report/printable.hpp>
#include <wsbench/report/scalability_html.hpp>
#include <wsbench/report/scalability_text.hpp>
#include <wsbench/scalability.hpp>
#include <wsbench/units.hpp>

#include "exit_code.hpp"
#include "flags.hpp"
#include "interruption.hpp"
#include "keeping.hpp"
#include "make_ready.hpp"
#include "probe_flags.hpp"
#include "report_files.hpp"

namespace cli {

template <class Found>
inline constexpr auto found_forms = std::to_array<Form<Found>>({
    {"-o,--json", "Write what was found as JSON; - for stdout in place of the text", wsbench::to_json_text},
    {"--html", "Write it as one HTML page", wsbench::to_html},
});

/// What the flags of `capacity` are read into.
struct CapacityRequest {
  Request load{.scenario = {.name = "capacity", .clients = 100, .pace = wsbench::think(std::chrono::seconds{1})}};
  wsbench::CapacityOptions search{};
  std::vector<std::uint64_t> sizes{};  ///< of the sets of targets; empty: all targets are one
  FileNames<found_forms<wsbench::CapacityReport>> files{};
  const CLI::Option* clients{nullptr};        ///< the flag that is for --by rate
  std::array<const CLI::Option*, 2> paces{};  ///< those that are for --by clients
};

inline wsbench::CapacityUnit parse_unit(const std::string& text) {
  if (text == "clients") return wsbench::CapacityUnit::clients;
  if (text == "rate") return wsbench::CapacityUnit::rate;
  throw wsbench::Error("by", wsbench::detail::in_quotes(text) + " cannot be searched for: give clients or rate");
}

/// "200", "10k" or "5k/s".
inline double parse_load(const std::string& text) {
  return text.find('/') == text.npos ? static_cast<double>(wsbench::parse_count(text)) : wsbench::parse_rate(text);
}

/// "5%" as a share.
inline double parse_percent(const std::string& text) {
  double percent = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, percent);
  if (read.ec != std::errc{} || std::string_view(read.ptr, end) != "%") {
    throw wsbench::Error("percent", wsbench::detail::in_quotes(text) + " is no share: write a number and %, such as 5%");
  }
  return percent / 100;
}

/// "1,2,4".
inline std::vector<std::uint64_t> parse_sizes(const std::string& text) {
  std::vector<std::uint64_t> sizes;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    sizes.push_back(wsbench::parse_count(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return sizes;
}

/// What is searched, and how.
inline void add_search(CLI::App& app, CapacityRequest& request) {
  wsbench::CapacityOptions& search = request.search;
  wsbench::SearchLimits& limits = search.limits;
  const char* const group = "Search";
  const auto parsed = [&](const char* name, const char* type, const char* description, auto parse, auto& into) {
    return add_parsed(app, name, type, description, parse, [&into](auto value) { into = value; })->group(group);
  };
  parsed("--by", "clients|rate", "What is raised", parse_unit, search.by)->default_str("clients");
  parsed("--from", "LOAD", "Clients, or messages a second, of the first step", parse_load, limits.from)->default_str("10");
  parsed("--to", "LOAD", "The most that is tried", parse_load, limits.to)->default_str("1M");
  parsed("--precision", "SHARE", "How wide the answer may be", parse_percent, limits.precision)->default_str("5%");
  add_count(app, "--steps", limits.most_steps, "The most steps")->group(group);
  add_duration(app, "--step", search.step, "How long the figures of a step are taken")->group(group);
  add_duration(app, "--settle", search.settle, "Before that, from when all may be connected; in no figure")->group(group);
  add_duration(app, "--pause", search.pause, "Between two steps, for the server to come to rest")->group(group);
  add_duration(app, "--time", search.time, "After so long no step begins")->group(group);
  add_duration(app, "--patience", search.patience, "How long a server that was lost may take to come back")->group(group);
  parsed("--targets", "N,...", "Search with the first N of the URLs, for each N: the capacity by number of servers", parse_sizes,
         request.sizes);
}

inline void add_capacity(CLI::App& app, CapacityRequest& request) {
  Request& load = request.load;
  add_targets(app, load);
  add_search(app, request);
  add_name(app, load.scenario);
  request.clients = add_clients(app, load.scenario, "By rate: the users that share it [100]");
  CLI::Option* const think = add_think(app, load.scenario);
  think->default_str("1s");
  CLI::Option* const flat_out = add_flat_out(app, load.scenario, "Send as soon as the last answer is in")->excludes(think);
  request.paces = {think, flat_out};
  add_in_flight(app, load.scenario);
  add_conversation(app, load);
  add_behaviour(app, load);
  add_connection(app, load);
  add_frames(app, load.compressing, load.options.fragment_size, "Frames");
  add_tls(app, load);
  add_probes(app, load);
  add_making(app, load);
  app.add_flag("-q,--quiet", load.output.quiet, "Print nothing of what was found, and no step: the exit code tells")->group("Run");
  add_files<found_forms<wsbench::CapacityReport>>(app, request.files);
}

/// Throws Error for a flag that would have no effect.
inline void refuse_idle_flags(const CapacityRequest& request) {
  const bool by_rate = request.search.by == wsbench::CapacityUnit::rate;
  if (!by_rate && request.clients->count() > 0) {
    throw wsbench::Error("--clients", "they are what is searched for: say where to begin with --from, or search --by rate");
  }
  for (const CLI::Option* pace : request.paces) {
    if (by_rate && pace->count() > 0) throw wsbench::Error(pace->get_name(), "a search --by rate has the pace that it tries: leave it out");
  }
}

/// A step as it ends, as one line of a terminal.
inline void show_step(const wsbench::CapacityStep& step, wsbench::CapacityUnit by, bool several_sets) {
  std::string line = several_sets ? wsbench::servers_in_words(step.report.record().configuration.urls.size()) + ", " : std::string();
  line.append(wsbench::format_load(step.load, by)).append(": ");
  const std::string_view outcome = wsbench::detail::outcome_word(step);
  line += step.why.empty() ? std::string(outcome) : outcome == "no result" ? "no result: " + step.why : step.why;
  fmt::print(stderr, "{}\n", wsbench::detail::cut_to(79, wsbench::detail::printable(line)));
}

/// Runs the search in a thread of its own, so that an interruption comes to this one.
auto run_search(const auto& search) {
  const Interruption interruption;
  auto found = std::async(std::launch::async, [&search] { return search.run(); });
  interruption.listen();
  return found.get();
}

/// Searches, prints what was found and writes its files. `unwritten` is what the search's steps could not be kept for.
template <class Found>
ExitCode search_and_tell(const auto& search, const CapacityRequest& request, std::string& unwritten) {
  search.validate();
  Files<found_forms<Found>> files{request.files};
  const Found found = run_search(search);
  if (!request.load.output.quiet && !files.in_place_of_text()) std::cout << to_text(found) << std::flush;
  if (const std::string problems = files.write(found); !problems.empty()) unwritten += (unwritten.empty() ? "" : "; ") + problems;
  const ExitCode code = exit_code_of(found.verdict());
  if (unwritten.empty()) return code;
  fmt::print(stderr, "wsbench: {}\n", unwritten);
  return code == ExitCode::passed ? ExitCode::error : code;
}

inline ExitCode find_capacity(CapacityRequest request) {
  refuse_idle_flags(request);
  make_ready(request.load);
  const Keeping archive{request.load.output.archive};
  const bool several_sets = !request.sizes.empty();
  const bool shown = !request.load.output.quiet && ::isatty(STDERR_FILENO) != 0;
  std::string unwritten;
  wsbench::CapacityOptions search = request.search;
  search.stopped = Interruption::requested;
  search.on_step = [&](const wsbench::CapacityStep& step) {
    if (shown) show_step(step, search.by, several_sets);
    const std::string problem = archive.keep(step.report);
    if (unwritten.empty()) unwritten = problem;
  };
  const Request& load = request.load;
  if (several_sets) {
    return search_and_tell<wsbench::ScalabilityReport>(wsbench::Scalability(load.urls, request.sizes, load.scenario, search, load.options),
                                                       request, unwritten);
  }
  return search_and_tell<wsbench::CapacityReport>(wsbench::Capacity(load.urls, load.scenario, search, load.options), request, unwritten);
}

}  // namespace cli
