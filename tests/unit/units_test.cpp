#include <chrono>
#include <clocale>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/units.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using namespace wsbench;

namespace {

template <class Value>
struct Reading {
  std::string_view text{};
  Value value{};
};

constexpr std::uint64_t uint64_max = std::numeric_limits<std::uint64_t>::max();

// The line of the Error that `read` throws, empty if it throws none; checks what every such line has in common.
template <class Read>
std::string refusal(Read read, std::string_view text, const std::string& member) {
  try {
    read(text);
  } catch (const Error& error) {
    const std::string line = error.what();
    CHECK(error.member() == member);
    CHECK(line.starts_with(member + ": \""));
    CHECK(line.find("write a ") != line.npos);
    CHECK(line.find_first_of("\r\n\t") == line.npos);
    CHECK(line.size() < 200);
    return line;
  }
  return {};
}

}  // namespace

TEST_CASE("durations are read exactly", "[units]") {
  const std::vector<Reading<nanoseconds>> readings{
      {"1ns", 1ns},
      {"350ns", 350ns},
      {"50us", 50us},
      {"50ms", 50ms},
      {"50 ms", 50ms},
      {"1.5s", 1500ms},
      {"1.50000000000000000000000000000000 s", 1500ms},
      {"2m", 2min},
      {"1.5m", 90s},
      {"1h", 1h},
      {"0.5h", 30min},
      {"0.25us", 250ns},
      {"0.000000001s", 1ns},
      {"0.000000000005h", 18ns},
      {"007ms", 7ms},
      {"0", 0ns},
      {"0.0", 0ns},
      {"0s", 0ns},
      {"0h", 0ns},
      {"9223372036854775807ns", nanoseconds::max()},
      {"9223372036.854775807s", nanoseconds::max()},
      {"00000000000000000000000000000000001s", 1s},
  };
  for (const auto& [text, value] : readings) {
    INFO(text);
    CHECK(parse_duration(text) == value);
  }
}

