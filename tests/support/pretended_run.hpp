#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/report.hpp>
#include <wsbench/run/client.hpp>
#include <wsbench/run/cohort.hpp>
#include <wsbench/scenarios.hpp>
#include <wsbench/schedule.hpp>

#include "catch.hpp"
#include "support/pretended_wire.hpp"
#include "support/virtual_clock.hpp"

namespace support {

/// Clients on a virtual clock and pretended wires; unless told otherwise the server connects and closes at once and echoes after 1 ms.
///
/// As it ends it checks the sums of everything that was counted.
class PretendedRun {
 public:
  explicit PretendedRun(wsbench::Scenario scenario_to_run, wsbench::Options options_to_use = {})
      : scenario(std::move(scenario_to_run)), options(std::move(options_to_use)) {
    scenario = wsbench::resolved(std::move(scenario), wsbench::echo());
    if (scenario.pace.open()) {
      open_load.emplace(clock, deadlines, collector, wsbench::MessageSchedule(scenario.pace, 0, 1, options.seed), scenario.duration,
                        scenario.timeout);
      cohort.open_load = &*open_load;
      open_load->record_apart(warm_up, scenario.warm_up);
    }
    if (scenario.warm_up.count() > 0) cohort.warm_up = &warm_up;
    wsbench::VisitSchedule visits(scenario.clients, scenario.ramp_up, 0);
    while (const std::optional<wsbench::Visit> visit = visits.next()) {
      clients.emplace_back(cohort, *visit, [this](wsbench::detail::WireEvents& events) {
        auto wire = std::make_unique<PretendedWire>(clock, events);
        wire->on_opening = [this](PretendedWire& opening) { after(connect_time, opening, &PretendedRun::accept); };
        wire->on_close = [this](PretendedWire& closing) { after(std::chrono::nanoseconds{0}, closing, &PretendedRun::close_back); };
        wire->on_ping = [this](PretendedWire& from, const std::string& payload) { pong(from, payload); };
        wire->on_read = [this](PretendedWire& from, const Written& message) { read(from, message); };
        wires.push_back(wire.get());
        return wire;
      });
    }
  }
  PretendedRun(const PretendedRun&) = delete;
  PretendedRun& operator=(const PretendedRun&) = delete;
  ~PretendedRun() {
    if (std::uncaught_exceptions() == 0) check_sums();
  }

  /// Has `happen` called at a time; what is given for the same time happens in this order.
  void at(std::chrono::nanoseconds time, std::function<void()> happen) { events_.emplace(time, std::move(happen)); }

  /// Lives on until then.
  void run_until(std::chrono::nanoseconds end) {
    for (std::size_t steps = 0; next() <= end; ++steps) {
      if (steps > most_steps) FAIL("it turns in circles at " << clock.now().count() << " ns");
      clock.advance_to(next());
      step();
    }
    clock.advance_to(end);
  }

  /// Lives on until every client is through, which has to be before `limit`.
  void run(std::chrono::nanoseconds limit = std::chrono::hours{2}) {
    for (std::size_t steps = 0; finished < clients.size(); ++steps) {
      if (steps > most_steps) FAIL("it turns in circles at " << clock.now().count() << " ns");
      if (next() > limit) FAIL("not through by " << limit.count() << " ns: next is " << next().count() << " ns");
      clock.advance_to(next());
      step();
    }
  }

  /// The generator gets no processor from now on until then: what was due meanwhile is seen late, what arrived has its time.
  void freeze_until(std::chrono::nanoseconds time) { clock.advance_to(time); }

  /// What the worker does when its clients are gone: the messages that nobody took were not sent.
  void end_open_load() {
    if (open_load) open_load->abandon(wsbench::never);
  }

  const wsbench::Metrics& metrics() {
    metrics_ = collector.snapshot();
    return metrics_;
  }
  wsbench::MessageMetrics messages() const { return collector.snapshot().messages(); }

  wsbench::Report report() const {
    wsbench::RunRecord record;
    record.metrics = collector.snapshot();
    record.duration = cohort.last_outcome;
    record.interrupted = interrupted;
    record.configuration.pace = scenario.pace;
    return wsbench::Report(std::move(record), scenario.expect);
  }

  PretendedWire& wire(std::size_t client = 0) { return *wires.at(client); }
  wsbench::detail::Client& client(std::size_t number = 0) { return clients.at(number); }

  void interrupt() {
    interrupted = true;
    for (wsbench::detail::Client& each : clients) each.interrupt();
  }

