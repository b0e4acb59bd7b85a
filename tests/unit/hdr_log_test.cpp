#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/hdr_log.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::Error;
using wsbench::HdrLogEntry;
using wsbench::Histogram;
using wsbench::parse_hdr_log;
using wsbench::Report;
using wsbench::to_hdr_log;

namespace {

using Random = std::mt19937_64;

constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();
constexpr std::chrono::system_clock::time_point noon{1'795'521'600s};

// Of values up to a magnitude that is drawn too, so that small and large histograms come up.
Histogram random_histogram(Random& random) {
  Histogram histogram;
  const int least = 1 + static_cast<int>(random() % 63);
  for (std::uint64_t sample = random() % 200; sample > 0; --sample) {
    const std::uint64_t bits = random() >> (least + static_cast<int>(random() % static_cast<std::uint64_t>(64 - least)));
    histogram.record(nanoseconds{static_cast<std::int64_t>(bits)}, random() % 16 == 0 ? random() >> (12 + random() % 52) : 1);
  }
  return histogram;
}

HdrLogEntry only_entry(const std::string& text) {
  std::vector<HdrLogEntry> entries = parse_hdr_log(text);
  REQUIRE(entries.size() == 1);
  return std::move(entries.front());
}

Histogram there_and_back(const Histogram& histogram) {
  return only_entry(to_hdr_log({{"", 0ns, 1s, histogram}}, noon)).histogram;
}

// The line that reading throws; empty if the text was read.
std::string refusal(const std::string& text, std::size_t limit = std::size_t{1} << 30) {
  try {
    (void)parse_hdr_log(text, limit);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool refused(const std::string& text, const std::string& place, const std::string& part) {
  const std::string line = refusal(text);
  INFO("refused with: " << line);
  CHECK(line.starts_with("hdr_log: " + place));
  CHECK(line.find('\n') == line.npos);
  return line.find(part) != line.npos;
}

// What a histogram is encoded from, every field to be damaged.
struct Encoded {
  std::uint32_t compressed_cookie{0x1c849314};
  std::int64_t excess_compressed_length{0};
  std::uint32_t cookie{0x1c849313};
  std::int64_t excess_length{0};
  std::uint32_t offset{0};
  std::uint32_t digits{3};
  std::uint64_t lowest{1};
  std::uint64_t highest{3'600'000'000'000};
  double ratio{1};
  std::string counts{"\x02"};
  std::string after{};  // the zlib data
};

std::string big_endian(std::uint64_t value, int width) {
  std::string bytes;
  for (int place = width - 1; place >= 0; --place) bytes += static_cast<char>(value >> (8 * place) & 0xff);
  return bytes;
}

std::string plain(const Encoded& encoded) {
  const auto length = static_cast<std::uint64_t>(static_cast<std::int64_t>(encoded.counts.size()) + encoded.excess_length);
  return big_endian(encoded.cookie, 4) + big_endian(length, 4) + big_endian(encoded.offset, 4) + big_endian(encoded.digits, 4) +
         big_endian(encoded.lowest, 8) + big_endian(encoded.highest, 8) + big_endian(std::bit_cast<std::uint64_t>(encoded.ratio), 8) +
         encoded.counts;
}

std::string line_around(const std::string& plain_bytes, const Encoded& encoded = {}) {
  const std::string compressed = wsbench::detail::deflated(plain_bytes) + encoded.after;
  const auto length = static_cast<std::uint64_t>(static_cast<std::int64_t>(compressed.size()) + encoded.excess_compressed_length);
  return "0.000,1.000,1.000," + wsbench::detail::to_base64(big_endian(encoded.compressed_cookie, 4) + big_endian(length, 4) + compressed) +
         '\n';
}

std::string line_of(const Encoded& encoded) {
  return line_around(plain(encoded), encoded);
}

bool near(std::optional<nanoseconds> one, std::optional<nanoseconds> other) {
  if (!one || !other) return one == other;
  return std::abs(static_cast<double>((*one - *other).count())) <= 1 + static_cast<double>(other->count()) / 1'000;
}

}  // namespace

TEST_CASE("a log gives back every counter", "[hdr_log]") {
  Random random{1};
  for (int round = 0; round < 300; ++round) {
    const Histogram histogram = random_histogram(random);
    if (histogram.count() > static_cast<std::uint64_t>(int64_max)) continue;
    const Histogram read = there_and_back(histogram);
    INFO("round " << round << ", " << histogram.count() << " samples");
    REQUIRE(read.count() == histogram.count());
    REQUIRE(read.bins() == histogram.bins());
    REQUIRE(near(read.min(), histogram.min()));
    REQUIRE(near(read.max(), histogram.max()));
    REQUIRE(near(read.mean(), histogram.mean()));
    for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) REQUIRE(near(read.percentile(share), histogram.percentile(share)));
    REQUIRE(there_and_back(read) == read);  // what was lost is lost once
  }
}

TEST_CASE("a log holds the smallest, the largest and the most samples there can be", "[hdr_log]") {
  CHECK(there_and_back({}) == Histogram{});
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2'047}, std::int64_t{2'048}, int64_max}) {
    Histogram histogram;
    histogram.record(nanoseconds{value}, static_cast<std::uint64_t>(int64_max));
    CHECK(there_and_back(histogram).bins() == histogram.bins());
    histogram.record(0ns);
    CHECK_THROWS_AS(to_hdr_log({{"", 0ns, 1s, histogram}}, noon), Error);
  }
}

