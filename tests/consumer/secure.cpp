// What an embedder writes to speak TLS: nobody listens at that port, which is told apart from a certificate that is not trusted.

#include <cstdlib>

#include <wsbench/tls.hpp>
#include <wsbench/wsbench.hpp>

int main() {
  const wsbench::LoadTest test{"wss://localhost:9", {.clients = 1, .messages = 1}, {.tls = wsbench::tls()}};
  return test.run().verdict() == wsbench::Verdict::no_connection ? EXIT_SUCCESS : EXIT_FAILURE;
}
