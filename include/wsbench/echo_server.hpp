#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <wsbench/compilation.hpp>
#include <wsbench/run/echo_options.hpp>

namespace wsbench {

namespace detail {
class EchoService;
}

/// A WebSocket echo server in a thread of its own, which knows the truth about what it was asked and what it answered.
class EchoServer {
 public:
  using Options = EchoServerOptions;

  /// What happened so far.
  struct Counts {
    std::uint64_t connections{0};  ///< opened, handshake included
    std::uint64_t open{0};         ///< of those: still open
    std::uint64_t messages{0};     ///< received
    std::uint64_t answered{0};     ///< of those: sent back; to all, each delivery counts
    std::uint64_t swallowed{0};    ///< of those: deliberately not

    bool operator==(const Counts&) const = default;
  };

  /// Listens when it returns; throws Error if it cannot.
  explicit EchoServer(Options options = {});
  EchoServer(EchoServer&& other) noexcept;
  EchoServer& operator=(EchoServer&& other) noexcept;
  ~EchoServer();

  /// Where it listens: "ws://127.0.0.1:43121", "ws+unix:///tmp/echo.socket".
  std::string url() const;
  /// The port it listens at; 0 at a Unix socket.
  std::uint16_t port() const noexcept;
  /// What happened so far; from any thread.
  Counts counts() const noexcept;
  /// Has it neither read nor write for this long, from now on; returns at once.
  void stall(std::chrono::nanoseconds length);
  /// Closes every connection and stops listening; the destructor does the same.
  void stop();

 private:
  std::unique_ptr<detail::EchoService> service_;
};

}  // namespace wsbench

#if WSBENCH_ENGINE_IS_HERE

#include <thread>

#include <wsbench/net/url.hpp>
#include <wsbench/run/echo_service.hpp>

namespace wsbench {

WSBENCH_DEFINITION EchoServer::EchoServer(Options options) : service_(std::make_unique<detail::EchoService>(std::move(options))) {}
WSBENCH_DEFINITION EchoServer::EchoServer(EchoServer&& other) noexcept = default;
WSBENCH_DEFINITION EchoServer& EchoServer::operator=(EchoServer&& other) noexcept = default;
WSBENCH_DEFINITION EchoServer::~EchoServer() = default;

WSBENCH_DEFINITION std::string EchoServer::url() const {
  if (!service_->options.socket.empty()) return "ws+unix://" + service_->options.socket;
  const bool secure = service_->options.tls != nullptr;
  return (secure ? "wss://" : "ws://") + detail::Url{secure, service_->options.address, service_->port, "/"}.authority();
}
WSBENCH_DEFINITION std::uint16_t EchoServer::port() const noexcept {
  return service_->port;
}
WSBENCH_DEFINITION EchoServer::Counts EchoServer::counts() const noexcept {
  return {service_->connections, service_->open, service_->messages, service_->answered, service_->swallowed};
}
WSBENCH_DEFINITION void EchoServer::stall(std::chrono::nanoseconds length) {
  service_->loop.post([length] { std::this_thread::sleep_for(length); });
}
WSBENCH_DEFINITION void EchoServer::stop() {
  service_->stop();
}

}  // namespace wsbench

#endif
