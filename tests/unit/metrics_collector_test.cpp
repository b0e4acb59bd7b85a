#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <wsbench/metrics_collector.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Failure;
using wsbench::MessageMetrics;
using wsbench::Metrics;
using wsbench::MetricsCollector;

namespace {

// Some of everything, different for each seed.
Metrics some_metrics(std::uint32_t seed) {
  std::mt19937 random{seed};
  const auto time = [&random] { return nanoseconds{random() % 1'000'000'000}; };
  MetricsCollector collector;
  const std::vector<std::string> names{"post", "read", ""};
  for (unsigned n = 0; n < 200; ++n) {
    const auto label = collector.label(names[random() % (1 + seed % 3)]);
    collector.at(n * seed * 100ms);
    switch (random() % 6) {
      case 0: collector.sent_one_way(label); break;
      case 1:
        collector.sent(label, time());
        collector.answered(label, time(), time());
        break;
      case 2:
        collector.sent(label);
        collector.failed(label, time());
        collector.failure(Failure::timeout, 0, time(), [&] { return "client " + std::to_string(seed); });
        break;
      case 3:
        collector.connection_attempted();
        collector.connection_opened({.resolve = time(), .tcp = time(), .upgrade = time(), .total = time()});
        break;
      case 4:
        collector.received();
        collector.received_late();
        collector.received_unclaimed();
        collector.bytes_sent(static_cast<std::size_t>(n));
        collector.bytes_received(2 * static_cast<std::size_t>(n));
        break;
      default:
        collector.not_sent(3);
        collector.check(n % 2 == 0 ? "even" : "odd", random() % 2 == 0);
        collector.lagged(time());
        collector.waited(time());
        collector.stamped_read(random() % 2 == 0);
        collector.shared_stamp(2);
        break;
    }
  }
  return collector.snapshot();
}

Metrics merged(Metrics into, const Metrics& other) {
  into.merge(other);
  return into;
}

// Labels and checks stand in the order in which they were first used.
Metrics sorted(Metrics metrics) {
  std::sort(metrics.labels.begin(), metrics.labels.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
  std::sort(metrics.checks.begin(), metrics.checks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return metrics;
}

}  // namespace

TEST_CASE("a new collector has counted nothing", "[metrics_collector]") {
  const Metrics metrics = MetricsCollector{}.snapshot();
  CHECK(metrics == Metrics{});
  CHECK(metrics.messages() == MessageMetrics{});
  CHECK(metrics.messages().in_flight() == 0);
}

TEST_CASE("a label has one id, whatever else is made", "[metrics_collector]") {
  MetricsCollector collector;
  const auto post = collector.label("post");
  const auto none = collector.label("");
  const auto postscript = collector.label("postscript");
  CHECK(collector.label("post") == post);
  CHECK(collector.label("") == none);
  CHECK(collector.label("postscript") == postscript);
  CHECK(post != none);
  CHECK(post != postscript);
  for (int n = 0; n < 100; ++n) collector.label("label " + std::to_string(n));
  CHECK(collector.label("post") == post);
  CHECK(collector.snapshot().labels.size() == 103);
}

TEST_CASE("messages are counted under their label, and the sum holds all along", "[metrics_collector]") {
  MetricsCollector collector;
  const auto post = collector.label("post");
  const auto read = collector.label("read");
  collector.sent(post);
  collector.sent(post, 3ms);
  collector.sent(read);
  CHECK(collector.snapshot().messages().in_flight() == 3);
  collector.answered(post, 20ms, 10ms);
  collector.failed(post, 5s);
  collector.sent_one_way(read);
  const Metrics metrics = collector.snapshot();
  const MessageMetrics& posts = metrics.labels.at(post).messages;
  CHECK(posts.sent == 2);
  CHECK(posts.answered == 1);
  CHECK(posts.failed == 1);
  CHECK(posts.in_flight() == 0);
  CHECK(posts.response_time.max() == 20ms);
  CHECK(posts.service_time.max() == 10ms);
  CHECK(posts.failed_time.max() == 5s);
  CHECK(metrics.labels.at(read).messages.in_flight() == 1);
  const MessageMetrics all = metrics.messages();
  CHECK(all.sent == 4);
  CHECK(all.one_way == 1);
  CHECK(all.sent == all.one_way + all.answered + all.failed + all.in_flight());
  CHECK(all.response_time.count() == 1);
  CHECK(metrics.schedule_lag.count() == 1);
  CHECK(metrics.schedule_lag.max() == 3ms);
}

TEST_CASE("connections are counted by what became of them", "[metrics_collector]") {
  MetricsCollector collector;
  for (int n = 0; n < 4; ++n) collector.connection_attempted();
  collector.connection_failed();
  collector.connection_opened({.tcp = 1ms, .upgrade = 2ms, .total = 4ms});
  collector.connection_opened({.resolve = 0ns, .tcp = 2ms, .tls = 3ms, .upgrade = 2ms, .total = 8ms});
  collector.connection_ended();
  collector.connection_opened({.total = 1ms});
  collector.connection_ended();
  collector.connection_ended();
  for (int attempt = 0; attempt < 4; ++attempt) collector.reconnect_attempted();
  for (int attempt = 0; attempt < 2; ++attempt) collector.reconnect_failed();
  collector.connection_reopened();
  collector.connection_ended(3s);
  const wsbench::ConnectionMetrics connections = collector.snapshot().connections;
  CHECK(connections.attempted == 4);
  CHECK(connections.succeeded == 3);
  CHECK(connections.failed == 1);
  CHECK(connections.reconnects_attempted == 4);
  CHECK(connections.open_time.count() == 1);
  CHECK(connections.open_time.max() == 3s);
  CHECK(connections.reconnected == 1);
  CHECK(connections.reconnects_failed == 2);
  CHECK(connections.open == 0);
  CHECK(connections.peak_open == 2);
  CHECK(connections.connect_time.count() == 3);
  CHECK(connections.resolve.count() == 1);  // phases that did not happen are no zeros
  CHECK(connections.tcp.count() == 2);
  CHECK(connections.tls.count() == 1);
  CHECK(connections.upgrade.count() == 2);
}

TEST_CASE("failures keep the first sample and make no other", "[metrics_collector]") {
  MetricsCollector collector;
  int described = 0;
  for (int n = 0; n < 3; ++n) {
    collector.failure(Failure::closed, 1001, n * 1s, [&] {
      ++described;
      return "client " + std::to_string(n) + ": closed";
    });
  }
  collector.failure(Failure::closed, 1000, 9s, [] { return std::string("client 9: closed"); });
  const auto entries = collector.snapshot().failures.by_count();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].count == 3);
  CHECK(entries[0].sample == "client 0: closed");
  CHECK(described == 1);
}

TEST_CASE("reads are counted by what their stamps are worth", "[metrics_collector]") {
  MetricsCollector collector;
  for (const bool believed : {true, false, true}) collector.stamped_read(believed);
  collector.shared_stamp(4);
  collector.waited(3ms);
  const Metrics metrics = collector.snapshot();
  CHECK(metrics.stamped_reads == 2);
  CHECK(metrics.unbelieved_stamps == 1);
  CHECK(metrics.shared_stamps == 4);
  CHECK((metrics.receive_lag.max() == 3ms));
}

TEST_CASE("what happens enters the time series at the time that the collector was told last", "[metrics_collector]") {
  MetricsCollector collector;
  const auto label = collector.label("x");
  collector.sent(label);
  collector.failure(Failure::timeout, 0, 1s, [] { return "client 0"; });
  CHECK(collector.snapshot().series == wsbench::TimeSeries{});
  collector.at(0s);
  collector.connection_opened({});
  collector.sent(label);
  collector.sent(label, 3ms);
  collector.sent_one_way(label);
  collector.at(2s);
  collector.answered(label, 20ms, 10ms);
  collector.failed(label, 5s);
  collector.failure(Failure::reset, 0, 1s, [] { return "client 0"; });  // has a time of its own
  collector.connection_ended();
  collector.connection_reopened();
  wsbench::TimeSeries expected;
  expected.opened(0s);
  for (int n = 0; n < 3; ++n) expected.sent(0s);
  expected.answered(2s, 20ms);
  expected.failed(2s);
  expected.failure(1s, Failure::reset);
  expected.ended(2s);
  expected.opened(2s);
  const Metrics metrics = collector.snapshot();
  CHECK(metrics.series == expected);
  CHECK(metrics.messages().sent == 4);
  CHECK(metrics.messages().one_way == 1);
}

TEST_CASE("checks are counted by name", "[metrics_collector]") {
  MetricsCollector collector;
  collector.check("welcomed", true);
  collector.check("welcomed", false);
  collector.check("other", false);
  collector.check("welcomed", true);
  const Metrics metrics = collector.snapshot();
  CHECK(metrics.checks == std::vector<wsbench::CheckCount>{{"welcomed", 2, 1}, {"other", 0, 1}});
}

TEST_CASE("a snapshot is a copy", "[metrics_collector]") {
  MetricsCollector collector;
  const auto label = collector.label("x");
  collector.sent(label);
  const Metrics before = collector.snapshot();
  collector.answered(label, 1ms, 1ms);
  CHECK(before.messages().answered == 0);
  CHECK(collector.snapshot().messages().answered == 1);
}

TEST_CASE("merging loses nothing, whatever the order", "[metrics_collector]") {
  const Metrics a = some_metrics(1);
  const Metrics b = some_metrics(2);
  const Metrics c = some_metrics(3);
  CHECK(a != b);
  CHECK(merged(a, Metrics{}) == a);
  CHECK(sorted(merged(Metrics{}, a)) == sorted(a));
  CHECK(sorted(merged(a, b)) == sorted(merged(b, a)));
  CHECK(sorted(merged(merged(a, b), c)) == sorted(merged(a, merged(b, c))));
  const Metrics all = merged(merged(a, b), c);
  CHECK(all.messages().sent == a.messages().sent + b.messages().sent + c.messages().sent);
  CHECK(all.messages().answered == a.messages().answered + b.messages().answered + c.messages().answered);
  CHECK(all.messages().failed == a.messages().failed + b.messages().failed + c.messages().failed);
  CHECK(all.messages().one_way == a.messages().one_way + b.messages().one_way + c.messages().one_way);
  CHECK(all.messages().response_time.count() == all.messages().answered);
  CHECK(all.messages().failed_time.count() == all.messages().failed);
  CHECK(all.not_sent == a.not_sent + b.not_sent + c.not_sent);
  CHECK(all.received == a.received + b.received + c.received);
  CHECK(all.late == a.late + b.late + c.late);
  CHECK(all.unclaimed == a.unclaimed + b.unclaimed + c.unclaimed);
  CHECK(all.bytes_sent == a.bytes_sent + b.bytes_sent + c.bytes_sent);
  CHECK(all.bytes_received == a.bytes_received + b.bytes_received + c.bytes_received);
  CHECK(all.failures.total() == a.failures.total() + b.failures.total() + c.failures.total());
  CHECK(all.schedule_lag.count() == a.schedule_lag.count() + b.schedule_lag.count() + c.schedule_lag.count());
  CHECK(all.receive_lag.count() == a.receive_lag.count() + b.receive_lag.count() + c.receive_lag.count());
  CHECK(all.stamped_reads == a.stamped_reads + b.stamped_reads + c.stamped_reads);
  CHECK(all.unbelieved_stamps == a.unbelieved_stamps + b.unbelieved_stamps + c.unbelieved_stamps);
  CHECK(all.shared_stamps == a.shared_stamps + b.shared_stamps + c.shared_stamps);
  CHECK(all.connections.open == a.connections.open + b.connections.open + c.connections.open);
  CHECK(all.connections.connect_time.count() == all.connections.succeeded);
  CHECK(all.series.slots().size() > a.series.slots().size());
  std::uint64_t checks = 0;
  for (const Metrics* each : {&a, &b, &c}) {
    for (const wsbench::CheckCount& check : each->checks) checks += check.passed + check.failed;
  }
  for (const wsbench::CheckCount& check : all.checks) checks -= check.passed + check.failed;
  CHECK(checks == 0);
}
