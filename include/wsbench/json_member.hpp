#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsbench {

namespace detail {

/// A character of a JSON string, in UTF-8.
struct JsonCharacter {
  std::array<char, 4> bytes{};
  std::size_t size{0};

  std::string_view text() const noexcept { return {bytes.data(), size}; }
};

/// Four hexadecimal digits taken off the front; nothing where they are none.
inline std::optional<std::uint32_t> take_hex4(std::string_view& raw) noexcept {
  if (raw.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char letter : raw.substr(0, 4)) {
    const char lower = static_cast<char>(letter | 0x20);
    const bool digit = letter >= '0' && letter <= '9';
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit ? letter - '0' : lower - 'a' + 10);
  }
  raw.remove_prefix(4);
  return value;
}

inline JsonCharacter encoded_utf8(std::uint32_t code_point) noexcept {
  const auto last = [code_point](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x80) return {{static_cast<char>(code_point)}, 1};
  if (code_point < 0x800) return {{static_cast<char>(0xc0 | code_point >> 6), last(0)}, 2};
  if (code_point < 0x10000) return {{static_cast<char>(0xe0 | code_point >> 12), last(6), last(0)}, 3};
  return {{static_cast<char>(0xf0 | code_point >> 18), last(12), last(6), last(0)}, 4};
}

/// What follows "\u", taken off the front; nothing for half of a surrogate pair.
inline std::optional<JsonCharacter> take_code_point(std::string_view& raw) noexcept {
  const std::optional<std::uint32_t> unit = take_hex4(raw);
  if (!unit || (*unit >= 0xdc00 && *unit < 0xe000)) return std::nullopt;
  if (*unit < 0xd800 || *unit >= 0xe000) return encoded_utf8(*unit);
  if (!raw.starts_with("\\u")) return std::nullopt;
  raw.remove_prefix(2);
  const std::optional<std::uint32_t> low = take_hex4(raw);
  if (!low || *low < 0xdc00 || *low >= 0xe000) return std::nullopt;
  return encoded_utf8(0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00));
}

/// A byte, or what an escape stands for, taken off the front of a string's characters; nothing for a broken escape.
inline std::optional<JsonCharacter> take_character(std::string_view& raw) noexcept {
  const char letter = raw.front();
  raw.remove_prefix(1);
  if (letter != '\\') return JsonCharacter{{letter}, 1};
  if (raw.empty()) return std::nullopt;
  const char escaped = raw.front();
  raw.remove_prefix(1);
  if (escaped == 'u') return take_code_point(raw);
  constexpr std::string_view escapes = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const std::size_t place = escapes.find(escaped);
  if (place == escapes.npos) return std::nullopt;
  return JsonCharacter{{meanings[place]}, 1};
}

/// Whether a member's name as it stands in the message, with its escapes, is `name`.
inline bool is_json_name(std::string_view raw, std::string_view name) noexcept {
  // Every escape is longer than what it stands for.
  if (raw.size() < name.size()) return false;
  if (raw.size() == name.size()) return raw == name && raw.find('\\') == raw.npos;
  if (raw.find('\\') == raw.npos) return false;
  while (!raw.empty()) {
    const std::optional<JsonCharacter> character = take_character(raw);
    if (!character || !name.starts_with(character->text())) return false;
    name.remove_prefix(character->size);
  }
  return name.empty();
}

/// Whether the text is a number as JSON writes one.
inline bool is_json_number(std::string_view text) noexcept {
  const auto take_digits = [&text] {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count;
  };
  const auto take_one_of = [&text](std::string_view letters) {
    const bool found = !text.empty() && letters.find(text.front()) != letters.npos;
    if (found) text.remove_prefix(1);
    return found;
  };
  take_one_of("-");
  if (const bool zero = take_one_of("0"); !zero && take_digits() == 0) return false;
  if (take_one_of(".") && take_digits() == 0) return false;
  if (take_one_of("eE")) {
    take_one_of("+-");
    if (take_digits() == 0) return false;
  }
  return text.empty();
}

