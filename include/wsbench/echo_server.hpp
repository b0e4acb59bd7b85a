#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <wsbench/error.hpp>
#include <wsbench/net/deadline_queue.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/run/echo_connection.hpp>

namespace wsbench {

/// How an echo server behaves; by default it answers every message at once with itself.
struct EchoServerOptions {
  std::string address{"127.0.0.1"};       ///< to listen at; numeric
  std::uint16_t port{0};                  ///< 0 picks a free one
  bool to_all{false};                     ///< each message goes to all who are connected then, its sender among them
  std::chrono::nanoseconds delay{0};      ///< each message is answered this long after it came
  std::uint64_t swallow_every{0};         ///< every nth message, over all connections, gets no answer; 0: none
  std::uint64_t close_every{0};           ///< every nth connection is closed (1001) at its first message; 0: none
  std::string greeting{};                 ///< sent to each client as it connects; empty: none
  std::chrono::nanoseconds stall_at{0};   ///< since its start: when it stalls
  std::chrono::nanoseconds stall_for{0};  ///< neither reads nor writes for this long; 0: never
};

/// A WebSocket echo server in a thread of its own, which knows the truth about what it was asked and what it answered.
class EchoServer {
 public:
  using Options = EchoServerOptions;

  /// What happened so far.
  struct Counts {
    std::uint64_t connections{0};  ///< opened, handshake included
    std::uint64_t open{0};         ///< of those: still open
    std::uint64_t messages{0};     ///< received
    std::uint64_t answered{0};     ///< of those: sent back; to all, each delivery counts
    std::uint64_t swallowed{0};    ///< of those: deliberately not

    bool operator==(const Counts&) const = default;
  };

  /// Listens when it returns; throws Error if it cannot.
  explicit EchoServer(Options options = {}) : service_(std::make_unique<Service>(std::move(options))) {}

  /// Where it listens: "ws://127.0.0.1:43121".
  std::string url() const { return "ws://" + detail::Url{false, service_->options.address, service_->port, "/"}.authority(); }
  /// The port it listens at.
  std::uint16_t port() const noexcept { return service_->port; }
  /// What happened so far; from any thread.
  Counts counts() const noexcept {
    const Service& service = *service_;
    return {service.connections, service.open, service.messages, service.answered, service.swallowed};
  }
  /// Has it neither read nor write for this long, from now on; returns at once.
  void stall(std::chrono::nanoseconds length) {
    service_->loop.post([length] { std::this_thread::sleep_for(length); });
  }
  /// Closes every connection and stops listening; the destructor does the same.
  void stop() { service_->stop(); }

 private:
  // Everything of the server's thread; elsewhere only what is atomic or does not change.
  class Service final : public detail::EchoPolicy {
   public:
    explicit Service(Options chosen) : options(std::move(chosen)) {
      listen();
      delayed_.service = this;
      stall_.service = this;
      if (options.stall_for.count() > 0) loop.deadlines().arm(stall_, options.stall_at);
      accept();
      thread_ = std::thread([this] { loop.run(std::chrono::steady_clock::now()); });
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service() { stop(); }

    void stop() {
      if (!thread_.joinable()) return;
      loop.post([this] { loop.stop(); });
      thread_.join();
      alive_.clear();
      asio::error_code ignored;
      acceptor_.close(ignored);
    }

    Options options;
    detail::EventLoop loop{};
    std::uint16_t port{0};
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> open{0};
    std::atomic<std::uint64_t> messages{0};
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> swallowed{0};

   private:
    struct Answer {
      std::chrono::nanoseconds due{0};
      std::weak_ptr<detail::EchoConnection> connection{};
      std::string payload{};
      bool binary{false};
    };
    struct Delayed final : detail::Deadline {
      void on_deadline(std::chrono::nanoseconds now) override { service->answer_due(now); }
      Service* service{nullptr};
    };
    struct Stall final : detail::Deadline {
      void on_deadline(std::chrono::nanoseconds) override { std::this_thread::sleep_for(service->options.stall_for); }
      Service* service{nullptr};
    };

    void listen() {
      asio::error_code error;
      const auto address = asio::ip::make_address(options.address, error);
      if (error) throw Error("address", detail::in_quotes(options.address) + " is no numeric address: give one such as 127.0.0.1 or ::1");
      const asio::ip::tcp::endpoint endpoint(address, options.port);
      acceptor_.open(endpoint.protocol(), error);
      if (!error) acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
      if (!error) acceptor_.bind(endpoint, error);
      if (!error) acceptor_.listen(asio::ip::tcp::acceptor::max_listen_connections, error);
      if (error) {
        throw Error("port", "cannot listen at " + options.address + ':' + std::to_string(options.port) + ": " + error.message() +
                                ": give another one, or 0 for any that is free");
      }
      acceptor_.non_blocking(true);
      port = acceptor_.local_endpoint().port();
    }

    void accept() {
      accepting_ = true;
      acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read, loop.entering([this](const asio::error_code& failed) {
        accepting_ = false;
        if (failed) return;
        // As many as are waiting, but the others want their turn too.
        for (int left = 64; left > 0; --left) {
          asio::error_code error;
          asio::ip::tcp::socket socket = acceptor_.accept(error);
          // Out of descriptors, it would only be called again and again: the next connection that ends lets it go on.
          if (error == asio::error::no_descriptors && !alive_.empty()) return;
          if (error) break;
          serve(std::move(socket));
        }
        accept();
      }));
    }

    void serve(asio::ip::tcp::socket socket) {
      asio::error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      const std::uint64_t number = ++accepted_;
      const bool doomed = options.close_every > 0 && number % options.close_every == 0;
      auto connection = std::make_shared<detail::EchoConnection>(loop, pool_, random_, *this, number, doomed);
      alive_.emplace(connection.get(), connection);
      connection->start(std::move(socket));
    }

    void on_open(detail::EchoConnection& connection) override {
      ++connections;
      ++open;
      if (!options.greeting.empty()) connection.send(options.greeting, false);
    }

    void on_message(detail::EchoConnection& connection, std::string_view payload, bool binary) override {
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

    void on_ended(detail::EchoConnection& connection) override {
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
    detail::MessagePool pool_{std::size_t{64} << 20U};
    asio::ip::tcp::acceptor acceptor_{loop.context()};
    Delayed delayed_{};
    Stall stall_{};
    std::deque<Answer> answers_{};
    std::unordered_map<detail::EchoConnection*, std::shared_ptr<detail::EchoConnection>> alive_{};
    std::uint64_t accepted_{0};
    bool accepting_{false};
    std::thread thread_{};
  };

  std::unique_ptr<Service> service_;
};

}  // namespace wsbench
