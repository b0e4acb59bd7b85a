#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <wsbench/scenario.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Behaviour;
using wsbench::Comparison;
using wsbench::Expectation;
using wsbench::Pace;
using wsbench::Population;
using wsbench::Scenario;
using wsbench::Session;
using wsbench::Statistic;
using wsbench::Task;
using wsbench::Unit;
namespace metric = wsbench::metric;

namespace {

template <class Left, class Right>
concept IsBoundedBy = requires(const Left& left, const Right& right) {
  { left < right } -> std::same_as<Expectation>;
  { left <= right } -> std::same_as<Expectation>;
  { left > right } -> std::same_as<Expectation>;
  { left >= right } -> std::same_as<Expectation>;
  { left == right } -> std::same_as<Expectation>;
};

using Latency = decltype(metric::latency.p99);
using SuccessRate = std::remove_const_t<decltype(metric::success_rate)>;
using Errors = std::remove_const_t<decltype(metric::errors)>;

Task say_nothing(Session&) {
  co_return;
}

}  // namespace

// An expectation in an `if` or a CHECK is a mistake: nothing was measured yet.
static_assert(!std::is_convertible_v<decltype(metric::latency.p99 < 20ms), bool>);
static_assert(!std::is_constructible_v<bool, decltype(metric::latency.p99 < 20ms)>);
static_assert(!std::is_constructible_v<bool, decltype(metric::success_rate > 0.99)>);
static_assert(!std::is_constructible_v<bool, decltype(metric::errors == 0)>);

// Durations are bounded by durations, everything else by numbers, and the two do not mix.
static_assert(IsBoundedBy<Latency, std::chrono::milliseconds> && IsBoundedBy<Latency, std::chrono::hours>);
static_assert(!IsBoundedBy<Latency, int> && !IsBoundedBy<Latency, double>);
static_assert(IsBoundedBy<SuccessRate, double> && IsBoundedBy<SuccessRate, int> && IsBoundedBy<Errors, int>);
static_assert(!IsBoundedBy<SuccessRate, std::chrono::milliseconds> && !IsBoundedBy<Errors, std::chrono::milliseconds>);

// Named metrics cost nothing before they are compared.
static_assert(metric::latency("post").p99.label == "post");

static_assert(std::is_convertible_v<int, Population> && std::is_convertible_v<std::uint64_t, Population>);
static_assert(!std::is_convertible_v<double, Population>);
static_assert(!std::is_convertible_v<bool, Pace> && !std::is_convertible_v<nanoseconds, Pace>);

// A behaviour takes what can be called with a session and returns a task, and nothing else.
static_assert(std::is_convertible_v<Task (*)(Session&), Behaviour>);
static_assert(!std::is_constructible_v<Behaviour, int> && !std::is_constructible_v<Behaviour, void (*)(Session&)> &&
              !std::is_constructible_v<Behaviour, Task (*)(int)>);

TEST_CASE("an expectation reads as it is written", "[scenario]") {
  struct Row {
    Expectation expectation{};
    std::string text{};
  };
  const std::vector<Row> rows{
      {metric::latency.p99 < 20ms, "latency.p99 < 20ms"},
      {metric::latency.mean <= 1500us, "latency.mean <= 1.5ms"},
      {metric::latency.min > 1ns, "latency.min > 1ns"},
      {metric::latency.max >= 2min, "latency.max >= 2m"},
      {metric::latency.p50 == 0ns, "latency.p50 == 0s"},
      {metric::latency.p90 < 1s, "latency.p90 < 1s"},
      {metric::latency.p95 < 100ms, "latency.p95 < 100ms"},
      {metric::latency.p99_9 < 1s + 1ns, "latency.p99_9 < 1000000.001us"},
      {metric::service_time.p99 < 5ms, "service_time.p99 < 5ms"},
      {metric::connect_time.max < 500ms, "connect_time.max < 500ms"},
      {metric::latency("post").p99 < 50ms, "latency{post}.p99 < 50ms"},
      {metric::service_time("post").mean < 50ms, "service_time{post}.mean < 50ms"},
      {metric::success_rate > 0.995, "success_rate > 99.5%"},
      {metric::success_rate >= 0.07, "success_rate >= 7%"},
      {metric::success_rate > 0.9999999, "success_rate > 99.99999%"},
      {metric::connection_success_rate == 1.0, "connection_success_rate == 100%"},
      {metric::success_rate > 0, "success_rate > 0%"},
      {metric::errors == 0, "errors == 0"},
      {metric::errors <= 1'234'567, "errors <= 1234567"},
      {metric::messages_per_second > 50, "messages_per_second > 50/s"},
      {metric::messages_per_second >= 0.5, "messages_per_second >= 0.5/s"},
      {metric::check("welcomed") > 0.99, "check{welcomed} > 99%"},
  };
  for (const Row& row : rows) CHECK(to_string(row.expectation) == row.text);
}

