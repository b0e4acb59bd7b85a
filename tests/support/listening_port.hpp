#pragma once

#include <cstdint>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "support/eventually.hpp"

namespace support {

/// A port of the loopback interface that nobody listens at, for a server that cannot say which one it took.
inline std::uint16_t free_port() {
  asio::io_context io;
  return asio::ip::tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

/// Whether somebody listens at a port of the loopback interface before patience ends.
inline bool listens_soon(std::uint16_t port) {
  return eventually([port] {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    asio::error_code error;
    socket.connect({asio::ip::address_v4::loopback(), port}, error);
    return !error;
  });
}

}  // namespace support
