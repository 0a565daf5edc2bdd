// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// How an actor tells a test that it has come to a place, also one where its
// loop does not run any more.
//
//   Doorbell bell(files, "blocked");
//   ... in the actor: Doorbell::Ring(path); for (;;) pause(); ...
//   co_await bell.Wait();
//
// Rules. One waits, on either side; a ring that comes earlier is kept.
#ifndef TRACTOR_TESTS_SUPPORT_DOORBELL_H_
#define TRACTOR_TESTS_SUPPORT_DOORBELL_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "os/fd.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/task/task.h"
#include "tests/support/test_files.h"

namespace tractor::testing {

class Doorbell {
 public:
  Doorbell(const TestFiles& files, const std::string& name)
      : Doorbell(files.Path(name)) {}
  // By whole path, also one that is there already: where the actor waits, and
  // the test rings.
  explicit Doorbell(const std::string& path) : path_(path) {
    (void)mkfifo(path_.c_str(), 0600);
    // Open for both, so that it never is at its end.
    fd_ = os::Fd(open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }

  const std::string& path() const { return path_; }

  // Waits for `rings` rings in all.
  Task<> Wait(int rings = 1) {
    io::FdWaiter waiter(fd_.get());
    char bytes[64];
    while (heard_ < rings) {
      const ssize_t got = read(fd_.get(), bytes, sizeof(bytes));
      if (got > 0) {
        heard_ += static_cast<int>(got);
      } else {
        co_await waiter.Readable();
      }
    }
    waiter.Close();
  }

  static void Ring(const std::string& path) {
    const os::Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    (void)!write(fd.get(), "!", 1);
  }

 private:
  const std::string path_;
  os::Fd fd_;
  int heard_ = 0;
};

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_DOORBELL_H_
