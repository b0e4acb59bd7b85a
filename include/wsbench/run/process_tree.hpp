#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#if defined(__linux__)
#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#endif

namespace wsbench::detail {

/// Which process: its number may be given to another once it has ended, its number with its start time not before the next boot.
struct ProcessId {
  int pid{0};
  std::uint64_t started{0};  ///< in clock ticks since boot

  bool operator==(const ProcessId&) const = default;
  bool operator<(const ProcessId& other) const noexcept { return std::tie(pid, started) < std::tie(other.pid, other.started); }
};

/// What the kernel says of one process (proc(5), /proc/PID/stat).
struct ProcessStat {
  ProcessId id{};
  int parent{0};
  char state{'?'};
  std::string name{};         ///< of its program, cut at 15 bytes
  std::uint64_t own{0};       ///< user and system time, in clock ticks
  std::uint64_t children{0};  ///< the same of the children that it waited for
  std::uint64_t threads{0};
  std::uint64_t resident{0};  ///< in pages

  /// Whether it has ended and only waits to be reaped.
  bool ended() const noexcept { return state == 'Z' || state == 'X'; }
};

#if defined(__linux__)

/// The whole of a file of /proc; nothing where it cannot be read.
inline std::optional<std::string> proc_text(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is written before it is read
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file)) text.append(buffer.data(), count);
  const bool sound = std::ferror(file) == 0;
  std::fclose(file);
  return sound ? std::optional(std::move(text)) : std::nullopt;
}

/// The next word of a text, which is taken off it; empty at its end.
inline std::string_view next_word(std::string_view& text) {
  constexpr std::string_view blanks = " \t\n";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(blanks));
  text.remove_prefix(word.size());
  return word;
}

/// Reads a line of /proc/PID/stat; nothing where it is none.
inline std::optional<ProcessStat> parse_process_stat(std::string_view line) {
  // The name may hold blanks and parentheses; nothing after it does.
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open) return std::nullopt;
  ProcessStat stat;
  if (std::from_chars(line.data(), line.data() + open, stat.id.pid).ec != std::errc{}) return std::nullopt;
  stat.name = line.substr(open + 1, close - open - 1);
  std::string_view rest = line.substr(close + 1);
  const std::string_view state = next_word(rest);
  // Counted from 1, as proc(5) does.
  std::array<std::uint64_t, 25> fields{};
  for (std::size_t field = 4; field < fields.size(); ++field) {
    const std::string_view word = next_word(rest);
    if (word.empty()) return std::nullopt;
    std::from_chars(word.data(), word.data() + word.size(), fields[field]);  // of the few that may be negative none is asked for
  }
  stat.state = state.front();
  stat.parent = static_cast<int>(fields[4]);
  stat.own = fields[14] + fields[15];
  stat.children = fields[16] + fields[17];
  stat.threads = fields[20];
  stat.id.started = fields[22];
  stat.resident = fields[24];
  return stat;
}

/// One process; nothing where there is none.
inline std::optional<ProcessStat> process_stat(int pid) {
  const auto line = proc_text(fmt::format("/proc/{}/stat", pid));
  return line ? parse_process_stat(*line) : std::nullopt;
}

/// What stands in a folder; throws std::system_error where it cannot be read.
inline std::vector<std::string> folder_entries(const std::string& path) {
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) throw std::system_error(errno, std::generic_category(), path);
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  return names;
}

/// Every process that there is, those that have ended left out.
inline std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> all;
  for (const std::string& name : folder_entries("/proc")) {
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    if (auto stat = process_stat(pid); stat && !stat->ended()) all.push_back(*std::move(stat));
  }
  return all;
}

/// How many files a process has open; nothing where it has ended, throws std::system_error where this user may not see them.
inline std::optional<std::size_t> open_files_of(int pid) {
  try {
    return folder_entries(fmt::format("/proc/{}/fd", pid)).size();
  } catch (const std::system_error& error) {
    if (error.code().value() == ENOENT || error.code().value() == ESRCH) return std::nullopt;
    throw;
  }
}

/// Whether a process was started under this name: that of its program, or of the script that an interpreter runs.
inline bool is_called(int pid, std::string_view name) {
  const std::string words = proc_text(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  std::string_view rest = words;
  for (int word = 0; word < 2; ++word) {
    const std::string_view path = rest.substr(0, rest.find('\0'));
    if (!path.empty() && path.substr(path.rfind('/') + 1) == name) return true;
    rest.remove_prefix(std::min(path.size() + 1, rest.size()));
  }
  return false;
}

/// The sockets, by inode, that listen on a TCP port of this machine.
inline std::set<std::string> sockets_listening_on(std::uint16_t port) {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const std::string text = proc_text(table).value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      std::array<std::string_view, 10> columns;
      for (std::string_view& column : columns) column = next_word(line);
      if (columns[3] != "0A") continue;  // it does not listen
      const std::string_view address = columns[1];
      if (address.substr(address.find(':') + 1) == fmt::format("{:04X}", port)) inodes.emplace(columns[9]);
    }
  }
  return inodes;
}

