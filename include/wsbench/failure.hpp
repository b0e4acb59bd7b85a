#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace wsbench {

/// Everything that can go wrong with a connection or a message; each is counted under its own name.
enum class Failure : std::uint8_t {
  resolve,                ///< the host name has no address
  refused,                ///< nobody listens there
  unreachable,            ///< no route to the host or network
  connect_timeout,        ///< no TCP connection before the deadline
  tls,                    ///< the TLS handshake failed, or TLS was broken later
  tls_timeout,            ///< connected, but no TLS before the deadline
  certificate_expired,    ///< the server's certificate is past its time, or before it
  certificate_host,       ///< the server's certificate is for another host
  certificate_untrusted,  ///< nobody trusted has signed the server's certificate
  certificate_required,   ///< the server asked for a certificate and got none
  upgrade_timeout,        ///< connected, but no complete handshake answer before the deadline
  http_status,            ///< the upgrade was answered with another status than 101; the code is the status
  bad_handshake,          ///< a 101 that breaks RFC 6455 section 4, or an answer that is not HTTP
  timeout,                ///< no answer to a message before its deadline
  out_of_step,            ///< in flight when an earlier answer of the same unnumbered conversation was missed
  ping_timeout,           ///< no pong to a ping before its deadline
  closed,                 ///< the server sent a close frame; the code is its status (1005: it gave none)
  abnormal,               ///< the stream ended without a close frame (RFC 6455 section 7.1.5: 1006)
  reset,                  ///< the connection was reset
  protocol,               ///< the server broke RFC 6455's framing
  too_big,                ///< a message over the size limit
  backpressure,           ///< the bounded send queue was full: the server stopped reading
  too_many_files,         ///< this process is out of file descriptors
  no_ports,               ///< this machine is out of local ports for that address
  behaviour_error,        ///< the behaviour threw: the test is at fault, the report is invalid
  other,                  ///< an error of the system without a name of its own; the sample says which
};

namespace detail {
// In the order of the enum.
inline constexpr auto failure_names = std::to_array<std::string_view>({
    "resolve",
    "refused",
    "unreachable",
    "connect_timeout",
    "tls",
    "tls_timeout",
    "certificate_expired",
    "certificate_host",
    "certificate_untrusted",
    "certificate_required",
    "upgrade_timeout",
    "http_status",
    "bad_handshake",
    "timeout",
    "out_of_step",
    "ping_timeout",
    "closed",
    "abnormal",
    "reset",
    "protocol",
    "too_big",
    "backpressure",
    "too_many_files",
    "no_ports",
    "behaviour_error",
    "other",
});
static_assert(failure_names.size() == static_cast<std::size_t>(Failure::other) + 1, "every failure has a name");
}  // namespace detail

/// The failure's name as reports print it: "refused", "http_status".
constexpr std::string_view name(Failure failure) {
  return detail::failure_names.at(static_cast<std::size_t>(failure));
}

/// What to change where it is this machine that is at its limit; empty where it is not.
constexpr std::string_view advice(Failure failure) {
  if (failure == Failure::too_many_files) return "raise the limit (ulimit -n) or use fewer clients";
  if (failure == Failure::no_ports)
    return "widen net.ipv4.ip_local_port_range, use fewer clients, or reach the server at several addresses";
  return {};
}

/// How often one failure happened, when first, and what it looked like then.
struct FailureCount {
  Failure failure{};                     ///< what happened
  int code{0};                           ///< HTTP status or close code where the failure has one, else 0
  std::uint64_t count{0};                ///< how often
  std::chrono::nanoseconds first_at{0};  ///< since the start of the run
  std::string sample{};                  ///< the first one in words: "client 23: no answer within 5 s"

  bool operator==(const FailureCount&) const = default;
};

/// "refused", or with its code "http_status 503".
inline std::string label(const FailureCount& entry) {
  std::string text{name(entry.failure)};
  return entry.code == 0 ? text : text + ' ' + std::to_string(entry.code);
}

/// Failures counted by kind and code, with a sample of each; merging keeps the earliest sample, in whatever order it is done.
class FailureTally {
 public:
  /// Counts one; `describe()` makes the sample's text and is called only for the first of its kind and code.
  template <class Describe>
  void add(Failure failure, int code, std::chrono::nanoseconds at, Describe&& describe) {
    FailureCount& entry = entry_of(failure, code);
    if (entry.count++ == 0) {
      entry.first_at = at;
      entry.sample = std::forward<Describe>(describe)();
    }
  }

  /// Adds another tally's counts.
  void merge(const FailureTally& other) {
    for (const FailureCount& theirs : other.entries_) {
      FailureCount& ours = entry_of(theirs.failure, theirs.code);
      if (ours.count == 0 || std::tie(theirs.first_at, theirs.sample) < std::tie(ours.first_at, ours.sample)) {
        ours.first_at = theirs.first_at;
        ours.sample = theirs.sample;
      }
      ours.count += theirs.count;
    }
  }

  /// Every entry, most frequent first; equally frequent ones in the order of the enum, then of their codes.
  std::vector<FailureCount> by_count() const {
    std::vector<FailureCount> sorted = entries_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    return sorted;
  }

  /// How often this failure happened, over all its codes.
  std::uint64_t count(Failure failure) const {
    std::uint64_t sum = 0;
    for (const FailureCount& entry : entries_) sum += entry.failure == failure ? entry.count : 0;
    return sum;
  }

  /// How many failures there were in all.
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const FailureCount& entry : entries_) sum += entry.count;
    return sum;
  }

  /// Puts back an entry that was saved.
  void restore(FailureCount entry) { entry_of(entry.failure, entry.code) = std::move(entry); }

  bool operator==(const FailureTally&) const = default;

 private:
  FailureCount& entry_of(Failure failure, int code) {
    const auto before = [](const FailureCount& entry, const auto& key) { return std::pair{entry.failure, entry.code} < key; };
    const auto place = std::lower_bound(entries_.begin(), entries_.end(), std::pair{failure, code}, before);
    if (place != entries_.end() && place->failure == failure && place->code == code) return *place;
    return *entries_.insert(place, FailureCount{failure, code, 0, {}, {}});
  }

  // Ascending by failure and code: two tallies of the same failures are equal, however they came about.
  std::vector<FailureCount> entries_;
};

}  // namespace wsbench
