#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace wsbench {

/// What a step of a capacity search showed.
enum class StepOutcome : std::uint8_t {
  held,               ///< every expectation was met
  missed,             ///< one was not, or the server was lost
  generator_limited,  ///< the generator could not bring the load, so nothing is known of the server
  behaviour_threw,    ///< what the users did had a fault of its own: the search ends
};

/// How a capacity is searched.
struct SearchLimits {
  double from{10};                 ///< the first load
  double to{1e6};                  ///< no load is greater
  bool whole{true};                ///< loads are whole numbers, as clients are
  double growth{2};                ///< the second load is so many times the first; the factor squares with each further step, up to 2
  double precision{0.05};          ///< how wide the interval may be, as a share of its lower end
  std::uint64_t most_steps{24};    ///< after so many it ends with what is known
  std::uint64_t confirmations{2};  ///< more steps that the lower end must hold; the upper end must miss one more

  bool operator==(const SearchLimits&) const = default;
};

/// One load that was tried, and what came of it.
struct SearchStep {
  double load{0};
  StepOutcome outcome{StepOutcome::held};

  bool operator==(const SearchStep&) const = default;
};

/// Where a capacity lies.
struct CapacityInterval {
  std::optional<double> at_least{};         ///< the greatest load that held, as did all below it; nothing: none held
  std::optional<double> below{};            ///< the least load that missed, as did all above it; nothing: none was found
  std::optional<double> generator_limit{};  ///< the least load that the generator could not bring, where no miss was found below it
  bool contradictory{false};                ///< between the two, loads held and missed by turns
  bool confirmed{false};                    ///< each end was seen as often as was asked

  bool operator==(const CapacityInterval&) const = default;
};

/// Decides the loads of a search: it grows until one misses, bisects, and confirms both ends. It knows no server and no clock.
///
/// A load holds if it never missed, or held three times as often as it missed, and misses the other way round. What does neither lies
/// between the two ends, and so do a smaller load that misses and a greater one that holds: each is tried up to four times, and if that
/// settles nothing, the interval stays as wide as they are apart. A load that the generator could not bring is tried once more.
class CapacitySearch {
 public:
  explicit CapacitySearch(const SearchLimits& limits) : limits_(limits) {}

  /// The next load; nothing when the search is over.
  std::optional<double> next() const {
    if (steps_.size() >= limits_.most_steps) return std::nullopt;
    const CapacityInterval known = interval();
    if (const auto load = contradiction(known)) return load;
    // What else this machine did in the meantime must not be taken for its limit.
    if (known.generator_limit && limited_at(*known.generator_limit) < 2) return known.generator_limit;
    const std::optional<double> ceiling = known.below ? known.below : known.generator_limit;
    if (!ceiling) return beyond(known.at_least);
    if (!known.contradictory) {
      if (const auto load = between(known.at_least.value_or(0), *ceiling)) return load;
    }
    if (known.at_least && held_at(*known.at_least) < 1 + limits_.confirmations) return known.at_least;
    if (known.below && missed_at(*known.below) < 2) return known.below;
    return std::nullopt;
  }

  /// Takes what a step at the load that `next()` named has shown.
  void add(SearchStep step) {
    const auto found = std::find_if(tried_.begin(), tried_.end(), [&](const Tried& each) { return each.load == step.load; });
    Tried& tried = found != tried_.end() ? *found : tried_.emplace_back(Tried{step.load});
    if (step.outcome == StepOutcome::held) ++tried.held;
    if (step.outcome == StepOutcome::missed) ++tried.missed;
    if (step.outcome == StepOutcome::generator_limited) ++tried.limited;
    std::sort(tried_.begin(), tried_.end(), [](const Tried& one, const Tried& other) { return one.load < other.load; });
    steps_.push_back(step);
  }

  /// All steps, in their order.
  const std::vector<SearchStep>& steps() const noexcept { return steps_; }

