#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "bench/child_process.hpp"
#include "support/web_socket_server.hpp"

namespace support {

/// What a leaking server never gives back; by default nothing.
struct LeakingConduct {
  std::size_t bytes_a_message{0};
  std::size_t bytes_a_connection{0};
  std::size_t most_bytes{std::size_t{256} << 20U};  ///< then it takes no more: a cache that is full
};

/// An echo server in a process of its own whose resident set grows by exactly what it leaks.
class LeakingServer {
 public:
  /// Forks: to be called while this process has one thread. It lives for at most `seconds`.
  explicit LeakingServer(unsigned seconds, const LeakingConduct& conduct = {})
      : process_("leaking server", seconds, [conduct](const bench::Channel& parent) { serve(parent, conduct); }),
        port_(process_.get<std::uint16_t>()) {}

  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }
  pid_t id() const noexcept { return process_.id(); }
  /// How much it has leaked so far, in bytes.
  std::size_t leaked() const {
    process_.put('?');
    return process_.get<std::size_t>();
  }

 private:
  class Rules final : public wsbench::detail::EchoPolicy {
   public:
    explicit Rules(const LeakingConduct& conduct) : conduct_(conduct) {
      // Not from malloc(), which takes memory from the system in steps of its own; nor in huge pages, which are steps too.
      void* const pages = ::mmap(nullptr, conduct_.most_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (pages == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
      ::madvise(pages, conduct_.most_bytes, MADV_NOHUGEPAGE);
      memory_ = static_cast<char*>(pages);
    }

    void on_open(Peer&) override { leak(conduct_.bytes_a_connection); }
    void on_message(Peer& peer, std::string_view text, bool) override {
      leak(conduct_.bytes_a_message);
      WebSocketServer::tell(peer, text);
    }
    void on_ended(Peer&) override {}

    std::size_t leaked() const noexcept { return leaked_; }

   private:
    void leak(std::size_t bytes) {
      const std::size_t taken = std::min(bytes, conduct_.most_bytes - leaked_);
      std::memset(memory_ + leaked_, 1, taken);  // memory that nobody touches is not resident
      leaked_ += taken;
    }

    LeakingConduct conduct_;
    char* memory_{nullptr};
    std::size_t leaked_{0};
  };

  static void serve(const bench::Channel& parent, const LeakingConduct& conduct) {
    Rules rules(conduct);
    WebSocketServer server(rules);
    parent.put(server.port());
    for (char question{}; parent.get(question);) parent.put(server.ask([&] { return rules.leaked(); }));
  }

  bench::ChildProcess process_;
  std::uint16_t port_;
};

}  // namespace support
