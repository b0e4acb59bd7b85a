// What an embedder writes to speak TLS and to compress: nobody listens at that port, which is told apart from a certificate that is not
// trusted.

#include <cstdlib>

#include <wsbench/deflate.hpp>
#include <wsbench/tls.hpp>
#include <wsbench/wsbench.hpp>

int main() {
  const wsbench::LoadTest test{"wss://localhost:9", {.clients = 1, .messages = 1}, {.tls = wsbench::tls(), .deflate = wsbench::deflate()}};
  return test.run().verdict() == wsbench::Verdict::no_connection ? EXIT_SUCCESS : EXIT_FAILURE;
}
