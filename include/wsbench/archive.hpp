#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/csv.hpp>
#include <wsbench/error.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// A path as a message may have it.
inline std::string shown(const std::filesystem::path& path) {
  return '"' + in_one_line(path.string(), 400) + '"';
}

/// A text as part of a file's name, anywhere: what is no ASCII letter, digit, '.', '-' or '_' becomes '_'.
inline std::string file_name_part(std::string_view text, std::size_t most) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
  std::string part{text.substr(0, most)};
  std::replace_if(
      part.begin(), part.end(), [plain](char letter) { return plain.find(letter) == plain.npos; }, '_');
  return part;
}

/// Makes a file; false where there is one of that name.
inline bool create_new(const std::filesystem::path& file) {
  std::FILE* const made = std::fopen(file.string().c_str(), "wbx");
  if (made != nullptr) return std::fclose(made) == 0;
  if (errno == EEXIST) return false;
  throw std::system_error(errno, std::generic_category(), "cannot write " + shown(file));
}

/// Writes a file; one that cannot be written whole is taken away again.
inline void write_whole(const std::string& text, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (out) return;
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  throw std::runtime_error("archive: writing to " + shown(file.parent_path()) + " failed: is the disk full?");
}

}  // namespace detail

/// Reads a run that was kept as JSON; throws Error, naming the file and the place in it, where it cannot be read or is no report.
inline Report read_report(const std::filesystem::path& file) {
  const std::string text = detail::read_whole_file(file.string());
  try {
    return report_from_json(text);
  } catch (const Error& error) {
    throw Error(detail::shown(file), error.what());
  }
}

/// Runs that are kept in a folder, a file for each.
class Archive {
 public:
  explicit Archive(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const noexcept { return folder_; }

  /// Makes the folder where there is none, and throws Error where files cannot be written to it: before a run, and not when it is to be
  /// kept.
  void prepare() const {
    std::error_code problem;
    std::filesystem::create_directories(folder_, problem);
    const std::filesystem::path probe = folder_ / ".probe";
    const bool writable = !problem && static_cast<bool>(std::ofstream(probe));
    std::filesystem::remove(probe, problem);
    if (!writable) throw Error("archive", "cannot write to the folder " + detail::shown(folder_) + ": give one that you may write to");
  }

  /// Keeps a run in a file of its own, whose name begins with the date, and returns which.
  ///
  /// No file is ever written over, and none is seen before it is whole. Throws std::runtime_error where it cannot be written.
  std::filesystem::path keep(const Report& report) const {
    const std::string text = to_json_text(report);
    for (int copy = 1; copy <= most_copies; ++copy) {
      const std::string name = name_of(report.record(), copy);
      std::filesystem::path file = folder_ / name;
      // Whoever makes this one has the name, until the file is there.
      const std::filesystem::path unfinished = folder_ / ('.' + name + ".part");
      if (!detail::create_new(unfinished)) continue;
      if (std::filesystem::exists(file)) {
        std::filesystem::remove(unfinished);
        continue;
      }
      detail::write_whole(text, unfinished);
      std::filesystem::rename(unfinished, file);
      return file;
    }
    throw std::runtime_error("cannot keep the run in " + detail::shown(folder_) + ": there are too many of that name");
  }

  /// The files of the runs, in the order of their names, which is that of their dates; throws Error where the folder cannot be read.
  std::vector<std::filesystem::path> files() const {
    std::error_code problem;
    std::vector<std::filesystem::path> found;
    for (std::filesystem::directory_iterator entry(folder_, problem); !problem && entry != std::filesystem::directory_iterator{};
         entry.increment(problem)) {
      std::error_code unreadable;
      const std::filesystem::path& file = entry->path();
      const bool hidden = file.filename().string().starts_with('.');
      if (!hidden && file.extension() == ".json" && entry->is_regular_file(unreadable)) found.push_back(file);
    }
    if (problem) {
      throw Error("archive",
                  "cannot read the folder " + detail::shown(folder_) + " (" + problem.message() + "): give one that --archive made");
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  static constexpr int most_copies = 1'000;

  // "2026-11-24T081821.123456789Z-light-3f1c9e0a7712.json"
  static std::string name_of(const RunRecord& record, int copy) {
    std::string name = detail::utc_text(record.started_at);
    name.erase(std::remove(name.begin(), name.end(), ':'), name.end());
    if (!record.scenario.empty()) name += '-' + detail::file_name_part(record.scenario, 40);
    if (!record.commit.empty()) name += '-' + detail::file_name_part(record.commit, 12);
    if (copy > 1) name += fmt::format("-{}", copy);
    return name + ".json";
  }

  std::filesystem::path folder_;
};

}  // namespace wsbench
