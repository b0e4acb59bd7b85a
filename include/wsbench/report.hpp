#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/deflate_options.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/probe_series.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench {

/// Thrown where a figure is asked for that the run did not measure.
class NotMeasured : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a run was asked to do, as the report keeps it.
struct Configuration {
  std::vector<std::string> urls{};                  ///< the targets
  Population population{};                          ///< who was there
  std::uint64_t clients{0};                         ///< how many users at most at once; 0 where they arrive
  std::chrono::nanoseconds ramp_up{0};              ///< over which they started
  std::uint64_t messages{0};                        ///< turns each; 0: by duration
  std::chrono::nanoseconds duration{0};             ///< of the load; 0: by messages
  std::chrono::nanoseconds warm_up{0};              ///< messages due before then are in no figure
  Pace pace{};                                      ///< when the next message was due
  std::uint64_t in_flight{0};                       ///< messages of a client that could wait for answers before its next turn
  std::chrono::nanoseconds timeout{0};              ///< for an answer
  std::chrono::nanoseconds connect_timeout{0};      ///< for a connection to be open
  std::uint64_t reconnect_attempts{0};              ///< in a row, to make a lost connection again; 0: none
  std::chrono::nanoseconds reconnect_delay{0};      ///< before the first attempt to make a lost connection again
  std::chrono::nanoseconds reconnect_delay_max{0};  ///< before the later ones
  std::chrono::nanoseconds ping_every{0};           ///< how often each connection was pinged; 0: never
  std::chrono::nanoseconds ping_timeout{0};         ///< for the pong
  std::string behaviour{};                          ///< its name
  bool insecure{false};                             ///< any certificate was taken
  std::optional<DeflateOptions> deflate{};          ///< the compression that was offered; nothing: none
  std::uint64_t fragment_size{0};                   ///< the most bytes of a message in one frame; 0: all
  double connect_rate{0};                           ///< the most first connects a second; 0: no limit
  std::uint64_t workers{0};                         ///< threads
  std::uint64_t seed{0};                            ///< of everything random

  bool operator==(const Configuration&) const = default;
};

/// Where a run took place.
struct Environment {
  std::string host{};             ///< this machine's name
  std::string system{};           ///< kernel and its version
  std::uint64_t cores{0};         ///< processors this process may use
  std::string compiler{};         ///< what built the generator
  std::string asio_version{};     ///< of the libraries in it
  std::string wsbench_version{};  ///< of wsbench itself

  bool operator==(const Environment&) const = default;
};

/// What the generator saw of itself.
struct GeneratorFigures {
  std::chrono::nanoseconds cpu_time{0};  ///< user and system time of the worker threads
  std::uint64_t max_rss_kib{0};          ///< largest resident set of the process, in KiB
  std::optional<double> busy{};          ///< the busiest worker's share of time that it ran, or waited for a processor
  double overloaded{0};                  ///< the share of its seconds in which a worker was busy for more than 90 %, at most
  bool kernel_stamps{false};             ///< whether answers end at the kernel's receive stamp, else at the read

  bool operator==(const GeneratorFigures&) const = default;
};

/// One expectation and what came of it.
struct ExpectationResult {
  std::string text{};              ///< "latency.p95 < 100ms"
  Unit unit{Unit::count};          ///< what it counts in
  std::optional<double> actual{};  ///< the figure; nothing where it was not measured, which is a miss
  bool met{false};                 ///< whether it held

  bool operator==(const ExpectationResult&) const = default;
};

/// What the clients of one part of a mix, or of one of several targets, measured.
struct PartRecord {
  std::string name{};  ///< as the mix has it; of a target, its URL
  Metrics metrics{};   ///< its clients' alone; they are in the run's too

  bool operator==(const PartRecord&) const = default;
};

/// What one probe read beside the load.
struct ProbeRecord {
  std::string name{};       ///< "redis_mb", "server.rss"
  Unit unit{Unit::number};  ///< what it counts in: number, count, share (1.5 is one and a half cores) or bytes
  std::string source{};     ///< the machine that read it, where runs of several are merged; else empty
  ProbeSeries series{};     ///< its readings, from just before the first client until the end, or `Options::probe_after` beyond it

  bool operator==(const ProbeRecord&) const = default;
};

