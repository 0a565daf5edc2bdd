// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Looks at the system, not at the runtime, for what there is of a tree.
//
//   TreeMarks marks = MarksOfThisTree();       // in the root's task
//   size_t at_work = CountProcesses(marks);
//   ...                                        // when the tree has ended
//   Leftovers left = FindLeftovers(marks);
#ifndef TRACTOR_EXAMPLES_QUICKSTART_LEFTOVERS_H_
#define TRACTOR_EXAMPLES_QUICKSTART_LEFTOVERS_H_

#include <cstddef>
#include <string>

namespace tractor::quickstart {

// By what a tree can be known.
struct TreeMarks {
  std::string variable;   // in the environment of each actor's process
  std::string directory;  // its runtime directory
  std::string cgroup;     // that holds its actors; empty: none of its own
};

// The cgroup (version 2) of this process, below the mount; empty: none.
std::string OwnCgroup();
// The cgroup of a tree whose root is in `root` and one of whose actors is in
// `actor`: what is directly below the one and holds the other. Empty: the same.
std::string TreeCgroup(const std::string& root, const std::string& actor);

// All but the cgroup, which an actor has to tell. Throws NoRuntime outside of
// an actor.
TreeMarks MarksOfThisTree();

// Processes of this machine that carry the mark. The root and the forkserver
// do not.
size_t CountProcesses(const TreeMarks& marks);

struct Leftovers {
  size_t processes = 0;    // with the mark
  size_t children = 0;     // of this process: the forkserver, if anything
  size_t directories = 0;  // the runtime directory
  size_t cgroups = 0;

  bool none() const {
    return processes + children + directories + cgroups == 0;
  }
};

Leftovers FindLeftovers(const TreeMarks& marks);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_LEFTOVERS_H_