/// Whether a process has one of these sockets open; false where this user may not see.
inline bool has_socket(int pid, const std::set<std::string>& inodes) {
  try {
    const std::string folder = fmt::format("/proc/{}/fd/", pid);
    for (const std::string& entry : folder_entries(folder)) {
      char target[64];  // NOLINT(modernize-avoid-c-arrays): readlink() fills it
      const ssize_t length = ::readlink((folder + entry).c_str(), target, sizeof target);
      std::string_view text(target, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
      constexpr std::string_view prefix = "socket:[";
      if (!text.starts_with(prefix)) continue;
      text.remove_prefix(prefix.size());
      if (inodes.contains(std::string(text.substr(0, text.find(']'))))) return true;
    }
  } catch (const std::system_error&) {
    return false;
  }
  return false;
}

/// What a set of processes uses at one moment.
struct ProcessUse {
  std::optional<double> cpu{};    ///< cores since the moment before; nothing the first time
  std::uint64_t resident{0};      ///< bytes; what several of them share counts for each
  std::optional<double> files{};  ///< open files; nothing where this user may not see them
  std::uint64_t threads{0};
};

/// Some processes with all that descend from them, also from those whose parent has ended since.
class ProcessTree {
 public:
  /// Looks at the roots and their descendants among all processes; `apart` (0: nobody) and what descends from it are left out.
  ProcessUse look(const std::vector<ProcessStat>& all, const std::vector<ProcessId>& roots, int apart,
                  std::chrono::steady_clock::time_point now) {
    const std::map<ProcessId, ProcessStat> members = members_among(all, roots, apart);
    ProcessUse use;
    use.files = 0;
    for (const auto& [id, stat] : members) {
      use.resident += stat.resident;
      use.threads += stat.threads;
      try {
        if (use.files) *use.files += static_cast<double>(open_files_of(id.pid).value_or(0));
      } catch (const std::system_error&) {
        use.files.reset();
      }
    }
    use.resident *= static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (looked_at_ && now > *looked_at_) {
      const double seconds = std::chrono::duration<double>(now - *looked_at_).count();
      use.cpu = static_cast<double>(ticks_since(members)) / static_cast<double>(::sysconf(_SC_CLK_TCK)) / seconds;
    }
    newest_start_ = 0;
    for (const ProcessStat& stat : all) newest_start_ = std::max(newest_start_, stat.id.started);
    members_ = members;
    looked_at_ = now;
    return use;
  }

 private:
  std::map<ProcessId, ProcessStat> members_among(const std::vector<ProcessStat>& all, const std::vector<ProcessId>& roots,
                                                 int apart) const {
    std::map<int, std::vector<const ProcessStat*>> children;
    std::map<ProcessId, const ProcessStat*> by_id;
    for (const ProcessStat& stat : all) {
      if (stat.id.pid == apart) continue;
      children[stat.parent].push_back(&stat);
      by_id[stat.id] = &stat;
    }
    std::vector<ProcessId> to_visit = roots;
    for (const auto& [id, stat] : members_) to_visit.push_back(id);
    std::map<ProcessId, ProcessStat> members;
    while (!to_visit.empty()) {
      const ProcessId id = to_visit.back();
      to_visit.pop_back();
      const auto found = by_id.find(id);
      if (found == by_id.end() || !members.emplace(id, *found->second).second) continue;
      for (const ProcessStat* const child : children[id.pid]) to_visit.push_back(child->id);
    }
    return members;
  }

  // The time of a child that ended is in its parent's, if that waited for it: then the sum over all of them keeps it. Where nobody did,
  // what those that live used themselves is what is known. Neither is ever more than was used.
  std::uint64_t ticks_since(const std::map<ProcessId, ProcessStat>& members) const {
    std::int64_t of_all = 0;
    std::int64_t of_the_living = 0;
    for (const auto& [id, stat] : members) {
      const auto before = members_.find(id);
      // Who joined them, but is older than the last look, used its time elsewhere.
      const bool is_new = before == members_.end();
      if (is_new && id.started < newest_start_) continue;
      const ProcessStat was = is_new ? ProcessStat{} : before->second;
      of_all += static_cast<std::int64_t>(stat.own + stat.children) - static_cast<std::int64_t>(was.own + was.children);
      of_the_living += static_cast<std::int64_t>(stat.own - was.own);
    }
    for (const auto& [id, stat] : members_) {
      if (!members.contains(id)) of_all -= static_cast<std::int64_t>(stat.own + stat.children);
    }
    return static_cast<std::uint64_t>(std::max({of_all, of_the_living, std::int64_t{0}}));
  }

  std::map<ProcessId, ProcessStat> members_{};
  std::optional<std::chrono::steady_clock::time_point> looked_at_{};
  std::uint64_t newest_start_{0};
};

#endif

}  // namespace wsbench::detail