/// Everything a run measured, before it is judged.
struct RunRecord {
  std::string scenario{};                              ///< its name
  std::string commit{};                                ///< which version was tested, as git names it; empty: not known
  std::chrono::system_clock::time_point started_at{};  ///< wall time, a label
  std::chrono::nanoseconds duration{0};                ///< from the start until the last message had its outcome
  bool interrupted{false};                             ///< whether it was stopped before its end
  bool soak{false};                                    ///< whether its reports tell of decay: `as_soak()` of `wsbench/soak.hpp`
  std::string decay{};                                 ///< what such a report fails for: "LEAKING: server.rss"; empty: nothing
  std::string ended_early_by{};                        ///< the expectation that was missed already, for which it was ended; empty: none
  Metrics metrics{};                                   ///< all workers together, without the messages of the warm-up
  MessageMetrics warm_up{};                            ///< the messages of the warm-up, of all labels
  std::uint64_t warm_up_not_sent{0};                   ///< of the warm-up's: due, but with no connection to go to
  std::vector<PartRecord> parts{};                     ///< of a mix, each part's; else empty
  std::vector<PartRecord> targets{};                   ///< of several targets, each one's; else empty
  std::vector<ProbeRecord> probes{};                   ///< what was read beside the load, in the order it was asked for
  GeneratorFigures generator{};                        ///< what the generator saw of itself
  Configuration configuration{};                       ///< what was asked
  Environment environment{};                           ///< where
  std::vector<ExpectationResult> expectations{};       ///< filled by the report that judges; a saved run brings its own

  bool operator==(const RunRecord&) const = default;
};

/// How often something happened a second in a slot of the time series; nothing where the figures' window does not hold it whole.
inline std::optional<double> rate_in_slot(const RunRecord& record, const TimeSeries& series, std::size_t index,
                                          std::uint64_t TimeSlot::*count) {
  const std::chrono::nanoseconds begin = series.width() * static_cast<std::int64_t>(index);
  const bool whole = begin >= record.configuration.warm_up && begin <= record.duration && record.duration - begin >= series.width();
  if (!whole) return std::nullopt;
  return static_cast<double>(series.slots()[index].*count) / std::chrono::duration<double>(series.width()).count();
}

/// The one word for a run.
enum class Verdict : std::uint8_t { passed, failed, invalid, interrupted, no_connection };

/// The verdict's name in reports: "passed", "no_connection".
constexpr std::string_view name(Verdict verdict) {
  constexpr std::string_view names[] = {"passed", "failed", "invalid", "interrupted", "no_connection"};
  return names[static_cast<std::size_t>(verdict)];
}

/// The durations of one kind in a report.
class Timing {
 public:
  Timing(const Histogram& histogram, std::string name) : histogram_(&histogram), name_(std::move(name)) {}

  /// The value that this share of the samples does not exceed; throws NotMeasured with less than one sample beyond it.
  std::chrono::nanoseconds percentile(double share) const { return require(histogram_->percentile(share)); }
  /// The exact mean; throws NotMeasured without samples.
  std::chrono::nanoseconds mean() const { return require(histogram_->mean()); }
  /// The smallest; throws NotMeasured without samples.
  std::chrono::nanoseconds min() const { return require(histogram_->min()); }
  /// The largest; throws NotMeasured without samples.
  std::chrono::nanoseconds max() const { return require(histogram_->max()); }
  /// How many samples there are.
  std::uint64_t count() const noexcept { return histogram_->count(); }
  /// The samples; valid as long as the report.
  const Histogram& histogram() const noexcept { return *histogram_; }

 private:
  std::chrono::nanoseconds require(std::optional<std::chrono::nanoseconds> figure) const {
    if (!figure) throw NotMeasured(name_ + ": n/a with " + std::to_string(histogram_->count()) + " samples");
    return *figure;
  }

  const Histogram* histogram_;
  std::string name_;
};

/// The share of the samples that a percentile does not exceed; nothing for a statistic that is none.
constexpr std::optional<double> share_of(Statistic statistic) {
  switch (statistic) {
    case Statistic::p50: return 0.5;
    case Statistic::p90: return 0.9;
    case Statistic::p95: return 0.95;
    case Statistic::p99: return 0.99;
    case Statistic::p99_9: return 0.999;
    case Statistic::value:
    case Statistic::mean:
    case Statistic::min:
    case Statistic::max:
    case Statistic::last: break;
  }
  return std::nullopt;
}

/// The statistic of a histogram; nothing where it was not measured.
inline std::optional<std::chrono::nanoseconds> statistic_of(const Histogram& histogram, Statistic statistic) {
  if (const std::optional<double> share = share_of(statistic)) return histogram.percentile(*share);
  switch (statistic) {
    case Statistic::mean: return histogram.mean();
    case Statistic::min: return histogram.min();
    case Statistic::max: return histogram.max();
    default: return std::nullopt;
  }
}

