// The behaviours broadcast() and hold(): who says what and when, who stays, and who goes.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <wsbench/run/fan_out.hpp>
#include <wsbench/run/validation.hpp>
#include <wsbench/scenarios.hpp>

#include "catch.hpp"
#include "support/pretended_run.hpp"
#include "support/pretended_wire.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using support::PretendedRun;
using support::PretendedWire;
using support::Written;
using wsbench::Failure;
using wsbench::Publication;
using wsbench::Scenario;

namespace {

// Clients 0 and 1 of 5 publish every 100 ms, for two seconds and a half.
Scenario channel(const wsbench::Broadcast& settings = {.publishers = 2}) {
  return {.clients = 5, .duration = 2500ms, .pace = wsbench::think(100ms), .timeout = 1s, .behaviour = wsbench::broadcast(settings)};
}

// A run with a server that sends what it gets to all, after `answer_time`.
class FanOutRun : public PretendedRun {
 public:
  explicit FanOutRun(const Scenario& scenario_to_run) : PretendedRun(scenario_to_run), fan_out(scenario_to_run.timeout, 0ns, true) {
    cohort.fan_out = &fan_out;
    converse = [this](PretendedWire&, const Written& message) { send_to_all(message.payload); };
  }

  void send_to_all(const std::string& message) {
    for (PretendedWire* wire : wires) answer_after(answer_time, *wire, message);
  }
  const wsbench::FanOutMetrics& deliveries() {
    fan_out.hand_over(clock.now(), true);
    return fan_out.metrics();
  }
  std::uint64_t written() const {
    std::uint64_t count = 0;
    for (const PretendedWire* wire : wires) count += wire->read.size();
    return count;
  }

  wsbench::detail::FanOut fan_out;
};

std::optional<wsbench::CheckCount> joined(PretendedRun& run) {
  for (const wsbench::CheckCount& check : run.metrics().checks) {
    if (check.name == "joined") return check;
  }
  return std::nullopt;
}

std::string refused_member(const Scenario& scenario) {
  try {
    wsbench::detail::validate({"ws://127.0.0.1:9001"}, scenario, {});
  } catch (const wsbench::Error& error) {
    return error.member();
  }
  return "";
}

}  // namespace

// ---- broadcast ----------------------------------------------------------------------------------------------------------------------

TEST_CASE("publishers send a publication in its envelope each turn, and listeners nothing", "[broadcast]") {
  constexpr std::size_t size = 100;
  constexpr std::string_view head = R"({"text":")";
  constexpr std::string_view tail = R"(","to":"all"})";
  FanOutRun run(channel({.publishers = 2, .size = size, .envelope = std::string(head) + "$publication" + std::string(tail)}));
  run.run();
  for (std::uint32_t publisher = 0; publisher < 2; ++publisher) {
    const auto& messages = run.wire(publisher).read;
    REQUIRE(messages.size() == 24);  // each is due 100 ms after the one before, until the load is over at 2.5 s
    for (std::uint32_t sequence = 0; sequence < messages.size(); ++sequence) {
      const Written& message = messages[sequence];
      CHECK(message.payload.starts_with(head));
      CHECK(message.payload.ends_with(tail));
      CHECK(message.payload.size() == head.size() + size + tail.size());
      CHECK(Publication::find_in(message.payload) == Publication{publisher, sequence, (sequence + 1) * 100ms});
      CHECK(message.at == (sequence + 1) * 100ms);
      CHECK_FALSE(message.binary);
    }
  }
  for (std::size_t listener = 2; listener < 5; ++listener) CHECK(run.wire(listener).read.empty());
  const wsbench::FanOutMetrics& all = run.deliveries();
  CHECK(all.published == 48);
  CHECK(all.complete == 48);
  CHECK(all.expected == 3 * 48);  // the listeners alone
  CHECK(all.unexpected == 0);
  CHECK(all.last.max() == nanoseconds{1ms});
  CHECK(run.messages().one_way == 48);
  CHECK(run.metrics().not_sent == 0);
  CHECK_FALSE(joined(run).has_value());
}

TEST_CASE("the least publication has nothing but itself", "[broadcast]") {
  FanOutRun run(channel({.publishers = 1, .size = Publication::text_size}));
  run.run();
  for (const Written& message : run.wire().read) CHECK(message.payload.size() == Publication::text_size);
  CHECK(run.deliveries().complete == 24);
}

