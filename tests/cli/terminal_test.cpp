// What the text of a report is written with: on a terminal, which `script` makes one, and elsewhere.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/report/json.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"
#include "support/full_report.hpp"
#include "support/scratch_file.hpp"
#include "support/text_checks.hpp"

using support::has;

namespace {

// A saved run that has everything in it.
void save_full_report(const support::ScratchFile& file) {
  std::ofstream(file.name()) << wsbench::to_json_text(support::full_report());
}

// What `wsbench show` prints on a terminal.
std::string shown_on_terminal(const support::ScratchFile& file, const std::vector<std::string>& environment) {
  constexpr auto patience = std::chrono::seconds{30};
  support::ChildProcess process({"script", "-qec", std::string("'") + WSBENCH_CLI + "' show '" + file.name() + "'", "/dev/null"},
                                environment);
  process.close_input();
  const std::optional<std::string> out = process.read_to_end(patience);
  REQUIRE(out.has_value());
  REQUIRE(process.wait(patience) == 99);  // it has missed some of its expectations
  return *out;
}

// Lines end as a terminal writes them.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char letter) { return letter == '\n' || letter == '\r' || (letter >= ' ' && letter <= '~'); });
}

}  // namespace

TEST_CASE("a report that is piped is plain ASCII", "[cli]") {
  const support::ScratchFile file;
  save_full_report(file);
  const support::Outcome outcome =
      support::run_command_line({"show", file.name()}, {}, {"TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=", "GITHUB_STEP_SUMMARY="});
  CHECK(outcome.exit_code == 99);
  CHECK(is_plain(outcome.out));
  CHECK(has(outcome.out, "###"));
}

TEST_CASE("a report on a terminal has its colours, and its characters where the locale has them", "[cli]") {
  const support::ScratchFile file;
  save_full_report(file);
  const std::string coloured = shown_on_terminal(file, {"TERM=xterm", "LC_ALL=C.UTF-8", "NO_COLOR="});
  CHECK(has(coloured, "\x1b[31mFAILED\x1b[0m"));
  CHECK(has(coloured, "\u2588"));
  CHECK(has(coloured, "Gr\u00fc\u00dfe"));
  const std::string ascii = shown_on_terminal(file, {"TERM=xterm", "LC_ALL=C", "LANG=en_GB.UTF-8", "NO_COLOR="});
  CHECK(has(ascii, "\x1b[31mFAILED\x1b[0m"));
  CHECK(std::none_of(ascii.begin(), ascii.end(), [](char letter) { return (static_cast<unsigned char>(letter) & 0x80U) != 0; }));
}

TEST_CASE("a terminal that asks for no colour, or cannot show any, gets plain ASCII", "[cli]") {
  const support::ScratchFile file;
  save_full_report(file);
  CHECK(is_plain(shown_on_terminal(file, {"TERM=xterm", "LC_ALL=C.UTF-8", "NO_COLOR=1"})));
  CHECK(is_plain(shown_on_terminal(file, {"TERM=dumb", "LC_ALL=C.UTF-8", "NO_COLOR="})));
  CHECK(is_plain(shown_on_terminal(file, {"TERM=", "LC_ALL=C.UTF-8", "NO_COLOR="})));
}