/// The statistic of a probe's readings; nothing where there are too few.
inline std::optional<double> statistic_of(const ProbeSeries& series, Statistic statistic) {
  if (const std::optional<double> share = share_of(statistic)) return series.percentile(*share);
  switch (statistic) {
    case Statistic::mean: return series.mean();
    case Statistic::min: return series.min();
    case Statistic::max: return series.max();
    case Statistic::last: return series.last();
    default: return std::nullopt;
  }
}

/// Every figure of a run, its expectations and its validity: an immutable value.
class Report {
 public:
  /// Judges a record by expectations.
  explicit Report(RunRecord record, const std::vector<Expectation>& expect) : Report(std::move(record)) {
    record_.expectations.clear();
    for (Expectation expectation : expect) {
      state_in_unit_of_probe(expectation.metric);
      const std::optional<double> actual = figure(expectation.metric);
      record_.expectations.push_back(
          {to_string(expectation), expectation.metric.unit, actual, actual.has_value() && expectation.met_by(*actual)});
    }
  }

  /// Takes a record with the expectations it was judged by.
  explicit Report(RunRecord record) : record_(std::move(record)), messages_(record_.metrics.messages()) { judge_validity(); }

  const RunRecord& record() const noexcept { return record_; }
  const Metrics& metrics() const noexcept { return record_.metrics; }
  /// The messages of all labels together.
  const MessageMetrics& messages() const noexcept { return messages_; }
  /// The expectations and what came of them.
  const std::vector<ExpectationResult>& expectations() const noexcept { return record_.expectations; }

  /// The report of one part of a mix, without expectations; throws NotMeasured for one that the run did not have.
  Report part(std::string_view name) const { return among(record_.parts, "part", name); }
  /// The report of one of several targets, by its URL, without expectations; throws NotMeasured for one that the run did not have.
  Report target(std::string_view url) const { return among(record_.targets, "target", url); }

  /// What was read beside the load.
  const std::vector<ProbeRecord>& probes() const noexcept { return record_.probes; }
  /// What the probe of that name read, the first one's of several machines; throws NotMeasured for one that the run did not have.
  const ProbeRecord& probe(std::string_view name) const {
    const ProbeRecord* found = find_probe(name);
    if (found == nullptr) throw NotMeasured("no probe " + detail::in_quotes(name));
    return *found;
  }

  /// Response times: from when a message was due until its answer arrived.
  Timing latency() const { return {messages_.response_time, "latency"}; }
  /// Response times of one label; throws NotMeasured for a label the run did not have.
  Timing latency(std::string_view label) const { return {labelled(label).response_time, "latency{" + std::string(label) + "}"}; }
  /// Service times: from just before the write until the answer arrived.
  Timing service_time() const { return {messages_.service_time, "service_time"}; }
  /// Service times of one label; throws NotMeasured for a label the run did not have.
  Timing service_time(std::string_view label) const { return {labelled(label).service_time, "service_time{" + std::string(label) + "}"}; }
  /// Times from the start of a connection attempt until the WebSocket was open.
  Timing connect_time() const { return {record_.metrics.connections.connect_time, "connect_time"}; }

  /// Messages the load called for: sent and not sent.
  std::uint64_t planned() const noexcept { return messages_.sent + record_.metrics.not_sent; }
  /// Answered among answered, failed and not sent; nothing where no answer was expected.
  std::optional<double> success_rate() const {
    return share(messages_.answered, messages_.answered + messages_.failed + record_.metrics.not_sent);
  }
  /// 1 - success_rate(); 1 where nothing could connect, whatever was to be sent then.
  std::optional<double> error_rate() const {
    const std::uint64_t lost = messages_.failed + record_.metrics.not_sent;
    if (const std::optional<double> rate = share(lost, messages_.answered + lost)) return rate;
    return none_connected() ? std::optional{1.0} : std::nullopt;
  }
  /// Connections that came to be among those attempted.
  std::optional<double> connection_success_rate() const {
    return share(record_.metrics.connections.succeeded, record_.metrics.connections.attempted);
  }
  /// How long the figures were taken: the whole run without its warm-up.
  std::chrono::nanoseconds window() const noexcept {
    return std::max(record_.duration - record_.configuration.warm_up, std::chrono::nanoseconds{0});
  }
  /// How long messages were sent: the window, as far as the load's duration reaches; the last answers may come after it.
  std::chrono::nanoseconds sending_window() const noexcept {
    const Configuration& load = record_.configuration;
    return load.duration.count() > 0 ? std::min(window(), std::max(load.duration - load.warm_up, std::chrono::nanoseconds{0})) : window();
  }
  /// Messages sent a second, over the sending window.
  std::optional<double> sent_per_second() const {
    const double seconds = std::chrono::duration<double>(sending_window()).count();
    if (seconds <= 0 || planned() == 0) return std::nullopt;
    return static_cast<double>(messages_.sent) / seconds;
  }

