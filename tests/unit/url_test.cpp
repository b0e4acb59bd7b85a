#include <cstdint>
#include <string>
#include <string_view>

#include <wsbench/net/url.hpp>

#include "catch.hpp"

using wsbench::Error;
using wsbench::detail::parse_url;
using wsbench::detail::Url;

namespace {

void require_refused(std::string_view text, std::string_view problem) {
  INFO(text);
  try {
    parse_url(text);
    FAIL("was taken");
  } catch (const Error& error) {
    const std::string line = error.what();
    INFO(line);
    CHECK(error.member() == "url");
    CHECK(line.starts_with("url: "));
    CHECK(line.find(problem) != std::string::npos);
    CHECK(line.find("ws://host:port/path") != std::string::npos);
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    CHECK(line.size() < 200);
  }
}

}  // namespace

TEST_CASE("a URL is taken apart", "[url]") {
  CHECK(parse_url("ws://example.org") == Url{false, "example.org", 80, "/"});
  CHECK(parse_url("ws://127.0.0.1:9001") == Url{false, "127.0.0.1", 9001, "/"});
  CHECK(parse_url("ws://localhost:9001/") == Url{false, "localhost", 9001, "/"});
  CHECK(parse_url("ws://localhost/chat/room?x=1&y=2") == Url{false, "localhost", 80, "/chat/room?x=1&y=2"});
  CHECK(parse_url("ws://localhost?x=1") == Url{false, "localhost", 80, "/?x=1"});
  CHECK(parse_url("ws://localhost:1?x=/a:b@c") == Url{false, "localhost", 1, "/?x=/a:b@c"});
  CHECK(parse_url("ws://[::1]:9001/x") == Url{false, "::1", 9001, "/x"});
  CHECK(parse_url("ws://[fe80::1]") == Url{false, "fe80::1", 80, "/"});
  CHECK(parse_url("WS://Example.ORG/A") == Url{false, "Example.ORG", 80, "/A"});
  CHECK(parse_url("ws://h:65535") == Url{false, "h", 65'535, "/"});
  CHECK(parse_url("ws://h:0080") == Url{false, "h", 80, "/"});
}

TEST_CASE("the address of a Unix socket has its path, and after a colon the resource", "[url]") {
  const auto at = [](const char* path, const char* resource) {
    Url url{false, "localhost", 80, resource};
    url.socket = path;
    return url;
  };
  CHECK(parse_url("ws+unix:///run/chat.sock") == at("/run/chat.sock", "/"));
  CHECK(parse_url("ws+unix:///run/chat.sock:/room?x=1:2") == at("/run/chat.sock", "/room?x=1:2"));
  CHECK(parse_url("WS+Unix:///run/chat.sock:?x=1") == at("/run/chat.sock", "/?x=1"));
  CHECK(parse_url("ws+unix:///run/chat.sock:") == at("/run/chat.sock", "/"));
  CHECK(parse_url("ws+unix:///run/chat.sock").authority() == "localhost");
  require_refused("ws+unix://run/chat.sock", "names no socket");
  require_refused("ws+unix://", "names no socket");
  require_refused("ws+unix://:/room", "names no socket");
  require_refused("ws+unix:///" + std::string(107, 'x'), "longer than 107 bytes");
  CHECK(parse_url("ws+unix:///" + std::string(106, 'x')).socket.size() == 107);
  require_refused("wss+unix:///run/chat.sock", "not a WebSocket address");
}

TEST_CASE("the authority is written as the Host header has it", "[url]") {
  CHECK(parse_url("ws://h").authority() == "h");
  CHECK(parse_url("ws://h:80").authority() == "h");
  CHECK(parse_url("ws://h:443").authority() == "h:443");
  CHECK(parse_url("ws://h:9001").authority() == "h:9001");
  CHECK(parse_url("ws://[::1]:9001").authority() == "[::1]:9001");
  CHECK(parse_url("ws://[::1]").authority() == "[::1]");
  CHECK(Url{true, "h", 443, "/"}.authority() == "h");
  CHECK(Url{true, "h", 80, "/"}.authority() == "h:80");
}

TEST_CASE("what is no WebSocket address is refused in one line that says why", "[url]") {
  require_refused("", "no scheme");
  require_refused("localhost:9001", "no scheme");
  require_refused("127.0.0.1", "no scheme");
  require_refused("://h", "WebSocket address");
  require_refused("http://h", "WebSocket address");
  require_refused("https://h", "WebSocket address");
  require_refused("wsx://h", "WebSocket address");
  require_refused(" ws://h", "WebSocket address");
  require_refused("ws://", "no host");
  require_refused("ws:///path", "no host");
  require_refused("ws://:9001", "no host");
  require_refused("ws://[]:9001", "no host");
  require_refused("ws://h:", "port");
  require_refused("ws://h:0", "port");
  require_refused("ws://h:65536", "port");
  require_refused("ws://h:99999999999999999999", "port");
  require_refused("ws://h:-1", "port");
  require_refused("ws://h:+1", "port");
  require_refused("ws://h:80a", "port");
  require_refused("ws://h:80:80", "port");
  require_refused("ws://::1:80", "no host");
  require_refused("ws://[::1", "bracket");
  require_refused("ws://[::1]9001", "IPv6");
  require_refused("ws://[::1]:", "port");
  require_refused("ws://[[]", "bracket");
  require_refused("ws://a[b", "bracket");
  require_refused("ws://a]:80", "bracket");
  require_refused("ws://user@h", "user name");
  require_refused("ws://user:secret@h:80/", "user name");
  require_refused("ws://h/#part", "fragment");
  require_refused("ws://h/a b", "space");
  require_refused("ws://h/a\r\nX: y", "control character");
  require_refused("ws://h\n", "control character");
  require_refused(std::string_view("ws://h\0x", 8), "control character");
  require_refused("ws://h/\x7f", "control character");
  require_refused("ws://h:x/" + std::string(10'000, 'x'), "port");
}
