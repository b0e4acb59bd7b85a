#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <wsbench/behaviour.hpp>
#include <wsbench/expectation.hpp>
#include <wsbench/load.hpp>

namespace wsbench {

/// A load test's conversation and load: who is there, when they speak, what they say, and what is expected of the server.
struct Scenario {
  std::string name{"custom"};           ///< what reports call it
  Population clients{};                 ///< who is there; at least one
  std::chrono::nanoseconds ramp_up{0};  ///< the clients start evenly spread over this time; 0: as fast as `Options::connect_rate` allows
  std::uint64_t messages{0};  ///< turns of each client (at a rate: on average); 0: as many as the duration allows, one for who arrives
  std::chrono::nanoseconds duration{0};  ///< turns are taken until then; 0: to the end of the stages, or until the messages are through
  std::chrono::nanoseconds warm_up{0};   ///< messages due before then are recorded apart and are in no figure
  Pace pace{};                           ///< when the next message is due; default flat out
  std::uint64_t in_flight{0};            ///< messages of a client that may wait for answers before its next turn; 0: 1, at a rate 10,000
  std::chrono::nanoseconds timeout{std::chrono::seconds{5}};  ///< how long an answer may take, from the send
  Behaviour behaviour{};                                      ///< what a client does; default `echo()`
  std::vector<Expectation> expect{};                          ///< what must hold for the run to pass
};

/// The scenario with everything filled in that follows from the rest: behaviour, duration, messages, in-flight bound.
inline Scenario resolved(Scenario scenario, const Behaviour& default_behaviour) {
  if (!scenario.behaviour) scenario.behaviour = default_behaviour;
  if (scenario.duration.count() == 0) scenario.duration = std::max(length_of(scenario.clients.stages()), length_of(scenario.pace.stages()));
  if (scenario.messages == 0 && scenario.clients.kind() == Population::Kind::arrivals) scenario.messages = 1;
  if (scenario.in_flight == 0) scenario.in_flight = scenario.pace.open() ? 10'000 : 1;
  return scenario;
}

}  // namespace wsbench
