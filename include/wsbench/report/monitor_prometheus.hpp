#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/alert.hpp>
#include <wsbench/monitor_figures.hpp>
#include <wsbench/report/clean_text.hpp>
#include <wsbench/report/figures.hpp>
#include <wsbench/report/prometheus_page.hpp>
#include <wsbench/version.hpp>

namespace wsbench {

/// What became of the commands that alerts have run.
struct AlertCommandCounts {
  std::uint64_t succeeded{0};  ///< ended with 0
  std::uint64_t failed{0};     ///< could not be started, ended with another code, or by a signal
  std::uint64_t timed_out{0};  ///< were killed at their deadline
  std::uint64_t dropped{0};    ///< never began: too many waited
};

/// What there is to a monitor's page beside its figures.
struct MonitorPage {
  std::string scenario{};                ///< its name
  std::vector<std::string> urls{};       ///< the targets
  std::span<const AlertWatch> alerts{};  ///< as they stand
  AlertCommandCounts commands{};         ///< as far as there are any
};

namespace detail {

/// Writes a monitor's page.
class MonitorText {
 public:
  MonitorText(const MonitorFigures& figures, const MonitorPage& about) : page_(clean_text(about.scenario)) {
    add("build_info", "The version of wsbench", "gauge", {{"version", version}}, "1");
    for (const std::string& url : about.urls) add("target_info", "What is monitored", "gauge", {{"url", clean_text(url)}}, "1");
    rounds(figures);
    counts(figures.counts());
    add("connections_open", "Connections that are open now", "gauge", {}, plain(figures.open()));
    if (figures.last()) last_round(*figures.last());
    alerts(about);
  }

  std::string text() const { return page_.text(); }

 private:
  void add(std::string_view name, std::string_view help, std::string_view type, PrometheusPage::Labels labels, std::string_view value) {
    page_.add({std::string(prefix).append(name), help, type}, "", labels, value);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t count) { add(name, help, "counter", {}, plain(count)); }
  // What was not measured has no series.
  void gauge(std::string_view name, std::string_view help, std::optional<double> value) {
    if (value) add(name, help, "gauge", {}, plain(*value));
  }

  void rounds(const MonitorFigures& figures) {
    // One that is interrupted ends the monitor.
    for (const Verdict verdict : {Verdict::passed, Verdict::failed, Verdict::invalid, Verdict::no_connection}) {
      add("rounds_total", "Rounds by what they came to", "counter", {{"verdict", name(verdict)}}, plain(figures.rounds(verdict)));
    }
    counter("rounds_broken_total", "Rounds that could not be run", figures.rounds_broken());
    counter("rounds_delayed_total", "Rounds that began late, since the one before took longer than there was", figures.rounds_delayed());
  }

  void counts(const MonitorCounts& counts) {
    counter("connections_attempted_total", "Attempts to connect", counts.connections_attempted);
    counter("connections_opened_total", "Attempts to connect that came to be open", counts.connections_opened);
    counter("connections_failed_total", "Attempts to connect that were given up", counts.connections_failed);
    counter("messages_sent_total", "Messages handed to a connection", counts.messages_sent);
    counter("messages_received_total", "Messages that came from the server", counts.messages_received);
    counter("messages_answered_total", "Messages answered before their deadline", counts.messages_answered);
    counter("messages_failed_total", "Messages that timed out or were lost with their connection", counts.messages_failed);
    counter("messages_not_sent_total", "Messages that were due but could not be sent", counts.messages_not_sent);
    counter("bytes_sent_total", "Bytes sent, with handshakes and framing", counts.bytes_sent);
    counter("bytes_received_total", "Bytes received, with handshakes and framing", counts.bytes_received);
    for (std::size_t kind = 0; kind < counts.failures.size(); ++kind) {
      add("failures_total", "Failures by kind", "counter", {{"failure", failure_names.at(kind)}}, plain(counts.failures.at(kind)));
    }
    buckets("latency_seconds", "From when a message was due until its answer arrived", counts.latency);
    buckets("connect_time_seconds", "From the start of a connection attempt until the WebSocket was open", counts.connect_time);
    buckets("connection_duration_seconds", "From when a connection was open until it ended", counts.open_time);
  }

