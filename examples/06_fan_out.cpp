// Fan-out: how long it takes until what one user says has reached everybody.
//
//     fan_out [ws://host:port/path]

#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

// In a channel, one publishes and all others listen: ready-made.
wsbench::Behaviour channel() {
  return wsbench::broadcast({
      .publishers = 1,
      .envelope = R"({"op":"publish","channel":"news","text":"$publication"})",
      .join = R"({"op":"subscribe","channel":"news"})",
      .joined = R"("op":"subscribe")",  // what the server says then
  });
}

// In a room, everybody talks and everybody hears it: whoever subscribes is to get every message with a publication in it.
wsbench::Task member(wsbench::Session& user) {
  user.subscribe();
  while (co_await user.turn()) user.send(fmt::format(R"({{"op":"say","text":"{}"}})", user.publication()));
}

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace(wsbench::EchoServerOptions{.to_all = true}).url();

  bool passed = true;
  for (const wsbench::Behaviour& behaviour : {channel(), wsbench::Behaviour{member, "room"}}) {
    const wsbench::Scenario scenario{
        .name = behaviour.name(),
        .clients = 20,
        .duration = 2s,
        .warm_up = 500ms,  // until everybody is there
        .pace = wsbench::think(100ms),
        .behaviour = behaviour,
        .expect = {metric::missing_deliveries == 0, metric::out_of_order_deliveries == 0, metric::last_delivery.p90 < 100ms},
    };
    const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
    std::cout << report << '\n';
    passed = passed && report.passed();
  }
  return passed ? 0 : 1;
}
