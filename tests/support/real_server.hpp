#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/child_process.hpp"
#include "support/eventually.hpp"

namespace support {

/// The WebSocket servers that nobody here wrote; each echoes, in tests/interop/servers.
enum class Implementation : std::uint8_t { python_websockets, node_ws, aiohttp };

inline std::ostream& operator<<(std::ostream& out, Implementation implementation) {
  switch (implementation) {
    case Implementation::python_websockets: return out << "python3-websockets";
    case Implementation::node_ws: return out << "node-ws";
    case Implementation::aiohttp: return out << "python3-aiohttp";
  }
  return out;
}

/// How a real server behaves, but for aiohttp, which only echoes, compressed where that is offered; by default it answers each message at
/// once and in one piece.
struct Conduct {
  std::chrono::milliseconds delay{0};  ///< before each answer; python_websockets only
  std::uint64_t swallow_every{0};      ///< every nth message over all connections gets no answer; python_websockets only; 0: none
  std::uint64_t pieces{1};             ///< fragments of an answer
  bool ping{false};                    ///< pings before each answer and between its fragments
  std::uint64_t close_after{0};        ///< closes each connection after so many answers; 0: never
  std::uint64_t close_at{0};           ///< closes each connection in place of its nth answer; 0: never
  std::uint16_t close_code{1000};      ///< with which it does
  std::string close_reason{};          ///< with which it does
  bool deflate{false};                 ///< compresses, where a client offers it
  bool no_context_takeover{false};     ///< but each message for itself
  std::string socket{};                ///< a Unix socket to listen at in place of a port; python_websockets only; empty: none
};

/// What a real server counted by itself.
struct ServerCounts {
  std::uint64_t connections{0};
  std::uint64_t received{0};
  std::uint64_t received_binary{0};  ///< of those received
  std::uint64_t received_bytes{0};   ///< payload
  std::uint64_t sent{0};
  std::uint64_t swallowed{0};
  std::uint64_t pings{0};
  std::uint64_t pongs{0};
  std::chrono::nanoseconds handled{0};                 ///< from when messages came until they were answered, added up
  std::map<std::string, std::uint64_t> close_codes{};  ///< what the clients said when they left
  std::vector<std::string> errors{};                   ///< what a client did against RFC 6455; node_ws only
};

inline std::ostream& operator<<(std::ostream& out, const ServerCounts& counts) {
  out << "the server counted " << counts.connections << " connections, " << counts.received << " messages (" << counts.received_binary
      << " binary, " << counts.received_bytes << " bytes), " << counts.sent << " answers, " << counts.swallowed << " swallowed, "
      << counts.pings << " pings, " << counts.pongs << " pongs; close codes:";
  for (const auto& [code, count] : counts.close_codes) out << ' ' << code << " x " << count;
  for (const std::string& error : counts.errors) out << "; " << error;
  return out;
}

/// A WebSocket server that nobody here wrote, in a child process on a port of its own.
class RealServer {
 public:
  /// Listens when it returns; throws if it cannot be started.
  explicit RealServer(Implementation implementation, const Conduct& conduct = {})
      : process_(command(implementation, conduct), {"NODE_PATH=/usr/share/nodejs"}),
        port_(read().at("port").get<std::uint16_t>()),
        socket_(conduct.socket) {}

  std::uint16_t port() const { return port_; }
  std::string url() const { return socket_.empty() ? "ws://127.0.0.1:" + std::to_string(port_) : "ws+unix://" + socket_; }

  /// What it has counted so far.
  ServerCounts counts() {
    process_.write_line("counts");
    const nlohmann::json line = read();
    const auto number = [&](const char* name) { return line.value(name, std::uint64_t{0}); };
    return {.connections = number("connections"),
            .received = number("received"),
            .received_binary = number("received_binary"),
            .received_bytes = number("received_bytes"),
            .sent = number("sent"),
            .swallowed = number("swallowed"),
            .pings = number("pings"),
            .pongs = number("pongs"),
            .handled = std::chrono::nanoseconds{line.value("handled_ns", std::int64_t{0})},
            .close_codes = line.at("close_codes").get<std::map<std::string, std::uint64_t>>(),
            .errors = line.value("errors", std::vector<std::string>{})};
  }

  /// What it counted, once it knows how each of its connections ended, which it may learn after the client; throws if it never does.
  ServerCounts final_counts() {
    ServerCounts latest;
    const bool ended = eventually([&] {
      latest = counts();
      std::uint64_t closed = 0;
      for (const auto& [code, count] : latest.close_codes) closed += count;
      return closed == latest.connections;
    });
    if (!ended) throw std::runtime_error("the server has connections that did not end");
    return latest;
  }

 private:
  static constexpr std::chrono::seconds patience{10};

  static std::vector<std::string> command(Implementation implementation, const Conduct& conduct) {
    const bool python = implementation == Implementation::python_websockets;
    const std::string folder = WSBENCH_TESTS_DIR "/interop/servers/";
    // Debian's Python packages belong to Debian's Python, which need not be the first in PATH.
    std::vector<std::string> words{"/usr/bin/python3", folder + "websockets_server.py"};
    if (implementation == Implementation::node_ws) words = {"node", folder + "ws_server.js"};
    if (implementation == Implementation::aiohttp) return {"/usr/bin/python3", folder + "aiohttp_server.py"};
    for (auto [name, value] : options(conduct)) {
      if (python) {
        std::replace(name.begin(), name.end(), '_', '-');
        words.push_back("--" + name + (value.empty() ? "" : '=' + value));
      } else {
        words.push_back(name + '=' + (value.empty() ? "1" : value));
      }
    }
    return words;
  }

  // Those that are not the default; a switch has no value.
  static std::vector<std::pair<std::string, std::string>> options(const Conduct& conduct) {
    std::vector<std::pair<std::string, std::string>> chosen;
    const auto choose = [&](const char* name, std::uint64_t value, std::uint64_t standard) {
      if (value != standard) chosen.emplace_back(name, std::to_string(value));
    };
    choose("delay_ms", static_cast<std::uint64_t>(conduct.delay.count()), 0);
    choose("swallow_every", conduct.swallow_every, 0);
    choose("pieces", conduct.pieces, 1);
    choose("close_after", conduct.close_after, 0);
    choose("close_at", conduct.close_at, 0);
    choose("close_code", conduct.close_code, 1000);
    if (conduct.ping) chosen.emplace_back("ping", "");
    if (conduct.deflate) chosen.emplace_back("deflate", "");
    if (conduct.no_context_takeover) chosen.emplace_back("no_context_takeover", "");
    if (!conduct.close_reason.empty()) chosen.emplace_back("close_reason", conduct.close_reason);
    if (!conduct.socket.empty()) chosen.emplace_back("socket", conduct.socket);
    return chosen;
  }

  nlohmann::json read() {
    const std::optional<std::string> line = process_.read_line(patience);
    if (!line) throw std::runtime_error("the server said nothing: are python3-websockets and node-ws installed?");
    return nlohmann::json::parse(*line);
  }

  ChildProcess process_;
  std::uint16_t port_;
  std::string socket_;
};

}  // namespace support
