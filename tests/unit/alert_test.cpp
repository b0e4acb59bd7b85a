// Alerts: when one fires, when it recovers, and what their text says.

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/alert.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::Alert;
using wsbench::AlertEvent;
using wsbench::AlertState;
using wsbench::AlertWatch;
using wsbench::parse_alert;
namespace metric = wsbench::metric;

namespace {

constexpr std::optional<double> no_data{};

const Alert slow{metric::latency.p95 > 500ms, 3min};

// What a figure a minute makes of an alert: '+' it fired, '-' it recovered, else its state: 'i', 'p' or 'f'.
std::string course(const Alert& alert, const std::vector<std::optional<double>>& figures) {
  AlertWatch watch(alert);
  std::string events;
  for (std::size_t minute = 0; minute < figures.size(); ++minute) {
    const auto event = watch.take(std::chrono::minutes{minute}, figures[minute]);
    events += event ? (*event == AlertEvent::fired ? '+' : '-') : name(watch.state()).front();
  }
  return events;
}

}  // namespace

TEST_CASE("an alert fires once when its condition has been true for long enough, and recovers once", "[alert]") {
  CHECK(course(slow, {0.1, 0.6, 0.7, 0.8, 0.9, 0.9, 0.1, 0.1}) == "ippp+f-i");
  CHECK(course({metric::latency.p95 > 500ms, 0ns}, {0.1, 0.6, 0.7, 0.1, 0.6}) == "i+f-+");
  // Exactly the bound is not beyond it.
  CHECK(course({metric::error_rate > 0.05, 0ns}, {0.05, 0.0501}) == "i+");
}

TEST_CASE("an alert that is not true for long enough tells nobody", "[alert]") {
  CHECK(course(slow, {0.6, 0.6, 0.6, 0.1, 0.6, 0.6, 0.6, 0.1}) == "pppipppi");
}

TEST_CASE("a figure that was not measured changes nothing", "[alert]") {
  CHECK(course(slow, {no_data, 0.1, no_data}) == "iii");
  CHECK(course(slow, {0.6, no_data, 0.6, no_data, 0.6, no_data, no_data, 0.1}) == "pppp+ff-");
  AlertWatch watch(slow);
  watch.take(0s, 0.6);
  watch.take(60s, no_data);
  CHECK_FALSE(watch.holds());
  CHECK(watch.state() == AlertState::pending);
  CHECK(watch.figure() == std::nullopt);
}

TEST_CASE("an answer that never came is later than any bound", "[alert]") {
  constexpr double never = std::numeric_limits<double>::infinity();
  CHECK(course(slow, {never, never, never, never, 0.1}) == "ppp+-");
  CHECK(course({metric::latency.p95 < 1ms, 0ns}, {never}) == "i");
}

TEST_CASE("an alert knows since when, and how often", "[alert]") {
  AlertWatch watch({metric::errors > 0.0, 1min});
  watch.take(30s, 1.0);
  watch.take(80s, 2.0);
  CHECK(watch.state() == AlertState::pending);
  CHECK(watch.take(90s, 3.0) == AlertEvent::fired);
  CHECK(watch.since() == 30s);
  CHECK(watch.holds());
  watch.take(100s, 0.0);
  watch.take(110s, 1.0);
  CHECK(watch.since() == 110s);
  CHECK(watch.fired() == 1);
  CHECK(watch.recovered() == 1);
}

TEST_CASE("an alert is read as it is written", "[alert]") {
  CHECK(parse_alert("latency.p95 > 500ms") == Alert{metric::latency.p95 > 500ms, 0s});
  CHECK(parse_alert("error_rate > 5%") == Alert{metric::error_rate > 0.05, 0s});
  CHECK(parse_alert("latency{asked for it}.p95 > 500ms for 3m") == Alert{metric::latency("asked for it").p95 > 500ms, 3min});
  CHECK(parse_alert("check{wait for me} < 1") == Alert{metric::check("wait for me") < 1.0, 0s});
  const Alert alert = GENERATE(Alert{metric::latency.p95 > 500ms, 0s}, Alert{metric::error_rate > 0.05, 90s},
                               Alert{metric::latency("a for b").max >= 1h, 3min});
  CHECK(parse_alert(to_string(alert)) == alert);
  CHECK(to_string(slow) == "latency.p95 > 500ms for 3m");
}

TEST_CASE("an alert that cannot be read is refused in words that name it", "[alert]") {
  const auto refusal = [](const std::string& text) {
    try {
      return to_string(parse_alert(text));
    } catch (const wsbench::Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(refusal("latenzy.p95 > 1s").starts_with("alert: \"latenzy.p95 > 1s\" has the unknown figure \"latenzy\": write a figure"));
  CHECK(refusal("error_rate > 5% for ever") ==
        "alert: \"error_rate > 5% for ever\": the time \"ever\" does not begin with a digit: "
        "write a number and one of ns, us, ms, s, m, h, such as 50ms");
  CHECK(refusal("error_rate > 5% for").starts_with("alert: "));
  CHECK(refusal("").starts_with("alert: "));
}
