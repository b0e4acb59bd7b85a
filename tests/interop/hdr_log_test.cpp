// What HdrHistogram itself, in Java, reads in a log of ours.

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <wsbench/hdr_log.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using wsbench::HdrLogEntry;
using wsbench::Histogram;

namespace {

constexpr auto patience = 60s;
constexpr std::chrono::system_clock::time_point noon{1'795'521'600s};

// A folder of this test's own, gone with it.
class ScratchFolder {
 public:
  ScratchFolder() { REQUIRE(::mkdtemp(name_.data()) != nullptr); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    for (const char* file : {"/log", "/table", "/table.hgrm"}) std::remove((name_ + file).c_str());
    ::rmdir(name_.c_str());
  }

  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_ = "/tmp/wsbench-test-XXXXXX";
};

// What the Java class said of one interval, in nanoseconds.
struct JavaInterval {
  double end_seconds{0};
  std::uint64_t count{0};
  double p50{0};
  double p90{0};
  double p99{0};
  double p99_9{0};
  double p99_99{0};
  double max{0};
};

// Its table has "Timestamp, Int_Count, Int_50%, Int_90%, Int_Max, Total_Count, Total_50%, _90%, _99%, _99.9%, _99.99%, Total_Max".
std::vector<JavaInterval> read_by_java(const std::vector<HdrLogEntry>& entries, const std::string& tag) {
  const ScratchFolder folder;
  std::ofstream(folder.name() + "/log") << wsbench::to_hdr_log(entries, noon);
  std::vector<std::string> command{"java", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/hdrhistogram.jar"};
  for (const char* word : {"org.HdrHistogram.HistogramLogProcessor", "-csv", "-outputValueUnitRatio", "1"}) command.emplace_back(word);
  for (const std::string& word : {std::string("-i"), folder.name() + "/log", std::string("-o"), folder.name() + "/table"}) {
    command.push_back(word);
  }
  if (!tag.empty()) {
    command.emplace_back("-tag");
    command.push_back(tag);
  }
  support::ChildProcess java(command);
  java.close_input();
  REQUIRE(java.wait(patience) == 0);

  std::vector<JavaInterval> intervals;
  std::ifstream table(folder.name() + "/table");
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.front() == '#' || line.front() == '"') continue;
    INFO(line);
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    REQUIRE(fields.size() == 12);
    intervals.push_back({.end_seconds = std::stod(fields[0]),
                         .count = std::stoull(fields[5]),
                         .p50 = std::stod(fields[6]),
                         .p90 = std::stod(fields[7]),
                         .p99 = std::stod(fields[8]),
                         .p99_9 = std::stod(fields[9]),
                         .p99_99 = std::stod(fields[10]),
                         .max = std::stod(fields[11])});
    REQUIRE(std::stoull(fields[1]) <= intervals.back().count);
  }
  return intervals;
}

void require_equal(const JavaInterval& java, const Histogram& histogram) {
  REQUIRE(java.count == histogram.count());
  const auto require_near = [](double theirs, std::optional<nanoseconds> ours) {
    REQUIRE(ours.has_value());
    const auto figure = static_cast<double>(ours->count());
    CAPTURE(theirs, figure);
    REQUIRE(std::abs(theirs - figure) <= figure / 1'000);  // below 1,000 ns: the same
  };
  require_near(java.p50, histogram.percentile(0.5));
  require_near(java.p90, histogram.percentile(0.9));
  require_near(java.p99, histogram.percentile(0.99));
  require_near(java.p99_9, histogram.percentile(0.999));
  require_near(java.p99_99, histogram.percentile(0.9999));
  require_near(java.max, histogram.max());
}

}  // namespace

TEST_CASE("HdrHistogram reads the same counts and percentiles", "[hdr_log]") {
  // 50,000 samples: no percentile falls between two.
  std::mt19937_64 random{1};
  Histogram steady;  // around 50 us
  Histogram stalled;
  Histogram tiny;
  Histogram huge;  // every magnitude there is
  for (int sample = 0; sample < 50'000; ++sample) {
    steady.record(nanoseconds{std::llround(std::lognormal_distribution<double>{std::log(5e4), 1.0}(random))});
    stalled.record(sample % 50 == 0 ? 2s + sample * 1us : 80us + sample * 1ns);
    tiny.record(nanoseconds{static_cast<std::int64_t>(random() % 1'000)});
    huge.record(nanoseconds{static_cast<std::int64_t>(random() >> (1 + random() % 63))});
  }
  const std::vector<HdrLogEntry> entries{
      {"steady", 0s, 10s, steady}, {"stalled", 2s, 8'250ms, stalled}, {"tiny", 2s, 8s, tiny}, {"", 2s, 8s, huge}};
  for (const HdrLogEntry& entry : entries) {
    INFO("tag: " << entry.tag);
    const std::vector<JavaInterval> read = read_by_java(entries, entry.tag);
    REQUIRE(read.size() == 1);
    require_equal(read.front(), entry.histogram);
    REQUIRE(std::abs(read.front().end_seconds - std::chrono::duration<double>(entry.start + entry.length).count()) < 0.002);
  }
}

TEST_CASE("HdrHistogram reads counts of more than 32 bits and the largest value", "[hdr_log]") {
  Histogram histogram;
  histogram.record(5ns, 1'000'000'000'000);
  histogram.record(nanoseconds::max(), 10);
  const std::vector<JavaInterval> read = read_by_java({{"", 0s, 1s, histogram}}, "");
  REQUIRE(read.size() == 1);
  CHECK(read.front().count == histogram.count());
  CHECK(read.front().p50 == 5);
  CHECK(read.front().max == static_cast<double>(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("HdrHistogram adds the intervals of one tag", "[hdr_log]") {
  Histogram first;
  Histogram second;
  for (int sample = 1; sample <= 10'000; ++sample) {
    first.record(sample * 1us);
    second.record(sample * 3us);
  }
  const std::vector<JavaInterval> read = read_by_java({{"a", 0s, 1s, first}, {"a", 1s, 1s, second}}, "a");
  REQUIRE(read.size() == 2);
  require_equal(read[0], first);
  Histogram both = first;
  both.merge(second);
  require_equal(read[1], both);
}
