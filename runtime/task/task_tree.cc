// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/task_tree.h"

#include <algorithm>
#include <string_view>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/nursery.h"
#include "runtime/task/operation.h"
#include "runtime/task/scheduler.h"

namespace tractor {
namespace {

using internal::Boundary;
using internal::FrameBase;
using internal::TaskNode;

TaskInfo Inspect(const Scheduler& scheduler, const TaskNode& task);

FrameInfo::Kind KindOf(const Boundary* below) {
  if (below == nullptr) return FrameInfo::kAwait;
  switch (below->kind()) {
    case Boundary::Kind::kScope:
      return FrameInfo::kScope;
    case Boundary::Kind::kNursery:
      return FrameInfo::kNursery;
    case Boundary::Kind::kObserve:
      return FrameInfo::kObserve;
    case Boundary::Kind::kTask:
      break;
  }
  return FrameInfo::kAwait;
}

NurseryInfo InspectNursery(const Scheduler& scheduler, const Nursery& nursery,
                           const FrameBase& frame) {
  NurseryInfo info;
  info.name = nursery.name();
  info.place = frame.place;
  info.cancelled = const_cast<Nursery&>(nursery).cancel_scope().cancel_called();
  nursery.children().ForEach([&](const internal::ChildTask& child) {
    info.children.push_back(Inspect(scheduler, child));
  });
  return info;
}

void AddNursery(const Scheduler& scheduler, const Boundary& boundary,
                const FrameBase& frame, TaskInfo& info) {
  const auto& nursery =
      static_cast<const internal::NurseryBoundary&>(boundary).nursery();
  info.nurseries.push_back(InspectNursery(scheduler, nursery, frame));
}

std::string NameOf(const Boundary* below) {
  const CancelScope* scope = below == nullptr ? nullptr : below->opened_scope();
  return scope == nullptr ? std::string() : scope->name();
}

// Walks from the leaf outwards, through boundaries.
void InspectFrames(const Scheduler& scheduler, const TaskNode& task,
                   TaskInfo& info) {
  const Boundary* below = task.waits_for_children;
  const FrameBase* frame = task.leaf;
  if (below != nullptr) AddNursery(scheduler, *below, *frame, info);
  while (frame != nullptr) {
    info.frames.push_back({KindOf(below), frame->place, NameOf(below)});
    if (frame->parent != nullptr) {
      frame = frame->parent;
      below = nullptr;
      continue;
    }
    below = frame->boundary;
    if (below == nullptr || below->outer() == nullptr) break;
    frame = below->outer();
    if (below->kind() == Boundary::Kind::kNursery) {
      AddNursery(scheduler, *below, *frame, info);
    }
  }
  std::reverse(info.frames.begin(), info.frames.end());
  std::reverse(info.nurseries.begin(), info.nurseries.end());
}

std::string StateOf(const Scheduler& scheduler, const TaskNode& task) {
  if (&task == scheduler.current_task()) return "running";
  if (task.queued) return task.leaf == nullptr ? "not started" : "ready";
  if (task.parked_in != nullptr) {
    return std::string("waits: ") + task.parked_in->Describe();
  }
  return "waits: children";
}

TaskInfo Inspect(const Scheduler& scheduler, const TaskNode& task) {
  TaskInfo info;
  info.id = task.id();
  info.name = task.Name();
  info.state = StateOf(scheduler, task);
  info.cancelled = task.cancelled();
  if (info.cancelled) info.reason = ToString(task.status()->scope()->reason());
  InspectFrames(scheduler, task, info);
  return info;
}

// The last two parts of a path say enough.
std::string ShortPath(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    slash = path.rfind('/', slash - 1);
  }
  return std::string(slash == std::string_view::npos ? path
                                                     : path.substr(slash + 1));
}

std::string PlaceText(const std::source_location& place) {
  if (place.line() == 0) return "?";
  return ShortPath(place.file_name()) + ":" + std::to_string(place.line());
}

void Format(const TaskInfo& task, const std::string& indent,
            std::string& text) {
  text += task.name + " #" + std::to_string(task.id) + " [" + task.state;
  if (task.cancelled) text += ", cancelled (" + task.reason + ")";
  text += "]";
  if (!task.frames.empty()) text += " at";
  for (auto frame = task.frames.rbegin(); frame != task.frames.rend();
       ++frame) {
    text +=
        (frame == task.frames.rbegin() ? " " : " < ") + PlaceText(frame->place);
    if (!frame->name.empty()) text += " (" + frame->name + ")";
  }
  text += "\n";
  for (const NurseryInfo& nursery : task.nurseries) {
    text += indent + "  nursery " +
            (nursery.name.empty() ? PlaceText(nursery.place) : nursery.name) +
            (nursery.cancelled ? " [cancelled]" : "") + "\n";
    for (const TaskInfo& child : nursery.children) {
      text += indent + "  |- ";
      Format(child, indent + "  |  ", text);
    }
  }
}

}  // namespace

std::string internal::TaskNode::Name() const {
  if (!name.empty()) return name;
  return body_type != nullptr ? Demangle(*body_type) : "task";
}

TaskInfo InspectTasks(const Scheduler& scheduler) {
  if (scheduler.main_task() == nullptr) return {};
  return Inspect(scheduler, *scheduler.main_task());
}

std::string FormatTaskTree(const TaskInfo& root) {
  std::string text;
  if (root.name.empty()) return "no task runs\n";
  Format(root, "", text);
  return text;
}

std::string DumpTaskTree(const Scheduler& scheduler) {
  return FormatTaskTree(InspectTasks(scheduler));
}

std::string DumpTaskTree() {
  const Scheduler* scheduler = Scheduler::CurrentOrNull();
  return scheduler == nullptr ? "no task runs\n" : DumpTaskTree(*scheduler);
}

}  // namespace tractor
