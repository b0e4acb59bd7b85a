#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/child_process.hpp"
#include "support/temporary_folder.hpp"

namespace support {

/// What the consumers of a Channels server counted by themselves.
struct ChannelsCounts {
  std::map<std::string, std::uint64_t> heard{};  ///< by operation
  std::map<std::string, std::uint64_t> said{};   ///< by operation
  std::map<std::string, std::uint64_t> gone{};   ///< connections that ended, by close code
};

inline std::ostream& operator<<(std::ostream& out, const ChannelsCounts& counts) {
  const auto list = [&](const char* what, const std::map<std::string, std::uint64_t>& all) {
    out << what;
    for (const auto& [name, count] : all) out << ' ' << count << " x " << name;
  };
  list("the server heard", counts.heard);
  list(", said", counts.said);
  list(", and saw go", counts.gone);
  return out;
}

/// The chat room of tests/interop/channels, with a Redis of its own that speaks through a socket in a temporary folder.
class ChannelsServer {
 public:
  /// Listens when it returns; throws if it cannot be started.
  ChannelsServer() {
    for (std::optional<std::string> line; !line || line->find("ready to accept connections") == std::string::npos;) {
      line = redis_.read_line(patience);
      if (!line) throw std::runtime_error("Redis did not start: is redis-server installed?");
    }
    // Debian's Python packages belong to Debian's Python, which need not be the first in PATH.
    daphne_.emplace(std::vector<std::string>{"/usr/bin/python3", WSBENCH_TESTS_DIR "/interop/channels/server.py"},
                    std::vector<std::string>{"REDIS_URL=unix://" + socket(), "PYTHONDONTWRITEBYTECODE=1"});
    port_ = read().at("port").get<std::uint16_t>();
  }

  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_) + "/chat"; }

  /// The processes: of Daphne, in which the consumers are, and of Redis.
  int daphne() const { return daphne_->pid(); }
  int redis() const { return redis_.pid(); }

  /// What it has counted so far.
  ChannelsCounts counts() {
    using Counts = std::map<std::string, std::uint64_t>;
    daphne_->write_line("counts");
    const nlohmann::json line = read();
    return {line.at("heard").get<Counts>(), line.at("said").get<Counts>(), line.at("gone").get<Counts>()};
  }

 private:
  static constexpr std::chrono::seconds patience{20};

  std::string socket() const { return (folder_.path() / "redis").string(); }

  nlohmann::json read() {
    const std::optional<std::string> line = daphne_->read_line(patience);
    if (!line) throw std::runtime_error("Channels said nothing: are daphne, python3-django-channels and python3-channels-redis installed?");
    return nlohmann::json::parse(*line);
  }

  TemporaryFolder folder_{};
  ChildProcess redis_{{"redis-server", "--port", "0", "--unixsocket", socket(), "--save", "", "--dir", folder_.path().string()}};
  std::optional<ChildProcess> daphne_{};
  std::uint16_t port_{0};
};

}  // namespace support
