#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report.hpp>

namespace support {

// Names as an embedder or a server may give them.

inline const std::string name_with_markup = "say <b>\"it's\"</b> & 'so' ]]>";
inline const std::string name_with_controls = [] {
  using namespace std::string_literals;
  return "two\r\nlines, a\ttab, \x1b[31mred, a \0 and \x7f"s;
}();
inline const std::string name_not_utf8 = "not UTF-8: \xc3\x28 \xff, half: \xe2\x82";
inline const std::string long_name = [] {
  std::string name = "long:";
  for (int n = 0; n < 60; ++n) name += " Grüße, 世界";
  return name;
}();

namespace detail {

inline const std::array<std::string, 2> target_urls{"ws://chat.example.org:9001/room?a=1&b=<2>", "wss://[2001:db8::1]/\"quoted\""};
inline const std::array<std::string, 2> part_names{"chatters", "lurkers & " + name_with_markup};

/// Looks drawn at random from 0 to 999, and is the same everywhere.
inline std::uint64_t drawn(std::uint64_t number) {
  number = (number + 1) * 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 29)) * 0xbf58476d1ce4e5b9;
  return (number ^ (number >> 32)) % 1'000;
}

/// Most within some milliseconds, few of seconds: from 0.2 ms up to 2 s, and five times that from the 60th to the 79th second.
inline std::chrono::nanoseconds response_time_of(std::uint64_t message, std::uint64_t second) {
  // In steps, but for the slowest: the saved report is then no larger than it has to be.
  const std::uint64_t place = drawn(message) < 980 ? drawn(message) / 20 * 20 : drawn(message);
  const std::uint64_t microseconds = 200 + 2'000 * place / (1'000 - place);
  return std::chrono::microseconds{microseconds * (second >= 60 && second < 80 ? 5 : 1)};
}

