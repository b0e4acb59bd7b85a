#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace wsbench {

/// What samples say of a quantity, by their ranks alone: no outlier and no skew can pull it far.
struct RankEstimate {
  double estimate{0};  ///< the median of what each pair of samples says
  double low{0};       ///< the quantity is from here
  double high{0};      ///< to here, with the confidence that was asked for

  bool operator==(const RankEstimate&) const = default;
};

namespace detail {

/// Pairs of samples up to which a distribution of ranks is exact; beyond it is taken for normal, which it then is within 0.001.
inline constexpr std::size_t most_exact_pairs = 2'500;

/// The probability that a normal count of this mean and variance is at most `most`.
inline double normal_at_most(double most, double mean, double variance) {
  return std::erfc((mean - most - 0.5) / std::sqrt(2 * variance)) / 2;
}

/// How many pairs (a, b) of `first` samples a and `second` samples b have a > b, if all come from one distribution: the probability of
/// each count from 0 up. Empty where there are too many pairs.
///
/// Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other" (1947), equation 4: the
/// largest of all samples is an a, which is then above every b, or it is a b.
inline std::vector<double> mann_whitney_distribution(std::size_t first, std::size_t second) {
  if (first * second > most_exact_pairs) return {};
  // of[a]: with a samples of the first kind, and as many of the second as the outer loop has come to.
  std::vector<std::vector<double>> of(first + 1, std::vector<double>{1});
  for (std::size_t b = 1; b <= second; ++b) {
    for (std::size_t a = 1; a <= first; ++a) {
      const double share = static_cast<double>(a) / static_cast<double>(a + b);
      std::vector<double> next(a * b + 1, 0);
      for (std::size_t count = 0; count < of[a].size(); ++count) next[count] += (1 - share) * of[a][count];
      for (std::size_t count = 0; count < of[a - 1].size(); ++count) next[count + b] += share * of[a - 1][count];
      of[a] = std::move(next);
    }
  }
  return of[first];
}

/// How many pairs of so many samples stand in falling order, if every order is as likely: the probability of each count from 0 up. Empty
/// where there are too many pairs.
///
/// Kendall, "A new measure of rank correlation" (1938): the last sample is above any number of those before it, each as likely.
inline std::vector<double> kendall_distribution(std::size_t samples) {
  if (samples * samples / 2 > most_exact_pairs) return {};
  std::vector<double> of{1};
  for (std::size_t size = 2; size <= samples; ++size) {
    std::vector<double> next(of.size() + size - 1, 0);
    double sum = 0;  // of the last `size` counts
    for (std::size_t count = 0; count < next.size(); ++count) {
      if (count < of.size()) sum += of[count];
      if (count >= size) sum -= of[count - size];
      next[count] = sum / static_cast<double>(size);
    }
    of = std::move(next);
  }
  return of;
}

/// How many values may be left out at either end, with at most this probability that the truth is beyond them: the largest k for which
/// P(count < k) is at most `tail`.
inline std::size_t values_to_leave_out(const std::vector<double>& distribution, std::size_t pairs, double mean, double variance,
                                       double tail) {
  double below = 0;
  std::size_t count = 0;
  for (; count < pairs; ++count) {
    below = distribution.empty() ? normal_at_most(static_cast<double>(count), mean, variance) : below + distribution[count];
    // A sum of a few rounded shares may be a little above what it should equal.
    if (below > tail * (1 + 1e-12)) break;
  }
  return count;
}

inline double middle_of(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/// The median of what all pairs say and the interval of ranks around it; nothing where even all of them leave more doubt than asked for.
inline std::optional<RankEstimate> estimate_of(std::vector<double> pairs, const std::vector<double>& distribution, double variance,
                                               double confidence) {
  const auto mean = static_cast<double>(pairs.size()) / 2;
  const std::size_t left_out = values_to_leave_out(distribution, pairs.size(), mean, variance, (1 - confidence) / 2);
  if (left_out == 0) return std::nullopt;
  std::sort(pairs.begin(), pairs.end());
  return RankEstimate{middle_of(pairs), pairs[left_out - 1], pairs[pairs.size() - left_out]};
}

}  // namespace detail

/// The median of some numbers; nothing where there are none.
inline std::optional<double> median_of(std::span<const double> samples) {
  if (samples.empty()) return std::nullopt;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return detail::middle_of(sorted);
}

/// By how much one set of samples lies above another: the median of all differences (Hodges and Lehmann, "Estimates of location based on
/// rank tests", 1963) and the interval in which the rank-sum test of Mann and Whitney finds no difference.
///
/// `confidence` is a share of one: 0.95. Nothing where there are too few samples for it: at 0.95 it takes four on either side, or three
/// and five. The distribution is exact up to 2,500 pairs; samples that are equal only make the interval wider than it had to be.
inline std::optional<RankEstimate> shift_between(std::span<const double> base, std::span<const double> other, double confidence) {
  if (base.empty() || other.empty()) return std::nullopt;
  std::vector<double> differences;
  differences.reserve(base.size() * other.size());
  for (const double from : base) {
    for (const double to : other) differences.push_back(to - from);
  }
  const double variance = static_cast<double>(differences.size() * (base.size() + other.size() + 1)) / 12;
  return detail::estimate_of(std::move(differences), detail::mann_whitney_distribution(base.size(), other.size()), variance, confidence);
}

/// By how much samples rise with their place: the median of the slopes between any two (Theil, 1950) and the interval in which Kendall's
/// test finds no trend (Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968).
///
/// `places` are as many, and ascend. `confidence` is a share of one: 0.95. Nothing where there are too few samples for it: at 0.95 it takes
/// five.
inline std::optional<RankEstimate> slope_of(std::span<const double> places, std::span<const double> samples, double confidence) {
  const std::size_t size = samples.size();
  if (size < 2) return std::nullopt;
  std::vector<double> slopes;
  slopes.reserve(size * (size - 1) / 2);
  for (std::size_t later = 1; later < size; ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      slopes.push_back((samples[later] - samples[earlier]) / (places[later] - places[earlier]));
    }
  }
  const double variance = static_cast<double>(size * (size - 1) * (2 * size + 5)) / 72;
  return detail::estimate_of(std::move(slopes), detail::kendall_distribution(size), variance, confidence);
}

/// The same of samples of which each is one place after the other: by how much they rise from each to the next.
inline std::optional<RankEstimate> slope_of(std::span<const double> samples, double confidence) {
  std::vector<double> places(samples.size());
  std::iota(places.begin(), places.end(), 0.0);
  return slope_of(places, samples, confidence);
}

}  // namespace wsbench
