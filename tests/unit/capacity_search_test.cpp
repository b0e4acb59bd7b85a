// A search for a capacity, against servers that are a function.

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <wsbench/capacity_search.hpp>

#include "catch.hpp"

using wsbench::CapacityInterval;
using wsbench::CapacitySearch;
using wsbench::SearchLimits;
using wsbench::SearchStep;
using wsbench::StepOutcome;

namespace {

using Server = std::function<StepOutcome(double load)>;

Server with_capacity(double capacity) {
  return [capacity](double load) { return load <= capacity ? StepOutcome::held : StepOutcome::missed; };
}

CapacitySearch searched(const SearchLimits& limits, const Server& server) {
  CapacitySearch search(limits);
  while (const std::optional<double> load = search.next()) search.add({*load, server(*load)});
  return search;
}

std::vector<double> loads_of(const CapacitySearch& search) {
  std::vector<double> loads;
  for (const SearchStep& step : search.steps()) loads.push_back(step.load);
  return loads;
}

}  // namespace

TEST_CASE("a search grows, brackets, bisects, and confirms both ends", "[capacity]") {
  const CapacitySearch search = searched({}, with_capacity(100));
  CHECK(loads_of(search) == std::vector<double>{10, 20, 40, 80, 160, 113, 95, 104, 99, 101, 99, 99, 101});
  const CapacityInterval found = search.interval();
  CHECK(found.at_least == 99);
  CHECK(found.below == 101);
  CHECK(found.confirmed);
  CHECK_FALSE(found.contradictory);
  CHECK_FALSE(found.generator_limit);
}

TEST_CASE("any capacity is bracketed as closely as was asked", "[capacity]") {
  for (double capacity = 1; capacity < 20'000; capacity *= 1.037) {
    CAPTURE(capacity);
    const CapacitySearch search = searched({}, with_capacity(capacity));
    const CapacityInterval found = search.interval();
    REQUIRE(found.at_least);
    REQUIRE(found.below);
    CHECK(*found.at_least <= capacity);
    CHECK(*found.below > capacity);
    CHECK((*found.below <= *found.at_least * 1.05 || *found.below == *found.at_least + 1));
    CHECK(found.confirmed);
    if (capacity >= 10 && capacity < 1280) CHECK(search.steps().size() <= 16);
  }
}

TEST_CASE("rates need not be whole", "[capacity]") {
  const CapacityInterval found = searched({.from = 1, .whole = false, .precision = 0.01}, with_capacity(3.3)).interval();
  CHECK(found.at_least.value() <= 3.3);
  CHECK(found.below.value() > 3.3);
  CHECK(found.below.value() / found.at_least.value() <= 1.01);
}

TEST_CASE("a server that holds nothing has a capacity below the least load", "[capacity]") {
  const CapacityInterval found = searched({}, with_capacity(0)).interval();
  CHECK_FALSE(found.at_least);
  CHECK(found.below == 1);
}

TEST_CASE("a server that holds all that may be asked has no upper end", "[capacity]") {
  const CapacitySearch search = searched({.to = 300}, with_capacity(1e9));
  const CapacityInterval found = search.interval();
  CHECK(found.at_least == 300);
  CHECK_FALSE(found.below);
  CHECK(found.confirmed);
  CHECK(loads_of(search) == std::vector<double>{10, 20, 40, 80, 160, 300, 300, 300});
}

