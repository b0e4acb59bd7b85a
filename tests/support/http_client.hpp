#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

namespace support {

/// What an HTTP server answered; no status where it said nothing.
struct HttpReply {
  int status{0};
  std::string head{};
  std::string body{};
};

/// A connection to a port of the loopback interface on which one writes and reads what one likes.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    const timeval patience{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  /// False where the other end is gone.
  bool write(std::string_view bytes) {
    asio::error_code error;
    asio::write(socket_, asio::buffer(bytes), error);
    return !error;
  }

  /// All that comes until the other end closes; nothing where it does not within ten seconds.
  std::optional<std::string> read_to_end() {
    std::string all;
    for (std::array<char, 65536> buffer{};;) {
      const ssize_t count = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
      if (count < 0 && errno != ECONNRESET) return std::nullopt;
      if (count <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

  /// The answer to what was written.
  HttpReply reply() {
    const std::string all = read_to_end().value_or("");
    const std::size_t end = all.find("\r\n\r\n");
    if (!all.starts_with("HTTP/1.") || end == all.npos) return {};
    return {std::stoi(all.substr(9, 3)), all.substr(0, end), all.substr(end + 4)};
  }

 private:
  asio::io_context io_{};
  asio::ip::tcp::socket socket_{io_};
};

/// Gets a page from a port of the loopback interface; by HTTP/1.0, in which answers are never in chunks.
inline HttpReply http_get(std::uint16_t port, const std::string& target) {
  HttpClient client(port);
  client.write("GET " + target + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  return client.reply();
}

}  // namespace support
