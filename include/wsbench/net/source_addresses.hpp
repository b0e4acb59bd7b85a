#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/net/stream.hpp>

#if defined(__linux__)
#include <netinet/in.h>
#include <sys/socket.h>
#endif

namespace wsbench::detail {

/// The addresses of this machine that connections are made from, in turn: each has its own 64k ports to a server.
class SourceAddresses {
 public:
  /// Numeric ones; with none the system chooses.
  explicit SourceAddresses(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) addresses_.push_back(asio::ip::make_address(address));
  }

  /// Binds a closed socket to the next one that can reach `to`; does nothing where the system chooses. Returns what was wrong.
  asio::error_code bind(Socket& socket, const asio::generic::stream_protocol::endpoint& to) {
    asio::error_code error;
    if (addresses_.empty() || !is_internet(to)) return error;
    const auto family = to.protocol().family();
    for (std::size_t tried = 0; tried < addresses_.size(); ++tried) {
      const asio::ip::tcp::endpoint from(addresses_[next_], 0);
      next_ = (next_ + 1) % addresses_.size();
      if (from.protocol().family() != family) continue;
      socket.open(to.protocol(), error);
      if (error) return error;
      choose_port_late(socket);
      socket.bind(from, error);
      return error;
    }
    return asio::error::address_family_not_supported;
  }

  /// Whether an endpoint is reached over a network, and not a Unix socket.
  static bool is_internet(const asio::generic::stream_protocol::endpoint& endpoint) {
    const auto family = endpoint.protocol().family();
    return family == asio::ip::tcp::v4().family() || family == asio::ip::tcp::v6().family();
  }

 private:
  // A port that is taken when the socket is bound is taken for every server; taken when it connects, for that one alone (Linux 4.2).
  static void choose_port_late(Socket& socket) {
#if defined(IP_BIND_ADDRESS_NO_PORT)
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
#else
    static_cast<void>(socket);
#endif
  }

  std::vector<asio::ip::address> addresses_{};
  std::size_t next_{0};
};

}  // namespace wsbench::detail
