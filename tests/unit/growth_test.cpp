#include <wsbench/growth.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "catch.hpp"

using wsbench::Growth;
using wsbench::growth_of;
using wsbench::GrowthFinding;
using wsbench::Reading;
using wsbench::rise_of;

namespace {

constexpr double mib = 1024 * 1024;
constexpr double level = 100 * mib;
constexpr double least = 256 * 1024;
constexpr double hour = 3'600;

// What varies about nothing: each value is like the one before, for so long a time.
class Noise {
 public:
  Noise(double deviation, double alike_s, double interval_s, unsigned seed)
      : deviation_(deviation), kept_(alike_s > 0 ? std::exp(-interval_s / alike_s) : 0), random_(seed) {
    value_ = draw(deviation);
  }
  double next() {
    value_ = kept_ * value_ + draw(deviation_ * std::sqrt(1 - kept_ * kept_));
    return value_;
  }

 private:
  // Of twelve shares of one the sum less six is all but normal, and the same everywhere.
  double draw(double deviation) {
    double sum = -6;
    for (int n = 0; n < 12; ++n) sum += static_cast<double>(random_()) / 4294967296.0;
    return sum * deviation;
  }

  double deviation_;
  double kept_;
  std::mt19937 random_;
  double value_{0};
};

struct Noisy {
  double deviation{0};
  double alike_s{0};
  unsigned seed{1};
};

// A reading each second, or `count` of them in all.
std::vector<Reading> readings(const std::function<double(double)>& course, Noisy noisy = {}, double length_s = hour, int count = 360) {
  Noise noise(noisy.deviation, noisy.alike_s, length_s / count, noisy.seed);
  std::vector<Reading> made;
  for (int n = 0; n < count; ++n) {
    const double at = (n + 0.5) * length_s / count;
    made.push_back({at, course(at) + noise.next()});
  }
  return made;
}

GrowthFinding judged(const std::vector<Reading>& made, double length_s = hour) {
  return growth_of(made, 0, length_s, least, 0.99);
}

}  // namespace

