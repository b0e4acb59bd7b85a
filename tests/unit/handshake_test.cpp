#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/net/handshake.hpp>

#include "catch.hpp"

using wsbench::Failure;
using wsbench::Random;
using wsbench::detail::ClientHandshake;
using wsbench::detail::HttpHead;
using wsbench::detail::MessagePool;
using wsbench::detail::Refusal;
using wsbench::detail::ServerHandshake;
using wsbench::detail::Url;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Parts {
  MessagePool pool{1000};
  Random random{1};
};

std::string header_of(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == head.npos) return "no " + name;
  const std::size_t start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// The answer of a server that agrees; written by wsbench's own server side, which the RFC's example below checks.
std::string agreement(const std::string& request) {
  Parts parts;
  ServerHandshake server(parts.pool, parts.random);
  server.take(request);
  std::string answer;
  REQUIRE(server.answer(answer));
  return answer;
}

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const std::size_t at = text.find(what);
  INFO("in " << text << " there is no " << what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), instead);
}

class Client {
 public:
  explicit Client(const Headers& headers = {}, const std::vector<std::string>& subprotocols = {},
                  const Url& url = {false, "example.org", 80, "/chat?x=1"}, const wsbench::DeflateOptions* deflate = nullptr)
      : handshake_(url, headers, subprotocols, parts_.pool, parts_.random, deflate) {}
  explicit Client(const wsbench::DeflateOptions& deflate) : Client({}, {}, {false, "example.org", 80, "/"}, &deflate) {}

  std::string request() const { return handshake_.request(); }
  ClientHandshake& handshake() noexcept { return handshake_; }

  // What it makes of that answer, read in one piece and in many.
  std::optional<Refusal> judge(const std::string& answer) {
    CHECK(handshake_.take(answer) == answer.size());
    REQUIRE(handshake_.decided());
    return handshake_.refusal();
  }

 private:
  Parts parts_{};
  ClientHandshake handshake_;
};

void require_refused(const std::string& answer, Failure failure, int code = 0) {
  Client client;
  const auto refusal = client.judge(answer);
  INFO(answer);
  REQUIRE(refusal.has_value());
  CHECK(refusal->failure == failure);
  CHECK(refusal->code == code);
  CHECK_FALSE(refusal->detail.empty());
  CHECK(refusal->detail.find_first_of("\r\n") == std::string::npos);
}

bool server_agrees(const std::string& request) {
  Parts parts;
  ServerHandshake server(parts.pool, parts.random);
  server.take(request);
  if (!server.decided()) return false;
  std::string answer;
  const bool agreed = server.answer(answer);
  CHECK(answer.starts_with(agreed ? "HTTP/1.1 101 " : "HTTP/1.1 400 "));
  CHECK(answer.find("\r\n\r\n") != std::string::npos);
  return agreed;
}

}  // namespace

TEST_CASE("the request has what RFC 6455 section 4.1 demands", "[handshake]") {
  Client client;
  const std::string request = client.request();
  CHECK(request.starts_with("GET /chat?x=1 HTTP/1.1\r\n"));
  CHECK(request.ends_with("\r\n\r\n"));
  CHECK(header_of(request, "Host") == "example.org");
  CHECK(header_of(request, "Upgrade") == "websocket");
  CHECK(header_of(request, "Connection") == "Upgrade");
  CHECK(header_of(request, "Sec-WebSocket-Version") == "13");
  CHECK(header_of(request, "Sec-WebSocket-Key").size() == 24);
  CHECK(header_of(request, "User-Agent").starts_with("wsbench/"));
  CHECK(header_of(request, "Sec-WebSocket-Extensions") == "no Sec-WebSocket-Extensions");
  CHECK(header_of(request, "Sec-WebSocket-Protocol") == "no Sec-WebSocket-Protocol");
}

