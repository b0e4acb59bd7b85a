#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/real_server.hpp"
#include "support/report_checks.hpp"

namespace support {

/// Requires that a server which answers everything, and its clients, tell the same story of `planned` messages.
inline void require_agreement(const wsbench::Report& report, const ServerCounts& counts, std::uint64_t planned) {
  INFO(report);
  INFO(counts);
  require_sums(report, planned);
  const std::uint64_t clients = report.record().configuration.clients;
  const wsbench::Metrics& metrics = report.metrics();
  CHECK(report.messages().answered == planned);
  CHECK(report.success_rate() == 1.0);
  CHECK(report.connection_success_rate() == 1.0);
  CHECK(metrics.failures.total() == 0);
  CHECK(metrics.connections.succeeded == clients);
  CHECK(counts.connections == metrics.connections.succeeded);
  CHECK(counts.received == report.messages().sent);
  CHECK(counts.sent == report.messages().answered);
  CHECK(counts.sent == metrics.received);
  CHECK(counts.pongs == counts.pings);
  CHECK(counts.close_codes == std::map<std::string, std::uint64_t>{{"1000", clients}});
  CHECK(counts.errors.empty());
}

}  // namespace support
