#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/socket_base.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>

#include <wsbench/error.hpp>
#include <wsbench/net/handshake.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// What a GET is answered with.
struct HttpAnswer {
  websocketpp::http::status_code::value status{websocketpp::http::status_code::ok};
  std::string type{"text/plain; charset=utf-8"};  ///< its Content-Type
  std::string body{};
};

/// Answers a path, without its query; nothing for one that there is not. Called on the listener's thread, which waits for it.
using HttpResponder = std::function<std::optional<HttpAnswer>(std::string_view path)>;

/// What a request's head is answered with; anything but a GET or HEAD of a path that there is, with what is wrong with it.
inline HttpAnswer answer_to(const HttpHead& head, const websocketpp::http::parser::request* request, const HttpResponder& respond) {
  namespace status = websocketpp::http::status_code;
  if (head.too_long()) return {.status = status::request_header_fields_too_large, .body = "The request's head is too long.\n"};
  if (request == nullptr) return {.status = status::bad_request, .body = "This is no HTTP request.\n"};
  if (request->get_method() != "GET" && request->get_method() != "HEAD") {
    return {.status = status::method_not_allowed, .body = "There is only GET here.\n"};
  }
  const std::string_view target = request->get_uri();
  try {
    std::optional<HttpAnswer> answer = respond(target.substr(0, target.find('?')));
    return answer ? *std::move(answer) : HttpAnswer{.status = status::not_found, .body = "There is nothing here.\n"};
  } catch (const std::exception&) {
    return {.status = status::internal_server_error, .body = "It could not be answered.\n"};
  }
}

/// The bytes that answer a request, and end the connection (RFC 9110, RFC 9112).
inline std::string response_to(const HttpHead& head, const HttpResponder& respond) {
  websocketpp::http::parser::request request;
  bool understood = head.complete();
  try {
    if (understood) request.consume(head.text().data(), head.text().size());
  } catch (const std::exception&) {
    understood = false;
  }
  const HttpAnswer answer = answer_to(head, understood ? &request : nullptr, respond);
  websocketpp::http::parser::response response;
  response.set_version("HTTP/1.1");
  response.set_status(answer.status);
  response.replace_header("Content-Type", answer.type);
  response.replace_header("Connection", "close");
  if (answer.status == websocketpp::http::status_code::method_not_allowed) response.replace_header("Allow", "GET, HEAD");
  response.replace_header("Content-Length", std::to_string(answer.body.size()));
  std::string bytes = response.raw();
  if (!understood || request.get_method() != "HEAD") bytes += answer.body;
  return bytes;
}

/// Answers GET requests, one a connection, in a thread of its own: for pages of a few kilobytes that are asked for a few times a minute.
///
/// A peer has a bounded time for all of it, whether it sends too slowly, reads too slowly or does nothing, and where too many are there at
/// once the oldest, which is most likely one of those, makes room.
class HttpListener {
 public:
  struct Limits {
    std::size_t connections{16};                              ///< at once
    std::chrono::nanoseconds time{std::chrono::seconds{10}};  ///< from when one is accepted until it is closed
  };

  /// Listens when it returns; `address` is numeric, port 0 takes any that is free. Throws Error where it cannot.
  HttpListener(const std::string& address, std::uint16_t port, HttpResponder respond, Limits limits)
      : respond_(std::move(respond)), limits_(limits) {
    listen(address, port);
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  HttpListener(const std::string& address, std::uint16_t port, HttpResponder respond)
      : HttpListener(address, port, std::move(respond), Limits{}) {}
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;
  ~HttpListener() {
    io_.stop();
    thread_.join();
  }

  /// The port it listens at.
  std::uint16_t port() const noexcept { return port_; }

 private:
  /// One connection from its accept to its end.
  class Exchange : public std::enable_shared_from_this<Exchange> {
   public:
    Exchange(asio::ip::tcp::socket socket, HttpListener& listener)
        : socket_(std::move(socket)), listener_(listener), deadline_(listener.io_) {}

    void start() {
      deadline_.expires_after(std::chrono::ceil<std::chrono::steady_clock::duration>(listener_.limits_.time));
      deadline_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
        if (!cancelled) self->close();
      });
      read();
    }

    // Every call under way ends then, with an error, and the exchange with the last of them.
    void close() {
      asio::error_code ignored;
      deadline_.cancel();
      socket_.close(ignored);
    }

   private:
    void read() {
      socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const asio::error_code& failed, std::size_t count) {
        if (failed) return self->end();
        self->head_.take({self->buffer_.data(), count});
        if (!self->head_.complete() && !self->head_.too_long()) return self->read();
        self->answer();
      });
    }

    void answer() {
      answer_ = response_to(head_, listener_.respond_);
      asio::async_write(socket_, asio::buffer(answer_), [self = shared_from_this()](const asio::error_code& failed, std::size_t) {
        if (failed) return self->end();
        asio::error_code ignored;
        self->socket_.shutdown(asio::socket_base::shutdown_send, ignored);
        self->drain();
      });
    }

    // What a peer sends beyond its head would turn the end of the connection into a reset, and the answer might be lost with it.
    void drain() {
      socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const asio::error_code& failed, std::size_t) {
        if (failed) return self->end();
        self->drain();
      });
    }

    void end() {
      close();
      listener_.exchanges_.remove(shared_from_this());
    }

    asio::ip::tcp::socket socket_;
    HttpListener& listener_;
    asio::steady_timer deadline_;
    HttpHead head_{};
    std::array<char, 4096> buffer_{};
    std::string answer_{};
  };

  void listen(const std::string& address, std::uint16_t port) {
    asio::error_code error;
    const asio::ip::address numeric = asio::ip::make_address(address, error);
    if (error) throw Error("listen", in_quotes(address) + " is no numeric address: give one such as 127.0.0.1 or ::1");
    const asio::ip::tcp::endpoint endpoint(numeric, port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw Error("listen", "cannot listen at " + address + " port " + std::to_string(port) + ": " + error.message() +
                                ": give another one, or port 0 for any that is free");
    }
    port_ = acceptor_.local_endpoint().port();
  }

  void accept() {
    acceptor_.async_accept([this](const asio::error_code& failed, asio::ip::tcp::socket socket) {
      if (!failed) serve(std::move(socket));
      if (failed != asio::error::no_descriptors) return accept();
      // It would only fail again and again: somebody has to end first.
      again_.expires_after(std::chrono::milliseconds{100});
      again_.async_wait([this](const asio::error_code&) { accept(); });
    });
  }

  void serve(asio::ip::tcp::socket socket) {
    if (exchanges_.size() >= limits_.connections) {
      exchanges_.front()->close();
      exchanges_.pop_front();
    }
    exchanges_.push_back(std::make_shared<Exchange>(std::move(socket), *this));
    exchanges_.back()->start();
  }

  HttpResponder respond_;
  Limits limits_;
  std::uint16_t port_{0};
  asio::io_context io_{1};
  asio::ip::tcp::acceptor acceptor_{io_};
  asio::steady_timer again_{io_};
  std::list<std::shared_ptr<Exchange>> exchanges_{};  // the oldest first
  std::thread thread_{};
};

}  // namespace wsbench::detail
