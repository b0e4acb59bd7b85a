// Requests and responses that carry an id: many are under way at once, and answers may come in any order.
//
//     json_id [ws://host:port/path]

#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

wsbench::Task ask(wsbench::Session& user) {
  for (int id = 1; co_await user.turn(); ++id) {
    const bool writes = user.random()() % 10 == 0;  // every tenth, the same ones for the same seed
    const std::string method = writes ? "write" : "read";
    user.post(method, fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":[{}]}})", id, method, user.id()));
  }
}

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace().url();

  const wsbench::Scenario scenario{
      .name = "json_id",
      .clients = 10,
      .duration = 2s,
      .pace = wsbench::rate(400),  // a second over all users, whether the server answers or not
      .in_flight = 100,            // of one user
      .behaviour = wsbench::Behaviour{ask}.correlate(wsbench::json_member("id")),
      .expect = {metric::latency("read").p99 < 50ms, metric::latency("write").p95 < 100ms, metric::errors == 0},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
  std::cout << report;
  return report.passed() ? 0 : 1;
}