TEST_CASE("whoever has to join sends that first, and waits for what the server says then", "[broadcast]") {
  FanOutRun run(channel({.publishers = 2, .join = "let me in", .joined = "you are in"}));
  run.converse = [&run](PretendedWire& from, const Written& message) {
    if (message.payload != "let me in") return run.send_to_all(message.payload);
    run.answer_after(100ms, from, "one moment");
    run.answer_after(250ms, from, "now you are in");
  };
  run.run();
  for (std::size_t client = 0; client < 5; ++client) {
    INFO(client);
    REQUIRE_FALSE(run.wire(client).read.empty());
    CHECK(run.wire(client).read.front().payload == "let me in");
    CHECK(run.wire(client).read.front().at == 0ns);
    if (client >= 2) CHECK(run.wire(client).read.size() == 1);
  }
  for (std::size_t publisher = 0; publisher < 2; ++publisher) CHECK(run.wire(publisher).read.at(1).at >= 250ms);
  REQUIRE(joined(run).has_value());
  CHECK(joined(run)->passed == 5);
  CHECK(joined(run)->failed == 0);
  const wsbench::FanOutMetrics& all = run.deliveries();
  CHECK(all.published == run.wire(0).read.size() + run.wire(1).read.size() - 2);
  CHECK(all.expected == 3 * all.published);
  CHECK(all.complete == all.published);
}

TEST_CASE("whoever joins a server that does not say so has joined at once", "[broadcast]") {
  FanOutRun run(channel({.publishers = 1, .join = "let me in"}));
  run.run();
  for (std::size_t client = 0; client < 5; ++client) CHECK(run.wire(client).read.at(0).payload == "let me in");
  CHECK(run.wire().read.at(1).at == 100ms);
  CHECK_FALSE(joined(run).has_value());
  CHECK(run.deliveries().complete == 24);
}

TEST_CASE("whoever is not let in leaves, and neither publishes nor listens", "[broadcast]") {
  FanOutRun run(channel({.publishers = 2, .join = "let me in", .joined = "you are in"}));
  run.converse = [&run](PretendedWire& from, const Written&) {
    if (&from != &run.wire(1) && &from != &run.wire(4)) run.answer_after(1ms, from, "you are in");
  };
  run.run_until(999ms);
  CHECK(run.finished == 0);
  run.run_until(1001ms);  // one timeout after they asked
  CHECK(run.client(1).finished());
  CHECK(run.client(4).finished());
  CHECK(run.finished == 2);
  run.run();
  CHECK(run.wire(1).read.size() == 1);
  REQUIRE(joined(run).has_value());
  CHECK(joined(run)->passed == 3);
  CHECK(joined(run)->failed == 2);
  CHECK(run.deliveries().expected == 2 * run.deliveries().published);
}

TEST_CASE("listeners stay until the load is over, and for what is still under way then", "[broadcast]") {
  FanOutRun run(channel());
  run.answer_time = 300ms;
  run.run_until(2500ms - 1ns);
  CHECK(run.finished == 0);
  for (const PretendedWire* wire : run.wires) CHECK(wire->close_codes.empty());
  run.run_until(2699ms);
  for (std::size_t listener = 2; listener < 5; ++listener) CHECK(run.wire(listener).is_open());
  run.run();
  CHECK(run.clock.now() < 2800ms);  // and no longer
  CHECK(run.deliveries().complete == 48);
  CHECK(run.deliveries().missing() == 0);
  for (const PretendedWire* wire : run.wires) CHECK(wire->close_codes == std::vector<std::uint16_t>{1000});
}

TEST_CASE("a listener that loses its connection ends, and is missed by nothing that was due later", "[broadcast]") {
  FanOutRun run(channel());
  run.at(1250ms, [&run] { run.wire(4).end({Failure::abnormal, 0, "gone"}); });
  run.run_until(1250ms);
  CHECK_FALSE(run.client(4).finished());
  run.run_until(2250ms);  // it looks every second
  CHECK(run.client(4).finished());
  CHECK(run.finished == 1);
  run.run();
  CHECK(run.wire(4).opens == 1);
  CHECK(run.metrics().failures.total() == 1);
  const wsbench::FanOutMetrics& all = run.deliveries();
  CHECK(all.published == 48);
  CHECK(all.complete == 48);
  CHECK(all.expected == 3 * 24 + 2 * 24);
}

