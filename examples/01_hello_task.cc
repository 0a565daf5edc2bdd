// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks inside one actor: a nursery, a start that waits until the other is
// ready, and a deadline. No process is made here but the root's.
#include <cstdio>
#include <optional>
#include <string>

#include "runtime/tractor.h"

namespace {

// Answers until its nursery is cancelled.
tractor::Task<> Host(tractor::ReceiverHandle<std::string> guests,
                     tractor::TaskStatus<void> status) {
  std::puts("host: the door is open");
  status.Started();  // the Start() below returns now
  while (std::optional<std::string> guest = co_await guests.Receive()) {
    std::printf("host: hello, %s\n", guest->c_str());
  }
  std::puts("host: nobody else will come");
}

tractor::Task<> RootTask() {
  co_await tractor::WithNursery([](tractor::Nursery& n) -> tractor::Task<> {
    auto [door, guests] = tractor::OpenChannel<std::string>(0);
    co_await n.Start(Host, std::move(guests));
    for (const char* name : {"Ada", "Edsger", "Grace"}) {
      co_await door.Send(name);
    }
    door.Close();
  });  // waits for the host
  std::puts("root: every task of the nursery has ended");

  auto sleep = []() -> tractor::Task<> { co_await tractor::SleepForever(); };
  const bool in_time =
      co_await tractor::MoveOnAfter(absl::Milliseconds(20), sleep);
  std::printf("root: %s\n", in_time ? "slept for ever" : "gave up, as told");
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
