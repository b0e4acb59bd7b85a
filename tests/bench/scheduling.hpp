#pragma once

#include <sched.h>

#include <fmt/format.h>

namespace bench {

/// Has this process, and those it forks, run before all else on this machine, where that is allowed, and says so: who sleeps and wakes as
/// often as a client of an open load does, measures on a busy machine what else runs there.
inline void run_before_all_else() {
  sched_param priority{};
  priority.sched_priority = 1;
  const bool allowed = ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
  fmt::print("{}\n", allowed ? "Runs before all else on this machine (SCHED_FIFO)."
                             : "May not run before all else on this machine (SCHED_FIFO): the figures are good only if it is quiet.");
}

}  // namespace bench
