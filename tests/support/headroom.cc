// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/support/headroom.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/time/clock.h"

namespace tractor::testing {

absl::Duration SlowestFork(int forks) {
  absl::Duration slowest = absl::ZeroDuration();
  for (int i = 0; i < forks; ++i) {
    const absl::Time begin = absl::Now();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) continue;
    char byte = 'x';
    const pid_t child = fork();
    if (child == 0) {
      const bool echoed =
          read(ends[1], &byte, 1) == 1 && write(ends[1], &byte, 1) == 1;
      _exit(echoed ? 0 : 1);
    }
    if (write(ends[0], &byte, 1) == 1) (void)!read(ends[0], &byte, 1);
    close(ends[0]);
    close(ends[1]);
    slowest = std::max(slowest, absl::Now() - begin);
    waitpid(child, nullptr, 0);
  }
  return slowest;
}

double Headroom() {
  static const double factor =
      std::max(kLeast, 2 * absl::FDivDuration(SlowestFork(20), kQuietFork));
  return factor;
}

}  // namespace tractor::testing
