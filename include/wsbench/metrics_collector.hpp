#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/failure.hpp>
#include <wsbench/metrics.hpp>

namespace wsbench {

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
    if (times.tls_resumed) ++connections.tls_resumed;
  }

  /// For a connection that was opened, for the first time or again, the server chose one of the subprotocols.
  void subprotocol_chosen(std::string_view name) { ++metrics_.connections.subprotocol_of(name).count; }

  /// For a connection that was opened, for the first time or again, both ends agreed to compress messages.
  void compression_agreed() noexcept { ++metrics_.compression.connections; }
  /// A message was compressed to be sent.
  void compressed(std::size_t size, std::size_t compressed_size) noexcept {
    metrics_.compression.bytes_sent += size;
    metrics_.compression.bytes_sent_compressed += compressed_size;
  }
  /// A message came compressed.
  void inflated(std::size_t compressed_size, std::size_t size) noexcept {
    metrics_.compression.bytes_received += size;
    metrics_.compression.bytes_received_compressed += compressed_size;
  }

  /// An attempt was begun to open a lost connection again.
  void reconnect_attempted() noexcept { ++metrics_.connections.reconnects_attempted; }

  /// Such an attempt was given up; why is told to `failure()`.
  void reconnect_failed() noexcept { ++metrics_.connections.reconnects_failed; }

  /// A lost connection was opened again.
  void connection_reopened(bool tls_resumed = false) {
    ++metrics_.connections.reconnected;
    if (tls_resumed) ++metrics_.connections.tls_resumed;
    count_open();
  }

  /// A first connect was given up; why is told to `failure()`.
  void connection_failed() noexcept { ++metrics_.connections.failed; }

  /// An open connection is open no longer, after so long; nothing: not known.
  void connection_ended(std::optional<std::chrono::nanoseconds> open_time = std::nullopt) {
    --metrics_.connections.open;
    if (open_time) metrics_.connections.open_time.record(*open_time);
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

  /// Messages were due and could have been sent, but the generator came too late.
  void overrun(std::uint64_t count) noexcept {
    metrics_.not_sent += count;
    metrics_.overrun += count;
  }

  /// A turn of an open load has to wait, since as many messages are in flight as may.
  void held_by_in_flight() noexcept { ++metrics_.held_by_in_flight; }

  /// A message came.
  void received() noexcept { ++metrics_.received; }
  /// A message that came was an answer after its deadline.
  void received_late() noexcept { ++metrics_.late; }
  /// A message that came was an answer that had come already.
  void received_again() noexcept { ++metrics_.duplicated; }
  /// A message that came was pushed, and says when it was sent, or not.
  void pushed(std::string_view label, std::optional<std::chrono::nanoseconds> delivery_time) {
    PushMetrics& push = metrics_.push_of(label);
    ++push.count;
    if (delivery_time) push.delivery_time.record(*delivery_time);
  }
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
