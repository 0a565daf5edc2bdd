// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/root.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "runtime/task/internal/exceptions.h"
#include "runtime/task/task_tree.h"
#include "runtime/tractor.h"
#include "tests/chaos/progress.h"
#include "tests/chaos/tree.h"
#include "tests/support/program.h"

namespace tractor::chaos {
namespace {

void AddLeaves(const std::exception_ptr& error, std::string& text) {
  bool nested = false;
  std::string boxed;
  auto each = [&](const std::vector<std::exception_ptr>& errors) {
    nested = !errors.empty();
    for (const std::exception_ptr& one : errors) AddLeaves(one, text);
  };
  ::tractor::internal::VisitAs<ExceptionGroup>(
      error, [&](const ExceptionGroup& group) { each(group.errors()); });
  ::tractor::internal::VisitAs<RemoteActorError>(
      error, [&](const RemoteActorError& remote) {
        boxed = remote.boxed_type();
        each(remote.nested());
      });
  if (nested) return;
  text += "leaf " + ExceptionTypeName(error) + "|" + boxed + "|" +
          DescribeBriefly(error) + "\n";
}

// A file takes everything, where a pipe would be full. Of the root only: an
// actor on `exec` comes along here as well.
void RedirectOutput() {
  const char* path = getenv(kOutputVariable);
  if (path == nullptr) return;
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  unsetenv(kOutputVariable);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  close(fd);
}

Task<> LiveInTime(Tally& tally, std::string& end) {
  CancelScope life(Now() + kLife);
  auto live = [&]() -> Task<> { co_await LiveAsRoot(tally); };
  auto watch = [&]() -> Task<> {
    co_await Sleep(kLife - absl::Milliseconds(200));
    const std::string tree = DumpTaskTree();
    std::fprintf(stderr, "this will be late:\n%s\n", tree.c_str());
  };
  auto both = [&](Nursery& n) -> Task<> {
    n.StartSoon(watch);
    co_await live();
    n.cancel_scope().Cancel();
  };
  auto bounded = [&]() -> Task<> {
    co_await WithNursery(NurseryOptions().set_collapse(true), both);
  };
  end = "cancelled";  // what stands there when nothing below is reached
  co_await life.Run(bounded);
  end = life.cancelled_caught() ? "late" : "ok";
}

int RunTree(int argc, char** argv) {
  RedirectOutput();
  Tally tally;
  std::string end;
  const std::exception_ptr error = ::tractor::internal::Catch([&] {
    Init(argc, argv);
    RunRoot([&]() -> Task<> { co_await LiveInTime(tally, end); });
  });
  Shutdown();
  std::string text;
  if (error != nullptr) {
    AddLeaves(error, text);
    text += "text\n" + DescribeException(error);
    end = "error";
  }
  std::ofstream(getenv(kVerdictVariable))
      << "end " << end << "\ntally " << ToString(tally) << "\n"
      << text << std::flush;
  return error == nullptr ? 0 : 1;
}

Leaf ParseLeaf(const std::string& line) {
  Leaf leaf;
  std::istringstream in(line);
  std::getline(in, leaf.type, '|');
  std::getline(in, leaf.boxed, '|');
  std::getline(in, leaf.brief);
  return leaf;
}

[[maybe_unused]] const bool registered =
    ::tractor::testing::RegisterProgram(kTreeProgram, RunTree);

}  // namespace

Verdict ReadVerdict(const std::string& path) {
  Verdict verdict;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("end ")) verdict.end = line.substr(4);
    if (line.starts_with("tally ")) verdict.tally = ParseTally(line.substr(6));
    if (line.starts_with("leaf ")) {
      verdict.leaves.push_back(ParseLeaf(line.substr(5)));
    }
    if (line == "text") {
      verdict.text = {std::istreambuf_iterator<char>(file), {}};
    }
  }
  return verdict;
}

}  // namespace tractor::chaos
