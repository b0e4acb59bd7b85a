#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <asio/ip/address_v4.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/protocol.hpp>
#include <wsbench/run/echo_connection.hpp>

namespace support {

/// The server's end of a client's connection.
using Peer = wsbench::detail::EchoConnection;

/// A WebSocket server on 127.0.0.1, in a thread of its own, that does what it is told in that thread.
class WebSocketServer final : private wsbench::detail::EchoPolicy {
 public:
  /// Listens when it returns; `rules` has to outlive it.
  explicit WebSocketServer(wsbench::detail::EchoPolicy& rules) : rules_(rules) {
    accept();
    thread_ = std::thread([this] { loop_.run(std::chrono::steady_clock::now()); });
  }
  WebSocketServer(const WebSocketServer&) = delete;
  WebSocketServer& operator=(const WebSocketServer&) = delete;
  ~WebSocketServer() {
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }

  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const noexcept { return port_; }

  /// What `question()` returns in the server's thread, when all that came before has been served; from any other thread.
  template <class Question>
  auto ask(Question question) {
    std::promise<std::invoke_result_t<Question>> answer;
    auto answered = answer.get_future();
    loop_.post([&] { answer.set_value(question()); });
    return answered.get();
  }

  /// Writes a message at once; in the server's thread.
  static void tell(Peer& peer, std::string_view text) {
    peer.send(text, false);
    // All connections encode into one buffer.
    peer.flush();
  }

  /// For times to be called at in the server's thread, from when the server started.
  wsbench::detail::DeadlineQueue& deadlines() noexcept { return loop_.deadlines(); }
  std::chrono::nanoseconds now() const { return loop_.now(); }

 private:
  void accept() {
    acceptor_.async_accept(loop_.entering([this](const asio::error_code& failed, asio::ip::tcp::socket socket) {
      if (failed) return;
      socket.non_blocking(true);
      socket.set_option(asio::ip::tcp::no_delay(true));
      const auto peer = std::make_shared<Peer>(exchange_, ++accepted_, false);
      peers_.emplace(peer.get(), peer);
      peer->start(std::move(socket), nullptr);
      accept();
    }));
  }

  void on_open(Peer& peer) override {
    peer.flush();  // the answer to the upgrade
    rules_.on_open(peer);
  }
  void on_message(Peer& peer, std::string_view payload, bool binary) override {
    peer.flush();
    rules_.on_message(peer, payload, binary);
  }
  void on_ping(Peer& peer) override { rules_.on_ping(peer); }
  void on_ended(Peer& peer) override {
    if (peer.opened()) rules_.on_ended(peer);
    peers_.erase(&peer);
  }

  wsbench::detail::EchoPolicy& rules_;
  wsbench::detail::EventLoop loop_{};
  wsbench::Random random_{1};
  wsbench::detail::MessagePool pool_{std::size_t{64} << 20U};
  wsbench::detail::EchoExchange exchange_{loop_, pool_, random_, *this};
  asio::ip::tcp::acceptor acceptor_{loop_.context(), {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port_{acceptor_.local_endpoint().port()};
  std::unordered_map<Peer*, std::shared_ptr<Peer>> peers_{};
  std::uint64_t accepted_{0};
  std::thread thread_{};
};

}  // namespace support