  void buckets(std::string_view name, std::string_view help, const DurationBuckets& durations) {
    const PrometheusPage::Family family{std::string(prefix).append(name), help, "histogram"};
    std::uint64_t so_far = 0;
    for (std::size_t index = 0; index < durations.counts().size(); ++index) {
      so_far += durations.counts().at(index);
      const std::string bound = index < DurationBuckets::size ? plain(durations.bounds().at(index)) : "+Inf";
      page_.add(family, "_bucket", {{"le", bound}}, plain(so_far));
    }
    page_.add(family, "_sum", {}, plain(durations.seconds()));
    page_.add(family, "_count", {}, plain(so_far));
  }

  void last_round(const RoundFigures& round) {
    gauge("round_start_timestamp_seconds", "When the last round began, since 1970",
          std::chrono::duration<double>(round.started_at.time_since_epoch()).count());
    gauge("round_duration_seconds", "How long the last round took", std::chrono::duration<double>(round.duration).count());
    gauge("round_passed", "Whether the last round passed", round.verdict == Verdict::passed ? 1 : 0);
    gauge("round_valid", "Whether the generator kept its schedule in the last round", round.verdict == Verdict::invalid ? 0 : 1);
    gauge("latency_mean_seconds", "Average latency of the last round", round.latency_mean);
    gauge("latency_p50_seconds", "Median latency of the last round", round.latency_p50);
    gauge("latency_p95_seconds", "95th percentile of the latency of the last round", round.latency_p95);
    gauge("latency_p99_seconds", "99th percentile of the latency of the last round", round.latency_p99);
    gauge("error_rate", "Messages of the last round that failed or were not sent; 1 where nothing could connect", round.error_rate);
    gauge("connection_success_rate", "Connections of the last round that came to be open", round.connection_success_rate);
    gauge("connections_open_peak", "Most connections open at once in the last round", static_cast<double>(round.peak_open));
    gauge("connections_opened_per_minute", "Connections opened a minute, from the last round until the next", round.opened_per_minute);
    gauge("connections_failed_per_minute", "Attempts to connect given up a minute, from the last round until the next",
          round.failed_per_minute);
    gauge("messages_sent_per_second", "Messages sent a second in the last round", round.sent_per_second);
    gauge("messages_received_per_second", "Messages received a second in the last round", round.received_per_second);
    for (const ProbeValue& probe : round.probes) {
      add("probe", "What this probe read last, in its unit; shares of one, bytes", "gauge", {{"probe", clean_text(probe.name)}},
          plain(probe.value));
    }
  }

  void alerts(const MonitorPage& about) {
    for (const AlertWatch& watch : about.alerts) {
      const std::string text = clean_text(to_string(watch.alert()));
      const auto flag = [](bool value) { return plain(std::uint64_t{value}); };
      add("alert_firing", "Whether this alert fires", "gauge", {{"alert", text}}, flag(watch.state() == AlertState::firing));
      add("alert_pending", "Whether its condition is true, but not for long enough", "gauge", {{"alert", text}},
          flag(watch.state() == AlertState::pending));
      add("alert_no_data", "Whether the last round says nothing of it", "gauge", {{"alert", text}}, flag(!watch.figure()));
      add("alerts_fired_total", "How often this alert has fired", "counter", {{"alert", text}}, plain(watch.fired()));
      add("alerts_recovered_total", "How often it has recovered", "counter", {{"alert", text}}, plain(watch.recovered()));
    }
    const auto commands = [this](std::string_view outcome, std::uint64_t count) {
      add("alert_commands_total", "Commands of alerts by what became of them", "counter", {{"outcome", outcome}}, plain(count));
    };
    commands("succeeded", about.commands.succeeded);
    commands("failed", about.commands.failed);
    commands("timed_out", about.commands.timed_out);
    commands("dropped", about.commands.dropped);
  }

  static constexpr std::string_view prefix = "wsbench_monitor_";
  PrometheusPage page_;
};

}  // namespace detail

/// A monitor's page in Prometheus' text format, as it is scraped: counters and histograms over all rounds, the one under way among them,
/// and gauges of the round that ended last. A figure that was not measured has no series.
inline std::string to_prometheus(const MonitorFigures& figures, const MonitorPage& about) {
  return detail::MonitorText{figures, about}.text();
}

}  // namespace wsbench
