// Logs of HdrHistogram: what is read, in whatever layout, and written has the same samples, and is from then on the same.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/hdr_log.hpp>

#include "support/fuzzing.hpp"

using support::accepted;
using support::demand;
using wsbench::HdrLogEntry;
using Log = std::vector<HdrLogEntry>;

namespace {

constexpr std::size_t most_memory = std::size_t{16} << 20;

Log written_and_read(const Log& log) {
  Log again;
  const auto read = [&] { again = wsbench::parse_hdr_log(wsbench::to_hdr_log(log, {}), 2 * most_memory); };
  demand(accepted(read), "a log that was written can be read");
  demand(again.size() == log.size(), "it has as many entries");
  return again;
}

// Seconds are read as a double, which holds nanoseconds exactly for a hundred days.
bool same_time(std::chrono::nanoseconds one, std::chrono::nanoseconds other) {
  return std::abs(static_cast<double>((one - other).count())) <= 1e-15 * std::abs(static_cast<double>(one.count()));
}

void require_same(const HdrLogEntry& entry, const HdrLogEntry& again) {
  demand(again.tag == entry.tag, "an entry has its tag");
  demand(same_time(entry.start, again.start) && same_time(entry.length, again.length), "and its times");
  demand(again.histogram.count() == entry.histogram.count(), "and its samples");
  if (entry.histogram.count() == 0) return;
  const auto most = static_cast<double>(entry.histogram.max()->count());
  demand(std::abs(static_cast<double>(again.histogram.max()->count()) - most) <= 0.001 * most, "to three digits");
}

void read(std::string_view text) {
  Log log;
  if (!accepted([&] { log = wsbench::parse_hdr_log(text, most_memory); })) return;
  // Others may write tags that this writer refuses.
  const auto unwritable = [](const HdrLogEntry& entry) { return entry.tag.find_first_of("\t\r\v\f") != entry.tag.npos; };
  if (std::any_of(log.begin(), log.end(), unwritable)) return;
  const Log once = written_and_read(log);
  for (std::size_t number = 0; number < log.size(); ++number) require_same(log[number], once[number]);
  const Log twice = written_and_read(once);
  for (std::size_t number = 0; number < log.size(); ++number) {
    require_same(once[number], twice[number]);
    demand(twice[number].histogram == once[number].histogram, "what was written once is exact");
  }
}

// A log of one entry with these bytes for a histogram, which nothing made up would deflate to.
std::string log_of(std::string_view plain) {
  namespace detail = wsbench::detail;
  const std::string compressed = detail::deflated(std::string(plain));
  std::string encoded;
  detail::put_big_endian(encoded, detail::hdr_compressed_cookie | detail::hdr_word_size);
  detail::put_big_endian(encoded, static_cast<std::uint32_t>(compressed.size()));
  return "Tag=latency,0.5,1.25,7.5," + detail::to_base64(encoded + compressed) + '\n';
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read(support::text_of(data, size));
  read(log_of(support::text_of(data, size)));
  return 0;
}
