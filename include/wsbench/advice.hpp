#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/assessment.hpp>
#include <wsbench/rank_statistics.hpp>
#include <wsbench/report.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// What the figures of a run show, and where to look next.
struct Advice {
  std::string what{};      ///< what they show: "Every message is slow, not only some"
  std::string evidence{};  ///< the figures; the sample of a failure, as the server gave it, may be among them
  std::string next{};      ///< what to look at

  bool operator==(const Advice&) const = default;
};

namespace detail {

/// What a failure means and what to look at, in words.
struct FailureAdvice {
  std::string_view what{};
  std::string_view next{};
};

inline FailureAdvice advice_on_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return {"The server refuses who connects",
              "the credentials (--bearer, --basic, --cookie) and the Origin header, which Django checks against ALLOWED_HOSTS"};
    case 404: return {"The server knows no such path", "the path of the URL and the server's WebSocket routes"};
    case 429: return {"The server limits how fast clients connect", "its rate limit; --connect-rate and --source-address of this test"};
    case 502:
    case 503:
    case 504:
      return {"The proxy finds no server that takes the connection",
              "whether the servers behind it run, how many connections it may have to them, and its log"};
    default: return {"The server answers the upgrade with something else", "the server's log; whether the path is a WebSocket's at all"};
  }
}

inline FailureAdvice advice_on_close(int code) {
  switch (code) {
    case 1001:
    case 1012: return {"The server goes away", "a restart, a deployment or a worker that is replaced during the test"};
    case 1008: return {"The server closes for breaking its policy", "who is allowed in, and the server's limit on messages a client"};
    case 1009: return {"The server finds messages too big", "its limit on the size of a message, and --size of this test"};
    case 1011: return {"The server closes after an error of its own", "the traceback in its log"};
    case 1013: return {"The server asks to come again later", "what it is short of: workers, connections to the database, memory"};
    default: return {"The server closes connections that are in use", "when it does so on purpose; its log"};
  }
}

inline FailureAdvice advice_on(Failure failure, int code) {
  constexpr std::string_view dropped =
      "a server or worker that died (its log, the kernel's out-of-memory killer), and what stands between: a proxy's idle time "
      "(nginx: proxy_read_timeout) is shorter than the pauses unless pings keep the connection alive";
  switch (failure) {
    case Failure::resolve: return {"The server's name has no address", "the name in the URL, and the resolver of this machine"};
    case Failure::refused: return {"Nobody listens there", "whether the server runs, and all the time: a crash or a restart under load"};
    case Failure::unreachable: return {"There is no way to the server", "routes and firewalls between this machine and the server"};
    case Failure::connect_timeout:
      return {"The server does not accept connections in time",
              "its listen backlog (net.core.somaxconn, net.ipv4.tcp_max_syn_backlog), its open files (ulimit -n), a firewall that drops"};
    case Failure::tls: return {"TLS fails", "which versions and ciphers the server speaks"};
    case Failure::tls_timeout:
      return {"TLS handshakes take too long", "processors for the server: a full handshake is the dearest part of a connection"};
    case Failure::certificate_expired: return {"The server's certificate is out of date", "its renewal, and the clocks of both machines"};
    case Failure::certificate_host:
      return {"The server's certificate is for another host", "the name in the URL and those in the certificate"};
    case Failure::certificate_untrusted:
      return {"Nobody trusted has signed the server's certificate",
              "the chain that the server sends; --ca-file for an authority of your own"};
    case Failure::certificate_required: return {"The server asks for a certificate", "--certificate-file and --key-file"};
    case Failure::upgrade_timeout:
      return {"The server accepts connections but does not upgrade them in time",
              "what it does before it accepts: authentication, sessions, queries in connect(); more worker processes"};
    case Failure::http_status: return advice_on_status(code);
    case Failure::bad_handshake:
      return {"What answers the upgrade does not speak RFC 6455", "whether a proxy between passes Upgrade and Connection on"};
    case Failure::timeout:
      return {"Messages get no answer in time",
              "what a handler waits for: queries, locks, Redis. A channel layer over its capacity drops messages (channels_redis: "
              "capacity and expiry)"};
    case Failure::out_of_step:
      return {"Answers were lost together with an earlier one", "why that one did not come; an id in each message tells late from lost"};
    case Failure::ping_timeout:
      return {"Pings get no pong in time", "what blocks the server's event loop: blocking calls in asynchronous handlers"};
    case Failure::closed: return advice_on_close(code);
    case Failure::abnormal: return {"Connections end without a close frame", dropped};
    case Failure::reset: return {"Connections are reset", dropped};
    case Failure::protocol: return {"The server breaks the protocol", "its WebSocket library, or what stands between and changes bytes"};
    case Failure::too_big: return {"The server's messages are too big", "why a single message is that large: send less, or in parts"};
    case Failure::backpressure:
      return {"The server does not read as fast as it is sent to", "what its handlers wait for; smaller messages, or batches of them"};
    case Failure::too_many_files: return {"This machine is out of open files", advice(failure)};
    case Failure::no_ports: return {"This machine is out of ports", advice(failure)};
    case Failure::behaviour_error: return {"The test itself fails", "the behaviour of the scenario: it threw"};
    case Failure::other: return {"Something else went wrong", "what the system says"};
  }
  return {};
}

