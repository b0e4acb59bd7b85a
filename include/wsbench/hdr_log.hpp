#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include <wsbench/error.hpp>
#include <wsbench/histogram.hpp>
#include <wsbench/report.hpp>
#include <wsbench/units.hpp>
#include <wsbench/version.hpp>

/// \file
/// The log that HdrHistogram's tools read and write: text, a line an interval, the counters in the V2 compressed encoding.
///
/// Needs zlib: `find_package(wsbench COMPONENTS hdr_log)` and `wsbench::hdr_log`.

namespace wsbench {

/// One interval of a log: what was recorded under a tag in one stretch of time.
struct HdrLogEntry {
  std::string tag{};                   ///< what was recorded, without commas and white space; empty: no tag
  std::chrono::nanoseconds start{0};   ///< as the line has it: since the log's base time, or since the epoch where it has none
  std::chrono::nanoseconds length{0};  ///< of the interval
  Histogram histogram{};               ///< the samples, taken for nanoseconds

  bool operator==(const HdrLogEntry&) const = default;
};

namespace detail {

inline constexpr std::uint32_t hdr_cookie = 0x1c849303;
inline constexpr std::uint32_t hdr_compressed_cookie = 0x1c849304;
inline constexpr std::uint32_t hdr_word_size_mask = 0xf0;  // of a cookie: the width of fixed counters, which V2 does not have
inline constexpr std::uint32_t hdr_word_size = 0x10;
// HdrHistogram counts in signed 64 bits.
inline constexpr std::uint64_t most_hdr_samples = std::numeric_limits<std::int64_t>::max();

[[noreturn]] inline void refuse_hdr(const std::string& problem) {
  throw Error("hdr_log", problem);
}

inline void require_hdr(bool sound, const char* problem) {
  if (!sound) refuse_hdr(problem);
}

/// Where HdrHistogram counts a value: Histogram's layout is the one with a lowest value of 1 and three digits.
class HdrLayout {
 public:
  /// `lowest` is the smallest value told from 0, `digits` how many are significant; throws Error where there is no such layout.
  HdrLayout(std::int64_t lowest, std::int64_t highest, std::uint32_t digits) {
    require_hdr(digits <= 5, "more than five significant digits");
    require_hdr(lowest >= 1 && highest / 2 >= lowest, "the lowest and the highest value do not fit");
    std::uint64_t finest = 2;
    for (std::uint32_t digit = 0; digit < digits; ++digit) finest *= 10;
    half_bits_ = static_cast<int>(std::bit_width(finest - 1)) - 1;
    unit_bits_ = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(lowest))) - 1;
    require_hdr(unit_bits_ + half_bits_ <= 61, "the lowest value is too large for so many significant digits");
    // Counters come by whole powers of two, of which there are at least two.
    size_ = std::max<std::uint64_t>(2, (index_of(highest) >> half_bits_) + 1) << half_bits_;
  }

  /// How many counters there are up to the highest value.
  std::uint64_t size() const noexcept { return size_; }

  std::uint64_t index_of(std::int64_t value) const noexcept {
    const std::uint64_t units = static_cast<std::uint64_t>(value) >> unit_bits_;
    const int shift = std::max(0, static_cast<int>(std::bit_width(units)) - half_bits_ - 1);
    return (static_cast<std::uint64_t>(shift) << half_bits_) + (units >> shift);
  }

  /// The middle of what a counter counts.
  std::int64_t middle_of(std::uint64_t index) const noexcept {
    const std::uint64_t shift = std::max<std::uint64_t>(1, index >> half_bits_) - 1;
    const std::uint64_t units = index - (shift << half_bits_);
    const auto bits = static_cast<int>(shift) + unit_bits_;
    return static_cast<std::int64_t>((units << bits) + ((std::uint64_t{1} << bits) >> 1));
  }

 private:
  int half_bits_{0};
  int unit_bits_{0};
  std::uint64_t size_{0};
};

inline constexpr std::string_view base64_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t from = 0; from < bytes.size(); from += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - from);
    std::uint32_t group = 0;
    for (std::size_t place = 0; place < 3; ++place) {
      group = group << 8 | (place < count ? static_cast<unsigned char>(bytes[from + place]) : 0U);
    }
    for (std::size_t place = 0; place < 4; ++place) {
      text += place <= count ? base64_letters[group >> (18 - 6 * place) & 63] : '=';
    }
  }
  return text;
}

