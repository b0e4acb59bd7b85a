#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
  std::chrono::nanoseconds resolve{-1};      ///< name to addresses; negative: did not happen
  std::chrono::nanoseconds tcp{-1};          ///< TCP handshake; negative: did not happen
  std::chrono::nanoseconds tls{-1};          ///< TLS handshake; negative: did not happen
  std::chrono::nanoseconds upgrade{-1};      ///< HTTP upgrade; negative: did not happen
  bool tls_resumed{false};                   ///< the TLS handshake resumed a session
  std::optional<std::size_t> subprotocol{};  ///< which of those asked for the server chose, from 0; nothing: none
  bool compressed{false};                    ///< both ends agreed to compress messages
  std::chrono::nanoseconds total{0};         ///< from the start of the attempt until the WebSocket was open
};

/// How many connections a server has chosen a subprotocol for.
struct SubprotocolCount {
  std::string name{};      ///< as it was asked for
  std::uint64_t count{0};  ///< connections, those opened again among them

  bool operator==(const SubprotocolCount&) const = default;
};

/// What compression did to the messages of the connections that have it.
struct CompressionMetrics {
  std::uint64_t connections{0};                ///< that agreed on it, those opened again among them
  std::uint64_t bytes_sent{0};                 ///< payload of the messages that were sent
  std::uint64_t bytes_sent_compressed{0};      ///< the same as it went out
  std::uint64_t bytes_received{0};             ///< payload of the messages that came compressed
  std::uint64_t bytes_received_compressed{0};  ///< the same as it came in

  /// Adds another's counts.
  void merge(const CompressionMetrics& other) {
    connections += other.connections;
    bytes_sent += other.bytes_sent;
    bytes_sent_compressed += other.bytes_sent_compressed;
    bytes_received += other.bytes_received;
    bytes_received_compressed += other.bytes_received_compressed;
  }
  bool operator==(const CompressionMetrics&) const = default;
};

/// What became of the connections.
struct ConnectionMetrics {
  std::uint64_t attempted{0};                    ///< first connects begun
  std::uint64_t succeeded{0};                    ///< of those attempted: open
  std::uint64_t failed{0};                       ///< of those attempted: given up
  std::uint64_t reconnects_attempted{0};         ///< attempts to open a lost one again; not among the first connects
  std::uint64_t reconnected{0};                  ///< of these: open again
  std::uint64_t reconnects_failed{0};            ///< of these: given up
  std::uint64_t tls_resumed{0};                  ///< of those succeeded and reconnected: with a TLS session that was resumed
  std::vector<SubprotocolCount> subprotocols{};  ///< of those succeeded and reconnected: what the server chose, of those where it chose one
  std::uint64_t open{0};                         ///< open now
  std::uint64_t peak_open{0};  ///< most open at once; merged collectors add up, so it is an upper bound over several workers
  Histogram connect_time{};    ///< of the succeeded: the whole attempt
  Histogram resolve{};         ///< of the succeeded: name to addresses
  Histogram tcp{};             ///< of the succeeded: TCP handshake
  Histogram tls{};             ///< of the succeeded: TLS handshake
  Histogram upgrade{};         ///< of the succeeded: HTTP upgrade
  Histogram open_time{};       ///< of the succeeded and reconnected that have ended: how long each was open

  /// The entry of a subprotocol, made if there is none.
  SubprotocolCount& subprotocol_of(std::string_view name) {
    const auto found =
        std::find_if(subprotocols.begin(), subprotocols.end(), [&](const SubprotocolCount& entry) { return entry.name == name; });
    return found != subprotocols.end() ? *found : subprotocols.emplace_back(SubprotocolCount{std::string(name), 0});
  }

