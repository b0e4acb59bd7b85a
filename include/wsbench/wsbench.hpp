#pragma once

/// \file
/// All that an embedder needs; `wsbench/report/json.hpp` and `json_reader.hpp` are apart, since they need nlohmann/json, `hdr_log.hpp`
/// and `tls.hpp`, since they need zlib and OpenSSL.

#include <wsbench/advice.hpp>
#include <wsbench/assessment.hpp>
#include <wsbench/authorization.hpp>
#include <wsbench/csv.hpp>
#include <wsbench/echo_server.hpp>
#include <wsbench/json_member.hpp>
#include <wsbench/load_test.hpp>
#include <wsbench/merging.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/text.hpp>
#include <wsbench/scenario.hpp>
#include <wsbench/scenarios.hpp>
#include <wsbench/slo.hpp>
#include <wsbench/version.hpp>
