// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A machine that has more to do than it can: processes that only compute.
//
//   const BusyProcesses busy(4 * BusyProcesses::Cores());  // they run now
//   ... measure ...
//
// Rules. They end with this object, and with the process that made it. They
// have the priority and the cores of that process, and none of its descriptors.
#ifndef TRACTOR_BENCH_BUSY_H_
#define TRACTOR_BENCH_BUSY_H_

#include <vector>

#include "os/pidfd.h"

namespace tractor::bench {

class BusyProcesses {
 public:
  // Returns when each of them has run.
  explicit BusyProcesses(int count);
  ~BusyProcesses();
  BusyProcesses(const BusyProcesses&) = delete;
  BusyProcesses& operator=(const BusyProcesses&) = delete;

  // How many cores this process may use.
  static int Cores();

 private:
  std::vector<os::Pidfd> processes_;
};

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_BUSY_H_
