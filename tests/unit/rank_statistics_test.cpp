#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include <wsbench/random.hpp>
#include <wsbench/rank_statistics.hpp>

#include "catch.hpp"

using wsbench::RankEstimate;
using wsbench::shift_between;
using wsbench::slope_of;

namespace {

// How many values of a test's distribution are left out at either end, at 95 %; one more than the critical value that tables have.
std::size_t left_out(const std::vector<double>& distribution, double tail) {
  return wsbench::detail::values_to_leave_out(distribution, distribution.size() - 1, 0, 1, tail);
}

double sum(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

}  // namespace

TEST_CASE("the critical values of Mann and Whitney's test are those of the tables", "[rank_statistics]") {
  struct Row {
    std::size_t first;
    std::size_t second;
    std::size_t at_5_percent;  // two-sided
    std::size_t at_1_percent;
  };
  // The largest U that is significant, as any table of the test has it.
  for (const Row& row : {Row{5, 5, 2, 0}, Row{6, 6, 5, 2}, Row{7, 7, 8, 4}, Row{8, 8, 13, 7}, Row{5, 8, 6, 2}, Row{8, 5, 6, 2},
                         Row{9, 9, 17, 11}, Row{10, 10, 23, 16}, Row{12, 12, 37, 27}, Row{15, 15, 64, 51}, Row{20, 20, 127, 105}}) {
    CAPTURE(row.first, row.second);
    const std::vector<double> distribution = wsbench::detail::mann_whitney_distribution(row.first, row.second);
    CHECK(distribution.size() == row.first * row.second + 1);
    CHECK(sum(distribution) == Approx(1));
    CHECK(left_out(distribution, 0.025) == row.at_5_percent + 1);
    CHECK(left_out(distribution, 0.005) == row.at_1_percent + 1);
  }
  CHECK(2 * wsbench::detail::mann_whitney_distribution(5, 5)[0] == Approx(2.0 / 252));
}

TEST_CASE("the probabilities of Kendall's test are those of its table", "[rank_statistics]") {
  // From as many pairs in falling order on: P(S >= 18) = 0.016 and P(S >= 22) = 0.0028 of eight, P(S >= 25) = 0.014 of ten.
  const auto at_most = [](std::size_t samples, std::size_t falling) {
    const std::vector<double> distribution = wsbench::detail::kendall_distribution(samples);
    CHECK(distribution.size() == samples * (samples - 1) / 2 + 1);
    CHECK(sum(distribution) == Approx(1));
    return std::accumulate(distribution.begin(), distribution.begin() + static_cast<std::ptrdiff_t>(falling) + 1, 0.0);
  };
  CHECK(at_most(5, 0) == Approx(1.0 / 120));
  CHECK(at_most(5, 1) == Approx(0.042).margin(0.0005));
  CHECK(at_most(8, 5) == Approx(0.016).margin(0.0005));
  CHECK(at_most(8, 3) == Approx(0.0028).margin(0.00005));
  CHECK(at_most(10, 10) == Approx(0.014).margin(0.0005));
}

TEST_CASE("a shift and its interval are those of the textbook", "[rank_statistics]") {
  // Hollander and Wolfe, "Nonparametric Statistical Methods", table 4.1: permeability of membranes.
  const std::vector<double> at_term{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
  const std::vector<double> early{1.15, 0.88, 0.90, 0.74, 1.21};
  const std::optional<RankEstimate> shift = shift_between(early, at_term, 0.95);
  REQUIRE(shift.has_value());
  CHECK(shift->estimate == Approx(0.305));
  CHECK(shift->low == Approx(-0.15));
  CHECK(shift->high == Approx(0.76));
  const std::optional<RankEstimate> other_way = shift_between(at_term, early, 0.95);
  REQUIRE(other_way.has_value());
  CHECK(other_way->estimate == Approx(-0.305));
  CHECK(other_way->low == Approx(-0.76));
  CHECK(other_way->high == Approx(0.15));
}

TEST_CASE("a slope and its interval are those of the textbook", "[rank_statistics]") {
  // In steps of one, so that the slopes are differences: 3 each but for one sample, which no median follows.
  const std::vector<double> straight{1, 4, 7, 100, 13, 16, 19, 22};
  const std::optional<RankEstimate> slope = slope_of(straight, 0.95);
  REQUIRE(slope.has_value());
  CHECK(slope->estimate == 3);
  CHECK(slope->low <= 3);
  CHECK(slope->high >= 3);
  const std::vector<double> falling(straight.rbegin(), straight.rend());
  CHECK(slope_of(falling, 0.95)->estimate == -3);
  // Of five, the interval at 95 % is the whole range: one order in 120 has all pairs in falling order.
  const std::vector<double> five{2, 3, 5, 7, 11};
  REQUIRE(slope_of(five, 0.95).has_value());
  CHECK(slope_of(five, 0.95)->low == 1);
  CHECK(slope_of(five, 0.95)->high == 4);
}

TEST_CASE("with too few samples for the confidence there is no interval", "[rank_statistics]") {
  const std::vector<double> samples{1, 2, 3, 4, 5, 6, 7, 8};
  const auto first = [&](std::size_t count) { return std::span<const double>(samples).first(count); };
  CHECK_FALSE(shift_between(first(0), first(8), 0.95).has_value());
  CHECK_FALSE(shift_between(first(8), first(0), 0.95).has_value());
  CHECK_FALSE(shift_between(first(1), first(8), 0.95).has_value());
  CHECK_FALSE(shift_between(first(3), first(3), 0.95).has_value());
  CHECK(shift_between(first(4), first(4), 0.95).has_value());
  CHECK(shift_between(first(3), first(5), 0.95).has_value());
  CHECK(shift_between(first(5), first(5), 1 - 0.05 / 6).has_value());  // 2 of 252 orders: six figures can be told apart at once
  CHECK_FALSE(shift_between(first(5), first(5), 1 - 0.05 / 7).has_value());
  for (const std::size_t few : {0U, 1U, 2U, 3U, 4U}) CHECK_FALSE(slope_of(first(few), 0.95).has_value());
  CHECK(slope_of(first(5), 0.95).has_value());
}

TEST_CASE("samples that are all equal have no shift, for certain", "[rank_statistics]") {
  const std::vector<double> same(8, 1.0);
  CHECK(shift_between(same, same, 0.95) == RankEstimate{0, 0, 0});
  CHECK(slope_of(same, 0.95) == RankEstimate{0, 0, 0});
}

TEST_CASE("beyond what is exact the intervals go on", "[rank_statistics]") {
  // 50 and 51 on a side: the one exact, the other normal.
  std::vector<double> samples(51);
  wsbench::Random random{11};
  for (double& sample : samples) sample = std::uniform_real_distribution<double>{0, 1}(random);
  const auto all = std::span<const double>(samples);
  const std::size_t exact = left_out(wsbench::detail::mann_whitney_distribution(50, 50), 0.025);
  const std::size_t normal = wsbench::detail::values_to_leave_out({}, 2'500, 1'250, 2'500.0 * 101 / 12, 0.025);
  CHECK(std::max(exact, normal) - std::min(exact, normal) <= 2);
  const std::optional<RankEstimate> of_50 = shift_between(all.first(50), all.first(50), 0.95);
  const std::optional<RankEstimate> of_51 = shift_between(all, all, 0.95);
  REQUIRE(of_50.has_value());
  REQUIRE(of_51.has_value());
  CHECK(of_51->low == Approx(of_50->low).margin(0.02));
  CHECK(of_51->high == Approx(of_50->high).margin(0.02));
  CHECK(wsbench::detail::kendall_distribution(71).empty());
  CHECK(slope_of(std::vector<double>(71, 1.0), 0.95) == RankEstimate{0, 0, 0});
}

TEST_CASE("the truth is outside the interval as seldom as was asked for, whatever the distribution", "[rank_statistics][exhaustive]") {
  constexpr int times = 4'000;
  const std::size_t runs = GENERATE(5U, 8U);
  CAPTURE(runs);
  int shifts_missed = 0;
  int slopes_missed = 0;
  wsbench::Random random{20'240'607};
  // Latencies are skewed, and now and then one is far off.
  std::lognormal_distribution<double> skewed{0, 0.3};
  std::bernoulli_distribution disturbed{0.05};
  const auto sample = [&] { return skewed(random) * (disturbed(random) ? 5 : 1); };
  for (int time = 0; time < times; ++time) {
    std::vector<double> base(runs);
    std::vector<double> other(runs);
    std::generate(base.begin(), base.end(), sample);
    std::generate(other.begin(), other.end(), sample);
    const std::optional<RankEstimate> shift = shift_between(base, other, 0.95);
    const std::optional<RankEstimate> slope = slope_of(base, 0.95);
    REQUIRE((shift && slope));
    if (shift->low > 0 || shift->high < 0) ++shifts_missed;
    if (slope->low > 0 || slope->high < 0) ++slopes_missed;
  }
  // At most 5 %, and three standard errors of a share of 4,000; ranks come in steps, so it may be less, but not a third of it.
  CHECK(shifts_missed < times * 0.0605);
  CHECK(shifts_missed > times * 0.017);
  CHECK(slopes_missed < times * 0.0605);
  CHECK(slopes_missed > times * 0.01);
}

TEST_CASE("a shift that is there is found", "[rank_statistics]") {
  constexpr int times = 500;
  wsbench::Random random{7};
  std::lognormal_distribution<double> spread{0, 0.1};
  int found = 0;
  for (int time = 0; time < times; ++time) {
    std::vector<double> base(8);
    std::vector<double> slower(8);
    for (double& figure : base) figure = std::log(spread(random));
    for (double& figure : slower) figure = std::log(spread(random) * 1.3);
    const std::optional<RankEstimate> shift = shift_between(base, slower, 0.95);
    REQUIRE(shift.has_value());
    CHECK(shift->low <= shift->estimate);
    CHECK(shift->estimate <= shift->high);
    if (shift->low > 0) ++found;
  }
  CHECK(found > times * 95 / 100);
}

TEST_CASE("samples need not be equally far apart to have a slope", "[rank_statistics]") {
  const std::vector<double> places{0, 1, 5, 6, 20, 21};
  const std::vector<double> straight{7, 10, 22, 25, 67, 70};
  const std::optional<RankEstimate> slope = slope_of(places, straight, 0.95);
  REQUIRE(slope.has_value());
  CHECK(*slope == RankEstimate{3, 3, 3});
  CHECK_FALSE(slope_of(straight, 0.95)->estimate == 3);
}

TEST_CASE("the median of numbers", "[rank_statistics]") {
  CHECK_FALSE(wsbench::median_of({}).has_value());
  CHECK(wsbench::median_of(std::array{3.0}) == 3.0);
  CHECK(wsbench::median_of(std::array{3.0, 1.0}) == 2.0);
  CHECK(wsbench::median_of(std::array{9.0, 1.0, 2.0}) == 2.0);
}