  /// Rule 3 of measurement: nothing vanishes.
  void check_sums() {
    const wsbench::Metrics all = collector.snapshot();
    const wsbench::MessageMetrics total = all.messages();
    const wsbench::Report judged = report();
    CHECK(total.one_way + total.answered + total.failed <= total.sent);
    CHECK(total.sent == total.one_way + total.answered + total.failed + total.in_flight());
    CHECK(judged.planned() == total.sent + all.not_sent);
    const std::uint64_t expected = total.answered + total.failed + all.not_sent;
    CHECK(judged.success_rate().has_value() == (expected > 0));
    if (expected > 0) CHECK(*judged.success_rate() == static_cast<double>(total.answered) / static_cast<double>(expected));

    CHECK(total.response_time.count() == total.answered);
    CHECK(total.service_time.count() == total.answered);
    CHECK(total.failed_time.count() == total.failed);
    CHECK(total.response_time.negative() + total.service_time.negative() + total.failed_time.negative() == 0);
    CHECK(all.schedule_lag.negative() == 0);

    std::size_t handed_over = 0;
    std::size_t lost_unwritten = 0;
    std::size_t delivered = 0;
    for (const PretendedWire* wire : wires) {
      handed_over += wire->handed_over;
      lost_unwritten += wire->lost_unwritten;
      delivered += wire->delivered;
    }
    const std::uint64_t sent = total.sent + warm_up.snapshot().messages().sent;
    CHECK(sent >= handed_over);  // one way messages count as sent when they are taken
    CHECK(sent <= handed_over + lost_unwritten);
    CHECK(all.received == delivered);
    CHECK(all.received >= total.answered + all.late + all.unclaimed);

    CHECK(all.connections.reconnected + all.connections.reconnects_failed <= all.connections.reconnects_attempted);
    CHECK(finished <= clients.size());
    if (total.failed + all.connections.failed > 0) CHECK(all.failures.total() > 0);
    if (finished < clients.size()) return;
    CHECK(all.connections.open == 0);
    if (interrupted) return;
    CHECK(total.in_flight() == 0);
    CHECK(all.connections.attempted == clients.size());
    CHECK(all.connections.succeeded + all.connections.failed == all.connections.attempted);
    CHECK(all.connections.connect_time.count() == all.connections.succeeded);
  }

  wsbench::Scenario scenario;
  wsbench::Options options;
  std::chrono::nanoseconds connect_time{0};
  std::chrono::nanoseconds answer_time{std::chrono::milliseconds{1}};
  /// Whether the server agrees to be connected to, by the number of its attempt from 0; default always.
  std::function<bool(std::size_t attempt)> accepts{};
  /// The server's conversation instead of an echo.
  std::function<void(PretendedWire&, const Written&)> converse{};
  bool closes_back{true};
  bool pongs{true};  ///< whether the server answers pings, after `answer_time`
  bool interrupted{false};

  VirtualClock clock{};
  wsbench::detail::DeadlineQueue deadlines{};
  wsbench::MetricsCollector collector{};
  wsbench::MetricsCollector warm_up{};
  std::optional<wsbench::detail::OpenLoad> open_load{};
  std::size_t finished{0};
  wsbench::detail::Cohort cohort{scenario, options, collector, clock, deadlines, [this](std::uint64_t) { ++finished; }};
  std::vector<PretendedWire*> wires{};
  std::deque<wsbench::detail::Client> clients{};

  /// Has the server send that on this connection, if it is still the same then.
  void answer_after(std::chrono::nanoseconds time, PretendedWire& wire, std::string payload) {
    at(clock.now() + time, [this, &wire, generation = wire.generation(), payload = std::move(payload), arrival = clock.now() + time] {
      if (wire.generation() == generation) wire.deliver({payload}, std::min(arrival, clock.now()));
    });
  }

 private:
  static constexpr std::size_t most_steps = 2'000'000;

  std::chrono::nanoseconds next() const {
    return std::min(deadlines.next(), events_.empty() ? wsbench::detail::DeadlineQueue::never : events_.begin()->first);
  }

  void step() {
    if (events_.empty() || events_.begin()->first > clock.now()) return deadlines.run_due(clock.now());
    const auto happen = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    happen();
  }

  void after(std::chrono::nanoseconds time, PretendedWire& wire, void (PretendedRun::*happen)(PretendedWire&)) {
    at(clock.now() + time, [this, &wire, happen, generation = wire.generation()] {
      if (wire.generation() == generation) (this->*happen)(wire);
    });
  }
  void accept(PretendedWire& wire) {
    if (!accepts || accepts(wire.opens - 1)) wire.succeed();
  }
  void close_back(PretendedWire& wire) {
    if (closes_back) wire.end({wsbench::Failure::closed, 1000, "the server closed the connection (1000)"});
  }
  void pong(PretendedWire& wire, const std::string& payload) {
    if (!pongs) return;
    at(clock.now() + answer_time, [&wire, generation = wire.generation(), payload] {
      if (wire.generation() == generation) wire.deliver_pong(payload);
    });
  }
  void read(PretendedWire& from, const Written& message) {
    if (converse) return converse(from, message);
    answer_after(answer_time, from, message.payload);
  }

  std::multimap<std::chrono::nanoseconds, std::function<void()>> events_{};
  wsbench::Metrics metrics_{};
};

}  // namespace support
