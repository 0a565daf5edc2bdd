// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The limits of everything that has two processes: the same with fork() and
// blocking system calls on a socket pair, and nothing of ours.
//
//   RawEcho echo;                       // forks
//   samples.Add(echo.RoundTripMicros());
//
// What goes wrong here ends the program: there is nothing to compare with.
#ifndef TRACTOR_BENCH_RAW_H_
#define TRACTOR_BENCH_RAW_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace tractor::bench {

// The payload of a round trip.
inline constexpr size_t kSmall = 64;

// Ends the program unless `ok`; says `what` and errno.
void Check(bool ok, const char* what);

void WriteAll(int fd, const void* data, size_t size);
// False at the end of the stream.
bool ReadAll(int fd, void* data, size_t size);

// Echoes messages of kSmall bytes until its peer is gone.
void ServeEcho(int fd);

// A child that runs `body` with its end of a socket pair, and then ends. The
// fork has all the memory of this process, and costs accordingly.
class RawChild {
 public:
  explicit RawChild(const std::function<void(int fd)>& body);
  RawChild(const RawChild&) = delete;
  RawChild& operator=(const RawChild&) = delete;
  // Hangs up, and waits for the child's end.
  ~RawChild();

  int fd() const { return fd_; }
  // Gives our end away: closing it is what the child waits for.
  int Release() { return std::exchange(fd_, -1); }
  // Children that were forked later hold this end as well: hang up on all of
  // them before the first is waited for.
  void HangUp();

 private:
  int fd_ = -1;
  pid_t pid_ = -1;
};

class RawEcho {
 public:
  RawEcho() : child_(ServeEcho) {}
  void Send();
  void Receive();
  double RoundTripMicros();
  void HangUp() { child_.HangUp(); }

 private:
  RawChild child_;
};

// A fork and one round trip.
double RawSpawnMillis();

// `count` forks, then a round trip with each, all at once; for one of them.
double RawSpawnsMillis(int count);

// From the SIGKILL of a forked child to the end of the stream from it.
double RawKillMillis();

// Bytes a second of writes of `size` bytes, `bytes` in all.
double RawBytesPerSecond(size_t size, int64_t bytes);

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_RAW_H_
