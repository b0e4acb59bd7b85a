#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace bench {

/// The floor: what a round trip costs a client that does nothing but the round trip.
///
/// One thread, one epoll set, and for each message one `recv` and one `send`; no library, no clock, no metrics. It makes the choices that
/// wsbench makes, so that the ratio shows what wsbench adds and not what another choice would have saved: level-triggered (an answer of 66
/// bytes is read whole by one `recv`, so edge-triggering would spare no call), TCP_NODELAY, non-blocking, the answer sent from within the
/// round that read the last one. It goes below wsbench where a client that is made for one message can: the frame is masked once and the
/// same for all. It does look at every answer: a floor that takes anything for an answer would be no floor of a round trip.
class RawClient {
 public:
  /// Connects and upgrades `connections`, one after the other; a message is `size` bytes of text, fewer than 126.
  RawClient(std::uint16_t port, std::size_t connections, std::size_t size) : polls_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (size > 125) throw std::invalid_argument("a raw message has at most 125 bytes");
    const std::string text(size, 'x');
    constexpr std::array<char, 4> mask{0x37, 0x7a, 0x21, 0x5d};
    message_ = {static_cast<char>(0x81), static_cast<char>(0x80U | size)};
    message_.append(mask.data(), mask.size());
    for (std::size_t i = 0; i < size; ++i) message_ += static_cast<char>(text[i] ^ mask[i % mask.size()]);
    answer_ = {static_cast<char>(0x81), static_cast<char>(size)};
    answer_ += text;
    connections_.reserve(connections);  // epoll holds their addresses
    for (std::size_t i = 0; i < connections; ++i) watch(connections_.emplace_back(upgraded(port)));
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    for (const Connection& connection : connections_) ::close(connection.socket);
    ::close(polls_);
  }

  /// Sends this many messages on each connection, the next as soon as the last is answered.
  void run(std::uint64_t messages_each) {
    for (Connection& connection : connections_) {
      connection.to_send = messages_each;
      send_next(connection);
    }
    std::array<epoll_event, 128> events;  // as many a round as wsbench takes
    for (std::size_t running = connections_.size(); running > 0;) {
      const int ready = ::epoll_wait(polls_, events.data(), static_cast<int>(events.size()), 10'000);
      ++system_calls_;
      if (ready <= 0) throw std::runtime_error("no answer within 10 s");
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        Connection& connection = *static_cast<Connection*>(event.data.ptr);
        if (!answered(connection)) continue;
        ++answered_;
        if (connection.to_send > 0) {
          send_next(connection);
        } else {
          --running;
        }
      }
    }
  }

  /// Whole right answers that came.
  std::uint64_t answered() const noexcept { return answered_; }
  /// Calls to the system while it ran.
  std::uint64_t system_calls() const noexcept { return system_calls_; }

 private:
  struct Connection {
    int socket;
    std::uint64_t to_send{0};
    std::size_t received{0};  // of the answer that is coming in
  };

  static void fail_unless(bool done, const char* what) {
    if (!done) throw std::system_error(errno, std::system_category(), what);
  }

  static Connection upgraded(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fail_unless(socket >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    fail_unless(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    constexpr int on = 1;
    fail_unless(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");

    const std::string request = "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                                "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    fail_unless(::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()), "send");
    std::string head;
    while (head.find("\r\n\r\n") == head.npos) {
      std::array<char, 1024> piece;
      const ssize_t got = ::recv(socket, piece.data(), piece.size(), 0);
      fail_unless(got > 0, "the answer to the upgrade");
      head.append(piece.data(), static_cast<std::size_t>(got));
    }
    if (head.substr(0, 12) != "HTTP/1.1 101" || !head.ends_with("\r\n\r\n"))
      throw std::runtime_error("the upgrade was answered with " + head);
    return {socket};
  }

  void watch(Connection& connection) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    fail_unless(::epoll_ctl(polls_, EPOLL_CTL_ADD, connection.socket, &event) == 0, "epoll_ctl");
  }

  void send_next(Connection& connection) {
    --connection.to_send;
    // One message in flight always fits into the socket's buffer.
    const ssize_t sent = ::send(connection.socket, message_.data(), message_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ++system_calls_;
    fail_unless(sent == static_cast<ssize_t>(message_.size()), "send");
  }

  // Reads once; whether that completed an answer.
  bool answered(Connection& connection) {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(connection.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    ++system_calls_;
    if (got < 0 && errno == EAGAIN) return false;
    fail_unless(got > 0, "recv");
    const std::string_view piece(bytes.data(), static_cast<std::size_t>(got));
    if (piece.size() > answer_.size() - connection.received ||
        std::memcmp(piece.data(), answer_.data() + connection.received, piece.size()) != 0) {
      throw std::runtime_error("the answer is not the message");
    }
    connection.received += piece.size();
    if (connection.received < answer_.size()) return false;
    connection.received = 0;
    return true;
  }

  int polls_;
  std::string message_{};
  std::string answer_{};
  std::vector<Connection> connections_{};
  std::uint64_t answered_{0};
  std::uint64_t system_calls_{0};
};

}  // namespace bench
