// Both sides of the opening handshake, and the listener for pages: however the bytes arrive, the outcome is the same and can be told in one
// line.

#include <optional>
#include <string>
#include <string_view>

#include <wsbench/net/handshake.hpp>
#include <wsbench/net/http_listener.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using wsbench::Failure;
using wsbench::detail::ClientHandshake;
using wsbench::detail::HttpAnswer;
using wsbench::detail::HttpHead;
using wsbench::detail::Refusal;
using wsbench::detail::ServerHandshake;

namespace {

// How far a handshake read, and what came of it.
struct Outcome {
  std::size_t taken{0};
  bool decided{false};
  std::string told{};

  bool operator==(const Outcome&) const = default;
};

template <class Handshake>
Outcome feed(Handshake& handshake, const std::vector<std::string_view>& pieces) {
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    const std::size_t taken = handshake.take(piece);
    demand(taken <= piece.size(), "no more is taken than came");
    outcome.taken += taken;
    outcome.decided = handshake.decided();
    if (outcome.decided) break;
    demand(taken == piece.size(), "all is taken until the head ends");
  }
  return outcome;
}

class AsClient {
 public:
  // The key in the request is always the same, so that an input can have the right answer to it.
  Outcome operator()(const std::vector<std::string_view>& pieces) {
    ClientHandshake handshake({.host = "127.0.0.1", .port = 80}, {}, {"chat"}, pool_, random_);
    Outcome outcome = feed(handshake, pieces);
    if (outcome.decided) outcome.told = told(handshake.refusal());
    return outcome;
  }

 private:
  static std::string told(const std::optional<Refusal>& refusal) {
    if (!refusal) return "agreed";
    demand(support::is_one_line(refusal->detail), "a refusal is told in one line");
    demand(refusal->detail.size() < 200, "and in a short one");
    demand((refusal->failure == Failure::http_status) == (refusal->code != 0), "a status has its code, and nothing else has one");
    demand(refusal->failure == Failure::http_status || refusal->failure == Failure::bad_handshake, "it is of one of two kinds");
    return std::string(name(refusal->failure)) + ' ' + std::to_string(refusal->code) + ' ' + refusal->detail;
  }

  wsbench::detail::MessagePool pool_{1000};
  wsbench::Random random_{1};
};

class AsServer {
 public:
  Outcome operator()(const std::vector<std::string_view>& pieces) {
    ServerHandshake handshake(pool_, random_);
    Outcome outcome = feed(handshake, pieces);
    if (!outcome.decided) return outcome;
    const bool agreed = handshake.answer(outcome.told);
    demand(outcome.told.starts_with(agreed ? "HTTP/1.1 101 " : "HTTP/1.1 400 "), "an answer says whether it agrees");
    HttpHead head;
    head.take(outcome.told);
    demand(head.complete(), "an answer is a head");
    demand(!agreed || head.text() == outcome.told, "and an agreement nothing else");
    return outcome;
  }

 private:
  wsbench::detail::MessagePool pool_{1000};
  wsbench::Random random_{1};
};

class AsListener {
 public:
  Outcome operator()(const std::vector<std::string_view>& pieces) {
    Request request;
    Outcome outcome = feed(request, pieces);
    if (!outcome.decided) return outcome;
    const auto respond = [](std::string_view path) {
      return path == "/chat" ? std::optional<HttpAnswer>(HttpAnswer{.body = "figure 1\n"}) : std::nullopt;
    };
    outcome.told = wsbench::detail::response_to(request.head, respond);
    demand(outcome.told.starts_with("HTTP/1.1 200 ") || outcome.told.starts_with("HTTP/1.1 4"), "it is a page, or the request is at fault");
    HttpHead head;
    head.take(outcome.told);
    demand(head.complete(), "an answer has a head");
    return outcome;
  }

 private:
  struct Request {
    std::size_t take(std::string_view bytes) { return head.take(bytes); }
    bool decided() const noexcept { return head.complete() || head.too_long(); }
    HttpHead head{};
  };
};

template <class Side>
void require_same(std::string_view bytes) {
  const auto deliveries = support::deliveries(bytes, support::seed_of(bytes));
  const Outcome whole = Side{}(deliveries.front());
  for (const auto& pieces : deliveries) demand(Side{}(pieces) == whole, "it does not matter how the bytes arrive");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  require_same<AsClient>(support::text_of(data, size));
  require_same<AsServer>(support::text_of(data, size));
  require_same<AsListener>(support::text_of(data, size));
  return 0;
}