TEST_CASE("entries come back with tag, start and length to the nanosecond", "[hdr_log]") {
  Random random{2};
  const std::vector<HdrLogEntry> entries{
      {"connect_time", 0ns, 10'000'000'019ns, there_and_back(random_histogram(random))},
      {"", 1ns, 0ns, there_and_back(random_histogram(random))},
      {"latency{post}", 86'400s + 999'999'999ns, 1h, there_and_back(random_histogram(random))},
      {"before", -1'500ms, 1s, {}},
  };
  CHECK(parse_hdr_log(to_hdr_log(entries, noon)) == entries);
  CHECK(parse_hdr_log(to_hdr_log(std::vector<HdrLogEntry>{}, noon)).empty());
}

TEST_CASE("a log reads as HdrHistogram's own", "[hdr_log]") {
  Histogram histogram;
  histogram.record(0ns);
  histogram.record(3ns, 64);
  histogram.record(1'234'567ns);
  const std::string log = to_hdr_log({{"a", 1'500ms, 2s, histogram}}, noon + 250ms);
  const std::string head = "#[Written by wsbench " + std::string(wsbench::version) +
                           "; values in nanoseconds]\n"
                           "#[Histogram log format version 1.3]\n"
                           "#[StartTime: 1795521600.250 (seconds since epoch)]\n"
                           "#[BaseTime: 1795521600.250 (seconds since epoch)]\n"
                           "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
                           "Tag=a,1.500000000,2.000000000,1.234567,HISTF";  // every V2 compressed histogram starts so
  CHECK(log.substr(0, head.size()) == head);
  CHECK(std::count(log.begin(), log.end(), '\n') == 6);

  // Once 0; two empty; 64 times 3; empty up to 1,234,567, whose eleven upper bits, 10 shifted off, are counter 10 * 1,024 + 1,205; one.
  const std::string encoded = wsbench::detail::encode_hdr(histogram);
  wsbench::detail::InflatedBytes bytes{encoded.substr(8)};
  std::string inflated;
  while (!bytes.at_end()) inflated += static_cast<char>(bytes.next());
  const int run = 10 * 1'024 + 1'205 - 4;
  const int zig_zag = 2 * run - 1;
  const std::string counts{'\x02',
                           '\x03',
                           '\x80',
                           '\x01',
                           static_cast<char>((zig_zag & 0x7f) | 0x80),
                           static_cast<char>((zig_zag >> 7 & 0x7f) | 0x80),
                           static_cast<char>(zig_zag >> 14),
                           '\x02'};
  CHECK(inflated == plain({.highest = 1'234'567, .counts = counts}));
}

TEST_CASE("a report's log has what was measured", "[hdr_log]") {
  wsbench::MetricsCollector collector;
  const auto label = collector.label("");
  const auto post = collector.label("post");
  collector.connection_opened({.total = 7ms});
  collector.sent(label);
  collector.answered(label, 20ms, 10ms);
  collector.sent(post);
  collector.answered(post, 40ms, 30ms);
  wsbench::RunRecord record;
  record.started_at = noon;
  record.duration = 10s;
  record.configuration.warm_up = 4s;
  record.metrics = collector.snapshot();

  std::vector<HdrLogEntry> entries = parse_hdr_log(to_hdr_log(Report{record}));
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].tag == "connect_time");
  CHECK(entries[0].start == 0s);
  CHECK(entries[0].length == 10s);
  CHECK(entries[0].histogram.bins() == record.metrics.connections.connect_time.bins());
  CHECK(entries[1].tag == "latency");
  CHECK(entries[1].start == 4s);
  CHECK(entries[1].length == 6s);
  CHECK(entries[1].histogram.bins() == record.metrics.messages().response_time.bins());
  CHECK(entries[2].tag == "service_time");
  CHECK(entries[2].start == 4s);
  CHECK(entries[2].histogram.bins() == record.metrics.messages().service_time.bins());

  collector.lagged(3us);
  record.metrics = collector.snapshot();
  entries = parse_hdr_log(to_hdr_log(Report{record}));
  REQUIRE(entries.size() == 4);
  CHECK(entries[3].tag == "schedule_lag");
  CHECK(entries[3].histogram.bins() == record.metrics.schedule_lag.bins());
  CHECK(parse_hdr_log(to_hdr_log(Report{wsbench::RunRecord{}})).empty());
}

TEST_CASE("a tag that would break its line is refused", "[hdr_log]") {
  for (const char* tag : {"a,b", "a b", "a\nb", "\r", "a\tb"}) CHECK_THROWS_AS(to_hdr_log({{tag, 0ns, 1s, {}}}, noon), Error);
}

TEST_CASE("logs of other writers are read", "[hdr_log]") {
  SECTION("with comments, empty lines, other line ends, and spaces for commas") {
    const std::string line = line_of(Encoded{});
    std::string spaced = line.substr(0, line.size() - 1);
    std::replace(spaced.begin(), spaced.end(), ',', ' ');
    const std::string text = "#[BaseTime: 1.5]\r\n\r\n\"StartTimestamp\",\"EndTimestamp\"\r\n" + spaced + "\r\nTag=x,1441753532.57" +
                             line.substr(5, line.size() - 6);  // and no line end after the last
    const std::vector<HdrLogEntry> entries = parse_hdr_log(text);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].tag.empty());
    CHECK(entries[1].tag == "x");
    CHECK(std::chrono::round<std::chrono::microseconds>(entries[1].start) == 1'441'753'532'570ms);
    CHECK(entries[0].histogram == entries[1].histogram);
  }
  SECTION("which write empty counters one by one, and no conversion ratio") {
    const Histogram histogram = only_entry(line_of({.ratio = 0, .counts = std::string{"\0\x01\0\x06", 4}})).histogram;
    CHECK(histogram.bins() == std::vector<Histogram::Bin>{{3, 3}});
  }
  SECTION("that count beyond their highest value, in the counters of its power of two") {
    const Histogram histogram = only_entry(line_of({.highest = 100, .counts = "\xb7\x17\x02"})).histogram;  // 1,500 empty ones
    CHECK(histogram.bins() == std::vector<Histogram::Bin>{{1'500, 1}});
  }
  SECTION("of one digit: 32 counters, then 16 for every power of two") {
    // Counter 32 counts 32 and 33; counter 47 is 62 and 63; counter 48 is 64 to 67.
    const Histogram histogram = only_entry(line_of({.digits = 1, .counts = std::string{"\x3f\x02\x1b\x04\x06", 5}})).histogram;
    CHECK(histogram.bins() == std::vector<Histogram::Bin>{{33, 1}, {63, 2}, {66, 3}});
  }
  SECTION("of a coarser lowest value, which counts in its power of two") {
    const Histogram histogram = only_entry(line_of({.lowest = 1'000, .counts = std::string{"\x09\x02", 2}})).histogram;
    CHECK(histogram.min() == 2'816ns);  // the sixth counter: 5 * 512 to 6 * 512
    CHECK(histogram.count() == 1);
  }
  SECTION("of five digits and every nanosecond there is") {
    const Histogram histogram =
        only_entry(line_of({.digits = 5, .highest = static_cast<std::uint64_t>(int64_max), .counts = "\x01\x02"})).histogram;
    CHECK(histogram.min() == 1ns);
  }
}

TEST_CASE("bytes go to base64 and back", "[hdr_log]") {
  const std::vector<std::pair<std::string, std::string>> pairs{{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
                                                               {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xbe", "/+++"}};
  for (const auto& [bytes, text] : pairs) {
    CHECK(wsbench::detail::to_base64(bytes) == text);
    CHECK(wsbench::detail::from_base64(text) == bytes);
  }
  for (const char* text : {"Z", "Zg=", "Zg", "=Zg=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm-9", "Zm9\x80"}) {
    CHECK_THROWS_AS(wsbench::detail::from_base64(text), Error);
  }
}

TEST_CASE("a damaged log is refused by its line", "[hdr_log]") {
  const std::string sound = line_of(Encoded{});
  REQUIRE(refusal(sound) == "");
  const std::string histogram = sound.substr(18);

  CHECK(refused("#\n\n" + sound + "x," + histogram, "line 4: ", "StartTimestamp must be a number, and is \"x\""));
  CHECK(refused("nan,1,1," + histogram, "line 1: ", "StartTimestamp"));
  CHECK(refused("1e10,1,1," + histogram, "line 1: ", "centuries"));
  CHECK(refused("0,-1,1," + histogram, "line 1: ", "negative"));
  CHECK(refused("0,1s,1," + histogram, "line 1: ", "Interval_Length"));
  CHECK(refused("0,1,," + histogram, "line 1: ", "Interval_Max"));
  CHECK(refused("Tag=a", "line 1: ", "StartTimestamp"));
  CHECK(refused("0,1,1", "line 1: ", "cut short"));
  CHECK(refused("0,1,1," + histogram.substr(0, histogram.size() - 1) + ",1\n", "line 1: ", "more after"));
  CHECK(refused("0,1,1,!" + histogram.substr(1), "line 1: ", "not base64"));
  CHECK(refused("0,1,1," + histogram.substr(1), "line 1: ", "not base64"));
  CHECK(refused("0,1,1," + histogram.substr(0, 8), "line 1: ", "cut short"));
  CHECK(refused(sound.substr(0, sound.size() - 9), "line 1: ", "not as long as it says"));

  const auto refused_for = [](const Encoded& encoded, const std::string& part) { return refused(line_of(encoded), "line 1: ", part); };
  CHECK(refused_for({.compressed_cookie = 0x1c849302}, "V2 compressed"));
  CHECK(refused_for({.compressed_cookie = 0x0c72124f}, "V2 compressed"));
  CHECK(refused_for({.excess_compressed_length = 1}, "not as long as it says"));
  CHECK(refused_for({.excess_compressed_length = -1}, "not as long as it says"));
  CHECK(refused_for({.after = "x"}, "after the histogram's zlib data"));
  CHECK(refused_for({.cookie = 0x1c849301}, "V2 encoding"));
  CHECK(refused_for({.excess_length = 1}, "shorter than it says"));
  CHECK(refused_for({.excess_length = -1}, "longer than it says"));
  CHECK(refused_for({.excess_length = -2}, "shorter than it says"));  // 2^32 - 1
  CHECK(refused_for({.offset = 1}, "shifted"));
  CHECK(refused_for({.digits = 6}, "digits"));
  CHECK(refused_for({.lowest = 0}, "lowest"));
  CHECK(refused_for({.lowest = ~std::uint64_t{0}}, "lowest"));
  CHECK(refused_for({.lowest = 2, .highest = 3}, "lowest"));
  CHECK(refused_for({.highest = ~std::uint64_t{0}}, "lowest"));
  CHECK(refused_for({.lowest = std::uint64_t{1} << 61, .highest = static_cast<std::uint64_t>(int64_max)}, "lowest"));
  CHECK(refused_for({.counts = "\x80"}, "cut short"));
  CHECK(refusal(line_of({.highest = 2'047, .counts = "\xfd\x1f\x02"})) == "");        // a sample in the last of 2,048
  CHECK(refused_for({.highest = 2'047, .counts = "\xff\x1f\x02"}, "more counters"));  // and in the one after it
  CHECK(refused_for({.highest = 2'047, .counts = "\x81\x20"}, "more counters"));      // 2,049 empty ones
  CHECK(refused_for({.counts = std::string(9, '\xff')}, "more counters"));            // -2^63
  CHECK(refused_for({.counts = "\xfe" + std::string(8, '\xff') + "\x02"}, "more samples"));

  std::string damaged = line_of(Encoded{});
  damaged[40] = damaged[40] == 'A' ? 'B' : 'A';
  CHECK(refused(damaged, "line 1: ", "zlib"));
}

TEST_CASE("however a log is damaged, it is read or refused", "[hdr_log]") {
  Random random{3};
  const auto damage = [&random](std::string text) {
    for (std::uint64_t blow = 1 + random() % 3; blow > 0 && !text.empty(); --blow) {
      const std::size_t place = random() % text.size();
      switch (random() % 4) {
        case 0: text[place] = static_cast<char>(random()); break;
        case 1: text.erase(place, 1 + random() % 8); break;
        case 2: text.insert(place, 1, static_cast<char>(random())); break;
        default: text.resize(place); break;
      }
    }
    return text;
  };
  int refusals = 0;
  const auto outlive = [&refusals](const std::string& text) {
    try {
      (void)parse_hdr_log(text);
    } catch (const Error&) {
      ++refusals;
    }
  };
  for (int round = 0; round < 800; ++round) {
    const Histogram histogram = random_histogram(random);
    if (histogram.count() > static_cast<std::uint64_t>(int64_max)) continue;
    outlive(damage(to_hdr_log({{"a", 0ns, 1s, histogram}}, noon)));
    // Below the check sum of zlib, where nothing else keeps damage away.
    wsbench::detail::InflatedBytes bytes{wsbench::detail::encode_hdr(histogram).substr(8)};
    std::string inflated;
    while (!bytes.at_end()) inflated += static_cast<char>(bytes.next());
    outlive(line_around(damage(inflated)));
  }
  CHECK(refusals > 800);
}

TEST_CASE("a small log cannot take much memory", "[hdr_log]") {
  SECTION("by zlib data that inflates to a thousand times its size") {
    const std::string zeros(10'000'000, '\0');
    const std::string line = line_of({.counts = zeros});
    REQUIRE(line.size() < 20'000);
    CHECK(refused(line, "line 1: ", "more counters"));
    CHECK(refused(line_of({.excess_length = 1 - static_cast<std::int64_t>(zeros.size()), .counts = zeros}), "line 1: ", "longer"));
  }
  SECTION("by many histograms with one large value") {
    Histogram histogram;
    histogram.record(nanoseconds::max());
    const std::vector<HdrLogEntry> entries(10, {"a", 0ns, 1s, histogram});
    const std::string log = to_hdr_log(entries, noon);
    REQUIRE(log.size() < 2'000);
    CHECK(refusal(log, 10 * (histogram.capacity_bytes() + sizeof(HdrLogEntry))) == "");
    const std::string line = refusal(log, 9 * (histogram.capacity_bytes() + sizeof(HdrLogEntry)));
    CHECK(line.starts_with("hdr_log: line 15: "));
    CHECK(line.find("memory") != line.npos);
  }
}
