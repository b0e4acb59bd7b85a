#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/error.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/socket_base.hpp>
#include <asio/system_error.hpp>

#include <wsbench/error.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/connector.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/protocol.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/run/echo_connection.hpp>
#include <wsbench/run/echo_options.hpp>

namespace wsbench::detail {

/// Everything of an echo server's thread; elsewhere only what is atomic or does not change.
class EchoService final : public EchoPolicy {
 public:
  explicit EchoService(EchoServerOptions chosen) : options(std::move(chosen)) {
    if (options.deflate != nullptr) {
      codecs_ = options.deflate->codecs();
      exchange_.deflate = &options.deflate->options();
      exchange_.codecs = codecs_.get();
    }
    exchange_.fragment_size = options.fragment_size;
    listen();
    delayed_.service = this;
    stall_.service = this;
    if (options.stall_for.count() > 0) loop.deadlines().arm(stall_, options.stall_at);
    accept();
    thread_ = std::thread([this] { loop.run(std::chrono::steady_clock::now()); });
  }
  EchoService(const EchoService&) = delete;
  EchoService& operator=(const EchoService&) = delete;
  ~EchoService() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    loop.post([this] { loop.stop(); });
    thread_.join();
    alive_.clear();
    asio::error_code ignored;
    acceptor_.close(ignored);
    if (!options.socket.empty()) std::remove(options.socket.c_str());
  }

  EchoServerOptions options;
  EventLoop loop{};
  std::uint16_t port{0};
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> swallowed{0};

 private:
  struct Answer {
    std::chrono::nanoseconds due{0};
    std::weak_ptr<EchoConnection> connection{};
    std::string payload{};
    bool binary{false};
  };
  struct Delayed final : Deadline {
    void on_deadline(std::chrono::nanoseconds now) override { service->answer_due(now); }
    EchoService* service{nullptr};
  };
  struct Stall final : Deadline {
    void on_deadline(std::chrono::nanoseconds) override { std::this_thread::sleep_for(service->options.stall_for); }
    EchoService* service{nullptr};
  };

  void listen() {
    asio::error_code error;
    if (!options.socket.empty()) return listen_at_socket();
    const auto address = asio::ip::make_address(options.address, error);
    if (error) throw Error("address", in_quotes(options.address) + " is no numeric address: give one such as 127.0.0.1 or ::1");
    error = listen_at(asio::ip::tcp::endpoint(address, options.port));
    if (error) {
      throw Error("port", "cannot listen at " + options.address + ':' + std::to_string(options.port) + ": " + error.message() +
                              ": give another one, or 0 for any that is free");
    }
    asio::ip::tcp::endpoint bound;
    const auto chosen = acceptor_.local_endpoint();
    std::memcpy(bound.data(), chosen.data(), chosen.size());
    port = bound.port();
  }

  void listen_at_socket() {
    if (!options.socket.starts_with('/')) throw Error("socket", in_quotes(options.socket) + " is no whole path: begin it with /");
    asio::local::stream_protocol::endpoint endpoint;
    try {
      endpoint.path(options.socket);
    } catch (const asio::system_error&) {
      throw Error("socket", in_quotes(options.socket) + " is too long for a socket: give a shorter path");
    }
    if (const asio::error_code error = listen_at(endpoint)) {
      throw Error("socket", "cannot listen at " + in_quotes(options.socket) + ": " + error.message() +
                                ": give a path that is free, in a folder that is there");
    }
  }

  asio::error_code listen_at(const Endpoint& endpoint) {
    asio::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    return error;
  }

  void accept() {
    accepting_ = true;
    acceptor_.async_wait(asio::socket_base::wait_read, loop.entering([this](const asio::error_code& failed) {
      accepting_ = false;
      if (failed) return;
      // As many as are waiting, but the others want their turn too.
      for (int left = 64; left > 0; --left) {
        asio::error_code error;
        Socket socket = acceptor_.accept(error);
        // Out of descriptors, it would only be called again and again: the next connection that ends lets it go on.
        if (error == asio::error::no_descriptors && !alive_.empty()) return;
        if (error) break;
        serve(std::move(socket));
      }
      accept();
    }));
  }

  void serve(Socket socket) {
    asio::error_code ignored;  // a Unix socket has no such option
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const std::uint64_t number = ++accepted_;
    const bool doomed = options.close_every > 0 && number % options.close_every == 0;
    auto connection = std::make_shared<EchoConnection>(exchange_, number, doomed);
    alive_.emplace(connection.get(), connection);
    connection->start(std::move(socket), options.tls.get());
  }

  void on_open(EchoConnection& connection) override {
    ++connections;
    ++open;
    if (!options.greeting.empty()) connection.send(options.greeting, false);
  }

  void on_message(EchoConnection& connection, std::string_view payload, bool binary) override {
    const std::uint64_t number = ++messages;
    if (connection.doomed()) return connection.close(1001);
    if (options.swallow_every > 0 && number % options.swallow_every == 0) {
      ++swallowed;
    } else if (options.delay.count() > 0) {
      answers_.push_back({loop.now() + options.delay, alive_.at(&connection), std::string(payload), binary});
      loop.deadlines().arm(delayed_, answers_.front().due);
    } else if (options.to_all) {
      connection.flush();  // what it has taken so far is in the buffer that all share
      send_to_all(payload, binary);
    } else {
      connection.send(payload, binary);
      ++answered;
    }
  }

  void on_ended(EchoConnection& connection) override {
    if (connection.opened()) --open;
    alive_.erase(&connection);
    if (!accepting_) accept();
  }

  void send_to_all(std::string_view payload, bool binary) {
    for (const auto& [connection, owner] : alive_) {
      if (!connection->open()) continue;
      connection->send(payload, binary);
      connection->flush();
      ++answered;
    }
  }

  // The delay is the same for all: the oldest answer is due first.
  void answer_due(std::chrono::nanoseconds now) {
    for (; !answers_.empty() && answers_.front().due <= now; answers_.pop_front()) {
      const Answer& answer = answers_.front();
      if (options.to_all) {
        send_to_all(answer.payload, answer.binary);
        continue;
      }
      const auto connection = answer.connection.lock();
      if (connection == nullptr) continue;
      connection->send(answer.payload, answer.binary);
      connection->flush();
      ++answered;
    }
    if (!answers_.empty()) loop.deadlines().arm(delayed_, answers_.front().due);
  }

  Random random_{1};
  MessagePool pool_{std::size_t{64} << 20U};
  std::unique_ptr<CodecFactory> codecs_{};
  EchoExchange exchange_{loop, pool_, random_, *this};
  asio::basic_socket_acceptor<asio::generic::stream_protocol> acceptor_{loop.context()};
  Delayed delayed_{};
  Stall stall_{};
  std::deque<Answer> answers_{};
  std::unordered_map<EchoConnection*, std::shared_ptr<EchoConnection>> alive_{};
  std::uint64_t accepted_{0};
  bool accepting_{false};
  std::thread thread_{};
};

}  // namespace wsbench::detail
