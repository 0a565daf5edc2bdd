// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/exec_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "forkserver/child_setup.h"
#include "forkserver/timing.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/inject.h"
#include "os/memfd.h"
#include "os/prctl.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::forkserver {
namespace {

absl::Status Broken(std::string message) {
  return os::MakeStatus(absl::StatusCode::kInternal, message, EBADMSG);
}

// Takes over a descriptor that has come through the exec.
absl::StatusOr<os::Fd> Adopt(int number) {
  if (number <= STDERR_FILENO || os::Sys().fcntl(number, F_GETFD, 0) < 0) {
    return Broken("descriptor " + std::to_string(number) + " is not there");
  }
  TRACTOR_RETURN_IF_ERROR(os::SetCloexec(number));
  return os::Fd(number);
}

absl::StatusOr<proto::ExecStart> ReadStart(const std::string& number) {
  int fd = -1;
  if (!absl::SimpleAtoi(number, &fd)) {
    return Broken("TRACTOR_EXEC_SPEC=" + number + " is no descriptor");
  }
  TRACTOR_ASSIGN_OR_RETURN(os::Fd memfd, Adopt(fd));
  TRACTOR_ASSIGN_OR_RETURN(bool sealed, os::IsSealed(memfd.get()));
  if (!sealed) return Broken("the spec is not in a sealed memfd");
  TRACTOR_ASSIGN_OR_RETURN(os::MappedBytes mapped,
                           os::MappedBytes::Map(memfd.get()));
  proto::ExecStart start;
  if (!start.ParseFromArray(mapped.bytes().data(),
                            static_cast<int>(mapped.bytes().size()))) {
    return Broken("the memfd holds no spec of this version");
  }
  return start;
}

absl::StatusOr<ChildStart> Take(proto::ExecStart& from, int* control) {
  ChildStart start;
  for (const auto& [name, number] : from.fds()) {
    TRACTOR_ASSIGN_OR_RETURN(os::Fd fd, Adopt(number));
    if (name == "control") *control = fd.get();
    start.fds[name] = std::move(fd);
  }
  start.channel = std::move(start.fds["channel"]);
  start.control = std::move(start.fds["control"]);
  start.fds.erase("channel");
  start.fds.erase("control");
  if (!start.channel.valid() || !start.control.valid()) {
    return Broken("no channel or no control socket in the spec");
  }
  // execveat has named the process after its descriptor.
  TRACTOR_RETURN_IF_ERROR(os::SetName(TitleOf(from.spec())));
  start.spec = std::move(*from.mutable_spec());
  start.timing = std::move(*from.mutable_timing());
  return start;
}

[[noreturn]] void GiveUp(int control, const absl::Status& status) {
  if (control >= 0) ReportSetupFailure(control, proto::STEP_IMAGE, status);
  const std::string line =
      "tractor: this actor cannot start: " + std::string(status.message()) +
      "\n";
  os::WriteAll(STDERR_FILENO, line).IgnoreError();
  _exit(kSetupFailedCode);
}

}  // namespace

std::optional<ChildStart> TakeExecChild() {
  const char* variable = getenv("TRACTOR_EXEC_SPEC");
  if (variable == nullptr) return std::nullopt;
  const int64_t now = os::MonotonicNanos();
  const std::string number = variable;
  unsetenv("TRACTOR_EXEC_SPEC");
  int control = -1;
  absl::StatusOr<proto::ExecStart> from = ReadStart(number);
  if (!from.ok()) GiveUp(control, from.status());
  absl::StatusOr<ChildStart> start = Take(*from, &control);
  if (!start.ok()) GiveUp(control, start.status());
  StampAt(proto::STEP_IMAGE, now, &start->timing);
  Stamp(proto::STEP_ENTRY, &start->timing);
  TRACTOR_INJECT_NAME(start->spec.actor().name());
  TRACTOR_INJECT_POINT("child.entry");
  return *std::move(start);
}

}  // namespace tractor::forkserver
