#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace wsbench {

class Compression;
class TlsContext;

/// How an echo server behaves; by default it answers every message at once with itself.
struct EchoServerOptions {
  std::string address{"127.0.0.1"};         ///< to listen at; numeric
  std::uint16_t port{0};                    ///< 0 picks a free one
  std::string socket{};                     ///< the path of a Unix socket to listen at instead, which is made and taken away; empty: none
  bool to_all{false};                       ///< each message goes to all who are connected then, its sender among them
  std::chrono::nanoseconds delay{0};        ///< each message is answered this long after it came
  std::uint64_t swallow_every{0};           ///< every nth message, over all connections, gets no answer; 0: none
  std::uint64_t close_every{0};             ///< every nth connection is closed (1001) at its first message; 0: none
  std::string greeting{};                   ///< sent to each client as it connects; empty: none
  std::chrono::nanoseconds stall_at{0};     ///< since its start: when it stalls
  std::chrono::nanoseconds stall_for{0};    ///< neither reads nor writes for this long; 0: never
  std::shared_ptr<const TlsContext> tls{};  ///< what it speaks TLS with: `wsbench::tls_server()` of `wsbench/tls.hpp`; without it, plain
  std::shared_ptr<const Compression>
      deflate{};                   ///< compresses messages, where the client offers it: `wsbench::deflate()` of `wsbench/deflate.hpp`
  std::uint64_t fragment_size{0};  ///< answers are sent in frames of at most so many bytes; 0: each in one
};

}  // namespace wsbench
