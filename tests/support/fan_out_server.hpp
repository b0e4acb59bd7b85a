#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/json_member.hpp>
#include <wsbench/wsbench.hpp>

#include "support/web_socket_server.hpp"

namespace support {

/// What a fan-out server does to a delivery that should have been made.
enum class DeliveryFault : std::uint8_t { none, drop, twice, swap };

/// How a fan-out server delivers; by default at once, to everybody, in order.
struct FanOutConduct {
  std::chrono::nanoseconds step{0};          ///< the subscriber of rank k is sent a publication k steps after it came
  DeliveryFault fault{DeliveryFault::none};  ///< done to every nth delivery; a swapped one is sent after the publisher's next
  std::uint64_t every{100};                  ///< that n
};

/// What a fan-out server has done.
struct FanOutCounts {
  std::uint64_t heard{0};       ///< messages of all kinds
  std::uint64_t said{0};        ///< messages of all kinds
  std::uint64_t published{0};   ///< publications that came
  std::uint64_t dropped{0};     ///< deliveries not made
  std::uint64_t doubled{0};     ///< deliveries made twice
  std::uint64_t swapped{0};     ///< deliveries made after the same publisher's next one
  std::uint64_t held{0};        ///< deliveries that still wait for that next one
  std::uint64_t incomplete{0};  ///< publications with a delivery that is dropped or held
};

/// A delivery as the server wrote it.
struct Delivery {
  wsbench::Publication publication{};
  std::uint64_t rank{0};
  std::chrono::steady_clock::time_point came{};  ///< when the publication was read
  std::chrono::steady_clock::time_point sent{};  ///< just before the write
};

/// A server that passes publications on to its subscribers, and knows when to whom.
///
/// `{"op":"subscribe"}`, with a rank where ranks matter, is answered by `{"op":"subscribed"}`. Every message with a publication in it goes
/// to all subscribers, as `{"op":"news","came":..,"text":..}` with the wall time in ns at which it came.
class FanOutServer final : private wsbench::detail::EchoPolicy, private wsbench::detail::Deadline {
 public:
  explicit FanOutServer(const FanOutConduct& conduct = {}) : conduct_(conduct) {}

  std::string url() const { return server_.url(); }
  /// What it has done so far.
  FanOutCounts counts() {
    return server_.ask([this] {
      FanOutCounts counts = counts_;
      counts.held = held_.size();
      counts.incomplete = incomplete_.size();
      return counts;
    });
  }
  /// Every delivery it made, in order.
  std::vector<Delivery> log() {
    return server_.ask([this] { return log_; });
  }
  /// Every publication that came.
  std::vector<wsbench::Publication> publications() {
    return server_.ask([this] { return publications_; });
  }

 private:
  void on_open(Peer&) override {}
  void on_ended(Peer& peer) override {
    for (auto place = subscribers_.begin(); place != subscribers_.end();)
      place = place->second == &peer ? subscribers_.erase(place) : ++place;
  }

  void on_message(Peer& peer, std::string_view message, bool) override {
    ++counts_.heard;
    if (const std::optional<wsbench::Publication> publication = wsbench::Publication::find_in(message)) return publish(*publication);
    std::uint64_t rank = subscribers_.size();
    if (const auto given = wsbench::json_value(message, "rank")) std::from_chars(given->data(), given->data() + given->size(), rank);
    subscribers_[rank] = &peer;
    ++counts_.said;
    WebSocketServer::tell(peer, R"({"op":"subscribed"})");
  }

  void publish(const wsbench::Publication& publication) {
    ++counts_.published;
    publications_.push_back(publication);
    const auto wall = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
    const std::string text = R"({"op":"news","came":)" + std::to_string(wall.count()) + R"(,"text":")" + publication.text() + "\"}";
    const std::chrono::nanoseconds now = server_.now();
    for (const auto& [rank, peer] : subscribers_) {
      const Delivery delivery{publication, rank, std::chrono::steady_clock::now(), {}};
      if (conduct_.step.count() == 0) {
        deliver(delivery, text);
      } else {
        waiting_.emplace(now + static_cast<std::int64_t>(rank) * conduct_.step, std::pair{delivery, text});
      }
    }
    if (!waiting_.empty()) server_.deadlines().arm(*this, waiting_.begin()->first);
  }

  void on_deadline(std::chrono::nanoseconds now) override {
    for (; !waiting_.empty() && waiting_.begin()->first <= now; waiting_.erase(waiting_.begin())) {
      deliver(waiting_.begin()->second.first, waiting_.begin()->second.second);
    }
    if (!waiting_.empty()) server_.deadlines().arm(*this, waiting_.begin()->first);
  }

  void deliver(const Delivery& delivery, const std::string& text) {
    const std::pair stream{delivery.rank, delivery.publication.publisher};
    const bool faulty = ++deliveries_ % conduct_.every == 0;
    const auto held = held_.find(stream);
    if (faulty && conduct_.fault == DeliveryFault::drop) {
      ++counts_.dropped;
      incomplete_.insert(delivery.publication.id());
      return;
    }
    if (faulty && conduct_.fault == DeliveryFault::swap && held == held_.end()) {
      held_.emplace(stream, std::pair{delivery, text});
      incomplete_.insert(delivery.publication.id());
      return;
    }
    write(delivery, text);
    if (faulty && conduct_.fault == DeliveryFault::twice) {
      ++counts_.doubled;
      write(delivery, text);
    }
    if (held == held_.end()) return;
    ++counts_.swapped;
    incomplete_.erase(held->second.first.publication.id());
    write(held->second.first, held->second.second);
    held_.erase(held);
  }

  void write(Delivery delivery, const std::string& text) {
    const auto subscriber = subscribers_.find(delivery.rank);
    if (subscriber == subscribers_.end()) return;
    delivery.sent = std::chrono::steady_clock::now();
    log_.push_back(delivery);
    ++counts_.said;
    WebSocketServer::tell(*subscriber->second, text);
  }

  FanOutConduct conduct_;
  FanOutCounts counts_{};
  std::map<std::uint64_t, Peer*> subscribers_{};                                                // by rank
  std::multimap<std::chrono::nanoseconds, std::pair<Delivery, std::string>> waiting_{};         // by when they are to be sent
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::pair<Delivery, std::string>> held_{};  // by rank and publisher
  std::set<std::uint64_t> incomplete_{};
  std::uint64_t deliveries_{0};
  std::vector<Delivery> log_{};
  std::vector<wsbench::Publication> publications_{};
  WebSocketServer server_{*this};  // last: its thread uses the others
};

}  // namespace support
