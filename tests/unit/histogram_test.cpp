#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/histogram.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Error;
using wsbench::Evidence;
using wsbench::Histogram;

namespace {

using Random = std::mt19937_64;
using Samples = std::vector<std::int64_t>;

constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

struct Distribution {
  std::string name{};
  std::function<std::int64_t(Random&)> draw{};
};

std::int64_t whole(double value) {
  return value < 9.2e18 ? static_cast<std::int64_t>(value) : int64_max;
}

const std::vector<Distribution>& distributions() {
  static const std::vector<Distribution> all{
      {"constant", [](Random&) { return std::int64_t{45'230'017}; }},
      {"below the first doubling", [](Random& random) { return static_cast<std::int64_t>(random() % 2'048); }},
      {"around the first doubling", [](Random& random) { return static_cast<std::int64_t>(2'000 + random() % 100); }},
      {"uniform to an hour", [](Random& random) { return static_cast<std::int64_t>(random() % 3'600'000'000'000); }},
      {"exponential, mean 20 ms", [](Random& random) { return whole(std::exponential_distribution<double>{1.0 / 2e7}(random)); }},
      {"log-normal around 50 us",
       [](Random& random) {
         return whole(std::lognormal_distribution<double>{std::log(5e4), 1.5}(random));
       }},
      {"a stall in one of fifty",
       [](Random& random) { return static_cast<std::int64_t>((random() % 50 == 0 ? 2'000'000'000 : 80'000) + random() % 9'000); }},
      {"one over uniform", [](Random& random) { return whole(1e5 / (std::uniform_real_distribution<double>{}(random) + 1e-12)); }},
      {"every magnitude there is", [](Random& random) { return static_cast<std::int64_t>(random() >> (1 + random() % 63)); }},
      {"powers of two and their neighbours",
       [](Random& random) { return static_cast<std::int64_t>((std::uint64_t{1} << (2 + random() % 61)) + random() % 3 - 1); }},
  };
  return all;
}

Samples draw(const Distribution& distribution, std::size_t count, Random& random) {
  Samples samples(count);
  std::generate(samples.begin(), samples.end(), [&] { return distribution.draw(random); });
  return samples;
}

Histogram histogram_of(const Samples& samples) {
  Histogram histogram;
  for (const std::int64_t sample : samples) histogram.record(nanoseconds{sample});
  return histogram;
}

Histogram merged(Histogram into, const Histogram& from) {
  into.merge(from);
  return into;
}

wsbench::detail::uint128 wide(Histogram::Sum sum) {
  return (wsbench::detail::uint128{sum.high} << 64) + sum.low;
}

// The message of the Error that restoring throws; empty if it throws none.
std::string refusal(const Histogram::Content& content) {
  try {
    (void)Histogram::restore(content);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("percentiles agree with the sorted samples", "[histogram][exhaustive]") {
  constexpr std::uint64_t thousand = 1'000;
  for (const Distribution& distribution : distributions()) {
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{10}, std::size_t{999}, std::size_t{1'000}, std::size_t{20'011}}) {
      Random random{count};
      Samples samples = draw(distribution, count, random);
      const Histogram histogram = histogram_of(samples);
      std::sort(samples.begin(), samples.end());
      INFO(distribution.name << ", " << count << " samples");
      std::int64_t before = samples.front();
      for (std::uint64_t share = 0; share <= thousand; share += count > thousand ? 7 : 1) {
        // The rank in whole numbers: the histogram's own, from the same share as a double, must come to the same.
        const std::uint64_t rank = (share * count + thousand - 1) / thousand;
        const auto percentile = histogram.percentile(static_cast<double>(share) / thousand);
        if (percentile.has_value() != (share == 0 || share == thousand || rank < count)) FAIL("share " << share << "/1000");
        if (!percentile) continue;
        const std::int64_t exact = samples[rank == 0 ? 0 : rank - 1];
        const bool close = percentile->count() >= exact && percentile->count() - exact <= exact / 1'000;
        if (!close || percentile->count() > samples.back() || percentile->count() < before)
          FAIL("share " << share << "/1000: " << percentile->count());
        before = percentile->count();
      }
      CHECK(histogram.percentile(0) == nanoseconds{samples.front()});
      CHECK(histogram.percentile(1) == nanoseconds{samples.back()});
    }
  }
}

TEST_CASE("count, sum, mean, minimum and maximum are exact", "[histogram]") {
  for (const Distribution& distribution : distributions()) {
    INFO(distribution.name);
    Random random{7};
    const Samples samples = draw(distribution, 10'007, random);
    const Histogram histogram = histogram_of(samples);
    wsbench::detail::uint128 sum = 0;
    for (const std::int64_t sample : samples) sum += static_cast<std::uint64_t>(sample);
    CHECK(histogram.count() == samples.size());
    CHECK((wide(histogram.sum()) == sum));
    CHECK(histogram.mean() == nanoseconds{static_cast<std::int64_t>((sum + samples.size() / 2) / samples.size())});
    CHECK(histogram.min() == nanoseconds{*std::min_element(samples.begin(), samples.end())});
    CHECK(histogram.max() == nanoseconds{*std::max_element(samples.begin(), samples.end())});
  }
}

TEST_CASE("the mean is the exact one where that of the counters would be off", "[histogram]") {
  // 1,048,577 ns shares a counter with all up to 1,049,599 ns.
  CHECK(histogram_of({1'048'577, 1'048'577}).mean() == 1'048'577ns);
  CHECK(histogram_of({1, 2}).mean() == 2ns);
  CHECK(histogram_of({1, 1, 2}).mean() == 1ns);
  CHECK(histogram_of({int64_max, int64_max, int64_max}).mean() == nanoseconds::max());
}

TEST_CASE("a histogram without samples has no figures", "[histogram]") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.negative() == 0);
  CHECK(empty.sum() == Histogram::Sum{});
  CHECK(empty.min() == std::nullopt);
  CHECK(empty.max() == std::nullopt);
  CHECK(empty.mean() == std::nullopt);
  CHECK(empty.bins().empty());
  CHECK(empty.capacity_bytes() == 0);
  for (const double share : {0.0, 0.5, 0.99, 1.0}) {
    CHECK(empty.percentile(share) == std::nullopt);
    CHECK(empty.samples_beyond(share) == 0);
    CHECK(empty.evidence(share) == Evidence::none);
  }
}

TEST_CASE("nothing is clamped, from nothing to the longest there is", "[histogram]") {
  for (const nanoseconds value : {0ns, 1ns, 2'047ns, 2'048ns, nanoseconds{1h}, nanoseconds{1h} + 1ns, nanoseconds{24h},
                                  nanoseconds::max() - 1ns, nanoseconds::max()}) {
    INFO(value.count());
    Histogram histogram;
    histogram.record(value);
    histogram.record(value);
    CHECK(histogram.count() == 2);
    CHECK(histogram.min() == value);
    CHECK(histogram.max() == value);
    CHECK(histogram.mean() == value);
    CHECK(histogram.percentile(0.5) == value);
    CHECK(histogram.percentile(1) == value);
    CHECK(histogram.bins().size() == 1);
  }
  Histogram wide_apart = histogram_of({0, int64_max});
  CHECK(wide_apart.min() == 0ns);
  CHECK(wide_apart.max() == nanoseconds::max());
  CHECK(wide_apart.percentile(0.5) == 0ns);
  wide_apart.record(nanoseconds::max(), 4);
  CHECK(wide_apart.sum() == Histogram::Sum{.high = 2, .low = 0x7fff'ffff'ffff'fffb});
}

TEST_CASE("negative durations are counted apart and change no other figure", "[histogram]") {
  Histogram histogram = histogram_of({5, 10});
  histogram.record(-1ns);
  histogram.record(nanoseconds::min(), 3);
  CHECK(histogram.negative() == 4);
  CHECK(histogram.count() == 2);
  CHECK(histogram.min() == 5ns);
  CHECK(histogram.mean() == 8ns);
  CHECK(histogram.sum() == Histogram::Sum{0, 15});

  Histogram only_negative;
  only_negative.record(-1ns);
  CHECK(only_negative.count() == 0);
  CHECK(only_negative.min() == std::nullopt);
  CHECK_FALSE(only_negative == Histogram{});
}

TEST_CASE("a percentile needs a sample beyond it", "[histogram]") {
  struct Row {
    std::uint64_t count{};
    double share{};
    std::uint64_t beyond{};
    Evidence evidence{};
  };
  const std::vector<Row> rows{
      {1, 0.5, 0, Evidence::none},
      {2, 0.5, 1, Evidence::few},
      {3, 0.5, 1, Evidence::few},
      {19, 0.5, 9, Evidence::few},
      {20, 0.5, 10, Evidence::enough},
      {9, 0.9, 0, Evidence::none},
      {10, 0.9, 1, Evidence::few},
      {99, 0.9, 9, Evidence::few},
      {100, 0.9, 10, Evidence::enough},
      {99, 0.99, 0, Evidence::none},
      {100, 0.99, 1, Evidence::few},
      {999, 0.99, 9, Evidence::few},
      {1'000, 0.99, 10, Evidence::enough},
      {999, 0.999, 0, Evidence::none},
      {1'000, 0.999, 1, Evidence::few},
      {9'999, 0.999, 9, Evidence::few},
      {10'000, 0.999, 10, Evidence::enough},
      {1, 0, 1, Evidence::enough},
      {1, 1, 0, Evidence::enough},
      {100, 0.07, 93, Evidence::enough},
      {1'000'000'000'000, 0.999, 1'000'000'000, Evidence::enough},
  };
  for (const Row& row : rows) {
    INFO(row.count << " samples, share " << row.share);
    Histogram histogram;
    histogram.record(1ms, row.count);
    CHECK(histogram.samples_beyond(row.share) == row.beyond);
    CHECK(histogram.evidence(row.share) == row.evidence);
    CHECK(histogram.percentile(row.share).has_value() == (row.evidence != Evidence::none));
  }
}

TEST_CASE("a share outside 0 to 1 is refused", "[histogram]") {
  const Histogram histogram = histogram_of({1, 2, 3});
  for (const double share : {-0.01, 1.01, 99.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(histogram.percentile(share), Error);
    CHECK_THROWS_AS(histogram.samples_beyond(share), Error);
    CHECK_THROWS_AS(histogram.evidence(share), Error);
  }
}

TEST_CASE("recording a count is recording that often", "[histogram]") {
  Random random{11};
  Histogram at_once;
  Histogram one_by_one;
  for (int round = 0; round < 500; ++round) {
    const nanoseconds value{static_cast<std::int64_t>(random() >> (1 + random() % 63)) * (random() % 8 == 0 ? -1 : 1)};
    const std::uint64_t count = random() % 20;
    at_once.record(value, count);
    for (std::uint64_t time = 0; time < count; ++time) one_by_one.record(value);
  }
  CHECK(at_once == one_by_one);
  CHECK(at_once.content() == one_by_one.content());
}

TEST_CASE("recording a count of none records nothing", "[histogram]") {
  Histogram histogram = histogram_of({10, 20});
  const Histogram before = histogram;
  for (const nanoseconds value : {nanoseconds{1}, nanoseconds{1h}, nanoseconds::max(), -1ns}) histogram.record(value, 0);
  CHECK(histogram == before);
  CHECK(histogram.content() == before.content());
}

TEST_CASE("merging is recording everything in one, in any order", "[histogram][exhaustive]") {
  Random random{13};
  for (const Distribution& first : distributions()) {
    for (const Distribution& second : distributions()) {
      INFO(first.name << " and " << second.name);
      const Samples one = draw(first, random() % 300, random);
      const Samples two = draw(second, random() % 300, random);
      const Samples three = draw(first, random() % 3, random);
      Samples everything = one;
      everything.insert(everything.end(), two.begin(), two.end());
      everything.insert(everything.end(), three.begin(), three.end());
      const Histogram a = histogram_of(one);
      const Histogram b = histogram_of(two);
      const Histogram c = histogram_of(three);
      const Histogram expected = histogram_of(everything);
      CHECK(merged(a, b) == merged(b, a));
      CHECK(merged(merged(a, b), c) == expected);
      CHECK(merged(a, merged(b, c)) == expected);
      CHECK(merged(c, merged(b, a)).content() == expected.content());
      CHECK(merged(a, {}) == a);
      CHECK(merged({}, a) == a);
    }
  }
}

TEST_CASE("merging adds what was negative, and doubles with itself", "[histogram]") {
  Histogram one = histogram_of({1, 5'000'000});
  one.record(-1ns, 2);
  Histogram two = histogram_of({7});
  two.record(-1ns);
  CHECK(merged(one, two).negative() == 3);

  one.merge(one);
  CHECK(one.count() == 4);
  CHECK(one.negative() == 4);
  CHECK(one.sum() == Histogram::Sum{0, 10'000'002});
}

TEST_CASE("histograms are equal by what they hold, not by how they came about", "[histogram]") {
  Histogram roomy = histogram_of({int64_max});
  roomy.clear();
  CHECK(roomy == Histogram{});
  roomy.record(5ns);
  CHECK(roomy == histogram_of({5}));
  CHECK(histogram_of({5}) == roomy);
  CHECK_FALSE(roomy == histogram_of({6}));
  CHECK_FALSE(roomy == histogram_of({5, 5}));
  // The same counters, count, minimum and maximum: only the sum tells these apart.
  const std::int64_t million = 1'048'576;
  CHECK_FALSE(histogram_of({million, million + 1, million + 9}) == histogram_of({million, million + 2, million + 9}));
}

TEST_CASE("cleared, it is as new but keeps its memory", "[histogram]") {
  Histogram histogram = histogram_of({1, 1'000, 1'000'000'000});
  histogram.record(-1ns);
  const std::size_t capacity = histogram.capacity_bytes();
  histogram.clear();
  CHECK(histogram.content() == Histogram{}.content());
  CHECK(histogram.max() == std::nullopt);
  CHECK(histogram.capacity_bytes() == capacity);
  histogram.record(3ns);
  CHECK(histogram.min() == 3ns);
  CHECK(histogram.max() == 3ns);
}

TEST_CASE("its memory is what its documentation says, and stays", "[histogram]") {
  const auto kib_for = [](nanoseconds value) {
    Histogram histogram;
    histogram.record(value);
    return histogram.capacity_bytes() / 1'024;
  };
  CHECK(kib_for(10ms) == 120);
  CHECK(kib_for(1s) == 168);
  CHECK(kib_for(nanoseconds::max()) == 432);

  Histogram histogram = histogram_of({1'000'000'000});
  const std::size_t capacity = histogram.capacity_bytes();
  Random random{17};
  for (int round = 0; round < 10'000; ++round) histogram.record(nanoseconds{static_cast<std::int64_t>(random() % 1'000'000'000)});
  CHECK(histogram.capacity_bytes() == capacity);
}

TEST_CASE("bins ascend, hold all samples, and are as fine as a thousandth", "[histogram]") {
  for (const Distribution& distribution : distributions()) {
    INFO(distribution.name);
    Random random{19};
    Samples samples = draw(distribution, 5'000, random);
    std::sort(samples.begin(), samples.end());
    const std::vector<Histogram::Bin> bins = histogram_of(samples).bins();
    // Every sample lies between its bin's value and a thousandth above: with that in ascending order each is in the right bin.
    std::size_t next = 0;
    std::int64_t before = -1;
    for (const Histogram::Bin& bin : bins) {
      REQUIRE(bin.value > before);
      REQUIRE(bin.count > 0);
      REQUIRE(bin.count <= samples.size() - next);
      before = bin.value;
      REQUIRE(samples[next] >= bin.value);
      next += bin.count;
      REQUIRE(samples[next - 1] - bin.value <= bin.value / 1'000);
    }
    CHECK(next == samples.size());
  }
}

TEST_CASE("content restored is the same histogram", "[histogram]") {
  CHECK(Histogram::restore({}) == Histogram{});
  Histogram negative_alone;
  negative_alone.record(-1ns, 5);
  CHECK(Histogram::restore(negative_alone.content()) == negative_alone);
  for (const Distribution& distribution : distributions()) {
    INFO(distribution.name);
    Random random{23};
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{3'000}}) {
      Histogram histogram = histogram_of(draw(distribution, count, random));
      histogram.record(-5ns, 2);
      Histogram restored = Histogram::restore(histogram.content());
      CHECK(restored == histogram);
      CHECK(restored.content() == histogram.content());
      CHECK(restored.mean() == histogram.mean());
      CHECK(restored.percentile(0.99) == histogram.percentile(0.99));
      restored.record(1ms);
      histogram.record(1ms);
      CHECK(restored == histogram);
    }
  }
}

TEST_CASE("content that contradicts itself is refused", "[histogram]") {
  // Bins a thousand and a million nanoseconds up: the second one counts 1,000,000 to 1,000,959 - less than a thousandth wide.
  const Histogram::Content sound = histogram_of({1'000, 1'000'100, 1'000'200}).content();
  REQUIRE(sound.bins.size() == 2);
  REQUIRE(refusal(sound) == "");
  const auto damaged = [&sound](const std::function<void(Histogram::Content&)>& damage) {
    Histogram::Content content = sound;
    damage(content);
    return refusal(content);
  };
  const auto speaks_of = [](const std::string& line, const std::string& part) {
    return line.starts_with("histogram: ") && line.find(part) != line.npos && line.find('\n') == line.npos;
  };
  CHECK(speaks_of(damaged([](auto& content) { content.bins[0].value = -1; }), "bins"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins[1].count = std::numeric_limits<std::uint64_t>::max(); }), "more samples"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins[1].count += 1; }), "sum"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins.pop_back(); }), "maximum"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins.clear(); }), "without samples"));
  CHECK(speaks_of(damaged([](auto& content) { content.sum.low = 0; }), "sum"));
  CHECK(speaks_of(damaged([](auto& content) { content.sum.low += 10'000; }), "sum"));
  CHECK(speaks_of(damaged([](auto& content) { content.sum.high = 1; }), "sum"));
  CHECK(speaks_of(damaged([](auto& content) { content.min = 0ns; }), "minimum"));
  CHECK(speaks_of(damaged([](auto& content) { content.min = -1ns; }), "minimum"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins.push_back({2'000, 1}); }), "ascending"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins.push_back({4'000'001, 1}); }), "layout"));
  CHECK(speaks_of(damaged([](auto& content) { content.bins.push_back({int64_max, 0}); }), "filled"));
  CHECK(speaks_of(damaged([](auto& content) { content.min = 1'000'100ns; }), "minimum"));
  CHECK(speaks_of(damaged([](auto& content) { content.max = 1s; }), "maximum"));
  CHECK(speaks_of(damaged([](auto& content) { content.max = 1'000ns; }), "maximum"));
  CHECK(speaks_of(damaged([](auto& content) { content.max = nanoseconds::min(); }), "maximum"));

  CHECK(refusal({.bins = {}, .sum = {}, .min = 0ns, .max = 5ns, .negative = 0}) != "");
  CHECK(refusal({.bins = {{1'000'001, 1}}, .sum = {0, 1'000'001}, .min = 1'000'001ns, .max = 1'000'001ns, .negative = 0}) != "");
  CHECK(refusal({.bins = {{5, 1}, {5, 1}}, .sum = {0, 10}, .min = 5ns, .max = 5ns, .negative = 0}) != "");
  CHECK(refusal({.bins = {{6, 1}, {5, 1}}, .sum = {0, 11}, .min = 5ns, .max = 6ns, .negative = 0}) != "");
  CHECK(refusal({.bins = {{5, 1}, {7, 0}}, .sum = {0, 5}, .min = 5ns, .max = 5ns, .negative = 0}) != "");
  // One sample is its own minimum, maximum and sum.
  const std::int64_t lowest = histogram_of({1'000'100}).bins().front().value;
  CHECK(refusal({.bins = {{lowest, 1}}, .sum = {0, 1'000'100}, .min = nanoseconds{lowest}, .max = nanoseconds{lowest}, .negative = 0}) !=
        "");
}

TEST_CASE("damaged content is refused or makes a histogram with that content", "[histogram]") {
  Random random{29};
  const auto any = [&random] { return static_cast<std::int64_t>(random() >> (random() % 64)); };
  for (int round = 0; round < 5'000; ++round) {
    Histogram::Content content;
    for (std::uint64_t bins = random() % 3; bins > 0; --bins) {
      content.bins.push_back({any(), random() % 4 == 0 ? random() : random() % 3});
    }
    if (random() % 2 == 0)
      std::sort(content.bins.begin(), content.bins.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    wsbench::detail::uint128 sum = 0;
    for (const auto& bin : content.bins) sum += wsbench::detail::uint128{static_cast<std::uint64_t>(bin.value)} * bin.count;
    content.sum = {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum) + random() % 2};
    if (!content.bins.empty()) content.min = nanoseconds{content.bins.front().value};
    if (!content.bins.empty()) content.max = nanoseconds{random() % 2 == 0 ? content.bins.back().value : any()};
    content.negative = random() % 3;
    try {
      const Histogram restored = Histogram::restore(content);
      if (!(restored.content() == content)) FAIL("restored something else than was saved, in round " << round);
      const auto min = restored.min().value_or(0ns);
      const auto mean = restored.mean().value_or(0ns);
      if (mean < min || mean > restored.max().value_or(0ns)) FAIL("a mean outside minimum and maximum, in round " << round);
    } catch (const Error&) {
    }
  }
}
