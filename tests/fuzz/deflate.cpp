// Compressed frames at either end, and the words that agree on them. The first byte chooses the end and what is kept; the rest are frames,
// or, where its highest bit is set, the value of Sec-WebSocket-Extensions.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/deflate.hpp>
#include <wsbench/net/frame.hpp>
#include <wsbench/net/protocol.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using wsbench::DeflateOptions;
using wsbench::detail::CloseReason;
using wsbench::detail::CodecFactory;
using wsbench::detail::DeflateAgreement;
using wsbench::detail::Opcode;
using wsbench::detail::ProtocolFault;
using wsbench::detail::Role;

namespace {

constexpr std::size_t longest = 10'000;
constexpr std::string_view hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);  // "Hello", RFC 7692 section 7.2.3.1

std::unique_ptr<CodecFactory> new_codecs() {
  return wsbench::deflate({.level = 1, .memory_level = 1})->codecs();
}

// The codecs of one thread, which all inputs share: none may leave anything behind for the next.
CodecFactory& codecs() {
  static const std::unique_ptr<CodecFactory> all = new_codecs();
  return *all;
}

// What one end of a connection is told of the bytes it gets.
class Listener {
 public:
  using Told = std::vector<std::pair<Opcode, std::string>>;

  Listener(Role role, const DeflateAgreement& agreement, CodecFactory& shared = codecs())
      : engine_(role, pool_, random_, shared.codec(agreement, role)) {}

  void feed(std::string_view bytes) {
    if (fault_ || closed_) return;
    std::vector<std::uint8_t> buffer(bytes.begin(), bytes.end());
    fault_ = engine_.feed(std::span<std::uint8_t>(buffer), *this);
    if (!fault_) return;
    demand(support::is_one_line(fault_->detail), "a fault is told in one line");
    demand((fault_->failure == wsbench::Failure::too_big) == (fault_->close_code == 1009), "a message that is too big is closed with 1009");
  }

  bool on_data(std::string_view payload, bool binary) {
    demand(payload.size() <= longest, "no message is longer than the limit");
    if (inflated_) demand(*inflated_ == payload.size(), "a message has as many bytes as were inflated");
    inflated_.reset();
    told_.emplace_back(binary ? Opcode::binary : Opcode::text, payload);
    return true;
  }
  void on_inflated(std::size_t, std::size_t size) { inflated_ = size; }
  bool on_ping(std::string_view payload) { return tell_control(Opcode::ping, payload); }
  bool on_pong(std::string_view payload) { return tell_control(Opcode::pong, payload); }
  bool on_close(const CloseReason&) {
    closed_ = true;
    return false;
  }

  const Told& told() const noexcept { return told_; }
  std::string fault() const { return fault_ ? std::to_string(fault_->close_code) + ' ' + fault_->detail : std::string(); }

 private:
  bool tell_control(Opcode opcode, std::string_view payload) {
    demand(!inflated_, "no control frame is compressed");
    told_.emplace_back(opcode, payload);
    return true;
  }

  wsbench::detail::MessagePool pool_{longest};
  wsbench::Random random_{1};
  wsbench::detail::ProtocolEngine engine_;
  Told told_{};
  std::optional<std::size_t> inflated_{};
  std::optional<ProtocolFault> fault_{};
  bool closed_{false};
};

void listen(Role role, const DeflateAgreement& agreement, std::size_t fragment_size, std::string_view bytes) {
  const std::unique_ptr<CodecFactory> unused = new_codecs();
  Listener whole(role, agreement, *unused);
  whole.feed(bytes);
  codecs().codec(agreement, role)->inflate(hello, longest);
  for (const auto& pieces : support::deliveries(bytes, support::seed_of(bytes))) {
    Listener listener(role, agreement);
    for (const std::string_view piece : pieces) listener.feed(piece);
    demand(listener.told() == whole.told(), "it does not matter for what is told how the bytes arrive, or what others got");
    demand(listener.fault() == whole.fault(), "nor for the fault");
  }
  wsbench::Random random{2};
  std::string frames;
  const Role other = role == Role::client ? Role::server : Role::client;
  const auto codec = codecs().codec(agreement, other);
  for (const auto& [opcode, payload] : whole.told()) {
    const bool data = opcode == Opcode::text || opcode == Opcode::binary;
    append_message(frames, other, opcode, data ? codec->compress(payload) : payload, data ? fragment_size : 0, data, random);
  }
  Listener again(role, agreement);
  again.feed(frames);
  demand(again.told() == whole.told() && again.fault().empty(), "what was told, compressed anew, is told again");
}

void agree(const DeflateOptions& options, std::string_view header) {
  DeflateAgreement agreement;
  const std::string problem = wsbench::detail::take_deflate_answer(options, header, agreement);
  if (problem.empty()) {
    demand(agreement.client_window_bits >= 8 && agreement.client_window_bits <= options.client_window_bits,
           "a client's window was offered");
    demand(agreement.server_window_bits >= 8 && agreement.server_window_bits <= options.server_window_bits,
           "a server's window was granted");
    demand(options.server_context_takeover || !agreement.server_context_takeover, "a server keeps nothing where it was asked not to");
  } else {
    demand(support::is_one_line(problem), "a problem is one line");
  }
  if (const auto answer = wsbench::detail::answer_deflate_offer(options, header)) {
    const auto extensions = wsbench::detail::parse_extensions(answer->header);
    demand(extensions && extensions->size() == 1, "an answer is one extension");
    wsbench::detail::DeflateParameters parameters;
    demand(wsbench::detail::read_deflate_parameters(extensions->front(), false, parameters).empty(), "an answer keeps RFC 7692");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const bool keeps = (choice & 1U) != 0;
  const int window_bits = 8 + static_cast<int>((choice >> 2U) & 7U);
  const std::string_view rest = support::text_of(data, size).substr(1);
  if ((choice & 0x80U) != 0) {
    agree({.server_context_takeover = keeps, .client_window_bits = window_bits, .server_window_bits = 23 - window_bits}, rest);
    return 0;
  }
  const DeflateAgreement agreement{.client_context_takeover = keeps,
                                   .server_context_takeover = keeps,
                                   .client_window_bits = window_bits,
                                   .server_window_bits = window_bits};
  listen((choice & 2U) != 0 ? Role::server : Role::client, agreement, (choice & 0x20U) != 0 ? 3 : 0, rest);
  return 0;
}
