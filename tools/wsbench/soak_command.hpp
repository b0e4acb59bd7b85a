#pragma once

#include <chrono>

#include <CLI/CLI.hpp>

#include <wsbench/scenarios.hpp>

#include "flags.hpp"

namespace cli {

/// What `wsbench soak` does unless flags say otherwise: a load that a server stands for long, read on for a while after it.
inline Request soak_request() {
  Request request;
  request.soak = true;
  request.scenario.name = "soak";
  request.scenario.clients = 200;
  request.scenario.duration = std::chrono::hours{1};
  request.scenario.pace = wsbench::think(std::chrono::seconds{1});
  request.options.probe_after = std::chrono::seconds{30};
  return request;
}

/// What only a soak has.
inline void add_soak(CLI::App& app, Request& request) {
  add_duration(app, "--after", request.options.probe_after, "Watch the server on for so long after the load: does its memory come back?");
}

}  // namespace cli
