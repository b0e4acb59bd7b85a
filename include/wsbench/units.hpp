#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <wsbench/error.hpp>

namespace wsbench {

namespace detail {

/// A unit by its name, and how many of the smallest unit it is.
struct NamedUnit {
  std::string_view name{};
  std::uint64_t factor{1};
};

inline constexpr auto duration_units = std::to_array<NamedUnit>(
    {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}});
inline constexpr auto count_units = std::to_array<NamedUnit>({{"", 1}, {"k", 1'000}, {"M", 1'000'000}});
inline constexpr auto size_units = std::to_array<NamedUnit>(
    {{"", 1}, {"B", 1}, {"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}});

/// A kind of quantity: its name in errors, its units, and how to write it.
struct QuantityKind {
  std::string_view member{};           ///< what an Error says is at fault
  std::span<const NamedUnit> units{};  ///< what may follow the number
  std::string_view advice{};           ///< ends an error's line: what to write
  std::uint64_t largest{0};            ///< in the smallest unit
};

inline constexpr std::uint64_t largest_signed = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint64_t largest_unsigned = std::numeric_limits<std::uint64_t>::max();

inline constexpr QuantityKind duration_kind{"duration", duration_units, "write a number and one of ns, us, ms, s, m, h, such as 50ms",
                                            largest_signed};
inline constexpr QuantityKind count_kind{"count", count_units, "write a whole number, or a number with k or M, such as 10k",
                                         largest_unsigned};
inline constexpr QuantityKind size_kind{
    "size", size_units, "write a whole number of bytes, or a number with one of B, kB, MB, GB, KiB, MiB, GiB, such as 64KiB",
    largest_unsigned};
inline constexpr QuantityKind rate_kind{"rate", count_units, "write a number, with k or M if you like, and /s, /m or /h, such as 5k/s",
                                        largest_unsigned};

/// The text as a line may have it: cut at so many bytes, without control characters.
inline std::string in_one_line(std::string_view text, std::size_t most = 40) {
  std::string line{text.substr(0, most)};
  std::replace_if(
      line.begin(), line.end(), [](char letter) { return static_cast<unsigned char>(letter) < ' ' || letter == '\x7f'; }, '?');
  return text.size() > most ? line + "..." : line;
}

/// The same as an error may quote it.
inline std::string in_quotes(std::string_view text) {
  return '"' + in_one_line(text) + '"';
}

/// Without the blanks around it.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

[[noreturn]] inline void refuse(const QuantityKind& kind, std::string_view text, std::string_view problem) {
  throw Error(std::string(kind.member), fmt::format("{} {}: {}", in_quotes(text), problem, kind.advice));
}

/// The parts of "12.5 ms": "12", "5", "ms".
struct QuantityText {
  std::string_view whole{};
  std::string_view fraction{};
  std::string_view unit{};
};

inline QuantityText split_quantity(const QuantityKind& kind, std::string_view text) {
  const auto digits = [](std::string_view from) { return from.substr(0, std::min(from.find_first_not_of("0123456789"), from.size())); };
  if (text.empty()) refuse(kind, text, "is empty");
  if (text.front() == '-') refuse(kind, text, "is negative");
  QuantityText parts{digits(text), {}, {}};
  if (parts.whole.empty()) refuse(kind, text, "does not begin with a digit");
  std::string_view rest = text.substr(parts.whole.size());
  if (rest.starts_with('.')) {
    parts.fraction = digits(rest.substr(1));
    if (parts.fraction.empty()) refuse(kind, text, "has no digit after the point");
    rest.remove_prefix(1 + parts.fraction.size());
  }
  if (rest.size() > 1 && rest.front() == ' ') rest.remove_prefix(1);
  parts.unit = rest;
  return parts;
}

inline std::uint64_t factor_of(const QuantityKind& kind, std::string_view text, std::string_view unit) {
  for (const NamedUnit& known : kind.units) {
    if (known.name == unit) return known.factor;
  }
  if (unit.empty()) refuse(kind, text, "has no unit");
  refuse(kind, text, "has the unknown unit " + in_quotes(unit));
}

/// The quantity in the smallest unit, exactly; what is no whole number of it is refused.
inline std::uint64_t parse_quantity(const QuantityKind& kind, std::string_view text) {
  const QuantityText parts = split_quantity(kind, text);
  const auto all_zeros = [](std::string_view digits) { return digits.find_first_not_of('0') == digits.npos; };
  if (parts.unit.empty() && all_zeros(parts.whole) && all_zeros(parts.fraction)) return 0;
  const std::uint64_t factor = factor_of(kind, text, parts.unit);
  std::uint64_t whole = 0;
  const auto read = std::from_chars(parts.whole.data(), parts.whole.data() + parts.whole.size(), whole);
  if (read.ec != std::errc{}) refuse(kind, text, "is too large");
  // From the last digit to the first, a tenth at a time: the whole fraction divides evenly if and only if every step does.
  std::uint64_t fraction = 0;
  for (std::size_t left = parts.fraction.size(); left > 0; --left) {
    fraction += static_cast<std::uint64_t>(parts.fraction[left - 1] - '0') * factor;
    if (fraction % 10 != 0) refuse(kind, text, kind.member == "duration" ? "is finer than a nanosecond" : "is not a whole number");
    fraction /= 10;
  }
  if (whole > (kind.largest - fraction) / factor) refuse(kind, text, "is too large");
  return whole * factor + fraction;
}

/// "1234567" with the thousands separated: "1,234,567".
inline std::string separate_thousands(std::string digits) {
  for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, 1, ',');
  return digits;
}

/// Without the zeros that end its decimals, and without a point that is then the last.
inline std::string without_trailing_zeros(std::string decimal) {
  if (decimal.find('.') == decimal.npos) return decimal;
  decimal.erase(decimal.find_last_not_of('0') + 1);
  if (decimal.back() == '.') decimal.pop_back();
  return decimal;
}

/// A number to 15 digits and without an exponent, as quantities are read; all digits of one that needs more before its point.
inline std::string exact_number(double value) {
  std::string text = fmt::format("{:.15g}", value);
  if (text.find('e') == text.npos) return text;
  const int decimals = std::max(0, 14 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
  return without_trailing_zeros(fmt::format("{:.{}f}", value, decimals));
}

/// The largest unit that fits into the duration at least once.
inline const NamedUnit& unit_of(std::uint64_t nanoseconds) {
  const auto* unit = &duration_units.back();
  while (unit != &duration_units.front() && unit->factor > nanoseconds) --unit;
  return *unit;
}

inline std::uint64_t magnitude(std::chrono::nanoseconds value) {
  const auto bits = static_cast<std::uint64_t>(value.count());
  return value.count() < 0 ? 0 - bits : bits;
}

}  // namespace detail

/// Reads a duration with its unit: ns, us, ms, s, m, h ("50ms", "1.5 s", "2m"); "0" needs no unit. Throws Error.
inline std::chrono::nanoseconds parse_duration(std::string_view text) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(detail::parse_quantity(detail::duration_kind, text))};
}

/// Reads a whole count, with k or M for thousands and millions: "10k" is 10,000. Throws Error.
inline std::uint64_t parse_count(std::string_view text) {
  return detail::parse_quantity(detail::count_kind, text);
}

/// Reads a size in bytes: B, kB (1,000), MB, GB, KiB (1,024), MiB, GiB; a bare number is bytes. Throws Error.
inline std::uint64_t parse_size(std::string_view text) {
  return detail::parse_quantity(detail::size_kind, text);
}

/// Reads a rate, per second (/s, or nothing), minute (/m) or hour (/h), and returns it per second: "5k/s", "20/m", "5000". Throws Error.
inline double parse_rate(std::string_view text) {
  const detail::QuantityKind& kind = detail::rate_kind;
  const detail::QuantityText parts = detail::split_quantity(kind, text);
  const std::size_t slash = std::min(parts.unit.find('/'), parts.unit.size());
  const std::string_view period = parts.unit.substr(slash);
  const bool known = period.empty() || period == "/s" || period == "/m" || period == "/h";
  if (!known) detail::refuse(kind, text, "has the unknown unit " + detail::in_quotes(parts.unit));
  const std::uint64_t factor = detail::factor_of(kind, text, parts.unit.substr(0, slash));
  // All digits as one whole number over a power of ten: rounded once up to 15 digits.
  double digits = 0;
  double scale = period == "/m" ? 60 : period == "/h" ? 3'600 : 1;
  for (const char digit : parts.whole) digits = digits * 10 + (digit - '0');
  for (const char digit : parts.fraction) {
    digits = digits * 10 + (digit - '0');
    scale *= 10;
  }
  const double rate = digits * static_cast<double>(factor) / scale;
  if (!std::isfinite(rate)) detail::refuse(kind, text, "is too large");
  return rate;
}

/// Prints a duration with three significant digits in the largest unit it fills: "45.2 ms", "1.25 s", "350 ns", "1.50 m".
inline std::string format_duration(std::chrono::nanoseconds value) {
  std::uint64_t rounded = detail::magnitude(value);
  std::uint64_t step = 1;
  // Rounding may fill the next unit (999.6 us is 1.00 ms): the second round prints what the first one rounded.
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t unit = detail::unit_of(rounded).factor;
    step = rounded / unit >= 100 || unit == 1 ? unit : rounded / unit >= 10 ? unit / 10 : unit / 100;
    rounded = (rounded + step / 2) / step * step;
  }
  const detail::NamedUnit& unit = detail::unit_of(rounded);
  const char* sign = value.count() < 0 ? "-" : "";
  const std::uint64_t whole = rounded / unit.factor;
  if (step == unit.factor) return fmt::format("{}{} {}", sign, whole, unit.name);
  return fmt::format("{}{}.{:0{}} {}", sign, whole, rounded % unit.factor / step, step == unit.factor / 10 ? 1 : 2, unit.name);
}

/// Prints a duration so that parse_duration reads back the same value: "50ms", "1.5s", "90s", "2m".
///
/// In the largest unit that needs at most three decimals; minutes and hours only when they are whole. A negative one, which
/// parse_duration refuses, has its sign.
inline std::string exact_duration(std::chrono::nanoseconds value) {
  const std::uint64_t magnitude = detail::magnitude(value);
  if (magnitude == 0) return "0s";
  const auto fits = [magnitude](const detail::NamedUnit& unit) {
    const std::uint64_t finest = unit.factor > 1'000'000'000 ? unit.factor : std::max<std::uint64_t>(unit.factor / 1'000, 1);
    return magnitude >= unit.factor && magnitude % finest == 0;
  };
  const auto unit = std::find_if(detail::duration_units.rbegin(), detail::duration_units.rend(), fits);
  const std::string decimal =
      fmt::format("{}.{:03}", magnitude / unit->factor, magnitude % unit->factor / std::max<std::uint64_t>(unit->factor / 1'000, 1));
  return (value.count() < 0 ? "-" : "") + detail::without_trailing_zeros(decimal).append(unit->name);
}

/// Prints a count with thousands separated: "1,234,567".
inline std::string format_count(std::uint64_t value) {
  return detail::separate_thousands(fmt::format("{}", value));
}

/// Prints a size in binary units with three significant digits: "64 B", "1.25 KiB", "1023 MiB".
inline std::string format_size(std::uint64_t bytes) {
  if (bytes < 1'024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> names{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1'024;
  std::size_t unit = 0;
  while (value >= 1'023.5) {
    value /= 1'024;
    ++unit;
  }
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, names.at(unit));
}

/// Prints a size so that parse_size reads back the same: "500MiB", "1GiB", "1234B"; in the largest binary unit of which it is a whole
/// number.
inline std::string exact_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> names{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; unit + 1 < names.size() && bytes > 0 && bytes % 1'024 == 0; ++unit) bytes /= 1'024;
  return fmt::format("{}{}", bytes, names.at(unit));
}

/// Prints a number with three significant digits, all of those before its point, thousands separated: "1,234", "-12.3", "0.00123".
inline std::string format_number(double value) {
  if (!std::isfinite(value)) return "n/a";
  const double size = std::abs(value);
  if (size == 0) return "0";
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(size)));
  const std::string digits = fmt::format("{:.{}f}", size, std::max(decimals, 0));
  const std::string text = decimals > 0 ? detail::without_trailing_zeros(digits) : detail::separate_thousands(digits);
  return value < 0 ? '-' + text : text;
}

/// Prints a rate a second with three significant digits, thousands separated: "98/s", "0.25/s", "12,300/s"; "n/a" for what is no rate.
inline std::string format_rate(double per_second) {
  if (!std::isfinite(per_second) || per_second < 0) return "n/a";
  if (per_second == 0) return "0/s";
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(per_second)));
  if (decimals > 0) return detail::without_trailing_zeros(fmt::format("{:.{}f}", per_second, decimals)) + "/s";
  const double step = std::pow(10.0, -decimals);
  return detail::separate_thousands(fmt::format("{:.0f}", std::round(per_second / step) * step)) + "/s";
}

/// Prints a share of one as a percentage with up to two decimals: "99.95 %", "50 %"; more where it would be rounded up to 100 or down to 0:
/// "99.9996 %". "n/a" for what is no number.
inline std::string format_share(double share) {
  if (!std::isfinite(share)) return "n/a";
  if (share == 0) return "0 %";
  if (share == 1) return "100 %";
  std::string text = "0";
  for (int decimals = 2; text == "0" || text == "-0" || text == "100"; ++decimals) {
    text = detail::without_trailing_zeros(fmt::format("{:.{}f}", share * 100, decimals));
  }
  return text + " %";
}

}  // namespace wsbench
