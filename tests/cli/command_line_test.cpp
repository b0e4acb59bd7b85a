// The command line as a shell sees it: what it prints, where, and its exit code.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/hdr_log.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/certificates.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/misbehaving_server.hpp"
#include "support/scratch_file.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::BoundSocket;
using support::ChildProcess;
using support::has;
using support::is_one_line;
using support::longest_line;
using support::MisbehavingServer;
using support::Outcome;
using support::PeerSocket;
using support::redirected;
using support::ScratchFile;

namespace {

constexpr auto patience = 30s;

Outcome run(const std::vector<std::string>& arguments, const std::string& input = {}) {
  return support::run_command_line(arguments, input);
}

const std::string nobody = "ws://127.0.0.1:9";

}  // namespace

TEST_CASE("bare and without a terminal it prints its help", "[cli]") {
  const Outcome outcome = run({});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.errors.empty());
  for (const char* command :
       {"light", "medium", "heavy", "stress", "run", "serve", "show", "merge", "compare", "history", "monitor", "capacity"})
    CHECK(has(outcome.out, command));
  CHECK(has(outcome.out, "Exit codes"));
}

TEST_CASE("help fits eighty columns", "[cli]") {
  const std::string command = GENERATE("", "light", "run", "serve", "show", "merge", "compare", "history", "monitor", "capacity");
  CAPTURE(command);
  const Outcome outcome = command.empty() ? run({"--help"}) : run({command, "--help"});
  CHECK(outcome.exit_code == 0);
  CHECK(longest_line(outcome.out) <= 80);
}

