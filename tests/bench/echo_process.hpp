#pragma once

#include <cstdint>
#include <string>

#include <wsbench/echo_server.hpp>

#include "child_process.hpp"

namespace bench {

/// wsbench's echo server in a process of its own.
class EchoProcess {
 public:
  /// Forks: to be called while this process has one thread. It lives for at most `seconds`.
  explicit EchoProcess(unsigned seconds, wsbench::EchoServer::Options options = {})
      : process_("echo server", seconds, [options = std::move(options)](const Channel& parent) { serve(parent, options); }),
        port_(process_.get<std::uint16_t>()) {}

  std::uint16_t port() const noexcept { return port_; }
  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }
  pid_t id() const noexcept { return process_.id(); }

  /// What the server has counted so far.
  wsbench::EchoServer::Counts counts() const {
    process_.put('?');
    return process_.get<wsbench::EchoServer::Counts>();
  }

 private:
  static void serve(const Channel& parent, const wsbench::EchoServer::Options& options) {
    const wsbench::EchoServer server(options);
    parent.put(server.port());
    for (char question{}; parent.get(question);) parent.put(server.counts());
  }

  ChildProcess process_;
  std::uint16_t port_;
};

}  // namespace bench
