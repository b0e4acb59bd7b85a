// Servers that leak what is known, watched by a soak from a shell.

#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report/json_reader.hpp>
#include <wsbench/soak.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/leaking_server.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::has;
using support::LeakingServer;
using support::Outcome;
using wsbench::Growth;
using wsbench::Report;
using wsbench::Soak;
using wsbench::SoakFinding;
using wsbench::SoakVerdict;

namespace {

constexpr unsigned patience_s = 60;

// A soak of a server, as a shell starts it; nine seconds under load are the fewest that say something of it.
class SoakProcess {
 public:
  SoakProcess(const LeakingServer& server, const std::string& saved, std::vector<std::string> load) : saved_(saved) {
    std::vector<std::string> command{WSBENCH_CLI, "soak", server.url(), "--watch-pid", std::to_string(server.id()), "--duration", "9s",
                                     "--after",   "1s",   "--json",     saved};
    command.insert(command.end(), load.begin(), load.end());
    process_.emplace(command, std::vector<std::string>{"GITHUB_STEP_SUMMARY="});
    process_->close_input();
  }

  void wait() {
    const std::optional<std::string> text = process_->read_to_end(std::chrono::seconds{patience_s});
    REQUIRE(text.has_value());
    text_ = *text;
    const std::optional<int> code = process_->wait(std::chrono::seconds{patience_s});
    REQUIRE(code.has_value());
    code_ = *code;
    INFO(text_);
    REQUIRE(has(text_, "\nSoak\n"));
    std::ifstream file(saved_, std::ios::binary);
    const std::string json{std::istreambuf_iterator<char>(file), {}};
    found_ = soak(wsbench::report_from_json(json));
  }

  const std::string& text() const { return text_; }
  int code() const { return code_; }
  const Soak& found() const { return found_; }
  const SoakFinding& memory() const {
    const SoakFinding* const finding = found_.find("server.rss");
    REQUIRE(finding != nullptr);
    return *finding;
  }

 private:
  std::string saved_;
  std::optional<ChildProcess> process_{};
  std::string text_{};
  int code_{-1};
  Soak found_{};
};

// A generator on a machine that is busy may be late, which says nothing of memory.
bool is_code(int code, const std::string& text, int expected) {
  return has(text, "INVALID") ? code == 3 : code == expected;
}

}  // namespace

TEST_CASE("a soak tells leaks a message and a connection from none, and from a cache that fills", "[cli][soak]") {
  const support::TemporaryFolder folder;
  const LeakingServer sound(patience_s);
  const LeakingServer by_message(patience_s, {.bytes_a_message = 1'024});
  const LeakingServer by_connection(patience_s, {.bytes_a_connection = 10'240});
  const LeakingServer cache(patience_s, {.bytes_a_message = 4'096, .most_bytes = std::size_t{8} << 20U});
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const std::vector<std::string> talk{"--clients", "50", "--think", "50ms"};
  SoakProcess none(sound, file("none.json"), talk);
  SoakProcess message(by_message, file("message.json"), talk);
  SoakProcess connection(by_connection, file("connection.json"), {"--arrivals", "100/s", "--messages", "1"});
  SoakProcess filled(cache, file("cache.json"), talk);
  for (SoakProcess* each : {&none, &message, &connection, &filled}) each->wait();

  INFO(none.text() << message.text() << connection.text() << filled.text());
  CHECK(none.memory().verdict == SoakVerdict::stable);
  CHECK(none.found().verdict != SoakVerdict::leaking);

  CHECK(message.found().verdict == SoakVerdict::leaking);
  CHECK(is_code(message.code(), message.text(), 99));
  REQUIRE(message.memory().per_message);
  CHECK(std::abs(message.memory().per_message->estimate - 1'024) < 102);
  CHECK(has(message.text(), "LEAKING: server.rss"));

  CHECK(connection.found().verdict == SoakVerdict::leaking);
  CHECK(is_code(connection.code(), connection.text(), 99));
  REQUIRE(connection.memory().per_connection);
  CHECK(std::abs(connection.memory().per_connection->estimate - 10'240) < 1'024);

  CHECK(cache.leaked() == std::size_t{8} << 20U);
  CHECK(filled.memory().verdict == SoakVerdict::stable);
  CHECK(filled.found().verdict != SoakVerdict::leaking);

  const Outcome again = support::run_command_line({"show", file("message.json")});
  CHECK(again.out == message.text());
  CHECK(again.exit_code == message.code());
}