TEST_CASE("what cannot be run is refused in one line that names what is wrong", "[cli]") {
  struct Row {
    std::vector<std::string> arguments;
    std::string named;
  };
  const auto row = GENERATE(values<Row>({
      {{"heavily"}, "heavily"},
      {{"light"}, "url"},
      {{"light", "127.0.0.1:9001"}, "url"},
      {{"light", "http://127.0.0.1:9001"}, "url"},
      {{"light", "ws://127.0.0.1:0"}, "url"},
      {{"light", "ws://127.0.0.1:65536"}, "url"},
      {{"light", nobody, "--bogus"}, "--bogus"},
      {{"light", nobody, "--bearer", "/nowhere/token"}, "--bearer"},
      {{"light", nobody, "--basic", "env:WSBENCH_TEST_NO_SECRET"}, "--basic"},
      {{"light", "wss://127.0.0.1:9", "--ca-file", "/nowhere.pem"}, "--ca-file"},
      {{"light", "wss://127.0.0.1:9", "--certificate-file", "/nowhere.pem"}, "--certificate-file"},
      {{"serve", "--certificate-file", "/nowhere.pem", "--key-file", "/nowhere.key"}, "--certificate-file"},
      {{"serve", "--certificate-file", "/nowhere.pem"}, "--key-file"},
      {{"light", nobody, "--clients", "3"}, "--clients"},  // light is light
      {{"run", nobody}, "clients"},
      {{"run", nobody, "-c", "1", "-n", "1", "--message-file", "/nowhere"}, "/nowhere"},
      {{"run", nobody, "-c", "1", "-n", "1", "--message-format", "{name}"}, "format"},
      {{"run", nobody, "-c", "1", "--hold"}, "duration"},
      {{"run", nobody, "-c", "2", "-d", "1s", "--publishers", "1", "--envelope", "x"}, "envelope"},
      {{"run", nobody, "-c", "2", "-d", "1s", "--hold", "--publishers", "1"}, "--publishers"},
      {{"run", nobody, "-c", "0", "-n", "1"}, "clients"},
      {{"run", nobody, "-c", "-1", "-n", "1"}, "--clients"},
      {{"run", nobody, "-c", "many", "-n", "1"}, "--clients"},
      {{"run", nobody, "-c", "1"}, "messages"},
      {{"run", nobody, "-c", "1", "-d", "10"}, "--duration"},
      {{"run", nobody, "-c", "1", "-n", "1", "--think", "-5ms"}, "--think"},
      {{"run", nobody, "-c", "1", "-n", "1", "--think", "5ms", "--flat-out"}, "--flat-out"},
      {{"run", nobody, "-c", "1", "-n", "1", "--timeout", "0s"}, "timeout"},
      {{"run", nobody, "-c", "1", "-n", "1", "-w", "0"}, "workers"},
      {{"run", nobody, "-c", "1", "-n", "1", "-H", "no colon"}, "header"},
      {{"run", nobody, "-c", "1", "-n", "1", "-H", "Bad Name: x"}, "header"},
      {{"run", nobody, "-c", "1", "-n", "1", "--size", "1.5B"}, "--size"},
      {{"run", nobody, "-c", "1", "-n", "1", "--json", "/no/such/folder/x.json"}, "--json"},
      {{"run", nobody, "-c", "1", "-n", "1", "--hdr-log", "/no/such/folder/x.hlog"}, "--hdr-log"},
      {{"run", nobody, "-c", "1", "-n", "1", "--json", "-", "--hdr-log", "-"}, "--hdr-log"},
      {{"run", nobody, "-c", "1", "-n", "1", "--config", "/no/such/file.toml"}, "/no/such/file.toml"},
      {{"run", nobody, "-c", "10M", "-n", "1"}, "clients"},  // more than there can be descriptors
      {{"serve", "--port", "65536"}, "--port"},
      {{"serve", "--address", "localhost"}, "address"},
      {{"run", nobody, "-c", "1", "-n", "1", "--rate", "fast"}, "--rate"},
      {{"run", nobody, "-c", "1", "--rate", "0/s", "-d", "1s"}, "rate"},
      {{"run", nobody, "-c", "1", "-n", "1", "--rate", "5/s", "--think", "1s"}, "--think"},
      {{"run", nobody, "-c", "1", "-n", "1", "--poisson"}, "--poisson"},
      {{"run", nobody, "--stages", "10"}, "--stages"},
      {{"run", nobody, "--stages", "10:0s"}, "stages"},
      {{"run", nobody, "--stages", "10:1s", "-c", "3"}, "--stages"},
      {{"run", nobody, "--arrivals", "5/s"}, "duration"},
      {{"run", nobody, "-c", "1", "-d", "1s", "--warm-up", "1s"}, "warm_up"},
      {{"run", nobody, "-c", "1k", "-d", "1s", "--connect-rate", "10/s"}, "connect_rate"},
      {{"run", nobody, "-c", "1", "-n", "1", "--expect", "latency.p42 < 1s"}, "p42"},
      {{"merge", "/no/such/file.json"}, "file"},
      {{"show", "/no/such/file.json"}, "file"},
      {{"show"}, "file"},
  }));
  CAPTURE(row.arguments);
  const Outcome outcome = run(row.arguments);
  INFO(outcome.errors);
  CHECK(outcome.exit_code == 104);
  CHECK(outcome.out.empty());
  CHECK(is_one_line(outcome.errors));
  CHECK(has(outcome.errors, "wsbench: "));
  CHECK(has(outcome.errors, row.named));
}

TEST_CASE("nobody listens: exit code 2, with the reason", "[cli]") {
  const BoundSocket unheard;
  const Outcome outcome = run({"light", unheard.url()});
  CHECK(outcome.exit_code == 2);
  CHECK(has(outcome.out, "NO CONNECTION"));
  CHECK(has(outcome.out, "refused"));
}

TEST_CASE("a standard load against a sound server passes, and its report can be shown again", "[cli]") {
  const wsbench::EchoServer server;
  const ScratchFile json;
  const Outcome outcome = run({"light", server.url(), "--json", json.name()});
  INFO(outcome.out << outcome.errors);
  CHECK(support::passed_or_late(outcome));
  CHECK(outcome.errors.empty());
  CHECK(outcome.out.starts_with(outcome.exit_code == 0 ? "light: PASSED\n" : "light: INVALID\n"));
  CHECK(longest_line(outcome.out) <= 80);
  CHECK(server.counts().messages == 100);

  const wsbench::Report report = wsbench::report_from_json(json.content());
  CHECK(report.messages().answered == 100);
  CHECK(wsbench::to_text(report) == outcome.out);

  const Outcome shown = run({"show", json.name()});
  CHECK(shown.exit_code == outcome.exit_code);
  CHECK(shown.out == outcome.out);
}

TEST_CASE("JSON on stdout takes the place of the text", "[cli]") {
  const wsbench::EchoServer server;
  const Outcome outcome = run({"run", server.url(), "-c", "2", "-n", "3", "--json", "-"});
  CHECK(outcome.exit_code == 0);
  CHECK(wsbench::report_from_json(outcome.out).messages().answered == 6);
}

