#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

namespace wsbench {

namespace detail {

// GCC gives the promise's own `operator new` and no frame is ever elided, so that the frame's true address can be learnt; see TaskFrame.
#if defined(__GNUC__) && !defined(__clang__)
#define WSBENCH_LEARN_FRAME_ADDRESS 1
#else
#define WSBENCH_LEARN_FRAME_ADDRESS 0
#endif

/// A coroutine's frame, as its promise knows it.
///
/// g++ 12 puts a variable of its own before the head of a frame where a condition awaits in a function that has no local variables,
/// such as `while (co_await user.turn()) co_await user.request(...)`: the handle that the standard makes of the promise is then 8 bytes
/// off, and resuming it does nothing for ever. The head itself (how to resume, how to destroy, the promise) is in order; its functions
/// need but the address at which the frame was allocated.
class TaskFrame {
 public:
  TaskFrame() = default;

#if WSBENCH_LEARN_FRAME_ADDRESS
  explicit TaskFrame(std::coroutine_handle<> of_promise) noexcept
      : head_(static_cast<const Head*>(of_promise.address())), address_(last_allocated) {}

  void resume() const {
    head_->resume(address_);
  }
  void destroy() const {
    head_->destroy(address_);
  }

  static void* allocate(std::size_t size) {
    return last_allocated = ::operator new(size);
  }

 private:
  struct Head {
    void (*resume)(void*);
    void (*destroy)(void*);
  };
  inline static thread_local void* last_allocated = nullptr;

  const Head* head_{nullptr};
  void* address_{nullptr};
#else
  explicit TaskFrame(std::coroutine_handle<> of_promise) noexcept : handle_(of_promise) {}

  void resume() const {
    handle_.resume();
  }
  void destroy() const {
    handle_.destroy();
  }

 private:
  std::coroutine_handle<> handle_{};
#endif
};

struct TaskPromiseBase;

/// The place that owns a child while its parent waits for it; emptied when the child's frame is destroyed from the leaf up.
struct ChildOwner {
  TaskPromiseBase* child{nullptr};
};

/// What every frame of a chain knows: who waits for it, and who owns it.
struct TaskPromiseBase {
  TaskPromiseBase* parent{nullptr};
  ChildOwner* owner{nullptr};
  TaskFrame frame{};
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

  /// Takes over a root frame that has not started; `resume()` starts it. What ran here before is cancelled and forgotten.
  void start(TaskPromiseBase& root) noexcept {
    cancel();
    exception_ = nullptr;
    leaf_ = &root;
  }

  /// Runs the chain until it waits for something outside or ends.
  void resume() {
    Execution* const outer = std::exchange(running_, this);
    runnable_ = leaf_ != nullptr;
    while (runnable_) {
      runnable_ = false;
      leaf_->frame.resume();
    }
    running_ = outer;
    if (ended_) cancel();
  }

  /// The one that runs on this thread now, as a frame that it resumed sees it; null outside.
  static Execution* running() noexcept { return running_; }

  /// Whether the chain has ended (or never started).
  bool done() const noexcept { return leaf_ == nullptr; }

  /// The exception that left the root, if one did.
  std::exception_ptr exception() const noexcept { return exception_; }

  /// Destroys every frame of the chain, innermost first and one after the other, however deep it is.
  void cancel() noexcept {
    while (leaf_ != nullptr) {
      TaskPromiseBase* frame = leaf_;
      leaf_ = frame->parent;
      if (frame->owner != nullptr) frame->owner->child = nullptr;
      frame->frame.destroy();
    }
    ended_ = false;
  }

  /// `child` runs next, and `leaf_` again when it has ended.
  void descend(TaskPromiseBase& child) noexcept {
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
  // NOLINTNEXTLINE(readability-identifier-naming): a private member like the others
  inline static thread_local Execution* running_ = nullptr;

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

  Task(Task&& other) noexcept : root_(std::exchange(other.root_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      root_ = std::exchange(other.root_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  /// Awaits the task: it runs now, and its exception, if one leaves it, is thrown here.
  auto operator co_await() && noexcept;

  /// Hands the frame to an execution that will own and run it.
  void start_in(detail::Execution& execution) && noexcept { execution.start(*std::exchange(root_, nullptr)); }

 private:
  explicit Task(detail::TaskPromiseBase& root) noexcept : root_(&root) {}
  void destroy() const noexcept {
    if (root_ != nullptr) root_->frame.destroy();
  }

  detail::TaskPromiseBase* root_;
};

struct Task::promise_type : detail::TaskPromiseBase {
#if WSBENCH_LEARN_FRAME_ADDRESS
  static void* operator new(std::size_t size) {
    return detail::TaskFrame::allocate(size);
  }
  static void operator delete(void* frame) noexcept {
    ::operator delete(frame);
  }
#endif

  Task get_return_object() noexcept {
    frame = detail::TaskFrame(std::coroutine_handle<promise_type>::from_promise(*this));
    return Task{*this};
  }
  std::suspend_always initial_suspend() const noexcept {
    return {};
  }
  auto final_suspend() const noexcept {
    struct Ascend {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) const noexcept { detail::Execution::running()->ascend(); }
      void await_resume() const noexcept {}
    };
    return Ascend{};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept {
    exception = std::current_exception();
  }
};

inline auto Task::operator co_await() && noexcept {
  class Awaiter : public detail::ChildOwner {
   public:
    explicit Awaiter(detail::TaskPromiseBase* task) noexcept : detail::ChildOwner{task} {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (child != nullptr) child->frame.destroy();
    }

    bool await_ready() const noexcept { return child == nullptr; }
    void await_suspend(std::coroutine_handle<>) noexcept {
      child->owner = this;
      detail::Execution::running()->descend(*child);
    }
    void await_resume() const {
      if (child != nullptr && child->exception) std::rethrow_exception(child->exception);
    }
  };
  return Awaiter{std::exchange(root_, nullptr)};
}

#undef WSBENCH_LEARN_FRAME_ADDRESS

}  // namespace wsbench
