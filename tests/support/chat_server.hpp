#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <wsbench/json_member.hpp>
#include <wsbench/wsbench.hpp>

#include "support/web_socket_server.hpp"

namespace support {

/// What a chat server does wrong about acknowledgements of what is said; by default nothing.
struct ChatConduct {
  std::uint64_t withheld_every{0};  ///< every nth comes only when its sender talks again; 0: none
  std::uint64_t twice_every{0};     ///< every nth other comes twice; 0: none
  std::uint64_t unasked_every{0};   ///< with every nth comes one with an id that nobody has used; 0: none
};

/// What a chat server has heard and said, by operation.
struct ChatCounts {
  std::map<std::string, std::uint64_t> heard{};
  std::map<std::string, std::uint64_t> said{};
  std::uint64_t logins{0};  ///< connections on which somebody has logged in
  std::uint64_t pings{0};
  std::uint64_t withheld{0};  ///< acknowledgements that came only when their sender talked again
  std::uint64_t doubled{0};   ///< acknowledgements that came twice
  std::uint64_t unasked{0};   ///< acknowledgements of nothing

  void add(const ChatCounts& other) {
    for (const auto& [operation, count] : other.heard) heard[operation] += count;
    for (const auto& [operation, count] : other.said) said[operation] += count;
    logins += other.logins;
    pings += other.pings;
    withheld += other.withheld;
    doubled += other.doubled;
    unasked += other.unasked;
  }
  /// Messages of all operations.
  static std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t all = 0;
    for (const auto& [operation, count] : counts) all += count;
    return all;
  }
  bool operator==(const ChatCounts&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const ChatCounts& counts) {
  out << "the server heard";
  for (const auto& [operation, count] : counts.heard) out << ' ' << count << " x " << operation;
  out << " and said";
  for (const auto& [operation, count] : counts.said) out << ' ' << count << " x " << operation;
  return out << "; " << counts.logins << " logins, " << counts.pings << " pings";
}

/// A chat server with exact rules that keeps its own books.
///
/// Messages are `{"id":17,"op":"say",..}`. "login" (with a role) is answered by "welcome", "join" by "joined", "leave" by "left", each with
/// the id. What is said goes to every member of the room as "said", without an id, and is acknowledged to its sender as "taken". "typing"
/// is answered by nobody. Whoever talks without having logged in, or says something outside of the room, is "refused".
class ChatServer final : private wsbench::detail::EchoPolicy {
 public:
  explicit ChatServer(const ChatConduct& conduct = {}) : conduct_(conduct) {}

  std::string url() const { return server_.url(); }

  /// All that it heard and said.
  ChatCounts counts() {
    return server_.ask([this] {
      ChatCounts all;
      for (const auto& [role, counts] : books_) all.add(counts);
      return all;
    });
  }
  /// What it heard from and said to those who logged in with this role.
  ChatCounts counts_of(const std::string& role) {
    return server_.ask([&] { return books_[role]; });
  }
  /// How many are in the room.
  std::uint64_t members() {
    return server_.ask([this] {
      std::uint64_t count = 0;
      for (const auto& [peer, guest] : guests_) count += guest.member ? 1 : 0;
      return count;
    });
  }

 private:
  struct Guest {
    std::string role{};
    bool welcome{false};
    bool member{false};
    std::string withheld{};  // the id whose acknowledgement is due
  };

  void on_open(Peer& peer) override { guests_[&peer]; }
  void on_ended(Peer& peer) override { guests_.erase(&peer); }
  void on_ping(Peer& peer) override { ++books_[guests_.at(&peer).role].pings; }

  void on_message(Peer& peer, std::string_view message, bool) override {
    Guest& guest = guests_.at(&peer);
    const std::string operation(wsbench::json_value(message, "op").value_or("nonsense"));
    if (operation == "login") {
      guest = {std::string(wsbench::json_value(message, "role").value_or("")), true, false, {}};
      ++books_[guest.role].logins;
    }
    ++books_[guest.role].heard[operation];
    if (!guest.withheld.empty()) answer(peer, std::exchange(guest.withheld, {}), "taken");
    if (operation == "typing") return;
    const std::string id(wsbench::json_value(message, "id").value_or("null"));
    const std::string answering = obey(guest, operation, message);
    if (answering == "taken") {
      acknowledge(peer, guest, id);
    } else {
      answer(peer, id, answering);
    }
  }

  void acknowledge(Peer& peer, Guest& guest, const std::string& id) {
    const auto is_nth = [](std::uint64_t number, std::uint64_t every) { return every > 0 && number % every == 0; };
    ChatCounts& book = books_[guest.role];
    ++taken_;
    if (is_nth(taken_, conduct_.unasked_every)) {
      ++book.unasked;
      answer(peer, "\"of nobody\"", "taken");
    }
    if (is_nth(taken_, conduct_.withheld_every)) {
      ++book.withheld;
      guest.withheld = id;
      return;
    }
    answer(peer, id, "taken");
    if (!is_nth(taken_, conduct_.twice_every)) return;
    ++book.doubled;
    answer(peer, id, "taken");
  }

  void answer(Peer& peer, const std::string& id, const std::string& operation) { say(peer, operation, R"("id":)" + id + ','); }

  // Does it, and returns the operation that answers.
  std::string obey(Guest& guest, const std::string& operation, std::string_view message) {
    if (!guest.welcome) return "refused";
    if (operation == "login") return "welcome";
    if (operation == "join") {
      guest.member = true;
      return "joined";
    }
    if (!guest.member) return "refused";
    if (operation == "leave") {
      guest.member = false;
      return "left";
    }
    if (operation != "say") return "refused";
    const std::string text = R"(,"text":")" + std::string(wsbench::json_value(message, "text").value_or("")) + '"';
    for (const auto& [peer, other] : guests_) {
      if (other.member) say(*peer, "said", {}, text);
    }
    return "taken";
  }

  void say(Peer& peer, const std::string& operation, const std::string& first, const std::string& more = {}) {
    ++books_[guests_.at(&peer).role].said[operation];
    WebSocketServer::tell(peer, '{' + first + R"("op":")" + operation + '"' + more + '}');
  }

  ChatConduct conduct_;
  std::uint64_t taken_{0};
  std::map<Peer*, Guest> guests_{};
  std::map<std::string, ChatCounts> books_{};  // by role
  WebSocketServer server_{*this};              // last: its thread uses the others
};

}  // namespace support