/// How many standard errors a series is from having no trend, upward positive (Mann 1945, Kendall 1975; without the correction for ties,
/// which makes it smaller).
inline double trend_of(const std::vector<double>& values) {
  double score = 0;
  for (std::size_t later = 1; later < values.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      score += values[later] > values[earlier] ? 1 : values[later] < values[earlier] ? -1 : 0;
    }
  }
  const auto n = static_cast<double>(values.size());
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  return deviation > 0 ? score / deviation : 0;
}

/// Looks for what a report shows, rule by rule; a rule that has no evidence says nothing.
class Adviser {
 public:
  explicit Adviser(const Report& report) : report_(report), rated_(assess(report)) {}

  std::vector<Advice> look() {
    generator_limited();
    errors();
    missing_deliveries();
    growing_memory();
    one_busy_core();
    // Where the generator was late, times and rates are its own as much as the server's.
    if (generator_limited_) return std::move(found_);
    slow_connects();
    slow_answers();
    climbing_latency();
    low_throughput();
    return std::move(found_);
  }

 private:
  // A tail within this many times the average is flat.
  static constexpr int flat_tail = 3;
  // A climb is at least half as much again, a millisecond, and no chance: three standard errors.
  static constexpr double climb_ratio = 1.5;
  static constexpr double climb_least = 1e6;
  static constexpr double climb_certain = 3;
  static constexpr std::size_t climb_slots = 12;
  // Fewer readings of a processor under load are a moment.
  static constexpr std::size_t least_shares = 3;

  void say(std::string_view what, std::string evidence, std::string_view next) {
    found_.push_back({std::string(what), std::move(evidence), std::string(next)});
  }

  const Metrics& metrics() const noexcept { return report_.metrics(); }
  const Configuration& load() const noexcept { return report_.record().configuration; }
  static std::string in_words(std::optional<std::chrono::nanoseconds> time) { return time ? format_duration(*time) : "n/a"; }

  // Whether the figure was rated, and not good.
  bool is_wanting(std::string_view quantity, Statistic statistic) const {
    return std::any_of(rated_.begin(), rated_.end(), [&](const RatedFigure& rated) {
      const bool named = rated.bounds.metric.quantity == quantity && rated.bounds.metric.statistic == statistic;
      return named && (rated.rating == Rating::acceptable || rated.rating == Rating::poor);
    });
  }

