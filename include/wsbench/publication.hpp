#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <wsbench/hex.hpp>

namespace wsbench {

/// What marks a message that goes to many, so that everyone who gets it knows whose it is, which, and since when it was due.
///
/// Its text has no character that JSON, XML or a URL would have to escape, and may stand anywhere in a message.
struct Publication {
  std::uint32_t publisher{0};       ///< the client that publishes
  std::uint32_t sequence{0};        ///< which of its publications, from 0
  std::chrono::nanoseconds due{0};  ///< since the start of the run

  /// "pub:" and two numbers of 16 hexadecimal digits.
  static constexpr std::size_t text_size = 4 + 2 * detail::hex_digits + 1;

  /// One number for publisher and sequence.
  std::uint64_t id() const noexcept { return (std::uint64_t{publisher} << 32U) | sequence; }

  /// As it stands in a message.
  std::string text() const {
    std::string text(text_size, separator);
    prefix.copy(text.data(), prefix.size());
    detail::write_hex(id(), text.data() + prefix.size());
    detail::write_hex(static_cast<std::uint64_t>(due.count()), text.data() + text_size - digits);
    return text;
  }

  /// The first one in a message; nothing where there is none.
  static std::optional<Publication> find_in(std::string_view message) noexcept {
    for (std::size_t at = message.find(prefix); at != message.npos; at = message.find(prefix, at + 1)) {
      const std::string_view text = message.substr(at, text_size);
      if (text.size() < text_size || text[prefix.size() + digits] != separator) continue;
      const std::optional<std::uint64_t> id = detail::read_hex(text.substr(prefix.size()));
      const std::optional<std::uint64_t> due = detail::read_hex(text.substr(prefix.size() + digits + 1));
      if (!id || !due) continue;
      return Publication{static_cast<std::uint32_t>(*id >> 32U), static_cast<std::uint32_t>(*id),
                         std::chrono::nanoseconds{static_cast<std::int64_t>(*due)}};
    }
    return std::nullopt;
  }

  bool operator==(const Publication&) const = default;

 private:
  static constexpr std::string_view prefix = "pub:";
  static constexpr char separator = '@';
  static constexpr std::size_t digits = detail::hex_digits;
};

}  // namespace wsbench
