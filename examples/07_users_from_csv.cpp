// Users with a name and a password each, from a file:
//
//     users_from_csv [ws://host:port/path [USERS.csv]]

#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <wsbench/wsbench.hpp>

using namespace std::chrono_literals;
namespace metric = wsbench::metric;

int main(int argc, char* argv[]) {
  std::optional<wsbench::EchoServer> server;
  const std::string url = argc > 1 ? argv[1] : server.emplace().url();
  const wsbench::Csv users = wsbench::Csv::from_file(argc > 2 ? argv[2] : "examples/users.csv");

  const auto member = [users](wsbench::Session& user) -> wsbench::Task {
    const wsbench::Csv::Row self = users.row_for(user.id());
    const wsbench::Reply login =
        co_await user.request("login", fmt::format(R"({{"name":"{}","password":"{}"}})", self["name"], self["password"]));
    user.check("logged in", login.contains(self["name"]));
    while (co_await user.turn()) co_await user.request("say", users.any(user.random())["greeting"]);
  };
  const wsbench::Scenario scenario{
      .name = "users from a file",
      .clients = users.size(),
      .messages = 20,
      .pace = wsbench::think(50ms),
      .behaviour = member,
      .expect = {metric::check("logged in") == 1.0, metric::latency("say").p50 < 100ms},
  };
  const wsbench::Report report = wsbench::LoadTest{url, scenario}.run();
  std::cout << report;
  return report.passed() ? 0 : 1;
}
