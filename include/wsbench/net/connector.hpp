#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/error.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <wsbench/failure.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/source_addresses.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/net/url.hpp>

namespace wsbench::detail {

/// The name under which an error of the system is counted.
inline Failure failure_of(const asio::error_code& error) {
  // Asio's category makes no std::errc of these, so they are told by their numbers.
  const auto system_error = [](int number) { return asio::error_code(number, asio::error::get_system_category()); };
  // A Unix socket that is not there is one at which nobody listens.
  if (error == asio::error::connection_refused || error == system_error(ENOENT)) return Failure::refused;
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

using Endpoint = asio::generic::stream_protocol::endpoint;
using Endpoints = std::vector<Endpoint>;

/// The addresses of one host: looked up once for all connections that are waiting for them, and kept, or anew for each.
class HostAddresses {
 public:
  using Found = std::function<void(const asio::error_code& error, const std::shared_ptr<const Endpoints>& endpoints)>;

  /// With `keep` a name is looked up once.
  HostAddresses(EventLoop& loop, const Url& url, bool keep) : loop_(loop), url_(url), keep_(keep), resolver_(loop.context()) {
    if (!url.socket.empty()) {
      know({asio::local::stream_protocol::endpoint(url.socket)});
      return;
    }
    asio::error_code not_numeric;
    const auto address = asio::ip::make_address(url.host, not_numeric);
    if (!not_numeric) know({asio::ip::tcp::endpoint(address, url.port)});
  }

  /// The addresses, as far as nobody has to be asked for them; else null.
  const std::shared_ptr<const Endpoints>& known() const noexcept { return known_; }

  /// Looks the host up and calls `found`.
  void resolve(Found found) {
    waiting_.push_back(std::move(found));
    if (keep_ && waiting_.size() > 1) return;
    resolver_.async_resolve(url_.host, std::to_string(url_.port),
                            loop_.entering([this](const asio::error_code& error, const asio::ip::tcp::resolver::results_type& results) {
                              answer(error, results);
                            }));
  }

 private:
  void know(Endpoints endpoints) { known_ = std::make_shared<const Endpoints>(std::move(endpoints)); }

  void answer(const asio::error_code& error, const asio::ip::tcp::resolver::results_type& results) {
    Endpoints endpoints;
    for (const auto& result : results) endpoints.emplace_back(result.endpoint());
    auto shared = std::make_shared<const Endpoints>(std::move(endpoints));
    if (keep_ && !error) known_ = shared;
    std::vector<Found> answered;
    if (keep_) {
      answered = std::exchange(waiting_, {});
    } else {  // the resolver answers in the order it was asked
      answered.push_back(std::move(waiting_.front()));
      waiting_.erase(waiting_.begin());
    }
    for (const Found& found : answered) found(error, shared);
  }

  EventLoop& loop_;
  Url url_;
  bool keep_;
  asio::ip::tcp::resolver resolver_;
  std::shared_ptr<const Endpoints> known_{};
  std::vector<Found> waiting_{};
};

/// Is told how an attempt ended.
class ConnectEvents {
 public:
  /// Connected; `times` has its resolve and TCP phases.
  virtual void on_connected(Socket socket, const ConnectTimes& times) = 0;
  /// Not connected; nothing more is told.
  virtual void on_connect_failed(Failure failure, const std::string& detail) = 0;

 protected:
  ~ConnectEvents() = default;
};

/// One attempt to reach a host, trying its addresses in turn.
class ConnectAttempt : public std::enable_shared_from_this<ConnectAttempt> {
 public:
  ConnectAttempt(EventLoop& loop, HostAddresses& addresses, SourceAddresses& sources, ConnectEvents& events)
      : loop_(loop), addresses_(addresses), sources_(sources), events_(&events), socket_(loop.context()) {}

  /// Begins; the outcome comes later, never from in here.
  void start() {
    started_ = loop_.now();
    if (addresses_.known()) {
      endpoints_ = addresses_.known();
      return try_next();
    }
    addresses_.resolve([self = shared_from_this()](const asio::error_code& error, const std::shared_ptr<const Endpoints>& endpoints) {
      self->resolved(error, endpoints);
    });
  }

  /// Gives up; nobody is told.
  void cancel() {
    events_ = nullptr;
    asio::error_code ignored;
    socket_.close(ignored);
    if (retry_) retry_->cancel();
  }

  /// Whether it still waits for the addresses.
  bool resolving() const noexcept { return endpoints_ == nullptr; }

 private:
  static constexpr std::chrono::milliseconds between_tries{5};

  void resolved(const asio::error_code& error, const std::shared_ptr<const Endpoints>& endpoints) {
    if (events_ == nullptr) return;
    if (error) return fail(Failure::resolve, error);
    endpoints_ = endpoints;
    times_.resolve = loop_.now() - started_;
    try_next();
  }

  const Endpoint& endpoint() const { return (*endpoints_)[next_]; }

  void try_next() {
    connect_started_ = loop_.now();
    try_again();
  }

  void try_again() {
    if (const asio::error_code error = sources_.bind(socket_, endpoint())) {
      return loop_.post([self = shared_from_this(), error] { self->tried(error); });
    }
    socket_.async_connect(endpoint(), loop_.entering([self = shared_from_this()](const asio::error_code& error) { self->tried(error); }));
  }

  void tried(const asio::error_code& error) {
    if (events_ == nullptr) return;
    if (!error) return connected();
    asio::error_code ignored;
    socket_.close(ignored);
    // A Unix socket whose server lets no more wait says "again", Asio's name for which is this; unlike TCP's, the kernel tries no more.
    if (error == asio::error::no_buffer_space && !SourceAddresses::is_internet(endpoint())) return try_later();
    if (++next_ < endpoints_->size()) return try_next();
    fail(failure_of(error), error);
  }

  void connected() {
    asio::error_code ignored;
    if (SourceAddresses::is_internet(endpoint())) socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    times_.tcp = loop_.now() - connect_started_;
    events_->on_connected(std::move(socket_), times_);
  }

  void try_later() {
    if (!retry_) retry_.emplace(loop_.context());
    retry_->expires_after(between_tries);
    retry_->async_wait(loop_.entering([self = shared_from_this()](const asio::error_code& cancelled) {
      if (!cancelled && self->events_ != nullptr) self->try_again();
    }));
  }

  void fail(Failure failure, const asio::error_code& error) { events_->on_connect_failed(failure, error.message()); }

  EventLoop& loop_;
  HostAddresses& addresses_;
  SourceAddresses& sources_;
  ConnectEvents* events_;
  Socket socket_;
  std::optional<asio::steady_timer> retry_{};
  std::shared_ptr<const Endpoints> endpoints_{};
  ConnectTimes times_{};
  std::chrono::nanoseconds started_{0};
  std::chrono::nanoseconds connect_started_{0};
  std::size_t next_{0};
};

}  // namespace wsbench::detail
