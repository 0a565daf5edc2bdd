// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// tractor: structured concurrency whose tasks may live in other processes.
//
//   #include "runtime/tractor.h"
//
//   tractor::Task<std::string> Greet(std::string name) {
//     co_return "hello, " + name;
//   }
//   TRACTOR_ENDPOINT(Greet);
//
//   tractor::Task<> RootTask() {
//     co_await tractor::WithActorNursery(
//         [&](tractor::ActorNursery& an) -> tractor::Task<> {
//           std::puts((co_await an.RunInActor(Greet, "world")).c_str());
//         });
//   }
//
//   int main(int argc, char** argv) {
//     return tractor::Main(argc, argv, RootTask);
//   }
//
// Where to read on: actor/main.h, actor/actor_nursery.h, actor/portal.h,
// actor/context.h, actor/stream.h, actor/errors.h; task/nursery.h and
// task/cancel_scope.h for what goes on inside one actor.
#ifndef TRACTOR_RUNTIME_TRACTOR_H_
#define TRACTOR_RUNTIME_TRACTOR_H_

#include "runtime/actor/actor.h"           // IWYU pragma: export
#include "runtime/actor/actor_nursery.h"   // IWYU pragma: export
#include "runtime/actor/actor_options.h"   // IWYU pragma: export
#include "runtime/actor/aid.h"             // IWYU pragma: export
#include "runtime/actor/constants.h"       // IWYU pragma: export
#include "runtime/actor/context.h"         // IWYU pragma: export
#include "runtime/actor/endpoint.h"        // IWYU pragma: export
#include "runtime/actor/error_registry.h"  // IWYU pragma: export
#include "runtime/actor/errors.h"          // IWYU pragma: export
#include "runtime/actor/main.h"            // IWYU pragma: export
#include "runtime/actor/payload.h"         // IWYU pragma: export
#include "runtime/actor/peers.h"           // IWYU pragma: export
#include "runtime/actor/portal.h"          // IWYU pragma: export
#include "runtime/actor/publisher.h"       // IWYU pragma: export
#include "runtime/actor/runtime_vars.h"    // IWYU pragma: export
#include "runtime/actor/spawn_method.h"    // IWYU pragma: export
#include "runtime/actor/stream.h"          // IWYU pragma: export
#include "runtime/log/log.h"               // IWYU pragma: export
#include "runtime/task/broadcast.h"        // IWYU pragma: export
#include "runtime/task/cancel_scope.h"     // IWYU pragma: export
#include "runtime/task/checkpoint.h"       // IWYU pragma: export
#include "runtime/task/event.h"            // IWYU pragma: export
#include "runtime/task/exception_group.h"  // IWYU pragma: export
#include "runtime/task/finally.h"          // IWYU pragma: export
#include "runtime/task/gather.h"           // IWYU pragma: export
#include "runtime/task/memory_channel.h"   // IWYU pragma: export
#include "runtime/task/nursery.h"          // IWYU pragma: export
#include "runtime/task/outcome.h"          // IWYU pragma: export
#include "runtime/task/scheduler.h"        // IWYU pragma: export
#include "runtime/task/semaphore.h"        // IWYU pragma: export
#include "runtime/task/task.h"             // IWYU pragma: export
#include "runtime/task/task_tree.h"        // IWYU pragma: export
#include "runtime/task/timeouts.h"         // IWYU pragma: export

#endif  // TRACTOR_RUNTIME_TRACTOR_H_
