// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "os/errno_status.h"

#include <string.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace tractor::os {
namespace {

constexpr char kErrnoPayload[] = "tractor/errno";

void SetErrno(absl::Status& status, int err) {
  if (err != 0) {
    // Not Cord(std::string): clang-19 and the g++ that built Debian's library
    // disagree about that template's name.
    const std::string text = std::to_string(err);
    status.SetPayload(kErrnoPayload, absl::Cord(ToAbsl(text)));
  }
}

absl::StatusCode CodeOf(int err) {
  return err == 0 ? absl::StatusCode::kUnknown : absl::ErrnoToStatusCode(err);
}

}  // namespace

absl::Status ErrnoStatus(int err, std::string_view what) {
  char buffer[128];
  // The GNU strerror_r: strerror's buffer is shared between threads.
  const char* why = strerror_r(err, buffer, sizeof(buffer));
  std::string message(what);
  message.append(": ").append(why);
  return MakeStatus(CodeOf(err), message, err);
}

absl::Status MakeStatus(absl::StatusCode code, std::string_view message,
                        int err) {
  absl::Status status(code, ToAbsl(message));
  SetErrno(status, err);
  return status;
}

int StatusErrno(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrnoPayload);
  if (!payload.has_value()) return 0;
  const std::string text(*payload);
  int err = 0;
  std::from_chars(text.data(), text.data() + text.size(), err);
  return err;
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string message(context);
  message.append(": ").append(FromAbsl(status.message()));
  absl::Status annotated(status.code(), message);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

}  // namespace tractor::os