  void generator_limited() {
    const std::vector<std::string>& reasons = report_.invalid_because();
    generator_limited_ =
        std::any_of(reasons.begin(), reasons.end(), [](const std::string& reason) { return reason.starts_with("generator-limited: "); });
    const std::optional<double> busy = report_.record().generator.busy;
    if (generator_limited_) {
      std::string evidence;
      const auto add = [&evidence](const std::string& figure) { evidence += (evidence.empty() ? "" : "; ") + figure; };
      if (const auto lag = metrics().schedule_lag.percentile(0.99)) {
        add(fmt::format("p99 of the schedule lag {}, of the latency {}", format_duration(*lag),
                        in_words(report_.messages().response_time.percentile(0.99))));
      }
      if (metrics().overrun > 0)
        add(fmt::format("{} of {} messages not sent in time", format_count(metrics().overrun), format_count(report_.planned())));
      if (busy) add(fmt::format("the busiest worker was busy for {} of the time", format_share(*busy)));
      const std::uint64_t short_of = metrics().failures.count(Failure::too_many_files) + metrics().failures.count(Failure::no_ports);
      if (short_of > 0) add(fmt::format("{} connections failed for want of files or ports here", format_count(short_of)));
      say("The generator was the limit, so the server's own is not known", std::move(evidence),
          "more workers (--workers), a quieter machine, several machines (wsbench merge), fewer clients or a lower rate");
    } else if (load().pace.kind() == Pace::Kind::flat_out && busy > 0.9) {
      say("The generator may be what limits the throughput",
          fmt::format("its busiest worker was busy for {} of the time", format_share(*busy)),
          "whether more workers (--workers) or a second machine get more through");
    }
  }

  void errors() {
    for (const FailureCount& failure : metrics().failures.by_count()) {
      const FailureAdvice words = advice_on(failure.failure, failure.code);
      say(words.what,
          fmt::format("{} {}, {} first after {}: {}", format_count(failure.count), failure.count == 1 ? "time" : "times", label(failure),
                      format_duration(failure.first_at), failure.sample),
          words.next);
    }
  }

  void missing_deliveries() {
    const FanOutMetrics& all = metrics().fan_out;
    if (all.missing() == 0) return;
    say("What is published does not reach everybody",
        fmt::format("{} of {} deliveries missing, {} of them late", format_count(all.missing()), format_count(all.expected),
                    format_count(all.late)),
        "a layer that drops what exceeds a subscriber's queue without a word (channels_redis: capacity, 100 unless set, and expiry); "
        "smaller groups, fewer or batched publications");
  }

  // Under a steady load, and for long enough that a slope can be told: as a soak finds it.
  void growing_memory() {
    if (report_.probes().empty()) return;
    for (const SoakFinding& finding : soak(report_).findings) {
      if (finding.unit != Unit::bytes || finding.verdict != SoakVerdict::leaking) continue;
      say("Memory grows with use though the load does not", finding.what + ": " + finding.evidence,
          "what is kept for each message or connection and never let go: caches without a bound, groups that nobody leaves, listeners that "
          "stay; a longer run (wsbench soak) tells a leak from a cache that fills");
    }
  }

  // One thread that computes all the time is one core, whatever the machine has.
  void one_busy_core() {
    for (const ProbeRecord& probe : report_.probes()) {
      if (probe.unit != Unit::share || !probe.name.ends_with(".cpu")) continue;
      const std::vector<double> shares = shares_under_load(probe.series);
      const std::optional<double> usual = median_of(shares);
      if (shares.size() < least_shares || *usual < 0.9 || *usual > 1.1) continue;
      say("The server keeps one core busy, and no more",
          fmt::format("{} is {} in half of {} readings under load", probe.name, format_share(std::round(*usual * 100) / 100),
                      format_count(shares.size())),
          "whether it runs in a single thread, as Daphne and Redis do: more worker processes use more cores; then what a message costs");
    }
  }