/// Walks through a JSON text from its front, and looks at no more of it than it has to.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) noexcept : rest_(text) {}

  /// Goes from before an object to before the value of its first member of that name; false where there is none.
  bool enter(std::string_view name) noexcept {
    if (!take('{')) return false;
    do {
      skip_space();
      const std::optional<std::string_view> key = take_string();
      if (!key || !take(':')) return false;
      if (is_json_name(key->substr(1, key->size() - 2), name)) return true;
      if (!take_value()) return false;
    } while (take(','));
    return false;
  }

  /// The value that stands next, a string with its quotes.
  std::optional<std::string_view> take_value() noexcept {
    skip_space();
    if (rest_.empty()) return std::nullopt;
    switch (rest_.front()) {
      case '"': return take_string();
      case '{':
      case '[': return take_container();
      default: return take_token();
    }
  }

 private:
  void skip_space() noexcept {
    std::size_t count = 0;
    while (count < rest_.size() && is_space(rest_[count])) ++count;
    rest_.remove_prefix(count);
  }

  static bool is_space(char letter) noexcept { return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t'; }

  bool take(char letter) noexcept {
    skip_space();
    if (rest_.empty() || rest_.front() != letter) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view take_first(std::size_t count) noexcept {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  // The place after the string that begins at `from`; npos where it has no end.
  std::size_t end_of_string(std::size_t from) const noexcept {
    for (std::size_t quote = find_quote(from + 1); quote != rest_.npos; quote = find_quote(quote + 1)) {
      std::size_t letter = quote;
      while (rest_[letter - 1] == '\\') --letter;
      // An even number of backslashes before the quote stand for themselves.
      if ((quote - letter) % 2 == 0) return quote + 1;
    }
    return rest_.npos;
  }

  // Most strings are so short that a call of memchr costs more than looking.
  std::size_t find_quote(std::size_t from) const noexcept {
    const std::size_t near = std::min(from + 16, rest_.size());
    for (std::size_t place = from; place < near; ++place) {
      if (rest_[place] == '"') return place;
    }
    return rest_.find('"', near);
  }

  std::optional<std::string_view> take_string() noexcept {
    if (rest_.empty() || rest_.front() != '"') return std::nullopt;
    const std::size_t end = end_of_string(0);
    if (end == rest_.npos) return std::nullopt;
    return take_first(end);
  }

  // Counts brackets instead of keeping a stack of them, so that no depth of nesting costs memory.
  std::optional<std::string_view> take_container() noexcept {
    std::size_t depth = 0;
    for (std::size_t place = 0; place < rest_.size(); ++place) {
      const char letter = rest_[place];
      if (letter == '"') {
        const std::size_t end = end_of_string(place);
        if (end == rest_.npos) return std::nullopt;
        place = end - 1;
        continue;
      }
      // This bit is all that tells '[' from '{' and ']' from '}'.
      const char bracket = static_cast<char>(letter | 0x20);
      if (bracket == '{') ++depth;
      if (bracket == '}' && --depth == 0) {
        // The code of a closing bracket is its opening one's and 2.
        if (letter != rest_.front() + 2) return std::nullopt;
        return take_first(place + 1);
      }
    }
    return std::nullopt;
  }

  // A number, true, false or null; one at the very end is cut short, since its object is not closed.
  std::optional<std::string_view> take_token() noexcept {
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != ',' && rest_[end] != '}' && !is_space(rest_[end])) ++end;
    if (end == rest_.size()) return std::nullopt;
    const std::string_view token = take_first(end);
    if (token != "true" && token != "false" && token != "null" && !is_json_number(token)) return std::nullopt;
    return token;
  }

  std::string_view rest_;
};

/// The value at the end of the path as it stands in the message, a string with its quotes.
template <class Path>
std::optional<std::string_view> find_json_value(std::string_view message, const Path& path) noexcept {
  JsonWalk walk{message};
  for (const std::string_view name : path) {
    if (!walk.enter(name)) return std::nullopt;
  }
  return walk.take_value();
}

/// Makes 64 bits of a text: eight bytes at a time, each time mixed by the finalizer of MurmurHash3 (Appleby, public domain).
///
/// The finalizer loses nothing, so texts of the same length that differ in only one of their groups of eight bytes (all of up to eight
/// bytes, and numbers that count up) never have the same hash; others do by chance alone, which for a million of them is 1 in 37 million.
class TextHash {
 public:
  void add(std::string_view bytes) noexcept {
    for (const char byte : bytes) {
      group_ = group_ << 8 | static_cast<unsigned char>(byte);
      if (++size_ % 8 == 0) {
        hash_ = mixed(hash_ ^ group_);
        group_ = 0;
      }
    }
  }

  std::uint64_t value() const noexcept { return mixed(mixed(hash_ ^ group_) ^ size_); }

 private:
  static std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ bits >> 33) * 0xff51afd7ed558ccdU;
    bits = (bits ^ bits >> 33) * 0xc4ceb9fe1a85ec53U;
    return bits ^ bits >> 33;
  }

  std::uint64_t hash_{0x9e3779b97f4a7c15U};
  std::uint64_t group_{0};
  std::uint64_t size_{0};
};

}  // namespace detail