/// What the clients of one part at one target saw, from second to second: messages from the 10th to the 129th, and an outage of three.
inline wsbench::Metrics metrics_of(std::size_t part, std::size_t target) {
  using namespace std::chrono_literals;
  using wsbench::Failure;
  constexpr std::uint64_t clients = 5;
  constexpr std::uint64_t outage = 100;
  wsbench::MetricsCollector collector;
  const std::array<std::size_t, 6> labels{
      collector.label("post"),        collector.label(name_with_markup), collector.label(""), collector.label(name_with_controls),
      collector.label(name_not_utf8), collector.label(long_name)};
  const bool secure = target == 1;
  const auto connected = [secure](std::uint64_t client) {
    const std::chrono::nanoseconds tcp = 90us + client * 17us;
    const std::chrono::nanoseconds tls = secure ? 3ms + client * 111us : -1ns;
    return wsbench::ConnectTimes{.resolve = 350us,
                                 .tcp = tcp,
                                 .tls = tls,
                                 .upgrade = 1'250us,
                                 .tls_resumed = secure && client % 2 == 1,
                                 .total = 1'600us + tcp + (secure ? tls : 0ns)};
  };
  for (std::uint64_t client = 0; client < clients; ++client) {
    collector.at(client * 2s);
    collector.connection_attempted();
    if (client == 4 && part == 0) {
      collector.connection_failed();
      collector.failure(secure ? Failure::http_status : Failure::refused, secure ? 503 : 0, client * 2s,
                        [&] { return "client 4: " + std::string(secure ? "503 <busy> & \"away\"\n" : "nobody listens there"); });
      continue;
    }
    collector.connection_opened(connected(client));
    if (client % 2 == 0) collector.subprotocol_chosen(client == 0 ? "chat.v1" : "chat.v2+\"<json>\"");
  }
  for (std::uint64_t second = 10; second < 130; ++second) {
    const std::chrono::nanoseconds now = second * 1s;
    collector.at(now);
    if (second == outage) {
      collector.failure(Failure::closed, 1001, now, [] { return "client 1: closed by the server (1001): " + name_with_controls; });
      collector.connection_ended(now - 2s);
      collector.failure(Failure::abnormal, 0, now + 3ms, [] { return std::string("client 2: the stream ended without a close frame"); });
      collector.connection_ended(now - 4s);
      collector.not_sent(6);
    }
    if (second == outage + 2) {
      collector.reconnect_attempted();
      collector.reconnect_failed();
      for (int client = 0; client < 2; ++client) {
        collector.reconnect_attempted();
        collector.connection_reopened(secure);
      }
    }
    if (second >= outage && second < outage + 3) continue;
    for (std::uint64_t n = 0; n < 3; ++n) {
      const std::uint64_t message = (second * 3 + n) * 4 + part * 2 + target;
      const std::size_t label = labels.at(drawn(message + 5'000) % labels.size());
      const std::chrono::nanoseconds response = response_time_of(message, second);
      const std::chrono::nanoseconds lag = message % 1'000 == 0 ? 3ms : 900ns + drawn(message) / 125 * 5us;
      if (message % 37 == 0) {
        collector.sent_one_way(label);
        collector.lagged(lag);
        continue;
      }
      collector.sent(label, lag);
      if (message % 151 == 0) {
        collector.failed(label, 5s + lag);
        collector.failure(Failure::timeout, 0, now, [] { return "client 3: no answer within 5 s to \"" + name_not_utf8 + '"'; });
        continue;
      }
      collector.answered(label, response + lag, response);
      collector.waited(400ns + drawn(message + 1) / 125 * 1'100ns);
      collector.stamped_read(message % 500 != 1);
      if (message % 90 == 1) collector.shared_stamp(1);
      collector.received();
      collector.check("welcomed", true);
      collector.check(name_with_markup, message % 11 != 0);
      if (message % 29 == 0) collector.note(part == 0 ? "login" : name_with_controls, response * 3);
      if (message % 13 == 0) {
        collector.received();
        collector.pushed(name_with_markup, response / 2);
        collector.received();
        collector.pushed("presence", std::nullopt);
      }
      collector.compressed(64 + message % 7, 41);
      collector.inflated(52, 300);
      collector.bytes_sent(70 + message % 3);
      collector.bytes_received(310 + message % 5);
    }
    if (second % 10 == 0) {
      collector.ping_sent();
      if (second == 120 && part == 1) {
        collector.ping_failed();
        collector.failure(Failure::ping_timeout, 0, now, [] { return std::string("client 0: no pong within 10 s"); });
      } else {
        collector.ping_answered(220us + second * 1us);
      }
    }
  }
  collector.compression_agreed();
  collector.sent(labels[0], 1us);  // still waits for its answer
  for (int n = 0; n < 4; ++n) collector.received();
  collector.received_late();
  collector.received_again();
  collector.received_unclaimed();
  collector.overrun(target);
  collector.held_by_in_flight();
  wsbench::Metrics metrics = collector.snapshot();
  if (part == 0) {
    wsbench::FanOutMetrics& fan_out = metrics.fan_out;
    fan_out = {.published = 100,
               .complete = 97,
               .expected = 900,
               .delivered = 893,
               .late = 4,
               .duplicated = 2,
               .out_of_order = 1,
               .unexpected = 3};
    for (std::uint64_t n = 0; n < 100; ++n) {
      const std::chrono::nanoseconds first = 800us + n * 13us;
      fan_out.first.record(first);
      fan_out.median.record(first * 2);
      if (n < 97) fan_out.last.record(first * (n % 10 == 9 ? 40 : 4));
      fan_out.delivery.record(first * 2, n < 93 ? 9 : 8);
    }
  }
  return metrics;
}

// A server that grows and a command that fails at times, read for a while longer than the load lasted.
inline std::vector<wsbench::ProbeRecord> probes() {
  using namespace std::chrono_literals;
  std::vector<wsbench::ProbeRecord> probes{{.name = "server.cpu", .unit = wsbench::Unit::share},
                                           {.name = "server.rss", .unit = wsbench::Unit::bytes},
                                           {.name = "redis.rss", .unit = wsbench::Unit::bytes},
                                           {.name = "server.files", .unit = wsbench::Unit::count},
                                           {.name = "queue " + name_with_markup},
                                           {.name = name_not_utf8, .source = "bench-2 <lab>"}};
  for (int second = 0; second < 140; second += 2) {
    const bool loaded = second > 0 && second < 135;
    if (second > 0) probes[0].series.read(1s * second, loaded ? 0.5 + 0.01 * (second % 60) : 0.005);
    probes[1].series.read(1s * second, 50 * 0x1p20 + 0x1p17 * std::min(second, 130));
    probes[2].series.read(1s * second, 9 * 0x1p20);
    probes[3].series.read(1s * second, loaded ? 31 : 11);
    if (second % 20 == 4) {
      probes[4].series.failed(1s * second, "printed no number: \"<none>\"");
    } else {
      probes[4].series.read(1s * second, second % 7 - 2.25);
    }
    probes[5].series.failed(1s * second, "no process is called \"" + name_with_markup + '"');
  }
  return probes;
}

}  // namespace detail

/// What one run recorded in which everything happened that a report can hold; the same each time and everywhere.
inline wsbench::RunRecord full_record() {
  using namespace std::chrono_literals;
  wsbench::RunRecord record;
  record.scenario = "chat & " + name_with_markup;
  record.commit = "3f1c9e0a7712b45d8e6f0c2a9b1d4e7f3a5c6b8d";
  record.started_at = std::chrono::system_clock::time_point{} + 1'795'508'301s + 123'456us;
  record.duration = 135'012'345'678ns;
  for (std::size_t part = 0; part < 2; ++part) record.parts.push_back({detail::part_names.at(part), {}});
  for (std::size_t target = 0; target < 2; ++target) record.targets.push_back({detail::target_urls.at(target), {}});
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t target = 0; target < 2; ++target) {
      const wsbench::Metrics metrics = detail::metrics_of(part, target);
      record.metrics.merge(metrics);
      record.parts[part].metrics.merge(metrics);
      record.targets[target].metrics.merge(metrics);
    }
  }
  record.warm_up.sent = 60;
  record.warm_up.one_way = 2;
  record.warm_up.answered = 57;
  record.warm_up.failed = 1;
  record.warm_up.response_time.record(12ms, 57);
  record.warm_up.service_time.record(11ms, 57);
  record.warm_up.failed_time.record(5s);
  record.warm_up_not_sent = 3;
  record.probes = detail::probes();
  record.generator = {.cpu_time = 1'534'000'001ns, .max_rss_kib = 20'480, .busy = 0.125, .overloaded = 0.0078125, .kernel_stamps = true};
  record.configuration = {.urls = {detail::target_urls[0], detail::target_urls[1]},
                          .population = wsbench::stages({{20, 10s}, {20, 2min}}),
                          .clients = 20,
                          .duration = 130s,
                          .warm_up = 10s,
                          .pace = wsbench::rate(12.5).poisson(),
                          .in_flight = 10'000,
                          .timeout = 5s,
                          .connect_timeout = 9s,
                          .reconnect_attempts = 3,
                          .reconnect_delay = 101ms,
                          .reconnect_delay_max = 12s,
                          .ping_every = 10s,
                          .ping_timeout = 10s,
                          .behaviour = "mix",
                          .insecure = true,
                          .deflate = wsbench::DeflateOptions{.client_context_takeover = false, .server_window_bits = 12, .level = 1},
                          .fragment_size = 1'024,
                          .connect_rate = 1'000,
                          .workers = 2,
                          .seed = 18'446'744'073'709'551'614U};
  record.environment = {.host = "bench-1 <lab>",
                        .system = "Linux 6.1.0",
                        .cores = 2,
                        .compiler = "g++ 12.2",
                        .asio_version = "1.22.1",
                        .wsbench_version = "0.1.0"};
  return record;
}

/// The report of that run: expectations of every unit are met, missed, and missed for want of data. It is valid, and failed.
inline wsbench::Report full_report() {
  using namespace std::chrono_literals;
  namespace metric = wsbench::metric;
  std::vector<wsbench::Expectation> expect;
  expect.push_back(metric::latency.p50 < 20ms);
  expect.push_back(metric::latency.p95 < 20ms);
  expect.push_back(metric::latency(name_with_markup).p99 < 10s);
  expect.push_back(metric::latency(name_not_utf8).max < 1ms);
  expect.push_back(metric::latency("absent").p95 < 1s);
  expect.push_back(metric::connect_time.max < 2s);
  expect.push_back(metric::success_rate > 0.9);
  expect.push_back(metric::connection_success_rate == 1);
  expect.push_back(metric::errors == 0);
  expect.push_back(metric::messages_per_second > 5);
  expect.push_back(metric::check(name_with_markup) > 0.99);
  expect.push_back(metric::check(name_with_controls) > 0.99);
  expect.push_back(metric::missing_deliveries <= 20);
  expect.push_back(metric::probe("server.rss").max < 100 * 0x1p20);
  expect.push_back(metric::probe("server.cpu").mean < 0.5);
  expect.push_back(metric::probe("absent").last < 5);
  return wsbench::Report(full_record(), expect);
}

}  // namespace support