TEST_CASE("what grows all the time grows by its slope, and goes on", "[growth]") {
  for (const double noise : {0.0, 1 * mib}) {
    const GrowthFinding found = judged(readings([](double at) { return level + 5'000 * at; }, {noise, 36}));
    CAPTURE(noise);
    CHECK(found.growth == Growth::goes_on);
    CHECK(found.level > 0.9 * level);
    CHECK(found.level < 1.1 * level);
    REQUIRE(found.per_second);
    CHECK(found.per_second->estimate > 4'500);
    CHECK(found.per_second->estimate < 5'500);
    CHECK(found.per_second->low <= 5'000);
    CHECK(found.per_second->high >= 5'000 * (1 - 1e-9));
  }
}

TEST_CASE("what stays does not grow, nor what falls", "[growth]") {
  CHECK(judged(readings([](double) { return level; })).growth == Growth::none);
  CHECK(judged(readings([](double) { return 0.0; })).growth == Growth::none);
  CHECK(judged(readings([](double at) { return level - 5'000 * at; })).growth == Growth::none);
  CHECK(judged(readings([](double) { return level; }, {0.3 * mib, 36})).growth == Growth::none);
}

TEST_CASE("a cache that fills and stays is no growth, whatever it took", "[growth]") {
  const auto filling = [](double share_of_time) {
    return [=](double at) { return level + 50 * mib * (1 - std::exp(-at / (hour * share_of_time))); };
  };
  for (const double share : {0.02, 0.05, 0.1}) CHECK(judged(readings(filling(share))).growth == Growth::none);
  CHECK(judged(readings([](double at) { return level + 50 * mib * std::min(1.0, at / (0.3 * hour)); })).growth == Growth::none);
  SECTION("one that is still filling is told from a leak, and a longer run would say") {
    for (const double share : {0.2, 0.35, 0.5, 1.0}) {
      for (const double noise : {0.0, 0.3 * mib}) {
        CAPTURE(share, noise);
        const GrowthFinding found = judged(readings(filling(share), {noise, 36}));
        CHECK(found.growth == Growth::slows);
        CHECK(found.longer == 2);
      }
    }
  }
  SECTION("a leak behind one is a leak") {
    const auto both = [](double at) { return level + 5'000 * at + 50 * mib * (1 - std::exp(-at / 200)); };
    CHECK(judged(readings(both, {0.1 * mib, 36})).growth == Growth::goes_on);
  }
}

TEST_CASE("a heap that is collected now and then does not leak", "[growth]") {
  const auto heap = [](double period_s, double begins_at = 0) {
    return [=](double at) { return level + 40 * mib * std::fmod(at / period_s + begins_at, 1); };
  };
  CHECK(judged(readings(heap(11), {}, hour, 3'600)).growth == Growth::none);
  // Unless it is collected but once, in the first moments: then nobody could know.
  for (const double period : {0.02, 0.06, 0.1, 0.25, 0.34, 0.5, 0.6, 0.8}) {
    for (const double begins_at : {0.0, 0.3, 0.7, 0.8}) {
      CAPTURE(period, begins_at);
      CHECK(judged(readings(heap(period * hour, begins_at), {0.1 * mib, 36})).growth != Growth::goes_on);
    }
  }
  SECTION("unless it leaks too") {
    for (const double period : {0.003, 0.02, 0.06, 0.1}) {
      const auto course = heap(period * hour);
      CAPTURE(period);
      CHECK(judged(readings([&](double at) { return course(at) + 20'000 * at; }, {0.1 * mib, 36})).growth == Growth::goes_on);
    }
  }
}

TEST_CASE("a step is no leak, and many of them are", "[growth]") {
  const auto step = [](double share) { return [=](double at) { return level + (at > share * hour ? 30 * mib : 0); }; };
  CHECK(judged(readings(step(0.3))).growth == Growth::none);
  for (const double share : {0.5, 0.6, 0.75, 0.9}) CHECK(judged(readings(step(share))).growth != Growth::goes_on);
  CHECK(judged(readings([](double at) { return level + 4 * mib * std::floor(at / 120); })).growth == Growth::goes_on);
}

TEST_CASE("too few readings say nothing, and a longer run might", "[growth]") {
  for (const int count : {0, 1, 4, 7}) {
    CAPTURE(count);
    const GrowthFinding found = growth_of(readings([](double at) { return level + 5'000 * at; }, {}, 10, count), 0, 10, least, 0.99);
    CHECK(found.growth == Growth::unclear);
    CHECK_FALSE(found.per_second);
    CHECK(found.longer == 2);
  }
  CHECK(growth_of(readings([](double at) { return level + mib * at; }, {}, 8, 8), 0, 8, least, 0.99).growth == Growth::goes_on);
  CHECK(growth_of(readings([](double) { return level; }, {}, 8, 8), 0, 8, least, 0.99).growth == Growth::none);
}

TEST_CASE("readings outside of the time, and gaps in it, make no difference", "[growth]") {
  std::vector<Reading> made;
  for (const Reading& reading : readings([](double at) { return level + 5'000 * at; }, {}, 2 * hour, 720)) {
    const bool gap = reading.at_s > 1'000 && reading.at_s < 1'600;
    const bool outside = reading.at_s > hour;
    if (!gap) made.push_back({reading.at_s, outside ? 0 : reading.value});
  }
  const GrowthFinding found = judged(made);
  CHECK(found.growth == Growth::goes_on);
  CHECK(std::abs(found.per_second->estimate - 5'000) < 1);
}

TEST_CASE("how much longer a run has to be follows from what it was not sure of", "[growth]") {
  // The same noise, and a leak: told from none where the run is as long as was said.
  const auto course = [](double at) { return level + 1'500 * at; };
  const GrowthFinding found = judged(readings(course, {3 * mib, 10, 3}));
  REQUIRE(found.growth != Growth::goes_on);
  REQUIRE(found.longer);
  CHECK(*found.longer >= 1.5);
  CHECK(*found.longer < 20);
  const double longer = *found.longer * 2 * hour;
  CHECK(growth_of(readings(course, {3 * mib, 10, 4}, longer, static_cast<int>(longer / 10)), 0, longer, least, 0.99).growth ==
        Growth::goes_on);
}

TEST_CASE("of 500 series that only vary, however alike neighbours are, hardly any is called growth", "[growth][exhaustive]") {
  std::map<double, int> alarms;
  int rises = 0;
  unsigned seed = 0;
  for (const double alike : {0.0, 0.01, 0.02, 0.05, 0.1}) {
    for (int n = 0; n < 100; ++n) {
      const std::vector<Reading> made = readings([](double) { return level; }, {20 * mib, alike * hour, ++seed}, hour, 180);
      alarms[alike] += judged(made).growth == Growth::goes_on ? 1 : 0;
      const bool looked_at = alike >= 0.05 && n < 60;
      if (looked_at) rises += rise_of(made, 0, hour, 0.02 * level, 0.99).growth == Growth::goes_on ? 1 : 0;
    }
  }
  int all = 0;
  for (const auto& [alike, count] : alarms) all += count;
  CAPTURE(alarms, rises);
  // Asked for were 99 % of the slopes, half of whose rest falls; a leak has to keep its pace besides. If neighbours were taken to be
  // independent, 14 of 120 would rise.
  CHECK(all <= 3);
  CHECK(rises <= 6);
}

TEST_CASE("a rise counts from its start to its end", "[growth]") {
  const auto judge = [](const std::vector<Reading>& made) { return rise_of(made, 0, hour, 0.001, 0.99).growth; };
  CHECK(judge(readings([](double at) { return 0.010 + 0.000'001 * at; })) == Growth::goes_on);
  CHECK(judge(readings([](double at) { return at > 0.5 * hour ? 0.015 : 0.010; })) == Growth::unclear);
  CHECK(judge(readings([](double at) { return at > 0.5 * hour ? 0.010 : 0.015; })) == Growth::none);
  CHECK(judge(readings([](double at) { return 0.010 + 0.000'000'1 * at; })) == Growth::none);
  CHECK(judge(readings([](double) { return 0.010; }, {0.02, 10})) == Growth::unclear);
  CHECK(judge({}) == Growth::unclear);
}
