// Expectations and alerts: what is read and written is read again to the same.

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include <wsbench/alert.hpp>
#include <wsbench/expectation.hpp>

#include "support/fuzzing.hpp"

using support::accepted;
using support::demand;
using wsbench::Expectation;

namespace {

void require_alert_again(std::string_view text) {
  wsbench::Alert alert;
  if (!accepted([&] { alert = wsbench::parse_alert(text); })) return;
  demand(alert.lasts.count() >= 0, "no time is negative");
  // What 64 bits just hold is rounded to more than they hold.
  if (std::abs(alert.condition.bound) > 9.2e9) return;
  wsbench::Alert again;
  demand(accepted([&] { again = wsbench::parse_alert(to_string(alert)); }), "an alert that was written can be read");
  demand(again.lasts == alert.lasts && again.condition.metric == alert.condition.metric, "it is the same");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  require_alert_again(support::text_of(data, size));
  Expectation expectation;
  if (!accepted([&] { expectation = wsbench::parse_expectation(support::text_of(data, size)); })) return 0;
  demand(std::isfinite(expectation.bound), "a bound is a number");
  // What nanoseconds and counts of 64 bits just hold is rounded to more than they hold.
  if (expectation.metric.unit == wsbench::Unit::seconds && expectation.bound > 9.2e9) return 0;
  if (expectation.metric.unit == wsbench::Unit::count && expectation.bound > 1.8e19) return 0;
  const std::string text = to_string(expectation);
  Expectation again;
  demand(accepted([&] { again = wsbench::parse_expectation(text); }), "an expectation that was written can be read");
  demand(again.metric == expectation.metric && again.comparison == expectation.comparison, "it is of the same figure");
  // Durations are written exactly, all else to 15 digits.
  const bool exact = expectation.metric.unit == wsbench::Unit::seconds && expectation.bound < 1e6;
  const double tolerance = exact ? 0 : 1e-13 * std::abs(expectation.bound) + 1e-300;
  demand(std::abs(again.bound - expectation.bound) <= tolerance, "its bound is the same");
  return 0;
}
