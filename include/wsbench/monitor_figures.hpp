#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <string>
#include <vector>

#include <wsbench/expectation.hpp>
#include <wsbench/failure.hpp>
#include <wsbench/histogram.hpp>
#include <wsbench/metrics.hpp>
#include <wsbench/report.hpp>

namespace wsbench {

/// The figure of a round that an alert looks at.
///
/// Where answers were expected and none came they are infinitely late, and so are connections where none came to be. Nothing where it was
/// not measured, nor where the generator was the limit: that says nothing of the server.
inline std::optional<double> alert_figure(const Report& round, const MetricName& metric) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const Verdict verdict = round.verdict();
  if (verdict == Verdict::invalid) return std::nullopt;
  const bool of_answers = metric.quantity == "latency" || metric.quantity == "service_time";
  if (of_answers && (verdict == Verdict::no_connection || round.unanswered())) return infinite;
  if (metric.quantity == "connect_time" && verdict == Verdict::no_connection) return infinite;
  return round.figure(metric);
}

/// Durations counted by fixed bounds, as Prometheus has its histograms; adds up for ever in the memory it has.
class DurationBuckets {
 public:
  static constexpr std::size_t size = 14;
  /// Ascending.
  using Bounds = std::array<std::chrono::nanoseconds, size>;

  /// The bounds have to outlive it.
  explicit DurationBuckets(const Bounds& bounds) noexcept : bounds_(&bounds) {}

  /// Adds the samples, each up to 0.1 % off.
  void add(const Histogram& durations) {
    for (const Histogram::Bin& bin : durations.bins()) {
      const auto bound = std::lower_bound(bounds_->begin(), bounds_->end(), std::chrono::nanoseconds{bin.value});
      counts_.at(static_cast<std::size_t>(bound - bounds_->begin())) += bin.count;
    }
    seconds_ += durations.sum_in_seconds();
  }

  const Bounds& bounds() const noexcept { return *bounds_; }
  /// How many samples there are up to each bound, beyond the bound before; the last are beyond all.
  const std::array<std::uint64_t, size + 1>& counts() const noexcept { return counts_; }
  /// The sum of the samples.
  double seconds() const noexcept { return seconds_; }

 private:
  const Bounds* bounds_;
  std::array<std::uint64_t, size + 1> counts_{};
  double seconds_{0};
};

