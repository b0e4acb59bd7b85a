#include <chrono>

#include <wsbench/net/receive_stamp.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::detail::Arrival;
using wsbench::detail::arrival_of;
using wsbench::detail::Stamp;

namespace {

// Read at 10 s of the loop's clock from a socket that was empty at 9 s; the wall clock says 1'000 s unless it was set.
Arrival read_with(nanoseconds stamp, nanoseconds wall = 1'000s) {
  return arrival_of({.stamp = stamp, .wall = wall, .now = 10s, .empty = 9s});
}

void check_ends_at_the_read(const Arrival& arrival, Stamp stamp) {
  CHECK((arrival.stamp == stamp));
  CHECK((arrival.at == 10s));
  CHECK((arrival.read == 10s));
}

}  // namespace

TEST_CASE("a stamp from after the socket was empty is the arrival", "[receive_stamp]") {
  const Arrival arrival = read_with(1'000s - 1ms);
  CHECK((arrival.stamp == Stamp::believed));
  CHECK((arrival.at == 10s - 1ms));
  CHECK((arrival.read == 10s));
}

TEST_CASE("what is just possible is believed", "[receive_stamp]") {
  CHECK((read_with(1'000s).stamp == Stamp::believed));
  CHECK((read_with(1'000s).at == 10s));
  CHECK((read_with(999s).stamp == Stamp::believed));
  CHECK((read_with(999s).at == 9s));
}

TEST_CASE("a stamp from the future is not believed", "[receive_stamp]") {
  check_ends_at_the_read(read_with(1'000s + 1ns), Stamp::unbelieved);
}

TEST_CASE("a stamp older than the empty socket is not believed", "[receive_stamp]") {
  check_ends_at_the_read(read_with(999s - 1ns), Stamp::unbelieved);
}

TEST_CASE("a wall clock that was set since is not believed", "[receive_stamp]") {
  const nanoseconds stamp = 1'000s - 1ms;
  check_ends_at_the_read(read_with(stamp, 1'000s + 1h), Stamp::unbelieved);
  check_ends_at_the_read(read_with(stamp, 1'000s - 30min), Stamp::unbelieved);
}

TEST_CASE("a read without a stamp ends when it was read", "[receive_stamp]") {
  check_ends_at_the_read(read_with(0s), Stamp::none);
  check_ends_at_the_read(read_with(0s, 500ms), Stamp::none);
}
