#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/error.hpp>
#include <wsbench/failure.hpp>
#include <wsbench/random.hpp>
#include <wsbench/task.hpp>

namespace wsbench {

/// Thrown by `Reply::text()` where no reply came; one that leaves a behaviour ends its session and is no error of the behaviour.
class NoReply : public std::runtime_error {
 public:
  explicit NoReply(Failure failure) : std::runtime_error("no reply: " + std::string(name(failure))), failure_(failure) {}

  /// Why there is none.
  Failure failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};

/// What came back: true and its bytes, or false and why not.
class Reply {
 public:
  Reply() = default;
  /// A message that came; `binary` by its opcode.
  explicit Reply(std::string text, bool binary = false) : text_(std::move(text)), came_(true), binary_(binary) {}
  /// None came.
  explicit Reply(Failure failure) noexcept : failure_(failure) {}

  /// Whether a message came.
  explicit operator bool() const noexcept { return came_; }
  /// The message's bytes; throws NoReply if none came.
  std::string_view text() const& {
    require();
    return text_;
  }
  /// The message's bytes, moved out; throws NoReply if none came.
  std::string text() && {
    require();
    return std::move(text_);
  }
  /// Whether a message came and has `part` in it.
  bool contains(std::string_view part) const noexcept { return came_ && text_.find(part) != std::string::npos; }
  /// Whether a message came in a binary frame.
  bool binary() const noexcept { return came_ && binary_; }
  /// Why none came; meaningless where one did.
  Failure failure() const noexcept { return failure_; }

 private:
  void require() const {
    if (!came_) throw NoReply(failure_);
  }

  std::string text_{};
  Failure failure_{Failure::closed};
  bool came_{false};
  bool binary_{false};
};

/// What came of a ping: true and its round trip, or false and why not.
class Pong {
 public:
  Pong() = default;
  /// It came back after this long.
  explicit Pong(std::chrono::nanoseconds round_trip) noexcept : round_trip_(round_trip), came_(true) {}
  /// It did not.
  explicit Pong(Failure failure) noexcept : failure_(failure) {}

  /// Whether it came back.
  explicit operator bool() const noexcept { return came_; }
  /// From just before the ping was written until its pong arrived; throws NoReply if none did.
  std::chrono::nanoseconds round_trip() const {
    if (!came_) throw NoReply(failure_);
    return round_trip_;
  }
  /// Why it did not; meaningless where it did.
  Failure failure() const noexcept { return failure_; }

 private:
  std::chrono::nanoseconds round_trip_{0};
  Failure failure_{Failure::closed};
  bool came_{false};
};

class Session;

namespace detail {

/// What a behaviour waits for; the session completes it, at once or later.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool await_ready() const noexcept { return done_; }
  void await_suspend(std::coroutine_handle<>) noexcept { awaited_ = true; }

  /// Whether what it waits for has come.
  bool done() const noexcept { return done_; }

  /// Marks it done and returns whether a behaviour waits for it already.
  bool complete() noexcept {
    done_ = true;
    return awaited_;
  }

 protected:
  ~Waiter() = default;

 private:
  bool awaited_{false};
  bool done_{false};
};

/// Values of a session's owner, one of each type.
class OwnState {
 public:
  /// The value of this type, made by its default constructor when it is first asked for.
  template <class T>
  T& of() {
    for (const auto& [type, value] : values_) {
      if (type == &tag<T>) return static_cast<Value<T>&>(*value).held;
    }
    auto made = std::make_unique<Value<T>>();
    T& held = made->held;
    values_.emplace_back(&tag<T>, std::move(made));
    return held;
  }

 private:
  struct Any {
    Any() = default;
    Any(const Any&) = delete;
    Any& operator=(const Any&) = delete;
    virtual ~Any() = default;
  };
  template <class T>
  struct Value final : Any {
    T held{};
  };
  // Its address stands for the type.
  template <class T>
  inline static const char tag{};

  std::vector<std::pair<const char*, std::unique_ptr<Any>>> values_{};
};

}  // namespace detail

/// The answer that `Session::request()` and `receive()` wait for; await it once, where it was made.
class [[nodiscard]] PendingReply : public detail::Waiter {
 public:
  PendingReply(Session& session, std::string_view label, std::string_view message, bool binary, std::chrono::nanoseconds timeout);
  PendingReply(Session& session, std::chrono::nanoseconds timeout);
  ~PendingReply();

  Reply await_resume() noexcept { return std::move(reply); }

  /// No reply will come.
  void fail(Failure failure) { reply = Reply(failure); }

  /// Filled before the waiter is completed.
  Reply reply{};