  /// The figure that a metric names, durations in seconds; nothing where it was not measured.
  ///
  /// Of a probe that several machines read it is that of all their readings; a size or a share asked of one that counts in neither is
  /// nothing.
  std::optional<double> figure(const MetricName& metric) const {
    if (metric.quantity == "probe") return figure_of_probe(metric);
    if (metric.quantity == "success_rate") return success_rate();
    if (metric.quantity == "error_rate") return error_rate();
    if (metric.quantity == "connection_success_rate") return connection_success_rate();
    if (metric.quantity == "errors") return static_cast<double>(record_.metrics.failures.total());
    if (metric.quantity == "messages_per_second") return sent_per_second();
    if (metric.quantity == "missing_deliveries") return count_of_fan_out(record_.metrics.fan_out.missing());
    if (metric.quantity == "duplicate_deliveries") return count_of_fan_out(record_.metrics.fan_out.duplicated);
    if (metric.quantity == "out_of_order_deliveries") return count_of_fan_out(record_.metrics.fan_out.out_of_order);
    if (metric.quantity == "check") {
      for (const CheckCount& check : record_.metrics.checks) {
        if (check.name == metric.label) return share(check.passed, check.passed + check.failed);
      }
      return std::nullopt;
    }
    const Histogram* histogram = durations_of(metric);
    if (histogram == nullptr) return std::nullopt;
    const auto value = statistic_of(*histogram, metric.statistic);
    if (!value) return std::nullopt;
    return std::chrono::duration<double>(*value).count();
  }

  /// Whether the figures can be believed: the generator kept its schedule and the behaviour did not throw.
  bool valid() const noexcept { return invalid_because_.empty(); }
  /// Why they cannot, a line each.
  const std::vector<std::string>& invalid_because() const noexcept { return invalid_because_; }

  /// Whether answers were expected and none came.
  bool unanswered() const noexcept { return messages_.answered == 0 && planned() > messages_.one_way; }

  /// Whether every expectation held, at the end and whenever one could have ended the run, answers came where they were expected, and what
  /// was to be a soak found no decay.
  bool passed() const noexcept { return verdict() == Verdict::passed; }

  /// The one word for the run; the first that applies of no connection, interrupted, invalid, failed, passed.
  Verdict verdict() const noexcept {
    if (none_connected()) return Verdict::no_connection;
    if (record_.interrupted) return Verdict::interrupted;
    if (!valid()) return Verdict::invalid;
    bool met = !unanswered() && record_.ended_early_by.empty() && record_.decay.empty();
    for (const ExpectationResult& expectation : record_.expectations) met = met && expectation.met;
    return met ? Verdict::passed : Verdict::failed;
  }

  bool operator==(const Report& other) const { return record_ == other.record_; }

