#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/clean_text.hpp>
#include <wsbench/report/probe_figures.hpp>
#include <wsbench/report/renamed.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// One number of a report, as files for programs carry it.
struct Figure {
  std::string_view metric{};     ///< its name: "messages_sent"; where expectations know the figure, theirs
  std::string_view meaning{};    ///< in words
  std::string_view unit{};       ///< "count", "bytes", "seconds", "share" (of one), "per_second" or "number"
  bool counter{false};           ///< whether it adds up over runs
  std::string_view key{};        ///< what `label` names: "label", "failure"; empty: it has none
  std::string label{};           ///< clean text
  std::string value{};           ///< a plain number; empty where it was not measured
  std::string_view statistic{};  ///< of the readings of a probe; empty: it has none
};

/// One set of durations of a report.
struct DurationFigures {
  std::string_view metric{};            ///< its name: "latency"
  std::string_view meaning{};           ///< in words
  std::string_view key{};               ///< what `label` names; empty: it has none
  std::string label{};                  ///< clean text
  const Histogram* durations{nullptr};  ///< the samples
};

inline std::string plain(std::uint64_t count) {
  return fmt::format("{}", count);
}
inline std::string plain(double number) {
  return exact_number(number);
}
/// In seconds.
inline std::string plain(std::chrono::nanoseconds time) {
  return exact_number(std::chrono::duration<double>(time).count());
}
template <class Value>
std::string plain(const std::optional<Value>& value) {
  return value ? plain(*value) : std::string();
}

/// What the clients of a report measured, number by number; names are clean text, and no two of a kind are the same.
class ReportFigures {
 public:
  /// The report must outlive it.
  explicit ReportFigures(const Report& report) : report_(report), entries_(renamed_entries(report.metrics(), clean_text)) {
    connections();
    messages();
    labels();
    checks();
    pings_pushes_and_notes();
    fan_out();
    lags();
  }
  ReportFigures(const ReportFigures&) = delete;
  ReportFigures& operator=(const ReportFigures&) = delete;

  const std::vector<Figure>& numbers() const noexcept { return numbers_; }
  const std::vector<DurationFigures>& durations() const noexcept { return durations_; }

 private:
  void counter(std::string_view metric, std::string_view meaning, std::uint64_t count, std::string_view unit = "count") {
    numbers_.push_back({metric, meaning, unit, true, {}, {}, plain(count)});
  }
  void counter_of(std::string_view metric, std::string_view meaning, std::string_view key, std::string label, std::uint64_t count) {
    numbers_.push_back({metric, meaning, "count", true, key, std::move(label), plain(count)});
  }
  template <class Value>
  void gauge(std::string_view metric, std::string_view meaning, std::string_view unit, const Value& value) {
    numbers_.push_back({metric, meaning, unit, false, {}, {}, plain(value)});
  }
  void times(std::string_view metric, std::string_view meaning, const Histogram& durations) {
    durations_.push_back({metric, meaning, {}, {}, &durations});
  }
  void times_of(std::string_view metric, std::string_view meaning, const std::string& label, const Histogram& durations) {
    durations_.push_back({metric, meaning, "label", label, &durations});
  }

