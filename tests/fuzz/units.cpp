// Quantities and stages: what is read and written is read again to the same.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/load.hpp>
#include <wsbench/units.hpp>

#include "support/fuzzing.hpp"

using support::accepted;
using support::demand;

namespace {

void read_duration(std::string_view text) {
  std::chrono::nanoseconds duration{};
  if (!accepted([&] { duration = wsbench::parse_duration(text); })) return;
  demand(duration.count() >= 0, "no duration is negative");
  std::chrono::nanoseconds again{};
  demand(accepted([&] { again = wsbench::parse_duration(wsbench::exact_duration(duration)); }), "an exact duration can be read");
  demand(again == duration, "an exact duration is read as the same");
  // For people it has three digits.
  demand(accepted([&] { again = wsbench::parse_duration(wsbench::format_duration(duration)); }) || duration > std::chrono::hours{2'000'000},
         "a duration for people can be read");
  demand(std::abs(static_cast<double>((again - duration).count())) <= 0.00501 * static_cast<double>(duration.count()),
         "a duration for people is right to three digits");
}

template <class Parse>
void read_whole(std::string_view text, Parse parse) {
  std::uint64_t number = 0;
  if (!accepted([&] { number = parse(text); })) return;
  demand(parse(std::to_string(number)) == number, "a count that was read, written and read again is the same");
  demand(support::is_one_line(wsbench::format_count(number)) && support::is_one_line(wsbench::format_size(number)), "it can be shown");
}

void read_rate(std::string_view text) {
  double rate = 0;
  if (!accepted([&] { rate = wsbench::parse_rate(text); })) return;
  demand(std::isfinite(rate) && rate >= 0, "a rate is a number");
  const double again = wsbench::parse_rate(wsbench::detail::exact_number(rate) + "/s");
  demand(std::abs(again - rate) <= 1e-13 * rate + 1e-300, "a rate that was read, written and read again is the same");
  demand(support::is_one_line(wsbench::format_rate(rate)), "it can be shown");
}

template <class Parse>
void read_stages(std::string_view text, Parse parse) {
  std::vector<wsbench::Stage> stages;
  if (!accepted([&] { stages = wsbench::parse_stages(text, parse); })) return;
  demand(!stages.empty(), "stages are at least one");
  const std::string written = to_string(stages);
  std::vector<wsbench::Stage> again;
  demand(accepted([&] { again = wsbench::parse_stages(written, wsbench::parse_rate); }), "stages that were written can be read");
  demand(again.size() == stages.size(), "stages that were written and read are as many");
  for (std::size_t number = 0; number < stages.size(); ++number) {
    demand(again[number].over == stages[number].over, "their times are the same");
    // Written to 15 digits.
    demand(std::abs(again[number].level - stages[number].level) <= 1e-13 * stages[number].level + 1e-300, "their levels are the same");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = support::text_of(data, size);
  read_duration(text);
  read_whole(text, wsbench::parse_count);
  read_whole(text, wsbench::parse_size);
  read_rate(text);
  read_stages(text, wsbench::parse_count);
  read_stages(text, wsbench::parse_rate);
  return 0;
}