  /// What is known so far.
  CapacityInterval interval() const {
    CapacityInterval known;
    for (const Tried& tried : tried_) {
      if (!tried.holds()) break;
      known.at_least = tried.load;
    }
    for (auto tried = tried_.rbegin(); tried != tried_.rend() && !tried->holds(); ++tried) {
      if (tried->misses()) known.below = tried->load;
      if (!tried->misses() && tried->limited == 0) break;
    }
    for (const Tried& tried : tried_) {
      if (tried.limited > 0 && !tried.holds() && !known.below) {
        known.generator_limit = tried.load;
        break;
      }
    }
    const double least = known.at_least.value_or(0);
    const double most = known.below.value_or(known.generator_limit.value_or(least));
    known.contradictory =
        std::any_of(tried_.begin(), tried_.end(), [&](const Tried& tried) { return tried.load > least && tried.load < most; });
    known.confirmed = known.at_least && held_at(*known.at_least) > limits_.confirmations && (!known.below || missed_at(*known.below) > 1);
    return known;
  }

 private:
  static constexpr std::uint64_t majority = 3;             // to one: what a single unlucky step cannot hinder
  static constexpr std::uint64_t patience = majority + 1;  // steps at a load between the ends

  struct Tried {
    double load{0};
    std::uint64_t held{0};
    std::uint64_t missed{0};
    std::uint64_t limited{0};

    bool holds() const noexcept { return held > 0 && held >= majority * missed; }
    bool misses() const noexcept { return missed > 0 && missed >= majority * held; }
    std::uint64_t times() const noexcept { return held + missed + limited; }
  };

  const Tried* tried_at(double load) const {
    const auto found = std::find_if(tried_.begin(), tried_.end(), [&](const Tried& each) { return each.load == load; });
    return found == tried_.end() ? nullptr : &*found;
  }
  std::uint64_t held_at(double load) const { return tried_at(load)->held; }
  std::uint64_t missed_at(double load) const { return tried_at(load)->missed; }
  std::uint64_t limited_at(double load) const { return tried_at(load)->limited; }

  // Of the loads that stand between the two ends, the one tried least; nothing where each has had its chances.
  std::optional<double> contradiction(const CapacityInterval& known) const {
    const Tried* least = nullptr;
    for (const Tried& tried : tried_) {
      const bool outside = tried.load <= known.at_least.value_or(0) || (known.below && tried.load >= *known.below);
      if (outside || (tried.limited > 0 && tried.held == 0 && tried.missed == 0)) continue;
      if (tried.times() < patience && (least == nullptr || tried.times() < least->times())) least = &tried;
    }
    return least == nullptr ? std::nullopt : std::optional(least->load);
  }

  std::optional<double> beyond(const std::optional<double>& held) const {
    if (!held) return rounded(std::min(limits_.from, limits_.to));
    if (*held < limits_.to) return rounded(std::min(std::max(*held * growth(), *held + (limits_.whole ? 1 : 0)), limits_.to));
    return held_at(*held) < 1 + limits_.confirmations ? held : std::nullopt;  // it holds all that may be asked
  }

  // Their geometric mean, since the precision is a share; down from the upper one where nothing held yet.
  std::optional<double> between(double low, double high) const {
    const double least = limits_.whole ? 1 : limits_.from / 1024;
    if (low > 0 && high <= low * (1 + limits_.precision)) return std::nullopt;
    const double load = rounded(low > 0 ? std::sqrt(low * high) : high / growth());
    return load > low && load < high && load >= least ? std::optional(load) : std::nullopt;
  }

  // Ever faster away from where the search began, which may have been a good guess.
  double growth() const {
    double factor = limits_.growth;
    for (std::size_t step = 1; step < tried_.size() && factor < 2; ++step) factor *= factor;
    return std::min(factor, 2.0);
  }

  double rounded(double load) const { return limits_.whole ? std::max(std::round(load), 1.0) : load; }

  SearchLimits limits_;
  std::vector<SearchStep> steps_{};
  std::vector<Tried> tried_{};
};

}  // namespace wsbench
