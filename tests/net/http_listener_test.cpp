// The listener for pages: what it answers, and that nobody who is slow, silent or many keeps it from answering others.

#include <chrono>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <wsbench/net/http_listener.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/text_checks.hpp"

using namespace std::chrono_literals;
using support::has;
using support::http_get;
using support::HttpClient;
using support::HttpReply;
using wsbench::detail::HttpAnswer;
using wsbench::detail::HttpListener;

namespace {

constexpr std::size_t large = std::size_t{8} << 20U;

std::optional<HttpAnswer> respond(std::string_view path) {
  if (path == "/page") return HttpAnswer{.type = "text/plain; version=0.0.4", .body = "figure 1\n"};
  if (path == "/large") return HttpAnswer{.body = std::string(large, 'x')};
  if (path == "/broken") throw std::runtime_error("no");
  return std::nullopt;
}

HttpReply reply_to(const HttpListener& listener, const std::string& request) {
  HttpClient client(listener.port());
  client.write(request);
  return client.reply();
}

}  // namespace

TEST_CASE("a page is answered, with or without a query, whole or in pieces", "[http_listener]") {
  const HttpListener listener("127.0.0.1", 0, respond);
  const HttpReply reply = http_get(listener.port(), "/page?name=value");
  CHECK(reply.status == 200);
  CHECK(has(reply.head, "\r\nContent-Type: text/plain; version=0.0.4"));
  CHECK(has(reply.head, "\r\nContent-Length: 9"));
  CHECK(has(reply.head, "\r\nConnection: close"));
  CHECK(reply.body == "figure 1\n");

  HttpClient slow(listener.port());
  for (const char* piece : {"G", "ET /page HT", "TP/1.1\r\nHost: a\r", "\n\r", "\n"}) REQUIRE(slow.write(piece));
  CHECK(slow.reply().body == "figure 1\n");

  const HttpReply head = reply_to(listener, "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(has(head.head, "\r\nContent-Length: 9"));
  CHECK(head.body.empty());
  CHECK(http_get(listener.port(), "/large").body.size() == large);
}

TEST_CASE("what is no page, or no request, is answered too", "[http_listener]") {
  const HttpListener listener("127.0.0.1", 0, respond);
  CHECK(http_get(listener.port(), "/elsewhere").status == 404);
  CHECK(http_get(listener.port(), "/broken").status == 500);
  const HttpReply post = reply_to(listener, "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(post.status == 405);
  CHECK(has(post.head, "\r\nAllow: GET, HEAD"));
  CHECK(reply_to(listener, "rubbish\r\n\r\n").status == 400);
  CHECK(reply_to(listener, std::string("\0\x01\xff\r\n\r\n", 7)).status == 400);
  CHECK(reply_to(listener, "GET /page HTTP/1.1\r\nHost: " + std::string(100'000, 'a')).status == 431);
  CHECK(http_get(listener.port(), "/page").status == 200);
}

TEST_CASE("whoever says nothing, too little, or does not read delays nobody", "[http_listener]") {
  const HttpListener listener("127.0.0.1", 0, respond, {.time = 1h});
  HttpClient silent(listener.port());
  HttpClient slow(listener.port());
  HttpClient deaf(listener.port());
  REQUIRE(slow.write("GET /pa"));
  REQUIRE(deaf.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  for (int n = 0; n < 3; ++n) CHECK(http_get(listener.port(), "/page").status == 200);
  REQUIRE(slow.write("ge HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(slow.reply().body == "figure 1\n");
}

TEST_CASE("whoever takes longer than there is is dropped, and a byte now and then does not put that off", "[http_listener]") {
  constexpr auto time = 100ms;
  const HttpListener listener("127.0.0.1", 0, respond, {.time = time});
  const auto begin = std::chrono::steady_clock::now();
  HttpClient silent(listener.port());
  HttpClient slow(listener.port());
  HttpClient deaf(listener.port());
  REQUIRE(slow.write("GET /pa"));
  REQUIRE(deaf.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(support::eventually([&] {
    std::this_thread::sleep_for(10ms);
    return !slow.write("g");
  }));
  CHECK(silent.read_to_end() == "");
  CHECK(std::chrono::steady_clock::now() - begin >= time);
  const std::optional<std::string> part = deaf.read_to_end();
  REQUIRE(part.has_value());
  CHECK(part->size() < large);
  CHECK(http_get(listener.port(), "/page").status == 200);
}

TEST_CASE("where too many are connected, the oldest makes room for who asks", "[http_listener]") {
  const HttpListener listener("127.0.0.1", 0, respond, {.connections = 4, .time = 1h});
  std::list<HttpClient> idle;
  for (int n = 0; n < 20; ++n) idle.emplace_back(listener.port());
  CHECK(http_get(listener.port(), "/page").status == 200);
  for (int n = 0; n < 17; ++n) {
    CHECK(idle.front().read_to_end() == "");
    idle.pop_front();
  }
  REQUIRE(idle.back().write("GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(idle.back().reply().status == 200);
}

TEST_CASE("a listener ends at once, whoever is connected", "[http_listener]") {
  std::optional<HttpListener> listener;
  listener.emplace("127.0.0.1", std::uint16_t{0}, respond, HttpListener::Limits{.time = 1h});
  HttpClient silent(listener->port());
  HttpClient deaf(listener->port());
  REQUIRE(deaf.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(http_get(listener->port(), "/page").status == 200);
  listener.reset();
  CHECK(silent.read_to_end() == "");
}

TEST_CASE("a listener that cannot listen says where", "[http_listener]") {
  const HttpListener listener("127.0.0.1", 0, respond);
  const auto refusal = [](const std::string& address, std::uint16_t port) {
    try {
      const HttpListener second(address, port, respond);
      return std::string();
    } catch (const wsbench::Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(has(refusal("127.0.0.1", listener.port()), "listen: cannot listen at 127.0.0.1 port " + std::to_string(listener.port())));
  CHECK(has(refusal("localhost", 0), "listen: \"localhost\" is no numeric address"));
}
