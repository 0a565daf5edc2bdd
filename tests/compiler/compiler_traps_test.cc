// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One canary for each trap of docs/traps.md: what the compilers get wrong, or
// may be brought to, in coroutines. A canary sings with both compilers, at
// every level of optimisation and under every sanitizer. When one falls silent,
// a rule of the style has to change.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/finally.h"
#include "runtime/task/gather.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/resource_cache.h"
#include "runtime/task/task.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"
#include "runtime/task/to_thread.h"

namespace tractor {
namespace {

using testing::RunTest;

// Counts its objects: a destructor too many makes it negative.
struct Counted {
  explicit Counted(int* live) : live_(live) { ++*live_; }
  Counted(const Counted& other) : live_(other.live_) { ++*live_; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*live_; }
  int* live_;
};

// ---- 1: temporaries with captures ----
// g++ 12 destroys a temporary lambda with a non-trivial capture in a co_await
// expression twice. Whatever takes a body refuses one, with both compilers.

using Trivial = decltype([]() -> Task<> { co_return; });

template <class F>
concept Runs =
    requires(CancelScope& scope, F&& f) { scope.Run(std::forward<F>(f)); };
template <class F>
concept Observes = requires(F&& f) { Observe(std::forward<F>(f)); };
template <class F>
concept Cleans = requires(F&& f) {
  Finally(std::forward<F>(f), absl::Seconds(1), Trivial());
};

struct OwnsText {
  std::string text;
  Task<> operator()() const { co_return; }
};

static_assert(Runs<Trivial>);
static_assert(Runs<Trivial&>);
static_assert(Runs<OwnsText&>, "named: the trap does not apply");
static_assert(!Runs<OwnsText>, "a temporary that owns something");
static_assert(!Runs<std::function<Task<>()>>, "a temporary std::function");
static_assert(Runs<std::function<Task<>()>&>);
static_assert(Observes<OwnsText&> && !Observes<OwnsText>);
static_assert(Cleans<Trivial> && Cleans<OwnsText&> && !Cleans<OwnsText>);

template <class F>
concept CleansUp = requires(F&& f) {
  Finally(Trivial(), absl::Seconds(1), std::forward<F>(f));
};
static_assert(CleansUp<OwnsText&> && !CleansUp<OwnsText>);

template <class F>
concept HasTimeouts = requires(F&& f) {
  MoveOnAfter(absl::Seconds(1), std::forward<F>(f));
  MoveOnAt(absl::Now(), std::forward<F>(f));
  FailAfter(absl::Seconds(1), std::forward<F>(f));
  FailAt(absl::Now(), std::forward<F>(f));
};
template <class F>
concept HasATimeout =
    requires(F&& f) { MoveOnAfter(absl::Seconds(1), std::forward<F>(f)); } ||
    requires(F&& f) { MoveOnAt(absl::Now(), std::forward<F>(f)); } ||
    requires(F&& f) { FailAfter(absl::Seconds(1), std::forward<F>(f)); } ||
    requires(F&& f) { FailAt(absl::Now(), std::forward<F>(f)); };
static_assert(HasTimeouts<Trivial> && HasTimeouts<OwnsText&>);
static_assert(!HasATimeout<OwnsText>);

struct OwnsTextAndBlocks {
  std::string text;
  size_t operator()() const { return text.size(); }
};
template <class F>
concept Blocks = requires(F&& f) { ToThread::Run(std::forward<F>(f)); };
static_assert(Blocks<OwnsTextAndBlocks&> && !Blocks<OwnsTextAndBlocks>);

using Cache = ResourceCache<std::string, int>;
using TrivialUse = decltype([](int&, bool) -> Task<> { co_return; });
struct OwnsTextAndOpens {
  std::string text;
  Task<> operator()(const Cache::Hold&) const { co_return; }
};
struct OwnsTextAndUses {
  std::string text;
  Task<> operator()(int&, bool) const { co_return; }
};
template <class F, class G>
concept Caches = requires(Cache& cache, F&& f, G&& g) {
  cache.MaybeOpen(std::string(), std::forward<F>(f), std::forward<G>(g));
};
static_assert(Caches<OwnsTextAndOpens&, TrivialUse>);
static_assert(Caches<OwnsTextAndOpens&, OwnsTextAndUses&>);
static_assert(!Caches<OwnsTextAndOpens, TrivialUse>);
static_assert(!Caches<OwnsTextAndOpens&, OwnsTextAndUses>);

struct OwnsTextAndTakesANursery {
  std::string text;
  Task<> operator()(Nursery&) const { co_return; }
};
template <class F>
concept Opens = requires(F&& f) { WithNursery(std::forward<F>(f)); };
static_assert(Opens<OwnsTextAndTakesANursery&>);
static_assert(!Opens<OwnsTextAndTakesANursery>);

struct OwnsTextAndReports {
  std::string text;
  Task<> operator()(TaskStatus<void>) const { co_return; }
};
template <class F>
concept Starts = requires(Nursery& n, F&& f) { n.Start(std::forward<F>(f)); };
static_assert(Starts<OwnsTextAndReports&>);
static_assert(!Starts<OwnsTextAndReports>);

TEST(CompilerTraps, BodiesByReferenceDieOnce) {
  RunTest([&]() -> Task<> {
    int live = 0;
    {
      const Counted counted(&live);
      CancelScope scope;
      co_await scope.Run([&]() -> Task<> {
        const Counted copy = counted;
        co_await Checkpoint();
        EXPECT_EQ(live, 2);
      });
      EXPECT_EQ(live, 1);
      auto named = [counted]() -> Task<> { co_await Checkpoint(); };
      co_await Observe(named);
      co_await MoveOnAfter(absl::Seconds(1), named);
      co_await FailAfter(absl::Seconds(1), named);
      co_await Finally(named, absl::Seconds(1), named);
      auto works = [counted] {};
      co_await ToThread::Run(works);
      EXPECT_EQ(live, 3);
    }
    EXPECT_EQ(live, 0);
  });
}

// StartSoon() may be given captures: it is called in no co_await expression.
TEST(CompilerTraps, CapturesOfAChildDieOnce) {
  RunTest([&]() -> Task<> {
    int live = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(
          [counted = Counted(&live)]() -> Task<> { co_await Checkpoint(); });
      auto with_argument = [](Counted) -> Task<> { co_await Checkpoint(); };
      n.StartSoon(with_argument, Counted(&live));
      n.StartSoon(
          [counted = Counted(&live)]() -> Task<> { co_await SleepForever(); });
      co_await Sleep(absl::Seconds(1));
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(live, 0);
  });
}

// ---- 2: braced aggregates ----
// g++ 12 destroys a braced aggregate with a non-trivial member in a co_await
// expression twice. Option types therefore have constructors and setters.

static_assert(!std::is_aggregate_v<NurseryOptions>);
static_assert(!std::is_aggregate_v<SchedulerOptions>);

Task<size_t> Length(std::string text) {
  co_await Checkpoint();
  co_return text.size();
}

class Options {
 public:
  Options() = default;
  Options& set_text(std::string text) {
    text_ = std::move(text);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Task<size_t> LengthOf(Options options) {
  co_await Checkpoint();
  co_return options.text().size();
}

TEST(CompilerTraps, OptionsWithSettersDieOnce) {
  RunTest([&]() -> Task<> {
    const std::string text(100, 'x');
    const size_t direct = co_await Length(std::string(100, 'x'));
    EXPECT_EQ(direct, 100u);
    const size_t options = co_await LengthOf(Options().set_text(text));
    EXPECT_EQ(options, 100u);
    NurseryOptions named;
    named.set_name(text);
    co_await WithNursery(named, [&](Nursery& n) -> Task<> {
      EXPECT_EQ(n.name(), text);
      co_return;
    });
    // Also as a temporary.
    co_await WithNursery(NurseryOptions().set_name(text),
                         [&](Nursery& n) -> Task<> {
                           EXPECT_EQ(n.name(), text);
                           co_await Checkpoint();
                         });
  });
}

// ---- 3: braced lists ----
// g++ 12 does not compile `co_await F({1, 2, 3})` for a std::vector.

TEST(CompilerTraps, ListsAreNamedFirst) {
  RunTest([&]() -> Task<> {
    auto sum = [](std::vector<int> numbers) -> Task<int> {
      int total = 0;
      for (const int number : numbers) total += number;
      co_await Checkpoint();
      co_return total;
    };
    const std::vector<int> numbers = {1, 2, 3};
    const int total = co_await sum(numbers);
    EXPECT_EQ(total, 6);
  });
}

// ---- 4: symmetric transfer ----
// With g++ 12 it is no tail call at -O0, -Og, -O1 and under sanitizers: a loop
// of awaits overflows the stack. Children are therefore started by resume().

Task<int> One() { co_return 1; }

Task<int> LateOne() {
  co_await Checkpoint();
  co_return 1;
}

__attribute__((noinline)) uintptr_t StackPointer() {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
}

TEST(CompilerTraps, AMillionAwaitsLeaveTheStackWhereItWas) {
  RunTest([&]() -> Task<> {
    int sum = 0;
    co_await Checkpoint();
    const uintptr_t before = StackPointer();
    for (int i = 0; i < 1'000'000; ++i) sum += co_await One();
    for (int i = 0; i < 1'000'000; ++i) sum += co_await LateOne();
    EXPECT_EQ(StackPointer(), before);
    EXPECT_EQ(sum, 2'000'000);
  });
}

// ---- 5: structured bindings ----
// Reported to leak with g++ 15 and 16 when the frame dies while it is
// suspended.

TEST(CompilerTraps, StructuredBindingOfAnAwaitedValueDiesWithItsFrame) {
  RunTest([&]() -> Task<> {
    int live = 0;
    auto make = [&]() -> Task<std::pair<Counted, int>> {
      co_return std::pair<Counted, int>(Counted(&live), 1);
    };
    auto hold = [&]() -> Task<> {
      auto [counted, number] = co_await make();
      EXPECT_EQ(number, 1);
      EXPECT_GT(live, 0);
      co_await SleepForever();
    };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), hold);
    EXPECT_FALSE(done);
    EXPECT_EQ(live, 0);
  });
}

// ---- 6: destroying a handle inside await_suspend ----
// Crashes with g++ 15.2. No frame is destroyed while it is on the stack: not
// when it ends late, not when it cancels its own scope, not when it throws.

TEST(CompilerTraps, NoFrameIsDestroyedWhileItRuns) {
  RunTest([&]() -> Task<> {
    bool running = false, died_running = false;
    struct Watch {
      bool& running;
      bool& died_running;
      ~Watch() { died_running |= running; }
    };
    CancelScope scope;
    auto body = [&]() -> Task<> {
      Watch watch{running, died_running};
      running = true;
      scope.Cancel();  // only queues
      running = false;
      co_await Checkpoint();
    };
    co_await scope.Run(body);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_FALSE(died_running);
  });
}

// ---- 7: temporaries across a suspension ----
// What a co_await expression is made of lives to its end, and dies once:
// completed, cancelled, and with an error.

Task<std::string> Echo(std::string text, int what) {
  if (what == 1) co_await SleepForever();
  co_await Checkpoint();
  if (what == 2) throw std::runtime_error(text);
  co_return text;
}

TEST(CompilerTraps, TemporariesOfAnAwaitDieOnceWhicheverWayItEnds) {
  RunTest([&]() -> Task<> {
    for (int what = 0; what < 3; ++what) {
      int live = 0;
      auto body = [&]() -> Task<> {
        auto take = [&](Counted, std::string text) -> Task<std::string> {
          co_return co_await Echo(std::move(text), what);
        };
        const std::string text = co_await take(
            Counted(&live), std::string(50, 'a') + std::string(50, 'b'));
        EXPECT_EQ(text.size(), 100u);
      };
      auto limited = [&]() -> Task<> {
        co_await MoveOnAfter(absl::Seconds(1), body);
      };
      const auto end = co_await Observe(limited);
      EXPECT_EQ(end.has_error(), what == 2);
      EXPECT_EQ(live, 0);
    }
  });
}

TEST(CompilerTraps, GuardThatIsAwaitedDiesOnce) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<std::unique_ptr<int>>(1);
    auto& out = sender;
    auto& in = receiver;
    co_await out.Send(std::make_unique<int>(3));
    const std::optional<std::unique_ptr<int>> got = co_await in.Receive();
    EXPECT_EQ(**got, 3);
    // In the middle of a larger expression.
    co_await out.Send(std::make_unique<int>(4));
    EXPECT_EQ(*(co_await in.Receive()).value(), 4);
    auto results = co_await Gather(Echo("a", 0), Echo("b", 0));
    EXPECT_EQ(std::get<0>(results) + std::get<1>(results), "ab");
  });
}

}  // namespace
}  // namespace tractor
