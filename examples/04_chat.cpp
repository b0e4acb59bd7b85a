// A chat: users log in, join one of five rooms, and talk until the load is over.
//
//     chat [ws://host:port/path]

#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

wsbench::Task chat_user(wsbench::Session& user) {  // connected before it starts, closed after it ends
  auto message = [&user, number = 0](std::string_view op, std::string_view what) mutable {
    return fmt::format(R"({{"id":"{}-{}","op":"{}","what":"{}"}})", user.id(), ++number, op, what);
  };
  const auto began = std::chrono::steady_clock::now();

  const wsbench::Reply login = co_await user.request("login", message("login", fmt::format("user {}", user.id())));
  user.check("logged in", login.contains("user"));  // false where there is no reply
  const wsbench::Reply joined = co_await user.request("join", message("join", fmt::format("room {}", user.id() % 5)));
  user.check("joined", joined.contains("room"));
  user.note("on the way in", std::chrono::steady_clock::now() - began);

  while (co_await user.turn()) {                                // this user's next turn; false when the load is over
    co_await user.request("say", message("say", "hello"), 2s);  // sent, answered within 2 s, timed under "say"
  }
}

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace(wsbench::EchoServerOptions{.to_all = true}).url();

  // What others say comes unasked: it is counted, and is nobody's answer.
  const wsbench::Behaviour chat =
      wsbench::Behaviour{chat_user, "chat"}.correlate(wsbench::json_member("id")).on_message("heard", wsbench::containing(R"("op":"say")"));
  const wsbench::Scenario scenario{
      .name = "chat",
      .clients = 20,
      .duration = 2s,
      .pace = wsbench::think(200ms),
      .behaviour = chat,
      .expect = {metric::check("logged in") == 1.0, metric::check("joined") == 1.0, metric::latency("say").p95 < 100ms},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
  std::cout << report;
  return report.passed() ? 0 : 1;
}
