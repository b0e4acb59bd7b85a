#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
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

#include <wsbench/histogram.hpp>

namespace bench {

/// What a raw client does.
struct RawOptions {
  std::size_t connections{100};
  std::size_t size{64};      ///< bytes of a message, text
  std::size_t in_flight{1};  ///< messages of a connection that wait for answers, at most; in an open load as many as there are
  bool recorded{false};      ///< takes the kernel's receive stamps and records response and service times
};

/// The floor: what a round trip costs a client that does nothing but the round trip.
///
/// One thread, one epoll set, and for each message one `recv` and one `send`; no library and, unless it records, no clock and no metrics.
/// It makes the choices that wsbench makes, so that the ratio shows what wsbench adds and not what another choice would have saved:
/// level-triggered (an answer of 66 bytes is read whole by one `recv`, so edge-triggering would spare no call), TCP_NODELAY, non-blocking,
/// the answer sent from within the round that read the last one, with several in flight one write for the answers of one read. It goes
/// below wsbench where a client that is made for one message can: the frame is masked once and the same for all. It does look at every
/// answer: a floor that takes anything for an answer would be no floor of a round trip.
class RawClient {
 public:
  /// Connects and upgrades, one connection after the other.
  RawClient(std::uint16_t port, const RawOptions& options) : options_(options), polls_(::epoll_create1(EPOLL_CLOEXEC)) {
    const std::string text(options_.size, 'x');
    constexpr std::array<char, 4> mask{0x37, 0x7a, 0x21, 0x5d};
    frame_ = header(0x80U);
    frame_.append(mask.data(), mask.size());
    for (std::size_t i = 0; i < text.size(); ++i) frame_ += static_cast<char>(text[i] ^ mask[i % mask.size()]);
    answer_ = header(0) + text;
    for (std::size_t i = 0; i < options_.in_flight; ++i) frames_ += frame_;
    connections_.reserve(options_.connections);  // epoll holds their addresses
    for (std::size_t i = 0; i < options_.connections; ++i) {
      Connection& connection = connections_.emplace_back(upgraded(port));
      watch(connection.socket, &connection);
    }
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    // Reset, so that no port of this machine is kept waiting for the next client.
    constexpr linger at_once{1, 0};
    for (const Connection& connection : connections_) {
      ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(connection.socket);
    }
    ::close(polls_);
  }

  /// A closed load: sends this many messages on each connection, the next as soon as one is answered.
  void run(std::uint64_t messages_each) {
    for (Connection& connection : connections_) {
      connection.to_send = messages_each;
      send_next(connection, options_.in_flight, clock_if_recorded());
    }
    for (std::size_t running = connections_.size(); running > 0;) {
      for (const epoll_event& event : wait()) {
        Connection& connection = *static_cast<Connection*>(event.data.ptr);
        const std::size_t answers = read(connection);
        if (answers == 0) continue;
        if (options_.recorded) record(connection, answers);
        send_next(connection, answers, read_at_);
        if (connection.in_flight == 0) --running;
      }
    }
  }

  /// An open load: every `tick` sends what became due since the last one, to the connections in turn, and records response times from when
  /// a message was due.
  void run_at(double per_second, std::chrono::nanoseconds length, std::chrono::nanoseconds tick) {
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    fail_unless(timer >= 0, "timerfd_create");
    const timespec period{0, static_cast<long>(tick.count())};
    const itimerspec every{period, period};
    fail_unless(::timerfd_settime(timer, 0, &every, nullptr) == 0, "timerfd_settime");
    watch(timer, nullptr);

    const double interval = 1e9 / per_second;
    const auto total = static_cast<std::uint64_t>(static_cast<double>(length.count()) / interval);
    const std::chrono::nanoseconds begin = steady_clock();
    const std::uint64_t answered_before = answered_;
    for (std::uint64_t next = 0; answered_ - answered_before < total;) {
      for (const epoll_event& event : wait()) {
        if (event.data.ptr != nullptr) {
          Connection& connection = *static_cast<Connection*>(event.data.ptr);
          const std::size_t answers = read(connection);
          if (!options_.recorded) read_at_ = arrived_at_ = steady_clock();
          record(connection, answers);
          continue;
        }
        std::uint64_t ticks = 0;
        if (::read(timer, &ticks, sizeof ticks) != sizeof ticks) continue;
        const std::chrono::nanoseconds now = steady_clock();
        const auto due_of = [&](std::uint64_t n) {
          return begin + std::chrono::nanoseconds{static_cast<std::int64_t>(static_cast<double>(n) * interval)};
        };
        for (; next < total && due_of(next) <= now; ++next) send_due(connections_[next % connections_.size()], due_of(next));
      }
    }
    ::close(timer);
  }

  /// Whole right answers that came.
  std::uint64_t answered() const noexcept { return answered_; }
  /// Calls to the system while it ran.
  std::uint64_t system_calls() const noexcept { return system_calls_; }
  /// From when a message was due until its answer arrived; of a closed load only if it records.
  const wsbench::Histogram& response_time() const noexcept { return response_time_; }
  /// From just before the write until the answer arrived; only if it records.
  const wsbench::Histogram& service_time() const noexcept { return service_time_; }
  /// Of an open load: from when a message was due until just before its write.
  const wsbench::Histogram& lateness() const noexcept { return lateness_; }

 private:
  struct Sent {
    std::chrono::nanoseconds due;
    std::chrono::nanoseconds written;
  };
  struct Connection {
    int socket;
    std::uint64_t to_send{0};
    std::uint64_t in_flight{0};
    std::size_t received{0};      // of the answer that is coming in
    std::vector<Sent> waiting{};  // those in flight, if it records; from `first` on
    std::size_t first{0};
  };

