// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/raw.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "bench/harness.h"

namespace tractor::bench {

void Check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  _exit(1);
}

void WriteAll(int fd, const void* data, size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(fd, from, size);
    Check(n > 0, "write");
    from += n;
    size -= static_cast<size_t>(n);
  }
}

bool ReadAll(int fd, void* data, size_t size) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = read(fd, to, size);
    if (n <= 0) return false;
    to += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

void ServeEcho(int fd) {
  char buffer[kSmall];
  while (ReadAll(fd, buffer, kSmall)) WriteAll(fd, buffer, kSmall);
}

RawChild::RawChild(const std::function<void(int fd)>& body) {
  int fds[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
        "socketpair");
  pid_ = fork();
  Check(pid_ >= 0, "fork");
  if (pid_ == 0) {
    close(fds[0]);
    body(fds[1]);
    _exit(0);
  }
  close(fds[1]);
  fd_ = fds[0];
}

RawChild::~RawChild() {
  HangUp();
  int status = 0;
  Check(waitpid(pid_, &status, 0) == pid_ && status == 0, "a raw child");
}

void RawChild::HangUp() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void RawEcho::Send() {
  const char buffer[kSmall] = {};
  WriteAll(child_.fd(), buffer, kSmall);
}

void RawEcho::Receive() {
  char buffer[kSmall];
  Check(ReadAll(child_.fd(), buffer, kSmall), "read of an echo");
}

double RawEcho::RoundTripMicros() {
  const int64_t start = NowNanos();
  Send();
  Receive();
  return static_cast<double>(NowNanos() - start) / 1e3;
}

double RawSpawnMillis() {
  const int64_t start = NowNanos();
  RawEcho child;
  child.Send();
  child.Receive();
  return static_cast<double>(NowNanos() - start) / 1e6;
}

double RawSpawnsMillis(int count) {
  const int64_t start = NowNanos();
  std::vector<std::unique_ptr<RawEcho>> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(std::make_unique<RawEcho>());
  }
  for (const auto& child : children) child->Send();
  for (const auto& child : children) child->Receive();
  const int64_t took = NowNanos() - start;
  for (const auto& child : children) child->HangUp();
  return static_cast<double>(took) / 1e6 / count;
}

double RawKillMillis() {
  int fds[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
        "socketpair");
  const pid_t pid = fork();
  Check(pid >= 0, "fork");
  char byte = 0;
  if (pid == 0) {
    WriteAll(fds[1], &byte, 1);
    while (true) pause();
  }
  close(fds[1]);
  Check(ReadAll(fds[0], &byte, 1), "read from a child");
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  Check(pidfd >= 0, "pidfd_open");
  const int64_t start = NowNanos();
  Check(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) == 0,
        "pidfd_send_signal");
  Check(!ReadAll(fds[0], &byte, 1), "the end of a stream");
  const int64_t took = NowNanos() - start;
  close(fds[0]);
  close(pidfd);
  Check(waitpid(pid, nullptr, 0) == pid, "waitpid");
  return static_cast<double>(took) / 1e6;
}

double RawBytesPerSecond(size_t size, int64_t bytes) {
  const RawChild child([&](int fd) {
    const std::vector<char> buffer(size);
    for (int64_t left = bytes; left > 0; left -= static_cast<int64_t>(size)) {
      WriteAll(fd, buffer.data(), size);
    }
  });
  std::vector<char> buffer(256 << 10);
  const int64_t start = NowNanos();
  int64_t total = 0;
  while (total < bytes) {
    const ssize_t n = read(child.fd(), buffer.data(), buffer.size());
    Check(n > 0, "read");
    total += n;
  }
  return static_cast<double>(total) * 1e9 /
         static_cast<double>(NowNanos() - start);
}

}  // namespace tractor::bench
