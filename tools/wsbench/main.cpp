// The command line: reads its arguments into the library's own aggregates, runs, and prints.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <wsbench/merging.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/wsbench.hpp>

#include "capacity_command.hpp"
#include "choice.hpp"
#include "compare_command.hpp"
#include "exit_code.hpp"
#include "flags.hpp"
#include "github.hpp"
#include "help.hpp"
#include "history_command.hpp"
#include "interruption.hpp"
#include "keeping.hpp"
#include "make_ready.hpp"
#include "monitor_command.hpp"
#include "probe_flags.hpp"
#include "progress.hpp"
#include "report_files.hpp"
#include "soak_command.hpp"
#include "standard_loads.hpp"
#include "terminal.hpp"

namespace {

using namespace std::chrono_literals;
using cli::ExitCode;

constexpr auto look_interval = 20ms;  // how soon an interruption is heeded
constexpr auto progress_interval = 500ms;

wsbench::Report run_to_end(const wsbench::LoadTest& test, cli::Progress& progress) {
  const cli::Interruption interruption;
  wsbench::Run run = test.start();
  interruption.listen();
  auto next_progress = std::chrono::steady_clock::now() + progress_interval;
  for (bool stopped = false; !run.wait_for(look_interval);) {
    if (cli::Interruption::requested() && !std::exchange(stopped, true)) run.stop();
    if (progress.shown() && std::chrono::steady_clock::now() >= next_progress) {
      progress.show(run.snapshot());
      next_progress += progress_interval;
    }
  }
  progress.clear();
  return run.wait();
}

/// Prints the report, unless that is not wanted, and writes its files; `unwritten` is what could not be written before.
ExitCode tell(const wsbench::Report& report, cli::ReportFiles& files, bool quiet, std::string unwritten = {}) {
  const auto print = [&] {
    if (!files.in_place_of_text()) std::cout << to_text(report, cli::style_of_stdout()) << std::flush;
  };
  if (!quiet) print();
  if (const std::string problems = files.write(report); !problems.empty()) unwritten += (unwritten.empty() ? "" : "; ") + problems;
  const ExitCode code = cli::exit_code_of(report);
  if (unwritten.empty()) return code;
  if (quiet) print();  // or there would be nothing of the run
  fmt::print(stderr, "wsbench: {}\n", unwritten);
  return code == ExitCode::passed ? ExitCode::error : code;
}

ExitCode run(cli::Request request) {
  cli::make_ready(request);
  const wsbench::LoadTest test{request.urls, request.scenario, request.options};
  test.validate();
  cli::ReportFiles files{request.output.files};
  const cli::Keeping archive{request.output.archive};
  cli::Progress progress{!request.output.quiet && !request.output.verbose};
  const wsbench::Report measured = run_to_end(test, progress);
  const wsbench::Report report = request.soak ? as_soak(measured) : measured;
  std::fflush(stdout);  // what --verbose printed comes before the report
  std::string unwritten = archive.keep(report);
  if (const std::string problem = cli::tell_github(report); !problem.empty()) unwritten += (unwritten.empty() ? "" : "; ") + problem;
  return tell(report, files, request.output.quiet, std::move(unwritten));
}

ExitCode monitor(cli::MonitorRequest request) {
  cli::make_ready(request.run);
  cli::end_load(request.run.scenario);
  if (request.monitoring.listen == "none") request.monitoring.listen.clear();
  request.monitoring.on_trouble = [](const std::string& text) { fmt::print(stderr, "wsbench: {}\n", text); };
  if (!request.once) return cli::monitor_until_interrupted(std::move(request));
  cli::ReportFiles files{request.run.output.files};
  const cli::Keeping archive{request.run.output.archive};
  const wsbench::MonitorRound round = cli::monitor_once(request);
  const ExitCode code = tell(*round.report, files, request.run.output.quiet, archive.keep(*round.report));
  return code == ExitCode::passed && !round.changes.empty() ? ExitCode::failed : code;
}

ExitCode run_chosen() {
  cli::Choice choice = cli::ask();
  std::optional<wsbench::EchoServer> server;
  if (!choice.url) choice.url = server.emplace().url();
  std::cout << '\n';
  cli::Request request;
  request.urls = {*choice.url};
  request.scenario = std::move(choice.scenario);
  return run(std::move(request));
}

ExitCode serve(const wsbench::EchoServer::Options& options) {
  cli::raise_open_file_limit();
  const cli::Interruption interruption;
  wsbench::EchoServer server{options};
  interruption.listen();
  std::cout << "echo server listening at " << server.url() << " (end with Ctrl-C)" << std::endl;
  while (!cli::Interruption::requested()) std::this_thread::sleep_for(look_interval);
  server.stop();
  const wsbench::EchoServer::Counts counts = server.counts();
  fmt::print("\n{} connections, {} messages, {} answered, {} swallowed\n", wsbench::format_count(counts.connections),
             wsbench::format_count(counts.messages), wsbench::format_count(counts.answered), wsbench::format_count(counts.swallowed));
  return ExitCode::passed;
}

std::string contents_of(const std::string& name) {
  std::ifstream file{name, std::ios::binary};
  if (!file) throw wsbench::Error("file", "cannot read " + wsbench::detail::in_quotes(name) + ": give a file that --json wrote");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

ExitCode show(const std::string& name, const cli::ReportFileNames& output) {
  const wsbench::Report report = wsbench::report_from_json(contents_of(name));
  cli::ReportFiles files{output};
  return tell(report, files, false);
}

ExitCode merge(const std::vector<std::string>& names, const cli::ReportFileNames& output) {
  std::vector<wsbench::Report> reports;
  reports.reserve(names.size());
  for (const std::string& name : names) reports.push_back(wsbench::report_from_json(contents_of(name)));
  const wsbench::Report all = wsbench::merge(reports);
  cli::ReportFiles files{output};
  return tell(all, files, false, cli::tell_github(all));
}

/// CLI11's TOML, in which options without a section are those of the command that was given.
class CommandConfig final : public CLI::ConfigBase {
 public:
  explicit CommandConfig(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> options = CLI::ConfigBase::from_config(input);
    for (const CLI::App* command : app_.get_subcommands()) {
      for (CLI::ConfigItem& item : options) {
        if (item.parents.empty()) item.parents = {command->get_name()};
      }
    }
    return options;
  }

 private:
  const CLI::App& app_;
};

/// All commands: each sets what is to be done when the arguments have been read.
class CommandLine {
 public:
  CommandLine() {
    app_.formatter(std::make_shared<cli::Help>());
    app_.set_help_flag("-h,--help", "Print this and exit");
    app_.set_version_flag("--version", std::string("wsbench ") + wsbench::version, "Print the version and exit");
    app_.require_subcommand(0, 1);
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.fallthrough();  // so that --config may stand behind the command
    app_.set_config("--config", "", "Read a command's options from a TOML file: think = \"50ms\"")->type_name("FILE");
    app_.config_formatter(std::make_shared<CommandConfig>(app_));
    app_.footer(
        "Quantities carry units: 50ms, 2m, 10k, 64B.\n"
        "Exit codes: 0 passed, 99 an expectation missed, 3 invalid result,\n"
        "2 nothing could connect, 105 interrupted, 104 bad configuration, 1 other error.\n"
        "Options may stand in a TOML file: wsbench run URL --config load.toml\n"
        "More about a command: wsbench COMMAND --help");
    add_standard_loads();
    add_run_command();
    add_soak_command();
    add_serve_command();
    add_show_command();
    add_merge_command();
    add_compare_command();
    add_history_command();
    add_monitor_command();
    add_capacity_command();
  }

  ExitCode run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {
        app_.exit(error);  // --help, --version
        return ExitCode::passed;
      }
      throw wsbench::Error("command line", problem_of(error) + ": see " + command_name() + " --help");
    }
    if (action_) return action_();
    if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0) return run_chosen();
    std::cout << app_.help();
    return ExitCode::passed;
  }

 private:
  static std::string problem_of(const CLI::ParseError& error) {
    std::string text = error.what();
    // CLI11's own words for it run to "The following arguments were not expected: ...".
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return text.substr(text.find(": ") + 2) + " is not known here";
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
    return text;
  }

  // As far as the arguments name one.
  std::string command_name() const {
    std::string name = app_.get_name();
    for (const CLI::App* command : app_.get_subcommands()) name += ' ' + command->get_name();
    return name;
  }

  template <class Action>
  CLI::App& add_command(const std::string& name, const std::string& description, Action action) {
    CLI::App* const command = app_.add_subcommand(name, description);
    command->callback([this, action] { action_ = action; });
    return *command;
  }

  void add_standard_loads() {
    for (const cli::StandardLoad& load : cli::standard_loads) {
      auto request = std::make_shared<cli::Request>();
      request->scenario = load.scenario();
      CLI::App& command = add_command(request->scenario.name, description_of(load), [request] { return ::run(*request); });
      cli::add_targets(command, *request);
      add_conversation(command, *request);
      add_connection(command, *request);
      add_frames(command, request->compressing, request->options.fragment_size, "Frames");
      add_tls(command, *request);
      add_probes(command, *request);
      add_run(command, *request);
    }
  }

  void add_run_command() {
    auto request = std::make_shared<cli::Request>();
    add_any_load(add_command("run", "Any load, from the command line", [request] { return ::run(*request); }), *request);
  }

  void add_soak_command() {
    auto request = std::make_shared<cli::Request>(cli::soak_request());
    CLI::App& command = add_command("soak", "A steady load for long, which looks for leaks and decay [-c 200 --think 1s --duration 1h]",
                                    [request] { return ::run(*request); });
    add_any_load(command, *request);
    add_soak(command, *request);
  }

  static void add_any_load(CLI::App& command, cli::Request& request) {
    add_targets(command, request);
    add_load(command, request);
    add_conversation(command, request);
    add_behaviour(command, request);
    add_connection(command, request);
    add_frames(command, request.compressing, request.options.fragment_size, "Frames");
    add_tls(command, request);
    cli::add_probes(command, request);
    add_run(command, request);
  }

  void add_serve_command() {
    auto options = std::make_shared<wsbench::EchoServer::Options>();
    auto tls = std::make_shared<wsbench::TlsServerOptions>();
    auto compressing = std::make_shared<cli::Compressing>();
    options->port = 9001;
    CLI::App& command = add_command("serve", "The embedded echo server", [options, tls, compressing] {
      options->deflate = cli::compression_of(*compressing);
      if (!tls->certificate_file.empty()) options->tls = cli::naming_flags([&] { return wsbench::tls_server(*tls); });
      return serve(*options);
    });
    command.add_option("--address", options->address, "Numeric address to listen at")->capture_default_str()->type_name("ADDRESS");
    command.add_option("--port", options->port, "0 picks a free one")->capture_default_str()->type_name("PORT");
    command.add_option("--socket", options->socket, "Listen at this Unix socket instead")->type_name("PATH");
    command.add_flag("--to-all", options->to_all, "Send each message to all clients that are connected, as a chat does");
    cli::add_duration(command, "--delay", options->delay, "Answer each message so long after it came");
    cli::add_count(command, "--swallow-every", options->swallow_every, "Give no answer to every Nth message");
    cli::add_count(command, "--close-every", options->close_every, "Close every Nth connection at its first message");
    command.add_option("--greeting", options->greeting, "Send this to each client as it connects")->type_name("TEXT");
    cli::add_duration(command, "--stall-at", options->stall_at, "So long after the start, stall");
    cli::add_duration(command, "--stall-for", options->stall_for, "Neither read nor write for so long");
    cli::add_frames(command, *compressing, options->fragment_size, "Options");
    CLI::Option* const certificate = command.add_option("--certificate-file", tls->certificate_file, "Speak TLS with this chain (PEM)");
    CLI::Option* const key = command.add_option("--key-file", tls->key_file, "The key that belongs to it (PEM)");
    certificate->type_name("FILE")->needs(key);
    key->type_name("FILE")->needs(certificate);
    command.add_option("--client-ca-file", tls->client_ca_file, "Ask clients for a certificate that one of these (PEM) signed")
        ->type_name("FILE")
        ->needs(certificate);
  }

  void add_show_command() {
    auto file = std::make_shared<std::string>();
    auto output = std::make_shared<cli::ReportFileNames>();
    CLI::App& command = add_command("show", "A saved run, rendered again", [file, output] { return show(*file, *output); });
    command.add_option("file", *file, "What --json wrote")->required()->type_name("RUN.json");
    cli::add_report_files(command, *output);
  }

  void add_merge_command() {
    auto files = std::make_shared<std::vector<std::string>>();
    auto output = std::make_shared<cli::ReportFileNames>();
    CLI::App& command =
        add_command("merge", "Runs of one scenario at the same time, as one", [files, output] { return merge(*files, *output); });
    command.add_option("files", *files, "What --json wrote")->required()->type_name("RUN.json...");
    cli::add_report_files(command, *output);
  }

  void add_compare_command() {
    auto request = std::make_shared<cli::CompareRequest>();
    CLI::App& command =
        add_command("compare", "Runs of a new version with those of an old one", [request] { return cli::compare(*request); });
    cli::add_compare(command, *request);
  }

  void add_history_command() {
    auto folder = std::make_shared<std::string>();
    CLI::App& command =
        add_command("history", "The runs that --archive kept, and their trends", [folder] { return cli::show_history(*folder); });
    command.add_option("folder", *folder, "What --archive was given")->required()->type_name("DIR");
  }

  void add_monitor_command() {
    auto request = std::make_shared<cli::MonitorRequest>();
    cli::set_light_load(request->run.scenario);
    CLI::App& command = add_command("monitor", "A light load again and again, with alerts and a page for Prometheus",
                                    [request] { return monitor(*request); });
    cli::add_targets(command, request->run);
    cli::add_load(command, request->run);
    cli::add_conversation(command, request->run);
    cli::add_behaviour(command, request->run);
    cli::add_connection(command, request->run);
    cli::add_frames(command, request->run.compressing, request->run.options.fragment_size, "Frames");
    cli::add_tls(command, request->run);
    cli::add_probes(command, request->run);
    cli::add_run(command, request->run);
    cli::add_monitor(command, *request);
  }

  void add_capacity_command() {
    auto request = std::make_shared<cli::CapacityRequest>();
    CLI::App& command = add_command("capacity", "The most clients, or the highest rate, at which all that is expected holds",
                                    [request] { return cli::find_capacity(*request); });
    cli::add_capacity(command, *request);
  }

  CLI::App app_{"Load tests for WebSocket servers.", "wsbench"};
  std::function<ExitCode()> action_{};
};

}  // namespace

int main(int argc, char** argv) {
  try {
    return static_cast<int>(CommandLine{}.run(argc, argv));
  } catch (const wsbench::Error& error) {
    fmt::print(stderr, "wsbench: {}\n", error.what());
    return static_cast<int>(ExitCode::bad_configuration);
  } catch (const std::exception& error) {
    fmt::print(stderr, "wsbench: {}\n", error.what());
    return static_cast<int>(ExitCode::error);
  }
}