 private:
  Session& session_;
};

/// The turn that `Session::turn()` waits for.
class [[nodiscard]] PendingTurn : public detail::Waiter {
 public:
  explicit PendingTurn(Session& session);
  ~PendingTurn();

  bool await_resume() const noexcept { return granted; }

  /// Filled before the waiter is completed.
  bool granted{false};

 private:
  Session& session_;
};

/// The time that `Session::pause()` waits for.
class [[nodiscard]] PendingPause : public detail::Waiter {
 public:
  PendingPause(Session& session, std::chrono::nanoseconds length);
  ~PendingPause();

  void await_resume() const noexcept {}

 private:
  Session& session_;
};

/// The pong that `Session::ping()` waits for.
class [[nodiscard]] PendingPong : public detail::Waiter {
 public:
  PendingPong(Session& session, std::chrono::nanoseconds timeout);
  ~PendingPong();

  Pong await_resume() const noexcept { return pong; }

  /// No pong will come.
  void fail(Failure failure) noexcept { pong = Pong(failure); }

  /// Filled before the waiter is completed.
  Pong pong{};

 private:
  Session& session_;
};

/// The connection that `Session::reconnect()` waits for.
class [[nodiscard]] PendingConnection : public detail::Waiter {
 public:
  explicit PendingConnection(Session& session);
  ~PendingConnection();

  bool await_resume() const noexcept { return open; }

  /// Filled before the waiter is completed.
  bool open{false};

 private:
  Session& session_;
};