TEST_CASE("a bound's text has every digit that was written", "[scenario]") {
  std::mt19937_64 random{37};
  for (int round = 0; round < 5'000; ++round) {
    const std::uint64_t parts = random() % 1'000'000'000'000;
    const double share = static_cast<double>(parts) / 1e12;
    const std::string text = wsbench::exact_figure(share, Unit::share);
    INFO(text);
    CHECK(std::llround(std::stod(text) * 1e10) == static_cast<std::int64_t>(parts));
    const auto nanosecond_count = static_cast<std::int64_t>(parts);
    CHECK(to_string(metric::latency.max < nanoseconds{nanosecond_count}) ==
          "latency.max < " + wsbench::exact_duration(nanoseconds{nanosecond_count}));
  }
}

TEST_CASE("a bound beyond what nanoseconds hold is still printed", "[scenario]") {
  CHECK(to_string(metric::latency.max < nanoseconds::max()) == "latency.max < 9223372036.85478s");
  CHECK(wsbench::exact_figure(std::numeric_limits<double>::infinity(), Unit::seconds) == "infs");
  CHECK(wsbench::exact_figure(-1.5, Unit::seconds) == "-1.5s");
}

TEST_CASE("comparisons are met by what they say", "[scenario]") {
  struct Row {
    Expectation expectation{};
    bool below{};
    bool at{};
    bool above{};
  };
  const std::vector<Row> rows{
      {metric::success_rate < 0.5, true, false, false},  {metric::success_rate <= 0.5, true, true, false},
      {metric::success_rate > 0.5, false, false, true},  {metric::success_rate >= 0.5, false, true, true},
      {metric::success_rate == 0.5, false, true, false},
  };
  for (const Row& row : rows) {
    INFO(to_string(row.expectation));
    CHECK(row.expectation.met_by(0.25) == row.below);
    CHECK(row.expectation.met_by(0.5) == row.at);
    CHECK(row.expectation.met_by(0.75) == row.above);
    CHECK_FALSE(row.expectation.met_by(std::numeric_limits<double>::quiet_NaN()));
  }
}

TEST_CASE("a duration's bound is kept in seconds", "[scenario]") {
  const Expectation expectation = metric::latency("post").p95 <= 250ms;
  CHECK(expectation.metric ==
        wsbench::MetricName{.quantity = "latency", .statistic = Statistic::p95, .label = "post", .unit = Unit::seconds});
  CHECK(expectation.comparison == Comparison::less_equal);
  CHECK(expectation.bound == 0.25);
  CHECK(expectation.met_by(0.25));
  CHECK_FALSE(expectation.met_by(0.250000001));
}

TEST_CASE("a labelled metric keeps its label when the text it came from is gone", "[scenario]") {
  std::optional<std::string> label{std::string(100, 'a')};
  const Expectation expectation = metric::latency(*label).p99 < 1ms;
  const Expectation checked = metric::check(*label) > 0.5;
  label.reset();
  CHECK(expectation.metric.label == std::string(100, 'a'));
  CHECK(checked.metric.label == std::string(100, 'a'));
}