  void connections() {
    const ConnectionMetrics& connections = report_.metrics().connections;
    counter("connections_attempted", "First connects begun", connections.attempted);
    counter("connections_succeeded", "First connects that came to be open", connections.succeeded);
    counter("connections_failed", "First connects given up", connections.failed);
    gauge("connection_success_rate", "First connects that came to be open among those attempted", "share",
          report_.connection_success_rate());
    counter("reconnects_attempted", "Attempts to open a lost connection again", connections.reconnects_attempted);
    counter("reconnects_succeeded", "Lost connections opened again", connections.reconnected);
    counter("reconnects_failed", "Attempts to open a lost connection again that were given up", connections.reconnects_failed);
    counter("tls_sessions_resumed", "Connections with a TLS session that was resumed", connections.tls_resumed);
    gauge("connections_open_peak", "Most connections open at once", "count", connections.peak_open);
    Metrics cleaned;
    for (const SubprotocolCount& chosen : connections.subprotocols) {
      cleaned.connections.subprotocol_of(clean_text(chosen.name)).count += chosen.count;
    }
    for (const SubprotocolCount& chosen : cleaned.connections.subprotocols) {
      counter_of("subprotocol_connections", "Connections the server chose this subprotocol for", "subprotocol", chosen.name, chosen.count);
    }
    times("connect_time", "From the start of a connection attempt until the WebSocket was open", connections.connect_time);
    times("connect_resolve", "Part of the connect time: name to addresses", connections.resolve);
    times("connect_tcp", "Part of the connect time: TCP handshake", connections.tcp);
    times("connect_tls", "Part of the connect time: TLS handshake", connections.tls);
    times("connect_upgrade", "Part of the connect time: HTTP upgrade", connections.upgrade);
    times("connection_open_time", "From when a connection was open until it ended", connections.open_time);
  }

  void messages() {
    const Metrics& metrics = report_.metrics();
    const MessageMetrics& all = report_.messages();
    counter("messages_planned", "Messages the load called for", report_.planned());
    counter("messages_not_sent", "Messages that were due but could not be sent", metrics.not_sent);
    counter("messages_overrun", "Messages not sent because the generator came too late", metrics.overrun);
    counter("messages_sent", "Messages handed to a connection", all.sent);
    counter("messages_one_way", "Messages sent that expect no answer", all.one_way);
    counter("messages_answered", "Messages answered before their deadline", all.answered);
    counter("messages_failed", "Messages that timed out or were lost with their connection", all.failed);
    gauge("messages_in_flight", "Messages that were still waiting for an answer", "count", all.in_flight());
    gauge("success_rate", "Answered messages among those answered, failed or not sent", "share", report_.success_rate());
    gauge("error_rate", "Failed or not sent messages among those and the answered; all where nothing could connect", "share",
          report_.error_rate());
    gauge("messages_per_second", "Messages sent a second", "per_second", report_.sent_per_second());
    counter("messages_held", "Turns that waited because as many messages were in flight as may be", metrics.held_by_in_flight);
    counter("messages_received", "Messages that came from the server", metrics.received);
    counter("answers_late", "Answers that came after their deadline", metrics.late);
    counter("answers_duplicated", "Answers that had come already", metrics.duplicated);
    counter("messages_unclaimed", "Messages that nobody waited for", metrics.unclaimed);
    counter("bytes_sent", "Bytes sent, with handshakes and framing", metrics.bytes_sent, "bytes");
    counter("bytes_received", "Bytes received, with handshakes and framing", metrics.bytes_received, "bytes");
    compression();
    counter("errors", "Failures of every kind", metrics.failures.total());
    for (const FailureCount& failure : metrics.failures.by_count()) {
      counter_of("failures", "Failures of this kind", "failure", label(failure), failure.count);
    }
    times("latency", "From when a message was due until its answer arrived", all.response_time);
    times("service_time", "From just before a message was written until its answer arrived", all.service_time);
    times("failed_time", "From when a message was due until it was given up", all.failed_time);
  }

  void compression() {
    const CompressionMetrics& compression = report_.metrics().compression;
    if (compression.connections == 0) return;
    counter("connections_compressed", "Connections that agreed on compression", compression.connections);
    counter("payload_bytes_sent", "Payload of the messages sent where compression was agreed on", compression.bytes_sent, "bytes");
    counter("payload_bytes_sent_compressed", "The same as it went out", compression.bytes_sent_compressed, "bytes");
    counter("payload_bytes_received", "Payload of the messages that came compressed", compression.bytes_received, "bytes");
    counter("payload_bytes_received_compressed", "The same as it came in", compression.bytes_received_compressed, "bytes");
  }