/// One virtual user as a behaviour sees it: connected before the behaviour starts, closed after it ends.
///
/// A session belongs to one thread; only its own behaviour may use it, and awaits one thing at a time.
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// The client's number in this run, from 0.
  std::uint64_t id() const noexcept { return id_; }

  /// Sends a text message that expects no answer; counted as one way, or as not sent where there is no connection.
  void send(std::string_view text) { send_one_way(text, false); }
  /// Sends a binary message that expects no answer.
  void send(std::span<const std::byte> bytes) { send_one_way({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, true); }

  /// Sends a text message now and waits for its answer, timed under `label`; `timeout` 0 is the scenario's.
  ///
  /// The answer is the one with the message's id if the behaviour correlates, else the next message that comes.
  PendingReply request(std::string_view label, std::string_view text, std::chrono::nanoseconds timeout = {}) {
    return {*this, label, text, false, timeout};
  }
  /// The same with a binary message.
  PendingReply request(std::string_view label, std::span<const std::byte> bytes, std::chrono::nanoseconds timeout = {}) {
    return {*this, label, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, true, timeout};
  }

  /// Sends a text message now without waiting for its answer, which is matched and timed under `label` when it comes.
  ///
  /// As many messages of a user may be under way as the scenario's `in_flight` allows: `turn()` waits for a place.
  void post(std::string_view label, std::string_view text, std::chrono::nanoseconds timeout = {}) {
    send_request(nullptr, label, text, false, timeout);
  }
  /// The same with a binary message.
  void post(std::string_view label, std::span<const std::byte> bytes, std::chrono::nanoseconds timeout = {}) {
    send_request(nullptr, label, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, true, timeout);
  }

  /// The next message that is no answer to a request, waiting up to `timeout` (0: the scenario's) for one.
  PendingReply receive(std::chrono::nanoseconds timeout = {}) { return {*this, timeout}; }

  /// Waits for this user's next turn by the scenario's pace; false when the load is over or the connection is lost for good.
  PendingTurn turn() { return PendingTurn{*this}; }

  /// Waits; ends early, as everything does, when the run is cancelled.
  PendingPause pause(std::chrono::nanoseconds length) { return {*this, length}; }

  /// Counts a check of the behaviour's own as passed or failed under `name`.
  void check(std::string_view name, bool passed) { count_check(name, passed); }

  /// Records a time of the behaviour's own under `label`, such as how long a login of several messages took.
  void note(std::string_view label, std::chrono::nanoseconds duration) { record_note(label, duration); }

  /// Sends a ping and waits for its pong, up to `timeout` (0: the scenario's); a missed one is counted, and the connection stays.
  PendingPong ping(std::chrono::nanoseconds timeout = {}) { return {*this, timeout}; }

  /// Closes the connection with a status (RFC 6455 section 7.4) and a reason of at most 123 bytes; what waits for an answer is given up
  /// when the server has closed too. Turns are over then, unless the behaviour reconnects: those that were planned are neither sent nor
  /// missed. Throws Error for a status that may not be sent.
  void close(std::uint16_t status = 1000, std::string_view reason = {}) {
    const bool allowed =
        (status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006) || (status >= 3000 && status <= 4999);
    if (!allowed) throw Error("close", std::to_string(status) + " may not be sent: give 1000, or one of 3000 to 4999");
    if (reason.size() > 123) throw Error("close", "the reason has " + std::to_string(reason.size()) + " bytes: give at most 123");
    close_connection(status, reason);
  }

  /// Closes the connection, if it is open, and makes it again; false if that fails. Counted as opened again.
  ///
  /// After a loss and between attempts it waits as `Options::reconnect_delay` says, so that a loop of them is no storm.
  PendingConnection reconnect() { return PendingConnection{*this}; }

  /// From now on every publication is expected to reach this user; what came to whom and when is the report's fan-out.
  ///
  /// It ends with the connection, or when the behaviour ends: a user whose behaviour has ended stays until what is under way has come.
  virtual void subscribe() = 0;
  /// A mark of `Publication::text_size` characters for the message that is sent next, which every subscriber is to get; it may stand
  /// anywhere in that message.
  std::string publication() { return next_publication(); }

  /// When the message that is sent next was due, since the start of the run; now, where it is not the first of a turn.
  virtual std::chrono::nanoseconds due() const noexcept = 0;

  /// Whether messages can be sent now.
  virtual bool connected() const noexcept = 0;
  /// The subprotocol that the server chose when the connection was made; empty: none.
  virtual std::string_view subprotocol() const noexcept = 0;

  /// Whether the load is over and the behaviour should come to an end.
  virtual bool stopping() const noexcept = 0;

  /// This session's own value of a type, made by its default constructor at the first call and kept to the session's end.
  template <class T>
  T& state() {
    return state_.of<T>();
  }

  /// This session's own random numbers: the same for the same seed and client, and no other's.
  Random& random() noexcept { return random_; }

 protected:
  Session(std::uint64_t id, std::uint64_t seed) noexcept : id_(id), random_(seed, id) {}

 private:
  friend PendingReply;
  friend PendingTurn;
  friend PendingPause;
  friend PendingPong;
  friend PendingConnection;

  virtual void send_one_way(std::string_view payload, bool binary) = 0;
  virtual void send_request(PendingReply* waiter, std::string_view label, std::string_view payload, bool binary,
                            std::chrono::nanoseconds timeout) = 0;
  virtual void await_message(PendingReply& waiter, std::chrono::nanoseconds timeout) = 0;
  virtual void await_turn(PendingTurn& waiter) = 0;
  virtual void await_time(PendingPause& waiter, std::chrono::nanoseconds length) = 0;
  virtual void send_ping(PendingPong& waiter, std::chrono::nanoseconds timeout) = 0;
  virtual void close_connection(std::uint16_t status, std::string_view reason) = 0;
  virtual void await_connection(PendingConnection& waiter) = 0;
  virtual std::string next_publication() = 0;
  virtual void count_check(std::string_view name, bool passed) = 0;
  virtual void record_note(std::string_view label, std::chrono::nanoseconds duration) = 0;
  // The waiter may be null: nobody waits for the answer.
  // A waiter that goes away is forgotten, answered or not.
  virtual void forget(const detail::Waiter& waiter) noexcept = 0;

  std::uint64_t id_;
  Random random_;
  detail::OwnState state_{};
};

inline PendingReply::PendingReply(Session& session, std::string_view label, std::string_view message, bool binary,
                                  std::chrono::nanoseconds timeout)
    : session_(session) {
  session.send_request(this, label, message, binary, timeout);
}
inline PendingReply::PendingReply(Session& session, std::chrono::nanoseconds timeout) : session_(session) {
  session.await_message(*this, timeout);
}
inline PendingReply::~PendingReply() {
  session_.forget(*this);
}
inline PendingTurn::PendingTurn(Session& session) : session_(session) {
  session.await_turn(*this);
}
inline PendingTurn::~PendingTurn() {
  session_.forget(*this);
}
inline PendingPause::PendingPause(Session& session, std::chrono::nanoseconds length) : session_(session) {
  session.await_time(*this, length);
}
inline PendingPause::~PendingPause() {
  session_.forget(*this);
}

inline PendingPong::PendingPong(Session& session, std::chrono::nanoseconds timeout) : session_(session) {
  session.send_ping(*this, timeout);
}
inline PendingPong::~PendingPong() {
  session_.forget(*this);
}
inline PendingConnection::PendingConnection(Session& session) : session_(session) {
  session.await_connection(*this);
}
inline PendingConnection::~PendingConnection() {
  session_.forget(*this);
}

}  // namespace wsbench
