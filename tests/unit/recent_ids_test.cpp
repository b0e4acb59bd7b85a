#include <cstdint>
#include <limits>

#include <wsbench/run/recent_ids.hpp>

#include "catch.hpp"

using wsbench::detail::RecentIds;

TEST_CASE("an id that was given up is taken once, and no other", "[recent_ids]") {
  RecentIds ids;
  CHECK_FALSE(ids.take(0));
  for (const std::uint64_t id : {7U, 3U, 4U, 5U, 9U}) ids.add(id);
  for (const std::uint64_t id : {0U, 2U, 6U, 8U, 10U}) CHECK_FALSE(ids.take(id));
  for (const std::uint64_t id : {4U, 9U, 3U, 7U, 5U}) {
    CHECK(ids.take(id));
    CHECK_FALSE(ids.take(id));
  }
}

TEST_CASE("however many follow one another, all are known, in whatever order they are taken", "[recent_ids]") {
  constexpr std::uint64_t count = 100'000;
  RecentIds ids;
  for (std::uint64_t id = 0; id < count; ++id) ids.add(id);
  std::uint64_t taken = 0;
  SECTION("in order") {
    for (std::uint64_t id = 0; id < count; ++id) taken += ids.take(id) ? 1 : 0;
  }
  SECTION("the other way round") {
    for (std::uint64_t id = count; id-- > 0;) taken += ids.take(id) ? 1 : 0;
  }
  SECTION("from both ends, the middle first") {
    CHECK(ids.take(count / 2));
    ++taken;
    for (std::uint64_t id = 0; id < count; ++id) taken += ids.take(id) ? 1 : 0;
  }
  CHECK(taken == count);
}

TEST_CASE("of ids that do not follow one another the last are known", "[recent_ids]") {
  RecentIds ids;
  for (std::uint64_t id = 0; id < 200; id += 2) ids.add(id);
  CHECK_FALSE(ids.take(0));
  for (std::uint64_t id = 200 - 2 * 32; id < 200; id += 2) CHECK(ids.take(id));
}

TEST_CASE("a run that is taken to pieces forgets its oldest", "[recent_ids]") {
  RecentIds ids;
  for (std::uint64_t id = 0; id < 200; ++id) ids.add(id);
  for (std::uint64_t id = 1; id < 200; id += 2) CHECK(ids.take(id));
  CHECK_FALSE(ids.take(0));
  CHECK(ids.take(198));
}

TEST_CASE("the largest id and the smallest do not follow one another", "[recent_ids]") {
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  RecentIds ids;
  ids.add(largest);
  ids.add(0);
  CHECK_FALSE(ids.take(1));
  CHECK_FALSE(ids.take(largest - 1));
  CHECK(ids.take(0));
  CHECK(ids.take(largest));
}
