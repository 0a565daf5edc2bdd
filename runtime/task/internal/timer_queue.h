// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Deadlines and timers: a binary heap of elements that know their place in it,
// so that setting one off never allocates (beyond the array) and taking one
// back is O(log n).
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_TIMER_QUEUE_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_TIMER_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tractor::internal {

// Something that happens at a time. Remove it from its queue before it dies.
class Timer {
 public:
  virtual void OnTimer() = 0;
  bool armed() const { return index_ != kNone; }
  int64_t when() const { return when_; }

 protected:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;

 private:
  friend class TimerQueue;
  static constexpr size_t kNone = static_cast<size_t>(-1);
  int64_t when_ = 0;
  uint64_t order_ = 0;  // first armed, first fired, among equal times
  size_t index_ = kNone;
};

class TimerQueue {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  // Nanoseconds; only when not empty.
  int64_t next() const { return heap_.front()->when_; }

  void Add(Timer& timer, int64_t when);
  void Remove(Timer& timer);  // no-op when it is not armed
  // Takes out and fires the first timer that is due. False: there is none.
  bool FireOne(int64_t now);

 private:
  static bool Before(const Timer& a, const Timer& b) {
    return a.when_ != b.when_ ? a.when_ < b.when_ : a.order_ < b.order_;
  }
  void Put(size_t index, Timer* timer) {
    heap_[index] = timer;
    timer->index_ = index;
  }
  void Up(size_t index, Timer* timer);
  void Down(size_t index, Timer* timer);

  std::vector<Timer*> heap_;
  uint64_t armed_ = 0;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_TIMER_QUEUE_H_
