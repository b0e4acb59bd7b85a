#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/failure.hpp>
#include <wsbench/histogram.hpp>
#include <wsbench/time_series.hpp>

namespace wsbench {

/// How long each phase of one connection attempt took; a phase that did not happen is left out (TLS on `ws://`).
struct ConnectTimes {
  std::chrono::nanoseconds resolve{-1};  ///< name to addresses; negative: did not happen
  std::chrono::nanoseconds tcp{-1};      ///< TCP handshake; negative: did not happen
  std::chrono::nanoseconds tls{-1};      ///< TLS handshake; negative: did not happen
  std::chrono::nanoseconds upgrade{-1};  ///< HTTP upgrade; negative: did not happen
  std::chrono::nanoseconds total{0};     ///< from the start of the attempt until the WebSocket was open
};

/// What became of the connections.
struct ConnectionMetrics {
  std::uint64_t attempted{0};    ///< first connects begun
  std::uint64_t succeeded{0};    ///< of those attempted: open
  std::uint64_t failed{0};       ///< of those attempted: given up
  std::uint64_t reconnected{0};  ///< opened again after a loss; not among the attempted
  std::uint64_t open{0};         ///< open now
  std::uint64_t peak_open{0};    ///< most open at once; merged collectors add up, so it is an upper bound over several workers
  Histogram connect_time{};      ///< of the succeeded: the whole attempt
  Histogram resolve{};           ///< of the succeeded: name to addresses
  Histogram tcp{};               ///< of the succeeded: TCP handshake
  Histogram tls{};               ///< of the succeeded: TLS handshake
  Histogram upgrade{};           ///< of the succeeded: HTTP upgrade

  /// Adds another's counts and samples.
  void merge(const ConnectionMetrics& other) {
    attempted += other.attempted;
    succeeded += other.succeeded;
    failed += other.failed;
    reconnected += other.reconnected;
    open += other.open;
    peak_open += other.peak_open;
    connect_time.merge(other.connect_time);
    resolve.merge(other.resolve);
    tcp.merge(other.tcp);
    tls.merge(other.tls);
    upgrade.merge(other.upgrade);
  }
  bool operator==(const ConnectionMetrics&) const = default;
};

/// What became of the messages, of one label or of all: sent = one_way + answered + failed + in_flight.
struct MessageMetrics {
  std::uint64_t sent{0};      ///< handed to the connection
  std::uint64_t one_way{0};   ///< of those sent: no answer is expected
  std::uint64_t answered{0};  ///< of those sent: the answer came before its deadline
  std::uint64_t failed{0};    ///< of those sent: timed out, or lost with the connection
  Histogram response_time{};  ///< of the answered: from when it was due until the answer arrived
  Histogram service_time{};   ///< of the answered: from just before the write until the answer arrived
  Histogram failed_time{};    ///< of the failed: from when it was due until it was given up

  /// Of those sent: still waiting for an answer.
  std::uint64_t in_flight() const noexcept { return sent - one_way - answered - failed; }

  /// Adds another's counts and samples.
  void merge(const MessageMetrics& other) {
    sent += other.sent;
    one_way += other.one_way;
    answered += other.answered;
    failed += other.failed;
    response_time.merge(other.response_time);
    service_time.merge(other.service_time);
    failed_time.merge(other.failed_time);
  }
  bool operator==(const MessageMetrics&) const = default;
};

/// The messages under one label.
struct LabelMetrics {
  std::string label{};        ///< as the behaviour gave it; empty for messages sent without one
  MessageMetrics messages{};  ///< what became of them

  bool operator==(const LabelMetrics&) const = default;
};

/// How often a behaviour's check of one name passed and failed.
struct CheckCount {
  std::string name{};       ///< as the behaviour gave it
  std::uint64_t passed{0};  ///< how often it was true
  std::uint64_t failed{0};  ///< how often it was false

  bool operator==(const CheckCount&) const = default;
};

/// What became of the pings: sent = answered + failed + those whose pong is still awaited.
struct PingMetrics {
  std::uint64_t sent{0};      ///< written
  std::uint64_t answered{0};  ///< of those sent: the pong came before its deadline
  std::uint64_t failed{0};    ///< of those sent: it did not, or the connection was lost
  Histogram round_trip{};     ///< of the answered: from just before the write until the pong arrived

  /// Adds another's counts and samples.
  void merge(const PingMetrics& other) {
    sent += other.sent;
    answered += other.answered;
    failed += other.failed;
    round_trip.merge(other.round_trip);
  }
  bool operator==(const PingMetrics&) const = default;
};

/// The durations a behaviour noted under one label.
struct NoteMetrics {
  std::string label{};   ///< as the behaviour gave it
  Histogram duration{};  ///< what it noted