TEST_CASE("the key differs from one connection to the next", "[handshake]") {
  Parts parts;
  const Url url{false, "h", 80, "/"};
  const ClientHandshake first(url, {}, {}, parts.pool, parts.random);
  const ClientHandshake second(url, {}, {}, parts.pool, parts.random);
  CHECK(header_of(first.request(), "Sec-WebSocket-Key") != header_of(second.request(), "Sec-WebSocket-Key"));
}

TEST_CASE("the host carries brackets and a port where they are needed", "[handshake]") {
  CHECK(header_of(Client({}, {}, {false, "::1", 9001, "/"}).request(), "Host") == "[::1]:9001");
  CHECK(header_of(Client({}, {}, {false, "a", 80, "/"}).request(), "Host") == "a");
}

TEST_CASE("headers of one's own are added, and replace those of the same name in whatever case", "[handshake]") {
  const std::string request =
      Client({{"Authorization", "Bearer x:y z"}, {"user-agent", "mine"}, {"Host", "other"}, {"X-Empty", ""}}).request();
  CHECK(header_of(request, "Authorization") == "Bearer x:y z");
  CHECK(count(request, "wsbench/") == 0);
  CHECK(count(request, "mine") == 1);
  CHECK(header_of(request, "Host") == "other");
  CHECK(count(request, "Host: ") == 1);
  CHECK(count(request, "X-Empty: \r\n") == 1);
}

TEST_CASE("subprotocols are asked for in their order", "[handshake]") {
  CHECK(header_of(Client({}, {"soap", "wamp"}).request(), "Sec-WebSocket-Protocol") == "soap, wamp");
}