/// The value of a member of a JSON message, found without reading on or allocating: `json_value(text, "payload", "ref")`.
///
/// The names lead from the message's object inwards; of members with the same name the first counts. A string is its characters between
/// the quotes, with its escapes as they are; anything else is its text. Nothing where there is no such member, or where the JSON is seen
/// to be broken: what is behind the value is not read, and what stands between brackets on the way is passed over unread.
template <std::convertible_to<std::string_view>... Names>
std::optional<std::string_view> json_value(std::string_view message, std::string_view name, const Names&... deeper) noexcept {
  const std::array<std::string_view, 1 + sizeof...(deeper)> path{name, deeper...};
  std::optional<std::string_view> value = detail::find_json_value(message, path);
  if (value && value->starts_with('"')) value = value->substr(1, value->size() - 2);
  return value;
}

/// Reads a message's id from a member of its JSON, for `Behaviour::correlate()`; made by `json_member()`.
class JsonMember {
 public:
  /// The names lead from the message's object inwards.
  explicit JsonMember(std::vector<std::string> names) noexcept : names_(std::move(names)) {}

  /// The id: a hash of the member's characters. Nothing where there is no such member, or where it is null, "", an object or an array.
  ///
  /// A string's characters are what its escapes stand for, and a number's are its digits, so that an id stays the same when a server
  /// answers 17 with "17", or "a/b" with "a\/b". All ids are hashed, numbers too: a number that stood for itself could be another's hash.
  std::optional<std::uint64_t> operator()(std::string_view message) const noexcept {
    const std::optional<std::string_view> value = detail::find_json_value(message, names_);
    if (!value || *value == "null" || *value == R"("")" || value->starts_with('{') || value->starts_with('[')) return std::nullopt;
    return value->starts_with('"') ? hash_of_string(value->substr(1, value->size() - 2)) : hash_of(*value);
  }

 private:
  static std::uint64_t hash_of(std::string_view characters) noexcept {
    detail::TextHash hash;
    hash.add(characters);
    return hash.value();
  }

  static std::optional<std::uint64_t> hash_of_string(std::string_view raw) noexcept {
    if (raw.find('\\') == raw.npos) return hash_of(raw);
    detail::TextHash hash;
    while (!raw.empty()) {
      const std::optional<detail::JsonCharacter> character = detail::take_character(raw);
      if (!character) return std::nullopt;
      hash.add(character->text());
    }
    return hash.value();
  }

  std::vector<std::string> names_;
};

/// Ties answers to messages by a member of their JSON: `.correlate(json_member("id"))`, or `json_member("payload", "ref")` for one
/// further in.
template <std::convertible_to<std::string>... Names>
JsonMember json_member(std::string name, Names... deeper) {
  std::vector<std::string> names{std::move(name)};
  (names.emplace_back(std::move(deeper)), ...);
  return JsonMember{std::move(names)};
}

}  // namespace wsbench
