// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A root for tests of the forkserver: a process of its own, with a forkserver
// of its own, so that it can be killed, starved and misconfigured.
//
//   TEST(Spawn, ReportsTheExitCode) {
//     RunRoot([](TestRoot& root) {
//       root.Open();
//       auto child = root.Spawn("a", "exit 3");
//       EXPECT_EQ(root.WaitExited(child).code(), 3);
//       root.Close();
//     });
//   }
//
// Rules:
// - EXPECT_ and ASSERT_ work inside; a failure there fails the test.
// - RunRoot ends with "nothing left": the test's process is a subreaper, so
//   every process that has come out of the root must be gone or be its child;
//   the runtime directory and the cgroup must be gone as well.
// - Waits have a deadline of 30 s, after which the root gives up with exit 99.

#ifndef TRACTOR_FORKSERVER_TESTING_TEST_ROOT_H_
#define TRACTOR_FORKSERVER_TESTING_TEST_ROOT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/client.h"
#include "forkserver/embedded.h"
#include "forkserver/testing/child_programs.h"
#include "os/fd.h"
#include "os/pidfd.h"

namespace tractor::forkserver::testing {

struct TestChild {
  uint64_t request_id = 0;
  os::Fd channel;
  Forked forked;

  uint64_t id() const { return forked.child_id; }
};

struct TreeWishes {
  bool cgroup = false;
  bool runtime_directory = false;
  uint32_t max_processes = 0;
  absl::Duration orphan_grace = absl::Milliseconds(50);
};

class TestRoot {
 public:
  TestRoot(Embedded embedded, std::string directory)
      : client(std::move(embedded.control)),
        zygote(std::move(embedded.zygote)),
        directory(std::move(directory)) {}

  proto::TreeOpened Open(const TreeWishes& wishes = {});
  proto::TreeClosed Close(absl::Duration grace = absl::ZeroDuration());

  // Answered by Forked; the test ends if not.
  TestChild Spawn(const std::string& name, const std::string& program);
  TestChild Spawn(proto::SpawnSpec spec,
                  std::map<std::string, os::Fd> fds = {});
  // An error: it was answered by Failed.
  absl::StatusOr<TestChild> TrySpawn(const proto::SpawnSpec& spec,
                                     std::map<std::string, os::Fd> fds = {});
  // The pid of the spare that the next Spawn will use. Two children come and go
  // for it.
  pid_t MakeSpare();
  // The pid of the spare; 0: there is none, or it has not yet said what it is.
  pid_t FindSpare() const;

  // Answered by Failed; the test ends if not.
  proto::Failed SpawnFails(proto::SpawnSpec spec,
                           std::map<std::string, os::Fd> fds = {});

  // The next event of that kind for this request; others are kept.
  template <typename Kind>
  Kind Wait(uint64_t request_id) {
    Event event = WaitUntil([&](const Event& e) {
      return std::holds_alternative<Kind>(e) && RequestId(e) == request_id;
    });
    return std::get<Kind>(std::move(event));
  }
  proto::Exited WaitExited(const TestChild& child) {
    return Wait<Exited>(child.request_id).body;
  }
  // Until Exited says swept, or Swept has come (empty if the former).
  proto::Swept WaitSwept(const TestChild& child);

  // Tells the process that has called RunRoot, which gets it in RootEnd::said.
  void Say(const std::string& text);

  Client client;
  os::Pidfd zygote;
  std::string directory;  // a private, empty one; removed at the end
  os::Fd said;            // internal

 private:
  Event WaitUntil(const std::function<bool(const Event&)>& wanted);

  std::deque<Event> events_;
};

struct RootEnd {
  os::ExitStatus status;
  std::string said;
  absl::Duration until_nothing_left;  // from the root's end on
};

// Runs `body` in a new process. Fails the test if the root does not end with 0,
// or if anything is left 10 s after its end.
RootEnd RunRoot(const std::function<void(TestRoot&)>& body);

// The same for roots that are killed: `while_running` gets a handle of the root
// when it has said a line; the root's own end is not judged.
RootEnd RunDoomedRoot(const std::function<void(TestRoot&)>& body,
                      const std::function<void(os::Pidfd&)>& while_running);

// For the forkservers of the roots to come: what their spares do first.
void SetRehearsal(void (*rehearse)());

// main's, for StartEmbedded; main calls it.
void RememberArguments(int argc, char** argv);

// Reads up to a newline, which is not returned; "" at EOF.
std::string ReadLine(int fd);

// What "report" said: key -> rest of the line.
std::map<std::string, std::string> ReadReport(const TestChild& child);

// A directory below $TEST_TMPDIR or /tmp with a short name.
std::string MakeTemporaryDirectory();

}  // namespace tractor::forkserver::testing

#endif  // TRACTOR_FORKSERVER_TESTING_TEST_ROOT_H_