TEST_CASE("what is no duration is refused with a line that says what to write", "[units]") {
  const std::vector<Reading<std::string_view>> refusals{
      {"", "is empty"},
      {"50", "has no unit"},
      {"1.5", "has no unit"},
      {"-5ms", "is negative"},
      {"-0", "is negative"},
      {"+5ms", "does not begin with a digit"},
      {"ms", "does not begin with a digit"},
      {" 5ms", "does not begin with a digit"},
      {".5s", "does not begin with a digit"},
      {"nan", "does not begin with a digit"},
      {"inf", "does not begin with a digit"},
      {"infs", "does not begin with a digit"},
      {"\xd9\xa3s", "does not begin with a digit"},
      {"5.s", "has no digit after the point"},
      {"5.", "has no digit after the point"},
      {"5..5s", "has no digit after the point"},
      {"5,5s", "unknown unit \",5s\""},
      {"1e3s", "unknown unit \"e3s\""},
      {"0x10s", "unknown unit \"x10s\""},
      {"5S", "unknown unit \"S\""},
      {"5min", "unknown unit \"min\""},
      {"5ms ", "unknown unit \"ms \""},
      {"5 ", "unknown unit \" \""},
      {"5  ms", "unknown unit \" ms\""},
      {"5\tms", "unknown unit \"?ms\""},
      {"5\nms", "unknown unit \"?ms\""},
      {"5ms10us", "unknown unit \"ms10us\""},
      {std::string_view{"5ms\0", 4}, "unknown unit \"ms?\""},
      {"0.5ns", "is finer than a nanosecond"},
      {"1.0000000001s", "is finer than a nanosecond"},
      {"0.0000000000001h", "is finer than a nanosecond"},
      {"9223372036854775808ns", "is too large"},
      {"9223372036.854775808s", "is too large"},
      {"18446744073709551616ns", "is too large"},
      {"99999999999999999999999999h", "is too large"},
      {"2562048h", "is too large"},
  };
  for (const auto& [text, problem] : refusals) {
    INFO(text);
    const std::string line = refusal(parse_duration, text, "duration");
    INFO(line);
    CHECK(line.find(problem) != line.npos);
  }
  CHECK(refusal(parse_duration, "50", "duration") ==
        "duration: \"50\" has no unit: write a number and one of ns, us, ms, s, m, h, such as 50ms");
  CHECK(refusal(parse_duration, std::string(10'000, '9') + "s", "duration").find("999...\" is too large") != std::string::npos);
}

TEST_CASE("counts are read, with k and M", "[units]") {
  const std::vector<Reading<std::uint64_t>> readings{
      {"0", 0},
      {"1", 1},
      {"1000", 1'000},
      {"10k", 10'000},
      {"10 k", 10'000},
      {"1.5k", 1'500},
      {"2M", 2'000'000},
      {"0.000001M", 1},
      {"3.0", 3},
      {"0M", 0},
      {"18446744073709551615", uint64_max},
      {"18446744073709551.615k", uint64_max},
  };
  for (const auto& [text, value] : readings) {
    INFO(text);
    CHECK(parse_count(text) == value);
  }
  for (const std::string_view text : {"", "-1", "+1", "k", "1.5", "1.0005k", "10K", "10,000", "1G", "10 ", "1e3", "0x10", "nan", "5m",
                                      "18446744073709551616", "18446744073709551.616k", "99999999999999999M"}) {
    INFO(text);
    CHECK(refusal(parse_count, text, "count") != "");
  }
  CHECK(refusal(parse_count, "1.5", "count").find("is not a whole number") != std::string::npos);
}

TEST_CASE("sizes are read in decimal and binary units", "[units]") {
  const std::vector<Reading<std::uint64_t>> readings{
      {"0", 0},
      {"64", 64},
      {"64B", 64},
      {"64 B", 64},
      {"1kB", 1'000},
      {"1.5kB", 1'500},
      {"1KiB", 1'024},
      {"1.5KiB", 1'536},
      {"2MB", 2'000'000},
      {"2MiB", 2'097'152},
      {"0.5MiB", 524'288},
      {"0.0009765625KiB", 1},
      {"17592186044415MiB", 18'446'744'073'708'503'040u},
  };
  for (const auto& [text, value] : readings) {
    INFO(text);
    CHECK(parse_size(text) == value);
  }
  for (const std::string_view text :
       {"", "-1B", "B", "1.5", "1.5B", "1.0001KiB", "1KB", "1kb", "1b", "1mB", "1kib", "1k", "5ms", "17592186044416MiB", "64B "}) {
    INFO(text);
    CHECK(refusal(parse_size, text, "size") != "");
  }
}

TEST_CASE("rates are read per second, minute and hour", "[units]") {
  const std::vector<Reading<double>> readings{
      {"5000", 5'000},
      {"5k/s", 5'000},
      {"5 k/s", 5'000},
      {"5k", 5'000},
      {"2M/s", 2e6},
      {"20/m", 20.0 / 60},
      {"1.5k/m", 25},
      {"36/h", 0.01},
      {"36 /h", 0.01},
      {"0.1", 0.1},
      {"0.3/s", 0.3},
      {"12.25/s", 12.25},
      {"0", 0},
      {"0/s", 0},
      {"123456.789", 123456.789},
      {"1000000000000000", 1e15},
  };
  for (const auto& [text, value] : readings) {
    INFO(text);
    CHECK(parse_rate(text) == value);
  }
  for (const std::string_view text : {"",     "-1/s",  "+1",  "/s",   "k/s", "5/",  "5/d", "5/S",   "5//s", "5/s/s",
                                      "5/s ", "5 / s", "5ms", "5K/s", "1e3", "nan", "inf", "5/min", ".5/s", "5./s"}) {
    INFO(text);
    CHECK(refusal(parse_rate, text, "rate") != "");
  }
  CHECK(refusal(parse_rate, std::string(400, '9'), "rate").find("is too large") != std::string::npos);
}

TEST_CASE("durations are printed with three significant digits", "[units]") {
  const std::vector<Reading<nanoseconds>> printings{
      {"0 ns", 0ns},
      {"1 ns", 1ns},
      {"350 ns", 350ns},
      {"999 ns", 999ns},
      {"1.00 us", 1us},
      {"1.23 us", 1234ns},
      {"1.24 us", 1235ns},
      {"9.99 us", 9994ns},
      {"10.0 us", 9995ns},
      {"99.9 us", 99949ns},
      {"100 us", 99950ns},
      {"999 us", 999499ns},
      {"1.00 ms", 999500ns},
      {"45.2 ms", 45'230us},
      {"1.25 s", 1250ms},
      {"30.0 s", 30s},
      {"59.9 s", 59'949ms},
      {"1.00 m", 59'950ms},
      {"1.50 m", 90s},
      {"59.9 m", 59min + 56s},
      {"1.00 h", 59min + 57s},
      {"1.00 h", 1h},
      {"24.0 h", 24h},
      {"1000 h", 1000h},
      {"2562048 h", nanoseconds::max()},
      {"-45.2 ms", -45'230us},
      {"-1 ns", -1ns},
      {"-2562048 h", nanoseconds::min()},
  };
  for (const auto& [text, value] : printings) {
    INFO(value.count());
    CHECK(format_duration(value) == text);
  }
}

TEST_CASE("a printed duration is within half of its last digit", "[units]") {
  std::mt19937_64 random{4};
  for (int round = 0; round < 20'000; ++round) {
    const nanoseconds value{static_cast<std::int64_t>(random() >> (1 + random() % 60))};
    const std::string text = format_duration(value);
    INFO(value.count() << " is " << text);
    const double read = static_cast<double>(parse_duration(text == "2562048 h" ? "2562047h" : text).count());
    CHECK(std::abs(read - static_cast<double>(value.count())) <= std::max(0.00501 * read, value > 2562047h ? 3.6e12 : 0));
    CHECK(text.find_first_of("0123456789") == 0);
  }
}

TEST_CASE("an exact duration is what a person would write", "[units]") {
  const std::vector<Reading<nanoseconds>> printings{
      {"0s", 0ns},
      {"1ns", 1ns},
      {"999ns", 999ns},
      {"1us", 1us},
      {"1.5us", 1500ns},
      {"50ms", 50ms},
      {"1.5s", 1500ms},
      {"1.234s", 1234ms},
      {"1234.567ms", 1'234'567us},
      {"1234567.891us", 1'234'567'891ns},
      {"90s", 90s},
      {"100.5s", 100'500ms},
      {"2m", 120s},
      {"90m", 5400s},
      {"1h", 1h},
      {"24h", 24h},
      {"3601s", 3601s},
      {"9223372036854775.807us", nanoseconds::max()},
      {"-1.5s", -1500ms},
      {"-9223372036854775.808us", nanoseconds::min()},
  };
  for (const auto& [text, value] : printings) {
    INFO(value.count());
    CHECK(exact_duration(value) == text);
  }
}

TEST_CASE("an exact duration reads back as the same value", "[units]") {
  std::mt19937_64 random{5};
  const std::vector<std::int64_t> roundness{1, 10, 1'000, 50'000, 1'000'000, 1'000'000'000, 60'000'000'000, 3'600'000'000'000};
  for (int round = 0; round < 20'000; ++round) {
    const std::int64_t unit = roundness[random() % roundness.size()];
    const auto raw = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    const nanoseconds value{raw / unit * unit};
    const std::string text = exact_duration(value);
    INFO(value.count() << " is " << text);
    CHECK(parse_duration(text) == value);
    CHECK(text.find(' ') == text.npos);
  }
}

TEST_CASE("counts are printed with their thousands separated", "[units]") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(7) == "7");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1'000) == "1,000");
  CHECK(format_count(12'345) == "12,345");
  CHECK(format_count(123'456) == "123,456");
  CHECK(format_count(1'234'567) == "1,234,567");
  CHECK(format_count(uint64_max) == "18,446,744,073,709,551,615");
}

TEST_CASE("sizes are printed in binary units", "[units]") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(64) == "64 B");
  CHECK(format_size(1'023) == "1023 B");
  CHECK(format_size(1'024) == "1.00 KiB");
  CHECK(format_size(1'280) == "1.25 KiB");
  CHECK(format_size(10'234) == "9.99 KiB");
  CHECK(format_size(10'235) == "10.0 KiB");
  CHECK(format_size(65'536) == "64.0 KiB");
  CHECK(format_size(102'400) == "100 KiB");
  CHECK(format_size(1'048'063) == "1023 KiB");
  CHECK(format_size(1'048'064) == "1.00 MiB");
  CHECK(format_size(1'048'576) == "1.00 MiB");
  CHECK(format_size(std::uint64_t{3} << 30) == "3.00 GiB");
  CHECK(format_size(std::uint64_t{3} << 40) == "3.00 TiB");
  CHECK(format_size(std::uint64_t{3} << 50) == "3.00 PiB");
  CHECK(format_size(uint64_max) == "16.0 EiB");
}

TEST_CASE("rates are printed with three significant digits", "[units]") {
  CHECK(format_rate(0) == "0/s");
  CHECK(format_rate(98) == "98/s");
  CHECK(format_rate(98.04) == "98/s");
  CHECK(format_rate(98.06) == "98.1/s");
  CHECK(format_rate(1) == "1/s");
  CHECK(format_rate(0.25) == "0.25/s");
  CHECK(format_rate(1.0 / 3) == "0.333/s");
  CHECK(format_rate(0.00123456) == "0.00123/s");
  CHECK(format_rate(0.9996) == "1/s");
  CHECK(format_rate(9.996) == "10/s");
  CHECK(format_rate(99.96) == "100/s");
  CHECK(format_rate(100) == "100/s");
  CHECK(format_rate(999.4) == "999/s");
  CHECK(format_rate(999.6) == "1,000/s");
  CHECK(format_rate(1'000) == "1,000/s");
  CHECK(format_rate(12'345) == "12,300/s");
  CHECK(format_rate(99'960) == "100,000/s");
  CHECK(format_rate(1'234'567) == "1,230,000/s");
  CHECK(format_rate(1e18) == "1,000,000,000,000,000,000/s");
  CHECK(format_rate(std::numeric_limits<double>::infinity()) == "n/a");
  CHECK(format_rate(std::numeric_limits<double>::quiet_NaN()) == "n/a");
  CHECK(format_rate(-1) == "n/a");
}

TEST_CASE("shares are printed as percentages that do not hide the last failure", "[units]") {
  CHECK(format_share(0) == "0 %");
  CHECK(format_share(-0.0) == "0 %");
  CHECK(format_share(1) == "100 %");
  CHECK(format_share(0.5) == "50 %");
  CHECK(format_share(0.9) == "90 %");
  CHECK(format_share(0.995) == "99.5 %");
  CHECK(format_share(0.9995) == "99.95 %");
  CHECK(format_share(2.0 / 3) == "66.67 %");
  CHECK(format_share(0.99996) == "99.996 %");
  CHECK(format_share(0.999996) == "99.9996 %");
  CHECK(format_share(999'999.0 / 1'000'000) == "99.9999 %");
  CHECK(format_share(0.00004) == "0.004 %");
  CHECK(format_share(1e-9) == "0.0000001 %");
  CHECK(format_share(std::nextafter(1.0, 0.0)).starts_with("99.99999"));
  CHECK(format_share(std::nextafter(1.0, 2.0)).starts_with("100.00000"));
  CHECK(format_share(std::numeric_limits<double>::denorm_min()).starts_with("0.000"));
  CHECK(format_share(1.25) == "125 %");
  CHECK(format_share(-0.125) == "-12.5 %");
  CHECK(format_share(std::numeric_limits<double>::quiet_NaN()) == "n/a");
}

TEST_CASE("the program's locale changes neither reading nor printing", "[units]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const char* changed = nullptr;
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"}) {
    changed = std::setlocale(LC_ALL, locale);
    if (changed != nullptr) break;
  }
  if (changed == nullptr) WARN("no locale with a decimal comma is installed: this test can not fail here");
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_rate("1.5/s") == 1.5);
  CHECK(format_duration(45'230us) == "45.2 ms");
  CHECK(format_size(1'280) == "1.25 KiB");
  CHECK(format_rate(0.25) == "0.25/s");
  CHECK(format_share(0.9995) == "99.95 %");
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("random text is read or refused, never worse", "[units]") {
  std::mt19937_64 random{6};
  constexpr std::string_view letters = "0123456789.. -+eknumshMKiB/\xff\n";
  for (int round = 0; round < 8'000; ++round) {
    std::string text;
    for (std::uint64_t length = random() % 12; length > 0; --length) text += letters[random() % letters.size()];
    for (const auto& read :
         {std::function<void()>{[&] { (void)parse_duration(text); }}, std::function<void()>{[&] { (void)parse_count(text); }},
          std::function<void()>{[&] { (void)parse_size(text); }}, std::function<void()>{[&] { (void)parse_rate(text); }}}) {
      try {
        read();
      } catch (const Error& error) {
        if (std::string_view{error.what()}.find('\n') != std::string_view::npos) FAIL(error.what());
      }
    }
  }
}

TEST_CASE("a size is printed so that it reads back the same", "[units]") {
  for (const char* text : {"0B", "1B", "1023B", "1KiB", "500MiB", "1536MiB", "2GiB", "2048GiB", "1234567B"}) {
    CHECK(wsbench::exact_size(wsbench::parse_size(text)) == text);
  }
  CHECK(wsbench::parse_size("1.5GB") == 1'500'000'000);
}

TEST_CASE("a number has three digits, and all of those before its point", "[units]") {
  using wsbench::format_number;
  CHECK(format_number(0) == "0");
  CHECK(format_number(1234567.8) == "1,234,568");
  CHECK(format_number(-1234) == "-1,234");
  CHECK(format_number(312.46) == "312");
  CHECK(format_number(12.345) == "12.3");
  CHECK(format_number(-0.0012345) == "-0.00123");
  CHECK(format_number(2.5) == "2.5");
  CHECK(format_number(std::numeric_limits<double>::infinity()) == "n/a");
}
