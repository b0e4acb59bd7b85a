#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <wsbench/failure.hpp>
#include <wsbench/probe.hpp>
#include <wsbench/report.hpp>

namespace wsbench {

/// A header of the upgrade request, or a cookie.
struct Header {
  std::string name{};   ///< "Authorization"
  std::string value{};  ///< sent as it is

  bool operator==(const Header&) const = default;
};

/// What became of one message that expects an answer.
struct Answer {
  std::uint64_t client{0};                    ///< which client, from 0
  std::uint64_t message{0};                   ///< which of its messages that expect an answer, from 0
  std::chrono::nanoseconds response_time{0};  ///< from when it was due until its answer arrived or was given up
  std::chrono::nanoseconds service_time{0};   ///< from just before the write until then
  std::optional<Failure> failure{};           ///< why it was given up; nothing if it was answered
};

/// One outcome as it happens, for people: "Client 0 - Message 0: 45.23 ms", or with why it was given up.
inline std::string to_string(const Answer& answer) {
  const double milliseconds = std::chrono::duration<double, std::milli>(answer.response_time).count();
  const std::string why = answer.failure ? std::string(name(*answer.failure)) + " after " : std::string();
  return fmt::format("Client {} - Message {}: {}{:.2f} ms", answer.client, answer.message, why, milliseconds);
}

class Compression;
class TlsContext;

/// What is about this run and not about the conversation.
struct Options {
  std::uint64_t workers{1};  ///< threads; each has its share of the clients
  std::uint64_t seed{1};     ///< of everything random
  std::string commit{};      ///< which version is tested, for the report to tell; default not known
  /// From so long after the start on, looked at each second, an expectation that all there is so far misses ends the run, which has then
  /// failed; one without data does not. Default: none does.
  std::optional<std::chrono::nanoseconds> abort_on_fail{};
  double connect_rate{1000};                ///< the most first connects a second, arrivals apart; 0: no limit
  std::vector<Header> headers{};            ///< added to every upgrade request; replace its own of the same name
  std::vector<std::string> subprotocols{};  ///< asked for, in order of preference
  std::vector<Header> cookies{};            ///< that every user has from the start; those a server sets come beside them
  std::vector<std::string>
      source_addresses{};            ///< of this machine, numeric, taken in turn: each has 64k ports; default the system's choice
  bool resolve_each_connect{false};  ///< look a host's name up at each connect, and not once
  std::chrono::nanoseconds connect_timeout{std::chrono::seconds{10}};  ///< until the WebSocket is open, from the start of the attempt
  std::chrono::nanoseconds close_timeout{std::chrono::seconds{2}};     ///< how long the closing handshake may take
  std::shared_ptr<const TlsContext> tls{};  ///< what speaks `wss://`: `wsbench::tls()` of `wsbench/tls.hpp`; without it there is none
  std::shared_ptr<const Compression>
      deflate{};                   ///< compresses messages, where the server agrees: `wsbench::deflate()` of `wsbench/deflate.hpp`
  std::uint64_t fragment_size{0};  ///< messages are sent in frames of at most so many bytes; 0: each in one
  std::uint64_t reconnect_attempts{
      0};  ///< in a row, to make a lost connection again and begin the conversation anew; 0: a user who loses it leaves
  std::chrono::nanoseconds reconnect_delay{std::chrono::milliseconds{100}};  ///< from a loss to the first attempt to connect again, at most
  std::chrono::nanoseconds reconnect_delay_max{std::chrono::seconds{10}};    ///< what it doubles up to; open for so long, it starts over
  std::chrono::nanoseconds ping_every{0};                           ///< how often each connection is asked whether it is alive; 0: never
  std::chrono::nanoseconds ping_timeout{std::chrono::seconds{10}};  ///< how long its pong may take; without one it is given up
  std::uint64_t max_message_size{std::uint64_t{16} << 20U};         ///< largest message accepted from the server, in bytes
  std::vector<Probe> probes{};                                      ///< what is read beside the load, from just before its first client on
  std::chrono::nanoseconds probe_every{std::chrono::seconds{1}};    ///< how often each of them is read
  std::chrono::nanoseconds probe_timeout{std::chrono::seconds{5}};  ///< how long a reading may take; then it has failed
  std::chrono::nanoseconds probe_after{0};                          ///< for how long they are read on after the load has ended
  std::function<void(const Answer&)> on_answer{};                   ///< told of every outcome, on the worker's thread; default nobody
  std::function<void(const Report&)> on_snapshot{};  ///< told of everything so far each second and at the end, on a thread of its own
};

}  // namespace wsbench