  bool operator==(const NoteMetrics&) const = default;
};

/// Everything counted and timed, at one moment; adds up over workers and runs without loss.
struct Metrics {
  ConnectionMetrics connections{};     ///< what became of the connections
  std::vector<LabelMetrics> labels{};  ///< what became of the messages, by label; all of them together are the messages
  std::uint64_t not_sent{0};           ///< messages that were due but had no connection to go to
  std::uint64_t held_by_in_flight{0};  ///< turns of an open load that waited because the in-flight bound was reached
  std::uint64_t received{0};           ///< messages that came from the server, answers or not
  std::uint64_t late{0};               ///< of those received: answers after their deadline, told by their id
  std::uint64_t unclaimed{0};          ///< of those received: no answer to anything, and nobody waited for them
  std::uint64_t bytes_sent{0};         ///< on the connections, handshakes and framing included
  std::uint64_t bytes_received{0};     ///< on the connections, handshakes and framing included
  FailureTally failures{};             ///< everything that went wrong, by kind
  std::vector<CheckCount> checks{};    ///< the behaviours' own checks
  std::vector<NoteMetrics> notes{};    ///< the behaviours' own durations
  PingMetrics pings{};                 ///< what became of the pings
  Histogram schedule_lag{};            ///< from when a message was due until just before its write
  Histogram receive_lag{};             ///< from when an answer reached the machine until it was read; empty: not measured
  std::uint64_t stamped_reads{0};      ///< reads that ended at the kernel's receive stamp
  std::uint64_t unbelieved_stamps{0};  ///< reads whose stamp could not be true: they ended when they were read
  std::uint64_t shared_stamps{0};      ///< messages with the stamp of a newer one, read with it: they came then or before
  TimeSeries series{};                 ///< how it went over the time; empty where the collector was not told the time

  /// The messages of all labels together.
  MessageMetrics messages() const {
    MessageMetrics all;
    for (const LabelMetrics& entry : labels) all.merge(entry.messages);
    return all;
  }

  /// Adds another's counts and samples.
  void merge(const Metrics& other) {
    connections.merge(other.connections);
    for (const LabelMetrics& theirs : other.labels) entry_of(theirs.label).messages.merge(theirs.messages);
    not_sent += other.not_sent;
    held_by_in_flight += other.held_by_in_flight;
    received += other.received;
    late += other.late;
    unclaimed += other.unclaimed;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    failures.merge(other.failures);
    for (const CheckCount& theirs : other.checks) {
      CheckCount& ours = check_of(theirs.name);
      ours.passed += theirs.passed;
      ours.failed += theirs.failed;
    }
    for (const NoteMetrics& theirs : other.notes) note_of(theirs.label).duration.merge(theirs.duration);
    pings.merge(other.pings);
    schedule_lag.merge(other.schedule_lag);
    receive_lag.merge(other.receive_lag);
    stamped_reads += other.stamped_reads;
    unbelieved_stamps += other.unbelieved_stamps;
    shared_stamps += other.shared_stamps;
    series.merge(other.series);
  }

  /// The entry of a label, made if there is none.
  LabelMetrics& entry_of(std::string_view label) {
    const auto found = std::find_if(labels.begin(), labels.end(), [&](const LabelMetrics& entry) { return entry.label == label; });
    return found != labels.end() ? *found : labels.emplace_back(LabelMetrics{std::string(label), {}});
  }

  /// The entry of a check, made if there is none.
  CheckCount& check_of(std::string_view name) {
    const auto found = std::find_if(checks.begin(), checks.end(), [&](const CheckCount& entry) { return entry.name == name; });
    return found != checks.end() ? *found : checks.emplace_back(CheckCount{std::string(name), 0, 0});
  }

  /// The entry of a note, made if there is none.
  NoteMetrics& note_of(std::string_view label) {
    const auto found = std::find_if(notes.begin(), notes.end(), [&](const NoteMetrics& entry) { return entry.label == label; });
    return found != notes.end() ? *found : notes.emplace_back(NoteMetrics{std::string(label), {}});
  }

  bool operator==(const Metrics&) const = default;
};

/// Collects the metrics of one worker, or of a client that is not ours.
///
/// It has one writer and takes no lock: each worker fills its own, and `snapshot()` is called on the writer's thread.
class MetricsCollector {
 public:
  /// Stands for a label; valid for this collector's life.
  using LabelId = std::size_t;

  /// What is told from now on happens at this time since the start of the run; before the first call nothing enters the time series.
  void at(std::chrono::nanoseconds now) noexcept { now_ = now; }

  /// The label's id, made if there is none.
  LabelId label(std::string_view name) {
    for (LabelId id = 0; id < metrics_.labels.size(); ++id) {
      if (metrics_.labels[id].label == name) return id;
    }
    metrics_.labels.push_back({std::string(name), {}});
    return metrics_.labels.size() - 1;
  }

  /// A first connect was begun.
  void connection_attempted() noexcept { ++metrics_.connections.attempted; }

  /// A first connect succeeded.
  void connection_opened(const ConnectTimes& times) {
    ConnectionMetrics& connections = metrics_.connections;
    ++connections.succeeded;
    count_open();
    connections.connect_time.record(times.total);
    record_phase(connections.resolve, times.resolve);
    record_phase(connections.tcp, times.tcp);
    record_phase(connections.tls, times.tls);
    record_phase(connections.upgrade, times.upgrade);
  }