 private:
  Report among(const std::vector<PartRecord>& parts, std::string_view kind, std::string_view name) const {
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const PartRecord& each) { return each.name == name; });
    if (part == parts.end()) throw NotMeasured("no " + std::string(kind) + ' ' + detail::in_quotes(name));
    RunRecord record = record_;
    record.parts.clear();
    record.targets.clear();
    record.soak = false;
    record.decay.clear();
    record.probes.clear();
    record.expectations.clear();
    record.warm_up = {};
    record.warm_up_not_sent = 0;
    record.metrics = part->metrics;
    return Report(std::move(record));
  }

  static std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }

  // Where nothing was published, nothing was measured.
  std::optional<double> count_of_fan_out(std::uint64_t count) const {
    if (record_.metrics.fan_out.published == 0) return std::nullopt;
    return static_cast<double>(count);
  }

  const ProbeRecord* find_probe(std::string_view name) const noexcept {
    const auto found =
        std::find_if(record_.probes.begin(), record_.probes.end(), [&](const ProbeRecord& probe) { return probe.name == name; });
    return found == record_.probes.end() ? nullptr : &*found;
  }

  // A plain number fits every probe.
  static bool fits(Unit bound, Unit probe) noexcept { return bound == Unit::number || bound == probe; }

  // Who writes a plain number means the probe's unit.
  void state_in_unit_of_probe(MetricName& metric) const noexcept {
    if (metric.quantity != "probe") return;
    const ProbeRecord* probe = find_probe(metric.label);
    if (probe != nullptr && probe->unit != Unit::count && fits(metric.unit, probe->unit)) metric.unit = probe->unit;
  }

  std::optional<double> figure_of_probe(const MetricName& metric) const {
    ProbeSeries all;
    for (const ProbeRecord& probe : record_.probes) {
      if (probe.name == metric.label && fits(metric.unit, probe.unit)) all.merge(probe.series);
    }
    return statistic_of(all, metric.statistic);
  }

  bool none_connected() const noexcept {
    const ConnectionMetrics& connections = record_.metrics.connections;
    return connections.attempted > 0 && connections.succeeded == 0 && connections.failed > 0;
  }

  const MessageMetrics* find_label(std::string_view label) const noexcept {
    for (const LabelMetrics& entry : record_.metrics.labels) {
      if (entry.label == label) return &entry.messages;
    }
    return nullptr;
  }

  const MessageMetrics& labelled(std::string_view label) const {
    const MessageMetrics* found = find_label(label);
    if (found == nullptr) throw NotMeasured("no messages under the label \"" + std::string(label) + "\"");
    return *found;
  }

  const Histogram* durations_of(const MetricName& metric) const noexcept {
    if (metric.quantity == "connect_time") return &record_.metrics.connections.connect_time;
    if (metric.quantity == "open_time") return &record_.metrics.connections.open_time;
    if (metric.quantity == "ping") return &record_.metrics.pings.round_trip;
    const FanOutMetrics& fan_out = record_.metrics.fan_out;
    if (metric.quantity == "first_delivery") return &fan_out.first;
    if (metric.quantity == "median_delivery") return &fan_out.median;
    if (metric.quantity == "last_delivery") return &fan_out.last;
    if (metric.quantity == "delivery") return metric.label.empty() ? &fan_out.delivery : pushed(metric.label);
    if (metric.quantity == "note") {
      for (const NoteMetrics& note : record_.metrics.notes) {
        if (note.label == metric.label) return &note.duration;
      }
      return nullptr;
    }
    const MessageMetrics* messages = metric.label.empty() ? &messages_ : find_label(metric.label);
    if (messages == nullptr) return nullptr;
    if (metric.quantity == "latency") return &messages->response_time;
    if (metric.quantity == "service_time") return &messages->service_time;
    return nullptr;
  }

  const Histogram* pushed(std::string_view label) const noexcept {
    for (const PushMetrics& push : record_.metrics.pushes) {
      if (push.label == label) return &push.delivery_time;
    }
    return nullptr;
  }

  void judge_validity() {
    if (const std::uint64_t thrown = record_.metrics.failures.count(Failure::behaviour_error); thrown > 0) {
      invalid_because_.push_back("the behaviour threw " + std::to_string(thrown) + (thrown == 1 ? " time" : " times") +
                                 ": mend the test, then measure");
    }
    // A generator that runs late measures itself: beyond this its lag is no longer small against what it reports.
    const auto lag = record_.metrics.schedule_lag.percentile(0.99);
    const auto response = messages_.response_time.percentile(0.99);
    if (lag && response && record_.configuration.pace.kind() != Pace::Kind::flat_out &&
        *lag > std::max<std::chrono::nanoseconds>(std::chrono::milliseconds{5}, *response / 10)) {
      invalid_because_.push_back("generator-limited: messages left late (p99 " + format_duration(*lag) +
                                 " after they were due): use more workers, a quieter machine or fewer clients");
    }
    if (record_.metrics.overrun * 100 > planned()) {
      invalid_because_.push_back("generator-limited: " + format_count(record_.metrics.overrun) + " of " + format_count(planned()) +
                                 " messages were not sent though users were free: use more workers, more machines or a lower rate");
    }
    if (record_.configuration.pace.open() && record_.generator.overloaded > 0.1) {
      invalid_because_.push_back("generator-limited: a worker was busy for over 90 % of the time in " +
                                 format_share(record_.generator.overloaded) +
                                 " of the seconds: use more workers, more machines or a lower rate");
    }
    // What the generator itself could not do says nothing about the server.
    const FailureTally& failures = record_.metrics.failures;
    const std::uint64_t own = failures.count(Failure::too_many_files) + failures.count(Failure::no_ports);
    if (own * 100 > record_.metrics.connections.attempted) {
      invalid_because_.push_back("generator-limited: " + std::to_string(own) +
                                 " connections failed for want of files or ports of this machine: raise the limit, or use more machines");
    }
  }

  RunRecord record_;
  MessageMetrics messages_;
  std::vector<std::string> invalid_because_{};
};

}  // namespace wsbench