TEST_CASE("the generator's limit is not taken for the server's", "[capacity]") {
  const auto limited_above = [](double limit, const Server& server) -> Server {
    return [=](double load) { return load > limit ? StepOutcome::generator_limited : server(load); };
  };
  SECTION("it is lower than the capacity") {
    const CapacityInterval found = searched({}, limited_above(500, with_capacity(1e9))).interval();
    CHECK(found.at_least.value() > 450);
    CHECK(found.at_least.value() <= 500);
    CHECK_FALSE(found.below);
    CHECK(found.generator_limit.value() > 500);
    CHECK(found.generator_limit.value() <= 525);
    CHECK(found.confirmed);
  }
  SECTION("it is higher") {
    const CapacityInterval found = searched({}, limited_above(500, with_capacity(400))).interval();
    CHECK(found.at_least.value() <= 400);
    CHECK(found.below.value() > 400);
    CHECK(found.below.value() <= 420);
    CHECK_FALSE(found.generator_limit);
  }
  SECTION("it was one unlucky step") {
    bool unlucky = true;
    const CapacityInterval found = searched({}, [&](double load) {
                                     if (load == 40 && std::exchange(unlucky, false)) return StepOutcome::generator_limited;
                                     return with_capacity(100)(load);
                                   }).interval();
    CHECK(found.at_least == 99);
    CHECK(found.below == 101);
    CHECK_FALSE(found.generator_limit);
  }
  SECTION("it can bring nothing") {
    const CapacityInterval found = searched({}, limited_above(0, with_capacity(400))).interval();
    CHECK_FALSE(found.at_least);
    CHECK_FALSE(found.below);
    CHECK(found.generator_limit == 1);
  }
}

TEST_CASE("one unlucky step below the capacity is tried again", "[capacity]") {
  bool unlucky = true;
  const CapacityInterval found = searched({}, [&](double load) {
                                   if (load == 40 && std::exchange(unlucky, false)) return StepOutcome::missed;
                                   return with_capacity(100)(load);
                                 }).interval();
  // 40 was the upper end until it had to be confirmed.
  CHECK(found.at_least.value() <= 100);
  CHECK(found.at_least.value() >= 95);
  CHECK(found.below.value() > 100);
}

TEST_CASE("where loads hold and miss by turns, the interval widens", "[capacity]") {
  const auto width = [](double noise, std::uint64_t most_outside) {
    double mean = 0;
    std::uint64_t outside = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      std::mt19937_64 random(seed);
      std::uniform_real_distribution<double> uniform(0, 1);
      const double capacity = 100 * std::exp(3 * uniform(random));
      const CapacityInterval found = searched({}, [&](double load) {
                                       const double holds = 1 / (1 + std::exp((load - capacity) / (noise * capacity)));
                                       return uniform(random) < holds ? StepOutcome::held : StepOutcome::missed;
                                     }).interval();
      if (found.at_least && found.below) mean += *found.below / *found.at_least / 300;
      const bool within = (!found.at_least || *found.at_least <= 1.05 * capacity) && (!found.below || *found.below >= 0.95 * capacity);
      outside += within ? 0 : 1;
    }
    CAPTURE(noise, mean, outside);
    CHECK(outside <= most_outside);
    return mean;
  };
  CHECK(width(0.001, 0) < 1.06);
  CHECK(width(0.02, 3) > 1.08);
  CHECK(width(0.05, 24) > 1.12);
}

TEST_CASE("a search that begins with a good guess goes away from it ever faster", "[capacity]") {
  const SearchLimits guess{.from = 1000, .growth = 1.1};
  CHECK(loads_of(searched(guess, with_capacity(1020))) == std::vector<double>{1000, 1100, 1049, 1000, 1000, 1049});
  CHECK(loads_of(searched(guess, with_capacity(970))) == std::vector<double>{1000, 909, 953, 953, 953, 1000});
  // A bad guess costs no more than no guess.
  for (const double capacity : {30.0, 300.0, 5000.0, 40'000.0}) {
    CAPTURE(capacity);
    const CapacitySearch search = searched(guess, with_capacity(capacity));
    CHECK(search.interval().at_least.value() <= capacity);
    CHECK(search.interval().below.value() > capacity);
    CHECK(search.steps().size() <= 17);
  }
}

TEST_CASE("a search ends after so many steps with what it knows", "[capacity]") {
  const CapacitySearch search = searched({.most_steps = 6}, with_capacity(100));
  CHECK(search.steps().size() == 6);
  CHECK(search.interval().at_least == 80);
  CHECK(search.interval().below == 113);
  CHECK_FALSE(search.interval().confirmed);
}
