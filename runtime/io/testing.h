// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests of this folder share.
#ifndef TRACTOR_RUNTIME_IO_TESTING_H_
#define TRACTOR_RUNTIME_IO_TESTING_H_

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/testing.h"
#include "os/unix_socket.h"
#include "runtime/io/run.h"
#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/task.h"

namespace tractor::io {

// Every test ends with the descriptors with which it began.
class IoTest : public ::testing::Test {
 protected:
  void TearDown() override { fds_.CheckNothingNew(); }

 private:
  os::FdCheck fds_;
};

// Runs `body()` on a reactor; throws what it throws.
template <Body F>
void RunIo(F&& body) {
  Run(std::forward<F>(body)).Unwrap();
}

// Lets every ready task run until it is parked.
inline Task<> Settle() {
  for (int i = 0; i < 5; ++i) co_await Checkpoint();
}

inline std::pair<os::Fd, os::Fd> Pair(int type = SOCK_STREAM) {
  return OrThrow(os::SocketPair(type | SOCK_NONBLOCK));
}

inline void Put(int fd, std::string_view bytes) {
  ASSERT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

// What is there, "" when nothing is.
inline std::string Take(int fd) {
  char buffer[4096];
  const ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
}

// Writes until the kernel takes no more; the bytes that it took.
inline size_t Fill(int fd) {
  const std::string block(4096, 'x');
  size_t filled = 0;
  for (;;) {
    const ssize_t n =
        send(fd, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return filled;
    filled += static_cast<size_t>(n);
  }
}

inline void Drain(int fd) {
  while (!Take(fd).empty()) {
  }
}

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_TESTING_H_
