// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/thread_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace tractor::internal {

struct ThreadPool::State {
  struct Worker {
    std::thread thread;
    bool busy = true;
  };
  using Place = std::list<Worker>::iterator;

  explicit State(std::chrono::nanoseconds limit) : idle_limit(limit) {}

  const std::chrono::nanoseconds idle_limit;
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::deque<std::function<void()>> jobs;
  std::list<Worker> threads;
  std::list<Worker> ended;  // to be joined by whoever comes next
  size_t idle = 0;          // waiting, and not yet chosen for a job
  bool stopping = false;

  // Waits for a job. Empty: the thread should end.
  std::function<void()> Next(std::unique_lock<std::mutex>& lock) {
    ++idle;
    const bool something = changed.wait_for(
        lock, idle_limit, [this] { return stopping || !jobs.empty(); });
    --idle;
    if (!something || jobs.empty()) return nullptr;
    std::function<void()> job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }

  void Work(Place self) {
    pthread_setname_np(pthread_self(), "to-thread");
    std::unique_lock lock(mutex);
    self->busy = false;
    while (std::function<void()> job = Next(lock)) {
      self->busy = true;
      lock.unlock();
      job();
      job = nullptr;  // what it holds dies outside of the lock
      lock.lock();
      self->busy = false;
    }
    if (!stopping) ended.splice(ended.end(), threads, self);
  }

  void JoinEnded() {
    std::list<Worker> dead;
    {
      std::lock_guard lock(mutex);
      dead.swap(ended);
    }
    for (Worker& worker : dead) worker.thread.join();
  }
};

ThreadPool& ThreadPool::Global() {
  static ThreadPool pool;
  return pool;
}

ThreadPool::ThreadPool(std::chrono::nanoseconds idle_limit)
    : state_(std::make_shared<State>(idle_limit)) {}

void ThreadPool::Submit(std::function<void()> job) {
  state_->JoinEnded();
  std::lock_guard lock(state_->mutex);
  state_->jobs.push_back(std::move(job));
  if (state_->idle >= state_->jobs.size()) {
    state_->changed.notify_one();
    return;
  }
  const auto self = state_->threads.emplace(state_->threads.end());
  try {
    self->thread = std::thread([state = state_, self] { state->Work(self); });
  } catch (const std::system_error&) {
    state_->threads.erase(self);
    state_->jobs.pop_back();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  state_->JoinEnded();
  std::list<State::Worker> threads;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    // Moves no element: the threads find their places as before.
    threads.swap(state_->threads);
    for (auto worker = threads.begin(); worker != threads.end();) {
      if (!worker->busy) {
        ++worker;
        continue;
      }
      worker->thread.detach();
      // Its place must live as long as its thread does: with the state.
      state_->threads.splice(state_->threads.end(), threads, worker++);
    }
  }
  state_->changed.notify_all();
  for (State::Worker& worker : threads) worker.thread.join();
}

size_t ThreadPool::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->threads.size();
}

size_t ThreadPool::idle() const {
  std::lock_guard lock(state_->mutex);
  return state_->idle;
}

}  // namespace tractor::internal
