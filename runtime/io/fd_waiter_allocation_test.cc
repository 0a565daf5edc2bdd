// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A wait allocates nothing. In a program of its own, since it counts every
// operator new.
#include <atomic>
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/testing.h"

// TSan brings an operator new that cannot be replaced.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRACTOR_TEST_TSAN 1
#endif
#endif

namespace {
std::atomic<int> allocations = 0;
}  // namespace

#ifndef TRACTOR_TEST_TSAN
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace tractor::io {
namespace {

TEST(FdWaiterAllocationTest, AWaitAllocatesNothing) {
#ifdef TRACTOR_TEST_TSAN
  GTEST_SKIP() << "TSan counts for itself";
#endif
  int before = -1;
  int after = -1;
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    char byte;
    for (int i = 0; i < 100; ++i) {
      if (i == 10) before = allocations;
      (void)send(peer, "x", 1, MSG_NOSIGNAL);
      co_await waiter.Readable();
      (void)recv(waiter.fd(), &byte, 1, 0);
    }
    after = allocations;
  });
  EXPECT_GT(before, 0);  // it does count
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace tractor::io
