#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <wsbench/deflate_options.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/renamed.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/version.hpp>

/// \file
/// A report as JSON; `wsbench/report/json_reader.hpp` reads it back.
///
/// Keys carry their unit. Figures in milliseconds and seconds are for people and scripts; what a report is restored from is exact: counts,
/// keys that end in `_ns`, and the histograms. A figure that was not measured is `null`. Keys are only ever added.

namespace wsbench {

namespace detail {

using Json = nlohmann::ordered_json;

inline constexpr std::uint64_t json_schema_version = 1;

// In the order of their enums.
inline constexpr auto unit_names = std::to_array<std::string_view>({"seconds", "share", "count", "per_second", "number", "bytes"});
inline constexpr auto pace_names = std::to_array<std::string_view>({"think", "flat_out", "rate"});
inline constexpr auto population_names = std::to_array<std::string_view>({"number", "stages", "arrivals"});
static_assert(unit_names.size() == static_cast<std::size_t>(Unit::bytes) + 1, "every unit has a name");
static_assert(pace_names.size() == static_cast<std::size_t>(Pace::Kind::rate) + 1, "every pace has a name");

// The fields that are written and read alike: `each(key, member)` does the one or the other.

void configuration_fields(auto& configuration, auto each) {
  each("urls", configuration.urls);
  each("population", configuration.population);
  each("clients", configuration.clients);
  each("ramp_up_ns", configuration.ramp_up);
  each("messages", configuration.messages);
  each("duration_ns", configuration.duration);
  each("warm_up_ns", configuration.warm_up);
  each("pace", configuration.pace);
  each("in_flight", configuration.in_flight);
  each("timeout_ns", configuration.timeout);
  each("connect_timeout_ns", configuration.connect_timeout);
  each("reconnect_attempts", configuration.reconnect_attempts);
  each("reconnect_delay_ns", configuration.reconnect_delay);
  each("reconnect_delay_max_ns", configuration.reconnect_delay_max);
  each("ping_every_ns", configuration.ping_every);
  each("ping_timeout_ns", configuration.ping_timeout);
  each("behaviour", configuration.behaviour);
  each("insecure", configuration.insecure);
  each("connect_rate", configuration.connect_rate);
  each("workers", configuration.workers);
  each("seed", configuration.seed);
}

void environment_fields(auto& environment, auto each) {
  each("host", environment.host);
  each("system", environment.system);
  each("cores", environment.cores);
  each("compiler", environment.compiler);
  each("asio_version", environment.asio_version);
  each("wsbench_version", environment.wsbench_version);
}

void deflate_fields(auto& deflate, auto each) {
  each("client_context_takeover", deflate.client_context_takeover);
  each("server_context_takeover", deflate.server_context_takeover);
  each("client_window_bits", deflate.client_window_bits);
  each("server_window_bits", deflate.server_window_bits);
  each("level", deflate.level);
  each("memory_level", deflate.memory_level);
}

void compression_counts(auto& compression, auto each) {
  each("connections", compression.connections);
  each("bytes_sent", compression.bytes_sent);
  each("bytes_sent_compressed", compression.bytes_sent_compressed);
  each("bytes_received", compression.bytes_received);
  each("bytes_received_compressed", compression.bytes_received_compressed);
}

void connection_counts(auto& connections, auto each) {
  each("attempted", connections.attempted);
  each("succeeded", connections.succeeded);
  each("failed", connections.failed);
  each("reconnects_attempted", connections.reconnects_attempted);
  each("reconnected", connections.reconnected);
  each("reconnects_failed", connections.reconnects_failed);
  each("tls_resumed", connections.tls_resumed);
  each("open", connections.open);
  each("peak_open", connections.peak_open);
}

void connection_phases(auto& connections, auto each) {
  each("resolve", connections.resolve);
  each("tcp", connections.tcp);
  each("tls", connections.tls);
  each("upgrade", connections.upgrade);
}

void message_counts(auto& messages, auto each) {
  each("sent", messages.sent);
  each("one_way", messages.one_way);
  each("answered", messages.answered);
  each("failed", messages.failed);
}

void message_histograms(auto& messages, auto each) {
  each("response_time", messages.response_time);
  each("service_time", messages.service_time);
  each("failed_time", messages.failed_time);
}

void traffic_counts(auto& metrics, auto each) {
  each("received", metrics.received);
  each("overrun", metrics.overrun);
  each("held_by_in_flight", metrics.held_by_in_flight);
  each("late", metrics.late);
  each("duplicated", metrics.duplicated);
  each("unclaimed", metrics.unclaimed);
  each("bytes_sent", metrics.bytes_sent);
  each("bytes_received", metrics.bytes_received);
}

void lag_histograms(auto& metrics, auto each) {
  each("schedule_lag", metrics.schedule_lag);
  each("receive_lag", metrics.receive_lag);
}

void stamp_counts(auto& metrics, auto each) {
  each("stamped_reads", metrics.stamped_reads);
  each("unbelieved_stamps", metrics.unbelieved_stamps);
  each("shared_stamps", metrics.shared_stamps);
}

// The counts of each slot of the time series, under the keys of their lists.
inline constexpr auto slot_counts = std::to_array<std::pair<const char*, std::uint64_t TimeSlot::*>>({
    {"sent", &TimeSlot::sent},
    {"answered", &TimeSlot::answered},
    {"failed", &TimeSlot::failed},
    {"opened", &TimeSlot::opened},
    {"ended", &TimeSlot::ended},
});

void ping_counts(auto& pings, auto each) {
  each("sent", pings.sent);
  each("answered", pings.answered);
  each("failed", pings.failed);
}

void fan_out_counts(auto& fan_out, auto each) {
  each("published", fan_out.published);
  each("complete", fan_out.complete);
  each("expected", fan_out.expected);
  each("delivered", fan_out.delivered);
  each("late", fan_out.late);
  each("duplicated", fan_out.duplicated);
  each("out_of_order", fan_out.out_of_order);
  each("unexpected", fan_out.unexpected);
}

void fan_out_histograms(auto& fan_out, auto each) {
  each("first", fan_out.first);
  each("median", fan_out.median);
  each("last", fan_out.last);
  each("delivery", fan_out.delivery);
}

void subprotocol_fields(auto& subprotocol, auto each) {
  each("name", subprotocol.name);
  each("count", subprotocol.count);
}

void check_fields(auto& check, auto each) {
  each("name", check.name);
  each("passed", check.passed);
  each("failed", check.failed);
}

inline std::string one_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The text with U+FFFD for what is not UTF-8.
inline std::string as_utf8(const std::string& text) {
  return Json::parse(one_line(text)).get<std::string>();
}

/// The same metrics under names that JSON can hold, so that every key stands once.
inline Metrics with_utf8_names(Metrics metrics) {
  Metrics renamed = renamed_entries(metrics, as_utf8);
  metrics.notes = std::move(renamed.notes);
  metrics.pushes = std::move(renamed.pushes);
  metrics.labels = std::move(renamed.labels);
  metrics.checks = std::move(renamed.checks);
  return metrics;
}

inline double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// Counts, switches and text stand for themselves.
template <class Value>
Json json_of(const Value& value) {
  return value;
}

inline Json json_of(std::chrono::nanoseconds time) {
  return time.count();
}

inline Json json_of(const std::vector<Stage>& stages) {
  Json list = Json::array();
  for (const Stage& stage : stages) list.push_back({{"level", stage.level}, {"over_ns", stage.over.count()}});
  return list;
}

inline Json json_of(const Pace& pace) {
  return {{"kind", pace_names.at(static_cast<std::size_t>(pace.kind()))},
          {"think_time_ns", pace.think_time().count()},
          {"per_second", pace.per_second()},
          {"stages", json_of(pace.stages())},
          {"random", pace.random()}};
}

inline Json json_of(const Population& population) {
  return {{"kind", population_names.at(static_cast<std::size_t>(population.kind()))},
          {"clients", population.clients()},
          {"stages", json_of(population.stages())},
          {"arrivals_per_second", population.arrivals_per_second()}};
}

template <class Value>
Json json_of(const std::optional<Value>& value) {
  return value ? json_of(*value) : Json{};
}

/// The whole of it; bins are pairs of the lowest duration they count, in nanoseconds, and how many samples they have.
inline Json json_of(const Histogram& histogram) {
  const Histogram::Content content = histogram.content();
  Json object;
  // 128 bits do not fit a JSON number that others can read.
  object["sum_ns"] = fmt::format("{}", (uint128{content.sum.high} << 64) + content.sum.low);
  object["min_ns"] = json_of(histogram.min());
  object["max_ns"] = json_of(histogram.max());
  object["negative"] = content.negative;
  object["bins"] = Json::array();
  for (const Histogram::Bin& bin : content.bins) object["bins"].push_back(Json::array({bin.value, bin.count}));
  return object;
}

/// Writes each field it is called with into the object.
inline auto into(Json& object) {
  return [&object](const char* key, const auto& member) { object[key] = json_of(member); };
}

/// The figures of a histogram, in milliseconds.
inline Json timing_ms(const Histogram& histogram) {
  Json figures;
  figures["count"] = histogram.count();
  for (const Statistic statistic : {Statistic::mean, Statistic::min, Statistic::p50, Statistic::p90, Statistic::p95, Statistic::p99,
                                    Statistic::p99_9, Statistic::max}) {
    const auto figure = statistic_of(histogram, statistic);
    figures[std::string(name(statistic))] = figure ? Json(static_cast<double>(figure->count()) / 1e6) : Json{};
  }
  return figures;
}

/// Writes the figures of each histogram it is called with into the object.
inline auto timings_into(Json& object) {
  return [&object](const char* key, const Histogram& histogram) { object[std::string(key) + "_ms"] = timing_ms(histogram); };
}

/// A part of a whole; null where there is no whole.
inline Json share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? Json{} : Json(static_cast<double>(part) / static_cast<double>(whole));
}

inline Json connections_json(const Report& report) {
  const ConnectionMetrics& connections = report.metrics().connections;
  Json object;
  connection_counts(connections, into(object));
  Json& subprotocols = object["subprotocols"] = Json::array();
  for (const SubprotocolCount& subprotocol : connections.subprotocols) subprotocol_fields(subprotocol, into(subprotocols.emplace_back()));
  object["success_rate"] = json_of(report.connection_success_rate());
  object["connect_time_ms"] = timing_ms(connections.connect_time);
  object["open_time_ms"] = timing_ms(connections.open_time);
  Json& phases = object["phases_ms"];
  connection_phases(connections, [&](const char* key, const Histogram& histogram) { phases[key] = timing_ms(histogram); });
  return object;
}

/// The messages of one label or of all; without `not_sent` it is not known how many there should have been.
inline Json message_figures(const MessageMetrics& messages, std::optional<std::uint64_t> not_sent, std::chrono::nanoseconds duration) {
  const std::uint64_t known = messages.sent + not_sent.value_or(0);
  Json object;
  object["planned"] = not_sent ? Json(known) : Json{};
  object["not_sent"] = json_of(not_sent);
  message_counts(messages, into(object));
  object["in_flight"] = messages.in_flight();
  object["success_rate"] = not_sent ? share(messages.answered, messages.answered + messages.failed + *not_sent) : Json{};
  object["sent_per_second"] = duration.count() > 0 && known > 0 ? Json(static_cast<double>(messages.sent) / seconds(duration)) : Json{};
  message_histograms(messages, timings_into(object));
  return object;
}

inline Json messages_json(const Report& report, const Metrics& metrics) {
  const std::chrono::nanoseconds duration = report.sending_window();
  Json object = message_figures(report.messages(), metrics.not_sent, duration);
  traffic_counts(metrics, into(object));
  Json& labels = object["labels"] = Json::object();
  for (const LabelMetrics& entry : metrics.labels) {
    // What was not sent has no label, and what came has none before it is matched.
    Json& label = labels[entry.label] =
        message_figures(entry.messages, metrics.not_sent == 0 ? std::optional{metrics.not_sent} : std::nullopt, duration);
    traffic_counts(metrics, [&](const char* key, std::uint64_t) { label[key] = nullptr; });
  }
  return object;
}

inline Json errors_json(const FailureTally& failures) {
  Json list = Json::array();
  for (const FailureCount& entry : failures.by_count()) {
    Json& object = list.emplace_back();
    object["failure"] = name(entry.failure);
    object["code"] = entry.code == 0 ? Json{} : Json(entry.code);
    object["count"] = entry.count;
    object["first_at_s"] = seconds(entry.first_at);
    object["first_at_ns"] = entry.first_at.count();
    object["sample"] = entry.sample;
  }
  return list;
}

inline Json checks_json(const std::vector<CheckCount>& checks) {
  Json list = Json::array();
  for (const CheckCount& check : checks) {
    Json& object = list.emplace_back();
    check_fields(check, into(object));
    object["success_rate"] = share(check.passed, check.passed + check.failed);
  }
  return list;
}

inline Json pings_json(const PingMetrics& pings) {
  Json object;
  ping_counts(pings, into(object));
  object["round_trip_ms"] = timing_ms(pings.round_trip);
  return object;
}

inline Json pushes_json(const std::vector<PushMetrics>& pushes) {
  Json object = Json::object();
  for (const PushMetrics& push : pushes) {
    object[push.label] = {{"count", push.count}, {"delivery_time_ms", timing_ms(push.delivery_time)}};
  }
  return object;
}

inline Json notes_json(const std::vector<NoteMetrics>& notes) {
  Json object = Json::object();
  for (const NoteMetrics& note : notes) object[note.label] = {{"duration_ms", timing_ms(note.duration)}};
  return object;
}

inline Json fan_out_json(const FanOutMetrics& fan_out) {
  Json object;
  fan_out_counts(fan_out, into(object));
  object["missing"] = fan_out.missing();
  fan_out_histograms(fan_out, timings_into(object));
  return object;
}

inline Json expectations_json(const std::vector<ExpectationResult>& expectations) {
  Json list = Json::array();
  for (const ExpectationResult& expectation : expectations) {
    Json& object = list.emplace_back();
    object["text"] = expectation.text;
    object["unit"] = unit_names.at(static_cast<std::size_t>(expectation.unit));
    object["actual"] = json_of(expectation.actual);
    object["met"] = expectation.met;
  }
  return list;
}

// The figures of each slot of a probe's series, under the keys of their lists.
void probe_slot_fields(auto&& slot, auto each) {
  each("samples", slot.samples);
  each("sum", slot.sum);
  each("min", slot.min);
  each("max", slot.max);
  each("last", slot.last);
}

/// What one probe read: figures in its unit, then the slots of its series, a list for each figure.
inline Json probe_json(const ProbeRecord& probe) {
  const ProbeSeries& series = probe.series;
  Json object;
  object["name"] = probe.name;
  object["unit"] = unit_names.at(static_cast<std::size_t>(probe.unit));
  object["source"] = probe.source.empty() ? Json{} : Json(probe.source);
  object["readings"] = series.samples();
  object["failed"] = series.failures();
  Json& failure = object["first_failure"];
  if (const std::optional<ProbeFailure> first = series.first_failure()) {
    failure = {{"at_s", seconds(first->at)}, {"at_ns", first->at.count()}, {"reason", first->reason}};
  }
  object["first"] = json_of(series.first());
  for (const Statistic statistic : {Statistic::mean, Statistic::min, Statistic::p50, Statistic::p90, Statistic::p95, Statistic::p99,
                                    Statistic::p99_9, Statistic::max, Statistic::last}) {
    object[std::string(name(statistic))] = json_of(statistic_of(series, statistic));
  }
  Json& lists = object["series"];
  lists["width_s"] = seconds(series.width());
  lists["width_ns"] = series.width().count();
  probe_slot_fields(ProbeSlot{}, [&](const char* key, auto) { lists[key] = Json::array(); });
  for (const ProbeSlot& slot : series.slots()) {
    probe_slot_fields(slot, [&](const char* key, auto figure) { lists[key].push_back(figure); });
  }
  return object;
}

inline Json generator_json(const RunRecord& record) {
  // No process runs without CPU time, memory or a thread: 0 is a figure that nobody took.
  const auto measured = [](auto figure) { return figure == 0 ? Json{} : Json(figure); };
  Json object;
  lag_histograms(record.metrics, timings_into(object));
  object["cpu_s"] = measured(seconds(record.generator.cpu_time));
  object["cpu_ns"] = measured(record.generator.cpu_time.count());
  object["busy"] = json_of(record.generator.busy);
  object["overloaded"] = record.generator.overloaded;
  object["max_rss_kib"] = measured(record.generator.max_rss_kib);
  object["workers"] = measured(record.configuration.workers);
  object["kernel_stamps"] = record.generator.kernel_stamps;
  stamp_counts(record.metrics, into(object));
  return object;
}

/// A list for each figure, with an entry for each slot; a rate is null where the window of the figures does not hold the whole slot.
inline Json time_series_json(const RunRecord& record, const TimeSeries& series) {
  const auto list_of = [&](auto figure) {
    Json list = Json::array();
    for (std::size_t index = 0; index < series.slots().size(); ++index) list.push_back(figure(series.slots()[index], index));
    return list;
  };
  const auto rate_of = [&](std::uint64_t TimeSlot::*count) {
    return list_of([&](const TimeSlot&, std::size_t index) { return json_of(rate_in_slot(record, series, index, count)); });
  };
  const auto in_ms = [](std::optional<std::chrono::nanoseconds> time) {
    return time ? Json(static_cast<double>(time->count()) / 1e6) : Json{};
  };
  Json object;
  object["width_s"] = seconds(series.width());
  object["width_ns"] = series.width().count();
  object["sent_per_second"] = rate_of(&TimeSlot::sent);
  object["answered_per_second"] = rate_of(&TimeSlot::answered);
  object["open"] = series.open();
  for (const unsigned percent : {50U, 95U, 99U}) {
    object[fmt::format("p{}_ms", percent)] =
        list_of([&](const TimeSlot& slot, std::size_t) { return in_ms(slot.response_time.percentile(percent)); });
  }
  object["max_ms"] = list_of([&](const TimeSlot& slot, std::size_t) { return in_ms(slot.response_time.max()); });
  for (const auto& [key, count] : slot_counts) {
    object[key] = list_of([count = count](const TimeSlot& slot, std::size_t) { return Json(slot.*count); });
  }
  object["failures"] = list_of([](const TimeSlot& slot, std::size_t) {
    return Json(std::accumulate(slot.failures.begin(), slot.failures.end(), std::uint64_t{0}));
  });
  Json& errors = object["errors"] = Json::object();
  for (std::size_t kind = 0; kind < failure_names.size(); ++kind) {
    const bool any =
        std::any_of(series.slots().begin(), series.slots().end(), [&](const TimeSlot& slot) { return slot.failures[kind] > 0; });
    if (any)
      errors[std::string(failure_names[kind])] = list_of([&](const TimeSlot& slot, std::size_t) { return Json(slot.failures[kind]); });
  }
  object["response_time_max_ns"] = list_of([](const TimeSlot& slot, std::size_t) { return json_of(slot.response_time.max()); });
  object["response_time_bins"] = list_of([](const TimeSlot& slot, std::size_t) {
    Json bins = Json::array();
    for (const SlotTimes::Bin& bin : slot.response_time.bins()) bins.push_back(Json::array({bin.value, bin.count}));
    return bins;
  });
  return object;
}

inline Json warm_up_json(const RunRecord& record) {
  Json object;
  message_counts(record.warm_up, into(object));
  object["not_sent"] = record.warm_up_not_sent;
  message_histograms(record.warm_up, timings_into(object));
  return object;
}

inline Json histograms_json(const Metrics& metrics) {
  Json object;
  object["connect_time"] = json_of(metrics.connections.connect_time);
  object["open_time"] = json_of(metrics.connections.open_time);
  connection_phases(metrics.connections, into(object));
  lag_histograms(metrics, into(object));
  Json& labels = object["labels"] = Json::object();
  for (const LabelMetrics& entry : metrics.labels) message_histograms(entry.messages, into(labels[entry.label]));
  object["ping"] = json_of(metrics.pings.round_trip);
  Json& pushes = object["pushes"] = Json::object();
  for (const PushMetrics& push : metrics.pushes) pushes[push.label] = json_of(push.delivery_time);
  Json& notes = object["notes"] = Json::object();
  for (const NoteMetrics& note : metrics.notes) notes[note.label] = json_of(note.duration);
  fan_out_histograms(metrics.fan_out, into(object["fan_out"]));
  return object;
}

/// What the clients of a report measured, as far as a part of a mix has it too.
inline void put_metrics(const Report& report, const Metrics& metrics, Json& object) {
  object["connections"] = connections_json(report);
  object["messages"] = messages_json(report, metrics);
  compression_counts(metrics.compression, into(object["compression"]));
  object["errors"] = errors_json(metrics.failures);
  object["checks"] = checks_json(metrics.checks);
  object["pings"] = pings_json(metrics.pings);
  object["pushes"] = pushes_json(metrics.pushes);
  object["notes"] = notes_json(metrics.notes);
  object["fan_out"] = fan_out_json(metrics.fan_out);
  object["time_series"] = time_series_json(report.record(), metrics.series);
  object["histograms"] = histograms_json(metrics);
}

/// What was asked; the memory follows from the rest.
inline Json configuration_json(const Configuration& configuration) {
  Json object;
  configuration_fields(configuration, into(object));
  object["fragment_size_bytes"] = configuration.fragment_size;
  Json& deflate = object["deflate"];
  if (configuration.deflate) {
    deflate_fields(*configuration.deflate, into(deflate));
    deflate["memory_bytes_a_connection"] = deflate_memory(*configuration.deflate);
  }
  return object;
}

inline Json json_of(const std::optional<RankEstimate>& estimate, double factor) {
  if (!estimate) return {};
  return {{"estimate", estimate->estimate * factor}, {"low", estimate->low * factor}, {"high", estimate->high * factor}};
}

/// What a soak found; it follows from the rest.
inline Json soak_json(const Soak& found) {
  const auto figure = [](std::optional<double> value) { return value ? Json(*value) : Json{}; };
  Json object;
  object["verdict"] = name(found.verdict);
  object["summary"] = verdict_line(found);
  object["from_s"] = seconds(found.from);
  object["to_s"] = seconds(found.to);
  object["run_for_s"] = found.run_for ? Json(seconds(*found.run_for)) : Json{};
  Json& findings = object["findings"] = Json::array();
  for (const SoakFinding& finding : found.findings) {
    constexpr double hour = 3'600;
    const bool measured = finding.growth.per_second.has_value();
    findings.push_back({{"what", as_utf8(finding.what)},
                        {"verdict", name(finding.verdict)},
                        {"unit", unit_names.at(static_cast<std::size_t>(finding.unit))},
                        {"evidence", as_utf8(finding.evidence)},
                        {"level", measured ? Json(finding.growth.level) : Json{}},
                        {"per_hour", json_of(finding.growth.per_second, hour)},
                        {"per_hour_in_last_half", json_of(finding.growth.at_last, hour)},
                        {"bytes_per_message", json_of(finding.per_message, 1)},
                        {"bytes_per_connection", json_of(finding.per_connection, 1)},
                        {"bytes_per_open_connection", figure(finding.per_open)},
                        {"bytes_before", figure(finding.before)},
                        {"bytes_after", figure(finding.after)}});
  }
  const auto in_ms = [](std::optional<std::chrono::nanoseconds> time) {
    return time ? Json(static_cast<double>(time->count()) / 1e6) : Json{};
  };
  Json& periods = object["periods"] = Json::array();
  for (const SoakPeriod& period : found.periods) {
    periods.push_back({{"from_s", seconds(period.from)},
                       {"open", period.open},
                       {"answered_per_second", period.answered_per_second},
                       {"p50_ms", in_ms(period.p50)},
                       {"p95_ms", in_ms(period.p95)},
                       {"errors", period.errors},
                       {"drops", period.drops},
                       {"memory_bytes", figure(period.memory)}});
  }
  return object;
}

inline Json parts_json(const std::vector<PartRecord>& parts, auto report_of) {
  Json object = Json::object();
  for (const PartRecord& part : parts) put_metrics(report_of(part.name), with_utf8_names(part.metrics), object[as_utf8(part.name)]);
  return object;
}

/// Objects, and lists of objects, get a line for each entry; any other list stays on one line, however many bins it has.
inline void print(const Json& value, std::size_t depth, std::string& text) {
  const bool is_list = value.is_array() && !value.empty() && value.front().is_object();
  if (!is_list && (!value.is_object() || value.empty())) {
    text += one_line(value);
    return;
  }
  const std::string line_break = '\n' + std::string(2 * depth, ' ');
  text += is_list ? '[' : '{';
  std::string_view separator{};
  for (const auto& entry : value.items()) {
    text.append(separator).append(line_break).append("  ");
    if (!is_list) text.append(one_line(entry.key())).append(": ");
    print(entry.value(), depth + 1, text);
    separator = ",";
  }
  text += line_break;
  text += is_list ? ']' : '}';
}

}  // namespace detail

