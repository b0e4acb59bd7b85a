// A client that is not wsbench's, with a collector filled by hand: the report judges, prints and is saved as any other.
//
//     other_client [HOST PORT]

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include <asio.hpp>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

// The other client: a WebSocket by hand. Both are false where the connection is gone.
bool connect(asio::ip::tcp::iostream& stream, const std::string& host, const std::string& port) {
  stream.connect(host, port);
  stream << "GET / HTTP/1.1\r\nHost: " << host << "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         << "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  for (std::string line; line != "\r" && std::getline(stream, line);) continue;
  return stream.good();
}
bool say_hello(asio::ip::tcp::iostream& stream) {
  char echo[7];
  stream.write("\x81\x85\0\0\0\0hello", 11).flush();  // a frame of text, masked with 0
  return stream.read(echo, sizeof echo).good();       // its echo, which has no mask
}

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string host = argc > 2 ? argv[1] : "127.0.0.1";
  const std::string port = argc > 2 ? argv[2] : std::to_string(server.emplace().port());
  asio::ip::tcp::iostream client;
  wsbench::MetricsCollector collector;
  const auto hello = collector.label("hello");
  const auto started = std::chrono::steady_clock::now();
  const auto now = [started] { return std::chrono::steady_clock::now() - started; };

  collector.connection_attempted();
  if (connect(client, host, port)) collector.connection_opened({.total = now()});
  if (!client) collector.connection_failed();
  for (int message = 0; message < 1000 && client; ++message) {
    const auto due = now();
    collector.sent(hello);
    const bool answered = say_hello(client);
    const auto took = now() - due;
    if (answered) collector.answered(hello, took, took);  // response and service time are the same: it was due when it was sent
    if (!answered) collector.failed(hello, took);
  }
  if (!client) collector.failure(wsbench::Failure::other, 0, now(), [&] { return client.error().message(); });

  const wsbench::RunRecord record{
      .scenario = "by hand", .started_at = std::chrono::system_clock::now() - now(), .duration = now(), .metrics = collector.snapshot()};
  const wsbench::Report report{record, {metric::success_rate > 0.99, metric::latency.p95 < 50ms}};
  std::cout << report;
  return report.passed() ? 0 : 1;
}
