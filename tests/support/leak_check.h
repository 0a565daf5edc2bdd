// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a test has left behind: processes, zombies, descriptors, threads, files
// (sockets, directories) below the runtime directory, shared memory, cgroups.
//
//   const LeakCheck before;
//   ... run a tree ...
//   EXPECT_THAT(before.NewSince(), IsEmpty());
//
// Rules.
// - Every process of a test program carries kMarkVariable in its environment
//   from its exec on (MarkThisProgram), so that also a grandchild that has
//   forked twice and left its session is found.
// - Nothing is waited for: when a root has ended, nothing of it may be left.
//   (Threads: the kernel takes a moment to forget one that was joined.)
// - Shared memory is what has "tractor" in its name in /dev/shm, and not the
//   MarkName() of another test program.
#ifndef TRACTOR_TESTS_SUPPORT_LEAK_CHECK_H_
#define TRACTOR_TESTS_SUPPORT_LEAK_CHECK_H_

#include <set>
#include <string>
#include <vector>

namespace tractor::testing {

inline constexpr char kMarkVariable[] = "TRACTOR_TEST_PROGRAM";

// Executes this program again, as a child with a runtime directory
// (XDG_RUNTIME_DIR) of its own, kMarkVariable set to that, and, where there are
// any, a cgroup of its own; returns in that child. The first process waits for
// it, looks whether anything has outlived it, which is an exit code of
// kLeftCode, cleans up, and passes its exit code on. Returns at once in
// programs that have the mark.
inline constexpr int kLeftCode = 97;
void MarkThisProgram(char** argv);

// What this program's mark ends with: its own among all that run. Empty: it has
// none.
std::string MarkName();

class LeakCheck {
 public:
  LeakCheck();

  // One line for each thing that is there now and was not then.
  std::vector<std::string> NewSince() const;

 private:
  std::vector<std::string> LookOnce() const;

  std::set<std::string> things_;
};

// Descriptions of the processes that carry the mark `mark`, without this one.
std::set<std::string> MarkedProcesses(const std::string& mark);

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_LEAK_CHECK_H_
