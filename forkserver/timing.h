// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Stamps of the steps of a spawn, and a process's start time without /proc.

#ifndef TRACTOR_FORKSERVER_TIMING_H_
#define TRACTOR_FORKSERVER_TIMING_H_

#include <sys/types.h>

#include <cstdint>

#include "os/clock.h"
#include "os/proc_fs.h"
#include "proto/spawn.pb.h"

namespace tractor::forkserver {

inline void StampAt(proto::SpawnStep step, int64_t monotonic_ns,
                    proto::SpawnTiming* timing) {
  proto::SpawnTiming::Stamp* stamp = timing->add_stamps();
  stamp->set_step(step);
  stamp->set_monotonic_ns(static_cast<uint64_t>(monotonic_ns));
}

inline void Stamp(proto::SpawnStep step, proto::SpawnTiming* timing) {
  StampAt(step, os::MonotonicNanos(), timing);
}

// The start time (Aid.start_time) of a process that was made between two
// readings of os::BootNanos(). Mostly both are in the same clock tick, and that
// is it; the kernel is asked only when a tick passed in between. 0: unknown.
inline uint64_t StartTimeBetween(int64_t before_ns, int64_t after_ns,
                                 pid_t pid) {
  const int64_t tick_ns = 1'000'000'000 / os::ClockTicksPerSecond();
  if (before_ns / tick_ns == after_ns / tick_ns) {
    return static_cast<uint64_t>(before_ns / tick_ns);
  }
  auto key = os::GetProcessKey(pid);
  return key.ok() ? key->start_time : 0;
}

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_TIMING_H_
