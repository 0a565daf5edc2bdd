// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Gather: runs several tasks side by side and gives all their results.
//
//   auto [size, name] = co_await tractor::Gather(Size(), Name());
//   std::vector<int> all = co_await tractor::Gather(std::move(tasks));
//
// Rules. Results stand in the order of the arguments; a Task<void> gives a
// std::monostate. The first error cancels the rest; one error comes out as
// itself, several as an ExceptionGroup. Always a checkpoint.
#ifndef TRACTOR_RUNTIME_TASK_GATHER_H_
#define TRACTOR_RUNTIME_TASK_GATHER_H_

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/task/nursery.h"
#include "runtime/task/task.h"

namespace tractor {
namespace internal {

template <class T>
using GatherValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
Task<> RunInto(std::optional<GatherValue<T>>* slot, Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    slot->emplace();
  } else {
    slot->emplace(co_await task);
  }
}

inline NurseryOptions GatherOptions() {
  NurseryOptions options;
  options.set_collapse(true).set_name("Gather");
  return options;
}

template <size_t... I, class... T>
Task<std::tuple<GatherValue<T>...>> GatherTuple(std::index_sequence<I...>,
                                                std::tuple<Task<T>...> tasks) {
  std::tuple<std::optional<GatherValue<T>>...> slots;
  auto body = [&](Nursery& n) -> Task<> {
    (n.StartSoon(RunInto<T>, &std::get<I>(slots),
                 std::move(std::get<I>(tasks))),
     ...);
    co_return;
  };
  co_await WithNursery(GatherOptions(), body);
  co_return std::tuple<GatherValue<T>...>(std::move(*std::get<I>(slots))...);
}

}  // namespace internal

template <class... T>
Task<std::tuple<internal::GatherValue<T>...>> Gather(Task<T>... tasks) {
  return internal::GatherTuple(std::index_sequence_for<T...>(),
                               std::tuple<Task<T>...>(std::move(tasks)...));
}

template <class T>
Task<std::vector<internal::GatherValue<T>>> Gather(std::vector<Task<T>> tasks) {
  std::vector<std::optional<internal::GatherValue<T>>> slots(tasks.size());
  auto body = [&](Nursery& n) -> Task<> {
    for (size_t i = 0; i < tasks.size(); ++i) {
      n.StartSoon(internal::RunInto<T>, &slots[i], std::move(tasks[i]));
    }
    co_return;
  };
  co_await WithNursery(internal::GatherOptions(), body);
  std::vector<internal::GatherValue<T>> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(std::move(*slot));
  co_return results;
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_GATHER_H_