TEST_CASE("expectations are equal when every part is", "[scenario]") {
  const Expectation expectation = metric::latency.p99 < 20ms;
  CHECK(expectation == (metric::latency.p99 < 20'000us));
  CHECK_FALSE(expectation == (metric::latency.p95 < 20ms));
  CHECK_FALSE(expectation == (metric::service_time.p99 < 20ms));
  CHECK_FALSE(expectation == (metric::latency.p99 <= 20ms));
  CHECK_FALSE(expectation == (metric::latency.p99 < 21ms));
  CHECK_FALSE(expectation == (metric::latency("post").p99 < 20ms));
}

TEST_CASE("a population takes any integer", "[scenario]") {
  CHECK(Population{}.clients() == 0);
  CHECK(Population{static_cast<short>(7)}.clients() == 7);
  CHECK(Population{static_cast<signed char>(7)}.clients() == 7);
  CHECK(Population{static_cast<std::uint8_t>(200)}.clients() == 200);
  CHECK(Population{1'000}.clients() == 1'000);
  CHECK(Population{1'000U}.clients() == 1'000);
  CHECK(Population{1'000L}.clients() == 1'000);
  CHECK(Population{1'000ULL}.clients() == 1'000);
  CHECK(Population{std::string(3, 'x').size()}.clients() == 3);
  CHECK(Population{1'000} == Population{std::size_t{1'000}});
  CHECK_FALSE(Population{1'000} == Population{1'001});
}

TEST_CASE("a population that can not be is kept as such, to be refused", "[scenario]") {
  CHECK(Population{-1}.clients() == -1);
  CHECK(Population{std::numeric_limits<std::int64_t>::min()}.clients() == std::numeric_limits<std::int64_t>::min());
  CHECK(Population{std::numeric_limits<std::uint64_t>::max()}.clients() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a pace says when the next message is due", "[scenario]") {
  CHECK(Pace{} == wsbench::flat_out());
  CHECK(wsbench::flat_out().kind() == Pace::Kind::flat_out);
  CHECK(wsbench::flat_out().think_time() == 0ns);
  CHECK(wsbench::think(50ms).kind() == Pace::Kind::think);
  CHECK(wsbench::think(50ms).think_time() == 50ms);
  CHECK(wsbench::think(1s) == wsbench::think(1'000ms));
  CHECK_FALSE(wsbench::think(0ms) == wsbench::flat_out());
  CHECK(to_string(wsbench::think(50ms)) == "think 50ms");
  CHECK(to_string(wsbench::think(1500ms)) == "think 1.5s");
  CHECK(to_string(wsbench::think(0ms)) == "think 0s");
  CHECK(to_string(wsbench::flat_out()) == "flat out");
}

TEST_CASE("stages and rates are written without an exponent, so that they can be read", "[scenario]") {
  const std::vector<wsbench::Stage> course{{0.000'000'25, 1s}, {20, 0s}, {2e15, 1min}, {1e22, 1500ms}};
  CHECK(to_string(course) == "0.00000025:1s,20:0s,2000000000000000:1m,10000000000000000000000:1.5s");
  CHECK(wsbench::parse_stages(to_string(course), wsbench::parse_rate) == course);
  CHECK(to_string(wsbench::rate(0.000'01)) == "rate 0.00001/s");
  CHECK(to_string(wsbench::arrivals(0.000'01)) == "0.00001/s arriving");
}

TEST_CASE("a scenario is built by naming its members", "[scenario]") {
  const Scenario scenario{
      .name = "chat",
      .clients = 1000,
      .ramp_up = 10s,
      .messages = 20,
      .duration = 1min,
      .pace = wsbench::think(50ms),
      .timeout = 2s,
      .behaviour = say_nothing,
      .expect = {metric::latency.p99<20ms, metric::success_rate> 0.999},
  };
  CHECK(scenario.name == "chat");
  CHECK(scenario.clients.clients() == 1000);
  CHECK(scenario.ramp_up == 10s);
  CHECK(scenario.messages == 20);
  CHECK(scenario.duration == 1min);
  CHECK(scenario.pace == wsbench::think(50ms));
  CHECK(scenario.timeout == 2s);
  CHECK(static_cast<bool>(scenario.behaviour));
  CHECK(scenario.expect.size() == 2);
}

TEST_CASE("a scenario's defaults", "[scenario]") {
  const Scenario scenario;
  CHECK(scenario.name == "custom");
  CHECK(scenario.clients.clients() == 0);
  CHECK(scenario.ramp_up == 0ns);
  CHECK(scenario.messages == 0);
  CHECK(scenario.duration == 0ns);
  CHECK(scenario.pace == wsbench::flat_out());
  CHECK(scenario.timeout == 5s);
  CHECK_FALSE(static_cast<bool>(scenario.behaviour));
  CHECK(scenario.behaviour.name() == "echo");
  CHECK(scenario.expect.empty());
}

TEST_CASE("a behaviour is named and holds what it was made of, shared by its copies", "[scenario]") {
  CHECK(Behaviour{say_nothing}.name() == "custom");
  CHECK(Behaviour{say_nothing, "silent"}.name() == "silent");

  const auto captured = std::make_shared<int>(1);
  {
    const Behaviour behaviour{[captured](Session& user) { return say_nothing(user); }};
    const Behaviour copy = behaviour;
    CHECK(captured.use_count() == 2);
    CHECK(static_cast<bool>(copy));
  }
  CHECK(captured.use_count() == 1);
}

TEST_CASE("a behaviour correlates only when it is told how", "[scenario]") {
  CHECK_FALSE(static_cast<bool>(Behaviour{}.correlation()));
  CHECK_FALSE(static_cast<bool>(Behaviour{say_nothing}.correlation()));
  const Behaviour correlating = Behaviour{say_nothing, "silent"}.correlate(
      [](std::string_view message) { return message.empty() ? std::nullopt : std::optional<std::uint64_t>{message.size()}; });
  CHECK(static_cast<bool>(correlating));
  CHECK(correlating.name() == "silent");
  CHECK(correlating.correlation()("four") == 4);
  CHECK(correlating.correlation()("") == std::nullopt);
}

TEST_CASE("statistics and comparisons have the names that texts use", "[scenario]") {
  CHECK(wsbench::name(Statistic::value) == "");
  CHECK(wsbench::name(Statistic::mean) == "mean");
  CHECK(wsbench::name(Statistic::p99_9) == "p99_9");
  CHECK(wsbench::name(Statistic::max) == "max");
  CHECK(wsbench::sign(Comparison::less) == "<");
  CHECK(wsbench::sign(Comparison::equal) == "==");
}
