#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/axis.hpp>
#include <wsbench/report/probe_figures.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// What a report says, section by section; what derives from it says how that is written.
class ReportSections {
 public:
  explicit ReportSections(const Report& report) : report_(report) {}
  ReportSections(const ReportSections&) = delete;
  ReportSections& operator=(const ReportSections&) = delete;

 protected:
  ~ReportSections() = default;

  virtual void section(std::string_view title) = 0;
  /// A value and what it is of; without a name it goes on with the one before.
  virtual void entry(std::string_view name, std::string_view value) = 0;
  /// The columns of the rows that follow.
  virtual void table_head(const std::vector<std::string>& columns) = 0;
  virtual void table_row(std::string_view name, const std::vector<std::string>& cells) = 0;
  /// Words about the table before.
  virtual void remark(std::string_view words) = 0;

  const Report& report() const noexcept { return report_; }
  const Metrics& metrics() const noexcept { return report_.metrics(); }
  const Configuration& load() const noexcept { return report_.record().configuration; }

  /// What was asked for, in words; empty in a record filled by hand, which does not have to say.
  std::string load_in_words() const {
    if (load() == Configuration{}) return {};
    const bool number = load().population.kind() == Population::Kind::number;
    std::string what = number ? fmt::format("{} {}", format_count(load().clients), load().clients == 1 ? "client" : "clients")
                              : to_string(load().population);
    if (load().ramp_up.count() > 0) what += " over " + exact_duration(load().ramp_up);
    if (load().messages > 0)
      what += fmt::format(", {} {} each", format_count(load().messages), load().messages == 1 ? "message" : "messages");
    if (load().duration.count() > 0) what += ", for " + exact_duration(load().duration);
    what += ", " + to_string(load().pace) + (load().pace.open() ? " (open loop)" : " (closed loop)");
    if (!load().pace.open() && load().in_flight > 1) what += fmt::format(", {} in flight each", load().in_flight);
    what += ", " + load().behaviour;
    if (load().fragment_size > 0) what += ", in frames of " + format_size(load().fragment_size);
    if (load().ping_every.count() > 0) what += ", pinged every " + exact_duration(load().ping_every);
    return what;
  }

  static std::string together(std::initializer_list<std::pair<std::uint64_t, std::string_view>> counts) {
    std::string text;
    for (const auto& [count, name] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(count), name);
    return text;
  }

  void summary() {
    const ConnectionMetrics& connections = metrics().connections;
    const MessageMetrics& messages = report_.messages();
    section("Summary");
    if (!report_.record().commit.empty()) entry("commit", in_one_line(report_.record().commit));
    entry("duration", format_duration(report_.record().duration));
    if (load().warm_up.count() > 0) {
      entry("steady window",
            fmt::format("{}, after a warm-up of {} with {} messages that are in no figure", format_duration(report_.window()),
                        exact_duration(load().warm_up), format_count(report_.record().warm_up.sent)));
    }
    if (load().clients > 0) entry("clients", format_count(load().clients));
    std::string reconnected;
    if (connections.reconnects_attempted > 0) {
      reconnected = fmt::format(", {} opened again", format_count(connections.reconnected));
      if (connections.reconnected < connections.reconnects_attempted) {
        reconnected += fmt::format(" in {} attempts", format_count(connections.reconnects_attempted));
      }
    }
    if (connections.tls_resumed > 0) reconnected += fmt::format(" ({} with a resumed TLS session)", format_count(connections.tls_resumed));
    entry("connections", together({{connections.succeeded, "successful"}, {connections.failed, "failed"}}) + reconnected);
    entry("messages", together({{messages.sent, "sent"}, {messages.answered, "answered"}, {messages.failed, "failed"}}));
    std::string rest;
    const auto mention = [&rest](std::uint64_t count, std::string_view what) {
      if (count > 0) rest += fmt::format("{}{} {}", rest.empty() ? "" : ", ", format_count(count), what);
    };
    mention(metrics().not_sent - metrics().overrun, "planned but not sent");
    mention(metrics().overrun, "not sent in time by the generator");
    mention(messages.one_way, "sent one way");
    mention(messages.in_flight(), "still in flight");
    mention(metrics().late, "answered late");
    mention(metrics().duplicated, "answered twice");
    mention(metrics().unclaimed, "received unasked");
    mention(metrics().held_by_in_flight, fmt::format("held up by the in-flight bound of {}", format_count(load().in_flight)));
    if (!rest.empty()) entry("", rest);
    entry("errors", format_count(metrics().failures.total()));
    entry("success rate", format_figure(report_.success_rate(), Unit::share));
  }

