#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <wsbench/task.hpp>

#include "catch.hpp"

using wsbench::Task;
using wsbench::detail::Execution;

namespace {

constexpr int million = 1'000'000;
constexpr int ten_thousand = 10'000;

// How many locals were made and destroyed; more destroyed than made is a frame destroyed twice.
struct Lives {
  std::int64_t made{0};
  std::int64_t destroyed{0};

  std::int64_t alive() const { return made - destroyed; }
};

class Local {
 public:
  explicit Local(Lives& lives) : lives_(lives), self_(std::make_unique<Local*>(this)) { ++lives_.made; }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  // The allocation lets an address sanitizer see a second destruction too.
  ~Local() { ++lives_.destroyed; }

 private:
  Lives& lives_;
  std::unique_ptr<Local*> self_;
};

// Something outside that tasks wait for; whoever waited last is resumed by happen().
class Event {
 public:
  auto operator co_await() noexcept {
    class Awaiter {
     public:
      explicit Awaiter(Event& event) : event_(event) { ++event_.waiters.made; }
      Awaiter(const Awaiter&) = delete;
      Awaiter& operator=(const Awaiter&) = delete;
      ~Awaiter() { ++event_.waiters.destroyed; }

      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) noexcept { event_.waiting_ = Execution::running(); }
      int await_resume() const noexcept { return event_.value_; }

     private:
      Event& event_;
    };
    return Awaiter{*this};
  }

  bool awaited() const { return waiting_ != nullptr; }

  void happen(int value = 0) {
    value_ = value;
    std::exchange(waiting_, nullptr)->resume();
  }

  Lives waiters{};

 private:
  Execution* waiting_{nullptr};
  int value_{0};
};

// Is there already: nobody ever waits for it.
class Ready {
 public:
  explicit Ready(int value) : value_(value) {}

  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const noexcept { return value_; }

 private:
  int value_;
};

// Is there after all, when it is asked to wait.
class ReadyAfterAll {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  void await_resume() const noexcept {}
};

void run(Task task, Execution& execution) {
  std::move(task).start_in(execution);
  execution.resume();
}

std::string message_of(const std::exception_ptr& exception) {
  if (exception == nullptr) return "no exception";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  }
}

Task count(std::int64_t& counter, Lives& lives) {
  const Local local{lives};
  ++counter;
  co_return;
}

Task wait(Event& event, Lives& lives) {
  const Local local{lives};
  co_await event;
}

Task fail(std::string message, Lives& lives) {
  const Local local{lives};
  throw std::runtime_error(message);
  co_return;
}

// Awaits itself `depth` times; at the bottom `leaf` runs.
Task nest(int depth, const std::function<Task()>& leaf, Lives& lives) {
  const Local before{lives};
  if (depth == 0) {
    co_await leaf();
  } else {
    co_await nest(depth - 1, leaf, lives);
  }
  const Local after{lives};
}

}  // namespace

static_assert(!std::is_copy_constructible_v<Task> && !std::is_copy_assignable_v<Task>);
static_assert(std::is_nothrow_move_constructible_v<Task> && std::is_nothrow_move_assignable_v<Task>);
static_assert(!std::is_copy_constructible_v<Execution> && !std::is_move_constructible_v<Execution>);

TEST_CASE("a million child tasks awaited in a plain loop", "[task]") {
  Lives lives;
  std::int64_t counter = 0;
  Execution execution;
  run(
      [](std::int64_t& counted, Lives& locals) -> Task {
        for (int round = 0; round < million; ++round) co_await count(counted, locals);
      }(counter, lives),
      execution);
  CHECK(execution.done());
  CHECK(counter == million);
  CHECK(lives.made == million);
  CHECK(lives.destroyed == million);
}

TEST_CASE("a million things that are there already awaited in a plain loop", "[task]") {
  std::int64_t sum = 0;
  Execution execution;
  run(
      [](std::int64_t& total) -> Task {
        for (int round = 0; round < million; ++round) {
          total += co_await Ready{2};
          co_await ReadyAfterAll{};
        }
      }(sum),
      execution);
  CHECK(execution.done());
  CHECK(sum == 2 * std::int64_t{million});
}

TEST_CASE("a million waits, each resumed from outside", "[task]") {
  Event event;
  std::int64_t sum = 0;
  Execution execution;
  run(
      [](Event& waited_for, std::int64_t& total) -> Task {
        for (int round = 0; round < million; ++round) total += co_await waited_for;
      }(event, sum),
      execution);
  std::int64_t rounds = 0;
  for (; event.awaited(); ++rounds) event.happen(3);
  CHECK(rounds == million);
  CHECK(sum == 3 * std::int64_t{million});
  CHECK(execution.done());
  CHECK(event.waiters.made == million);
  CHECK(event.waiters.destroyed == million);
}

