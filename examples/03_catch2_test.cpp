// A load test among your other tests: it starts the server, puts a load on it, and fails with the whole report.

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>  // Catch2 v2
#endif

#include <wsbench/catch2.hpp>
#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

TEST_CASE("a hundred users get their echo within 50 ms", "[load]") {
  const wsbench::EchoServer server;  // yours, on a port that is free

  const wsbench::Scenario scenario{
      .name = "echo",
      .clients = 100,
      .duration = 2s,
      .pace = wsbench::rate(500),
      .expect = {metric::success_rate > 0.999, metric::latency.p99 < 50ms},
  };
  const wsbench::Report report = wsbench::LoadTest{server.url(), scenario}.run();

  REQUIRE_THAT(report, wsbench::passes());
  CHECK(report.latency().max() < 1s);
}
