#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/peer_socket.hpp"

namespace support {

/// A socket bound to a port of its own on 127.0.0.1, which nobody answers at as long as it does not listen.
class BoundSocket {
 public:
  BoundSocket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "bind");
    }
    port_ = ntohs(address.sin_port);
  }
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;
  ~BoundSocket() { ::close(descriptor_); }

  void listen(int backlog = 128) const {
    if (::listen(descriptor_, backlog) != 0) throw std::system_error(errno, std::generic_category(), "listen");
  }
  int get() const noexcept { return descriptor_; }
  std::uint16_t port() const noexcept { return port_; }
  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

 private:
  int descriptor_;
  std::uint16_t port_{0};
};

/// A server on 127.0.0.1 that treats each connection, in a thread of its own, as it is told; the connection ends when that returns.
class MisbehavingServer {
 public:
  using Conduct = std::function<void(PeerSocket&)>;

  /// `receive_buffer` bounds what the kernel takes for a server that does not read, in bytes; 0: the system's default.
  explicit MisbehavingServer(Conduct conduct, int receive_buffer = 0) : conduct_(std::move(conduct)) {
    if (receive_buffer > 0) ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    socket_.listen();
    accepting_ = std::thread([this] { accept(); });
  }
  MisbehavingServer(const MisbehavingServer&) = delete;
  MisbehavingServer& operator=(const MisbehavingServer&) = delete;
  ~MisbehavingServer() {
    ::eventfd_write(stop_signal_, 1);
    accepting_.join();
    for (std::thread& conversation : conversations_) conversation.join();
    ::close(stop_signal_);
  }

  std::string url() const { return socket_.url(); }
  /// How many connections it took.
  std::uint64_t connections() const noexcept { return connections_; }

 private:
  void accept() {
    for (;;) {
      std::array<pollfd, 2> watched{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_signal_, POLLIN, 0}};
      ::poll(watched.data(), watched.size(), -1);
      if (watched[1].revents != 0) return;
      const int descriptor = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) continue;
      ++connections_;
      conversations_.emplace_back([this, descriptor] {
        PeerSocket peer{descriptor, stop_signal_};
        conduct_(peer);
      });
    }
  }

  Conduct conduct_;
  BoundSocket socket_{};
  int stop_signal_{::eventfd(0, EFD_CLOEXEC)};
  std::atomic<std::uint64_t> connections_{0};
  std::vector<std::thread> conversations_{};
  std::thread accepting_{};
};

}  // namespace support