  // A statistic of a histogram as a cell of a table; marked where it rests on few samples.
  std::string cell(const Histogram& histogram, Statistic statistic) {
    const auto value = statistic_of(histogram, statistic);
    if (!value) return "n/a";
    const bool few = has_few_samples(histogram, statistic);
    few_samples_ = few_samples_ || few;
    return format_duration(*value) + (few ? "*" : "");
  }
  static bool has_few_samples(const Histogram& histogram, Statistic statistic) {
    const std::optional<double> share = share_of(statistic);
    return share && histogram.evidence(*share) == Evidence::few;
  }

  void connections() {
    const ConnectionMetrics& connections = metrics().connections;
    section("Connections");
    table_head({"average", "median", "p95", "max"});
    const auto row = [this](std::string_view name, const Histogram& times) {
      table_row(name,
                {cell(times, Statistic::mean), cell(times, Statistic::p50), cell(times, Statistic::p95), cell(times, Statistic::max)});
    };
    row("connect time", connections.connect_time);
    const auto phase = [&](std::string_view name, const Histogram& times) {
      if (times.count() > 0) row(name, times);
    };
    phase("  resolve", connections.resolve);
    phase("  TCP", connections.tcp);
    phase("  TLS", connections.tls);
    phase("  upgrade", connections.upgrade);
    if (!connections.subprotocols.empty()) entry("subprotocol", subprotocols());
    if (load().deflate) entry("compression", compression(*load().deflate));
    if (load().insecure) entry("certificates", "NOT CHECKED: any server's was taken");
  }

  std::string subprotocols() const {
    const ConnectionMetrics& connections = metrics().connections;
    std::uint64_t without = connections.succeeded + connections.reconnected;
    std::string text;
    for (const SubprotocolCount& chosen : connections.subprotocols) {
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", chosen.name, format_count(chosen.count));
      without -= std::min(without, chosen.count);
    }
    return without > 0 ? text + fmt::format(", none ({})", format_count(without)) : text;
  }

  std::string compression(const DeflateOptions& deflate) const {
    const CompressionMetrics& all = metrics().compression;
    const ConnectionMetrics& connections = metrics().connections;
    const auto shrunk = [](std::uint64_t bytes, std::uint64_t compressed) {
      return fmt::format("{} as {}", format_size(bytes), format_size(compressed));
    };
    return fmt::format("permessage-deflate on {} of {} connections, at most {} of memory each; messages: {} out, {} in",
                       format_count(all.connections), format_count(connections.succeeded + connections.reconnected),
                       format_size(deflate_memory(deflate)), shrunk(all.bytes_sent, all.bytes_sent_compressed),
                       shrunk(all.bytes_received, all.bytes_received_compressed));
  }

  void messages() {
    const bool counted = metrics().bytes_sent + metrics().bytes_received > 0;
    if (report_.planned() == 0 && !counted) return;
    section("Messages");
    if (report_.planned() > 0) entry("sent", format_figure(report_.sent_per_second(), Unit::per_second) + " (messages a second)");
    if (counted) {
      entry("bytes", fmt::format("{} out, {} in (with handshakes and framing)", format_size(metrics().bytes_sent),
                                 format_size(metrics().bytes_received)));
    }
    if (report_.planned() == report_.messages().one_way) return;  // no answer was expected
    table_head({"average", "median", "min", "p95", "p99", "p99.9", "max"});
    const auto row = [this](std::string_view name, const Histogram& times) {
      std::vector<std::string> cells;
      for (const Statistic statistic :
           {Statistic::mean, Statistic::p50, Statistic::min, Statistic::p95, Statistic::p99, Statistic::p99_9, Statistic::max}) {
        cells.push_back(cell(times, statistic));
      }
      table_row(name, cells);
    };
    row("latency", report_.messages().response_time);
    row("service time", report_.messages().service_time);
    if (report_.messages().failed > 0) row("failed after", report_.messages().failed_time);
    if (metrics().labels.size() > 1) {
      for (const LabelMetrics& label : metrics().labels) {
        if (label.messages.response_time.count() > 0)
          row("  " + (label.label.empty() ? "(no label)" : label.label), label.messages.response_time);
      }
    }
    if (few_samples_) remark("* few samples: fewer than ten lie beyond it; n/a: none does");
  }

