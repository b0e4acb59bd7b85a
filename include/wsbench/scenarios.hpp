#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/hex.hpp>
#include <wsbench/publication.hpp>
#include <wsbench/scenario.hpp>

namespace wsbench {

/// The messages that `echo()` sends; of `text`, `file` and `format` one at most.
struct Payload {
  std::size_t size{64};  ///< bytes of a message, made up; ignored where another is given
  std::string text{};    ///< a fixed message instead
  std::string file{};    ///< the name of a file whose bytes are the message
  std::string
      format{};        ///< a message made for each turn, by fmt: `{client}`, `{message}` (from 0), `{random}` (32 bits); braces are doubled
  bool binary{false};  ///< sent in binary frames
};

namespace detail {

/// A message that carries its sequence number as JSON, so that chat servers that parse what they get accept it.
class SequencedMessage {
 public:
  static constexpr std::string_view prefix = R"({"seq":"#)";
  static constexpr std::string_view middle = R"(","data":")";
  static constexpr std::string_view suffix = R"("})";
  static constexpr std::size_t least_size = prefix.size() + hex_digits + middle.size() + suffix.size();

  explicit SequencedMessage(std::size_t size) : text_(prefix) {
    text_.append(hex_digits, '0').append(middle).append(size - least_size, 'x').append(suffix);
  }

  /// The message with this number.
  std::string_view numbered(std::uint64_t sequence) noexcept {
    write_hex(sequence, text_.data() + prefix.size());
    return text_;
  }

  /// The number in a message or in an answer that has the message somewhere in it: the first 16 hexadecimal digits after a '#'.
  static std::optional<std::uint64_t> number_in(std::string_view message) noexcept {
    // Mostly it is the message itself that comes back. (g++ makes a call of starts_with, and compares these nine bytes in place.)
    if (message.size() >= least_size && std::memcmp(message.data(), prefix.data(), prefix.size()) == 0) {
      if (const std::optional<std::uint64_t> sequence = read_hex(message.substr(prefix.size()))) return sequence;
    }
    for (std::size_t sharp = message.find('#'); sharp != message.npos; sharp = message.find('#', sharp + 1)) {
      if (const std::optional<std::uint64_t> sequence = read_hex(message.substr(sharp + 1))) return sequence;
    }
    return std::nullopt;
  }

 private:
  std::string text_;
};

/// The message of that size that all users of a thread number in turn, since a message is encoded before its sender goes on: a text for
/// each user took 64 bytes to 16 KiB of memory, and at 16 KiB a microsecond a message to read from there.
inline SequencedMessage& sequenced_message(std::size_t size) {
  thread_local std::map<std::size_t, SequencedMessage> messages;
  return messages.try_emplace(size, size).first->second;
}

inline Task echo_numbered(Session& user, std::size_t size, bool binary) {
  SequencedMessage& message = sequenced_message(size);
  // The user's number in the upper half: an answer that a chat sends to all is nobody else's.
  for (std::uint64_t sequence = (user.id() + 1) << 32U; co_await user.turn(); ++sequence) {
    const std::string_view text = message.numbered(sequence);
    if (binary) {
      user.post("echo", std::as_bytes(std::span{text}));
    } else {
      user.post("echo", text);
    }
  }
}

inline Task echo_fixed(Session& user, const std::string& text, bool binary) {
  while (co_await user.turn()) {
    if (binary) {
      user.post("echo", std::as_bytes(std::span{text}));
    } else {
      user.post("echo", std::string_view{text});
    }
  }
}

// The message of a turn.
inline void format_message(std::string& into, const std::string& format, std::uint64_t client, std::uint64_t message,
                           std::uint32_t random) {
  into.clear();
  fmt::format_to(std::back_inserter(into), fmt::runtime(format), fmt::arg("client", client), fmt::arg("message", message),
                 fmt::arg("random", random));
}

inline Task echo_formatted(Session& user, const std::string& format, bool binary) {
  std::string text;
  for (std::uint64_t message = 0; co_await user.turn(); ++message) {
    format_message(text, format, user.id(), message, user.random()());
    if (binary) {
      user.post("echo", std::as_bytes(std::span{text}));
    } else {
      user.post("echo", text);
    }
  }
}

inline std::string read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw Error("file", "cannot read " + in_quotes(name) + ": give the name of a file that is there");
  return bytes;
}

inline void require_payload(const Payload& payload) {
  const int given = (payload.text.empty() ? 0 : 1) + (payload.file.empty() ? 0 : 1) + (payload.format.empty() ? 0 : 1);
  if (given > 1) throw Error("payload", "a text, a file and a format are given together: give one of them");
  try {
    std::string tried;
    if (!payload.format.empty()) format_message(tried, payload.format, 0, 0, 0);
  } catch (const fmt::format_error& error) {
    throw Error("format",
                in_quotes(payload.format) + ": " + error.what() + ": use {client}, {message} and {random}, and write other braces twice");
  }
}

}  // namespace detail

/// Sends a message each turn; the next turn is when the pace says, so that in a closed loop it comes after the answer.
///
/// Messages made up carry a sequence number (37 bytes or more) and are matched by it; shorter ones and a text of your own
/// are matched first in, first out, since nothing in them tells one answer from another. Throws Error for a file that cannot be read or a
/// format that is none.
inline Behaviour echo(const Payload& payload = {}) {
  detail::require_payload(payload);
  if (!payload.format.empty()) {
    return Behaviour{[payload](Session& user) { return detail::echo_formatted(user, payload.format, payload.binary); }, "echo"};
  }
  const bool made_up = payload.text.empty() && payload.file.empty();
  const bool numbered = made_up && payload.size >= detail::SequencedMessage::least_size;
  if (numbered) {
    return Behaviour{[payload](Session& user) { return detail::echo_numbered(user, payload.size, payload.binary); }, "echo"}.correlate(
        detail::SequencedMessage::number_in);
  }
  auto text = std::make_shared<const std::string>(made_up                ? std::string(payload.size, 'x')
                                                  : payload.file.empty() ? payload.text
                                                                         : detail::read_file(payload.file));
  return Behaviour{[text, binary = payload.binary](Session& user) { return detail::echo_fixed(user, *text, binary); }, "echo"};
}

