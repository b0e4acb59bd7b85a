// Commands of alerts: what they are told, and that nobody waits for them.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include <wsbench/monitor.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using support::TemporaryFolder;
using wsbench::AlertChange;
using wsbench::AlertEvent;
using wsbench::detail::AlertCommands;
namespace metric = wsbench::metric;

namespace {

std::string content_of(const std::filesystem::path& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What was told, from whatever thread.
class Told {
 public:
  void operator()(const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  mutable std::mutex mutex_{};
  std::vector<std::string> texts_{};
};

}  // namespace

TEST_CASE("a command finds the facts of its alert in its environment, one command after the other", "[alert_commands]") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "facts";
  wsbench::RunRecord round;
  round.scenario = "chat 'at' $HOME";
  round.started_at = std::chrono::system_clock::time_point{} + 300s;
  const AlertChange fired{AlertEvent::fired, {metric::latency.p95 > 500ms, 3min}, 0.6125, 180s};
  const AlertChange recovered{AlertEvent::recovered, fired.alert, std::numeric_limits<double>::infinity(), 240s};
  AlertCommands commands("env | grep ^WSBENCH_ | sort >>'" + file + "'", 30s, nullptr);
  commands.run(wsbench::detail::alert_facts(fired, round, {"ws://a/", "ws://b/"}));
  commands.run(wsbench::detail::alert_facts(recovered, round, {"ws://a/"}));
  commands.finish(30s);
  CHECK(commands.counts().succeeded == 2);
  CHECK(content_of(file) ==
        "WSBENCH_ALERT=latency.p95 > 500ms for 3m\n"
        "WSBENCH_BOUND=500ms\n"
        "WSBENCH_FIGURE=latency.p95\n"
        "WSBENCH_LASTED=3m\n"
        "WSBENCH_SCENARIO=chat 'at' $HOME\n"
        "WSBENCH_SINCE=1970-01-01T00:02:00Z\n"
        "WSBENCH_STATE=firing\n"
        "WSBENCH_URL=ws://a/ ws://b/\n"
        "WSBENCH_VALUE=612.5ms\n"
        "WSBENCH_ALERT=latency.p95 > 500ms for 3m\n"
        "WSBENCH_BOUND=500ms\n"
        "WSBENCH_FIGURE=latency.p95\n"
        "WSBENCH_LASTED=4m\n"
        "WSBENCH_SCENARIO=chat 'at' $HOME\n"
        "WSBENCH_SINCE=1970-01-01T00:01:00Z\n"
        "WSBENCH_STATE=recovered\n"
        "WSBENCH_URL=ws://a/\n"
        "WSBENCH_VALUE=no answer\n");
}

TEST_CASE("a command that hangs is killed at its deadline, told of and counted, and the next one has its turn", "[alert_commands]") {
  const TemporaryFolder folder;
  Told told;
  AlertCommands commands("test -e \"$MARK\" || exec sleep 600", 100ms, [&told](const std::string& text) { told(text); });
  const auto begin = std::chrono::steady_clock::now();
  commands.run({{"MARK", "/nowhere"}});
  commands.run({{"MARK", folder.path()}});
  CHECK(std::chrono::steady_clock::now() - begin < 50ms);
  CHECK(support::eventually([&] { return commands.counts().succeeded == 1; }));
  CHECK(commands.counts().timed_out == 1);
  CHECK(told.all() == std::vector<std::string>{"the alert's command \"test -e \"$MARK\" || exec sleep 600\" was killed after 100ms"});
}

TEST_CASE("a command that fails says so in one line", "[alert_commands]") {
  Told told;
  AlertCommands commands("echo 'no\x1b route' >&2; echo more >&2; exit 7", 30s, [&told](const std::string& text) { told(text); });
  commands.run({});
  commands.finish(30s);
  CHECK(commands.counts().failed == 1);
  REQUIRE(told.all().size() == 1);
  CHECK(told.all()[0].ends_with(" ended with 7: no? route"));
}

TEST_CASE("commands that wait are bounded, and an end does not wait for them", "[alert_commands]") {
  AlertCommands commands("exec sleep 600", 600s, nullptr);
  for (std::size_t n = 0; n < AlertCommands::most_waiting + 10; ++n) commands.run({});
  CHECK(commands.counts().dropped >= 9);
  const auto begin = std::chrono::steady_clock::now();
  commands.finish(10ms);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK(commands.counts().failed + commands.counts().dropped == AlertCommands::most_waiting + 10);
  commands.run({});
  CHECK(commands.counts().dropped >= AlertCommands::most_waiting);
}