  /// A lost connection was opened again.
  void connection_reopened() {
    ++metrics_.connections.reconnected;
    count_open();
  }

  /// A first connect was given up; why is told to `failure()`.
  void connection_failed() noexcept { ++metrics_.connections.failed; }

  /// An open connection is open no longer.
  void connection_ended() {
    --metrics_.connections.open;
    if (timed()) metrics_.series.ended(now_);
  }

  /// A message was written that expects an answer; it was not on a schedule.
  void sent(LabelId label) {
    ++metrics_.labels[label].messages.sent;
    if (timed()) metrics_.series.sent(now_);
  }

  /// A message was written that expects an answer, this long after it was due.
  void sent(LabelId label, std::chrono::nanoseconds schedule_lag) {
    sent(label);
    lagged(schedule_lag);
  }

  /// A message was sent that expects none.
  void sent_one_way(LabelId label) {
    sent(label);
    ++metrics_.labels[label].messages.one_way;
  }

  /// A message on a schedule, counted elsewhere, was written this long after it was due.
  void lagged(std::chrono::nanoseconds schedule_lag) { metrics_.schedule_lag.record(schedule_lag); }

  /// An answer had waited this long on this machine when it was read.
  void waited(std::chrono::nanoseconds receive_lag) { metrics_.receive_lag.record(receive_lag); }

  /// A read had the kernel's receive stamp, which was believed or not.
  void stamped_read(bool believed) noexcept { ++(believed ? metrics_.stamped_reads : metrics_.unbelieved_stamps); }
  /// Messages had the stamp of a newer one.
  void shared_stamp(std::uint64_t count) noexcept { metrics_.shared_stamps += count; }

  /// A sent message was answered.
  void answered(LabelId label, std::chrono::nanoseconds response_time, std::chrono::nanoseconds service_time) {
    MessageMetrics& messages = metrics_.labels[label].messages;
    ++messages.answered;
    messages.response_time.record(response_time);
    messages.service_time.record(service_time);
    if (timed()) metrics_.series.answered(now_, response_time);
  }

  /// A sent message was given up this long after it was due; why is told to `failure()`.
  void failed(LabelId label, std::chrono::nanoseconds after) {
    MessageMetrics& messages = metrics_.labels[label].messages;
    ++messages.failed;
    messages.failed_time.record(after);
    if (timed()) metrics_.series.failed(now_);
  }

  /// Messages that were due could not be sent.
  void not_sent(std::uint64_t count) noexcept { metrics_.not_sent += count; }

  /// A turn of an open load has to wait, since as many messages are in flight as may.
  void held_by_in_flight() noexcept { ++metrics_.held_by_in_flight; }

  /// A message came.
  void received() noexcept { ++metrics_.received; }
  /// A message that came was an answer after its deadline.
  void received_late() noexcept { ++metrics_.late; }
  /// A message that came was nobody's.
  void received_unclaimed() noexcept { ++metrics_.unclaimed; }

  /// Bytes went out.
  void bytes_sent(std::size_t count) noexcept { metrics_.bytes_sent += count; }
  /// Bytes came in.
  void bytes_received(std::size_t count) noexcept { metrics_.bytes_received += count; }

  /// Something went wrong, `at` after the start of the run; `describe()` makes the sample's text where one is kept.
  template <class Describe>
  void failure(Failure failure, int code, std::chrono::nanoseconds at, Describe&& describe) {
    metrics_.failures.add(failure, code, at, std::forward<Describe>(describe));
    if (timed()) metrics_.series.failure(at, failure);
  }

  /// A check of a behaviour's own.
  void check(std::string_view name, bool passed) {
    CheckCount& entry = metrics_.check_of(name);
    ++(passed ? entry.passed : entry.failed);
  }

  /// A duration of a behaviour's own.
  void note(std::string_view label, std::chrono::nanoseconds duration) { metrics_.note_of(label).duration.record(duration); }

  /// A ping was written.
  void ping_sent() noexcept { ++metrics_.pings.sent; }
  /// Its pong came.
  void ping_answered(std::chrono::nanoseconds round_trip) {
    ++metrics_.pings.answered;
    metrics_.pings.round_trip.record(round_trip);
  }
  /// Its pong did not come; why is told to `failure()`.
  void ping_failed() noexcept { ++metrics_.pings.failed; }

  /// Everything so far.
  Metrics snapshot() const { return metrics_; }

 private:
  bool timed() const noexcept { return now_.count() >= 0; }
  void count_open() {
    ConnectionMetrics& connections = metrics_.connections;
    connections.peak_open = std::max(connections.peak_open, ++connections.open);
    if (timed()) metrics_.series.opened(now_);
  }
  static void record_phase(Histogram& phase, std::chrono::nanoseconds time) {
    if (time.count() >= 0) phase.record(time);
  }

  Metrics metrics_;
  std::chrono::nanoseconds now_{-1};  // negative: not told
};

}  // namespace wsbench