TEST_CASE("the durations go to a log of HdrHistogram's, beside the text or in its place", "[cli]") {
  const wsbench::EchoServer server;
  const ScratchFile log;
  const Outcome beside = run({"run", server.url(), "-c", "2", "-n", "3", "--hdr-log", log.name()});
  CHECK(beside.exit_code == 0);
  CHECK(has(beside.out, "PASSED"));
  const Outcome in_place = run({"run", server.url(), "-c", "2", "-n", "3", "--hdr-log", "-"});
  CHECK(in_place.exit_code == 0);
  for (const std::string& text : {log.content(), in_place.out}) {
    const std::vector<wsbench::HdrLogEntry> entries = wsbench::parse_hdr_log(text);
    REQUIRE(entries.size() >= 3);
    CHECK(entries[0].tag == "connect_time");
    CHECK(entries[0].histogram.count() == 2);
    CHECK(entries[1].tag == "latency");
    CHECK(entries[1].histogram.count() == 6);
  }
}

TEST_CASE("quiet says nothing but its exit code", "[cli]") {
  const wsbench::EchoServer server;
  const Outcome outcome = run({"run", server.url(), "-c", "2", "-n", "3", "-q"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.empty());
  CHECK(outcome.errors.empty());
}

TEST_CASE("verbose tells of every answer as it comes", "[cli]") {
  wsbench::EchoServer server({.swallow_every = 4});
  const Outcome outcome = run({"run", server.url(), "-c", "1", "-n", "4", "--timeout", "200ms", "-v"});
  INFO(outcome.out);
  CHECK(has(outcome.out, "Client 0 - Message 0: "));
  CHECK(has(outcome.out, " ms\nClient 0 - Message 1: "));
  CHECK(has(outcome.out, "Client 0 - Message 3: timeout after 20"));
  CHECK_FALSE(has(outcome.out, "Message 4"));
}

TEST_CASE("a file of options is read as if they were given", "[cli]") {
  const wsbench::EchoServer server;
  const std::string content =
      GENERATE(as<std::string>{}, "clients = 3\nmessages = 5\nthink = \"1ms\"\n", "[run]\nclients = 3\nmessages = 5\nthink = \"1ms\"\n");
  const ScratchFile options(content);
  const Outcome outcome = run({"run", server.url(), "--config", options.name(), "--json", "-"});
  INFO(outcome.errors);
  CHECK(outcome.exit_code == 0);
  const wsbench::Report report = wsbench::report_from_json(outcome.out);
  CHECK(report.messages().answered == 15);
  CHECK(report.record().configuration.pace == wsbench::think(1ms));
}

TEST_CASE("a file with an option that is not known is refused", "[cli]") {
  const ScratchFile options("clients = 3\nmessages = 5\nbogus = 1\n");
  const Outcome outcome = run({"run", nobody, "--config", options.name()});
  CHECK(outcome.exit_code == 104);
  CHECK(is_one_line(outcome.errors));
  CHECK(has(outcome.errors, "bogus"));
}

TEST_CASE("headers, subprotocol and message reach the server", "[cli]") {
  std::string request;
  std::string message;
  {
    MisbehavingServer server([&](PeerSocket& peer) {
      request = peer.read_request();
      peer.write(PeerSocket::agreement(request, "Sec-WebSocket-Protocol: chat\r\n"));
      if (const auto first = peer.read_message()) {
        message = first->payload;
        peer.write(support::frame(first->payload));
      }
      peer.read_close_code();
      peer.write(support::close_frame(1000));
    });
    const Outcome outcome = run({"run", server.url() + "/room?id=1", "-c", "1", "-n", "1", "-H", "X-One: 1", "-H", "Origin: http://here",
                                 "--subprotocol", "chat", "-m", "hello"});
    INFO(outcome.out << outcome.errors);
    CHECK(outcome.exit_code == 0);
  }
  CHECK(request.starts_with("GET /room?id=1 HTTP/1.1\r\n"));
  CHECK(has(request, "\r\nX-One: 1\r\n"));
  CHECK(has(request, "\r\nOrigin: http://here\r\n"));
  CHECK(has(request, "\r\nSec-WebSocket-Protocol: chat\r\n"));
  CHECK(message == "hello");
}

TEST_CASE("a secret goes from a file to the server, and nowhere else", "[cli]") {
  const ScratchFile secret("Aladdin:open sesame\n");
  const ScratchFile report;
  std::string request;
  Outcome outcome;
  {
    MisbehavingServer server([&](PeerSocket& peer) {
      request = peer.read_request();
      peer.write(PeerSocket::agreement(request));
      if (const auto first = peer.read_message()) peer.write(support::frame(first->payload));
      peer.read_close_code();
      peer.write(support::close_frame(1000));
    });
    outcome = run({"run", server.url(), "-c", "1", "-n", "1", "--basic", secret.name(), "--json", report.name()});
  }
  CHECK(outcome.exit_code == 0);
  CHECK(has(request, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  CHECK(has(report.content(), "schema_version"));
  for (const char* const part : {"sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ"}) {
    CHECK_FALSE(has(outcome.out, part));
    CHECK_FALSE(has(report.content(), part));
  }
}

TEST_CASE("a missed expectation is exit code 99", "[cli]") {
  wsbench::EchoServer server({.delay = 60ms});  // light expects less than 50 ms on average
  const Outcome outcome = run({"light", server.url()});
  INFO(outcome.out);
  CHECK(outcome.exit_code == 99);
  CHECK(has(outcome.out, "MISSED  latency.mean < 50ms"));
}

TEST_CASE("expectations can be given as text", "[cli]") {
  const wsbench::EchoServer server;
  const Outcome met = run({"run", server.url(), "-c", "1", "-n", "3", "--expect", "latency.max < 5s", "--expect", "success_rate > 99%"});
  CHECK(met.exit_code == 0);
  CHECK(has(met.out, "met     latency.max < 5s"));
  const Outcome missed = run({"run", server.url(), "-c", "1", "-n", "3", "--expect", "errors == 5"});
  CHECK(missed.exit_code == 99);
  CHECK(has(missed.out, "MISSED  errors == 5"));
}

TEST_CASE("an open load from the command line, saved, merged and shown", "[cli]") {
  const wsbench::EchoServer server;
  const ScratchFile one;
  const ScratchFile two;
  const ScratchFile all;
  for (const ScratchFile* file : {&one, &two}) {
    const Outcome outcome =
        run({"run", server.url(), "-c", "5", "--rate", "100/s", "-d", "1s", "--warm-up", "200ms", "--json", file->name()});
    INFO(outcome.out << outcome.errors);
    CHECK(support::passed_or_late(outcome));
    CHECK(longest_line(outcome.out) <= 80);
    CHECK(has(outcome.out, "rate 100/s (open loop)"));
    CHECK(has(outcome.out, "after a warm-up of 200ms"));
  }
  const Outcome merged = run({"merge", one.name(), two.name(), "-o", all.name()});
  INFO(merged.errors);
  const wsbench::Report report = wsbench::report_from_json(all.content());
  CHECK(report.record().warm_up.sent + report.messages().sent == 200);
  CHECK(report.record().configuration.clients == 10);
  CHECK(run({"show", all.name()}).out == merged.out);
}

TEST_CASE("a server that never answers an open load is exit code 99", "[cli]") {
  const wsbench::EchoServer server({.swallow_every = 1});
  const Outcome outcome = run({"run", server.url(), "-c", "2", "--rate", "100/s", "-d", "500ms", "--timeout", "200ms"});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == 99);
  CHECK(has(outcome.out, "50 sent, 0 answered, 50 failed"));
  CHECK(has(outcome.out, "FAILED: answers were expected and none came"));
}

TEST_CASE("runs of different loads are not merged", "[cli]") {
  const wsbench::EchoServer server;
  const ScratchFile one;
  const ScratchFile two;
  run({"run", server.url(), "-c", "1", "-n", "1", "--json", one.name()});
  run({"run", server.url(), "-c", "2", "-n", "1", "--json", two.name()});
  const Outcome outcome = run({"merge", one.name(), two.name()});
  CHECK(outcome.exit_code == 104);
  CHECK(is_one_line(outcome.errors));
  CHECK(has(outcome.errors, "clients"));
}

TEST_CASE("an interrupted run writes its report and exits with 105", "[cli]") {
  wsbench::EchoServer server;
  const ScratchFile errors;
  ChildProcess process(redirected({"run", server.url(), "-c", "2", "-d", "1h", "--think", "5ms", "-v"}, errors.name()));
  REQUIRE(process.read_line(patience).has_value());  // under way
  ::kill(process.pid(), SIGINT);
  const std::optional<std::string> rest = process.read_to_end(patience);
  REQUIRE(rest.has_value());
  CHECK(process.wait(patience) == 105);
  CHECK(has(*rest, "custom: INTERRUPTED"));
  CHECK(has(*rest, "Assessment"));
}

TEST_CASE("a second interruption ends it at once", "[cli]") {
  ChildProcess process({WSBENCH_CLI, "serve", "--port", "0"});
  REQUIRE(process.read_line(patience).has_value());
  // Stopped, it finds both when it goes on.
  ::kill(process.pid(), SIGSTOP);
  ::kill(process.pid(), SIGINT);
  ::kill(process.pid(), SIGTERM);
  ::kill(process.pid(), SIGCONT);
  CHECK(process.wait(patience) == 128 + SIGTERM);
}

TEST_CASE("connections that are only held, with pings", "[cli]") {
  const wsbench::EchoServer server;
  const Outcome outcome = run({"run", server.url(), "-c", "3", "-d", "500ms", "--hold", "--ping-every", "50ms"});
  INFO(outcome.out << outcome.errors);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("pings") != std::string::npos);
  CHECK(outcome.out.find("0 failed") != std::string::npos);
  CHECK(server.counts().messages == 0);
}

TEST_CASE("a report that cannot be written is an error, and is on stdout all the same", "[cli]") {
  const wsbench::EchoServer server;
  SECTION("a full disk") {
    const bool quiet = GENERATE(false, true);
    CAPTURE(quiet);
    const ScratchFile log;
    std::vector<std::string> arguments{"run", server.url(), "-c", "2", "-n", "3", "--json", "/dev/full", "--hdr-log", log.name()};
    if (quiet) arguments.emplace_back("--quiet");
    const Outcome outcome = run(arguments);
    INFO(outcome.out << outcome.errors);
    CHECK(outcome.exit_code == 1);
    CHECK(has(outcome.out, "6 sent, 6 answered, 0 failed"));
    CHECK(has(outcome.errors, "--json"));
    CHECK(has(outcome.errors, "/dev/full"));
    CHECK_FALSE(wsbench::parse_hdr_log(log.content()).empty());  // one file that cannot be written keeps no other
  }
  SECTION("stdout itself is full") {
    const ScratchFile json;
    ChildProcess process({"sh", "-c", "exec \"$0\" \"$@\" >/dev/full 2>/dev/null", WSBENCH_CLI, "run", server.url(), "-c", "2", "-n", "3",
                          "--json", json.name()});
    CHECK(process.wait(patience).has_value());
    CHECK(wsbench::report_from_json(json.content()).messages().answered == 6);
  }
}

TEST_CASE("any load can have its connections pinged", "[cli]") {
  const wsbench::EchoServer server;
  const Outcome outcome =
      run({"run", server.url(), "-c", "3", "-n", "10", "--think", "50ms", "--ping-every", "100ms", "--ping-timeout", "5s"});
  INFO(outcome.out << outcome.errors);
  CHECK(support::passed_or_late(outcome));
  CHECK(outcome.out.find("pinged every 100ms") != std::string::npos);
  CHECK(outcome.out.find("pong after") != std::string::npos);
  CHECK(server.counts().messages == 30);
}

TEST_CASE("a broadcast from the command line is judged by its deliveries", "[cli]") {
  const wsbench::EchoServer server({.to_all = true});
  const Outcome outcome = run({"run", server.url(), "-c", "10", "--publishers", "2", "--rate", "50/s", "-d", "1s", "--warm-up", "200ms",
                               "--envelope", R"({"say":"$publication"})", "--expect", "missing_deliveries == 0"});
  INFO(outcome.out << outcome.errors);
  CHECK(support::passed_or_late(outcome));
  CHECK(outcome.out.find("0 missing") != std::string::npos);
  CHECK(outcome.out.find("missing_deliveries == 0") != std::string::npos);
}

TEST_CASE("messages from a file and by a format", "[cli]") {
  const wsbench::EchoServer server;
  const ScratchFile message("what is said");
  CHECK(run({"run", server.url(), "-c", "1", "-n", "3", "--message-file", message.name()}).exit_code == 0);
  CHECK(run({"run", server.url(), "-c", "1", "-n", "3", "--message-format", R"({{"id":{client},"n":{message}}})"}).exit_code == 0);
  CHECK(server.counts().answered == 6);
}

TEST_CASE("serve says where it listens and what it did", "[cli]") {
  ChildProcess process({WSBENCH_CLI, "serve", "--port", "0", "--swallow-every", "5"});
  const std::optional<std::string> line = process.read_line(patience);
  REQUIRE(line.has_value());
  const std::size_t at = line->find("ws://");
  REQUIRE(at != std::string::npos);
  const std::string url = line->substr(at, line->find(' ', at) - at);
  const Outcome outcome = run({"run", url, "-c", "1", "-n", "10", "--timeout", "200ms"});
  CHECK(outcome.exit_code == 0);  // nothing was expected but answers
  CHECK(has(outcome.out, "10 sent, 8 answered, 2 failed"));
  ::kill(process.pid(), SIGTERM);
  const std::optional<std::string> rest = process.read_to_end(patience);
  REQUIRE(rest.has_value());
  CHECK(process.wait(patience) == 0);
  CHECK(has(*rest, "1 connections, 10 messages, 8 answered, 2 swallowed"));
}

TEST_CASE("wss: a certificate of its own authority is taken, another is not, and any where that is asked for", "[cli]") {
  const support::Certificate authority({.name = "an authority"});
  const support::Certificate localhost({}, authority);
  ChildProcess server({WSBENCH_CLI, "serve", "--port", "0", "--certificate-file", localhost.file(), "--key-file", localhost.key_file()});
  const std::optional<std::string> line = server.read_line(patience);
  REQUIRE(line.has_value());
  const std::size_t at = line->find("wss://");
  REQUIRE(at != std::string::npos);
  const std::string url = line->substr(at, line->find(' ', at) - at);

  const Outcome trusted = run({"run", url, "-c", "2", "-n", "3", "--ca-file", authority.file()});
  CHECK(trusted.exit_code == 0);
  CHECK(has(trusted.out, "  TLS  "));
  CHECK_FALSE(has(trusted.out, "NOT CHECKED"));

  const Outcome untrusted = run({"run", url, "-c", "2", "-n", "3"});
  CHECK(untrusted.exit_code == 2);
  CHECK(has(untrusted.out, "certificate_untrusted"));

  const Outcome insecure = run({"run", url, "-c", "2", "-n", "3", "--insecure"});
  CHECK(insecure.exit_code == 0);
  CHECK(has(insecure.out, "NOT CHECKED"));
}

TEST_CASE("serve sends to all where it is told to", "[cli]") {
  ChildProcess process({WSBENCH_CLI, "serve", "--port", "0", "--to-all"});
  const std::optional<std::string> line = process.read_line(patience);
  REQUIRE(line.has_value());
  const std::size_t at = line->find("ws://");
  REQUIRE(at != std::string::npos);
  const wsbench::Scenario scenario{
      .clients = 3, .duration = 500ms, .warm_up = 200ms, .pace = wsbench::think(20ms), .behaviour = wsbench::broadcast()};
  const wsbench::Report report = wsbench::LoadTest{line->substr(at, line->find(' ', at) - at), scenario}.run();
  CHECK(report.metrics().fan_out.published > 0);
  CHECK(report.metrics().fan_out.expected == 2 * report.metrics().fan_out.published);
  CHECK(report.metrics().fan_out.missing() == 0);
  ::kill(process.pid(), SIGTERM);
  CHECK(process.wait(patience) == 0);
}

TEST_CASE("on a terminal it asks which load, and where", "[cli]") {
  // script gives it a terminal; its input is what was typed.
  ChildProcess process({"script", "-qec", WSBENCH_CLI, "/dev/null"});
  process.write_line("5");
  process.write_line("light");
  process.write_line("");
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out.has_value());
  INFO(*out);
  REQUIRE(process.wait(patience).has_value());
  CHECK(has(*out, "\"5\" is none of them"));
  CHECK(has(*out, "100 sent, 100 answered"));
}
