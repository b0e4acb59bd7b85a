#include <chrono>
#include <string>
#include <string_view>

#include <wsbench/net/cookies.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::detail::CookieJar;
using wsbench::detail::parse_cookies;
using wsbench::detail::parse_http_date;
using wsbench::detail::Url;

namespace {

const std::chrono::system_clock::time_point now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 12h;
const Url plain{false, "chat.example.org", 80, "/chat/room?x=/other"};

// What the jar holds after this `Set-Cookie`, with a cookie that was there before.
std::string after(std::string_view set_cookie, const Url& url = plain) {
  CookieJar jar;
  jar.set("a", "1");
  jar.take(set_cookie, url, now);
  return jar.header();
}

std::string problem_of(std::string_view text) {
  try {
    parse_cookies(text);
  } catch (const wsbench::Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a cookie that an answer sets is kept beside the others, or in place of its name's", "[cookies]") {
  CHECK(after("b=2") == "a=1; b=2");
  CHECK(after(" b = 2 ; HttpOnly; SameSite=Lax") == "a=1; b=2");
  CHECK(after("a=2") == "a=2");
  CHECK(after("A=2") == "a=1; A=2");
  CHECK(after("b=x=y==") == "a=1; b=x=y==");
  CHECK(after("b=\"x y\"") == "a=1; b=\"x y\"");
  CHECK(after("b=") == "a=1; b=");
}

TEST_CASE("what is no cookie is passed over", "[cookies]") {
  for (const char* line : {"", ";", "b", "=2", " = ", "; b=2"}) {
    INFO(line);
    CHECK(after(line) == "a=1");
  }
}

TEST_CASE("a cookie whose time is over is taken away", "[cookies]") {
  CHECK(after("a=2; Max-Age=0").empty());
  CHECK(after("a=2; max-age=-5").empty());
  CHECK(after("a=2; Max-Age=60") == "a=2");
  CHECK(after("a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT").empty());
  CHECK(after("a=2; expires=Tue, 24 Nov 2026 12:00:00 GMT").empty());
  CHECK(after("a=2; Expires=Tue, 24 Nov 2026 12:00:01 GMT") == "a=2");
  CHECK(after("a=2; Expires=Tue, 24-Nov-2020 12:00:01 GMT").empty());
  // Max-Age has the last word, wherever it stands; what is no date says nothing.
  CHECK(after("a=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT") == "a=2");
  CHECK(after("a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60") == "a=2");
  CHECK(after("a=2; Expires=yesterday") == "a=2");
}

TEST_CASE("a cookie for another address is not kept", "[cookies]") {
  CHECK(after("b=2; Path=/chat") == "a=1; b=2");
  CHECK(after("b=2; Path=/chat/") == "a=1; b=2");
  CHECK(after("b=2; Path=/") == "a=1; b=2");
  CHECK(after("b=2; Path=/chat/room") == "a=1; b=2");
  CHECK(after("b=2; Path=/cha") == "a=1");
  CHECK(after("b=2; Path=/other") == "a=1");
  CHECK(after("b=2; Path=relative") == "a=1; b=2");
  CHECK(after("b=2; Domain=example.org") == "a=1; b=2");
  CHECK(after("b=2; Domain=.Example.org") == "a=1; b=2");
  CHECK(after("b=2; Domain=chat.example.org") == "a=1; b=2");
  CHECK(after("b=2; Domain=ample.org") == "a=1");
  CHECK(after("b=2; Domain=example.com") == "a=1");
  CHECK(after("b=2; Secure") == "a=1");
  CHECK(after("b=2; Secure", {true, "chat.example.org", 443, "/"}) == "a=1; b=2");
}

TEST_CASE("dates are read as HTTP writes them", "[cookies]") {
  using std::chrono::year;
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == std::chrono::sys_days{year{1994} / 11 / 6} + 8h + 49min + 37s);
  CHECK(parse_http_date("Mon, 29 Feb 2016 23:59:59 GMT") == std::chrono::sys_days{year{2016} / 2 / 29} + 23h + 59min + 59s);
  for (const char* text : {"", ",", "Sun, 06 Nov", "Mon, 30 Feb 2016 00:00:00 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Nov 1994"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

TEST_CASE("cookies are read from what a Cookie header has", "[cookies]") {
  const auto cookies = parse_cookies(" sessionid=abc=; theme = dark ;x=");
  REQUIRE(cookies.size() == 3);
  CHECK(cookies[0] == std::pair<std::string, std::string>("sessionid", "abc="));
  CHECK(cookies[1] == std::pair<std::string, std::string>("theme", "dark"));
  CHECK(cookies[2] == std::pair<std::string, std::string>("x", ""));
  // What is wrong is said, but not what is there: it may be a secret.
  for (const char* text : {"secret", "=secret", "a=1; ; b=2"}) {
    INFO(text);
    CHECK(problem_of(text) == "cookie: one has no name: write name=value, and a semicolon between two");
  }
}
