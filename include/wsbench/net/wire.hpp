#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wsbench/failure.hpp>
#include <wsbench/metrics_collector.hpp>
#include <wsbench/net/receive_stamp.hpp>

namespace wsbench::detail {

/// How a connection, or the attempt to make one, came to its end.
struct Ending {
  Failure failure{Failure::other};  ///< the name it is counted under
  int code{0};                      ///< HTTP status or close code where it has one, else 0
  std::string detail{};             ///< in words, without a subject: "the server closed the connection (1001)"
};

/// Is told what happens on a wire. None of these is called from within a call to the wire.
class WireEvents {
 public:
  /// The WebSocket is open; `times.total` is left to the one who began.
  virtual void on_open(std::chrono::nanoseconds now, const ConnectTimes& times) = 0;
  /// A message arrived.
  virtual void on_message(std::string_view payload, bool binary, const Arrival& arrival) = 0;
  /// That is about to happen: what it needs can be fetched into the cache.
  virtual void on_message_soon() const {}
  /// A pong arrived.
  virtual void on_pong(std::string_view payload, const Arrival& arrival) = 0;
  /// Everything that came in with the last read was told: what was sent meanwhile should be flushed.
  virtual void on_input_end() = 0;
  /// Everything that had to wait was written.
  virtual void on_drained() = 0;
  /// The connection is gone, or never came to be; the wire may be opened again.
  virtual void on_ended(std::chrono::nanoseconds now, const Ending& ending) = 0;

 protected:
  ~WireEvents() = default;
};

/// What a client speaks through: a WebSocket connection, or a pretended one in a test.
class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  /// Begins to connect; the outcome comes later.
  virtual void open() = 0;
  /// Takes a message to be written by `flush()`; false if the bounded queue has no room for it.
  virtual bool send(std::string_view payload, bool binary) = 0;
  /// Writes what was taken, as far as the connection lets it.
  virtual void flush() = 0;
  /// Whether bytes are waiting for the other end to read.
  virtual bool congested() const noexcept = 0;
  /// Takes a ping to be written by `flush()`; `payload` has at most 125 bytes.
  virtual void ping(std::string_view payload) = 0;
  /// Begins the closing handshake; its end comes as `on_ended`.
  virtual void close(std::uint16_t code, std::string_view reason = {}) = 0;
  /// Drops the connection or the attempt at once; nothing more is told of it.
  virtual void abandon() = 0;
  /// What an attempt that takes too long is counted as, by the phase it is in.
  virtual Failure phase_timeout() const noexcept = 0;
};

}  // namespace wsbench::detail
