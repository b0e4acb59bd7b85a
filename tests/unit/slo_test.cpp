#include <chrono>
#include <string>
#include <vector>

#include <wsbench/slo.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("a service level is a bound on the p95 of the latency", "[slo]") {
  namespace metric = wsbench::metric;
  CHECK(wsbench::service_level("chat") == std::vector<wsbench::Expectation>{metric::latency.p95 < 100ms});
  CHECK(wsbench::service_level("notifications") == std::vector<wsbench::Expectation>{metric::latency.p95 < 500ms});
  CHECK(wsbench::service_level("dashboard") == std::vector<wsbench::Expectation>{metric::latency.p95 < 1s});
}

TEST_CASE("an unknown service level is refused, with those there are", "[slo]") {
  CHECK_THROWS_WITH(wsbench::service_level("Chat\n"), "slo: \"Chat?\" is no service level: give one of chat, notifications, dashboard");
  CHECK_THROWS_AS(wsbench::service_level(""), wsbench::Error);
}
