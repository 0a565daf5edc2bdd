// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// quickstart: counts the words of text files with a tree of processes.
//
//   ./bazelw run //examples:quickstart
//   ./bazelw run //examples:quickstart -- --workers=4 --kill-one /usr/share/doc
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "examples/quickstart/count_job.h"
#include "examples/quickstart/leftovers.h"
#include "examples/quickstart/options.h"
#include "examples/quickstart/report.h"
#include "examples/quickstart/text_files.h"
#include "examples/quickstart/word_count.h"
#include "runtime/tractor.h"

namespace tractor::quickstart {
namespace {

constexpr char kVersion[] = "quickstart of tractor 0.1.0-dev";

void Print(FILE* file, const std::string& text) {
  std::fputs(text.c_str(), file);
}

// `bazel run` starts programs elsewhere; paths are meant from where the user
// is.
void GoToUser() {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (directory != nullptr && chdir(directory) != 0) {
    std::perror(directory);
  }
}

void PrintSkipped(const Skipped& skipped) {
  for (const std::string& file : skipped.unreadable) {
    Print(stderr, "quickstart: skipped " + file + "\n");
  }
}

// Whether the tree has counted what this process counts alone.
bool Check(const Summary& seen, const std::vector<std::string>& paths) {
  const Summary wanted = Summarise(CountFiles(paths), 0);
  const std::string difference = Difference(seen, wanted);
  if (difference.empty()) {
    std::printf("check: the same %lld different words, counted alone\n",
                static_cast<long long>(wanted.different_words()));
    return true;
  }
  Print(stderr, "quickstart: check: the tree has counted " + difference + "\n");
  return false;
}

// The root's main task; gives the exit code.
Task<int> CountInTree(const Options& options, TextFiles& input,
                      RunReport& report) {
  std::optional<UsageError> usage;
  try {
    CountJob job(options, input, report);
    co_await job.Run();
    co_return 0;
  } catch (const UsageError& error) {
    usage = error;
  } catch (const ActorDied& death) {
    report.teardown_began = Clock::now();
    Print(stderr, "quickstart: " + death.message() + "\n");
  }
  if (!usage.has_value()) co_return 1;
  Print(stderr, "quickstart: " + std::string(usage->what()) + "\n");
  co_return 2;
}

// Says how it went, when neither the tree nor its forkserver is there any more.
int Finish(const Options& options, const TextFiles& input,
           const RunReport& report, int code) {
  const Clock::duration teardown = Clock::now() - report.teardown_began;
  const Leftovers left = FindLeftovers(report.marks);
  PrintSkipped(input.skipped());
  if (code != 0) {
    Print(stdout, FailedRunText(report));
  } else {
    Print(stdout, WordsText(report.summary, options.top));
    Print(stdout, InputText(input, report.summary));
    Print(stdout, RunText(report, input, teardown));
    if (options.check && !Check(report.summary, input.paths())) code = 1;
    if (input.files() == 0) {
      Print(stderr, "quickstart: there was nothing to count\n");
      code = 1;
    }
  }
  Print(stdout, LeftoversText(left));
  return left.none() ? code : 1;
}

int Count(int argc, char** argv, const Options& options) {
  std::optional<TextFiles> input;
  RunReport report;
  RootOptions root;
  if (options.spawn_method) root.set_spawn_method(*options.spawn_method);
  auto task = [&]() -> Task<int> {
    input.emplace(options.paths);
    co_return co_await CountInTree(options, *input, report);
  };
  // An actor of the exec backend comes this far, and no further.
  const int code = Main(argc, argv, task, root);
  const bool begun = report.actors > 0;
  return begun ? Finish(options, *input, report, code) : code;
}

int Run(int argc, char** argv) {
  Options options;
  try {
    options = ParseOptions(argc, argv);
  } catch (const UsageError& error) {
    Print(stderr, "quickstart: " + std::string(error.what()) +
                      " (--help tells what there is)\n");
    return 2;
  }
  if (options.help) {
    Print(stdout, HelpText());
    return 0;
  }
  if (options.version) {
    std::puts(kVersion);
    return 0;
  }
  GoToUser();
  return Count(argc, argv, options);
}

}  // namespace
}  // namespace tractor::quickstart

int main(int argc, char** argv) { return tractor::quickstart::Run(argc, argv); }