namespace detail {

inline constexpr DurationBuckets::Bounds answer_bounds{
    std::chrono::microseconds{500}, std::chrono::milliseconds{1},   std::chrono::microseconds{2'500}, std::chrono::milliseconds{5},
    std::chrono::milliseconds{10},  std::chrono::milliseconds{25},  std::chrono::milliseconds{50},    std::chrono::milliseconds{100},
    std::chrono::milliseconds{250}, std::chrono::milliseconds{500}, std::chrono::seconds{1},          std::chrono::milliseconds{2'500},
    std::chrono::seconds{5},        std::chrono::seconds{10}};
inline constexpr DurationBuckets::Bounds connection_bounds{std::chrono::milliseconds{100},
                                                           std::chrono::milliseconds{250},
                                                           std::chrono::milliseconds{500},
                                                           std::chrono::seconds{1},
                                                           std::chrono::milliseconds{2'500},
                                                           std::chrono::seconds{5},
                                                           std::chrono::seconds{10},
                                                           std::chrono::seconds{30},
                                                           std::chrono::minutes{1},
                                                           std::chrono::minutes{2},
                                                           std::chrono::minutes{5},
                                                           std::chrono::minutes{15},
                                                           std::chrono::hours{1},
                                                           std::chrono::hours{4}};

}  // namespace detail

/// What a monitor has counted since it began: sums that only grow.
struct MonitorCounts {
  std::uint64_t connections_attempted{0};                              ///< first connects and attempts to open a lost one again
  std::uint64_t connections_opened{0};                                 ///< of those: open
  std::uint64_t connections_failed{0};                                 ///< of those: given up
  std::uint64_t messages_sent{0};                                      ///< handed to a connection
  std::uint64_t messages_received{0};                                  ///< that came from the server, answers or not
  std::uint64_t messages_answered{0};                                  ///< of those sent: answered in time
  std::uint64_t messages_failed{0};                                    ///< of those sent: timed out, or lost with the connection
  std::uint64_t messages_not_sent{0};                                  ///< due, but could not be sent
  std::uint64_t bytes_sent{0};                                         ///< with handshakes and framing
  std::uint64_t bytes_received{0};                                     ///< with handshakes and framing
  std::array<std::uint64_t, detail::failure_names.size()> failures{};  ///< by kind, in the order of the enum
  DurationBuckets latency{detail::answer_bounds};                      ///< of the answered: response times
  DurationBuckets connect_time{detail::answer_bounds};                 ///< of first connects
  DurationBuckets open_time{detail::connection_bounds};                ///< of the connections that ended

  /// Adds what a run counted.
  void add(const Report& run) {
    const Metrics& metrics = run.metrics();
    const ConnectionMetrics& connections = metrics.connections;
    const MessageMetrics& messages = run.messages();
    connections_attempted += connections.attempted + connections.reconnects_attempted;
    connections_opened += connections.succeeded + connections.reconnected;
    connections_failed += connections.failed + connections.reconnects_failed;
    messages_sent += messages.sent;
    messages_received += metrics.received;
    messages_answered += messages.answered;
    messages_failed += messages.failed;
    messages_not_sent += metrics.not_sent;
    bytes_sent += metrics.bytes_sent;
    bytes_received += metrics.bytes_received;
    for (std::size_t kind = 0; kind < failures.size(); ++kind) failures[kind] += metrics.failures.count(static_cast<Failure>(kind));
    latency.add(messages.response_time);
    connect_time.add(connections.connect_time);
    open_time.add(connections.open_time);
  }
};

/// What a probe read last.
struct ProbeValue {
  std::string name{};  ///< as reports call it
  double value{0};     ///< in its unit; shares of one, bytes

  bool operator==(const ProbeValue&) const = default;
};

/// The figures of the round that ended last.
struct RoundFigures {
  Verdict verdict{Verdict::passed};                    ///< its one word
  std::chrono::system_clock::time_point started_at{};  ///< wall time, a label
  std::chrono::nanoseconds duration{0};                ///< until the last message had its outcome
  std::optional<double> latency_mean{};                ///< response time in seconds
  std::optional<double> latency_p50{};                 ///< the same
  std::optional<double> latency_p95{};                 ///< the same
  std::optional<double> latency_p99{};                 ///< the same
  std::optional<double> error_rate{};                  ///< a share of one
  std::optional<double> connection_success_rate{};     ///< a share of one
  std::uint64_t peak_open{0};                          ///< most connections open at once
  double opened_per_minute{0};                         ///< connections, from its start until the next round is due
  double failed_per_minute{0};                         ///< attempts to connect that were given up, likewise
  std::optional<double> sent_per_second{};             ///< messages, while it lasted
  std::optional<double> received_per_second{};         ///< messages, while it lasted
  std::vector<ProbeValue> probes{};                    ///< of those that read a number
};

/// All that a monitor keeps over its rounds, in memory that does not grow.
class MonitorFigures {
 public:
  /// A round is under way, and this is what it has come to so far.
  void so_far(const Report& round) {
    counts_ = ended_;
    counts_.add(round);
    open_ = round.metrics().connections.open;
  }

  /// A round has ended; from its start until the next one is due it is `period`.
  void ended(const Report& round, std::chrono::nanoseconds period) {
    ended_.add(round);
    counts_ = ended_;
    open_ = 0;
    ++verdicts_.at(static_cast<std::size_t>(round.verdict()));
    last_ = figures_of(round, std::max(period, round.record().duration));
  }

  /// A round came to nothing: it threw.
  void broken() {
    counts_ = ended_;
    open_ = 0;
    ++broken_;
  }

  /// A round began later than it was due, since the one before took longer than there was.
  void delayed() noexcept { ++delayed_; }

  const MonitorCounts& counts() const noexcept { return counts_; }
  /// The connections that are open now.
  std::uint64_t open() const noexcept { return open_; }
  /// How many rounds ended with that verdict.
  std::uint64_t rounds(Verdict verdict) const { return verdicts_.at(static_cast<std::size_t>(verdict)); }
  /// How many rounds threw.
  std::uint64_t rounds_broken() const noexcept { return broken_; }
  /// How many rounds began late.
  std::uint64_t rounds_delayed() const noexcept { return delayed_; }
  /// Of the round that ended last; nothing before the first.
  const std::optional<RoundFigures>& last() const noexcept { return last_; }

 private:
  static RoundFigures figures_of(const Report& round, std::chrono::nanoseconds period) {
    const ConnectionMetrics& connections = round.metrics().connections;
    const auto latency = [&](Statistic statistic) { return round.figure({"latency", statistic, {}, Unit::seconds}); };
    const double minutes = std::chrono::duration<double, std::ratio<60>>(period).count();
    const auto per_minute = [&](std::uint64_t count) { return minutes > 0 ? static_cast<double>(count) / minutes : 0; };
    RoundFigures figures{.verdict = round.verdict(),
                         .started_at = round.record().started_at,
                         .duration = round.record().duration,
                         .latency_mean = latency(Statistic::mean),
                         .latency_p50 = latency(Statistic::p50),
                         .latency_p95 = latency(Statistic::p95),
                         .latency_p99 = latency(Statistic::p99),
                         .error_rate = round.error_rate(),
                         .connection_success_rate = round.connection_success_rate(),
                         .peak_open = connections.peak_open,
                         .opened_per_minute = per_minute(connections.succeeded + connections.reconnected),
                         .failed_per_minute = per_minute(connections.failed + connections.reconnects_failed),
                         .sent_per_second = round.sent_per_second()};
    const double seconds = std::chrono::duration<double>(round.window()).count();
    if (seconds > 0) figures.received_per_second = static_cast<double>(round.metrics().received) / seconds;
    for (const ProbeRecord& probe : round.record().probes) {
      if (const std::optional<double> value = probe.series.last()) figures.probes.push_back({probe.name, *value});
    }
    return figures;
  }

  MonitorCounts ended_{};
  MonitorCounts counts_{};  // with the round that is under way
  std::uint64_t open_{0};
  std::array<std::uint64_t, 5> verdicts_{};
  std::uint64_t broken_{0};
  std::uint64_t delayed_{0};
  std::optional<RoundFigures> last_{};
};

}  // namespace wsbench
