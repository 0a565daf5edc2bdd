// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Sequencer: puts the steps of several tasks into one order.
//
//   tractor::testing::Sequencer sequencer;
//   // in one task:                       // in another one:
//   {                                     {
//     auto turn = co_await sequencer(0);    auto turn = co_await sequencer(1);
//     ...                                   ...
//   }                                     }
//
// Rules. Turn n+1 begins when the object of turn n has died. Each number may be
// used once (std::logic_error). When a task is cancelled while it waits for its
// turn, the order is broken: every other one throws std::runtime_error.
#ifndef TRACTOR_RUNTIME_TASK_TESTING_SEQUENCER_H_
#define TRACTOR_RUNTIME_TASK_TESTING_SEQUENCER_H_

#include <map>
#include <set>
#include <utility>

#include "runtime/task/event.h"
#include "runtime/task/task.h"

namespace tractor::testing {

class Sequencer {
 public:
  class [[nodiscard]] Turn {
   public:
    Turn(Turn&& other) noexcept
        : sequencer_(std::exchange(other.sequencer_, nullptr)),
          number_(other.number_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    friend class Sequencer;
    Turn(Sequencer* sequencer, int number)
        : sequencer_(sequencer), number_(number) {}
    Sequencer* sequencer_;
    const int number_;
  };

  // Waits until turn `number` has come. A checkpoint.
  Task<Turn> operator()(int number);

 private:
  void Break();

  std::map<int, Event> begins_;
  std::set<int> used_;
  bool broken_ = false;
};

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_TESTING_SEQUENCER_H_
