// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/process_title.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

// The numbers of /proc/<pid>/stat from field 3 on; field 3 itself, a letter,
// is 0.
std::vector<uint64_t> NumbersOfStat(std::string_view text) {
  std::vector<uint64_t> numbers;
  const size_t comm_end = text.rfind(')');
  if (comm_end == std::string_view::npos) return numbers;
  const char* at = text.data() + comm_end + 1;
  const char* const end = text.data() + text.size();
  while (at < end) {
    while (at < end && (*at == ' ' || *at == '\n')) ++at;
    if (at == end) break;
    uint64_t number = 0;
    std::from_chars(at, end, number);  // leaves 0 for letters and negatives
    numbers.push_back(number);
    while (at < end && *at != ' ' && *at != '\n') ++at;
  }
  return numbers;
}

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

bool Names(std::span<const std::string> variables, std::string_view name) {
  return std::any_of(variables.begin(), variables.end(),
                     [&](const std::string& v) { return NameOf(v) == name; });
}

// Writes `text` as one line and a NUL, cut where there is no room; its end.
char* WriteLine(std::string_view text, char* to, const char* limit) {
  const size_t room = static_cast<size_t>(limit - to) - 1;
  for (const char c : text.substr(0, room)) {
    *to++ = c == '\n' || c == '\0' ? ' ' : c;
  }
  *to++ = '\0';
  return to;
}

// Appends `text` and a NUL at `to` if there is room.
bool Append(std::string_view text, char*& to, const char* limit) {
  if (static_cast<size_t>(limit - to) <= text.size()) return false;
  memcpy(to, text.data(), text.size());
  to += text.size();
  *to++ = '\0';
  return true;
}

size_t TotalSize(char** strings) {
  size_t size = 0;
  for (; strings != nullptr && *strings != nullptr; ++strings) {
    size += strlen(*strings) + 1;
  }
  return size;
}

absl::StatusOr<char*> AllocateForEver(size_t size) {
  void* area = Sys().mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return ErrnoStatus(errno, "mmap(title area)");
  return static_cast<char*>(area);
}

absl::Status DoesNotFit() {
  return MakeStatus(absl::StatusCode::kResourceExhausted,
                    "process title: the variables do not fit", E2BIG);
}

}  // namespace

absl::StatusOr<TitleArea> TitleArea::Capture(int argc, char** argv,
                                             char** envp) {
  TitleArea area;
  TRACTOR_RETURN_IF_ERROR(area.ReadLayout());
  TRACTOR_RETURN_IF_ERROR(area.MakeBuffer(envp));
  // Told what it knows already, the kernel says whether it would listen.
  if (area.TellKernel(area.exec_begin_, area.exec_args_end_,
                      area.exec_args_end_, area.exec_end_)
          .ok()) {
    return area;
  }
  area.method_ = Method::kOverwrite;
  if (argc > 0) area.MoveOut(argv);
  area.MoveOut(envp);
  return area;
}

absl::Status TitleArea::ReadLayout() {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadFile("/proc/self/stat"));
  const std::vector<uint64_t> stat = NumbersOfStat(text);
  if (stat.size() < 49) {
    return absl::UnimplementedError("/proc/self/stat: fewer than 51 fields");
  }
  const auto field = [&](size_t number) { return stat[number - 3]; };
  layout_ = {field(26), field(27), field(45), field(46), field(47), field(28)};
  exec_begin_ = reinterpret_cast<char*>(field(48));
  exec_args_end_ = reinterpret_cast<char*>(field(49));
  exec_end_ = reinterpret_cast<char*>(field(51));
  if (exec_begin_ != nullptr && field(49) == field(50)) return absl::OkStatus();
  return absl::UnimplementedError("/proc/self/stat: unknown memory layout");
}

