#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

inline bool same_but_for_case(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [&](char a, char b) { return lower(a) == lower(b); });
}

/// The part before the first `separator`, which goes from `text` with it.
inline std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

/// The time of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7); nothing where it is no such date.
inline std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  text.remove_prefix(std::min(text.find(',') + 1, text.size()));
  const auto number = [](std::string_view digits) -> std::optional<int> {
    int value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return read.ec == std::errc{} && read.ptr == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
  };
  text = trimmed(text);
  std::string date(text.substr(0, 11));
  std::replace(date.begin(), date.end(), '-', ' ');  // as older servers write it
  std::string_view rest = date;
  const std::optional<int> of_month = number(take_part(rest, ' '));
  const auto* const month = std::find(months.begin(), months.end(), take_part(rest, ' '));
  const std::optional<int> of_year = number(rest);
  std::string_view clock = trimmed(text.substr(std::min<std::size_t>(11, text.size())));
  const std::optional<int> hour = number(take_part(clock, ':'));
  const std::optional<int> minute = number(take_part(clock, ':'));
  const std::optional<int> second = number(take_part(clock, ' '));
  if (!of_month || month == months.end() || !of_year || !hour || !minute || !second) return std::nullopt;
  const year_month_day day{year{*of_year}, std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
                           std::chrono::day{static_cast<unsigned>(*of_month)}};
  if (!day.ok()) return std::nullopt;
  return sys_days{day} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

/// The cookies of one user: those it was given and those a server has set (RFC 6265), for the next connection to the same address.
class CookieJar {
 public:
  /// Keeps one, in place of one of the same name.
  void set(std::string_view name, std::string_view value) {
    remove(name);
    cookies_.emplace_back(name, value);
  }

  /// Takes what `Set-Cookie` says; one that is over, or is not for this address, is not kept (RFC 6265 section 5.3).
  void take(std::string_view set_cookie, const Url& url, std::chrono::system_clock::time_point now) {
    std::string_view pair = take_part(set_cookie, ';');
    if (pair.find('=') == pair.npos) return;
    const std::string_view name = take_part(pair, '=');
    if (name.empty()) return;
    std::optional<bool> over;
    bool max_age_given = false;
    bool ours = true;
    while (!set_cookie.empty()) {
      std::string_view value = take_part(set_cookie, ';');
      const std::string_view attribute = take_part(value, '=');
      if (same_but_for_case(attribute, "Max-Age") && !value.empty()) {
        max_age_given = true;
        over = value.starts_with('-') || value.find_first_not_of('0') == value.npos;
      } else if (same_but_for_case(attribute, "Expires") && !max_age_given) {  // Max-Age has precedence
        if (const auto date = parse_http_date(value)) over = *date <= now;
      } else if (same_but_for_case(attribute, "Path") && value.starts_with('/')) {
        ours = ours && path_matches(path_of(url.resource), value);
      } else if (same_but_for_case(attribute, "Domain") && !value.empty()) {
        ours = ours && domain_matches(url.host, value);
      } else if (same_but_for_case(attribute, "Secure")) {
        ours = ours && url.secure;
      }
    }
    if (!ours) return;
    if (over.value_or(false)) return remove(name);
    set(name, trimmed(pair));
  }

  bool empty() const noexcept { return cookies_.empty(); }

  /// The value of the `Cookie` header.
  std::string header() const {
    std::string text;
    for (const auto& [name, value] : cookies_) text.append(text.empty() ? "" : "; ").append(name).append("=").append(value);
    return text;
  }

 private:
  void remove(std::string_view name) {
    std::erase_if(cookies_, [&](const auto& cookie) { return cookie.first == name; });
  }
  static std::string_view path_of(std::string_view resource) { return resource.substr(0, std::min(resource.find('?'), resource.size())); }
  // RFC 6265 section 5.1.4.
  static bool path_matches(std::string_view path, std::string_view cookie_path) {
    if (!path.starts_with(cookie_path)) return false;
    return path.size() == cookie_path.size() || cookie_path.ends_with('/') || path[cookie_path.size()] == '/';
  }
  // RFC 6265 section 5.1.3.
  static bool domain_matches(std::string_view host, std::string_view domain) {
    if (domain.starts_with('.')) domain.remove_prefix(1);
    if (same_but_for_case(host, domain)) return true;
    return host.size() > domain.size() && same_but_for_case(host.substr(host.size() - domain.size()), domain) &&
           host[host.size() - domain.size() - 1] == '.';
  }

  std::vector<std::pair<std::string, std::string>> cookies_{};
};

/// The cookies in the value of a `Cookie` header: "sessionid=abc; theme=dark"; throws Error for what is none.
inline std::vector<std::pair<std::string, std::string>> parse_cookies(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> cookies;
  while (!text.empty()) {
    std::string_view pair = take_part(text, ';');
    const bool named = pair.find('=') != pair.npos && !pair.starts_with('=');
    if (!named) throw Error("cookie", "one has no name: write name=value, and a semicolon between two");
    const std::string_view name = take_part(pair, '=');
    cookies.emplace_back(name, trimmed(pair));
  }
  return cookies;
}

}  // namespace wsbench::detail
