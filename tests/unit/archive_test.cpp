#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <wsbench/archive.hpp>

#include "catch.hpp"
#include "support/judged_reports.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using support::TemporaryFolder;
using wsbench::Archive;
using wsbench::Report;
using wsbench::RunRecord;

namespace {

RunRecord run_at(std::chrono::nanoseconds since_first, const std::string& scenario = "light",
                 const std::string& commit = "3f1c9e0a7712b45d") {
  RunRecord record = support::small_record(10);
  record.started_at = std::chrono::system_clock::time_point{} + 1'795'508'301s +
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(since_first);
  record.scenario = scenario;
  record.commit = commit;
  return record;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::size_t entries_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

std::string refusal_of(const std::filesystem::path& file) {
  try {
    wsbench::read_report(file);
  } catch (const wsbench::Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a run that is kept is a file named by date, scenario and commit, and reads back", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path() / "a" / "b");
  archive.prepare();
  const Report report{run_at(123'456us)};
  const std::filesystem::path file = archive.keep(report);
  CHECK(file.filename() == "2026-11-24T081821.123456000Z-light-3f1c9e0a7712.json");
  CHECK(wsbench::read_report(file) == report);
  CHECK(archive.files() == std::vector{file});
  CHECK(entries_in(archive.folder()) == 1);
}

TEST_CASE("no run is written over another", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path());
  const Report one{run_at(0ns)};
  RunRecord changed = run_at(0ns);
  changed.interrupted = true;
  const std::filesystem::path first = archive.keep(one);
  const std::string before = content_of(first);
  const std::filesystem::path second = archive.keep(Report{changed});
  CHECK(second.filename() == "2026-11-24T081821.000000000Z-light-3f1c9e0a7712-2.json");
  CHECK(content_of(first) == before);
  CHECK(wsbench::read_report(second) == Report{changed});
  // What a process left behind that was ended in the middle of it is in nobody's way.
  std::ofstream(folder.path() / ".2026-11-24T081821.000000000Z-light-3f1c9e0a7712-3.json.part") << "{";
  CHECK(archive.keep(one).filename() == "2026-11-24T081821.000000000Z-light-3f1c9e0a7712-4.json");
  CHECK(archive.files().size() == 3);
}

TEST_CASE("runs that are kept at the same time are all kept", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path());
  const Report report{run_at(0ns)};
  constexpr int each = 10;
  std::atomic<int> failed{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      try {
        for (int run = 0; run < each; ++run) archive.keep(report);
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failed == 0);
  CHECK(archive.files().size() == 4 * each);
  CHECK(entries_in(folder.path()) == 4 * each);
  for (const std::filesystem::path& file : archive.files()) CHECK(wsbench::read_report(file) == report);
}

TEST_CASE("files are in the order of their runs, and what is no run is not among them", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path());
  std::vector<std::filesystem::path> kept;
  for (const auto time : {2h, 30h, 1h}) kept.push_back(archive.keep(Report{run_at(time)}));
  std::ofstream(folder.path() / "notes.txt") << "not a run";
  std::ofstream(folder.path() / ".hidden.json") << "{";
  std::filesystem::create_directory(folder.path() / "folder.json");
  CHECK(archive.files() == std::vector{kept[2], kept[0], kept[1]});
}

TEST_CASE("any name makes a file in the folder", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path() / "runs");
  archive.prepare();
  const std::string strange = GENERATE(as<std::string>{}, "../../evil", "a/b", std::string("nul\0and\nline", 12), "\xff\xfe", "", "...",
                                       "C:\\x", std::string(10'000, 'x'));
  const Report report{run_at(0ns, strange, strange)};
  const std::filesystem::path file = archive.keep(report);
  CHECK(file.parent_path() == archive.folder());
  CHECK(file.filename().string().size() < 100);
  CHECK(archive.files().size() == 1);
  CHECK(entries_in(folder.path()) == 1);
  CHECK(wsbench::read_report(file).record().metrics == report.record().metrics);
}

TEST_CASE("a file that is no sound report is refused with its name and the place", "[archive]") {
  const TemporaryFolder folder;
  const Archive archive(folder.path());
  const std::filesystem::path file = archive.keep(Report{run_at(0ns)});
  const std::string sound = content_of(file);
  const auto refused = [&](const std::string& content, const std::string& place) {
    std::ofstream(file, std::ios::binary) << content;
    const std::string line = refusal_of(file);
    INFO(line);
    CHECK(line.find(file.filename().string()) != std::string::npos);
    CHECK(line.find(place) != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
  };
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = sound;
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  refused("", "not JSON at line 1");
  refused(sound.substr(0, sound.size() / 2), "cut short");
  refused(edited("\"schema_version\": 1", "\"schema_version\": 2"), "schema_version: was written by a newer version");
  refused(edited("\"answered\": 10", "\"answered\": 9"), "messages.");
  refused("[]", "must be an object");
  CHECK(refusal_of(folder.path() / "gone.json").find("cannot be read") != std::string::npos);
}

TEST_CASE("a folder that cannot be is refused before there is anything to keep", "[archive]") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "file";
  std::ofstream(file) << "in the way";
  CHECK_THROWS_AS(Archive(file).prepare(), wsbench::Error);
  CHECK_THROWS_AS(Archive(file / "below").prepare(), wsbench::Error);
  CHECK_THROWS_AS(Archive(file).files(), wsbench::Error);
  CHECK_THROWS_AS(Archive(folder.path() / "nowhere").files(), wsbench::Error);
  CHECK_THROWS(Archive(folder.path() / "nowhere").keep(Report{run_at(0ns)}));
}

#if defined(__linux__)
TEST_CASE("a run that does not fit on the disk leaves no file", "[archive]") {
  // A file of nothing but errors, as a disk that is full.
  REQUIRE(std::filesystem::exists("/dev/full"));
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder.path() / "full");
  CHECK_THROWS(wsbench::detail::write_whole("x", folder.path() / "full"));
  CHECK(entries_in(folder.path()) == 0);
}
#endif
