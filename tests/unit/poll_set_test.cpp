// Streams over an epoll set, and descriptors that somebody else has too.

#include <wsbench/net/stream.hpp>

#if WSBENCH_EPOLL

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>

#include <asio/local/stream_protocol.hpp>

#include "catch.hpp"

using wsbench::detail::EpollStream;
using wsbench::detail::EventLoop;
using wsbench::detail::Socket;

namespace {

class CountedEvents final : public wsbench::detail::StreamEvents {
 public:
  void on_ready(bool, bool) override { ++count; }
  int count{0};
};

}  // namespace

TEST_CASE("a stream that is gone is told nothing, though a process that was started has its descriptor", "[poll_set]") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const int of_another = ::dup(ends[0]);
  EventLoop loop;
  CountedEvents events;
  std::optional<EpollStream> stream;
  stream.emplace(loop, Socket(loop.context(), asio::generic::stream_protocol(asio::local::stream_protocol()), ends[0]), events);
  REQUIRE(::write(ends[1], "a", 1) == 1);
  CHECK(loop.polls().dispatch() == 1);
  CHECK(events.count == 1);
  stream.reset();
  CHECK(loop.polls().dispatch() == 0);
  CHECK(events.count == 1);
  ::close(of_another);
  ::close(ends[1]);
}

#endif
