// What a round trip over TLS costs wsbench in CPU time, everything recorded, beside a client that does nothing but OpenSSL's calls. Both
// speak to one echo server in a process of its own, in turn, each in a process of its own.
//
//     bench_tls_round_trip [RUNS]      7
//
// Exit status: 0 if the floor was met in the median of the runs; 1 if it was missed, or if a message went astray.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <openssl/ssl.h>

#include <wsbench/load_test.hpp>
#include <wsbench/scenarios.hpp>
#include <wsbench/tls.hpp>

#include "../support/certificates.hpp"
#include "client_process.hpp"
#include "cpu_time.hpp"
#include "echo_process.hpp"
#include "floors.hpp"
#include "program.hpp"

namespace {

using bench::ClientFigures;
using bench::CpuTime;

constexpr std::size_t connections = 100;
constexpr std::uint64_t messages = 2000;
constexpr std::size_t size = 64;

void fail_unless(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("the raw client: ") + what);
}

/// The floor: one thread, one epoll set, one SSL_read and one SSL_write a message, and no clock. OpenSSL reads ahead, as wsbench has it do,
/// so that a record costs one call of the system.
class RawTlsClient {
 public:
  explicit RawTlsClient(std::uint16_t port) : context_(SSL_CTX_new(TLS_client_method())), polls_(::epoll_create1(EPOLL_CLOEXEC)) {
    SSL_CTX_set_read_ahead(context_.get(), 1);
    const std::string text(size, 'x');
    constexpr std::array<char, 4> mask{0x37, 0x7a, 0x21, 0x5d};
    frame_ = {static_cast<char>(0x81), static_cast<char>(0x80U | size)};
    frame_.append(mask.data(), mask.size());
    for (std::size_t i = 0; i < text.size(); ++i) frame_ += static_cast<char>(text[i] ^ mask[i % mask.size()]);
    answer_ = std::string{static_cast<char>(0x81), static_cast<char>(size)} + text;
    connections_.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) open(port);
  }
  RawTlsClient(const RawTlsClient&) = delete;
  RawTlsClient& operator=(const RawTlsClient&) = delete;
  ~RawTlsClient() {
    for (const Connection& connection : connections_) ::close(SSL_get_fd(connection.ssl.get()));
    ::close(polls_);
  }

  void run() {
    for (Connection& connection : connections_) send(connection);
    std::array<epoll_event, 128> events;
    for (std::size_t running = connections_.size(); running > 0;) {
      const int ready = ::epoll_wait(polls_, events.data(), static_cast<int>(events.size()), 10'000);
      fail_unless(ready > 0, "no answer within 10 s");
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        Connection& connection = *static_cast<Connection*>(event.data.ptr);
        const int got = SSL_read(connection.ssl.get(), bytes_.data(), static_cast<int>(bytes_.size()));
        if (got <= 0 && SSL_get_error(connection.ssl.get(), got) == SSL_ERROR_WANT_READ) continue;  // a session ticket
        fail_unless(got > 0 && std::string_view(bytes_.data(), static_cast<std::size_t>(got)) == answer_, "the answer is not the message");
        ++answered_;
        if (connection.sent == messages) {
          --running;
        } else {
          send(connection);
        }
      }
    }
  }
  std::uint64_t answered() const noexcept { return answered_; }

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct Connection {
    std::unique_ptr<SSL, FreeSsl> ssl;
    std::uint64_t sent{0};
  };

  void open(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    fail_unless(socket >= 0 && ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection& connection = connections_.emplace_back();
    connection.ssl.reset(SSL_new(context_.get()));
    SSL* const ssl = connection.ssl.get();
    SSL_set_fd(ssl, socket);
    fail_unless(SSL_connect(ssl) == 1, "the TLS handshake");
    constexpr std::string_view request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    fail_unless(SSL_write(ssl, request.data(), static_cast<int>(request.size())) > 0, "the upgrade");
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const int got = SSL_read(ssl, bytes_.data(), static_cast<int>(bytes_.size()));
      fail_unless(got > 0, "the answer to the upgrade");
      head.append(bytes_.data(), static_cast<std::size_t>(got));
    }
    fail_unless(head.starts_with("HTTP/1.1 101"), "the upgrade was refused");
    fail_unless(::ioctl(socket, FIONBIO, &on) == 0, "FIONBIO");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    fail_unless(::epoll_ctl(polls_, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
  }

  void send(Connection& connection) {
    ++connection.sent;
    fail_unless(SSL_write(connection.ssl.get(), frame_.data(), static_cast<int>(frame_.size())) == static_cast<int>(frame_.size()),
                "the socket did not take a whole message");
  }

  std::unique_ptr<SSL_CTX, FreeContext> context_;
  int polls_;
  std::string frame_{};
  std::string answer_{};
  std::vector<char> bytes_ = std::vector<char>(std::size_t{64} * 1024);
  std::vector<Connection> connections_{};
  std::uint64_t answered_{0};
};

double each(std::chrono::nanoseconds time, std::uint64_t count) {
  return bench::microseconds(time) / static_cast<double>(count);
}

// From the first message to the last: handshakes are left out.
ClientFigures run_raw(std::span<const bench::EchoProcess> servers) {
  return bench::run_client("raw", servers, [&] {
    RawTlsClient client(servers.front().port());
    const CpuTime before = CpuTime::now();
    client.run();
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    ClientFigures figures;
    figures.round_trips = client.answered();
    figures.cpu = each(used, client.answered());
    return figures;
  });
}

ClientFigures run_whole(std::span<const bench::EchoProcess> servers, const std::string& ca_file, std::uint64_t messages_each) {
  return bench::run_client("wsbench", servers, [&] {
    const wsbench::LoadTest test{"wss://127.0.0.1:" + std::to_string(servers.front().port()),
                                 {.name = "round trip", .clients = connections, .messages = messages_each, .pace = wsbench::flat_out()},
                                 {.connect_rate = 0, .tls = wsbench::tls({.ca_file = ca_file})}};
    const CpuTime before = CpuTime::now();
    const wsbench::Report report = test.run();
    const std::chrono::nanoseconds used = (CpuTime::now() - before).total();
    bench::require_all_answered(report);
    ClientFigures figures;
    figures.round_trips = report.messages().answered;
    figures.cpu = each(used, figures.round_trips);
    return figures;
  });
}

// What every further round trip costs: a run of one message each is taken off.
double cpu_of_wsbench(std::span<const bench::EchoProcess> servers, const std::string& ca_file) {
  const ClientFigures once = run_whole(servers, ca_file, 1);
  const ClientFigures all = run_whole(servers, ca_file, messages);
  const auto many = static_cast<double>(all.round_trips);
  const auto few = static_cast<double>(once.round_trips);
  return (all.cpu * many - once.cpu * few) / (many - few);
}

int bench_tls_round_trip(std::uint64_t runs) {
  const support::Certificate certificate{support::Subject{}};
  const bench::EchoProcess servers[] = {
      bench::EchoProcess(static_cast<unsigned>(60 + runs * 60),
                         {.tls = wsbench::tls_server({.certificate_file = certificate.file(), .key_file = certificate.key_file()})})};
  std::vector<double> raw;
  std::vector<double> ours;
  for (std::uint64_t run = 0; run < runs; ++run) {
    raw.push_back(run_raw(servers).cpu);
    ours.push_back(cpu_of_wsbench(servers, certificate.file()));
  }
  bench::Floors floors;
  bench::Floors::title("TLS 1.3, 64 bytes, 100 connections, 1 message in flight on each", "CPU time of the client, µs a round trip");
  bench::Floors::show("OpenSSL over raw sockets", raw);
  bench::Floors::show("wsbench", ours);
  floors.at_most("wsbench / raw", bench::ratios(ours, raw), 1.5);
  return floors.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program("bench_tls_round_trip", argc, argv, 7, bench_tls_round_trip);
}