  static constexpr auto spread = {Statistic::mean, Statistic::p50, Statistic::p95, Statistic::p99, Statistic::max};
  void spread_head() { table_head({"average", "median", "p95", "p99", "max"}); }
  void spread_row(std::string_view name, const Histogram& times) {
    std::vector<std::string> cells;
    for (const Statistic statistic : spread) cells.push_back(cell(times, statistic));
    table_row(name, cells);
  }

  void fan_out() {
    const FanOutMetrics& all = metrics().fan_out;
    if (all.published == 0) return;
    section("Broadcast");
    entry("publications", together({{all.published, "published"}, {all.complete, "reached every subscriber"}}));
    entry("deliveries", together({{all.expected, "expected"}, {all.delivered, "delivered"}, {all.missing(), "missing"}}));
    entry("", together({{all.late, "late"}, {all.duplicated, "duplicated"}, {all.out_of_order, "out of order"}}));
    spread_head();
    spread_row("first had it", all.first);
    spread_row("half had it", all.median);
    spread_row("last had it", all.last);
    spread_row("each delivery", all.delivery);
  }

  void pushes() {
    if (metrics().pushes.empty()) return;
    section("Pushed by the server");
    bool timed = false;
    for (const PushMetrics& push : metrics().pushes) {
      entry(push.label, format_count(push.count) + " came");
      timed = timed || push.delivery_time.count() > 0;
    }
    if (timed) spread_head();
    for (const PushMetrics& push : metrics().pushes) {
      if (push.delivery_time.count() > 0) spread_row(push.label, push.delivery_time);
    }
  }

  void pings_and_notes() {
    const PingMetrics& pings = metrics().pings;
    if (pings.sent > 0) {
      section("Pings");
      entry("pings", together({{pings.sent, "sent"}, {pings.answered, "answered"}, {pings.failed, "failed"}}));
      spread_head();
      spread_row("pong after", pings.round_trip);
    }
    if (metrics().notes.empty()) return;
    section("Noted by the behaviour");
    spread_head();
    for (const NoteMetrics& note : metrics().notes) spread_row(note.label, note.duration);
  }

  // A count as a cell of a table: from a million on in millions, or more.
  static std::string cell(std::uint64_t count) {
    if (count < 1'000'000) return format_count(count);
    double value = static_cast<double>(count) / 1e6;
    std::string_view letters = "MGTPE";
    for (; value >= 999.995; letters.remove_prefix(1)) value /= 1000;
    return fmt::format("{:.2f}{}", value, letters.front());
  }

  void parts(std::string_view title, const std::vector<PartRecord>& parts) {
    if (parts.empty()) return;
    section(title);
    table_head({"clients", "sent", "answered", "failed", "median", "p95", "max"});
    for (const PartRecord& part : parts) {
      const MessageMetrics all = part.metrics.messages();
      table_row(part.name, {cell(part.metrics.connections.succeeded), cell(all.sent), cell(all.answered), cell(all.failed),
                            cell(all.response_time, Statistic::p50), cell(all.response_time, Statistic::p95),
                            cell(all.response_time, Statistic::max)});
    }
  }

  void probes() {
    if (report_.probes().empty()) return;
    section("Probes");
    std::vector<std::string> titles;
    for (const ProbeColumn& column : probe_columns) titles.emplace_back(column.title);
    table_head(titles);
    for (const ProbeRecord& probe : report_.probes()) {
      std::vector<std::string> cells;
      for (const ProbeColumn& column : probe_columns) cells.push_back(probe_cell(column.of(probe.series), probe.unit));
      table_row(probe_label(probe), cells);
    }
    for (const FailedProbes& failed : failed_probes(report_.probes())) remark(failed.names + ": " + failed.what);
  }

  void checks() {
    if (metrics().checks.empty()) return;
    section("Checks");
    for (const CheckCount& check : metrics().checks) {
      entry(check.name, together({{check.passed, "passed"}, {check.failed, "failed"}}));
    }
  }

  void errors() {
    const std::vector<FailureCount> failures = metrics().failures.by_count();
    if (failures.empty()) return;
    section("Errors");
    for (const FailureCount& failure : failures) {
      entry(label(failure),
            fmt::format("{}, first after {}: {}", format_count(failure.count), format_duration(failure.first_at), failure.sample));
    }
  }