/// The report as a JSON document; labels and checks have U+FFFD for bytes that are not UTF-8.
///
/// In `messages.labels` a figure is null that is not known by label: what came, and, if any message could not be sent, what was planned.
inline nlohmann::ordered_json to_json(const Report& report) {
  const RunRecord& record = report.record();
  const Metrics metrics = detail::with_utf8_names(record.metrics);
  nlohmann::ordered_json document;
  document["schema_version"] = detail::json_schema_version;
  document["tool"] = {{"name", "wsbench"}, {"version", version}};
  document["scenario"] = record.scenario;
  document["load_model"] = record.configuration.pace.open() ? "open" : "closed";
  document["commit"] = record.commit.empty() ? detail::Json{} : detail::Json(record.commit);
  document["started_at"] = detail::utc_text(record.started_at);
  document["duration_s"] = detail::seconds(record.duration);
  document["duration_ns"] = record.duration.count();
  document["verdict"] = name(report.verdict());
  document["valid"] = report.valid();
  document["invalid_because"] = report.invalid_because();
  document["interrupted"] = record.interrupted;
  document["ended_early_by"] = record.ended_early_by.empty() ? detail::Json{} : detail::Json(record.ended_early_by);
  detail::put_metrics(report, metrics, document);
  document["parts"] = detail::parts_json(record.parts, [&](const std::string& part) { return report.part(part); });
  document["targets"] = detail::parts_json(record.targets, [&](const std::string& url) { return report.target(url); });
  document["warm_up"] = detail::warm_up_json(record);
  detail::message_histograms(record.warm_up, detail::into(document["histograms"]["warm_up"]));
  detail::Json& probes = document["probes"] = detail::Json::array();
  for (const ProbeRecord& probe : record.probes) probes.push_back(detail::probe_json(probe));
  document["expectations"] = detail::expectations_json(record.expectations);
  document["soak"] = record.soak ? detail::soak_json(soak(report)) : detail::Json{};
  document["generator"] = detail::generator_json(record);
  document["configuration"] = detail::configuration_json(record.configuration);
  detail::environment_fields(record.environment, detail::into(document["environment"]));
  return document;
}

/// The report as JSON text, indented by two, with a newline at its end; U+FFFD stands for bytes that are not UTF-8, which a server may
/// send.
inline std::string to_json_text(const Report& report) {
  std::string text;
  detail::print(to_json(report), 0, text);
  return text += '\n';
}

}  // namespace wsbench