TEST_CASE("ten thousand nested tasks finish", "[task]") {
  Lives lives;
  std::int64_t counter = 0;
  {
    Execution execution;
    run(nest(
            ten_thousand, [&] { return count(counter, lives); }, lives),
        execution);
    CHECK(execution.done());
    CHECK(execution.exception() == nullptr);
  }
  CHECK(counter == 1);
  // Each level has two locals, the leaf one.
  CHECK(lives.made == 2 * (ten_thousand + 1) + 1);
  CHECK(lives.alive() == 0);
}

TEST_CASE("ten thousand nested tasks wait for the leaf, and finish when it does", "[task]") {
  Lives lives;
  Event event;
  Execution execution;
  run(nest(
          ten_thousand, [&] { return wait(event, lives); }, lives),
      execution);
  CHECK_FALSE(execution.done());
  CHECK(lives.alive() == ten_thousand + 2);
  event.happen();
  CHECK(execution.done());
  CHECK(lives.made == 2 * (ten_thousand + 1) + 1);
  CHECK(lives.alive() == 0);
}

TEST_CASE("ten thousand nested tasks cancelled at the leaf destroy every local once", "[task]") {
  Lives lives;
  Event event;
  std::optional<Execution> execution;
  execution.emplace();
  run(nest(
          ten_thousand, [&] { return wait(event, lives); }, lives),
      *execution);
  // One local a level: the second one of each is behind the wait.
  CHECK(lives.made == ten_thousand + 2);
  CHECK(lives.destroyed == 0);
  CHECK(event.waiters.alive() == 1);

  SECTION("by cancel()") {
    execution->cancel();
    CHECK(execution->done());
    CHECK(execution->exception() == nullptr);
    CHECK(lives.destroyed == ten_thousand + 2);
    execution->cancel();
    execution->resume();
  }
  SECTION("by the end of the execution") {
    execution.reset();
  }
  CHECK(lives.made == ten_thousand + 2);
  CHECK(lives.destroyed == ten_thousand + 2);
  CHECK(event.waiters.made == 1);
  CHECK(event.waiters.destroyed == 1);
}

TEST_CASE("an exception travels up ten thousand nested tasks", "[task]") {
  Lives lives;
  Execution execution;
  run(nest(
          ten_thousand, [&] { return fail("from the leaf", lives); }, lives),
      execution);
  CHECK(execution.done());
  CHECK(message_of(execution.exception()) == "from the leaf");
  CHECK(lives.made == ten_thousand + 2);
  CHECK(lives.destroyed == ten_thousand + 2);
}

TEST_CASE("a cancelled chain is destroyed from the leaf up", "[task]") {
  struct Mark {
    Mark(std::string& marks, char letter) : marks_(marks), letter_(letter) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { marks_ += letter_; }

   private:
    std::string& marks_;
    char letter_;
  };
  struct Chain {
    static Task leaf(std::string& order, Event& event) {
      const Mark first{order, 'b'};
      const Mark second{order, 'a'};
      co_await event;
      order += '!';
    }
    static Task middle(std::string& order, Event& event) {
      const Mark mark{order, 'c'};
      co_await leaf(order, event);
      order += '!';
    }
    static Task root(std::string& order, Event& event) {
      const Mark mark{order, 'd'};
      co_await middle(order, event);
      order += '!';
    }
  };
  std::string order;
  Event event;
  Execution execution;
  run(Chain::root(order, event), execution);
  execution.cancel();
  CHECK(order == "abcd");
}

TEST_CASE("a task's exception is thrown where it is awaited, and may be caught there", "[task]") {
  Lives lives;
  std::vector<std::string> caught;
  Execution execution;
  run(
      [](std::vector<std::string>& messages, Lives& locals) -> Task {
        const Local local{locals};
        for (const char* message : {"one", "two"}) {
          try {
            co_await fail(message, locals);
            messages.push_back("not thrown");
          } catch (const std::runtime_error& error) {
            messages.push_back(error.what());
          }
        }
        std::int64_t counter = 0;
        co_await count(counter, locals);
        messages.push_back(std::to_string(counter));
      }(caught, lives),
      execution);
  CHECK(caught == std::vector<std::string>{"one", "two", "1"});
  CHECK(execution.done());
  CHECK(execution.exception() == nullptr);
  CHECK(lives.made == 4);
  CHECK(lives.destroyed == 4);
}

