// Frames, at either end: however the bytes arrive, what is told and the fault are the same; what was told, sent anew, is told again.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/net/frame.hpp>
#include <wsbench/net/protocol.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using wsbench::detail::CloseReason;
using wsbench::detail::Opcode;
using wsbench::detail::ProtocolFault;
using wsbench::detail::Role;

namespace {

constexpr std::size_t longest = 300;
constexpr std::size_t longest_control = 125;

// What one end of a connection is told of the bytes it gets.
class Listener {
 public:
  using Told = std::vector<std::pair<Opcode, std::string>>;

  explicit Listener(Role role) : engine_(role, pool_, random_) {}

  void feed(std::string_view bytes) {
    if (ended()) return;
    std::vector<std::uint8_t> buffer(bytes.begin(), bytes.end());
    fault_ = engine_.feed(std::span<std::uint8_t>(buffer), *this);
    if (!fault_) return;
    demand(support::is_one_line(fault_->detail), "a fault is told in one line");
    const bool known = fault_->close_code == 1002 || fault_->close_code == 1007 || fault_->close_code == 1009;
    demand(known, "a fault has its close code");
    demand((fault_->failure == wsbench::Failure::too_big) == (fault_->close_code == 1009), "a message that is too big is closed with 1009");
  }

  bool on_data(std::string_view payload, bool binary) {
    demand(payload.size() <= longest, "no message is longer than the limit");
    return tell(binary ? Opcode::binary : Opcode::text, std::string(payload));
  }
  void on_inflated(std::size_t, std::size_t) { demand(false, "nothing is compressed here"); }
  bool on_ping(std::string_view payload) { return tell_control(Opcode::ping, std::string(payload)); }
  bool on_pong(std::string_view payload) { return tell_control(Opcode::pong, std::string(payload)); }
  bool on_close(const CloseReason& reason) {
    closed_ = true;
    const bool empty = reason.code == 1005;
    demand(!empty || reason.reason.empty(), "a reason has a code before it");
    tell_control(Opcode::close, empty ? std::string() : wsbench::detail::close_payload(reason.code, reason.reason));
    return false;
  }

  bool ended() const noexcept { return fault_ || closed_; }
  const Told& told() const noexcept { return told_; }
  std::string fault() const { return fault_ ? std::to_string(fault_->close_code) + ' ' + fault_->detail : std::string(); }

 private:
  bool tell(Opcode opcode, std::string payload) {
    told_.emplace_back(opcode, std::move(payload));
    return true;
  }
  bool tell_control(Opcode opcode, std::string payload) {
    demand(payload.size() <= longest_control, "a control frame is short");
    return tell(opcode, std::move(payload));
  }

  wsbench::detail::MessagePool pool_{longest};
  wsbench::Random random_{1};
  wsbench::detail::ProtocolEngine engine_;
  Told told_{};
  std::optional<ProtocolFault> fault_{};
  bool closed_{false};
};

void listen(Role role, std::string_view bytes) {
  const auto deliveries = support::deliveries(bytes, support::seed_of(bytes));
  Listener whole(role);
  whole.feed(bytes);
  for (const auto& pieces : deliveries) {
    Listener listener(role);
    for (const std::string_view piece : pieces) listener.feed(piece);
    demand(listener.told() == whole.told(), "it does not matter for what is told how the bytes arrive");
    demand(listener.fault() == whole.fault(), "nor for the fault");
  }
  wsbench::Random random{2};
  std::string frames;
  const Role other = role == Role::client ? Role::server : Role::client;
  for (const auto& [opcode, payload] : whole.told()) append_frame(frames, other, opcode, payload, random);
  Listener again(role);
  again.feed(frames);
  demand(again.told() == whole.told() && again.fault().empty(), "what was told, sent anew, is told again");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  listen(Role::client, support::text_of(data, size));
  listen(Role::server, support::text_of(data, size));
  return 0;
}