/// How `broadcast()` publishes and listens.
struct Broadcast {
  std::uint64_t publishers{1};           ///< so many of the first clients publish; all others listen
  std::size_t size{128};                 ///< bytes of a publication, without its envelope; at least `Publication::text_size`
  std::string envelope{"$publication"};  ///< the whole message, in which `$publication` stands for the publication
  std::string join{};                    ///< what every client sends first, such as a subscription; empty: nothing
  std::string joined{};                  ///< what the server's message that it has joined contains; empty: it has joined at once
};

namespace detail {

// Whether the user is in; where the server does not say so, that is a failed check.
inline Task join(Session& user, const Broadcast& settings, bool& joined) {
  joined = true;
  if (!settings.join.empty()) user.send(settings.join);
  if (settings.joined.empty()) co_return;
  for (;;) {
    const Reply reply = co_await user.receive();
    joined = reply.contains(settings.joined);
    if (joined || !reply) break;
  }
  user.check("joined", joined);
}

inline Task publish(Session& user, const Broadcast& settings) {
  bool joined = false;
  co_await join(user, settings, joined);
  constexpr std::string_view placeholder = "$publication";
  const std::size_t place = settings.envelope.find(placeholder);
  const std::string head = settings.envelope.substr(0, place);
  const std::string tail = std::string(settings.size - Publication::text_size, 'x') + settings.envelope.substr(place + placeholder.size());
  if (!joined) co_return;  // not in the loop's condition: g++ 12 awaits there whatever is before the &&
  std::string message;
  while (co_await user.turn()) {
    message = head;
    message.append(user.publication()).append(tail);
    user.send(message);
  }
}

inline Task listen(Session& user, const Broadcast& settings) {
  bool joined = false;
  co_await join(user, settings, joined);
  if (joined) user.subscribe();
  while (joined && user.connected() && !user.stopping()) co_await user.pause(std::chrono::seconds{1});
}

inline Task stay(Session& user, std::chrono::nanoseconds ping_every) {
  while (user.connected() && !user.stopping()) {
    co_await user.pause(ping_every.count() > 0 ? ping_every : std::chrono::seconds{1});
    if (ping_every.count() > 0 && !user.stopping()) co_await user.ping();
  }
}

}  // namespace detail

/// A few publish by the pace, everybody else listens: the report's fan-out says how long the first, the median and the last subscriber
/// waited, and what was missing, doubled or out of order. It needs a duration; publications during the warm-up, while subscribers still
/// come, are in no figure. Throws Error for settings that cannot be.
inline Behaviour broadcast(const Broadcast& settings = {}) {
  if (settings.size < Publication::text_size) {
    throw Error("size", fmt::format("a publication of {} bytes: give at least {}", settings.size, Publication::text_size));
  }
  if (settings.envelope.find("$publication") == std::string::npos) {
    throw Error("envelope", "there is no $publication in it: say where the publication stands");
  }
  const auto start = [settings](Session& user) {
    return user.id() < settings.publishers ? detail::publish(user, settings) : detail::listen(user, settings);
  };
  return Behaviour{start, "broadcast"}.endless();
}

/// A connection that stays and answers pings, and, where `ping_every` is given, sends some: the report says how many were lost and how
/// long pongs took. `Options::ping_every` does that beside any behaviour, and gives up a connection without a pong. It needs a duration.
inline Behaviour hold(std::chrono::nanoseconds ping_every = {}) {
  return Behaviour{[ping_every](Session& user) { return detail::stay(user, ping_every); }, "hold"}.endless();
}

/// The standard four: closed loads with a delay after each reply, and what a healthy chat server makes of them.
namespace scenarios {

/// 10 clients, 10 messages each, 100 ms apart: is it up, and quick when nothing presses?
inline Scenario light() {
  using namespace std::chrono_literals;
  return {.name = "light",
          .clients = 10,
          .messages = 10,
          .pace = think(100ms),
          .behaviour = echo(),
          .expect = {metric::latency.mean<50ms, metric::success_rate> 0.995, metric::connection_success_rate == 1.0}};
}

/// 50 clients, 20 messages each, 50 ms apart: an ordinary hour.
inline Scenario medium() {
  using namespace std::chrono_literals;
  return {.name = "medium",
          .clients = 50,
          .messages = 20,
          .pace = think(50ms),
          .behaviour = echo(),
          .expect = {metric::latency.mean<100ms, metric::success_rate> 0.99, metric::connection_success_rate == 1.0}};
}

/// 100 clients, 50 messages each, 20 ms apart: the busiest hour.
inline Scenario heavy() {
  using namespace std::chrono_literals;
  return {.name = "heavy",
          .clients = 100,
          .messages = 50,
          .pace = think(20ms),
          .behaviour = echo(),
          .expect = {metric::latency.mean<200ms, metric::success_rate> 0.98}};
}

/// 200 clients, 100 messages each, 10 ms apart: how does it give way?
inline Scenario stress() {
  using namespace std::chrono_literals;
  return {.name = "stress",
          .clients = 200,
          .messages = 100,
          .pace = think(10ms),
          .behaviour = echo(),
          .expect = {metric::latency.mean<500ms, metric::success_rate> 0.95}};
}

}  // namespace scenarios

}  // namespace wsbench
