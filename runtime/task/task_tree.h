// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The tree of tasks as data and as text: who exists, where each is parked, what
// it waits for, which scopes enclose it.
//
//   std::fputs(tractor::DumpTaskTree().c_str(), stderr);
//
// Rules. Only from the scheduler's own thread; between rounds or from a task.
#ifndef TRACTOR_RUNTIME_TASK_TASK_TREE_H_
#define TRACTOR_RUNTIME_TASK_TASK_TREE_H_

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

namespace tractor {

class Scheduler;

struct TaskInfo;

struct NurseryInfo {
  std::string name;
  std::source_location place;  // where it was opened
  bool cancelled = false;
  std::vector<TaskInfo> children;
};

struct FrameInfo {
  enum Kind { kAwait, kScope, kNursery, kObserve };
  Kind kind = kAwait;
  std::source_location place;  // of the await
  std::string name;            // of a scope that has one
};

struct TaskInfo {
  uint64_t id = 0;
  std::string name;
  std::string state;  // "running", "ready", "waits: sleep", ...
  bool cancelled = false;
  std::string reason;                  // of the cancellation
  std::vector<FrameInfo> frames;       // outermost first
  std::vector<NurseryInfo> nurseries;  // outermost first
};

// All tasks below the main task of `scheduler`; an empty name when none runs.
TaskInfo InspectTasks(const Scheduler& scheduler);

std::string FormatTaskTree(const TaskInfo& root);

// The text for `scheduler`, or for the one that runs on this thread.
std::string DumpTaskTree(const Scheduler& scheduler);
std::string DumpTaskTree();

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_TASK_TREE_H_
