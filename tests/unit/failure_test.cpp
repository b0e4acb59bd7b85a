#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/failure.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::Failure;
using wsbench::FailureCount;
using wsbench::FailureTally;

namespace {

FailureTally tally_of(const std::vector<FailureCount>& entries) {
  FailureTally tally;
  for (const FailureCount& entry : entries) {
    for (std::uint64_t time = 0; time < entry.count; ++time)
      tally.add(entry.failure, entry.code, entry.first_at, [&] { return entry.sample; });
  }
  return tally;
}

FailureTally merged(FailureTally into, const FailureTally& from) {
  into.merge(from);
  return into;
}

}  // namespace

TEST_CASE("every failure has a name of its own, fit for a key", "[failure]") {
  std::set<std::string_view> names;
  for (unsigned number = 0; number <= static_cast<unsigned>(Failure::other); ++number) {
    const std::string_view name = wsbench::name(static_cast<Failure>(number));
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == name.npos);
    CHECK(names.insert(name).second);
  }
}

TEST_CASE("a failure's name is its enumerator", "[failure]") {
  // One of each end and a few between: a name added in the wrong place shifts all that follow.
  CHECK(wsbench::name(Failure::resolve) == "resolve");
  CHECK(wsbench::name(Failure::connect_timeout) == "connect_timeout");
  CHECK(wsbench::name(Failure::http_status) == "http_status");
  CHECK(wsbench::name(Failure::timeout) == "timeout");
  CHECK(wsbench::name(Failure::out_of_step) == "out_of_step");
  CHECK(wsbench::name(Failure::abnormal) == "abnormal");
  CHECK(wsbench::name(Failure::too_big) == "too_big");
  CHECK(wsbench::name(Failure::no_ports) == "no_ports");
  CHECK(wsbench::name(Failure::behaviour_error) == "behaviour_error");
  CHECK(wsbench::name(Failure::other) == "other");
}

TEST_CASE("a failure's label has its code where it has one", "[failure]") {
  CHECK(wsbench::label({.failure = Failure::refused}) == "refused");
  CHECK(wsbench::label({.failure = Failure::http_status, .code = 503}) == "http_status 503");
  CHECK(wsbench::label({.failure = Failure::closed, .code = 1011}) == "closed 1011");
}

TEST_CASE("an empty tally has no failures", "[failure]") {
  const FailureTally tally;
  CHECK(tally.total() == 0);
  CHECK(tally.count(Failure::timeout) == 0);
  CHECK(tally.by_count().empty());
}

TEST_CASE("a tally counts by kind and code and keeps the first sample", "[failure]") {
  FailureTally tally;
  int described = 0;
  const auto add = [&](Failure failure, int code, std::chrono::nanoseconds at, std::string sample) {
    tally.add(failure, code, at, [&] {
      ++described;
      return sample;
    });
  };
  add(Failure::timeout, 0, 3s, "client 23: no answer within 5 s");
  add(Failure::timeout, 0, 4s, "client 24: no answer within 5 s");
  add(Failure::http_status, 503, 1s, "client 1: 503 Service Unavailable");
  add(Failure::http_status, 404, 2s, "client 2: 404 Not Found");
  add(Failure::timeout, 0, 5s, "client 25: no answer within 5 s");
  add(Failure::http_status, 404, 6s, "client 3: 404 Not Found");

  CHECK(described == 3);
  CHECK(tally.total() == 6);
  CHECK(tally.count(Failure::timeout) == 3);
  CHECK(tally.count(Failure::http_status) == 3);
  CHECK(tally.count(Failure::refused) == 0);
  const std::vector<FailureCount> expected{
      {Failure::timeout, 0, 3, 3s, "client 23: no answer within 5 s"},
      {Failure::http_status, 404, 2, 2s, "client 2: 404 Not Found"},
      {Failure::http_status, 503, 1, 1s, "client 1: 503 Service Unavailable"},
  };
  CHECK(tally.by_count() == expected);
}

TEST_CASE("equally frequent failures are listed in the order of the enum, then of their codes", "[failure]") {
  const FailureTally tally = tally_of({{Failure::reset, 0, 1, 1s, "a"},
                                       {Failure::closed, 1011, 1, 2s, "b"},
                                       {Failure::refused, 0, 1, 3s, "c"},
                                       {Failure::closed, 1001, 1, 4s, "d"}});
  std::string order;
  for (const FailureCount& entry : tally.by_count()) order += entry.sample;
  CHECK(order == "cdba");
}

TEST_CASE("merging tallies adds counts and keeps the earliest sample, in any order", "[failure]") {
  const FailureTally early = tally_of({{Failure::timeout, 0, 2, 1s, "early"}, {Failure::refused, 0, 1, 9s, "only here"}});
  const FailureTally late = tally_of({{Failure::closed, 1001, 4, 2s, "only there"}, {Failure::timeout, 0, 1, 3s, "late"}});
  const std::vector<FailureCount> expected{
      {Failure::closed, 1001, 4, 2s, "only there"}, {Failure::timeout, 0, 3, 1s, "early"}, {Failure::refused, 0, 1, 9s, "only here"}};

  CHECK(merged(early, late).by_count() == expected);
  CHECK(merged(late, early).by_count() == expected);
  CHECK(merged(early, late) == merged(late, early));
  CHECK(merged(early, {}) == early);
  CHECK(merged({}, early) == early);

  const FailureTally simultaneous = tally_of({{Failure::timeout, 0, 1, 1s, "at the same time"}});
  CHECK(merged(early, simultaneous) == merged(simultaneous, early));
}

TEST_CASE("a tally merged with itself doubles", "[failure]") {
  FailureTally tally = tally_of({{Failure::timeout, 0, 2, 1s, "a"}, {Failure::closed, 1001, 3, 2s, "b"}});
  tally.merge(tally);
  CHECK(tally.count(Failure::timeout) == 4);
  CHECK(tally.count(Failure::closed) == 6);
}

TEST_CASE("a tally saved by count and restored is equal", "[failure]") {
  const FailureTally tally =
      tally_of({{Failure::closed, 1001, 1, 2s, "a"}, {Failure::timeout, 0, 2, 1s, "b"}, {Failure::http_status, 503, 7, 3s, "c"}});
  FailureTally restored;
  for (const FailureCount& entry : tally.by_count()) restored.restore(entry);
  CHECK(restored == tally);

  restored.add(Failure::timeout, 0, 5s, [] { return "later"; });
  CHECK_FALSE(restored == tally);
}