TEST_CASE("the RFC's own example is answered as the RFC has it", "[handshake]") {
  const std::string answer = agreement(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n");
  CHECK(header_of(answer, "Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(answer.starts_with("HTTP/1.1 101 "));
}

TEST_CASE("an agreement is one, in one piece, in two, and in bytes; what follows it is left", "[handshake]") {
  const std::string answer = agreement(Client().request());
  const std::string bytes = answer + "\x81\x02hi\r\n\r\n";
  for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
    Client client;
    std::size_t used = client.handshake().take(std::string_view(bytes).substr(0, cut));
    REQUIRE(used == cut);
    if (!client.handshake().decided()) used += client.handshake().take(std::string_view(bytes).substr(cut));
    INFO("cut at " << cut);
    REQUIRE(client.handshake().decided());
    REQUIRE(used == answer.size());
    REQUIRE_FALSE(client.handshake().refusal().has_value());
  }
  Client client;
  for (const char& byte : answer) {
    REQUIRE_FALSE(client.handshake().decided());
    REQUIRE(client.handshake().take({&byte, 1}) == 1);
  }
  CHECK(client.handshake().decided());
  CHECK_FALSE(client.handshake().refusal().has_value());
}

TEST_CASE("an agreement may be worded in other ways", "[handshake]") {
  const std::string answer = agreement(Client().request());
  CHECK_FALSE(Client().judge(with(answer, "Connection: Upgrade", "connection: keep-alive, upgrade")).has_value());
  CHECK_FALSE(Client().judge(with(answer, "Upgrade: websocket", "UPGRADE:WebSocket")).has_value());
  CHECK_FALSE(Client().judge(with(answer, "101 Switching Protocols", "101 Yes")).has_value());
}

TEST_CASE("another status is refused under its own number", "[handshake]") {
  require_refused("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n", Failure::http_status, 401);
  require_refused("HTTP/1.1 404 Not Found\r\n\r\n", Failure::http_status, 404);
  require_refused("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n", Failure::http_status, 503);
  require_refused("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", Failure::http_status, 200);
  require_refused("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", Failure::http_status, 302);
  require_refused("HTTP/1.0 403 Forbidden\r\n\r\n", Failure::http_status, 403);
  require_refused("HTTP/1.1 999 Nothing\r\n\r\n", Failure::http_status, 999);
  require_refused("HTTP/1.1 100\r\n\r\n", Failure::http_status, 100);
  require_refused("HTTP/1.1 403 No\r\nthis is no header\r\n\r\n", Failure::http_status, 403);
}

TEST_CASE("a refusal is told with the server's words, in one line and not all of them", "[handshake]") {
  CHECK(Client().judge("HTTP/1.1 403 Forbidden\r\n\r\n")->detail == "refused the upgrade with 403 Forbidden");
  CHECK(Client().judge("HTTP/1.1 403 \r\n\r\n")->detail == "refused the upgrade with 403");
  CHECK(Client().judge("HTTP/1.1 403\r\n\r\n")->detail == "refused the upgrade with 403");
  CHECK(Client().judge("HTTP/1.1 403 a\x01\nb\x7f\r\n\r\n")->detail == "refused the upgrade with 403 a??b?");
  CHECK(Client().judge("HTTP/1.1 403 " + std::string(1000, 'x') + "\r\n\r\n")->detail ==
        "refused the upgrade with 403 " + std::string(40, 'x') + "...");
}

TEST_CASE("a status is three digits after a version", "[handshake]") {
  for (const std::string line : {"HTTP/1.1 10101 X", "HTTP/1.1 40 X", "HTTP/1.1 099 X", "HTTP/1.1  403 X", "HTTP/1.1 403X",
                                 "HTTP/1.1 -40 X", "HTTP/11 403 X", "HTTP/x.1 403 X", "http/1.1 403 X", "HTTPS/1.1 403 X"}) {
    INFO(line);
    require_refused(line + "\r\n\r\n", Failure::bad_handshake);
  }
}

TEST_CASE("a 101 that breaks RFC 6455 section 4.1 is a bad handshake", "[handshake]") {
  const std::string answer = agreement(Client().request());
  const std::string accept = "Sec-WebSocket-Accept: " + header_of(answer, "Sec-WebSocket-Accept") + "\r\n";
  require_refused(with(answer, accept, ""), Failure::bad_handshake);
  require_refused(with(answer, accept, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), Failure::bad_handshake);
  require_refused(with(answer, "Upgrade: websocket\r\n", ""), Failure::bad_handshake);
  require_refused(with(answer, "Upgrade: websocket", "Upgrade: h2c"), Failure::bad_handshake);
  require_refused(with(answer, "Connection: Upgrade\r\n", ""), Failure::bad_handshake);
  require_refused(with(answer, "Connection: Upgrade", "Connection: close"), Failure::bad_handshake);
  require_refused(with(answer, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), Failure::bad_handshake);
  require_refused(with(answer, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: soap\r\n\r\n"), Failure::bad_handshake);
}

TEST_CASE("a subprotocol is agreed on only if it was asked for", "[handshake]") {
  const std::vector<std::string> asked{"soap", "wamp"};
  const std::string answer = agreement(Client({}, asked).request());
  CHECK(header_of(answer, "Sec-WebSocket-Protocol") == "soap");
  CHECK_FALSE(Client({}, asked).judge(answer).has_value());
  CHECK_FALSE(Client({}, asked).judge(with(answer, "Protocol: soap", "Protocol: wamp")).has_value());
  CHECK_FALSE(Client({}, asked).judge(with(answer, "Sec-WebSocket-Protocol: soap\r\n", "")).has_value());
  const auto refusal = Client({}, asked).judge(with(answer, "Protocol: soap", "Protocol: SOAP"));
  REQUIRE(refusal.has_value());
  CHECK(refusal->detail.find("\"SOAP\"") != std::string::npos);
}

TEST_CASE("what is not HTTP is a bad handshake, and nothing throws", "[handshake]") {
  for (const std::string head :
       {"", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1", "HTTP/1.1 101", "HTTP/1.1 abc Def", "HTTP/1.1 99999999999999999999 X", "\x81\x05hello",
        "HTTP/1.1 101 X\r\nno colon here", "HTTP/1.1 101 X\r\n: empty name"}) {
    Client client;
    INFO(head);
    const auto refusal = client.judge(head + "\r\n\r\n");
    REQUIRE(refusal.has_value());
    CHECK((refusal->failure == Failure::bad_handshake || refusal->failure == Failure::http_status));
    CHECK(refusal->detail.find_first_of("\r\n") == std::string::npos);
  }
}

TEST_CASE("a head without end is given up", "[handshake]") {
  Client client;
  std::string endless = "HTTP/1.1 101 X\r\nX: ";
  std::size_t fed = 0;
  while (!client.handshake().decided()) {
    client.handshake().take(endless);
    fed += endless.size();
    endless.assign(1000, 'x');
    REQUIRE(fed < 20'000);
  }
  const auto refusal = client.handshake().refusal();
  REQUIRE(refusal.has_value());
  CHECK(refusal->failure == Failure::bad_handshake);
}

TEST_CASE("a head ends with its empty line, wherever it is cut", "[handshake]") {
  const std::string bytes = "A: b\r\nC: d\r\n\r\nrest";
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    HttpHead head;
    std::size_t used = head.take(std::string_view(bytes).substr(0, cut));
    if (!head.complete()) used += head.take(std::string_view(bytes).substr(cut));
    REQUIRE(head.complete());
    CHECK(used == bytes.size() - 4);
    CHECK(head.text() == "A: b\r\nC: d\r\n\r\n");
    CHECK(head.first_line() == "A: b");
  }
  HttpHead lines;
  lines.take("A: b\n\nC: d\r\n\n\r");
  CHECK_FALSE(lines.complete());
}

TEST_CASE("a head may be as long as the limit and no longer", "[handshake]") {
  HttpHead just;
  just.take(std::string(HttpHead::limit - 4, 'x') + "\r\n\r\n");
  CHECK(just.complete());
  CHECK_FALSE(just.too_long());
  HttpHead over;
  CHECK(over.take(std::string(100'000, 'x')) <= HttpHead::limit + 1);
  CHECK(over.too_long());
  CHECK_FALSE(over.complete());
}

TEST_CASE("a server refuses what is no handshake", "[handshake]") {
  const std::string good = Client().request();
  CHECK(server_agrees(good));
  CHECK_FALSE(server_agrees(with(good, "GET", "POST")));
  CHECK_FALSE(server_agrees(with(good, "HTTP/1.1", "HTTP/1.0")));
  CHECK_FALSE(server_agrees(with(good, "Upgrade: websocket\r\n", "")));
  CHECK_FALSE(server_agrees(with(good, "Connection: Upgrade\r\n", "")));
  CHECK_FALSE(server_agrees(with(good, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12")));
  CHECK_FALSE(server_agrees(with(good, "Sec-WebSocket-Version: 13\r\n", "")));
  CHECK_FALSE(server_agrees(with(good, "Sec-WebSocket-Key: " + header_of(good, "Sec-WebSocket-Key") + "\r\n", "")));
  CHECK_FALSE(server_agrees("hello\r\n\r\n"));
  CHECK_FALSE(server_agrees("\r\n\r\n"));
  CHECK_FALSE(server_agrees("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x')));
}

TEST_CASE("cookies go out with the request, beside those that a header has", "[handshake]") {
  wsbench::detail::CookieJar cookies;
  Client none;
  none.handshake().add_cookies(cookies);
  CHECK(none.request().find("Cookie") == std::string::npos);
  cookies.set("a", "1");
  cookies.set("b", "2");
  Client given;
  given.handshake().add_cookies(cookies);
  CHECK(header_of(given.request(), "Cookie") == "a=1; b=2");
  Client both(Headers{{"Cookie", "c=3"}});
  both.handshake().add_cookies(cookies);
  CHECK(header_of(both.request(), "Cookie") == "c=3; a=1; b=2");
  CHECK(count(both.request(), "Cookie") == 1);
}

TEST_CASE("every cookie that an answer sets is kept, whatever else the answer says", "[handshake]") {
  const std::string status = GENERATE(as<std::string>{}, "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 401 Unauthorized");
  Client client;
  client.judge(status + "\r\nSet-Cookie: a=1; Path=/\r\nX-Set-Cookie: c=3\r\nset-cookie:b=2, 3;HttpOnly\r\nSet-Cookie:\r\n\r\n");
  wsbench::detail::CookieJar cookies;
  client.handshake().keep_cookies(cookies, {false, "example.org", 80, "/chat"});
  CHECK(cookies.header() == "a=1; b=2, 3");
}

TEST_CASE("the chosen subprotocol is known by its place among those asked for", "[handshake]") {
  Client client({}, {"chat.v2", "chat.v1"});
  CHECK_FALSE(client.handshake().subprotocol().has_value());
  const std::string answer = agreement(client.request());
  CHECK_FALSE(client.judge(with(answer, "Sec-WebSocket-Protocol: chat.v2", "Sec-WebSocket-Protocol: chat.v1")).has_value());
  CHECK(client.handshake().subprotocol() == 1U);
  Client undecided({}, {"chat.v2"});
  CHECK_FALSE(undecided.judge(with(agreement(undecided.request()), "Sec-WebSocket-Protocol", "X-Protocol")).has_value());
  CHECK_FALSE(undecided.handshake().subprotocol().has_value());
}

TEST_CASE("compression is agreed on where both sides want it", "[handshake][deflate]") {
  const wsbench::DeflateOptions offered{.client_window_bits = 12};
  const wsbench::DeflateOptions granted{.server_context_takeover = false};
  Client client(offered);
  CHECK(header_of(client.request(), "Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits=12");
  Parts parts;
  ServerHandshake server(parts.pool, parts.random, &granted);
  server.take(client.request());
  std::string answer;
  REQUIRE(server.answer(answer));
  CHECK(header_of(answer, "Sec-WebSocket-Extensions") == "permessage-deflate; server_no_context_takeover; client_max_window_bits=12");
  CHECK_FALSE(client.judge(answer).has_value());
  const wsbench::detail::DeflateAgreement agreement{.server_context_takeover = false, .client_window_bits = 12};
  CHECK(client.handshake().deflate() == agreement);
  CHECK(server.deflate() == agreement);
}

TEST_CASE("a server without compression, or a client that does not ask for it, goes on without", "[handshake][deflate]") {
  const wsbench::DeflateOptions options{};
  Client client(options);
  CHECK_FALSE(client.judge(agreement(client.request())).has_value());
  CHECK_FALSE(client.handshake().deflate().has_value());
  Parts parts;
  ServerHandshake server(parts.pool, parts.random, &options);
  server.take(Client().request());
  std::string answer;
  REQUIRE(server.answer(answer));
  CHECK(header_of(answer, "Sec-WebSocket-Extensions") == "no Sec-WebSocket-Extensions");
  CHECK_FALSE(server.deflate().has_value());
}

TEST_CASE("an extension in an answer is told with what is wrong about it", "[handshake][deflate]") {
  const wsbench::DeflateOptions options{};
  const auto refusal_of = [](Client client, const std::string& lines) {
    const auto refusal = client.judge(with(agreement(client.request()), "\r\n\r\n", "\r\n" + lines + "\r\n"));
    REQUIRE(refusal.has_value());
    CHECK(refusal->failure == Failure::bad_handshake);
    CHECK_FALSE(client.handshake().deflate().has_value());
    return refusal->detail;
  };
  CHECK(refusal_of(Client(options), "Sec-WebSocket-Extensions: permessage-deflate; mode=fast\r\n") ==
        "answered the upgrade with the extension \"permessage-deflate; mode=fast\", which has the unknown parameter \"mode\"");
  CHECK(refusal_of(Client(), "Sec-WebSocket-Extensions: permessage-deflate\r\n") ==
        "answered the upgrade with the extension \"permessage-deflate\", which was not offered");
  // Two headers are one list.
  CHECK(refusal_of(Client(options), "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate\r\n") ==
        "answered the upgrade with the extension \"permessage-deflate, permessage-deflate\", which is there twice");
}
