#include <string>

#include <wsbench/expectation.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::Expectation;
using wsbench::parse_expectation;
namespace metric = wsbench::metric;

TEST_CASE("an expectation is read as it is written in code", "[expectation]") {
  CHECK(parse_expectation("latency.p95 < 200ms") == (metric::latency.p95 < 200ms));
  CHECK(parse_expectation("latency{post}.p99<=1s") == (metric::latency("post").p99 <= 1s));
  CHECK(parse_expectation("latency{a<b}.max < 1s") == (metric::latency("a<b").max < 1s));
  CHECK(parse_expectation("service_time.mean<1.5 ms") == (metric::service_time.mean < 1500us));
  CHECK(parse_expectation("connect_time.max < 2s") == (metric::connect_time.max < 2s));
  CHECK(parse_expectation("connect.max < 2s") == (metric::connect_time.max < 2s));
  CHECK(parse_expectation("success_rate > 99%") == (metric::success_rate > 0.99));
  CHECK(parse_expectation("success_rate >= 0.5") == (metric::success_rate >= 0.5));
  CHECK(parse_expectation("error_rate > 5%") == (metric::error_rate > 0.05));
  CHECK(parse_expectation("open_time.min > 1m") == (metric::open_time.min > 1min));
  CHECK(parse_expectation("  errors == 0 ") == (metric::errors == 0.0));
  CHECK(parse_expectation("messages_per_second > 5k/s") == (metric::messages_per_second > 5000.0));
  CHECK(parse_expectation("check{welcomed} > 99.5%") == (metric::check("welcomed") > 0.995));
}

TEST_CASE("an expectation of a probe says its bound in the unit of the probe", "[expectation][probe]") {
  CHECK(parse_expectation("probe(redis_mb).max < 500") == (metric::probe("redis_mb").max < 500));
  CHECK(parse_expectation("probe{redis_mb}.max<500") == (metric::probe("redis_mb").max < 500));
  CHECK(parse_expectation("probe(temperature).min > -12.5") == (metric::probe("temperature").min > -12.5));
  CHECK(parse_expectation("probe(queue).last <= 10k") == (metric::probe("queue").last <= 10'000));
  CHECK(parse_expectation("probe(a<b).p99_9 < 1") == (metric::probe("a<b").p99_9 < 1));
  const Expectation size = parse_expectation("probe(server.rss).max < 1.5 GiB");
  CHECK(size.metric == wsbench::MetricName{"probe", wsbench::Statistic::max, "server.rss", wsbench::Unit::bytes});
  CHECK(size.bound == 1.5 * (1 << 30));
  const Expectation share = parse_expectation("probe(server.cpu).mean < 150%");
  CHECK(share.metric == wsbench::MetricName{"probe", wsbench::Statistic::mean, "server.cpu", wsbench::Unit::share});
  CHECK(share.bound == 1.5);
  for (const char* text : {"probe(redis_mb).max < 500", "probe(server.rss).max < 500MiB", "probe(server.rss).min > 1234B",
                           "probe(server.cpu).mean < 150%", "probe(x).last >= -0.25"}) {
    CHECK(to_string(parse_expectation(text)) == text);
  }
}

TEST_CASE("what is printed reads back the same", "[expectation]") {
  const Expectation expectation =
      GENERATE(metric::latency.p99_9<123456789ns, metric::latency("x y").min> 1h, metric::success_rate > 0.995,
               metric::connection_success_rate == 1.0, metric::errors <= 12345.0, metric::messages_per_second >= 0.25,
               metric::errors<4'000'000'000'000'000'000.0, metric::messages_per_second> 0.000'000'1, metric::messages_per_second < 1e21);
  CHECK(parse_expectation(to_string(expectation)) == expectation);
}

TEST_CASE("what is no expectation is refused in a line that says what to write", "[expectation]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "latency.p95", "latency < 5ms", "latency.p42 < 5ms", "latency.p95 < 5", "latency.p95 << 5ms",
               "latenzy.p95 < 5ms", "latency{post.p95 < 5ms", "success_rate > many", "success_rate > inf%", "success_rate < nan",
               "success_rate < 1e307", "success_rate.p95 > 1%", "errors == 1.5", "errors{x} == 1", "check > 5%",
               "messages_per_second > fast", "latency.p95 < ", "< 5ms", "latency. < 5ms", "latency.value < 5ms", "latency.last < 5ms",
               "probe.max < 5", "probe().max < 5", "probe(x) < 5", "probe(x.max < 5", "probe(x).sum < 5", "probe(x).max < five",
               "probe(x).max < 5 apples", "probe(x).max < 0.5B", "probe(x).max < inf", "probe(x).max < nan%", "probe(x).max < 1e308k");
  CAPTURE(text);
  try {
    parse_expectation(text);
    FAIL("it was read");
  } catch (const wsbench::Error& error) {
    CHECK(error.member() == "expect");
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  }
}