  // The slots' shares of when nine tenths of the users at the peak were there.
  std::vector<double> shares_under_load(const ProbeSeries& probe) const {
    const TimeSeries& series = metrics().series;
    const std::vector<std::uint64_t> open = series.open();
    const std::uint64_t peak = open.empty() ? 0 : *std::max_element(open.begin(), open.end());
    std::vector<double> shares;
    for (std::size_t index = 0; peak > 0 && index < probe.slots().size(); ++index) {
      const auto slot = static_cast<std::size_t>(probe.width() * static_cast<std::int64_t>(index) / series.width());
      const std::optional<double> share = probe.slots()[index].mean();
      if (share && slot < open.size() && open[slot] * 10 >= peak * 9) shares.push_back(*share);
    }
    return shares;
  }

  void slow_connects() {
    if (!is_wanting("connect_time", Statistic::mean) && !is_wanting("connect_time", Statistic::max)) return;
    const ConnectionMetrics& connections = metrics().connections;
    struct Phase {
      std::string_view name{};
      const Histogram* times{};
      std::string_view next{};
    };
    const Phase phases[] = {
        {"resolve", &connections.resolve, "the resolver: its cache, or an address in the URL"},
        {"TCP", &connections.tcp,
         "the listen backlog (net.core.somaxconn, net.ipv4.tcp_max_syn_backlog), which makes clients knock again after a second; open "
         "files of the server (ulimit -n)"},
        {"TLS", &connections.tls, "processors for the server; TLS 1.3; session resumption for those who come again"},
        {"upgrade", &connections.upgrade,
         "what the server does before it accepts: authentication, sessions, queries in connect(); more worker processes"},
    };
    const auto longest = [](const Phase& phase) { return phase.times->max().value_or(std::chrono::nanoseconds{0}); };
    const Phase* worst =
        std::max_element(std::begin(phases), std::end(phases), [&](const Phase& a, const Phase& b) { return longest(a) < longest(b); });
    std::string evidence =
        fmt::format("average {}, {} at most", in_words(connections.connect_time.mean()), in_words(connections.connect_time.max()));
    std::string_view next = "which phase takes the time: resolving, TCP, TLS or the upgrade";
    if (worst->times->count() > 0) {
      evidence += fmt::format("; of these, {} took {} on average, {} at most", worst->name, in_words(worst->times->mean()),
                              in_words(worst->times->max()));
      next = worst->next;
    }
    say("Connecting is slow", std::move(evidence), next);
  }

  // Whether it would be a good average.
  bool is_fast(std::optional<std::chrono::nanoseconds> median) const {
    const auto average = std::find_if(rated_.begin(), rated_.end(), [](const RatedFigure& rated) {
      return rated.bounds.metric.quantity == "latency" && rated.bounds.metric.statistic == Statistic::mean;
    });
    return median && average != rated_.end() && std::chrono::duration<double>(*median).count() < average->bounds.good;
  }

  void slow_answers() {
    const Histogram& times = report_.messages().response_time;
    const std::string figures = fmt::format("average {}, median {}, p95 {}, p99 {}, {} at most, of {} answers", in_words(times.mean()),
                                            in_words(times.percentile(0.5)), in_words(times.percentile(0.95)),
                                            in_words(times.percentile(0.99)), in_words(times.max()), format_count(times.count()));
    const bool on_average = is_wanting("latency", Statistic::mean);
    // Where there is no p99 yet, the maximum stands above it.
    if (on_average && times.percentile(0.99).value_or(*times.max()) / flat_tail <= *times.mean()) {
      say("Every message is slow, not only some", figures,
          "what each one costs: a query without an index or several where one would do, round trips to Redis that could be batched, "
          "large messages; then the number of worker processes");
      return;
    }
    if (on_average && !is_fast(times.percentile(0.5))) {
      say("Messages are slow, some of them far more than others", figures,
          "queues: too few worker processes for the load, a pool of connections (Redis, database) that all wait for; then what a "
          "message costs");
      return;
    }
    const bool p95 = is_wanting("latency", Statistic::p95) && times.evidence(0.95) == Evidence::enough;
    const bool p99 = is_wanting("latency", Statistic::p99) && times.evidence(0.99) == Evidence::enough;
    if (!on_average && !p95 && !p99) return;
    say("Most messages are fast, but the tail is long", figures,
        "what happens only now and then: garbage collection, a pool of connections (Redis, database) that runs dry, locks, blocking calls "
        "in asynchronous handlers, a job that runs beside the server");
  }

