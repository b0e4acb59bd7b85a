#pragma once

#include <memory>
#include <string>

#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/stream.hpp>

namespace wsbench {

/// What speaks TLS for every connection of a run or of a server: `tls()` and `tls_server()` of `wsbench/tls.hpp` make one.
///
/// An interface, so that only those who include that header need OpenSSL. Shared by threads and never changed.
class TlsContext {
 public:
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  virtual ~TlsContext() = default;

  /// Whether the other end has to prove who it is.
  virtual bool verifies() const noexcept = 0;

  /// A stream over a connected socket. `host` is whom a client wants to reach, and `session`, which has to outlive the stream, what it
  /// keeps of one connection to resume it with the next.
  virtual std::unique_ptr<detail::Stream> secure(detail::EventLoop& loop, detail::Socket socket, detail::StreamEvents& events,
                                                 const std::string& host, std::shared_ptr<void>& session) const = 0;
};

}  // namespace wsbench
