// A second file that includes wsbench, so that a definition which is not inline shows when the two are linked.

#include <wsbench/wsbench.hpp>

wsbench::Report load_on(const wsbench::EchoServer& server) {
  return wsbench::LoadTest{server.url(), {.name = "consumer", .clients = 3, .messages = 5}}.run();
}
