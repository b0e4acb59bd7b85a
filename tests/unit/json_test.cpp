#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Error;
using wsbench::Failure;
using wsbench::Report;
using wsbench::report_from_json;
using wsbench::RunRecord;
using wsbench::Verdict;
using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

namespace {

constexpr std::uint64_t uint64_max = std::numeric_limits<std::uint64_t>::max();
constexpr nanoseconds longest = nanoseconds::max();

// A run in which everything that a report can hold happened, with numbers that no double holds. With a unit of 1 ns the histograms are
// small and there are no parts, which are like the whole: a test can read the report a thousand times.
RunRecord rich_record(nanoseconds unit = 1ms) {
  wsbench::MetricsCollector collector;
  const auto plain = collector.label("");
  collector.at(0ns);
  const auto post = collector.label("post");
  for (int client = 0; client < 5; ++client) {
    collector.connection_attempted();
    if (client == 4) {
      collector.connection_failed();
      continue;
    }
    const nanoseconds spread = client * 1'003ns;
    collector.connection_opened({.resolve = unit, .tcp = 2 * unit + spread, .upgrade = 3 * unit, .total = 6 * unit + 1ns + spread});
  }
  collector.subprotocol_chosen("chat.v2");
  collector.subprotocol_chosen("chat.v1");
  collector.subprotocol_chosen("chat.v2");
  collector.compression_agreed();
  collector.compressed(uint64_max - 5, uint64_max - 6);
  collector.inflated(uint64_max - 7, uint64_max - 8);
  collector.connection_ended();
  for (int attempt = 0; attempt < 4; ++attempt) collector.reconnect_attempted();
  for (int attempt = 0; attempt < 2; ++attempt) collector.reconnect_failed();
  collector.connection_reopened();
  collector.connection_ended(7 * unit);
  for (int message = 0; message < 1'200; ++message) {
    collector.at(message / 400 * 1s);
    const nanoseconds wait = message < 1'198 ? message % 20 * unit : 1'500 * unit;
    collector.sent(post, wait);
    collector.answered(post, 20 * unit + wait + 3ns, 19 * unit + 1ns);
    collector.received();
  }
  for (int message = 0; message < 20; ++message) {
    collector.sent(plain);
    if (message < 15) collector.answered(plain, 1'000 * unit + message * unit, 1'000 * unit);
    if (message >= 15 && message < 18) collector.failed(plain, 5'000 * unit);
  }
  collector.sent_one_way(plain);
  collector.not_sent(3);
  collector.overrun(1);
  for (int message = 0; message < 18; ++message) collector.received();
  collector.received_late();
  collector.received_unclaimed();
  collector.bytes_sent(std::numeric_limits<std::size_t>::max());
  collector.bytes_received(9'007'199'254'740'993);
  collector.failure(Failure::timeout, 0, 1'234'567'891ns, [] { return "client 23: no answer within 5 s"; });
  collector.failure(Failure::timeout, 0, 2s, [] { return "not kept"; });
  collector.failure(Failure::http_status, 503, 17ns, [] { return "client 4: \"503\"\n\t\x01 Grüße"; });
  collector.check("welcomed", true);
  collector.check("welcomed", false);
  collector.check("", true);
  collector.received();
  collector.received_again();
  collector.received();
  collector.pushed("said \"so\"", 7 * unit);
  collector.received();
  collector.pushed("said \"so\"", std::nullopt);
  collector.note("login", 30 * unit);
  collector.ping_sent();
  collector.ping_sent();
  collector.ping_answered(unit);
  collector.ping_failed();

  RunRecord record;
  record.scenario = "chat";
  record.commit = "3f1c9e0a77";
  record.started_at = std::chrono::system_clock::time_point{} + 1'795'508'301s + 123'456us;
  record.duration = 10'000'000'019ns;
  record.metrics = collector.snapshot();
  record.metrics.receive_lag.record(unit == 1ms ? longest : unit, 12);  // the sum of the longest needs more than 64 bits
  record.metrics.receive_lag.record(-1ns, 3);
  record.metrics.stamped_reads = uint64_max - 2;
  record.metrics.unbelieved_stamps = uint64_max - 3;
  record.metrics.shared_stamps = uint64_max - 4;
  wsbench::FanOutMetrics& fan_out = record.metrics.fan_out;
  fan_out = {.published = 3, .complete = 1, .expected = 9, .delivered = 2, .late = 1, .duplicated = 4, .out_of_order = 1, .unexpected = 5};
  fan_out.first.record(unit, 3);
  fan_out.median.record(2 * unit, 2);
  fan_out.last.record(3 * unit);
  fan_out.delivery.record(unit);
  fan_out.delivery.record(2 * unit);
  wsbench::MetricsCollector chatters;
  chatters.at(1s);
  chatters.connection_attempted();
  chatters.connection_opened({.total = unit});
  chatters.sent(chatters.label("say"));
  chatters.answered(0, 2 * unit, unit);
  chatters.note("login", unit);
  if (unit > 1ns) {
    record.parts = {{"chatters", chatters.snapshot()}, {"lurkers", {}}};
    record.targets = {{"ws://127.0.0.1:9001/chat?a=b", chatters.snapshot()}, {"wss://example.org", {}}};
  }
  record.generator = {.cpu_time = 1'500'000'001ns, .max_rss_kib = 20'480, .busy = 0.125, .overloaded = 0.0625, .kernel_stamps = true};
  record.warm_up.sent = 5;
  record.warm_up.one_way = 1;
  record.warm_up.answered = 2;
  record.warm_up.failed = 1;
  record.warm_up.response_time.record(3ms, 2);
  record.warm_up.service_time.record(2ms, 2);
  record.warm_up.failed_time.record(1s);
  record.warm_up_not_sent = 7;
  record.configuration = {.urls = {"ws://127.0.0.1:9001/chat?a=b", "wss://example.org"},
                          .population = wsbench::stages({{5, 1s}, {5, 2s}}),
                          .clients = 5,
                          .ramp_up = 1ns,
                          .messages = uint64_max,
                          .duration = longest,
                          .pace = wsbench::think(50'000'001ns),
                          .timeout = 5s,
                          .connect_timeout = 9s,
                          .reconnect_attempts = 3,
                          .reconnect_delay = 101ms,
                          .reconnect_delay_max = 12s,
                          .ping_every = 1min,
                          .ping_timeout = 11s,
                          .behaviour = "chat_user",
                          .deflate = wsbench::DeflateOptions{.server_context_takeover = false, .client_window_bits = 9, .level = 2},
                          .fragment_size = uint64_max - 9,
                          .workers = 2,
                          .seed = uint64_max - 1};
  record.environment = {
      .host = "bench", .system = "Linux 6.1", .cores = 2, .compiler = "g++ 12.2", .asio_version = "1.22.1", .wsbench_version = "0.1.0"};
  return record;
}

Report rich_report(nanoseconds unit = 1ms) {
  namespace metric = wsbench::metric;
  std::vector<wsbench::Expectation> expect;
  expect.push_back(metric::latency.p99 < 20ms);
  expect.push_back(metric::latency("post").p99_9 < 20s);
  expect.push_back(metric::success_rate > 0.5);
  expect.push_back(metric::errors <= 3);
  expect.push_back(metric::messages_per_second > 1);
  expect.push_back(metric::latency("absent").mean < 1s);
  return Report{rich_record(unit), expect};
}

Json document_of(const Report& report) {
  return Json::parse(wsbench::to_json_text(report));
}

// The line that reading throws; empty if the text was read.
std::string refusal(std::string_view text) {
  try {
    (void)report_from_json(text);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// Reads damaged text: an Error of one line is fine, and so is a report that is whole, which it is if it can be written and read again.
// Every other exception leaves and fails the test.
std::optional<Report> read_damaged(const std::string& text, const Report& sound) {
  try {
    Report report = report_from_json(text);
    if (report != sound) REQUIRE(report_from_json(wsbench::to_json_text(report)) == report);
    return report;
  } catch (const Error& error) {
    const std::string line = error.what();
    CHECK(line.find('\n') == line.npos);
    CHECK(line.size() > std::string(": ").size());
    return std::nullopt;
  }
}

// How many objects have which keys.
using Shapes = std::map<std::string, int>;

std::string shape_of(const Json& object) {
  std::string keys;
  for (const auto& entry : object.items()) keys += entry.key() + '\n';
  return keys;
}

void for_each_place(const Json& value, const Pointer& place, const std::function<void(const Pointer&)>& visit, Shapes& seen) {
  if (!place.empty()) visit(place);
  if (value.is_object() && ++seen[shape_of(value)] > 2) return;
  for (const auto& entry : value.items()) {
    if (value.is_object()) for_each_place(entry.value(), place / entry.key(), visit, seen);
    if (value.is_array() && std::stoul(entry.key()) < 2) for_each_place(entry.value(), place / std::stoul(entry.key()), visit, seen);
  }
}

// Every place of a document below its top; of a list the first two elements, and what is in the first two objects with the same keys,
// since the others are like them.
void for_each_place(const Json& document, const std::function<void(const Pointer&)>& visit) {
  Shapes seen;
  for_each_place(document, Pointer{}, visit, seen);
}

void remove(Json& document, const Pointer& place) {
  Json& parent = document.at(place.parent_pointer());
  if (parent.is_object()) {
    parent.erase(place.back());
  } else {
    parent.erase(static_cast<std::size_t>(std::stoul(place.back())));
  }
}

// Whether reports of wsbench before it could compress, or before there were soaks, do not have this key.
bool is_younger(const Pointer& place) {
  const std::string path = place.to_string();
  return path == "/soak" || path.ends_with("/compression") || path == "/configuration/deflate" ||
         path == "/configuration/fragment_size_bytes";
}

enum class Kind : std::uint8_t { number, text, flag, list, object, timing, null };

bool is_kind(const Json& value, Kind kind) {
  switch (kind) {
    case Kind::number: return value.is_number();
    case Kind::text: return value.is_string();
    case Kind::flag: return value.is_boolean();
    case Kind::list: return value.is_array();
    case Kind::object: return value.is_object();
    case Kind::timing:
      for (const char* key : {"count", "mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max"}) {
        if (!value.is_object() || !value.contains(key)) return false;
        if (!value[key].is_number() && !value[key].is_null()) return false;
      }
      return value["count"].is_number_unsigned();
    case Kind::null: return value.is_null();
  }
  return false;
}

struct Field {
  std::string path{};
  Kind kind{};
};

void check_fields(const Json& document, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    INFO(field.path);
    REQUIRE(document.contains(Pointer(field.path)));
    CHECK(is_kind(document.at(Pointer(field.path)), field.kind));
  }
}

struct Damage {
  std::string path{};     ///< what is replaced
  std::string value{};    ///< with what, as JSON; empty: it is removed
  std::string refusal{};  ///< how the line starts
};

void check_refused(const std::vector<Damage>& damages) {
  const Json sound = document_of(rich_report());
  for (const Damage& damage : damages) {
    Json document = sound;
    const Pointer place(damage.path);
    REQUIRE(document.contains(place));
    if (damage.value.empty()) {
      remove(document, place);
    } else {
      document.at(place) = Json::parse(damage.value);
    }
    INFO(damage.path << " = " << damage.value);
    const std::string line = refusal(document.dump());
    INFO(line);
    CHECK(line.starts_with(damage.refusal));
  }
}

}  // namespace

TEST_CASE("a report written and read again is equal", "[json]") {
  const Report report = rich_report();
  const std::string text = wsbench::to_json_text(report);
  const Report restored = report_from_json(text);
  CHECK(restored == report);
  CHECK(wsbench::to_json_text(restored) == text);
  CHECK(restored.verdict() == report.verdict());
  CHECK(restored.record().started_at == report.record().started_at);
  CHECK(restored.metrics().receive_lag.sum().high > 0);
  CHECK(restored.expectations() == report.expectations());
}

TEST_CASE("an empty report written and read again is equal", "[json]") {
  const Report report{RunRecord{}};
  CHECK(report_from_json(wsbench::to_json_text(report)) == report);
}

TEST_CASE("a report that tells no commit is read as one that does not know it", "[json]") {
  Json document = document_of(rich_report());
  document["commit"] = nullptr;
  CHECK(report_from_json(document.dump()).record().commit.empty());
  document.erase("commit");
  CHECK(report_from_json(document.dump()).record().commit.empty());
  CHECK(document_of(Report{RunRecord{}})["commit"].is_null());
}

TEST_CASE("the expectation that a run was ended for survives, and older reports have none", "[json]") {
  RunRecord record = rich_record(1ns);
  record.ended_early_by = "latency{\"a\"}.p95 < 1ms";
  const Report report{record};
  CHECK(report_from_json(wsbench::to_json_text(report)) == report);
  Json document = document_of(report);
  CHECK(document["ended_early_by"] == record.ended_early_by);
  document.erase("ended_early_by");
  CHECK(report_from_json(document.dump()).record().ended_early_by.empty());
  CHECK(document_of(Report{RunRecord{}})["ended_early_by"].is_null());
}

TEST_CASE("how long connections were open survives, and older reports do not have it", "[json]") {
  const Report report{rich_record(1ns)};
  Json document = document_of(report);
  CHECK(document["connections"]["open_time_ms"]["count"] == 1);
  CHECK(report_from_json(document.dump()).metrics().connections.open_time == report.metrics().connections.open_time);
  document["histograms"].erase("open_time");
  document["connections"].erase("open_time_ms");
  CHECK(report_from_json(document.dump()).metrics().connections.open_time.count() == 0);
}

TEST_CASE("every verdict survives, an interruption before any connection too", "[json]") {
  RunRecord passed = rich_record();
  RunRecord failed = passed;
  failed.expectations = {{.text = "errors < 1", .unit = wsbench::Unit::count, .actual = 3, .met = false}};
  RunRecord invalid = passed;
  invalid.metrics.failures.add(Failure::behaviour_error, 0, 1s, [] { return "client 0: threw"; });
  RunRecord interrupted = passed;
  interrupted.interrupted = true;
  RunRecord unconnected;
  unconnected.metrics.connections.attempted = 1;
  unconnected.metrics.connections.failed = 1;
  unconnected.interrupted = true;
  const std::vector<std::pair<RunRecord, Verdict>> runs{{passed, Verdict::passed},
                                                        {failed, Verdict::failed},
                                                        {invalid, Verdict::invalid},
                                                        {interrupted, Verdict::interrupted},
                                                        {unconnected, Verdict::no_connection}};
  for (const auto& [record, verdict] : runs) {
    INFO(wsbench::name(verdict));
    const Report report{record};
    const std::string text = wsbench::to_json_text(report);
    CHECK(Json::parse(text)["verdict"] == wsbench::name(verdict));
    const Report restored = report_from_json(text);
    CHECK(restored == report);
    CHECK(restored.verdict() == verdict);
    CHECK(restored.invalid_because() == report.invalid_because());
  }
}

TEST_CASE("every failure, pace and unit survives under its name", "[json]") {
  RunRecord record;
  for (unsigned number = 0; number <= static_cast<unsigned>(Failure::other); ++number) {
    record.metrics.failures.add(static_cast<Failure>(number), 0, 1s, [] { return "client 0"; });
  }
  record.expectations = {{"a", wsbench::Unit::seconds, 0.1, true},
                         {"b", wsbench::Unit::share, 1.0 / 3, false},
                         {"c", wsbench::Unit::count, std::nullopt, false},
                         {"d", wsbench::Unit::per_second, 1e300, true}};
  for (const wsbench::Pace& pace :
       {wsbench::rate(0.1), wsbench::rate(7).poisson(), wsbench::rate({{20, 0s}, {200, 1min}}), wsbench::think(1ns), wsbench::flat_out()}) {
    record.configuration.pace = pace;
    CHECK(report_from_json(wsbench::to_json_text(Report{record})) == Report{record});
  }
  for (const wsbench::Population& population : {wsbench::Population{3}, wsbench::arrivals(0.5), wsbench::stages({{20, 0s}, {200, 1min}})}) {
    record.configuration.population = population;
    CHECK(report_from_json(wsbench::to_json_text(Report{record})) == Report{record});
  }
  const Json document = document_of(Report{record});
  CHECK(document["errors"].size() == static_cast<std::size_t>(Failure::other) + 1);
  CHECK(document["errors"][0]["failure"] == "resolve");
  CHECK(document["configuration"]["pace"]["kind"] == "flat_out");
  CHECK(document["expectations"][0]["unit"] == "seconds");
  CHECK(document["expectations"][3]["unit"] == "per_second");
}

TEST_CASE("the start is written to the nanosecond and read back equal, whenever it was", "[json]") {
  RunRecord record;
  using std::chrono::system_clock;
  for (const auto since_1970 : {nanoseconds{0}, nanoseconds{-1}, nanoseconds{951'782'399'999'999'999}, nanoseconds{951'782'400'000'000'000},
                                nanoseconds{1'795'508'301'123'456'789}, nanoseconds{-9'000'000'000'123'456'789}}) {
    record.started_at = system_clock::time_point{std::chrono::duration_cast<system_clock::duration>(since_1970)};
    CHECK(report_from_json(wsbench::to_json_text(Report{record})) == Report{record});
  }
  record.started_at = system_clock::time_point{} + 1'795'508'301s;
  CHECK(document_of(Report{record})["started_at"] == "2026-11-24T08:18:21.000000000Z");
}

TEST_CASE("the keys of the contract are there, with their types", "[json]") {
  check_fields(document_of(rich_report()), {
                                               {"/schema_version", Kind::number},
                                               {"/tool", Kind::object},
                                               {"/tool/name", Kind::text},
                                               {"/tool/version", Kind::text},
                                               {"/scenario", Kind::text},
                                               {"/load_model", Kind::text},
                                               {"/commit", Kind::text},
                                               {"/started_at", Kind::text},
                                               {"/duration_s", Kind::number},
                                               {"/duration_ns", Kind::number},
                                               {"/verdict", Kind::text},
                                               {"/valid", Kind::flag},
                                               {"/invalid_because", Kind::list},
                                               {"/interrupted", Kind::flag},
                                               {"/connections/attempted", Kind::number},
                                               {"/connections/succeeded", Kind::number},
                                               {"/connections/failed", Kind::number},
                                               {"/connections/reconnects_attempted", Kind::number},
                                               {"/connections/reconnected", Kind::number},
                                               {"/connections/reconnects_failed", Kind::number},
                                               {"/connections/open", Kind::number},
                                               {"/connections/peak_open", Kind::number},
                                               {"/connections/success_rate", Kind::number},
                                               {"/connections/connect_time_ms", Kind::timing},
                                               {"/connections/phases_ms/resolve", Kind::timing},
                                               {"/connections/phases_ms/tcp", Kind::timing},
                                               {"/connections/phases_ms/tls", Kind::timing},
                                               {"/connections/phases_ms/upgrade", Kind::timing},
                                               {"/messages/planned", Kind::number},
                                               {"/messages/not_sent", Kind::number},
                                               {"/messages/sent", Kind::number},
                                               {"/messages/one_way", Kind::number},
                                               {"/messages/answered", Kind::number},
                                               {"/messages/failed", Kind::number},
                                               {"/messages/in_flight", Kind::number},
                                               {"/messages/received", Kind::number},
                                               {"/messages/late", Kind::number},
                                               {"/messages/unclaimed", Kind::number},
                                               {"/messages/success_rate", Kind::number},
                                               {"/messages/sent_per_second", Kind::number},
                                               {"/messages/bytes_sent", Kind::number},
                                               {"/messages/bytes_received", Kind::number},
                                               {"/messages/response_time_ms", Kind::timing},
                                               {"/messages/service_time_ms", Kind::timing},
                                               {"/messages/failed_time_ms", Kind::timing},
                                               {"/messages/labels/post", Kind::object},
                                               {"/errors/0/failure", Kind::text},
                                               {"/errors/0/code", Kind::null},
                                               {"/errors/1/code", Kind::number},
                                               {"/errors/0/count", Kind::number},
                                               {"/errors/0/first_at_s", Kind::number},
                                               {"/errors/0/first_at_ns", Kind::number},
                                               {"/errors/0/sample", Kind::text},
                                               {"/pings/sent", Kind::number},
                                               {"/pings/answered", Kind::number},
                                               {"/pings/failed", Kind::number},
                                               {"/pings/round_trip_ms", Kind::timing},
                                               {"/pushes/said \"so\"/count", Kind::number},
                                               {"/pushes/said \"so\"/delivery_time_ms", Kind::timing},
                                               {"/notes/login/duration_ms", Kind::timing},
                                               {"/fan_out/published", Kind::number},
                                               {"/fan_out/complete", Kind::number},
                                               {"/fan_out/expected", Kind::number},
                                               {"/fan_out/delivered", Kind::number},
                                               {"/fan_out/missing", Kind::number},
                                               {"/fan_out/late", Kind::number},
                                               {"/fan_out/duplicated", Kind::number},
                                               {"/fan_out/out_of_order", Kind::number},
                                               {"/fan_out/unexpected", Kind::number},
                                               {"/fan_out/first_ms", Kind::timing},
                                               {"/fan_out/median_ms", Kind::timing},
                                               {"/fan_out/last_ms", Kind::timing},
                                               {"/fan_out/delivery_ms", Kind::timing},
                                               {"/parts/chatters/messages/sent", Kind::number},
                                               {"/parts/lurkers/connections", Kind::object},
                                               {"/targets/wss:~1~1example.org/messages/sent", Kind::number},
                                               {"/connections/subprotocols/0/count", Kind::number},
                                               {"/compression/connections", Kind::number},
                                               {"/compression/bytes_sent", Kind::number},
                                               {"/compression/bytes_sent_compressed", Kind::number},
                                               {"/compression/bytes_received", Kind::number},
                                               {"/compression/bytes_received_compressed", Kind::number},
                                               {"/configuration/fragment_size_bytes", Kind::number},
                                               {"/configuration/deflate/client_context_takeover", Kind::flag},
                                               {"/configuration/deflate/server_window_bits", Kind::number},
                                               {"/configuration/deflate/memory_bytes_a_connection", Kind::number},
                                               {"/checks/0/name", Kind::text},
                                               {"/checks/0/passed", Kind::number},
                                               {"/checks/0/failed", Kind::number},
                                               {"/checks/0/success_rate", Kind::number},
                                               {"/expectations/0/text", Kind::text},
                                               {"/expectations/0/unit", Kind::text},
                                               {"/expectations/0/actual", Kind::number},
                                               {"/expectations/0/met", Kind::flag},
                                               {"/generator/schedule_lag_ms", Kind::timing},
                                               {"/generator/receive_lag_ms", Kind::timing},
                                               {"/generator/cpu_s", Kind::number},
                                               {"/generator/cpu_ns", Kind::number},
                                               {"/generator/busy", Kind::number},
                                               {"/generator/max_rss_kib", Kind::number},
                                               {"/generator/workers", Kind::number},
                                               {"/generator/kernel_stamps", Kind::flag},
                                               {"/generator/stamped_reads", Kind::number},
                                               {"/generator/unbelieved_stamps", Kind::number},
                                               {"/generator/shared_stamps", Kind::number},
                                               {"/time_series/width_s", Kind::number},
                                               {"/time_series/sent_per_second/0", Kind::number},
                                               {"/time_series/answered_per_second/0", Kind::number},
                                               {"/time_series/open/0", Kind::number},
                                               {"/time_series/p50_ms/0", Kind::number},
                                               {"/time_series/p95_ms/0", Kind::number},
                                               {"/time_series/p99_ms/0", Kind::number},
                                               {"/time_series/max_ms/0", Kind::number},
                                               {"/time_series/errors/timeout/0", Kind::number},
                                               {"/histograms", Kind::object},
                                               {"/configuration/urls", Kind::list},
                                               {"/configuration/clients", Kind::number},
                                               {"/configuration/ramp_up_ns", Kind::number},
                                               {"/configuration/messages", Kind::number},
                                               {"/configuration/duration_ns", Kind::number},
                                               {"/configuration/pace/kind", Kind::text},
                                               {"/configuration/pace/think_time_ns", Kind::number},
                                               {"/configuration/timeout_ns", Kind::number},
                                               {"/configuration/connect_timeout_ns", Kind::number},
                                               {"/configuration/reconnect_delay_ns", Kind::number},
                                               {"/configuration/reconnect_delay_max_ns", Kind::number},
                                               {"/configuration/ping_every_ns", Kind::number},
                                               {"/configuration/ping_timeout_ns", Kind::number},
                                               {"/configuration/behaviour", Kind::text},
                                               {"/configuration/workers", Kind::number},
                                               {"/configuration/seed", Kind::number},
                                               {"/environment/host", Kind::text},
                                               {"/environment/system", Kind::text},
                                               {"/environment/cores", Kind::number},
                                               {"/environment/compiler", Kind::text},
                                               {"/environment/asio_version", Kind::text},
                                               {"/environment/wsbench_version", Kind::text},
                                           });
}

TEST_CASE("the figures are the report's, in the unit of their key", "[json]") {
  const Report report = rich_report();
  const Json document = document_of(report);
  CHECK(document["schema_version"] == 1);
  CHECK(document["tool"]["name"] == "wsbench");
  CHECK(document["tool"]["version"] == wsbench::version);
  CHECK(document["load_model"] == "closed");
  CHECK(document["duration_s"].get<double>() == Approx(10.000000019));
  CHECK(document["valid"] == report.valid());
  const Json& connections = document["connections"];
  CHECK(connections["attempted"] == 5);
  CHECK(connections["success_rate"] == 0.8);
  CHECK(connections["connect_time_ms"]["count"] == 4);
  CHECK(connections["connect_time_ms"]["min"] == 6.000001);
  CHECK(connections["phases_ms"]["resolve"]["mean"] == 1.0);
  CHECK(connections["phases_ms"]["tls"]["mean"].is_null());
  const Json& messages = document["messages"];
  CHECK(messages["planned"] == 1'225);
  CHECK(messages["sent"] == 1'221);
  CHECK(messages["in_flight"] == 2);
  CHECK(messages["success_rate"] == *report.success_rate());
  CHECK(messages["sent_per_second"] == *report.sent_per_second());
  CHECK(messages["bytes_sent"] == uint64_max);
  CHECK(messages["response_time_ms"]["p99"] == static_cast<double>(report.latency().percentile(0.99).count()) / 1e6);
  CHECK(messages["response_time_ms"]["p99_9"] == static_cast<double>(report.latency().percentile(0.999).count()) / 1e6);
  CHECK(messages["response_time_ms"]["p50"] < messages["response_time_ms"]["p90"]);
  CHECK(messages["response_time_ms"]["p90"] < messages["response_time_ms"]["p95"]);
  CHECK(messages["failed_time_ms"]["max"] == 5000.0);
  CHECK(messages["labels"]["post"]["sent"] == 1'200);
  CHECK(messages["labels"]["post"]["sent_per_second"].get<double>() == Approx(120));
  CHECK(messages["labels"][""]["one_way"] == 1);
  CHECK(document["errors"][0]["sample"] == "client 23: no answer within 5 s");
  CHECK(document["errors"][0]["count"] == 2);
  CHECK(document["errors"][1]["code"] == 503);
  CHECK(document["checks"][0]["success_rate"] == 0.5);
  CHECK(document["expectations"][0]["text"] == "latency.p99 < 20ms");
  CHECK(document["expectations"][0]["met"] == false);
  CHECK(document["generator"]["cpu_s"] == 1.500000001);
  CHECK(document["generator"]["workers"] == 2);
}

TEST_CASE("the time series has a list for each figure, and its rates only for slots that the figures hold whole", "[json]") {
  RunRecord record;
  record.duration = 3'500ms;
  record.configuration.warm_up = 500ms;
  wsbench::MetricsCollector collector;
  const auto label = collector.label("");
  collector.at(600ms);
  collector.connection_attempted();
  collector.connection_opened({});
  for (const nanoseconds at : {nanoseconds{600ms}, nanoseconds{1s}, nanoseconds{3s}}) {
    for (int message = 0; message < 2; ++message) {
      collector.at(at);
      collector.sent(label);
      if (at != 1s) collector.answered(label, 2ms, 1ms);
    }
  }
  collector.at(3'100ms);
  collector.connection_ended();
  collector.failure(Failure::reset, 0, 3'100ms, [] { return "client 0"; });
  record.metrics = collector.snapshot();
  const Json series = document_of(Report{record})["time_series"];
  CHECK(series["width_s"] == 1);
  CHECK(series["sent"] == Json({2, 2, 0, 2}));
  CHECK(series["sent_per_second"] == Json({nullptr, 2.0, 0.0, nullptr}));
  CHECK(series["answered_per_second"] == Json({nullptr, 0.0, 0.0, nullptr}));
  CHECK(series["open"] == Json({1, 1, 1, 0}));
  CHECK(series["p50_ms"] == Json({2.0, nullptr, nullptr, 2.0}));
  CHECK(series["p99_ms"] == Json({nullptr, nullptr, nullptr, nullptr}));
  CHECK(series["max_ms"] == Json({2.0, nullptr, nullptr, 2.0}));
  CHECK(series["failures"] == Json({0, 0, 0, 1}));
  CHECK(series["errors"] == Json({{"reset", {0, 0, 0, 1}}}));
  CHECK(report_from_json(wsbench::to_json_text(Report{record})) == Report{record});
}

TEST_CASE("a damaged time series is refused", "[json]") {
  check_refused({
      {"/time_series", "", "time_series: is missing"},
      {"/time_series/width_ns", "3000000000", "time_series: the width is not one second"},
      {"/time_series/sent", "[1]", "time_series.sent: must have as many entries"},
      {"/time_series/sent/0", "-1", "time_series.sent[0]: must be a whole number"},
      {"/time_series/errors/timeout", "[]", "time_series.errors.timeout: must have as many entries"},
      {"/time_series/errors", R"({"boredom": [0, 0, 0]})", "time_series.errors.boredom: is no failure that is known"},
      {"/time_series/response_time_max_ns/0", "1", "time_series.response_time_bins[0]: bins and maximum do not fit"},
      {"/time_series/response_time_bins/0/0", "[1]", "time_series.response_time_bins[0][0]: must be a pair"},
      {"/time_series/response_time_bins/0/0/1", "4294967296", "time_series.response_time_bins[0][0][1]: is more than"},
      {"/time_series/sent_per_second/0", "7", "time_series.sent_per_second: contradicts"},
      {"/time_series/errors/timeout", "", "time_series.failures: contradicts"},
      {"/time_series/open", "[9, 9, 9]", "time_series.open: contradicts"},
  });
}

TEST_CASE("what was not measured is null, and never 0", "[json]") {
  const Json document = document_of(Report{RunRecord{}});
  for (const char* path :
       {"/connections/success_rate", "/connections/connect_time_ms/mean", "/connections/connect_time_ms/max", "/messages/success_rate",
        "/messages/sent_per_second", "/messages/response_time_ms/min", "/messages/response_time_ms/p99_9", "/generator/receive_lag_ms/p50",
        "/generator/cpu_s", "/generator/busy", "/generator/max_rss_kib", "/generator/workers", "/histograms/connect_time/min_ns",
        "/histograms/connect_time/max_ns"}) {
    INFO(path);
    CHECK(document.at(Pointer(path)).is_null());
  }
  // A metric that could not be taken, and a percentile with nothing beyond it.
  const Json rich = document_of(rich_report());
  CHECK(rich["expectations"][5]["actual"].is_null());
  CHECK(rich["connections"]["connect_time_ms"]["p99"].is_null());
  CHECK(rich["connections"]["connect_time_ms"]["p50"].is_number());
}

TEST_CASE("a label has the figures of all messages, null where they are not known by label", "[json]") {
  RunRecord record = rich_record();
  for (const bool all_sent : {false, true}) {
    if (all_sent) record.metrics.not_sent = 0;
    const Json document = document_of(Report{record});
    const Json& label = document["messages"]["labels"]["post"];
    for (const auto& entry : document["messages"].items()) {
      INFO(entry.key());
      if (entry.key() != "labels") CHECK(label.contains(entry.key()));
    }
    CHECK(label["bytes_sent"].is_null());
    CHECK(label["received"].is_null());
    CHECK(label["success_rate"] == (all_sent ? Json(1.0) : Json{}));
    CHECK(label["planned"] == (all_sent ? Json(1'200) : Json{}));
  }
}

TEST_CASE("the text is indented by two, has its bins on one line and ends with a newline", "[json]") {
  const std::string text = wsbench::to_json_text(rich_report());
  CHECK(text.starts_with("{\n  \"schema_version\": 1,\n  \"tool\": {\n    \"name\": \"wsbench\",\n"));
  CHECK(text.ends_with("\n  }\n}\n"));
  std::size_t bins = 0;
  for (std::size_t at = text.find("\"bins\": "); at != text.npos; at = text.find("\"bins\": ", at + 1)) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    INFO(line);
    CHECK((line.ends_with("[]") || line.ends_with("]]")));
    ++bins;
  }
  CHECK(bins == 84);
  CHECK(text.find("\n    {\n      \"failure\": \"timeout\",\n") != text.npos);
  CHECK(std::count(text.begin(), text.end(), '\n') < 2'500);
  CHECK(Json::parse(text) == wsbench::to_json(rich_report()));
}

TEST_CASE("bytes that are not UTF-8 are replaced and do not keep a report from being written", "[json]") {
  RunRecord record = rich_record();
  record.scenario = "\xff";
  record.metrics.failures.add(Failure::bad_handshake, 0, 1s, [] { return std::string("client 1: \xc3\x28 \xf0\x9f"); });
  // Two names that come to the same once they are replaced.
  for (const char* label : {"bad \xfe", "bad \xff"}) {
    wsbench::MessageMetrics& messages = record.metrics.entry_of(label).messages;
    messages.sent = messages.answered = 1;
    messages.response_time.record(1ms);
    messages.service_time.record(1ms);
    record.metrics.check_of(label).passed = 1;
  }
  const Report report{record};
  const std::string text = wsbench::to_json_text(report);
  const Report restored = report_from_json(text);
  CHECK(restored.record().scenario == "\xef\xbf\xbd");
  CHECK(restored.messages() == report.messages());
  CHECK(restored.latency("bad \xef\xbf\xbd").count() == 2);
  CHECK(restored.metrics().checks.back() == wsbench::CheckCount{"bad \xef\xbf\xbd", 2, 0});
  CHECK(wsbench::to_json_text(restored) == text);
}

TEST_CASE("text that is no report is refused in one line", "[json]") {
  CHECK(refusal("") == "report: is not JSON at line 1: the file is damaged or cut short");
  CHECK(refusal("{\n\"schema_version\": 1,\n") == "report: is not JSON at line 3: the file is damaged or cut short");
  CHECK(refusal("{} {}").starts_with("report: is not JSON"));
  CHECK(refusal("\"\xff\"").starts_with("report: is not JSON"));
  CHECK(refusal(std::string_view("\0{}", 3)).starts_with("report: is not JSON"));
  CHECK(refusal("[1e999]").starts_with("report: holds a number that is too large"));
  CHECK(refusal("null") == "report: must be an object, and is null");
  CHECK(refusal("[]") == "report: must be an object, and is a list");
  CHECK(refusal("{}").starts_with("schema_version: is missing"));
  CHECK(refusal(R"({"schema_version": 2})").starts_with("schema_version: was written by a newer version"));
  CHECK(refusal(R"({"schema_version": 0})") == "schema_version: must be 1, and is 0");
  CHECK(refusal(R"({"schema_version": "1"})").starts_with("schema_version: must be a whole number"));
  CHECK(refusal(R"({"schema_version": 1})").starts_with("scenario: is missing"));
  CHECK(refusal(R"({"a": {"b": 1}, "c": [{"b": 1}, {"b": 2, "b": 2}]})") == R"(report: has the key "b" twice in one object)");
  CHECK(refusal(std::string(20'000, '[')).starts_with("report: is not JSON"));
  CHECK(refusal(std::string(20'000, '[') + std::string(20'000, ']')) == "report: must be an object, and is a list");
}

TEST_CASE("a missing key is named", "[json]") {
  std::vector<Damage> damages;
  for (const char* path : {"/scenario",
                           "/started_at",
                           "/duration_ns",
                           "/interrupted",
                           "/connections",
                           "/connections/peak_open",
                           "/messages",
                           "/messages/not_sent",
                           "/messages/bytes_received",
                           "/messages/labels",
                           "/messages/labels/post/answered",
                           "/errors",
                           "/checks",
                           "/pings/sent",
                           "/pushes",
                           "/notes",
                           "/fan_out/published",
                           "/histograms/fan_out/last",
                           "/histograms/ping",
                           "/parts/chatters/messages",
                           "/targets",
                           "/connections/subprotocols",
                           "/expectations",
                           "/generator",
                           "/generator/cpu_ns",
                           "/generator/kernel_stamps",
                           "/generator/shared_stamps",
                           "/histograms",
                           "/histograms/tls",
                           "/histograms/labels",
                           "/histograms/labels/post",
                           "/histograms/labels/post/failed_time",
                           "/histograms/receive_lag/bins",
                           "/histograms/receive_lag/sum_ns",
                           "/histograms/receive_lag/negative",
                           "/configuration",
                           "/configuration/seed",
                           "/configuration/pace/kind",
                           "/environment",
                           "/environment/compiler"}) {
    std::string key = std::string(path).substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    damages.push_back({path, "", key + ": is missing"});
  }
  damages.push_back({"/errors/1/sample", "", "errors[1].sample: is missing"});
  damages.push_back({"/expectations/0/actual", "", "expectations[0].actual: is missing"});
  damages.push_back({"/messages/labels//sent", "", R"(messages.labels[""].sent: is missing)"});
  check_refused(damages);
}

TEST_CASE("a wrong type and a number out of range are named", "[json]") {
  check_refused({
      {"/scenario", "1", "scenario: must be a text, and is 1"},
      {"/commit", "7", "commit: must be a text, and is 7"},
      {"/ended_early_by", "true", "ended_early_by: must be a text, and is true"},
      {"/interrupted", "\"no\"", "interrupted: must be true or false, and is \"no\""},
      {"/connections", "[]", "connections: must be an object, and is a list"},
      {"/messages/not_sent", "-1", "messages.not_sent: must be a whole number from 0 to 18446744073709551615, and is -1"},
      {"/messages/not_sent", "1.5", "messages.not_sent: must be a whole number"},
      {"/messages/not_sent", "null", "messages.not_sent: must be a whole number"},
      {"/messages/bytes_sent", "18446744073709551616", "messages.bytes_sent: must be a whole number"},
      {"/duration_ns", "-1", "duration_ns: must be a whole number from 0 to 9223372036854775807, and is -1"},
      {"/duration_ns", "9223372036854775808", "duration_ns: must be a whole number from 0 to 9223372036854775807"},
      {"/errors", "{}", "errors: must be a list, and is an object"},
      {"/errors/1/code", "2147483648", "errors[1].code: must be a whole number from -2147483648 to 2147483647"},
      {"/errors/1/code", "-2147483649", "errors[1].code: must be a whole number from -2147483648 to 2147483647"},
      {"/errors/0/failure", "\"gremlins\"", "errors[0].failure: is the unknown name \"gremlins\""},
      {"/errors/0/count", "0", "errors[0].count: must be at least 1"},
      {"/expectations/0/unit", "\"furlongs\"", "expectations[0].unit: is the unknown name \"furlongs\""},
      {"/expectations/0/actual", "\"fast\"", "expectations[0].actual: must be a number"},
      {"/configuration/pace/kind", "\"haste\"", "configuration.pace.kind: is the unknown name \"haste\""},
      {"/configuration/urls", "[\"ws://a\", 2]", "configuration.urls[1]: must be a text, and is 2"},
      {"/generator/kernel_stamps", "null", "generator.kernel_stamps: must be true or false"},
      {"/started_at", "\"yesterday\"", "started_at: must be a time such as"},
      {"/started_at", "\"2026-11-24T08:18:21Z\"", "started_at: must be a time such as"},
      {"/started_at", "\"2026-11-24 08:18:21.000000000Z\"", "started_at: must be a time such as"},
      {"/started_at", "\"2026-02-29T08:18:21.000000000Z\"", "started_at: must be a time that there is"},
      {"/started_at", "\"2026-13-01T08:18:21.000000000Z\"", "started_at: must be a time that there is"},
      {"/started_at", "\"2026-11-24T24:18:21.000000000Z\"", "started_at: must be a time that there is"},
      {"/started_at", "\"2026-11-24T08:60:21.000000000Z\"", "started_at: must be a time that there is"},
      {"/started_at", "\"2026-11-24T08:18:60.000000000Z\"", "started_at: must be a time that there is"},
      {"/started_at", "\"9999-11-24T08:18:21.000000000Z\"", "started_at: must be a time that the clock can tell"},
      {"/started_at", "\"0000-11-24T08:18:21.000000000Z\"", "started_at: must be a time that the clock can tell"},
  });
}

TEST_CASE("counts that contradict each other are refused", "[json]") {
  const std::string most = std::to_string(uint64_max);
  check_refused({
      {"/messages/labels/post/sent", "1199", "messages.labels.post: in_flight is negative"},
      {"/messages/labels/post/one_way", most, "messages.labels.post: in_flight is negative"},
      {"/messages/labels//answered", "14",
       R"(histograms.labels[""].response_time: must have as many samples as messages.labels[""].answered says)"},
      {"/messages/labels//failed", "4",
       R"(histograms.labels[""].failed_time: must have as many samples as messages.labels[""].failed says)"},
      {"/histograms/labels/post/service_time", R"({"sum_ns": "7", "min_ns": 7, "max_ns": 7, "negative": 0, "bins": [[7, 1]]})",
       "histograms.labels.post.service_time: must have as many samples"},
      {"/messages/labels/post/sent", most, "messages: more are planned than 64 bits can count"},
      {"/messages/not_sent", most, "messages: more are planned than 64 bits can count"},
      {"/messages/labels/post", "", "histograms.labels: has a label that messages.labels does not have"},
      {"/messages/late", "1220", "messages: more are late, duplicated and unclaimed"},
      {"/connections/attempted", "4", "connections: more succeeded and failed than attempted"},
      {"/connections/reconnects_attempted", "2", "connections: more are reconnected and reconnects_failed than reconnects_attempted"},
      {"/connections/open", "5", "connections: more are open than peak_open"},
      {"/connections/peak_open", "6", "connections: peak_open is more than were opened"},
      {"/connections/succeeded", "3", "histograms.connect_time: must have as many samples as connections.succeeded says"},
      {"/histograms/tls", R"({"sum_ns": "35", "min_ns": 7, "max_ns": 7, "negative": 0, "bins": [[7, 5]]})",
       "histograms.tls: has more samples than connections.succeeded says"},
      {"/histograms/open_time", R"({"sum_ns": "21", "min_ns": 7, "max_ns": 7, "negative": 0, "bins": [[7, 3]]})",
       "histograms.open_time: has more samples than connections have ended"},
      {"/errors/0/count", most, "errors: has more failures than 64 bits can count"},
      {"/errors/1", R"({"failure": "timeout", "code": null, "count": 1, "first_at_ns": 0, "sample": ""})",
       "errors[1]: repeats an earlier failure and code"},
      {"/checks/0/passed", most, "checks[0]: has more outcomes than 64 bits can count"},
      {"/checks/1/name", "\"welcomed\"", "checks[1].name: is the name of an earlier check"},
      {"/pings/answered", "2", "pings: more are answered and failed than sent"},
      {"/fan_out/delivered", "10", "fan_out: missing is negative: more are delivered than expected"},
      {"/fan_out/delivered", "3", "histograms.fan_out.delivery: must have as many samples as fan_out.delivered says"},
      {"/fan_out/published", "2", "histograms.fan_out.first: has more samples than fan_out.published says"},
      {"/fan_out/complete", "4", "fan_out: more are complete than published"},
      {"/messages/overrun", "5", "messages: more are overrun than not sent"},
      {"/messages/duplicated", most, "messages: more are late, duplicated and unclaimed than received"},
      {"/connections/subprotocols/0/count", "9", "connections.subprotocols: are more than connections"},
      {"/compression/connections", "6", "compression: is on more than were opened"},
      {"/configuration/deflate/client_window_bits", "16", "configuration.deflate.client_window_bits: is none that zlib knows"},
      {"/configuration/deflate/server_window_bits", "7", "configuration.deflate.server_window_bits: is none that zlib knows"},
      {"/configuration/deflate/level", "0", "configuration.deflate.level: is none that zlib knows"},
      {"/configuration/deflate/memory_level", "10", "configuration.deflate.memory_level: is none that zlib knows"},
      {"/parts/chatters/messages/labels/say/sent", "0", "parts.chatters.messages.labels.say: in_flight is negative: more are one_way"},
      {"/expectations/5/met", "true", "expectations[5].met: cannot be true without an actual figure"},
  });
}

TEST_CASE("a damaged histogram is refused", "[json]") {
  check_refused({
      {"/histograms/receive_lag/bins", "[]", "histograms.receive_lag: there is a minimum, maximum or sum without samples"},
      {"/histograms/receive_lag/bins/0/0", "1", "histograms.receive_lag: minimum and maximum do not fit"},
      {"/histograms/receive_lag/bins/0/0", "-1", "histograms.receive_lag.bins[0][0]: must be a whole number from 0"},
      {"/histograms/receive_lag/bins/0/1", "11", "histograms.receive_lag: the sum does not fit"},
      {"/histograms/receive_lag/bins/0/1", "0", "histograms.receive_lag: the bins are not ascending"},
      {"/histograms/receive_lag/bins/0", "[1, 2, 3]", "histograms.receive_lag.bins[0]: must be a pair"},
      {"/histograms/receive_lag/bins/0", "{}", "histograms.receive_lag.bins[0]: must be a list"},
      {"/histograms/receive_lag/bins", "[[0,18446744073709551615],[1,1]]", "histograms.receive_lag: there are more samples"},
      {"/histograms/receive_lag/sum_ns", "\"-1\"", "histograms.receive_lag.sum_ns: must be a whole number as text"},
      {"/histograms/receive_lag/sum_ns", "1", "histograms.receive_lag.sum_ns: must be a text"},
      {"/histograms/receive_lag/sum_ns", "\"\"", "histograms.receive_lag: the sum does not fit"},
      {"/histograms/receive_lag/sum_ns", "\"340282366920938463463374607431768211455\"", "histograms.receive_lag: the sum does not fit"},
      {"/histograms/receive_lag/sum_ns", "\"340282366920938463463374607431768211456\"", "histograms.receive_lag.sum_ns: is too large"},
      {"/histograms/receive_lag/max_ns", "7", "histograms.receive_lag: minimum and maximum do not fit"},
      {"/histograms/receive_lag/min_ns", "null", "histograms.receive_lag: minimum and maximum do not fit"},
  });
}

TEST_CASE("a figure for people that contradicts the exact ones is refused", "[json]") {
  const std::string problem = ": contradicts the figures it must follow from";
  check_refused({
      {"/duration_s", "11", "duration_s" + problem},
      {"/duration_ns", "20000000019", "duration_s" + problem},
      {"/load_model", "\"open\"", "load_model" + problem},
      {"/messages/sent", "1222", "messages.sent" + problem},
      {"/messages/in_flight", "1", "messages.in_flight" + problem},
      {"/messages/response_time_ms/p99", "1.5", "messages.response_time_ms.p99" + problem},
      {"/messages/response_time_ms/p99", "null", "messages.response_time_ms.p99" + problem},
      {"/messages/labels/post/response_time_ms/count", "7", "messages.labels.post.response_time_ms.count" + problem},
      {"/messages/success_rate", "1.0", "messages.success_rate" + problem},
      {"/errors/0/first_at_s", "9", "errors[0].first_at_s" + problem},

      {"/generator/workers", "3", "generator.workers" + problem},
  });
}

TEST_CASE("keys that a newer version added are passed over, and so are its judgements", "[json]") {
  const Report report = rich_report();
  Json document = document_of(report);
  document["time_series"]["clients"] = {1, 2, 3};
  document["messages"]["labels"]["post"]["apdex"] = 0.9;
  document["messages"]["response_time_ms"]["p99_99"] = nullptr;
  document["generator"]["mood"] = 0.25;
  document["verdict"] = "doubtful";
  document["tool"]["version"] = "1.7.0";
  CHECK(report_from_json(document.dump()) == report);
}

TEST_CASE("whatever is taken out, the reader names it or does not need it", "[json][exhaustive]") {
  const Report report = rich_report(1ns);
  const Json sound = document_of(report);
  int refused = 0;
  int not_needed = 0;
  for_each_place(sound, [&](const Pointer& place) {
    Json document = sound;
    remove(document, place);
    INFO(place.to_string());
    // An element of a list, a label with its histograms, a kind of error, or the commit may be gone from an honest report; a key may not.
    const auto restored = read_damaged(document.dump(), report);
    const bool optional =
        place.parent_pointer().to_string() == "/time_series/errors" || place.to_string() == "/commit" || is_younger(place);
    if (restored && !optional && sound.at(place.parent_pointer()).is_object()) CHECK(*restored == report);
    ++(restored ? not_needed : refused);
  });
  CHECK(refused > 80);
  CHECK(not_needed > 80);
}

TEST_CASE("a soak reads back as one, and is judged anew", "[json]") {
  const Report report = as_soak(rich_report());
  REQUIRE(report.record().soak);
  Json document = document_of(report);
  CHECK(report_from_json(document.dump()) == report);
  document["soak"]["verdict"] = "leaking";
  CHECK(report_from_json(document.dump()) == report);
  document["soak"] = true;
  CHECK_THROWS_AS(report_from_json(document.dump()), wsbench::Error);
}

TEST_CASE("a report from before there was compression reads as one without", "[json]") {
  RunRecord record = rich_record(1ns);
  record.configuration.deflate.reset();
  record.configuration.fragment_size = 0;
  record.metrics.compression = {};
  const Report report{record};
  Json document = document_of(report);
  for (const char* key : {"/compression", "/configuration/deflate", "/configuration/fragment_size_bytes"}) remove(document, Pointer(key));
  CHECK(report_from_json(document.dump()) == report);
}

TEST_CASE("whatever is of another type, the reader refuses it or does not need it", "[json][exhaustive]") {
  const Report report = rich_report(1ns);
  const Json sound = document_of(report);
  const std::vector<Json> strangers{Json{}, true, -1, "", Json::array(), Json::object(), Json::array({Json::array()}), uint64_max};
  std::size_t turn = 0;
  int refused = 0;
  for_each_place(sound, [&](const Pointer& place) {
    const Json& was = sound.at(place);
    const auto differs = [&](const Json& stranger) { return stranger.type() != was.type() && !(stranger.is_number() && was.is_number()); };
    while (!differs(strangers[turn % strangers.size()])) ++turn;
    const Json& stranger = strangers[turn++ % strangers.size()];
    Json document = sound;
    document.at(place) = stranger;
    INFO(place.to_string() << " = " << stranger);
    const auto restored = read_damaged(document.dump(), report);
    // Null is a type that some figures may have.
    if (restored && !stranger.is_null() && !was.is_null()) CHECK(*restored == report);
    refused += restored ? 0 : 1;
  });
  CHECK(refused > 200);
}

TEST_CASE("no damage to the text makes the reader do worse than refuse", "[json]") {
  const Report report = rich_report(1ns);
  const std::string sound = document_of(report).dump();
  std::mt19937_64 random{20'261'124};
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = sound;
    for (std::size_t damage = 0; damage <= below(3); ++damage) {
      const std::size_t place = below(text.size());
      switch (below(5)) {
        case 0: text[place] = static_cast<char>(random()); break;
        case 1: text[place] = "0123456789-.eE\"{}[],:ntf"[below(24)]; break;
        case 2: text.erase(place, 1 + below(8)); break;
        case 3: text.insert(place, text, below(text.size()), 1 + below(40)); break;
        default: text.resize(std::max<std::size_t>(place, 1)); break;
      }
    }
    INFO("round " << round);
    refused += read_damaged(text, report) ? 0 : 1;
  }
  CHECK(refused > 200);
  CHECK(refused < 300);
}
