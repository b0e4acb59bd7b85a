#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/run/validation.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Error;
using wsbench::Options;
using wsbench::Scenario;

namespace {

struct Plan {
  std::vector<std::string> urls{"ws://127.0.0.1:9001"};
  Scenario scenario{.clients = 1, .messages = 1};
  Options options{};

  void validate() const { wsbench::detail::validate(urls, scenario, options); }
};

// One line that begins with the member and says what to change.
void require_refused(std::string_view member, const std::function<void(Plan&)>& spoil, std::string_view says = {}) {
  Plan plan;
  plan.validate();
  spoil(plan);
  INFO(member);
  try {
    plan.validate();
    FAIL("was taken");
  } catch (const Error& error) {
    const std::string line = error.what();
    INFO(line);
    CHECK(error.member() == member);
    CHECK(line.starts_with(std::string(member) + ": "));
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    CHECK(line.rfind(": ") > member.size());  // what is wrong, then what to do
    CHECK(line.find(says) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("what can be run is not refused", "[validation]") {
  for (const Scenario& scenario :
       {wsbench::scenarios::light(), wsbench::scenarios::medium(), wsbench::scenarios::heavy(), wsbench::scenarios::stress(),
        Scenario{.clients = 1, .messages = 1}, Scenario{.clients = 1, .duration = 1ns},
        Scenario{.clients = 2, .ramp_up = 10s, .messages = 1}, Scenario{.clients = 2, .ramp_up = 1s, .duration = 2s},
        Scenario{.clients = std::uint8_t{3}, .messages = std::numeric_limits<std::uint64_t>::max(), .pace = wsbench::think(0s)}}) {
    Plan plan;
    plan.scenario = scenario;
    INFO(scenario.name);
    CHECK_NOTHROW(plan.validate());
  }
  Plan plan;
  plan.urls = {"ws://a", "ws://b:1/x"};
  plan.options = {.workers = 1024,
                  .headers = {{"X-Tab", "a\tb"}, {"X-Umlaut", "\xc3\xa4"}, {"X-Empty", ""}},
                  .subprotocols = {"v1.soap-x_y"},
                  .close_timeout = 0s};
  plan.options.workers = 4;
  CHECK_NOTHROW(plan.validate());
}

TEST_CASE("a population that nobody can be is refused", "[validation]") {
  require_refused(
      "clients", [](Plan& plan) { plan.scenario.clients = {}; }, "0 ");
  require_refused("clients", [](Plan& plan) { plan.scenario.clients = 0; });
  require_refused(
      "clients", [](Plan& plan) { plan.scenario.clients = -1; }, "-1 ");
  require_refused("clients", [](Plan& plan) { plan.scenario.clients = std::numeric_limits<std::int64_t>::min(); });
  require_refused("clients", [](Plan& plan) { plan.scenario.clients = std::numeric_limits<std::int64_t>::max(); });
  require_refused("clients", [](Plan& plan) { plan.scenario.clients = std::numeric_limits<std::uint64_t>::max(); });
  require_refused(
      "clients", [](Plan& plan) { plan.scenario.clients = 10'000'001; }, "10M");
}

TEST_CASE("more clients than open files are refused with the figure needed", "[validation]") {
  const std::uint64_t limit = wsbench::detail::open_file_limit();
  if (limit >= 10'000'000) return;  // without a limit there is nothing to refuse
  require_refused(
      "clients", [limit](Plan& plan) { plan.scenario.clients = limit; }, "ulimit -n ");
  Plan plan;
  plan.scenario.clients = limit - 200;
  CHECK_NOTHROW(plan.validate());
}

TEST_CASE("a time that no load can have is refused by its name", "[validation]") {
  require_refused(
      "ramp_up", [](Plan& plan) { plan.scenario.ramp_up = -1ns; }, "negative");
  require_refused(
      "duration", [](Plan& plan) { plan.scenario.duration = -1s; }, "-1s is negative");
  require_refused(
      "think", [](Plan& plan) { plan.scenario.pace = wsbench::think(-50ms); }, "-50ms");
  require_refused(
      "timeout", [](Plan& plan) { plan.scenario.timeout = -5s; }, "negative");
  require_refused("timeout", [](Plan& plan) { plan.scenario.timeout = 0s; });
  require_refused("connect_timeout", [](Plan& plan) { plan.options.connect_timeout = 0s; });
  require_refused("connect_timeout", [](Plan& plan) { plan.options.connect_timeout = -1s; });
  require_refused("close_timeout", [](Plan& plan) { plan.options.close_timeout = -1s; });
  require_refused("reconnect_delay", [](Plan& plan) { plan.options.reconnect_delay = -1s; });
  require_refused("reconnect_delay", [](Plan& plan) { plan.options.reconnect_delay = 0s; });
  require_refused(
      "reconnect_delay_max", [](Plan& plan) { plan.options.reconnect_delay = 11s; }, "11s");
  require_refused("ping_every", [](Plan& plan) { plan.options.ping_every = -1s; });
  require_refused("ping_timeout", [](Plan& plan) { plan.options.ping_timeout = 0s; });
  require_refused(
      "ramp_up", [](Plan& plan) { plan.scenario.ramp_up = nanoseconds::max(); }, "too long");
  require_refused(
      "duration", [](Plan& plan) { plan.scenario.duration = nanoseconds::max(); }, "too long");
  require_refused(
      "think", [](Plan& plan) { plan.scenario.pace = wsbench::think(nanoseconds::max()); }, "too long");
  require_refused(
      "timeout", [](Plan& plan) { plan.scenario.timeout = nanoseconds::max(); }, "too long");
  require_refused(
      "duration", [](Plan& plan) { plan.scenario.duration = nanoseconds::min(); }, "negative");
}

TEST_CASE("a load without an end, or without a time for its last clients, is refused", "[validation]") {
  require_refused(
      "messages", [](Plan& plan) { plan.scenario.messages = 0; }, "duration");
  require_refused(
      "ramp_up", [](Plan& plan) { plan.scenario.ramp_up = plan.scenario.duration = 10s; }, "10s");
  require_refused("ramp_up", [](Plan& plan) {
    plan.scenario.duration = 10s;
    plan.scenario.ramp_up = 11s;
  });
}

TEST_CASE("options that cannot be are refused by their names", "[validation]") {
  require_refused("workers", [](Plan& plan) { plan.options.workers = 0; });
  require_refused("workers", [](Plan& plan) { plan.options.workers = 1025; });
  require_refused("workers", [](Plan& plan) { plan.options.workers = std::numeric_limits<std::uint64_t>::max(); });
  require_refused("max_message_size", [](Plan& plan) { plan.options.max_message_size = 0; });
}

TEST_CASE("headers and subprotocols that would break the request are refused", "[validation]") {
  for (const char* name : {"", "a b", "a:", "a\r\nb", "\xc3\xa4", "a\tb", "(a)", "a\"b"}) {
    require_refused("header", [&](Plan& plan) { plan.options.headers = {{"Fine", "x"}, {name, "x"}}; });
  }
  for (const std::string& value : {std::string("a\r\nInjected: yes"), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3),
                                   std::string("\x7f"), std::string("\x1b[31m")}) {
    require_refused(
        "header",
        [&](Plan& plan) {
          plan.options.headers = {{"X-Name", value}};
        },
        "\"X-Name\"");
  }
  for (const char* subprotocol : {"", "a b", "a,b", "a\r\nb", "a/b"}) {
    require_refused("subprotocol", [&](Plan& plan) { plan.options.subprotocols = {"fine", subprotocol}; });
  }
}

TEST_CASE("every URL is looked at, and there has to be one", "[validation]") {
  require_refused(
      "url", [](Plan& plan) { plan.urls.clear(); }, "at least one");
  require_refused(
      "url",
      [](Plan& plan) {
        plan.urls = {"ws://good", "http://bad"};
      },
      "http://bad");
}

TEST_CASE("probes that could not be told apart, or named in an expectation, are refused", "[validation][probe]") {
  const auto number = [] { return 1.0; };
  for (const char* name : {"", "a(b", "a)", "{a}", "a\nb"}) {
    require_refused(
        "probe", [&](Plan& plan) { plan.options.probes = {wsbench::probe(name, number)}; }, "no name");
  }
  require_refused(
      "probe",
      [&](Plan& plan) {
        plan.options.probes = {wsbench::probe("a", number), wsbench::probe("b", number), wsbench::probe("a", number)};
      },
      "\"a\" is there twice");
  require_refused(
      "probe",
      [&](Plan& plan) {
        plan.options.probes = {wsbench::Probe({{"a"}, {"a"}}, {})};
      },
      "\"a\" is there twice");
  require_refused(
      "probe", [&](Plan& plan) { plan.options.probes = {wsbench::probe("a", number, wsbench::Unit::seconds)}; }, "counts in time");
  require_refused("probe_every", [](Plan& plan) { plan.options.probe_every = 0s; });
  require_refused("probe_every", [](Plan& plan) { plan.options.probe_every = -1s; });
  require_refused("probe_timeout", [](Plan& plan) { plan.options.probe_timeout = 0s; });
  require_refused("probe_after", [](Plan& plan) { plan.options.probe_after = -1s; });
}

TEST_CASE("an expectation is of a probe that is there, and in what it counts in", "[validation][probe]") {
  const auto expecting = [](const char* text, wsbench::Unit unit) {
    return [text, unit](Plan& plan) {
      plan.options.probes = {wsbench::probe(
          "a", [] { return 1.0; }, unit)};
      plan.scenario.expect = {wsbench::parse_expectation(text)};
    };
  };
  using wsbench::Unit;
  require_refused("expect", expecting("probe(b).max < 5", Unit::number), "\"probe(b).max\" is of no probe");
  require_refused("expect", expecting("probe(a).max < 5MiB", Unit::number), "counts in no bytes");
  require_refused("expect", expecting("probe(a).max < 50%", Unit::bytes), "is no share");
  for (const auto& [text, unit] : {std::pair{"probe(a).max < 5", Unit::bytes},
                                   {"probe(a).max < 5MiB", Unit::bytes},
                                   {"probe(a).max < 50%", Unit::share},
                                   {"probe(a).max < 0.5", Unit::share},
                                   {"probe(a).max < 5", Unit::count}}) {
    Plan plan;
    expecting(text, unit)(plan);
    CHECK_NOTHROW(plan.validate());
  }
}
