// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/prctl.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr size_t kCommLength = 15;  // TASK_COMM_LEN without its NUL

absl::Status Prctl(const char* what, int option, unsigned long argument) {
  if (Sys().prctl(option, argument, 0, 0, 0) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, std::string("prctl(") + what + ")");
}

bool ContinuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// `text` cut to what fits, not in the middle of a UTF-8 character.
std::string_view CutToComm(std::string_view text) {
  if (text.size() <= kCommLength) return text;
  size_t end = kCommLength;
  while (end > 0 && ContinuesCharacter(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace

absl::Status SetParentDeathSignal(int signal, pid_t expected_parent) {
  TRACTOR_RETURN_IF_ERROR(Prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG,
                                static_cast<unsigned long>(signal)));
  // Armed first and asked then: a parent that dies in between is seen by one.
  const pid_t parent = ::getppid();
  if (expected_parent == 0 || parent == expected_parent) {
    return absl::OkStatus();
  }
  return MakeStatus(
      absl::StatusCode::kFailedPrecondition,
      "prctl(PR_SET_PDEATHSIG): parent " + std::to_string(expected_parent) +
          " is gone already, getppid() is " + std::to_string(parent),
      ESRCH);
}

absl::Status SetSubreaper(bool on) {
  return Prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, on ? 1 : 0);
}

absl::StatusOr<bool> IsSubreaper() {
  int on = 0;
  TRACTOR_RETURN_IF_ERROR(Prctl("PR_GET_CHILD_SUBREAPER",
                                PR_GET_CHILD_SUBREAPER,
                                reinterpret_cast<unsigned long>(&on)));
  return on != 0;
}

absl::Status SetName(std::string_view name) {
  const std::string comm(CutToComm(name));
  return Prctl("PR_SET_NAME", PR_SET_NAME,
               reinterpret_cast<unsigned long>(comm.c_str()));
}

absl::StatusOr<std::string> GetName() {
  char name[kCommLength + 1] = {};
  TRACTOR_RETURN_IF_ERROR(
      Prctl("PR_GET_NAME", PR_GET_NAME, reinterpret_cast<unsigned long>(name)));
  return std::string(name);
}

absl::Status SetDumpable(bool on) {
  return Prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, on ? 1 : 0);
}

}  // namespace tractor::os