  static void fail_unless(bool done, const char* what) {
    if (!done) throw std::system_error(errno, std::system_category(), what);
  }

  static std::chrono::nanoseconds clock(clockid_t which) {
    timespec now{};
    ::clock_gettime(which, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
  }
  static std::chrono::nanoseconds steady_clock() { return clock(CLOCK_MONOTONIC); }
  std::chrono::nanoseconds clock_if_recorded() const { return options_.recorded ? steady_clock() : std::chrono::nanoseconds{0}; }

  // Of a text frame (RFC 6455 section 5.2).
  std::string header(unsigned mask_bit) const {
    const std::size_t size = options_.size;
    if (size > 0xffff) throw std::invalid_argument("a raw message has at most 64 KiB");
    if (size < 126) return {static_cast<char>(0x81), static_cast<char>(mask_bit | size)};
    return {static_cast<char>(0x81), static_cast<char>(mask_bit | 126U), static_cast<char>(size >> 8U), static_cast<char>(size & 0xffU)};
  }

  Connection upgraded(std::uint16_t port) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fail_unless(socket >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    fail_unless(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    constexpr int on = 1;
    fail_unless(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    if (options_.recorded) fail_unless(::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0, "SO_TIMESTAMPNS");

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

  void watch(int descriptor, Connection* connection) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connection;
    fail_unless(::epoll_ctl(polls_, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
  }

  std::span<const epoll_event> wait() {
    const int ready = ::epoll_wait(polls_, events_.data(), static_cast<int>(events_.size()), 10'000);
    ++system_calls_;
    if (ready <= 0) throw std::runtime_error("no answer within 10 s");
    return std::span(events_).first(static_cast<std::size_t>(ready));
  }

  void send_next(Connection& connection, std::uint64_t most, std::chrono::nanoseconds due) {
    const std::uint64_t count = std::min(most, connection.to_send);
    if (count == 0) return;
    connection.to_send -= count;
    connection.in_flight += count;
    if (options_.recorded) connection.waiting.insert(connection.waiting.end(), count, {due, steady_clock()});
    write(connection, {frames_.data(), frame_.size() * count});
  }

  void send_due(Connection& connection, std::chrono::nanoseconds due) {
    const std::chrono::nanoseconds now = steady_clock();
    lateness_.record(now - due);
    ++connection.in_flight;
    connection.waiting.push_back({due, now});
    write(connection, frame_);
  }

  void write(const Connection& connection, std::string_view bytes) {
    const ssize_t sent = ::send(connection.socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ++system_calls_;
    fail_unless(sent >= 0, "send");
    // The little that is in flight always fits into the socket's buffer.
    if (sent != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("the socket did not take a whole message");
  }

  // Reads once; how many answers that completed.
  std::size_t read(Connection& connection) {
    const ssize_t got =
        options_.recorded ? receive_stamped(connection.socket) : ::recv(connection.socket, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    ++system_calls_;
    if (got < 0 && errno == EAGAIN) return 0;
    fail_unless(got > 0, "recv");
    std::size_t answers = 0;
    for (std::string_view rest(bytes_.data(), static_cast<std::size_t>(got)); !rest.empty();) {
      const std::size_t length = std::min(rest.size(), answer_.size() - connection.received);
      if (connection.in_flight == answers || std::memcmp(rest.data(), answer_.data() + connection.received, length) != 0)
        throw std::runtime_error("the answer is not the message");
      rest.remove_prefix(length);
      connection.received += length;
      if (connection.received < answer_.size()) break;
      connection.received = 0;
      ++answers;
    }
    connection.in_flight -= answers;
    answered_ += answers;
    return answers;
  }

  // Notes when what it reads arrived: the stamp is wall time.
  ssize_t receive_stamped(int socket) {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(timespec))> control;
    iovec place{bytes_.data(), bytes_.size()};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT);
    const std::chrono::nanoseconds wall = clock(CLOCK_REALTIME);
    read_at_ = arrived_at_ = steady_clock();
    const cmsghdr* const stamped = CMSG_FIRSTHDR(&message);
    if (got <= 0 || stamped == nullptr || stamped->cmsg_type != SCM_TIMESTAMPNS) return got;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(stamped), sizeof stamp);
    arrived_at_ -= wall - (std::chrono::seconds{stamp.tv_sec} + std::chrono::nanoseconds{stamp.tv_nsec});
    return got;
  }

  void record(Connection& connection, std::size_t answers) {
    for (; answers > 0; --answers) {
      const Sent& sent = connection.waiting[connection.first++];
      response_time_.record(arrived_at_ - sent.due);
      if (options_.recorded) service_time_.record(arrived_at_ - sent.written);
    }
    if (connection.first < connection.waiting.size()) return;
    connection.waiting.clear();
    connection.first = 0;
  }

  RawOptions options_;
  int polls_;
  std::string frame_{};
  std::string frames_{};  // as many as may go at once
  std::string answer_{};
  std::vector<char> bytes_ = std::vector<char>(std::size_t{64} * 1024);
  std::array<epoll_event, 128> events_{};  // as many a round as wsbench takes
  std::vector<Connection> connections_{};
  std::uint64_t answered_{0};
  std::uint64_t system_calls_{0};
  std::chrono::nanoseconds read_at_{0};     // when what was read last was read
  std::chrono::nanoseconds arrived_at_{0};  // when it arrived, as far as is known
  wsbench::Histogram response_time_{};
  wsbench::Histogram service_time_{};
  wsbench::Histogram lateness_{};
};

}  // namespace bench