/// Throws Error for what is not base64 with its padding.
inline std::string from_base64(std::string_view text) {
  require_hdr(text.size() % 4 == 0, "the histogram is not base64, or cut short");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t place = 0; place < text.size(); ++place) {
    const bool padded = place >= text.size() - padding;
    const std::size_t letter = padded ? 0 : base64_letters.find(text[place]);
    require_hdr(letter != base64_letters.npos, "the histogram is not base64");
    group = group << 6 | static_cast<std::uint32_t>(letter);
    if (place % 4 != 3) continue;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(group >> shift & 0xff);
    group = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

template <class Integer>
void put_big_endian(std::string& bytes, Integer value) {
  for (int shift = 8 * static_cast<int>(sizeof value) - 8; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

/// Zig-zag, then seven bits a byte, the lowest first; a ninth byte has eight.
inline void put_zig_zag(std::string& bytes, std::int64_t value) {
  std::uint64_t bits = static_cast<std::uint64_t>(value) << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0);
  for (int place = 0; place < 8 && bits > 0x7f; ++place, bits >>= 7) bytes += static_cast<char>((bits & 0x7f) | 0x80);
  bytes += static_cast<char>(bits);
}

/// Inflates byte by byte, so that however much the bytes inflate to, little of it is in memory.
class InflatedBytes {
 public:
  explicit InflatedBytes(std::string deflated) : deflated_(std::move(deflated)) {
    stream_.next_in = reinterpret_cast<Bytef*>(deflated_.data());
    stream_.avail_in = static_cast<uInt>(deflated_.size());
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  InflatedBytes(const InflatedBytes&) = delete;
  InflatedBytes& operator=(const InflatedBytes&) = delete;
  ~InflatedBytes() { inflateEnd(&stream_); }

  /// Whether there are no more; throws Error where the deflated data is damaged.
  bool at_end() {
    while (next_ == filled_ && !ended_) fill();
    return next_ == filled_;
  }

  /// The next byte; throws Error where there is none.
  std::uint8_t next() {
    require_hdr(!at_end(), "the histogram is shorter than it says");
    return buffer_[next_++];
  }

  template <class Integer>
  Integer next_big_endian() {
    Integer value = 0;
    for (std::size_t place = 0; place < sizeof value; ++place) value = value << 8 | next();
    return value;
  }

 private:
  void fill() {
    stream_.next_out = buffer_.data();
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    require_hdr(result == Z_OK || result == Z_STREAM_END, "the histogram's zlib data is damaged or cut short");
    ended_ = result == Z_STREAM_END;
    require_hdr(!ended_ || stream_.avail_in == 0, "there are bytes after the histogram's zlib data");
    next_ = 0;
    filled_ = buffer_.size() - stream_.avail_out;
  }

  std::string deflated_;
  z_stream stream_{};
  std::array<std::uint8_t, 4096> buffer_{};
  std::size_t next_{0};
  std::size_t filled_{0};
  bool ended_{false};
};

inline std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string result(size, '\0');
  const int outcome = compress(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                               static_cast<uLong>(bytes.size()));
  if (outcome != Z_OK) throw std::bad_alloc();  // the buffer is large enough: nothing else can be wrong
  result.resize(size);
  return result;
}

/// The V2 compressed encoding.
inline std::string encode_hdr(const Histogram& histogram) {
  require_hdr(histogram.count() <= most_hdr_samples, "there are more samples than HdrHistogram can count");
  const std::int64_t highest = std::max<std::int64_t>(2, histogram.max().value_or(std::chrono::nanoseconds{0}).count());
  const HdrLayout layout{1, highest, 3};
  std::string counts;
  std::uint64_t next = 0;
  for (const Histogram::Bin& bin : histogram.bins()) {
    const std::uint64_t index = layout.index_of(bin.value);
    if (index > next) put_zig_zag(counts, -static_cast<std::int64_t>(index - next));
    put_zig_zag(counts, static_cast<std::int64_t>(bin.count));
    next = index + 1;
  }
  std::string plain;
  put_big_endian(plain, hdr_cookie | hdr_word_size);
  put_big_endian(plain, static_cast<std::uint32_t>(counts.size()));
  put_big_endian(plain, std::uint32_t{0});  // normalizing index offset
  put_big_endian(plain, std::uint32_t{3});  // significant digits
  put_big_endian(plain, std::uint64_t{1});  // lowest value told from 0
  put_big_endian(plain, static_cast<std::uint64_t>(highest));
  put_big_endian(plain, std::bit_cast<std::uint64_t>(1.0));  // conversion ratio
  const std::string compressed = deflated(plain + counts);
  std::string encoded;
  put_big_endian(encoded, hdr_compressed_cookie | hdr_word_size);
  put_big_endian(encoded, static_cast<std::uint32_t>(compressed.size()));
  return encoded + compressed;
}

/// Reads the counters of one encoded histogram, of which `left` bytes are left.
class HdrCounts {
 public:
  HdrCounts(InflatedBytes& bytes, std::uint32_t left) : bytes_(bytes), left_(left) {}

  bool at_end() const noexcept { return left_ == 0; }

  /// A count; or a run of counters without samples as a negative number.
  std::int64_t next() {
    std::uint64_t bits = 0;
    for (int shift = 0;; shift += 7) {
      require_hdr(left_ > 0, "the last count is cut short");
      --left_;
      const std::uint64_t byte = bytes_.next();
      if (shift == 56 || byte < 0x80) return undo_zig_zag(bits | byte << shift);
      bits |= (byte & 0x7f) << shift;
    }
  }

 private:
  static std::int64_t undo_zig_zag(std::uint64_t bits) noexcept {
    return static_cast<std::int64_t>(bits >> 1 ^ ((bits & 1) != 0 ? ~std::uint64_t{0} : 0));
  }

  InflatedBytes& bytes_;
  std::uint32_t left_;
};

inline std::uint32_t big_endian_at(const std::string& bytes, std::size_t from) {
  std::uint32_t value = 0;
  for (std::size_t place = from; place < from + 4; ++place) value = value << 8 | static_cast<unsigned char>(bytes[place]);
  return value;
}

/// Reads the V2 compressed encoding; throws Error for anything else.
inline Histogram decode_hdr(const std::string& encoded) {
  constexpr std::size_t head = 8;
  require_hdr(encoded.size() >= head, "the histogram is cut short");
  require_hdr((big_endian_at(encoded, 0) & ~hdr_word_size_mask) == hdr_compressed_cookie,
              "the histogram is not in the V2 compressed encoding");
  require_hdr(big_endian_at(encoded, 4) == encoded.size() - head, "the histogram is not as long as it says");
  InflatedBytes bytes{encoded.substr(head)};
  require_hdr((bytes.next_big_endian<std::uint32_t>() & ~hdr_word_size_mask) == hdr_cookie, "the histogram is not in the V2 encoding");
  HdrCounts counts{bytes, bytes.next_big_endian<std::uint32_t>()};
  require_hdr(bytes.next_big_endian<std::uint32_t>() == 0, "the histogram is shifted, as those of fractions are");
  const auto digits = bytes.next_big_endian<std::uint32_t>();
  const auto lowest = static_cast<std::int64_t>(bytes.next_big_endian<std::uint64_t>());
  const auto highest = static_cast<std::int64_t>(bytes.next_big_endian<std::uint64_t>());
  (void)bytes.next_big_endian<std::uint64_t>();  // the conversion ratio says nothing about whole numbers, and not every writer sets it
  const HdrLayout layout{lowest, highest, digits};

  Histogram histogram;
  for (std::uint64_t index = 0; !counts.at_end();) {
    const std::int64_t count = counts.next();
    const std::uint64_t counters = count < 0 ? -static_cast<std::uint64_t>(count) : 1;
    require_hdr(counters <= layout.size() - index, "there are more counters than the highest value has");
    if (count > 0) {
      require_hdr(static_cast<std::uint64_t>(count) <= most_hdr_samples - histogram.count(), "there are more samples than can be counted");
      histogram.record(std::chrono::nanoseconds{layout.middle_of(index)}, static_cast<std::uint64_t>(count));
    }
    index += counters;
  }
  require_hdr(bytes.at_end(), "the histogram is longer than it says");
  return histogram;
}

/// Whole and all decimal places, which a double would not keep.
inline std::string exact_decimal(std::chrono::nanoseconds value, std::chrono::nanoseconds unit, int places) {
  const std::int64_t count = value.count();
  return fmt::format("{}{}.{:0{}}", count < 0 ? "-" : "", std::abs(count / unit.count()), std::abs(count % unit.count()), places);
}

/// The text up to the next comma or space, which are taken off `line` together with it.
inline std::string_view take_field(std::string_view& line) {
  const std::size_t end = std::min(line.find_first_of(", "), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

inline double read_number(std::string_view field, const char* name) {
  double number = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (error != std::errc{} || end != field.data() + field.size() || !std::isfinite(number)) {
    refuse_hdr(fmt::format("{} must be a number, and is {}", name, in_quotes(field)));
  }
  return number;
}

inline std::chrono::nanoseconds read_seconds(std::string_view field, const char* name) {
  const double seconds = read_number(field, name);
  if (std::abs(seconds) > 9e9) refuse_hdr(fmt::format("{} is {}, which is centuries", name, in_quotes(field)));
  return std::chrono::nanoseconds{std::llround(seconds * 1e9)};
}

inline HdrLogEntry read_hdr_line(std::string_view line) {
  HdrLogEntry entry;
  constexpr std::string_view tag = "Tag=";
  if (line.starts_with(tag)) entry.tag = take_field(line).substr(tag.size());
  entry.start = read_seconds(take_field(line), "StartTimestamp");
  entry.length = read_seconds(take_field(line), "Interval_Length");
  require_hdr(entry.length.count() >= 0, "Interval_Length is negative");
  read_number(take_field(line), "Interval_Max");
  entry.histogram = decode_hdr(from_base64(take_field(line)));
  require_hdr(line.empty(), "there is more after the histogram");
  return entry;
}

}  // namespace detail

/// The entries as a log, in their order, with `base` as its start time and base time.
///
/// Interval_Max is in milliseconds, as HdrHistogram's own tools write it. Throws Error for a tag with a comma or white space in it, and
/// for more than 2^63 - 1 samples.
inline std::string to_hdr_log(const std::vector<HdrLogEntry>& entries, std::chrono::system_clock::time_point base) {
  using namespace std::chrono_literals;
  const double base_seconds = std::chrono::duration<double>(base.time_since_epoch()).count();
  std::string log = fmt::format(
      "#[Written by wsbench {}; values in nanoseconds]\n"
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: {:.3f} (seconds since epoch)]\n"
      "#[BaseTime: {:.3f} (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      version, base_seconds, base_seconds);
  for (const HdrLogEntry& entry : entries) {
    if (entry.tag.find_first_of(", \t\r\n\v\f") != entry.tag.npos) {
      detail::refuse_hdr("the tag " + detail::in_quotes(entry.tag) + " has a comma or white space in it");
    }
    if (!entry.tag.empty()) log += "Tag=" + entry.tag + ',';
    log += detail::exact_decimal(entry.start, 1s, 9) + ',' + detail::exact_decimal(entry.length, 1s, 9) + ',' +
           detail::exact_decimal(entry.histogram.max().value_or(0ns), 1ms, 6) + ',' +
           detail::to_base64(detail::encode_hdr(entry.histogram)) + '\n';
  }
  return log;
}

/// The durations of a report as a log: an interval each under the tags `connect_time`, `latency` (response time), `service_time` and
/// `schedule_lag`, as far as they have samples.
///
/// Connect times are of the whole run, the others of its window after the warm-up. Throws Error for more than 2^63 - 1 samples.
inline std::string to_hdr_log(const Report& report) {
  const RunRecord& record = report.record();
  std::vector<HdrLogEntry> entries;
  const auto add = [&](const char* tag, std::chrono::nanoseconds start, std::chrono::nanoseconds length, const Histogram& histogram) {
    if (histogram.count() > 0) entries.push_back({tag, start, length, histogram});
  };
  const std::chrono::nanoseconds warm_up = record.duration - report.window();
  add("connect_time", std::chrono::nanoseconds{0}, record.duration, record.metrics.connections.connect_time);
  add("latency", warm_up, report.window(), report.messages().response_time);
  add("service_time", warm_up, report.window(), report.messages().service_time);
  add("schedule_lag", warm_up, report.window(), record.metrics.schedule_lag);
  return to_hdr_log(entries, record.started_at);
}

/// Reads a log of any HdrHistogram writer; throws Error, naming the line, for anything that is damaged.
///
/// The encoding holds counters alone: each sample comes back as the middle of its counter, so that of three significant digits minimum,
/// maximum, mean and percentiles are within 0.1 %, and the negative durations are gone. Values are taken for nanoseconds; a log of fewer
/// digits is as coarse here. Comments are passed over, the base time among them. `limit` is how many bytes all counters may take (default
/// 1 GiB): a few bytes of a log can be half a megabyte of counters.
inline std::vector<HdrLogEntry> parse_hdr_log(std::string_view text, std::size_t limit = std::size_t{1} << 30) {
  std::vector<HdrLogEntry> entries;
  std::size_t taken = 0;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#') || line.starts_with("\"StartTimestamp\"")) continue;
    try {
      HdrLogEntry entry = detail::read_hdr_line(line);
      taken += sizeof(HdrLogEntry) + entry.histogram.capacity_bytes();
      detail::require_hdr(taken <= limit, "all histograms up to here take too much memory: split the log");
      entries.push_back(std::move(entry));
    } catch (const Error& error) {
      detail::refuse_hdr(fmt::format("line {}: {}", number, error.problem()));
    }
  }
  return entries;
}

}  // namespace wsbench
