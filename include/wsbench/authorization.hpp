#pragma once

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <websocketpp/base64/base64.hpp>

#include <wsbench/error.hpp>
#include <wsbench/run/options.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// The header of the upgrade request that shows a token (RFC 6750 section 2.1).
inline Header bearer(std::string_view token) {
  return {"Authorization", "Bearer " + std::string(token)};
}

/// The header of the upgrade request that shows a name and a password, as "name:password" (RFC 7617 section 2).
inline Header basic(std::string_view name_and_password) {
  return {"Authorization", "Basic " + websocketpp::base64_encode(std::string(name_and_password))};
}

/// A secret that stands in a file, or, with `env:NAME`, in the environment, so that it is in no command line; without the line end after
/// it.
///
/// Throws Error, which names the place and never what is there, if that is nothing, or more than a line.
inline std::string read_secret(const std::string& place) {
  constexpr std::string_view environment = "env:";
  std::string secret;
  if (place.starts_with(environment)) {
    const char* const value = std::getenv(place.c_str() + environment.size());
    if (value == nullptr) throw Error("secret", detail::in_quotes(place) + " is not in the environment: set it, or give a file");
    secret = value;
  } else {
    std::ifstream file{place, std::ios::binary};
    if (!file) throw Error("secret", "cannot read " + detail::in_quotes(place) + ": give a file, or env:NAME");
    secret.assign(std::istreambuf_iterator<char>(file), {});
  }
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) throw Error("secret", detail::in_quotes(place) + " is empty: put the secret there");
  if (std::any_of(secret.begin(), secret.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; })) {
    throw Error("secret", detail::in_quotes(place) + " has more than a line of text: put the secret there and nothing else");
  }
  return secret;
}

}  // namespace wsbench
