#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <wsbench/session.hpp>
#include <wsbench/task.hpp>

namespace wsbench {

/// Reads the id that ties an answer to its message; nothing where there is none.
using Correlation = std::function<std::optional<std::uint64_t>(std::string_view message)>;

/// Messages that the server pushes, unasked: which they are, and what is done about them beside the conversation.
struct Push {
  std::string label{};                                      ///< what reports call them
  std::function<bool(std::string_view message)> matches{};  ///< whether a message is one; no answer is asked, nor what `receive()` gets
  std::function<std::optional<std::chrono::system_clock::time_point>(std::string_view message)> sent_at{};  ///< when it says it was sent
  std::function<void(Session& user, std::string_view message)> then{};                                      ///< what the user does at once
};

/// Tells the messages that have this text in them, for `Push::matches`.
inline auto containing(std::string text) {
  return [text = std::move(text)](std::string_view message) { return message.find(text) != message.npos; };
}

struct Part;

/// What a user does: a named coroutine function of its session.
class Behaviour {
 public:
  /// The default: `echo()`.
  Behaviour() = default;

  /// Any callable that takes a `Session&` and returns a `Task`; it is kept for the whole run, so a lambda may capture.
  template <class Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, Behaviour> && std::is_invocable_r_v<Task, Function&, Session&>)
      Behaviour(Function function, std::string name = "custom")  // NOLINT(google-explicit-constructor): `.behaviour = chat_user`
      : start_(std::make_shared<const std::function<Task(Session&)>>(std::move(function))), name_(std::move(name)) {}

  /// Ties answers to messages by the id that `id_of` reads from both, instead of first in, first out.
  Behaviour correlate(Correlation id_of) && {
    correlation_ = std::move(id_of);
    return std::move(*this);
  }

  /// Has pushed messages counted and timed under their label, and handled.
  ///
  /// A message that answers one in flight by its id is no push; without ids, one that is a push answers nothing. The first that matches
  /// has it.
  Behaviour on_message(Push push) && {
    pushes_.push_back(std::move(push));
    return std::move(*this);
  }
  /// The same for those that `matches` tells, which are only counted.
  Behaviour on_message(std::string label, std::function<bool(std::string_view message)> matches) && {
    return std::move(*this).on_message({std::move(label), std::move(matches), {}, {}});
  }

  /// Says that it goes on until the load is over, so that a run without a duration would not end.
  Behaviour endless() && {
    endless_ = true;
    return std::move(*this);
  }

  /// Starts the coroutine for one user.
  Task operator()(Session& user) const { return (*start_)(user); }

  /// False for the default, which stands for `echo()`.
  explicit operator bool() const noexcept { return start_ != nullptr || parts_ != nullptr; }
  const std::string& name() const noexcept { return name_; }
  const Correlation& correlation() const noexcept { return correlation_; }
  const std::vector<Push>& pushes() const noexcept { return pushes_; }
  /// Whether only the end of the load ends it; of a mix, whether that is so of some part.
  inline bool is_endless() const noexcept;
  /// Of a mix: its parts; else empty.
  inline const std::vector<Part>& parts() const noexcept;

 private:
  friend Behaviour mix(std::vector<Part> parts);

  std::shared_ptr<const std::function<Task(Session&)>> start_{};
  std::string name_{"echo"};
  Correlation correlation_{};
  std::vector<Push> pushes_{};
  bool endless_{false};
  std::shared_ptr<const std::vector<Part>> parts_{};
};

/// One of several behaviours in a run, with figures of its own in the report.
struct Part {
  Behaviour behaviour{};     ///< what its users do
  double weight{1};          ///< its share of the users that no part has counted, among the weights of all
  std::uint64_t clients{0};  ///< exactly so many of the first users instead; 0: by weight
  std::string name{};        ///< what reports call it; default the behaviour's own name, with a number where another has it
};

/// Several behaviours in one run: `mix({{chatter, 70}, {lurker, 30}})`.
inline Behaviour mix(std::vector<Part> parts) {
  std::vector<std::string> taken;
  for (Part& part : parts) {
    if (part.name.empty()) part.name = part.behaviour.name();
    const std::string plain = part.name;
    for (int number = 2; std::find(taken.begin(), taken.end(), part.name) != taken.end(); ++number) {
      part.name = plain + ' ' + std::to_string(number);
    }
    taken.push_back(part.name);
  }
  Behaviour mixed;
  mixed.name_ = "mix";
  mixed.parts_ = std::make_shared<const std::vector<Part>>(std::move(parts));
  return mixed;
}

inline bool Behaviour::is_endless() const noexcept {
  return endless_ || std::any_of(parts().begin(), parts().end(), [](const Part& part) { return part.behaviour.is_endless(); });
}

inline const std::vector<Part>& Behaviour::parts() const noexcept {
  static const std::vector<Part> none;
  return parts_ != nullptr ? *parts_ : none;
}

/// Deals the users of a run to the parts of a mix in the order they come: counted parts first, then by weight, so that after any number
/// of users each part is within one of its share.
class PartDealer {
 public:
  explicit PartDealer(const std::vector<Part>& parts) : parts_(&parts), dealt_(parts.size()), credit_(parts.size()) {}

  /// The part of the next user.
  std::size_t next() {
    for (std::size_t part = 0; part < parts_->size(); ++part) {
      if (dealt_[part] >= (*parts_)[part].clients) continue;
      ++dealt_[part];
      return part;
    }
    // Smooth weighted round robin: each part earns its weight, the richest has its turn and pays for it what all have earned.
    double all = 0;
    std::size_t richest = parts_->size();
    for (std::size_t part = 0; part < parts_->size(); ++part) {
      if ((*parts_)[part].clients > 0) continue;
      all += (*parts_)[part].weight;
      credit_[part] += (*parts_)[part].weight;
      if (richest == parts_->size() || credit_[part] > credit_[richest]) richest = part;
    }
    if (richest == parts_->size()) return parts_->size() - 1;  // more users than are counted
    credit_[richest] -= all;
    return richest;
  }

 private:
  const std::vector<Part>* parts_;
  std::vector<std::uint64_t> dealt_;
  std::vector<double> credit_;
};

}  // namespace wsbench