  void labels() {
    for (const LabelMetrics& entry : entries_.labels) {
      const MessageMetrics& messages = entry.messages;
      counter_of("messages_sent", "Messages under this label handed to a connection", "label", entry.label, messages.sent);
      counter_of("messages_one_way", "Messages under this label that expect no answer", "label", entry.label, messages.one_way);
      counter_of("messages_answered", "Messages under this label answered before their deadline", "label", entry.label, messages.answered);
      counter_of("messages_failed", "Messages under this label that timed out or were lost with their connection", "label", entry.label,
                 messages.failed);
      times_of("latency", "From when a message under this label was due until its answer arrived", entry.label, messages.response_time);
      times_of("service_time", "From just before a message under this label was written until its answer arrived", entry.label,
               messages.service_time);
      times_of("failed_time", "From when a message under this label was due until it was given up", entry.label, messages.failed_time);
    }
  }

  void checks() {
    for (const CheckCount& check : entries_.checks) {
      counter_of("checks_passed", "How often this check of the behaviour was true", "check", check.name, check.passed);
      counter_of("checks_failed", "How often this check of the behaviour was false", "check", check.name, check.failed);
    }
  }

  void pings_pushes_and_notes() {
    if (const PingMetrics& pings = report_.metrics().pings; pings.sent > 0) {
      counter("pings_sent", "Pings written", pings.sent);
      counter("pings_answered", "Pings whose pong came before its deadline", pings.answered);
      counter("pings_failed", "Pings whose pong did not come", pings.failed);
      times("ping", "From just before a ping was written until its pong arrived", pings.round_trip);
    }
    for (const PushMetrics& push : entries_.pushes) {
      counter_of("pushes", "Messages that the server pushed under this label", "label", push.label, push.count);
      times_of("delivery", "From when a pushed message says it was sent until it arrived", push.label, push.delivery_time);
    }
    for (const NoteMetrics& note : entries_.notes) times_of("note", "Durations that the behaviour noted", note.label, note.duration);
  }

  void fan_out() {
    const FanOutMetrics& fan_out = report_.metrics().fan_out;
    if (fan_out.published == 0) return;
    counter("publications", "Publications whose time is over", fan_out.published);
    counter("publications_complete", "Publications that reached every subscriber", fan_out.complete);
    counter("expected_deliveries", "Deliveries there should have been", fan_out.expected);
    counter("deliveries", "Deliveries that came before their publication's deadline", fan_out.delivered);
    counter("missing_deliveries", "Deliveries that did not", fan_out.missing());
    counter("late_deliveries", "Deliveries that came after it", fan_out.late);
    counter("duplicate_deliveries", "Deliveries that came once more", fan_out.duplicated);
    counter("out_of_order_deliveries", "Deliveries that came after a later one of the same publisher", fan_out.out_of_order);
    counter("unexpected_deliveries", "Deliveries to a subscriber that was none yet", fan_out.unexpected);
    times("first_delivery", "From when a publication was due until the first subscriber had it", fan_out.first);
    times("median_delivery", "From when a publication was due until half of its subscribers had it", fan_out.median);
    times("last_delivery", "From when a publication was due until the last of its subscribers had it", fan_out.last);
    times("delivery", "From when a publication was due until each subscriber had it", fan_out.delivery);
  }

  void lags() {
    times("schedule_lag", "From when a message was due until just before its write", report_.metrics().schedule_lag);
    times("receive_lag", "From when an answer reached this machine until it was read", report_.metrics().receive_lag);
  }

  const Report& report_;
  Metrics entries_;
  std::vector<Figure> numbers_{};
  std::vector<DurationFigures> durations_{};
};

