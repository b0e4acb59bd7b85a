#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <websocketpp/base64/base64.hpp>
#include <websocketpp/sha1/sha1.hpp>

#include "support/frames.hpp"
#include "support/unread_bytes.hpp"

namespace support {

/// A message that a client sent.
struct ClientFrame {
  std::uint8_t opcode{0};
  std::string payload{};   ///< unmasked
  bool fin{true};          ///< its message ends with it
  bool compressed{false};  ///< RSV1
};

/// The server's end of one client's connection: blocking calls, each of which also returns when the client is gone or the server stops.
class PeerSocket {
 public:
  /// Takes a connected socket; `stop_signal` is readable once the server stops.
  PeerSocket(int descriptor, int stop_signal) noexcept : descriptor_(descriptor), stop_signal_(stop_signal) {}
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;
  ~PeerSocket() { end(); }

  int get() const noexcept { return descriptor_; }

  /// Writes bytes as they are; false if the client was gone first.
  bool write(std::string_view bytes) {
    while (!bytes.empty() && ready(POLLOUT)) {
      const ssize_t written = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (written < 0 && !transient()) return false;
      if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return bytes.empty();
  }

  /// Waits until the client has read all that was written, or is gone, so that what is written next is a read of its own.
  void wait_until_read() const {
    const UnreadBytes unread(descriptor_);
    while (unread.count() > 0) std::this_thread::yield();
  }

  /// Reads the head of the upgrade request, up to and including the empty line.
  std::string read_request() {
    while (unread_.find("\r\n\r\n") == unread_.npos) {
      if (!read_more()) return {};
    }
    const std::size_t end = unread_.find("\r\n\r\n") + 4;
    std::string request = unread_.substr(0, end);
    unread_.erase(0, end);
    return request;
  }

  /// What the server has to say to the key in a request (RFC 6455 section 4.2.2).
  static std::string accept_key(std::string_view request) {
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t at = request.find(name);
    if (at == request.npos) return {};
    const std::string_view value = request.substr(at + name.size());
    const std::string keyed = std::string(value.substr(0, value.find("\r\n"))) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, 20> digest{};
    websocketpp::sha1::calc(keyed.data(), keyed.size(), digest.data());
    return websocketpp::base64_encode(digest.data(), digest.size());
  }

  /// The right answer to a request; `extra` are further header lines, each with its line end.
  static std::string agreement(std::string_view request, std::string_view extra = {}) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(request) +
           "\r\n" + std::string(extra) + "\r\n";
  }

  /// Does the opening handshake as a server should, and writes `first_bytes` in one go with its answer; false if the client was gone first.
  bool upgrade(std::string_view first_bytes = {}) {
    const std::string request = read_request();
    return !request.empty() && write(agreement(request).append(first_bytes));
  }

  /// The next frame of the client; nothing if the client was gone first.
  std::optional<ClientFrame> read_frame() {
    const auto byte = [this](std::size_t at) { return static_cast<std::uint64_t>(static_cast<unsigned char>(unread_[at])); };
    if (!have(2)) return std::nullopt;
    std::uint64_t length = byte(1) & 0x7FU;
    const std::size_t length_bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
    const std::size_t head = 2 + length_bytes + 4;  // a client masks (RFC 6455 section 5.1)
    if (!have(head)) return std::nullopt;
    if (length_bytes > 0) length = 0;
    for (std::size_t at = 2; at < 2 + length_bytes; ++at) length = length << 8U | byte(at);
    if (!have(head + length)) return std::nullopt;

    ClientFrame frame{static_cast<std::uint8_t>(byte(0) & 0x0FU), unread_.substr(head, length), (byte(0) & 0x80U) != 0,
                      (byte(0) & 0x40U) != 0};
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
      frame.payload[i] = static_cast<char>(frame.payload[i] ^ unread_[head - 4 + i % 4]);
    }
    unread_.erase(0, head + length);
    return frame;
  }

  /// The next text or binary message; nothing if the client closed or was gone first.
  std::optional<ClientFrame> read_message() {
    for (;;) {
      std::optional<ClientFrame> next = read_frame();
      if (!next || next->opcode == close_opcode) return std::nullopt;
      if (next->opcode == text_opcode || next->opcode == binary_opcode) return next;
    }
  }

  /// The status with which the client closes, whatever it says before; 1005 if it gives none, nothing if it was gone first.
  std::optional<std::uint16_t> read_close_code() {
    for (;;) {
      const std::optional<ClientFrame> next = read_frame();
      if (!next) return std::nullopt;
      if (next->opcode != close_opcode) continue;
      if (next->payload.size() < 2) return std::uint16_t{1005};
      const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(next->payload[at])); };
      return static_cast<std::uint16_t>(byte(0) << 8U | byte(1));
    }
  }

  /// Answers messages as they came until the client closes, and closes as a server should.
  void echo() {
    while (const std::optional<ClientFrame> message = read_message()) {
      if (!write(frame(message->payload, {.opcode = message->opcode}))) return;
    }
    write(close_frame(1000));
  }

  /// Reads and says nothing until the client is gone.
  void listen_in_silence() {
    while (read_more()) unread_.clear();
  }

  /// Reads nothing until the server stops.
  void ignore() const {
    pollfd stop{stop_signal_, POLLIN, 0};
    while (::poll(&stop, 1, -1) <= 0) {
    }
  }

  /// Ends the connection as `close()` does, without a word of WebSocket.
  void end() {
    if (descriptor_ < 0) return;
    // Unread bytes would turn the end into a reset.
    ::shutdown(descriptor_, SHUT_WR);
    std::array<char, 4096> rest{};
    while (::recv(descriptor_, rest.data(), rest.size(), MSG_DONTWAIT) > 0) {
    }
    ::close(std::exchange(descriptor_, -1));
  }

  /// Resets the connection.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(descriptor_, -1));
  }

 private:
  static bool transient() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

  // Waits until the client's socket is ready; false if the server stops first, except that what has come is read all the same.
  bool ready(short event) const {
    std::array<pollfd, 2> watched{pollfd{descriptor_, event, 0}, pollfd{stop_signal_, POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
    }
    return watched[1].revents == 0 || (event == POLLIN && watched[0].revents != 0);
  }

  bool read_more() {
    while (ready(POLLIN)) {
      std::array<char, 65536> buffer;
      const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count < 0 && transient()) continue;
      if (count <= 0) return false;
      unread_.append(buffer.data(), static_cast<std::size_t>(count));
      return true;
    }
    return false;
  }

  bool have(std::size_t bytes) {
    while (unread_.size() < bytes) {
      if (!read_more()) return false;
    }
    return true;
  }

  int descriptor_;
  int stop_signal_;
  std::string unread_{};
};

}  // namespace support
