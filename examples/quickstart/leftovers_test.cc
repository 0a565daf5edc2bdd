// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A look that always says "nothing" would be no proof: each kind is put there,
// and seen.
#include "examples/quickstart/leftovers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace tractor::quickstart {
namespace {

namespace fs = std::filesystem;

std::string Variable() {
  return "TRACTOR_TREE=leftovers-test-" + std::to_string(getpid());
}

// `cat` with that in its environment, until this goes.
class Child {
 public:
  explicit Child(std::string variable) {
    if (pipe(pipe_.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(pipe_[0], STDIN_FILENO);
    close(pipe_[0]);
    close(pipe_[1]);
    std::array<char*, 2> environment = {variable.data(), nullptr};
    execle("/bin/cat", "cat", nullptr, environment.data());
    _exit(1);
  }
  ~Child() {
    for (const int fd : pipe_) close(fd);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  std::array<int, 2> pipe_ = {};
  pid_t pid_ = 0;
};

TEST(Leftovers, NoneOfATreeThatIsGone) {
  TreeMarks marks;
  marks.variable = Variable();
  marks.directory = ::testing::TempDir() + "/not-there";
  marks.cgroup = "/not-there";
  const Leftovers left = FindLeftovers(marks);
  EXPECT_EQ(left.processes, 0u);
  EXPECT_EQ(left.children, 0u);
  EXPECT_EQ(left.directories, 0u);
  EXPECT_EQ(left.cgroups, 0u);
  EXPECT_TRUE(left.none());
}

TEST(Leftovers, AProcessWithTheMark) {
  TreeMarks marks;
  marks.variable = Variable();
  {
    const Child child(Variable());
    // It has its environment when it has begun.
    while (CountProcesses(marks) == 0) {
    }
    const Leftovers left = FindLeftovers(marks);
    EXPECT_EQ(left.processes, 1u);
    EXPECT_EQ(left.children, 1u);
    EXPECT_FALSE(left.none());
    marks.variable += "0";  // the whole of it counts
    EXPECT_EQ(CountProcesses(marks), 0u);
  }
  EXPECT_TRUE(FindLeftovers(marks).none());
}

TEST(Leftovers, AChildOfWhateverKind) {
  TreeMarks marks;
  marks.variable = Variable();
  const Child child("A=B");
  const Leftovers left = FindLeftovers(marks);
  EXPECT_EQ(left.processes, 0u);
  EXPECT_EQ(left.children, 1u);
  EXPECT_FALSE(left.none());
}

TEST(Leftovers, ADirectory) {
  TreeMarks marks;
  marks.variable = Variable();
  marks.directory = ::testing::TempDir() + "/leftovers";
  fs::create_directory(marks.directory);
  EXPECT_EQ(FindLeftovers(marks).directories, 1u);
  EXPECT_FALSE(FindLeftovers(marks).none());
  fs::remove(marks.directory);
  EXPECT_TRUE(FindLeftovers(marks).none());
}

TEST(Leftovers, ACgroup) {
  TreeMarks marks;
  marks.variable = Variable();
  marks.cgroup = OwnCgroup() + "/leftovers-test-" + std::to_string(getpid());
  fs::path made;
  for (const std::string mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    std::error_code no;
    if (!fs::exists(mount + "/cgroup.controllers", no)) continue;
    if (fs::create_directory(mount + marks.cgroup, no)) {
      made = mount + marks.cgroup;
    }
  }
  if (made.empty()) GTEST_SKIP() << "no cgroup can be made here";
  EXPECT_EQ(FindLeftovers(marks).cgroups, 1u);
  EXPECT_FALSE(FindLeftovers(marks).none());
  ASSERT_EQ(rmdir(made.c_str()), 0);
  EXPECT_TRUE(FindLeftovers(marks).none());
}

TEST(TreeCgroup, IsTheOneBelowThatOfTheRoot) {
  EXPECT_EQ(TreeCgroup("/", "/tree/actor"), "/tree");
  EXPECT_EQ(TreeCgroup("/", "/tree"), "/tree");
  EXPECT_EQ(TreeCgroup("/user", "/user/tree/actor/below"), "/user/tree");
  EXPECT_EQ(TreeCgroup("/user", "/users/tree"), "/users/tree");
  EXPECT_EQ(TreeCgroup("/user", "/user"), "");
  EXPECT_EQ(TreeCgroup("", ""), "");
}

}  // namespace
}  // namespace tractor::quickstart