absl::Status TitleArea::MakeBuffer(char** envp) {
  environment_size_ = TotalSize(envp);
  buffer_size_ = kMaxTitle + 1 + kMaxMarks + environment_size_;
  TRACTOR_ASSIGN_OR_RETURN(char* area,
                           AllocateForEver(environment_size_ + buffer_size_));
  environment_ = area;
  buffer_ = area + environment_size_;
  for (; envp != nullptr && *envp != nullptr; ++envp) {
    Append(*envp, area, buffer_);
  }
  return absl::OkStatus();
}

absl::Status TitleArea::TellKernel(const char* arguments,
                                   const char* arguments_end,
                                   const char* environment,
                                   const char* environment_end) const {
  prctl_mm_map map = {};
  map.start_code = layout_.start_code;
  map.end_code = layout_.end_code;
  map.start_data = layout_.start_data;
  map.end_data = layout_.end_data;
  map.start_brk = layout_.start_brk;
  // The heap's end moves, and malloc would be lost with a stale one.
  map.brk = static_cast<uint64_t>(::syscall(SYS_brk, 0));
  map.start_stack = layout_.start_stack;
  map.arg_start = reinterpret_cast<uintptr_t>(arguments);
  map.arg_end = reinterpret_cast<uintptr_t>(arguments_end);
  map.env_start = reinterpret_cast<uintptr_t>(environment);
  map.env_end = reinterpret_cast<uintptr_t>(environment_end);
  map.exe_fd = static_cast<uint32_t>(-1);
  if (Sys().prctl(PR_SET_MM, PR_SET_MM_MAP,
                  reinterpret_cast<unsigned long>(&map), sizeof(map), 0) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "prctl(PR_SET_MM_MAP)");
}

// Copies what is in the area of exec, so that writing over it hurts nobody.
void TitleArea::MoveOut(char** strings) {
  const absl::StatusOr<char*> copy = AllocateForEver(TotalSize(strings) + 1);
  if (!copy.ok()) return;
  char* to = *copy;
  for (; strings != nullptr && *strings != nullptr; ++strings) {
    if (*strings < exec_begin_ || *strings >= exec_end_) continue;
    const size_t size = strlen(*strings) + 1;
    *strings = static_cast<char*>(memcpy(to, *strings, size));
    to += size;
  }
}

absl::Status TitleArea::Set(std::string_view title,
                            std::span<const std::string> variables) {
  title = title.substr(0, kMaxTitle);
  return method_ == Method::kMmMap ? SetByMap(title, variables)
                                   : SetByOverwrite(title, variables);
}

char* TitleArea::WriteEnvironment(std::span<const std::string> variables,
                                  char* to, char* limit, bool& fits) const {
  fits = true;
  for (const std::string& v : variables) fits = Append(v, to, limit) && fits;
  const char* const end = environment_ + environment_size_;
  for (const char* at = environment_; at < end;) {
    const std::string_view variable(at);
    at += variable.size() + 1;
    if (!Names(variables, NameOf(variable))) Append(variable, to, limit);
  }
  return to;
}

absl::Status TitleArea::SetByMap(std::string_view title,
                                 std::span<const std::string> variables) {
  bool fits;
  char* const begin = WriteLine(title, buffer_, buffer_ + kMaxTitle + 1);
  char* const end =
      WriteEnvironment(variables, begin, buffer_ + buffer_size_, fits);
  TRACTOR_RETURN_IF_ERROR(TellKernel(buffer_, begin, begin, end));
  return fits ? absl::OkStatus() : DoesNotFit();
}

absl::Status TitleArea::SetByOverwrite(std::string_view title,
                                       std::span<const std::string> variables) {
  bool fits;
  char* at = WriteLine(title, exec_begin_, exec_args_end_);
  std::fill(at, exec_args_end_, '\0');
  at = WriteEnvironment(variables, exec_args_end_, exec_end_, fits);
  std::fill(at, exec_end_, '\0');
  return fits ? absl::OkStatus() : DoesNotFit();
}

}  // namespace tractor::os
