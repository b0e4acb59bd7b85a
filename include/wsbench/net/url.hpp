#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <wsbench/error.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// The address of a WebSocket server, taken apart (RFC 6455 section 3).
struct Url {
  bool secure{false};         ///< `wss://`
  std::string host{};         ///< without brackets: "example.org", "127.0.0.1", "::1"
  std::uint16_t port{0};      ///< given, or 80 and 443
  std::string resource{"/"};  ///< path and query
  std::string socket{};       ///< of `ws+unix://`: the path of a Unix socket, which is connected to in place of host and port

  /// Host and port as the Host header has them: brackets around IPv6, no port where it is the scheme's own (RFC 7230 section 5.4).
  std::string authority() const {
    std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != (secure ? 443 : 80)) text.append(":").append(std::to_string(port));
    return text;
  }

  bool operator==(const Url&) const = default;
};

[[noreturn]] inline void refuse_url(std::string_view text, std::string_view problem) {
  throw Error("url",
              in_quotes(text) + " " + std::string(problem) + ": write ws://host:port/path, wss://host/path or ws+unix:///socket:/path");
}

inline std::uint16_t parse_port(std::string_view url, std::string_view digits) {
  std::uint32_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (!whole || port < 1 || port > 65'535) refuse_url(url, "has a port that is no number from 1 to 65535");
  return static_cast<std::uint16_t>(port);
}

/// The rest of `ws+unix://`: the path of a socket, and, after a colon, the resource. No RFC knows it; other clients write it so.
inline Url parse_socket_url(std::string_view text, std::string_view rest) {
  constexpr std::size_t longest_path = 107;  // sockaddr_un has no room for more
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  Url url;
  url.host = "localhost";
  url.port = 80;
  url.socket = rest.substr(0, colon);
  if (!url.socket.starts_with('/')) refuse_url(text, "names no socket by its whole path");
  if (url.socket.size() > longest_path)
    refuse_url(text, "has a socket whose path is longer than " + std::to_string(longest_path) + " bytes");
  const std::string_view resource = rest.substr(std::min(colon + 1, rest.size()));
  url.resource = resource.starts_with('/') ? std::string(resource) : '/' + std::string(resource);
  return url;
}

/// Takes a URL apart; throws Error, naming what is wrong. A fragment has no place in it (RFC 6455 section 3).
inline Url parse_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos) refuse_url(text, "has no scheme");
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool to_socket = scheme == "ws+unix";
  if (scheme != "ws" && scheme != "wss" && !to_socket) refuse_url(text, "is not a WebSocket address");
  const auto forbidden = [](char letter) { return static_cast<unsigned char>(letter) <= ' ' || letter == '\x7f'; };
  if (std::any_of(text.begin(), text.end(), forbidden)) refuse_url(text, "contains a space or a control character");
  if (text.find('#') != text.npos) refuse_url(text, "has a fragment, which is never sent");

  std::string_view rest = text.substr(scheme_end + 3);
  if (to_socket) return parse_socket_url(text, rest);
  Url url;
  url.secure = scheme == "wss";
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != authority.npos) refuse_url(text, "has a user name: give credentials as a header instead");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == authority.npos) refuse_url(text, "has no closing bracket after its IPv6 address");
    url.host = authority.substr(1, bracket - 1);
    port = authority.substr(bracket + 1);
    if (!port.empty() && port.front() != ':') refuse_url(text, "has something other than a port after its IPv6 address");
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (url.host.empty()) refuse_url(text, "has no host");
  if (url.host.find_first_of("[]") != url.host.npos) refuse_url(text, "has a bracket inside its host");
  url.port = port.empty() ? static_cast<std::uint16_t>(url.secure ? 443 : 80) : parse_port(text, port.substr(1));
  rest.remove_prefix(authority_end);
  url.resource = rest.starts_with('/') ? std::string(rest) : '/' + std::string(rest);
  return url;
}

}  // namespace wsbench::detail
