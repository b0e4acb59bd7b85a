#pragma once

#include <sys/resource.h>

#include <fmt/format.h>

#include <wsbench/run/options.hpp>

#include "commit.hpp"
#include "flags.hpp"

namespace cli {

/// A client is a descriptor: the soft limit is often 1,024 where the hard one is a million.
inline void raise_open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Raises the limit of open files, and makes of what the flags said what the library takes; throws Error for what cannot be.
inline void make_ready(Request& request) {
  raise_open_file_limit();
  request.scenario.behaviour = behaviour_of(request);
  request.options.tls = tls_of(request);
  request.options.deflate = compression_of(request.compressing);
  if (request.options.commit.empty()) request.options.commit = current_commit();
  if (request.output.verbose) {
    request.options.on_answer = [](const wsbench::Answer& answer) { fmt::print("{}\n", to_string(answer)); };
  }
}

}  // namespace cli