TEST_CASE("an exception after a wait travels as one before it", "[task]") {
  Event event;
  Lives lives;
  bool caught = false;
  Execution execution;
  run(
      [](Event& waited_for, Lives& locals, bool& seen) -> Task {
        const auto child = [](Event& inner, Lives& made) -> Task {
          const Local local{made};
          co_await inner;
          throw std::runtime_error("late");
        };
        try {
          co_await child(waited_for, locals);
        } catch (const std::runtime_error&) {
          seen = true;
        }
        co_await waited_for;
      }(event, lives, caught),
      execution);
  CHECK_FALSE(caught);
  event.happen();
  CHECK(caught);
  CHECK(lives.alive() == 0);
  CHECK_FALSE(execution.done());
  event.happen();
  CHECK(execution.done());
}

TEST_CASE("an exception that leaves the root is kept", "[task]") {
  Lives lives;
  Execution execution;
  CHECK(execution.exception() == nullptr);
  run(fail("left the root", lives), execution);
  CHECK(execution.done());
  CHECK(message_of(execution.exception()) == "left the root");
  execution.resume();
  execution.cancel();
  CHECK(message_of(execution.exception()) == "left the root");
  CHECK(lives.made == 1);
  CHECK(lives.destroyed == 1);
}

TEST_CASE("an execution may run one task after another, and keeps only the last one's exception", "[task]") {
  Lives lives;
  Event event;
  Execution execution;
  run(fail("first", lives), execution);
  run(wait(event, lives), execution);
  CHECK_FALSE(execution.done());
  CHECK(execution.exception() == nullptr);
  event.happen();
  CHECK(execution.done());
  CHECK(execution.exception() == nullptr);
  CHECK(lives.alive() == 0);
}

TEST_CASE("starting a task cancels the one that was under way", "[task]") {
  Lives lives;
  Event event;
  std::int64_t counter = 0;
  Execution execution;
  run(nest(
          3, [&] { return wait(event, lives); }, lives),
      execution);
  CHECK(lives.alive() == 5);
  run(count(counter, lives), execution);
  CHECK(counter == 1);
  CHECK(execution.done());
  CHECK(lives.alive() == 0);
}

TEST_CASE("a task that is never started runs nothing and is destroyed with what it was given", "[task]") {
  const auto given = std::make_shared<int>(1);
  std::int64_t counter = 0;
  const auto body = [](std::shared_ptr<int>, std::int64_t& counted) -> Task {
    ++counted;
    co_return;
  };
  {
    const Task never = body(given, counter);
    CHECK(given.use_count() == 2);
  }
  CHECK(given.use_count() == 1);
  {
    Execution execution;
    std::move(body(given, counter)).start_in(execution);
    CHECK_FALSE(execution.done());
    CHECK(given.use_count() == 2);
  }
  CHECK(given.use_count() == 1);
  CHECK(counter == 0);
}

TEST_CASE("a child that is made but not awaited goes with its parent, finished or cancelled", "[task]") {
  const auto given = std::make_shared<int>(1);
  Event event;
  const auto body = [](std::shared_ptr<int>) -> Task { co_return; };
  const auto parent = [&body](std::shared_ptr<int> number, Event& waited_for) -> Task {
    const Task unawaited = body(number);
    co_await waited_for;
  };
  {
    Execution execution;
    run(parent(given, event), execution);
    CHECK(given.use_count() == 3);
    event.happen();
    CHECK(given.use_count() == 1);
  }
  {
    Execution execution;
    run(parent(given, event), execution);
    execution.cancel();
    CHECK(given.use_count() == 1);
  }
}

TEST_CASE("a moved task runs once, where it went", "[task]") {
  Lives lives;
  std::int64_t counter = 0;
  Task first = count(counter, lives);
  Task second = std::move(first);
  Task third = count(counter, lives);
  third = std::move(second);
  Task& same = third;
  third = std::move(same);

  Execution execution;
  run([](Task task) -> Task { co_await std::move(task); }(std::move(third)), execution);
  CHECK(execution.done());
  CHECK(counter == 1);
  CHECK(lives.alive() == 0);
}

TEST_CASE("tasks kept in a container are awaited later, in another order", "[task]") {
  std::string order;
  Execution execution;
  run(
      [](std::string& letters) -> Task {
        const auto append = [](std::string& to, char letter) -> Task {
          to += letter;
          co_return;
        };
        std::vector<Task> tasks;
        for (const char letter : {'c', 'b', 'a'}) tasks.push_back(append(letters, letter));
        for (; !tasks.empty(); tasks.pop_back()) co_await std::move(tasks.back());
      }(order),
      execution);
  CHECK(order == "abc");
}

