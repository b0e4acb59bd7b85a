#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/uri.hpp>

#include <wsbench/deflate_options.hpp>
#include <wsbench/failure.hpp>
#include <wsbench/net/cookies.hpp>
#include <wsbench/net/deflate_agreement.hpp>
#include <wsbench/net/protocol.hpp>
#include <wsbench/net/url.hpp>
#include <wsbench/version.hpp>

namespace wsbench::detail {

/// Collects the head of an HTTP message, which may come in any number of pieces.
class HttpHead {
 public:
  /// The most bytes a head may have; websocketpp's parser takes 16,000.
  static constexpr std::size_t limit = 16'000;

  /// Takes bytes up to and including the empty line that ends the head; returns how many.
  std::size_t take(std::string_view bytes) {
    const std::size_t had = text_.size();
    const std::size_t searched = had < 3 ? 0 : had - 3;  // the line's end may be split between two pieces
    text_.append(bytes.substr(0, std::min(bytes.size(), limit + 1 - std::min(had, limit))));
    const std::size_t end = text_.find("\r\n\r\n", searched);
    if (end == text_.npos) return text_.size() - had;
    complete_ = true;
    text_.resize(end + 4);
    return text_.size() - had;
  }

  bool complete() const noexcept { return complete_; }
  bool too_long() const noexcept { return !complete_ && text_.size() > limit; }
  const std::string& text() const noexcept { return text_; }
  /// The first line, or what there is of it.
  std::string_view first_line() const { return std::string_view(text_).substr(0, std::min(text_.find("\r\n"), text_.size())); }

 private:
  std::string text_{};
  bool complete_{false};
};

/// The first line of an HTTP answer (RFC 9112 section 4).
struct StatusLine {
  int code{0};                ///< three digits
  std::string_view reason{};  ///< in words; may be empty
};

/// Takes one apart; nothing where it is none.
inline std::optional<StatusLine> parse_status_line(std::string_view line) {
  constexpr std::string_view shape = "HTTP/0.0 000";
  const auto fits = [](char letter, char place) { return place == '0' ? letter >= '0' && letter <= '9' : letter == place; };
  const std::string_view start = line.substr(0, shape.size());
  if (!std::equal(start.begin(), start.end(), shape.begin(), shape.end(), fits)) return std::nullopt;
  if (line.size() > shape.size() && line[shape.size()] != ' ') return std::nullopt;
  StatusLine status;
  for (const char digit : start.substr(shape.size() - 3)) status.code = status.code * 10 + (digit - '0');
  if (status.code < 100) return std::nullopt;
  status.reason = line.substr(std::min(shape.size() + 1, line.size()));
  return status;
}

/// Why an upgrade came to nothing.
struct Refusal {
  Failure failure{Failure::bad_handshake};  ///< `http_status` or `bad_handshake`
  int code{0};                              ///< the HTTP status of `http_status`
  std::string detail{};                     ///< in words
};

/// The client's side of the opening handshake (RFC 6455 section 4.1).
class ClientHandshake {
 public:
  /// `headers` are added to the request as they are, and replace its own of the same name. `deflate`, which has to outlive it, is the
  /// compression that is offered; null: none.
  ClientHandshake(const Url& url, const std::vector<std::pair<std::string, std::string>>& headers,
                  const std::vector<std::string>& subprotocols, MessagePool& pool, Random& random, const DeflateOptions* deflate = nullptr)
      : processor_(url.secure, false, &pool, random), subprotocols_(subprotocols), deflate_(deflate) {
    const auto uri = std::make_shared<websocketpp::uri>(url.secure, url.host, url.port, url.resource);
    processor_.client_handshake_request(request_, uri, subprotocols_);
    request_.replace_header("Host", url.authority());
    request_.append_header("User-Agent", std::string("wsbench/") + version);
    if (deflate_ != nullptr) request_.append_header("Sec-WebSocket-Extensions", deflate_offer(*deflate_));
    for (const auto& [name, value] : headers) request_.replace_header(name, value);
  }

  /// Adds these to the cookies that a header of the request may have.
  void add_cookies(const CookieJar& cookies) {
    if (cookies.empty()) return;
    const std::string& given = request_.get_header("Cookie");
    request_.replace_header("Cookie", given.empty() ? cookies.header() : given + "; " + cookies.header());
  }

  /// The request's bytes.
  std::string request() const { return request_.raw(); }

  /// Takes what was read; returns how many bytes belonged to the answer's head.
  std::size_t take(std::string_view bytes) { return head_.take(bytes); }

  /// Whether the answer can be judged.
  bool decided() const noexcept { return head_.complete() || head_.too_long(); }

