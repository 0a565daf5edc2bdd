// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// RunActors(body): RunRoot() for tests, with a limit.
//
//   EXPECT_EQ(RunActors([]() -> Task<int> { co_return 7; }), 7);
//   std::exception_ptr error = ErrorOf([]() -> Task<> { ... });
//
// Rules. A root that is not done in time is a failed test that shows the task
// tree; its main task is cancelled then, and the program ends when that does
// not help either.
#ifndef TRACTOR_TESTS_SUPPORT_RUN_ACTORS_H_
#define TRACTOR_TESTS_SUPPORT_RUN_ACTORS_H_

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "runtime/actor/main.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace tractor::testing {

// Generous: the machine may be busy. Tests of bounds measure for themselves.
inline constexpr absl::Duration kRunLimit = absl::Seconds(60);

class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // From here on it is this scheduler that is ended.
  void Watch(Scheduler& scheduler);

 private:
  void Run(absl::Duration limit);
  void Bark(absl::Duration limit);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<RemoteScheduler> scheduler_;  // guarded by mutex_
  bool over_ = false;                           // guarded by mutex_
  std::thread thread_;
};

template <Body F>
BodyResult<F> RunActors(F&& body, const RootOptions& options = RootOptions(),
                        absl::Duration limit = kRunLimit) {
  Watchdog dog(limit);
  return RunRoot(
      [&]() -> Task<BodyResult<F>> {
        dog.Watch(Scheduler::Current());
        return body();
      },
      options);
}

// The error that a root with this main task ends with; null: it has none.
template <Body F>
std::exception_ptr ErrorOf(F&& body, const RootOptions& options = RootOptions(),
                           absl::Duration limit = kRunLimit) {
  return ::tractor::internal::Catch(
      [&] { (void)RunActors(std::forward<F>(body), options, limit); });
}

// Calls f(error) when it is an E; fails the test otherwise.
template <class E, class F>
void ExpectError(const std::exception_ptr& error, F&& f) {
  bool right = false;
  ::tractor::internal::VisitAs<E>(error, [&](const E& e) {
    right = true;
    f(e);
  });
  if (right) return;
  ADD_FAILURE() << "the error is not a " << typeid(E).name() << ": "
                << (error ? DescribeException(error) : "none at all");
}
template <class E>
void ExpectError(const std::exception_ptr& error) {
  ExpectError<E>(error, [](const E&) {});
}

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_RUN_ACTORS_H_