TEST_CASE("a publisher that loses its connection publishes no more", "[broadcast]") {
  FanOutRun run(channel());
  run.at(1250ms, [&run] { run.wire(0).end({Failure::abnormal, 0, "gone"}); });
  run.run();
  CHECK(run.wire(0).read.size() == 12);
  CHECK(run.wire(1).read.size() == 24);
  CHECK(run.metrics().not_sent == 12);
  CHECK(run.deliveries().published == 36);
}

TEST_CASE("a broadcast that cannot be is refused", "[broadcast]") {
  const auto refused = [](const wsbench::Broadcast& settings) -> std::string {
    try {
      wsbench::broadcast(settings);
    } catch (const wsbench::Error& error) {
      return error.member();
    }
    return "";
  };
  CHECK(refused({}).empty());
  CHECK(refused({.size = Publication::text_size}).empty());
  CHECK(refused({.size = Publication::text_size - 1}) == "size");
  CHECK(refused({.envelope = "{}"}) == "envelope");
  CHECK(refused({.envelope = "publication"}) == "envelope");
}

TEST_CASE("what goes on until the load is over needs a duration", "[broadcast][hold]") {
  for (const wsbench::Behaviour& behaviour : {wsbench::broadcast(), wsbench::hold(), wsbench::hold(1s)}) {
    INFO(behaviour.name());
    CHECK(refused_member({.clients = 2, .messages = 10, .behaviour = behaviour}) == "duration");
    CHECK(refused_member({.clients = 2, .duration = 1s, .behaviour = behaviour}).empty());
  }
}

// ---- hold ---------------------------------------------------------------------------------------------------------------------------

TEST_CASE("a connection that is held stays, and says nothing", "[hold]") {
  FanOutRun run({.clients = 3, .duration = 2500ms, .behaviour = wsbench::hold()});
  run.at(700ms, [&run] { run.wire(1).deliver("news"); });
  run.run_until(2500ms - 1ns);
  CHECK(run.finished == 0);
  run.run();
  CHECK(run.clock.now() == 2500ms);
  CHECK(run.written() == 0);
  CHECK(run.metrics().pings.sent == 0);
  CHECK(run.metrics().received == 1);
  CHECK(run.metrics().not_sent == 0);
  CHECK(run.metrics().failures.total() == 0);
  for (const PretendedWire* wire : run.wires) CHECK(wire->close_codes == std::vector<std::uint16_t>{1000});
}

TEST_CASE("a connection that is held with pings sends one each time, and none at the end", "[hold]") {
  FanOutRun run({.clients = 2, .duration = 1s, .timeout = 100ms, .behaviour = wsbench::hold(300ms)});
  SECTION("whose pongs come") {
    run.run();
    CHECK(run.metrics().pings.sent == 2 * 3);  // at 300, 601 and 902 ms: the next is so long after the pong
    CHECK(run.metrics().pings.answered == 2 * 3);
    CHECK(run.metrics().pings.round_trip.max() == nanoseconds{1ms});
    CHECK(run.metrics().failures.total() == 0);
  }
  SECTION("whose pongs do not") {
    run.pongs = false;
    run.run();
    CHECK(run.metrics().pings.sent == 2 * 2);  // at 300 and 700 ms
    CHECK(run.metrics().pings.failed == 2 * 2);
    CHECK(run.metrics().failures.count(Failure::ping_timeout) == 2 * 2);
    for (const PretendedWire* wire : run.wires) CHECK(wire->opens == 1);
  }
  CHECK(run.clock.now() == 1s);
  CHECK(run.written() == 0);
}

TEST_CASE("a connection that was held and is lost is not made again", "[hold]") {
  const nanoseconds ping_every = GENERATE(nanoseconds{0}, nanoseconds{200ms});
  FanOutRun run({.clients = 2, .duration = 5s, .behaviour = wsbench::hold(ping_every)});
  run.at(1250ms, [&run] { run.wire(0).end({Failure::closed, 1001, "going away"}); });
  run.run_until(2250ms);
  CHECK(run.client(0).finished());
  CHECK_FALSE(run.client(1).finished());
  run.run();
  CHECK(run.clock.now() == 5s);
  CHECK(run.wire(0).opens == 1);
  CHECK(run.metrics().failures.total() == 1);
  CHECK(run.metrics().connections.reconnected == 0);
}
