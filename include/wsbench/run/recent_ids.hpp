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
    if (!runs_.empty() && id > 0 && runs_.back().last == id - 1) {
      runs_.back().last = id;
    } else {
      runs_.push_back({id, id});
      forget_oldest();
    }
  }

  /// Whether an id is there.
  bool has(std::uint64_t id) const noexcept {
    return std::any_of(runs_.begin(), runs_.end(), [id](const Run& run) { return run.first <= id && id <= run.last; });
  }

  /// Takes an id out; false if it is not there.
  bool take(std::uint64_t id) {
    const auto found = std::find_if(runs_.begin(), runs_.end(), [id](const Run& run) { return run.first <= id && id <= run.last; });
    if (found == runs_.end()) return false;
    if (found->first == found->last) {
      runs_.erase(found);
    } else if (found->first == id) {
      ++found->first;
    } else if (found->last == id) {
      --found->last;
    } else {
      const Run before{found->first, id - 1};
      found->first = id + 1;
      runs_.insert(found, before);
      forget_oldest();
    }
    return true;
  }

 private:
  struct Run {
    std::uint64_t first;
    std::uint64_t last;
  };
  static constexpr std::size_t most_runs = 32;

  void forget_oldest() {
    if (runs_.size() > most_runs) runs_.erase(runs_.begin());
  }

  std::vector<Run> runs_{};
};

}  // namespace wsbench::detail
