#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <wsbench/command_probe.hpp>
#include <wsbench/run/probing.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using wsbench::Options;
using wsbench::ProbeRecord;
using wsbench::detail::Probing;
using Clock = Probing::Clock;

namespace {

const Clock::time_point never = Clock::time_point::max();

// A gate that keeps whoever comes until it is opened.
class Gate {
 public:
  double pass() {
    while (!open_) std::this_thread::sleep_for(1ms);
    return 1;
  }
  void open() { open_ = true; }

 private:
  std::atomic<bool> open_{false};
};

std::string first_reason(const ProbeRecord& record) {
  return record.series.first_failure().value_or(wsbench::ProbeFailure{}).reason;
}

}  // namespace

TEST_CASE("a probe is read before the load, during it and once more when it has ended", "[probing][probe]") {
  std::atomic<int> calls{0};
  Probing probing(Options{.probes = {wsbench::probe("calls", [&] { return ++calls; })}, .probe_every = 5ms});
  CHECK(calls == 1);
  probing.load_started(Clock::now());
  CHECK(support::eventually([&] { return calls >= 4; }));
  CHECK_FALSE(probing.wait_until(Clock::now()));
  probing.load_ended();
  CHECK(probing.wait_until(never));
  const int all = calls;
  const std::vector<ProbeRecord> records = probing.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].name == "calls");
  CHECK(records[0].series.samples() == static_cast<std::uint64_t>(all));
  CHECK(records[0].series.min() == 1.0);
  CHECK(records[0].series.last() == all);
  CHECK(records[0].series.failures() == 0);
}

TEST_CASE("probes are read on after the load, for as long as was asked for", "[probing][probe]") {
  std::atomic<int> calls{0};
  Probing probing(Options{.probes = {wsbench::probe("calls", [&] { return ++calls; })}, .probe_every = 5ms, .probe_after = 40ms});
  const auto begin = Clock::now();
  probing.load_started(begin);
  probing.load_ended();
  CHECK(probing.wait_until(never));
  CHECK(Clock::now() - begin >= 40ms);
  CHECK(calls >= 3);
  SECTION("but not when the run is to end at once") {
    Probing long_one(Options{.probes = {wsbench::probe("calls", [&] { return ++calls; })}, .probe_every = 5ms, .probe_after = 1h});
    long_one.load_started(Clock::now());
    long_one.load_ended();
    long_one.stop();
    CHECK(long_one.wait_until(Clock::now() + 30s));
  }
}

TEST_CASE("a probe that throws has failed, and is read again", "[probing][probe]") {
  std::atomic<int> calls{0};
  const auto sometimes = [&]() -> double {
    const int call = ++calls;
    if (call == 2) throw std::runtime_error("the queue is locked");
    if (call == 3) throw 5;
    return call;
  };
  Probing probing(Options{.probes = {wsbench::probe("queue", sometimes)}, .probe_every = 1ms});
  probing.load_started(Clock::now());
  CHECK(support::eventually([&] { return calls >= 5; }));
  probing.load_ended();
  CHECK(probing.wait_until(never));
  const ProbeRecord record = probing.records().at(0);
  CHECK(record.series.failures() == 2);
  CHECK(first_reason(record) == "the queue is locked");
  CHECK(record.series.samples() == static_cast<std::uint64_t>(calls - 2));
}

TEST_CASE("a probe that hangs delays neither another nor the end, and is reported", "[probing][probe]") {
  Gate gate;
  std::atomic<int> calls{0};
  const auto begin = Clock::now();
  std::atomic<bool> left{false};
  {
    Probing probing(Options{.probes = {wsbench::probe("hangs",
                                                      [&] {
                                                        const double number = gate.pass();
                                                        left = true;
                                                        return number;
                                                      }),
                                       wsbench::probe("calls", [&] { return ++calls; })},
                            .probe_every = 5ms,
                            .probe_timeout = 20ms});
    probing.load_started(Clock::now());
    CHECK(support::eventually([&] { return calls >= 5 && probing.records().at(0).series.failures() == 1; }));
    CHECK(first_reason(probing.records().at(0)) == "did not return within 20ms");
    probing.load_ended();
    CHECK(probing.wait_until(never));
    CHECK(probing.records().at(0).series.failures() == 1);
    CHECK(probing.records().at(1).series.samples() == static_cast<std::uint64_t>(calls));
  }
  CHECK(Clock::now() - begin < 20s);
  // It is left behind, and finds what it needs when it comes back.
  gate.open();
  CHECK(support::eventually([&] { return left.load(); }));
}

TEST_CASE("a number that came too late is none, and the probe is read again", "[probing][probe]") {
  Gate gate;
  std::atomic<int> calls{0};
  Probing probing(Options{
      .probes = {wsbench::probe("slow", [&] { return ++calls == 1 ? gate.pass() : 7; })}, .probe_every = 5ms, .probe_timeout = 20ms});
  probing.load_started(Clock::now());
  CHECK(support::eventually([&] { return probing.records().at(0).series.failures() == 1; }));
  gate.open();
  CHECK(support::eventually([&] { return calls >= 3; }));
  probing.load_ended();
  CHECK(probing.wait_until(never));
  const ProbeRecord record = probing.records().at(0);
  CHECK(record.series.failures() == 1);
  CHECK(first_reason(record) == "took longer than 20ms");
  CHECK(record.series.min() == 7.0);
}

TEST_CASE("a command that hangs is killed when nobody waits for it any longer", "[probing][probe]") {
  const auto begin = Clock::now();
  {
    Probing probing(Options{.probes = {wsbench::command_probe("hangs", "sleep 1000"), wsbench::command_probe("fills", "yes")},
                            .probe_every = 20ms,
                            .probe_timeout = 100s});
    probing.load_started(Clock::now());
    probing.load_ended();
    CHECK(probing.wait_until(never));
    CHECK(first_reason(probing.records().at(0)) == "had not ended when the run did");
    CHECK(first_reason(probing.records().at(1)) == "had not ended when the run did");
  }
  CHECK(Clock::now() - begin < 50s);
}

TEST_CASE("a probe that cannot be opened has failed", "[probing][probe]") {
  const wsbench::Probe closed({{"closed", wsbench::Unit::number}},
                              []() -> std::unique_ptr<wsbench::ProbeReader> { throw std::runtime_error("no key"); });
  Probing probing(Options{.probes = {closed}, .probe_every = 5ms});
  probing.load_started(Clock::now());
  probing.load_ended();
  CHECK(probing.wait_until(never));
  CHECK(first_reason(probing.records().at(0)) == "no key");
}

TEST_CASE("without probes nothing is waited for", "[probing][probe]") {
  Probing probing(Options{.probe_after = 1h});
  probing.load_started(Clock::now());
  CHECK(probing.wait_until(Clock::now()));
  CHECK(probing.records().empty());
}
