#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace wsbench {

namespace detail {

class Execution;

struct TaskPromiseBase;

/// The place that owns a child's frame while its parent waits for it; emptied when the frame is destroyed from the leaf up.
struct ChildOwner {
  std::coroutine_handle<> frame{};
};

/// What every frame of a chain knows: who waits for it, who owns it, and which execution it belongs to.
struct TaskPromiseBase {
  Execution* execution{nullptr};
  TaskPromiseBase* parent{nullptr};
  ChildOwner* owner{nullptr};
  std::coroutine_handle<> frame{};
  std::exception_ptr exception{};
};

/// Runs one root task and all it awaits, resuming frames from one loop.
///
/// Symmetric transfer would be shorter, but compilers turn it into a tail call only when optimizing: at -O0 and under
/// sanitizers a million child awaits in a plain loop overflow the stack.
class Execution {
 public:
  Execution() = default;
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  ~Execution() { cancel(); }

  /// Takes over a root frame that has not started; `resume()` starts it.
  void start(TaskPromiseBase& root) noexcept {
    root.execution = this;
    leaf_ = &root;
  }

  /// Runs the chain until it waits for something outside or ends.
  void resume() {
    runnable_ = leaf_ != nullptr;
    while (runnable_) {
      runnable_ = false;
      leaf_->frame.resume();
    }
    if (ended_) cancel();
  }

  /// Whether the chain has ended (or never started).
  bool done() const noexcept { return leaf_ == nullptr; }

  /// The exception that left the root, if one did.
  std::exception_ptr exception() const noexcept { return exception_; }

  /// Destroys every frame of the chain, innermost first and one after the other, however deep it is.
  void cancel() noexcept {
    while (leaf_ != nullptr) {
      TaskPromiseBase* frame = leaf_;
      leaf_ = frame->parent;
      if (frame->owner != nullptr) frame->owner->frame = {};
      frame->frame.destroy();
    }
    ended_ = false;
  }

  /// `child` runs next, and `leaf_` again when it has ended.
  void descend(TaskPromiseBase& child) noexcept {
    child.execution = this;
    child.parent = leaf_;
    leaf_ = &child;
    runnable_ = true;
  }

  /// The innermost frame has ended; whoever waits for it runs next.
  void ascend() noexcept {
    TaskPromiseBase* parent = leaf_->parent;
    if (parent == nullptr) {
      exception_ = leaf_->exception;
      ended_ = true;
    } else {
      leaf_ = parent;
      runnable_ = true;
    }
  }

 private:
  TaskPromiseBase* leaf_{nullptr};
  std::exception_ptr exception_{};
  bool runnable_{false};
  bool ended_{false};
};

}  // namespace detail

/// The coroutine a behaviour returns; it may await other tasks, and starts when it is awaited.
///
/// With g++ 12, bind a lambda that captures to a local variable before it stands inside a `co_await` expression: that
/// compiler destroys such a temporary twice.
class [[nodiscard]] Task {
 public:
  struct promise_type;

  Task(Task&& other) noexcept : owner_{std::exchange(other.owner_.frame, {})} {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      owner_.frame = std::exchange(other.owner_.frame, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  /// Awaits the task: it runs now, and its exception, if one leaves it, is thrown here.
  auto operator co_await() && noexcept;

  /// Hands the frame to an execution that will own and run it.
  void start_in(detail::Execution& execution) && noexcept;

 private:
  explicit Task(std::coroutine_handle<> frame) noexcept : owner_{frame} {}
  void destroy() noexcept {
    if (owner_.frame) std::exchange(owner_.frame, {}).destroy();
  }

  detail::ChildOwner owner_;
};

struct Task::promise_type : detail::TaskPromiseBase {
  Task get_return_object() noexcept {
    const auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
    frame = handle;
    return Task{handle};
  }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  auto final_suspend() const noexcept {
    struct Ascend {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> ended) const noexcept { ended.promise().execution->ascend(); }
      void await_resume() const noexcept {}
    };
    return Ascend{};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

inline auto Task::operator co_await() && noexcept {
  class Awaiter : public detail::ChildOwner {
   public:
    explicit Awaiter(std::coroutine_handle<> child) noexcept : detail::ChildOwner{child} {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (frame) frame.destroy();
    }

    bool await_ready() const noexcept { return !frame; }
    void await_suspend(std::coroutine_handle<promise_type> parent) noexcept {
      promise_type& child = promise();
      child.owner = this;
      parent.promise().execution->descend(child);
    }
    void await_resume() const {
      if (frame && promise().exception) std::rethrow_exception(promise().exception);
    }

   private:
    promise_type& promise() const noexcept { return std::coroutine_handle<promise_type>::from_address(frame.address()).promise(); }
  };
  return Awaiter{std::exchange(owner_.frame, {})};
}

inline void Task::start_in(detail::Execution& execution) && noexcept {
  const auto handle = std::coroutine_handle<promise_type>::from_address(std::exchange(owner_.frame, {}).address());
  execution.start(handle.promise());
}

}  // namespace wsbench