/// What is said of a run and of none of its parts.
inline std::vector<Figure> run_figures(const Report& report) {
  const RunRecord& record = report.record();
  const auto flag = [](bool value) { return plain(std::uint64_t{value}); };
  // No process runs without CPU time or memory: 0 is a figure that nobody took.
  const auto measured = [](std::uint64_t figure, std::string value) { return figure == 0 ? std::string() : std::move(value); };
  std::vector<Figure> figures{
      {"passed", "Whether every expectation held and answers came", "count", false, {}, {}, flag(report.passed())},
      {"valid", "Whether the generator kept its schedule and the behaviour did not throw", "count", false, {}, {}, flag(report.valid())},
      {"start_timestamp", "When the run began, since 1970", "seconds", false, {}, {}, plain(record.started_at.time_since_epoch())},
      {"duration", "From the start until the last message had its outcome", "seconds", false, {}, {}, plain(record.duration)},
      {"steady_window", "How long the figures were taken", "seconds", false, {}, {}, plain(report.window())},
      {"clients", "Most users at once", "count", false, {}, {}, plain(record.configuration.clients)},
      {"generator_cpu",
       "CPU time of the generator's workers",
       "seconds",
       true,
       {},
       {},
       measured(static_cast<std::uint64_t>(record.generator.cpu_time.count()), plain(record.generator.cpu_time))},
      {"generator_memory_peak",
       "Largest resident set of the generator",
       "bytes",
       false,
       {},
       {},
       measured(record.generator.max_rss_kib, plain(record.generator.max_rss_kib * 1024))},
      {"generator_busy",
       "The busiest worker's share of time that it ran or waited for a processor",
       "share",
       false,
       {},
       {},
       plain(record.generator.busy)}};
  for (const ExpectationResult& expectation : record.expectations) {
    const std::string text = clean_text(expectation.text);
    figures.push_back({"expectation_met", "Whether this expectation held", "count", false, "expectation", text, flag(expectation.met)});
  }
  return figures;
}

/// What probes read, probe by probe; no two have the same label.
inline std::vector<Figure> probe_figures(const Report& report) {
  struct Reading {
    Statistic statistic{};
    std::string_view meaning{};
  };
  constexpr Reading readings[] = {{Statistic::mean, "Average of what a probe read"},
                                  {Statistic::min, "Least that a probe read"},
                                  {Statistic::p50, "What half of a probe's readings do not exceed"},
                                  {Statistic::p95, "What 95 % of a probe's readings do not exceed"},
                                  {Statistic::max, "Most that a probe read"},
                                  {Statistic::last, "What a probe read last"}};
  constexpr std::string_view units[] = {"seconds", "share", "count", "per_second", "number", "bytes"};
  std::vector<Figure> figures;
  std::set<std::string> labels;
  for (const ProbeRecord& probe : report.probes()) {
    const std::string label = clean_text(probe_label(probe));
    if (!labels.insert(label).second) continue;
    const std::string_view unit = units[static_cast<std::size_t>(probe.unit)];
    for (const Reading& reading : readings) {
      figures.push_back({"probe", reading.meaning, unit, false, "probe", label, plain(statistic_of(probe.series, reading.statistic)),
                         name(reading.statistic)});
    }
    figures.push_back(
        {"probe_readings", "Readings of a probe that gave a number", "count", true, "probe", label, plain(probe.series.samples())});
    figures.push_back(
        {"probe_readings_failed", "Readings of a probe that gave none", "count", true, "probe", label, plain(probe.series.failures())});
  }
  return figures;
}

/// Calls `visit(kind, name, report)` for the run and then for each part of its mix and each of its targets: "run", "part", "target".
template <class Visit>
void for_each_scope(const Report& report, Visit visit) {
  visit(std::string_view("run"), clean_text(report.record().scenario), report);
  for (const PartRecord& part : report.record().parts) visit(std::string_view("part"), clean_text(part.name), report.part(part.name));
  for (const PartRecord& target : report.record().targets) {
    visit(std::string_view("target"), clean_text(target.name), report.target(target.name));
  }
}

}  // namespace wsbench::detail
