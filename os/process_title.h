// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What `ps` shows as the command line, and what /proc/<pid>/environ shows.
//
// A forked child has its parent's command line and environment in /proc. An
// actor wants its own name there, and its tree's mark, by which tractor-reap
// finds it even after everything else is gone.
//
//   int main(int argc, char** argv) {
//     auto area = os::TitleArea::Capture(argc, argv, environ);   // once, first
//     ...fork...
//     area->Set("tractor: worker.3", {"TRACTOR_TREE=8c1f",
//     "TRACTOR_ACTOR=..."});
//
// Two ways; Capture finds out which one works:
// 1. PR_SET_MM_MAP tells the kernel to look at our own buffer. Unprivileged,
//    any length; wants CONFIG_CHECKPOINT_RESTORE (all distributions have it).
// 2. The area that exec filled is written over, as setproctitle does: title and
//    variables must fit into it. Capture then moves the strings of argv and
//    environ elsewhere, so that both stay usable.
//
// This changes only what others see. Call setenv() as well for variables that
// executed grandchildren shall inherit.

#ifndef TRACTOR_OS_PROCESS_TITLE_H_
#define TRACTOR_OS_PROCESS_TITLE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::os {

class TitleArea {
 public:
  enum class Method { kMmMap, kOverwrite };

  static constexpr size_t kMaxTitle = 1024;  // longer ones are cut
  static constexpr size_t kMaxMarks = 4096;  // all variables of a Set together

  // Reads what is needed from /proc/self/stat, once; Set() then costs two
  // system calls and no allocation, also in forked children of any depth. Call
  // it early in main, before threads. `argv` and `envp` (the global `environ`)
  // end with a null pointer; either may be null.
  // The area lives until the process ends; copies of the result share it.
  static absl::StatusOr<TitleArea> Capture(int argc, char** argv, char** envp);

  // Shows `title` as the command line, and `variables` ("NAME=value") followed
  // by the environment of Capture time without the same names, as far as there
  // is room (always, with kMmMap). May be called again and again.
  // RESOURCE_EXHAUSTED when the variables do not fit; the title is shown then
  // all the same. A newline or NUL in the title becomes a space.
  absl::Status Set(std::string_view title,
                   std::span<const std::string> variables = {});
  absl::Status Set(std::string_view title,
                   std::initializer_list<std::string> variables) {
    return Set(title, std::span<const std::string>(variables.begin(),
                                                   variables.size()));
  }

  Method method() const { return method_; }

 private:
  // What PR_SET_MM_MAP wants to have told again, from /proc/self/stat.
  struct Layout {
    uint64_t start_code, end_code, start_data, end_data, start_brk, start_stack;
  };

  TitleArea() = default;
  absl::Status ReadLayout();
  absl::Status MakeBuffer(char** envp);
  // Tells the kernel where arguments and environment are.
  absl::Status TellKernel(const char* arguments, const char* arguments_end,
                          const char* environment,
                          const char* environment_end) const;
  void MoveOut(char** strings);
  absl::Status SetByMap(std::string_view title,
                        std::span<const std::string> variables);
  absl::Status SetByOverwrite(std::string_view title,
                              std::span<const std::string> variables);
  // Writes variables and the environment without their names, as "A=1\0B=2\0",
  // as far as there is room for; the end of it. `fits`: all variables did.
  char* WriteEnvironment(std::span<const std::string> variables, char* to,
                         char* limit, bool& fits) const;

  Method method_ = Method::kMmMap;
  Layout layout_ = {};
  char* exec_begin_ = nullptr;         // the area that exec filled: arguments,
  char* exec_args_end_ = nullptr;      // then, from here,
  char* exec_end_ = nullptr;           // the environment
  const char* environment_ = nullptr;  // "A=1\0B=2\0" of Capture time
  size_t environment_size_ = 0;
  char* buffer_ = nullptr;  // what kMmMap shows
  size_t buffer_size_ = 0;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_PROCESS_TITLE_H_
