#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <wsbench/probe.hpp>
#include <wsbench/run/process_tree.hpp>
#include <wsbench/units.hpp>

#if defined(__linux__)
#include <unistd.h>
#endif

namespace wsbench {

/// The process of this number; once it has ended there is none, though another gets the number.
struct ByPid {
  int pid{0};
};
/// Every process of this name: its program's ("redis-server") or, where no program has it, its command line's ("server.py").
///
/// They are looked for at each reading, so that one started again is found again. This process is not among them.
struct ByName {
  std::string name{};
};
/// Who listens on this TCP port of this machine; looked for again when all of those have ended.
struct ListeningOn {
  std::uint16_t port{0};
};
/// Which process is watched.
using ProcessSelector = std::variant<ByPid, ByName, ListeningOn>;

namespace detail {

#if defined(__linux__)

/// Finds what a selector means among the processes that there are, and remembers which those were.
class ProcessFinder {
 public:
  explicit ProcessFinder(ProcessSelector which) : which_(std::move(which)) {}

  /// The processes; throws std::runtime_error, saying why, where there is none.
  std::vector<ProcessId> find(const std::vector<ProcessStat>& all) {
    return std::visit([&](const auto& which) { return find(which, all); }, which_);
  }

 private:
  std::vector<ProcessId> find(const ByPid& which, const std::vector<ProcessStat>& all) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const ProcessStat& stat) { return stat.id.pid == which.pid; });
    if (found == all.end()) {
      throw std::runtime_error(known_.empty() ? fmt::format("there is no process {}", which.pid)
                                              : fmt::format("process {} has ended", which.pid));
    }
    if (known_.empty()) known_ = {found->id};
    if (known_.front() != found->id) throw std::runtime_error(fmt::format("process {} has ended, and another has its number", which.pid));
    return known_;
  }

  static std::vector<ProcessId> find(const ByName& which, const std::vector<ProcessStat>& all) {
    constexpr std::size_t longest_name = 15;  // what the kernel keeps of it
    std::vector<ProcessId> found;
    const auto collect = [&](auto is_it) {
      for (const ProcessStat& stat : all) {
        if (stat.id.pid != ::getpid() && is_it(stat)) found.push_back(stat.id);
      }
    };
    if (which.name.size() <= longest_name) collect([&](const ProcessStat& stat) { return stat.name == which.name; });
    if (found.empty()) collect([&](const ProcessStat& stat) { return is_called(stat.id.pid, which.name); });
    if (found.empty()) throw std::runtime_error("no process is called " + in_quotes(which.name));
    return found;
  }

  std::vector<ProcessId> find(const ListeningOn& which, const std::vector<ProcessStat>& all) {
    const auto lives = [&](const ProcessId& id) {
      return std::any_of(all.begin(), all.end(), [&](const ProcessStat& stat) { return stat.id == id; });
    };
    std::erase_if(known_, [&](const ProcessId& id) { return !lives(id); });
    if (!known_.empty()) return known_;
    const std::set<std::string> sockets = sockets_listening_on(which.port);
    for (const ProcessStat& stat : all) {
      if (!sockets.empty() && has_socket(stat.id.pid, sockets)) known_.push_back(stat.id);
    }
    if (known_.empty()) {
      throw std::runtime_error(sockets.empty() ? fmt::format("nothing listens on port {}", which.port)
                                               : fmt::format("this user may not see who listens on port {}", which.port));
    }
    return known_;
  }

  ProcessSelector which_;
  std::vector<ProcessId> known_{};
};

class ProcessReader final : public ProbeReader {
 public:
  explicit ProcessReader(ProcessSelector which) : finder_(std::move(which)) {}

  std::vector<ProbeReading> read(std::chrono::nanoseconds, const std::atomic<bool>&) override {
    const auto now = std::chrono::steady_clock::now();
    const std::vector<ProcessStat> all = all_processes();
    const std::vector<ProcessId> roots = finder_.find(all);
    const ProcessUse use = tree_.look(all, roots, apart(roots), now);
    return {use.cpu ? ProbeReading(*use.cpu) : ProbeReading(NoReadingYet{}), static_cast<double>(use.resident),
            use.files ? ProbeReading(*use.files) : ProbeReading("this user may not see its open files"), static_cast<double>(use.threads)};
  }

 private:
  // Who watches is no part of what it watches, but where it is the very process that was named.
  static int apart(const std::vector<ProcessId>& roots) {
    const int self = ::getpid();
    const bool named = std::any_of(roots.begin(), roots.end(), [self](const ProcessId& id) { return id.pid == self; });
    return named ? 0 : self;
  }

  ProcessFinder finder_;
  ProcessTree tree_{};
};

#else

class ProcessReader final : public ProbeReader {
 public:
  explicit ProcessReader(const ProcessSelector&) {}
  std::vector<ProbeReading> read(std::chrono::nanoseconds, const std::atomic<bool>&) override {
    throw std::runtime_error("processes can be watched on Linux only");
  }
};

#endif

}  // namespace detail

/// A probe that watches a process with all that descend from it: what it uses of the machine, as four figures under `name`.
///
/// `.cpu` is user and system time since the reading before, as a share of one core (1.5: one and a half), in steps of the kernel's clock
/// tick, mostly 10 ms; `.rss` the resident set in bytes, in which several processes count what they share each; `.files` and `.threads` how
/// many it has. A process that has ended is a reading that failed, and says so. Linux only.
inline Probe process_probe(const std::string& name, ProcessSelector which) {
  return Probe(
      {{name + ".cpu", Unit::share}, {name + ".rss", Unit::bytes}, {name + ".files", Unit::count}, {name + ".threads", Unit::count}},
      [which = std::move(which)] { return std::make_unique<detail::ProcessReader>(which); });
}

}  // namespace wsbench