  void generator() {
    const RunRecord& record = report_.record();
    section("Generator");
    entry("validity", validity());
    const Histogram& lag = metrics().schedule_lag;
    if (lag.count() > 0) {
      entry("schedule lag",
            fmt::format("messages left {} late on average, {} at most", format_figure_of(lag.mean()), format_figure_of(lag.max())));
    }
    if (report_.messages().answered > 0)
      entry("clock", record.generator.kernel_stamps ? "answers end at the kernel's receive stamp" : "answers end when they are read");
    if (const Histogram& waits = metrics().receive_lag; waits.count() > 0) {
      entry("receive lag", fmt::format("answers waited {} on average, {} at most, until they were read{}", format_figure_of(waits.mean()),
                                       format_figure_of(waits.max()), stamps_note()));
    }
    if (record.generator.busy) entry("busy", format_share(*record.generator.busy) + " of the time" + busy_note());
    if (record.generator.cpu_time.count() > 0)
      entry("used",
            fmt::format("{} of CPU time, {} at most, {} {}", format_duration(record.generator.cpu_time),
                        format_size(record.generator.max_rss_kib * 1024), load().workers, load().workers == 1 ? "worker" : "workers"));
    const Environment& where = record.environment;
    if (where == Environment{}) return;
    entry("on", fmt::format("{}, {}, {} {}, wsbench {} by {}, Asio {}", where.host, where.system, where.cores,
                            where.cores == 1 ? "core" : "cores", where.wsbench_version, where.compiler, where.asio_version));
  }

  // A line for each thing that is said of it.
  void told_of(const SoakFinding& finding) {
    std::string_view evidence = finding.evidence;
    std::string name = finding.what;
    std::string verdict = std::string(in_words(finding.verdict)) + ": ";
    while (!evidence.empty()) {
      const std::size_t end = std::min(evidence.find("; "), evidence.size());
      entry(name, verdict.append(evidence.substr(0, end)));
      evidence.remove_prefix(std::min(end + 2, evidence.size()));
      name.clear();
      verdict.clear();
    }
  }

  /// What a long run shows of decay; nothing for a run that was not one.
  void decay() {
    if (!report_.record().soak) return;
    const Soak found = soak(report_);
    section("Soak");
    entry("verdict", verdict_line(found));
    for (const SoakFinding& finding : found.findings) told_of(finding);
    if (found.periods.empty()) return;
    table_head({"clients", "answered", "median", "p95", "errors", "dropped", "memory"});
    for (const SoakPeriod& period : found.periods) {
      const std::string memory = period.memory ? format_size(static_cast<std::uint64_t>(std::max(*period.memory, 0.0))) : "n/a";
      table_row("from " + clock_text(std::chrono::round<std::chrono::seconds>(period.from).count()),
                {cell(period.open), format_rate(period.answered_per_second), format_figure_of(period.p50), format_figure_of(period.p95),
                 cell(period.errors), cell(period.drops), memory});
    }
  }

  static std::string format_figure_of(std::optional<std::chrono::nanoseconds> time) { return time ? format_duration(*time) : "n/a"; }

  std::string validity() const {
    if (report_.valid()) return "valid: the generator kept its schedule";
    std::string because;
    for (const std::string& reason : report_.invalid_because()) because += (because.empty() ? "" : "; ") + reason;
    return "INVALID: " + because;
  }

  // What the kernel's stamps leave open.
  std::string stamps_note() const {
    std::string note;
    const auto mention = [&note](std::uint64_t count, std::string_view what) {
      if (count > 0) note += fmt::format("; {} {}", format_count(count), what);
    };
    mention(metrics().shared_stamps, "were read with a later one and have its time");
    mention(metrics().unbelieved_stamps, "stamps were not believed");
    return note;
  }

  // Flat out, a busy generator is no fault; but who was the limit is then open.
  std::string busy_note() const {
    const bool may_be_the_limit = load().pace.kind() == Pace::Kind::flat_out && *report_.record().generator.busy > 0.9;
    return may_be_the_limit ? ": the generator may be what limits the throughput" : "";
  }

  std::string verdict_in_words() const {
    switch (report_.verdict()) {
      case Verdict::passed: return "PASSED";
      case Verdict::failed: return "FAILED";
      case Verdict::invalid: return "INVALID";
      case Verdict::interrupted: return "INTERRUPTED";
      case Verdict::no_connection: return "NO CONNECTION";
    }
    return {};
  }

 private:
  const Report& report_;
  bool few_samples_{false};
};

}  // namespace wsbench::detail