  /// Why the answer is no agreement; nothing if it is one.
  std::optional<Refusal> refusal() {
    if (head_.too_long()) return bad("an answer whose header does not end within " + std::to_string(HttpHead::limit) + " bytes");
    const std::optional<StatusLine> status = parse_status_line(head_.first_line());
    if (!status) return bad("an answer that is not HTTP: " + in_quotes(head_.first_line()));
    if (status->code != 101) return Refusal{Failure::http_status, status->code, "refused the upgrade with " + status_text(*status)};
    websocketpp::http::parser::response response;
    try {
      response.consume(head_.text().data(), head_.text().size());
    } catch (const std::exception&) {
      return bad("an answer that is not HTTP: " + in_quotes(head_.first_line()));
    }
    if (!response.headers_ready()) return bad("an answer that is not HTTP: " + in_quotes(head_.first_line()));
    if (processor_.validate_server_handshake_response(request_, response)) {
      return bad("a 101 without the Upgrade, Connection or Sec-WebSocket-Accept header that RFC 6455 demands");
    }
    // The processor looks at neither of these: what was not offered cannot be agreed on (RFC 6455 section 4.1).
    if (const std::string& extension = response.get_header("Sec-WebSocket-Extensions"); !extension.empty()) {
      DeflateAgreement agreement;
      const std::string problem =
          deflate_ != nullptr ? take_deflate_answer(*deflate_, extension, agreement) : std::string("was not offered");
      if (!problem.empty()) return bad("the extension " + in_quotes(extension) + ", which " + problem);
      agreement_ = agreement;
    }
    if (const std::string& chosen = response.get_header("Sec-WebSocket-Protocol"); !chosen.empty()) {
      const auto asked_for = std::find(subprotocols_.begin(), subprotocols_.end(), chosen);
      if (asked_for == subprotocols_.end()) return bad("the subprotocol " + in_quotes(chosen) + ", which was not asked for");
      subprotocol_ = static_cast<std::size_t>(asked_for - subprotocols_.begin());
    }
    return std::nullopt;
  }

  /// Keeps the cookies that the answer sets, whatever else it says.
  void keep_cookies(CookieJar& cookies, const Url& url) const {
    constexpr std::string_view name = "Set-Cookie:";
    std::string_view lines = head_.text();
    while (!lines.empty()) {
      const std::string_view line = take_part(lines, '\n');
      if (same_but_for_case(line.substr(0, name.size()), name)) {
        cookies.take(line.substr(name.size(), line.find('\r') - name.size()), url, std::chrono::system_clock::now());
      }
    }
  }

  /// Which of the subprotocols that were asked for the server has chosen, from 0; nothing if none.
  std::optional<std::size_t> subprotocol() const noexcept { return subprotocol_; }
  /// How messages are compressed; nothing where they are not.
  const std::optional<DeflateAgreement>& deflate() const noexcept { return agreement_; }

 private:
  static Refusal bad(std::string detail) { return {Failure::bad_handshake, 0, "answered the upgrade with " + std::move(detail)}; }
  static std::string status_text(const StatusLine& status) {
    return std::to_string(status.code) + (status.reason.empty() ? "" : ' ' + in_one_line(status.reason));
  }

  websocketpp::processor::hybi13<ProtocolConfig> processor_;
  websocketpp::http::parser::request request_{};
  std::vector<std::string> subprotocols_;
  std::optional<std::size_t> subprotocol_{};
  const DeflateOptions* deflate_;
  std::optional<DeflateAgreement> agreement_{};
  HttpHead head_{};
};

/// The server's side of the opening handshake (RFC 6455 section 4.2).
class ServerHandshake {
 public:
  /// `deflate`, which has to outlive it, is the compression that is agreed to; null: none.
  ServerHandshake(MessagePool& pool, Random& random, const DeflateOptions* deflate = nullptr)
      : processor_(false, true, &pool, random), deflate_(deflate) {}

  /// Takes what was read; returns how many bytes belonged to the request's head.
  std::size_t take(std::string_view bytes) { return head_.take(bytes); }

  /// Whether the request can be answered.
  bool decided() const noexcept { return head_.complete() || head_.too_long(); }

  /// Writes the answer to `out` and returns whether it is an agreement; a server agrees to no other extension and to the first subprotocol
  /// asked for.
  bool answer(std::string& out) {
    websocketpp::http::parser::request request;
    websocketpp::http::parser::response response;
    response.set_version("HTTP/1.1");
    const bool agreed = understood(request) && agree(request, response);
    if (!agreed) {
      response.set_status(websocketpp::http::status_code::bad_request);
      response.replace_header("Connection", "close");
      response.set_body("This is a WebSocket server.\n");
    }
    out += response.raw();
    return agreed;
  }

  /// How messages are compressed; nothing where they are not.
  const std::optional<DeflateAgreement>& deflate() const noexcept { return agreement_; }

 private:
  bool understood(websocketpp::http::parser::request& request) const {
    try {
      request.consume(head_.text().data(), head_.text().size());
    } catch (const std::exception&) {
      return false;
    }
    return request.ready();
  }

  bool agree(websocketpp::http::parser::request& request, websocketpp::http::parser::response& response) {
    if (!websocketpp::processor::is_websocket_handshake(request) || websocketpp::processor::get_websocket_version(request) != 13)
      return false;
    if (processor_.validate_handshake(request)) return false;
    std::vector<std::string> subprotocols;
    if (processor_.extract_subprotocols(request, subprotocols)) return false;
    if (processor_.process_handshake(request, subprotocols.empty() ? std::string() : subprotocols.front(), response)) return false;
    if (deflate_ != nullptr) {
      if (std::optional<DeflateAnswer> answer = answer_deflate_offer(*deflate_, request.get_header("Sec-WebSocket-Extensions"))) {
        response.append_header("Sec-WebSocket-Extensions", answer->header);
        agreement_ = answer->agreement;
      }
    }
    response.set_status(websocketpp::http::status_code::switching_protocols);
    return true;
  }

  websocketpp::processor::hybi13<ProtocolConfig> processor_;
  const DeflateOptions* deflate_;
  std::optional<DeflateAgreement> agreement_{};
  HttpHead head_{};
};

}  // namespace wsbench::detail
