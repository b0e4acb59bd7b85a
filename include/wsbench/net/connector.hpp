#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/failure.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/url.hpp>

namespace wsbench::detail {

/// The name under which an error of the system is counted.
inline Failure failure_of(const asio::error_code& error) {
  // Asio's category makes no std::errc of these, so they are told by their numbers.
  const auto system_error = [](int number) { return asio::error_code(number, asio::error::get_system_category()); };
  if (error == asio::error::connection_refused) return Failure::refused;
  if (error == asio::error::network_unreachable || error == asio::error::host_unreachable) return Failure::unreachable;
  if (error == asio::error::timed_out) return Failure::connect_timeout;
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe || error == asio::error::connection_aborted) {
    return Failure::reset;
  }
  if (error == asio::error::eof) return Failure::abnormal;
  if (error == asio::error::no_descriptors || error == system_error(ENFILE)) return Failure::too_many_files;
  if (error == system_error(EADDRNOTAVAIL)) return Failure::no_ports;
  return Failure::other;
}

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

/// The addresses of one host, looked up once for all connections that are waiting for them, and kept.
class HostAddresses {
 public:
  HostAddresses(EventLoop& loop, const Url& url) : loop_(loop), url_(url), resolver_(loop.context()) {
    asio::error_code not_numeric;
    const auto address = asio::ip::make_address(url.host, not_numeric);
    if (!not_numeric) endpoints_.emplace_back(address, url.port);
  }

  /// The addresses; empty as long as they are not looked up.
  const Endpoints& endpoints() const noexcept { return endpoints_; }

  /// Looks the host up and calls every waiting `found(error)`.
  template <class Found>
  void resolve(Found found) {
    waiting_.emplace_back(std::move(found));
    if (waiting_.size() > 1) return;
    resolver_.async_resolve(url_.host, std::to_string(url_.port),
                            loop_.entering([this](const asio::error_code& error, const asio::ip::tcp::resolver::results_type& results) {
                              for (const auto& result : results) endpoints_.push_back(result.endpoint());
                              for (auto& call : std::exchange(waiting_, {})) call(error);
                            }));
  }

 private:
  EventLoop& loop_;
  Url url_;
  asio::ip::tcp::resolver resolver_;
  Endpoints endpoints_{};
  std::vector<std::function<void(const asio::error_code&)>> waiting_{};
};

/// Is told how an attempt to connect ended, unless it was cancelled.
class ConnectEvents {
 public:
  /// Connected; `times` has what was spent on resolving and on TCP.
  virtual void on_connected(asio::ip::tcp::socket socket, const ConnectTimes& times) = 0;
  /// No address accepted; the failure is the last address's.
  virtual void on_connect_failed(Failure failure, const std::string& detail) = 0;

 protected:
  ~ConnectEvents() = default;
};

/// One attempt to reach a host over TCP, trying its addresses in turn.
class ConnectAttempt : public std::enable_shared_from_this<ConnectAttempt> {
 public:
  ConnectAttempt(EventLoop& loop, HostAddresses& addresses, ConnectEvents& events)
      : loop_(loop), addresses_(addresses), events_(&events), socket_(loop.context()) {}

  /// Begins; the outcome comes later, never from in here.
  void start() {
    started_ = loop_.now();
    if (!addresses_.endpoints().empty()) return try_next();
    addresses_.resolve([self = shared_from_this()](const asio::error_code& error) { self->resolved(error); });
  }

  /// Gives up; nobody is told.
  void cancel() {
    events_ = nullptr;
    asio::error_code ignored;
    socket_.close(ignored);
  }

  /// Whether it still waits for the addresses.
  bool resolving() const noexcept { return addresses_.endpoints().empty(); }

 private:
  void resolved(const asio::error_code& error) {
    if (events_ == nullptr) return;
    if (error) return fail(Failure::resolve, error);
    times_.resolve = loop_.now() - started_;
    try_next();
  }

  void try_next() {
    connect_started_ = loop_.now();
    socket_.async_connect(addresses_.endpoints()[next_],
                          loop_.entering([self = shared_from_this()](const asio::error_code& error) { self->tried(error); }));
  }

  void tried(const asio::error_code& error) {
    if (events_ == nullptr) return;
    asio::error_code ignored;
    if (!error) {
      times_.tcp = loop_.now() - connect_started_;
      socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
      return events_->on_connected(std::move(socket_), times_);
    }
    socket_.close(ignored);
    if (++next_ < addresses_.endpoints().size()) return try_next();
    fail(failure_of(error), error);
  }

  void fail(Failure failure, const asio::error_code& error) { events_->on_connect_failed(failure, error.message()); }

  EventLoop& loop_;
  HostAddresses& addresses_;
  ConnectEvents* events_;
  asio::ip::tcp::socket socket_;
  ConnectTimes times_{};
  std::chrono::nanoseconds started_{0};
  std::chrono::nanoseconds connect_started_{0};
  std::size_t next_{0};
};

}  // namespace wsbench::detail