  /// Adds another's counts and samples.
  void merge(const ConnectionMetrics& other) {
    for (const SubprotocolCount& theirs : other.subprotocols) subprotocol_of(theirs.name).count += theirs.count;
    attempted += other.attempted;
    succeeded += other.succeeded;
    failed += other.failed;
    tls_resumed += other.tls_resumed;
    reconnects_attempted += other.reconnects_attempted;
    reconnected += other.reconnected;
    reconnects_failed += other.reconnects_failed;
    open += other.open;
    peak_open += other.peak_open;
    connect_time.merge(other.connect_time);
    resolve.merge(other.resolve);
    tcp.merge(other.tcp);
    tls.merge(other.tls);
    upgrade.merge(other.upgrade);
    open_time.merge(other.open_time);
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

/// The messages that the server pushed and one of the behaviour's `on_message` knew.
struct PushMetrics {
  std::string label{};        ///< as the behaviour gave it
  std::uint64_t count{0};     ///< how many came
  Histogram delivery_time{};  ///< from when the message says it was sent until it arrived; of those that say so

  bool operator==(const PushMetrics&) const = default;
};

/// How publications reached their subscribers: expected = delivered + missing.
///
/// Every figure is of publications whose time is over; times run from when a publication was due.
struct FanOutMetrics {
  std::uint64_t published{0};     ///< publications that had their time
  std::uint64_t complete{0};      ///< of those published: reached everybody who was subscribed when they were due
  std::uint64_t expected{0};      ///< deliveries there should have been
  std::uint64_t delivered{0};     ///< of those expected: came before the publication's deadline
  std::uint64_t late{0};          ///< came after it; among the missing
  std::uint64_t duplicated{0};    ///< came once more
  std::uint64_t out_of_order{0};  ///< of those delivered: came after a later one of the same publisher
  std::uint64_t unexpected{0};    ///< came to a subscriber that was none yet when they were due
  Histogram first{};              ///< until the first subscriber had it
  Histogram median{};             ///< until half of the subscribers had it; of those that reached half
  Histogram last{};               ///< until the last subscriber had it; of the complete
  Histogram delivery{};           ///< until each subscriber had it; of the delivered

  /// Of those expected: did not come before the publication's deadline.
  std::uint64_t missing() const noexcept { return expected - delivered; }

  /// Adds another's counts and samples.
  void merge(const FanOutMetrics& other) {
    published += other.published;
    complete += other.complete;
    expected += other.expected;
    delivered += other.delivered;
    late += other.late;
    duplicated += other.duplicated;
    out_of_order += other.out_of_order;
    unexpected += other.unexpected;
    first.merge(other.first);
    median.merge(other.median);
    last.merge(other.last);
    delivery.merge(other.delivery);
  }
  bool operator==(const FanOutMetrics&) const = default;
};

/// Everything counted and timed, at one moment; adds up over workers and runs without loss.
struct Metrics {
  ConnectionMetrics connections{};     ///< what became of the connections
  std::vector<LabelMetrics> labels{};  ///< what became of the messages, by label; all of them together are the messages
  std::uint64_t not_sent{0};           ///< messages that were due but had no connection to go to
  std::uint64_t overrun{0};            ///< of those not sent: somebody was free to send them, and the generator came too late
  std::uint64_t held_by_in_flight{0};  ///< turns of an open load that waited because the in-flight bound was reached
  std::uint64_t received{0};           ///< messages that came from the server, answers or not
  std::uint64_t late{0};               ///< of those received: answers after their deadline, told by their id
  std::uint64_t duplicated{0};         ///< of those received: answers that had come already, told by their id
  std::uint64_t unclaimed{0};          ///< of those received: no answer to anything, and nobody waited for them
  std::uint64_t bytes_sent{0};         ///< on the connections, handshakes and framing included
  std::uint64_t bytes_received{0};     ///< on the connections, handshakes and framing included
  CompressionMetrics compression{};    ///< what compression did, where it was asked for
  FailureTally failures{};             ///< everything that went wrong, by kind
  std::vector<CheckCount> checks{};    ///< the behaviours' own checks
  std::vector<NoteMetrics> notes{};    ///< the behaviours' own durations
  std::vector<PushMetrics> pushes{};   ///< what the server pushed, by the label of who waited for it
  PingMetrics pings{};                 ///< what became of the pings
  FanOutMetrics fan_out{};             ///< how publications reached their subscribers
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
    overrun += other.overrun;
    held_by_in_flight += other.held_by_in_flight;
    received += other.received;
    late += other.late;
    duplicated += other.duplicated;
    unclaimed += other.unclaimed;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    compression.merge(other.compression);
    failures.merge(other.failures);
    for (const CheckCount& theirs : other.checks) {
      CheckCount& ours = check_of(theirs.name);
      ours.passed += theirs.passed;
      ours.failed += theirs.failed;
    }
    for (const NoteMetrics& theirs : other.notes) note_of(theirs.label).duration.merge(theirs.duration);
    for (const PushMetrics& theirs : other.pushes) {
      PushMetrics& ours = push_of(theirs.label);
      ours.count += theirs.count;
      ours.delivery_time.merge(theirs.delivery_time);
    }
    pings.merge(other.pings);
    fan_out.merge(other.fan_out);
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

  /// The entry of a push, made if there is none.
  PushMetrics& push_of(std::string_view label) {
    const auto found = std::find_if(pushes.begin(), pushes.end(), [&](const PushMetrics& entry) { return entry.label == label; });
    return found != pushes.end() ? *found : pushes.emplace_back(PushMetrics{std::string(label), 0, {}});
  }

  bool operator==(const Metrics&) const = default;
};

}  // namespace wsbench
