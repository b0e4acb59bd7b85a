#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace bench {

/// One figure of each run: their median, with the least and the largest.
struct Spread {
  double median{0};
  double least{0};
  double largest{0};

  static Spread of(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return {(figures[(figures.size() - 1) / 2] + figures[figures.size() / 2]) / 2, figures.front(), figures.back()};
  }
};

/// Prints figures as the rows of a table and judges those that have a floor.
class Floors {
 public:
  /// Begins a table.
  static void title(std::string_view text, std::string_view unit) {
    fmt::print("\n{}\n{:54} {:>9}  {:>19}\n", text, unit, "median", "(least to largest)");
  }

  /// A figure that is only told.
  static void show(std::string_view what, const std::vector<double>& figures) {
    print_row(what, figures);
    fmt::print("\n");
    std::fflush(stdout);
  }

  /// The median of these is to be at most `limit`.
  void at_most(std::string_view what, const std::vector<double>& figures, double limit) {
    judge(what, figures, "at most", limit, [limit](double figure) { return figure <= limit; });
  }
  /// The median of these is to be at least `limit`.
  void at_least(std::string_view what, const std::vector<double>& figures, double limit) {
    judge(what, figures, "at least", limit, [limit](double figure) { return figure >= limit; });
  }

  /// Says how many were missed; `EXIT_SUCCESS` if none was.
  int exit_status() const {
    fmt::print("\nmissed {} of {}\n", missed_, judged_);
    return missed_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  static void print_row(std::string_view what, const std::vector<double>& figures) {
    const Spread spread = Spread::of(figures);
    const double size = std::abs(spread.median);
    const int digits = size < 0.1 ? 4 : size < 10 ? 3 : 1;
    fmt::print("  {:52} {:9.{}f}  ({:8.{}f} to {:.{}f})", what, spread.median, digits, spread.least, digits, spread.largest, digits);
  }

  template <class Meets>
  void judge(std::string_view what, const std::vector<double>& figures, std::string_view how, double limit, Meets meets) {
    const bool met = meets(Spread::of(figures).median);
    print_row(what, figures);
    // In how many runs it was so tells whether the machine was quiet enough for a verdict.
    fmt::print("  {} {:.4g}: {}, in {} of {} runs\n", how, limit, met ? "met" : "MISSED",
               std::count_if(figures.begin(), figures.end(), meets), figures.size());
    std::fflush(stdout);
    ++judged_;
    if (!met) ++missed_;
  }

  int judged_{0};
  int missed_{0};
};

/// Each run's figure of the one divided by that of the other in the same run.
inline std::vector<double> ratios(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> quotients;
  for (std::size_t run = 0; run < ours.size(); ++run) quotients.push_back(ours[run] / theirs[run]);
  return quotients;
}

/// Each run's figure of the one less that of the other in the same run.
inline std::vector<double> differences(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> rests;
  for (std::size_t run = 0; run < ours.size(); ++run) rests.push_back(ours[run] - theirs[run]);
  return rests;
}

}  // namespace bench
