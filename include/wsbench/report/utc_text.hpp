#pragma once

#include <chrono>
#include <string>

#include <fmt/format.h>

namespace wsbench::detail {

/// Wall time as ISO 8601 in UTC to the second, without a zone: "2026-11-24T08:18:21".
inline std::string utc_second(std::chrono::system_clock::time_point time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{second - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// Wall time as ISO 8601 in UTC: "2026-11-24T08:18:21.123456789Z".
inline std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::chrono::nanoseconds beyond = time - std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{}.{:09}Z", utc_second(time), beyond.count());
}

}  // namespace wsbench::detail