TEST_CASE("a task that was moved from is awaited at no cost and does nothing", "[task]") {
  Lives lives;
  std::int64_t counter = 0;
  bool went_on = false;
  Execution execution;
  run(
      [](std::int64_t& counted, Lives& locals, bool& after) -> Task {
        Task task = count(counted, locals);
        co_await std::move(task);
        co_await std::move(task);
        after = true;
      }(counter, lives, went_on),
      execution);
  CHECK(execution.done());
  CHECK(went_on);
  CHECK(counter == 1);
}

TEST_CASE("a suspended task goes on from where it was, when it is resumed from outside", "[task]") {
  Event first;
  Event second;
  std::vector<int> seen;
  Execution execution;
  run(
      [](Event& one, Event& other, std::vector<int>& values) -> Task {
        values.push_back(0);
        values.push_back(co_await one);
        const auto child = [](Event& event, std::vector<int>& results) -> Task { results.push_back(co_await event); };
        co_await child(other, values);
        values.push_back(9);
      }(first, second, seen),
      execution);
  CHECK(seen == std::vector<int>{0});
  CHECK(first.awaited());
  CHECK_FALSE(second.awaited());
  first.happen(1);
  CHECK(seen == std::vector<int>{0, 1});
  CHECK_FALSE(execution.done());
  second.happen(2);
  CHECK(seen == std::vector<int>{0, 1, 2, 9});
  CHECK(execution.done());
}

TEST_CASE("executions interleave and know nothing of one another", "[task]") {
  constexpr std::size_t count_of_each = 100;
  std::vector<Event> events(count_of_each);
  std::vector<std::unique_ptr<Execution>> executions;
  std::vector<int> sums(count_of_each);
  Lives lives;
  for (std::size_t index = 0; index < count_of_each; ++index) {
    executions.push_back(std::make_unique<Execution>());
    run(
        [](Event& event, int& sum, Lives& locals) -> Task {
          const Local local{locals};
          for (int round = 0; round < 10; ++round) sum += co_await event;
        }(events[index], sums[index], lives),
        *executions.back());
  }
  for (int round = 0; round < 10; ++round) {
    for (std::size_t index = 0; index < count_of_each; ++index) {
      if (index % 2 == 0 || round < 5) events[index].happen(static_cast<int>(index));
    }
  }
  for (std::size_t index = 0; index < count_of_each; ++index) {
    CHECK(executions[index]->done() == (index % 2 == 0));
    CHECK(sums[index] == static_cast<int>(index * (index % 2 == 0 ? 10 : 5)));
  }
  CHECK(lives.alive() == count_of_each / 2);
  executions.clear();
  CHECK(lives.alive() == 0);
}

TEST_CASE("an execution that never started is done", "[task]") {
  Execution execution;
  CHECK(execution.done());
  execution.resume();
  execution.cancel();
  CHECK(execution.done());
  CHECK(execution.exception() == nullptr);
}

namespace {

// Without local variables and with a condition that awaits: g++ 12 lays such frames out in a way of its own. No variable may be added here.
Task repeat_while(Event& event) {
  while (co_await event > 0) co_await event;
}

Task choose(Event& event, int& chosen) {
  if (co_await event > 0) {
    chosen = co_await event;
  } else {
    chosen = -1;
  }
}

Task await_in_many_conditions(Event& event, int& chosen) {
  if (co_await event > 0 && co_await event > 1 && co_await event > 2) co_await choose(event, chosen);
  if (co_await event > 0) co_await repeat_while(event);
}

}  // namespace

TEST_CASE("conditions may await in a function without local variables", "[task]") {
  Event event;
  int chosen = 0;
  Execution execution;

  SECTION("in a loop, until it ends") {
    run(repeat_while(event), execution);
    for (int round = 0; round < 10; ++round) event.happen(1);
    CHECK_FALSE(execution.done());
    event.happen(0);
    CHECK(execution.done());
  }
  SECTION("in a loop, cancelled") {
    run(repeat_while(event), execution);
    event.happen(1);
    execution.cancel();
    CHECK(execution.done());
  }
  SECTION("in several, with children of the same kind") {
    run(await_in_many_conditions(event, chosen), execution);
    for (const int value : {1, 2, 3, 1, 42, 1, 1, 1, 0}) event.happen(value);
    CHECK(chosen == 42);
    CHECK(execution.done());
  }
  SECTION("never started, or never awaited") {
    const Task unstarted = repeat_while(event);
    CHECK_FALSE(event.awaited());
  }
  CHECK(event.waiters.destroyed == event.waiters.made);
}