  // The slots' medians, in nanoseconds, of when nine tenths of the users at the peak were there.
  std::vector<double> medians_under_load() const {
    const TimeSeries& series = metrics().series;
    const std::vector<std::uint64_t> open = series.open();
    const std::uint64_t peak = open.empty() ? 0 : *std::max_element(open.begin(), open.end());
    std::vector<double> medians;
    for (std::size_t slot = 0; slot < open.size(); ++slot) {
      const auto median = series.slots()[slot].response_time.percentile(50);
      if (median && open[slot] * 10 >= peak * 9) medians.push_back(static_cast<double>(median->count()));
    }
    return medians;
  }

  void climbing_latency() {
    const bool steady = load().population.kind() != Population::Kind::stages && load().pace.stages().empty();
    const std::vector<double> medians = medians_under_load();
    if (!steady || medians.size() < climb_slots) return;
    const std::size_t third = medians.size() / 3;
    const double first = *median_of(std::span(medians).first(third));
    const double last = *median_of(std::span(medians).last(third));
    if (last < first * climb_ratio || last - first < climb_least || trend_of(medians) < climb_certain) return;
    const auto in_time = [](double nanoseconds) {
      return format_duration(std::chrono::nanoseconds{static_cast<std::int64_t>(nanoseconds)});
    };
    say("Latency climbs with time though the load does not",
        fmt::format("median {} in the first third of {} slots of {}, {} in the last", in_time(first), format_count(medians.size()),
                    exact_duration(metrics().series.width()), in_time(last)),
        load().pace.open()
            ? "whether the rate is above what the server can do, so that messages queue up without end: a run at a lower rate tells"
            : "what grows with use: a table without an index, groups and messages in Redis that do not expire (channels_redis: "
              "group_expiry, "
              "expiry), lists in memory, swapping");
  }

  void low_throughput() {
    // Through a ramp less is offered than at its end.
    const bool steady = load().population.kind() == Population::Kind::number && load().pace.stages().empty() &&
                        load().ramp_up <= report_.sending_window() / 10;
    if (load().clients == 0 || !steady || !is_wanting("messages_per_second", Statistic::value)) return;
    const double offered = offered_per_second(load().clients, load().pace, std::chrono::nanoseconds{0});
    const std::string clients = fmt::format("{} {}", format_count(load().clients), load().clients == 1 ? "client" : "clients");
    say("Throughput is low",
        fmt::format("{} from {}, each answer after {} on average; {}", format_figure(report_.sent_per_second(), Unit::per_second), clients,
                    in_words(report_.messages().response_time.mean()),
                    std::isfinite(offered) ? "at most " + format_rate(offered) + " were offered" : "each waits for its answer, then sends"),
        "whether more clients get more through. If not: the number of worker processes, several messages in one, smaller or compressed "
        "messages, the connections to Redis and the database");
  }

  const Report& report_;
  std::vector<RatedFigure> rated_;
  std::vector<Advice> found_{};
  bool generator_limited_{false};
};

}  // namespace detail

/// What the figures of a report show that could be better, what matters first in front; nothing for a run without fault.
///
/// Every line stands on figures of the report, and is not said without them. The bounds are those of `assess()`. Times and rates are not
/// judged where the generator was the limit. What a run did not watch, such as the server's memory, is not spoken of.
inline std::vector<Advice> advice(const Report& report) {
  return detail::Adviser{report}.look();
}

}  // namespace wsbench
