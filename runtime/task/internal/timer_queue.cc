// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/timer_queue.h"

namespace tractor::internal {

void TimerQueue::Add(Timer& timer, int64_t when) {
  Remove(timer);
  timer.when_ = when;
  timer.order_ = ++armed_;
  heap_.push_back(&timer);
  Up(heap_.size() - 1, &timer);
}

void TimerQueue::Remove(Timer& timer) {
  if (!timer.armed()) return;
  const size_t hole = timer.index_;
  timer.index_ = Timer::kNone;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  if (hole > 0 && Before(*last, *heap_[(hole - 1) / 2])) {
    Up(hole, last);
  } else {
    Down(hole, last);
  }
}

bool TimerQueue::FireOne(int64_t now) {
  if (heap_.empty() || heap_.front()->when_ > now) return false;
  Timer* timer = heap_.front();
  Remove(*timer);
  timer->OnTimer();
  return true;
}

void TimerQueue::Up(size_t index, Timer* timer) {
  while (index > 0) {
    const size_t above = (index - 1) / 2;
    if (!Before(*timer, *heap_[above])) break;
    Put(index, heap_[above]);
    index = above;
  }
  Put(index, timer);
}

void TimerQueue::Down(size_t index, Timer* timer) {
  while (true) {
    size_t below = 2 * index + 1;
    if (below >= heap_.size()) break;
    if (below + 1 < heap_.size() && Before(*heap_[below + 1], *heap_[below])) {
      ++below;
    }
    if (!Before(*heap_[below], *timer)) break;
    Put(index, heap_[below]);
    index = below;
  }
  Put(index, timer);
}

}  // namespace tractor::internal
