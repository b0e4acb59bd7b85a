#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wsbench::detail {

/// The ids of messages that are settled, as answered or as given up, and whose answers may still come.
///
/// Numbers that follow one another are kept as one run: a server that stands still leaves one, however many messages it costs. Of the runs
/// only the last few are kept.
class RecentIds {
 public:
  /// A message with this id is settled.
  void add(std::uint64_t id) {
    if (!latest_.empty() && id > 0 && id - 1 == latest_.last) {
      latest_.last = id;
      return;
    }
    if (!latest_.empty()) older_.push_back(latest_);
    latest_ = {id, id};
    forget_oldest();
  }

  /// Whether an id is there.
  bool has(std::uint64_t id) const noexcept {
    return latest_.has(id) || std::any_of(older_.begin(), older_.end(), [id](const Run& run) { return run.has(id); });
  }

  /// Takes an id out; false if it is not there.
  bool take(std::uint64_t id) {
    if (latest_.has(id)) {
      const Run before = latest_.cut(id);
      if (!before.empty()) older_.push_back(before);
      forget_oldest();
      return true;
    }
    const auto found = std::find_if(older_.begin(), older_.end(), [id](const Run& run) { return run.has(id); });
    if (found == older_.end()) return false;
    const Run before = found->cut(id);
    if (found->empty()) {
      *found = before;
      if (before.empty()) older_.erase(found);
    } else if (!before.empty()) {
      older_.insert(found, before);
      forget_oldest();
    }
    return true;
  }

 private:
  struct Run {
    std::uint64_t first{1};
    std::uint64_t last{0};

    bool empty() const noexcept { return first > last; }
    bool has(std::uint64_t id) const noexcept { return first <= id && id <= last; }
    // Leaves what comes after an id that it has; returns what came before it.
    Run cut(std::uint64_t id) noexcept {
      const Run before = id > first ? Run{first, id - 1} : Run{};
      *this = id < last ? Run{id + 1, last} : Run{};
      return before;
    }
  };
  static constexpr std::size_t most_runs = 32;

  void forget_oldest() {
    if (older_.size() > most_runs) older_.erase(older_.begin());
  }

  Run latest_{};  // in place: most conversations have but one
  std::vector<Run> older_{};
};

}  // namespace wsbench::detail
