#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsbench::detail {

/// Whether a token may have this character (RFC 9110 section 5.6.2).
inline bool is_token_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Whether this is a token, such as a header's name.
inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

/// A parameter of an extension.
struct ExtensionParameter {
  std::string name{};
  std::optional<std::string> value{};

  bool operator==(const ExtensionParameter&) const = default;
};

/// An extension that one end offers, or the other agrees to.
struct Extension {
  std::string name{};
  std::vector<ExtensionParameter> parameters{};

  bool operator==(const Extension&) const = default;
};

/// Reads the value of Sec-WebSocket-Extensions (RFC 6455 section 9.1).
class ExtensionReader {
 public:
  explicit ExtensionReader(std::string_view text) : rest_(text) {}

  /// The extensions in their order; nothing where the text breaks the grammar.
  std::optional<std::vector<Extension>> read() {
    std::vector<Extension> extensions;
    do {
      Extension& extension = extensions.emplace_back();
      if (!take_token(extension.name)) return std::nullopt;
      while (take(';')) {
        if (!take_parameter(extension.parameters.emplace_back())) return std::nullopt;
      }
    } while (take(','));
    if (!rest_.empty()) return std::nullopt;
    return extensions;
  }

 private:
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  bool take(char what) {
    skip_spaces();
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_token(std::string& token) {
    skip_spaces();
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_character);
    token.assign(rest_.begin(), end);
    rest_.remove_prefix(token.size());
    return !token.empty();
  }

  bool take_parameter(ExtensionParameter& parameter) {
    if (!take_token(parameter.name)) return false;
    if (!take('=')) return true;
    return take('"') ? take_quoted(parameter.value.emplace()) : take_token(parameter.value.emplace());
  }

  // A token in quotation marks, in which a backslash may stand before any character.
  bool take_quoted(std::string& token) {
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return false;
      token += rest_.front();
      rest_.remove_prefix(1);
    }
    return !rest_.empty() && take('"') && is_token(token);
  }

  std::string_view rest_;
};

/// The extensions of a Sec-WebSocket-Extensions header; nothing where it breaks the grammar.
inline std::optional<std::vector<Extension>> parse_extensions(std::string_view header) {
  return ExtensionReader(header).read();
}

}  // namespace wsbench::detail
