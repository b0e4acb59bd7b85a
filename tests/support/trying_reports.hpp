#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/report.hpp>

#include "support/full_report.hpp"

namespace support {

/// A run of a day at a message a second, with twenty labels in turn and an outage of a minute.
inline wsbench::Report report_of_a_day() {
  using namespace std::chrono_literals;
  wsbench::MetricsCollector collector;
  std::vector<wsbench::MetricsCollector::LabelId> labels;
  for (int n = 0; n < 20; ++n) labels.push_back(collector.label("label " + std::to_string(n)));
  collector.at(0s);
  for (int client = 0; client < 100; ++client) {
    collector.connection_attempted();
    collector.connection_opened({.tcp = 1ms, .upgrade = 2ms, .total = 3ms});
  }
  for (std::uint64_t second = 0; second < 86'400; ++second) {
    collector.at(std::chrono::seconds{second});
    const std::size_t label = labels[second % labels.size()];
    const std::uint64_t drawn = detail::drawn(second);
    collector.sent(label, 1us * drawn);
    if (second >= 40'000 && second < 40'060) {
      collector.failed(label, 5s);
      collector.failure(wsbench::Failure::timeout, 0, std::chrono::seconds{second}, [] { return std::string("client 1: no answer"); });
    } else {
      collector.answered(label, 1ms + 10us * drawn, 1ms + 9us * drawn);
    }
  }
  wsbench::RunRecord record;
  record.scenario = "a day";
  record.duration = 24h;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::rate(1);
  record.configuration.duration = 24h;
  return wsbench::Report(std::move(record));
}

/// Names that no renderer may stumble over: all bytes there are in 10 KB, what closes elements, ten thousand quotes, nothing.
inline std::vector<std::string> hostile_names() {
  std::string every_byte;
  while (every_byte.size() < 10'240) {
    for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  }
  return {every_byte,
          "</title></style></svg></table><script>alert(1)</script>",
          std::string(10'240, '"'),
          "--><!--<![CDATA[",
          "\xE2\x80\xAE right to left, and back never",
          std::string(10'240, 'w'),
          std::string(),
          std::string(1, '\0')};
}

/// The report of the run with everything in it, and this name wherever a user or a server may give one.
inline wsbench::Report report_named(const std::string& name) {
  using namespace std::chrono_literals;
  static const wsbench::RunRecord full = full_record();
  wsbench::RunRecord record = full;
  record.scenario = name;
  record.commit = name;
  record.metrics.labels.at(0).label = name;
  record.metrics.checks.push_back({name, 1, 1});
  record.metrics.notes.at(0).label = name;
  record.metrics.pushes.at(0).label = name;
  record.metrics.connections.subprotocols.push_back({name, 1});
  record.metrics.failures.add(wsbench::Failure::other, 0, 1s, [&] { return name; });
  record.parts.at(0).name = name;
  record.targets.at(0).name = name;
  record.configuration.urls.push_back(name);
  record.configuration.behaviour = name;
  record.environment = {name, name, 1, name, name, name};
  return wsbench::Report(std::move(record), {wsbench::metric::latency(name).p99 < 1ms});
}

}  // namespace support
