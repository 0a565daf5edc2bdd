// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Requests: who may ask for what, what is refused and how, and shortages. A
// request that fails harms no other one, so each test goes on afterwards.
//
// Long: one rule after the other.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "forkserver/link.h"
#include "forkserver/packet.h"
#include "forkserver/preload.h"
#include "forkserver/testing/test_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/memfd.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

using ::testing::HasSubstr;
using testing::MakeSpec;
using testing::ReadLine;
using testing::RunRoot;
using testing::TestChild;
using testing::TestRoot;

void ExpectStillWorks(TestRoot& root) {
  auto child = root.Spawn("after", "exit 5");
  EXPECT_EQ(root.WaitExited(child).code(), 5);
}

// ---- malformed packets

TEST(Packets, MalformedOnesAreRefusedAndHarmNobody) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto refusal = [&](const std::string& bytes, std::vector<int> fds = {},
                       uint64_t request_id = 0) {
      auto sent = os::SendMessage(root.client.fd(), bytes, fds);
      EXPECT_TRUE(sent.ok() && sent->has_value()) << sent.status();
      return root.Wait<Failed>(request_id).body;
    };
    EXPECT_EQ(refusal("\xff\xff\xff garbage").errno_value(), EBADMSG);
    EXPECT_EQ(refusal(std::string(kMaxPacketBytes + 1, 'x')).errno_value(),
              EMSGSIZE);

    proto::ForkserverRequest request;
    request.set_version(kProtocolVersion);
    request.mutable_kill()->set_child_id(1);
    // No id.
    EXPECT_EQ(refusal(request.SerializeAsString()).errno_value(), EBADMSG);
    // A name for an fd that is not there, and the other way round.
    request.set_request_id(900);
    request.add_fds("channel");
    EXPECT_EQ(refusal(request.SerializeAsString(), {}, 900).errno_value(),
              EBADMSG);
    request.clear_fds();
    EXPECT_EQ(
        refusal(request.SerializeAsString(), {STDIN_FILENO}, 900).errno_value(),
        EBADMSG);
    // Nothing asked for.
    request.clear_kill();
    EXPECT_EQ(refusal(request.SerializeAsString(), {}, 900).errno_value(),
              EOPNOTSUPP);
    // Another version: both are named.
    request.set_version(7);
    const proto::Failed other = refusal(request.SerializeAsString(), {}, 900);
    EXPECT_EQ(other.errno_value(), EPROTONOSUPPORT);
    EXPECT_THAT(other.message(), HasSubstr("version 1"));
    EXPECT_THAT(other.message(), HasSubstr("version 7"));
    ExpectStillWorks(root);
  });
}

TEST(Packets, ABadSpecIsRefused) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto refused = [&](const std::function<void(proto::SpawnSpec&)>& spoil) {
      proto::SpawnSpec spec = MakeSpec("a", "exit 0");
      spoil(spec);
      const proto::Failed failed = root.SpawnFails(spec);
      EXPECT_EQ(failed.child_id(), 0u);
      EXPECT_EQ(failed.step(), proto::STEP_CHECK);
      return failed.message();
    };
    refused([](auto& spec) { spec.mutable_actor()->clear_name(); });
    refused([](auto& spec) {
      spec.mutable_actor()->set_name(std::string(256, 'n'));
    });
    refused([](auto& spec) { spec.mutable_actor()->set_uuid("short"); });
    refused([](auto& spec) { spec.set_method(proto::SpawnSpec::THREAD); });
    refused([](auto& spec) { spec.add_environment()->set_name("A=B"); });
    refused([](auto& spec) {
      spec.mutable_stdin_policy()->set_kind(proto::StdioPolicy::PIPE);
    });
    refused([](auto& spec) {
      spec.set_working_directory(std::string("/tmp\0/x", 7));
    });

    // However long the text of the refusal would be.
    EXPECT_LT(refused([](auto& spec) {
                spec.add_environment()->set_name(std::string(100'000, '='));
              }).size(),
              4096u);

    const proto::SpawnSpec twin = MakeSpec("twin", "echo");
    auto first = root.Spawn(twin);
    EXPECT_THAT(refused([&](auto& spec) { spec = twin; }),
                HasSubstr("there already"));
    ExpectStillWorks(root);
  });
}

TEST(Packets, FdsOfReservedNamesAndUnsealedSpecsAreRefused) {
  RunRoot([](TestRoot& root) {
    root.Open();
    for (const char* name : {"control", "stdout", "stderr", "channel"}) {
      std::map<std::string, os::Fd> fds;
      fds[name] = *os::MakeMemfd("x");
      EXPECT_THAT(
          root.SpawnFails(MakeSpec("a", "exit 0"), std::move(fds)).message(),
          HasSubstr(name));
    }
    std::map<std::string, os::Fd> fds;
    fds["spec"] = *os::MakeMemfd("unsealed");
    EXPECT_THAT(
        root.SpawnFails(MakeSpec("a", "exit 0"), std::move(fds)).message(),
        HasSubstr("sealed"));
    fds["spec"] = *os::MakeSealedMemfd("garbage", "\xff\xff");
    EXPECT_THAT(
        root.SpawnFails(MakeSpec("a", "exit 0"), std::move(fds)).message(),
        HasSubstr("SpawnSpec"));
    ExpectStillWorks(root);
  });
}

// ---- trees

TEST(Trees, OneAtATimeAndSeveralInARow) {
  RunRoot([](TestRoot& root) {
    EXPECT_EQ(root.SpawnFails(MakeSpec("early", "exit 0")).errno_value(),
              ESHUTDOWN);
    for (int i = 0; i < 3; ++i) {
      const proto::TreeOpened opened =
          root.Open({.cgroup = true, .runtime_directory = true});
      EXPECT_TRUE(std::filesystem::is_directory(opened.runtime_directory()));
      proto::OpenTree second;
      second.mutable_tree()->set_value(std::string(16, 'x'));
      auto id = root.client.OpenTree(second);
      ASSERT_TRUE(id.ok());
      EXPECT_EQ(root.Wait<Failed>(*id).body.errno_value(), EBUSY);

      auto child = root.Spawn("hang", "hang");
      ReadLine(child.channel.get());
      const proto::TreeClosed closed = root.Close();
      ASSERT_EQ(closed.killed_count(), 1u);
      EXPECT_EQ(closed.killed(0).name(), "hang");
      EXPECT_TRUE(closed.killed(0).actor());
      EXPECT_EQ(closed.unkillable_size(), 0);
      EXPECT_EQ(closed.warnings_size(), 0);
      EXPECT_FALSE(std::filesystem::exists(opened.runtime_directory()));
      if (!opened.cgroup().empty()) {
        EXPECT_FALSE(std::filesystem::exists(opened.cgroup()));
      }
    }
  });
}

TEST(Trees, TheGraceLetsActorsEndByThemselves) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("polite", "echo");
    auto id = root.client.CloseTree(absl::Seconds(20));
    ASSERT_TRUE(id.ok());
    child.channel.reset();  // EOF is what an echo ends on
    const absl::Time before = absl::Now();
    const proto::TreeClosed closed = root.Wait<TreeClosed>(*id).body;
    EXPECT_EQ(closed.killed_count(), 0u);
    EXPECT_LT(absl::Now() - before, absl::Seconds(10)) << "waited in vain";
  });
}

TEST(Trees, TellTheirLayers) {
  RunRoot([](TestRoot& root) {
    const proto::TreeOpened opened = root.Open({.runtime_directory = true});
    std::map<std::string, bool> active;
    for (const auto& layer : opened.layers()) {
      active[layer.name()] = layer.active();
      EXPECT_FALSE(layer.detail().empty());
    }
    EXPECT_EQ(active,
              (std::map<std::string, bool>{{"cgroup", false},
                                           {"subreaper", true},
                                           {"pdeathsig", true},
                                           {"runtime-directory", true}}));
    struct stat info = {};
    ASSERT_EQ(stat(opened.runtime_directory().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    auto child = root.Spawn("a", "report");
    EXPECT_EQ(testing::ReadReport(child)["runtime_directory"],
              opened.runtime_directory());
  });
}

TEST(Trees, FilesOfTheRuntimeDirectoryGoWithThem) {
  RunRoot([](TestRoot& root) {
    const std::string path =
        root.Open({.runtime_directory = true}).runtime_directory();
    auto socket = os::ListenUnix(path + "/a.sock", SOCK_STREAM);
    ASSERT_TRUE(socket.ok());
    std::filesystem::create_directory(path + "/deep");
    EXPECT_EQ(root.Close().files_removed(), 2u);
    EXPECT_FALSE(std::filesystem::exists(path));
  });
}

TEST(Trees, ARuntimeDirectoryOfAnotherIsAnError) {
  if (getuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  RunRoot([](TestRoot& root) {
    std::filesystem::create_directory(root.directory + "/tractor");
    // Both places that would be tried.
    const std::string second =
        root.directory + "/tractor-" + std::to_string(getuid());
    std::filesystem::create_directory(second);
    for (const std::string& path : {root.directory + "/tractor", second}) {
      ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
    }
    proto::OpenTree request;
    request.mutable_tree()->set_value(std::string(16, 'x'));
    request.set_want_runtime_directory(true);
    request.set_runtime_base(root.directory);
    auto id = root.client.OpenTree(request);
    ASSERT_TRUE(id.ok());
    const proto::Failed failed = root.Wait<Failed>(*id).body;
    EXPECT_EQ(failed.step(), proto::STEP_RESOURCES);
    EXPECT_THAT(failed.message(), HasSubstr(root.directory));
    EXPECT_EQ(ToStatus(failed).code(), absl::StatusCode::kPermissionDenied);
    // Without one it goes.
    root.Open();
    ExpectStillWorks(root);
  });
}

TEST(Trees, HaveALimitOfActors) {
  RunRoot([](TestRoot& root) {
    root.Open({.max_processes = 2});
    auto a = root.Spawn("a", "echo");
    auto b = root.Spawn("b", "echo");
    EXPECT_EQ(root.SpawnFails(MakeSpec("c", "exit 0")).errno_value(), EAGAIN);
    b.channel.reset();
    EXPECT_EQ(root.WaitExited(b).code(), 0);
    ExpectStillWorks(root);
  });
}

// ---- kill

TEST(Kill, EndsOneActor) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("a", "hang");
    ReadLine(child.channel.get());
    // Deaf to this one.
    auto id = root.client.Kill(child.id(), SIGTERM);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(root.Wait<Killed>(*id).body.signalled(), 1u);
    id = root.client.Kill(child.id(), SIGKILL);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(root.Wait<Killed>(*id).body.signalled(), 1u);
    EXPECT_EQ(root.WaitExited(child).signal(), SIGKILL);
    // Gone: not an error.
    id = root.client.Kill(child.id(), SIGKILL);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(root.Wait<Killed>(*id).body.signalled(), 0u);
    id = root.client.Kill(child.id(), 65);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(root.Wait<Failed>(*id).body.errno_value(), EINVAL);
  });
}

TEST(Kill, WaitsWhenAskedTo) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("a", "hang");
    ReadLine(child.channel.get());
    const absl::Time before = absl::Now();
    auto id =
        root.client.Kill(child.id(), SIGKILL, false, absl::Milliseconds(80));
    ASSERT_TRUE(id.ok());
    EXPECT_TRUE(root.Wait<Killed>(*id).body.scheduled());
    EXPECT_EQ(root.WaitExited(child).signal(), SIGKILL);
    EXPECT_GE(absl::Now() - before, absl::Milliseconds(80));
  });
}

TEST(Kill, TakesTheWholeSubtreeAndItsStrays) {
  for (bool cgroup : {false, true}) {
    RunRoot([&](TestRoot& root) {
      root.Open({.cgroup = cgroup});
      auto other = root.Spawn("other", "strays 1");
      ReadLine(other.channel.get());
      auto child = root.Spawn("top", "tree 3 2 2");
      EXPECT_EQ(ReadLine(child.channel.get()), "ready");
      auto id = root.client.Kill(child.id(), SIGKILL, true);
      ASSERT_TRUE(id.ok());
      EXPECT_EQ(root.Wait<Killed>(*id).body.signalled(), 7u);
      const proto::Exited exited = root.WaitExited(child);
      EXPECT_EQ(exited.signal(), SIGKILL);
      if (!exited.swept()) root.Wait<Swept>(child.request_id);
      // Everything below is gone; the other one, and its stray, are not.
      EXPECT_EQ(kill(other.forked.pid, 0), 0);
      const proto::TreeClosed closed = root.Close();
      EXPECT_EQ(closed.killed_count(), 2u);
    });
  }
}

TEST(Kill, OnlyDownwards) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto a = root.Spawn("a", "echo");
    // What an actor can reach is its own control socket; take a child's.
    auto b = root.Spawn("b", "kill-request " + std::to_string(a.id()));
    EXPECT_EQ(ReadLine(b.channel.get()), "failed " + std::to_string(EPERM));
    EXPECT_EQ(kill(a.forked.pid, 0), 0);
  });
}

TEST(Trees, BelongToTheRoot) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("a", "close-request");
    EXPECT_EQ(ReadLine(child.channel.get()), "failed " + std::to_string(EPERM));
    ExpectStillWorks(root);
  });
}

// ---- shortages

TEST(Shortage, OfProcessesFailsOneRequest) {
  // The zygote inherits the fault: its third fork fails.
  os::FailNth fault("fork", 4, EAGAIN);  // the root's own is the first, the
                                         // zygote's the second
  RunRoot([](TestRoot& root) {
    root.Open();
    ExpectStillWorks(root);
    const proto::Failed failed = root.SpawnFails(MakeSpec("b", "exit 0"));
    EXPECT_EQ(failed.step(), proto::STEP_FORK);
    EXPECT_EQ(failed.errno_value(), EAGAIN);
    EXPECT_EQ(failed.child_id(), 0u);
    EXPECT_EQ(ToStatus(failed).code(), absl::StatusCode::kUnavailable);
    ExpectStillWorks(root);
  });
}

// A fault that strikes in the zygote's loop, and in its children, only.
struct Fault {
  const char* call = nullptr;
  int n = 0;
  int err = 0;
};
Fault planned_fault;
const bool plants_fault = RegisterPreload("fault", [] {
  if (planned_fault.call != nullptr) {
    new os::FailNth(planned_fault.call, planned_fault.n, planned_fault.err);
  }
  return absl::OkStatus();
});

// Whatever call of the zygote fails once: the request is answered, an Exited
// follows every Forked, the zygote lives, nothing is left.
TEST(Shortage, OfAnythingInTheZygoteIsAnswered) {
  const Fault faults[] = {
      {"socketpair", 2, EMFILE}, {"fork", 5, ENOMEM},
      {"clone3", 8, EAGAIN},     {"fcntl", 12, EMFILE},
      {"pidfd_open", 6, EMFILE}, {"openat", 16, EMFILE},
      {"mkdirat", 8, ENOSPC},    {"pipe2", 4, EMFILE},
      {"sendmsg", 16, ENOBUFS},  {"recvmsg", 8, ENOMEM},
      {"read", 12, EIO},         {"unlinkat", 4, EACCES},
      {"epoll_wait", 6, EINTR},  {"waitid", 6, EINTR},
  };
  for (const Fault& fault : faults) {
    for (int n = 1; n <= fault.n; ++n) {
      SCOPED_TRACE(std::string(fault.call) + " " + std::to_string(n));
      planned_fault = {fault.call, n, fault.err};
      RunRoot([](TestRoot& root) {
        root.Open({.cgroup = planned_fault.n % 2 == 0});
        int works = 0;
        for (int i = 0; i < 6; ++i) {
          proto::SpawnSpec spec = MakeSpec("a", "exit 5");
          spec.mutable_stdout_policy()->set_kind(proto::StdioPolicy::PIPE);
          absl::StatusOr<TestChild> child = root.TrySpawn(spec);
          if (!child.ok()) continue;
          works += root.WaitExited(*child).code() == 5;
        }
        EXPECT_GE(works, 4);
      });
    }
  }
  planned_fault = {};
}

// The counter is inherited: a call that the zygote itself does not make fails
// in every child, and every child tells.
TEST(Shortage, OfAnythingInAChildIsTold) {
  struct Case {
    Fault fault;
    proto::SpawnStep step;
  };
  const Case cases[] = {
      {{"prctl", 1, EPERM}, proto::STEP_PDEATHSIG},
      {{"sigprocmask", 1, EINVAL}, proto::STEP_SIGNALS},
      {{"setpgid", 1, EPERM}, proto::STEP_SIGNALS},
      {{"setrlimit", 1, EPERM}, proto::STEP_FDS},
      {{"prctl", 2, EINVAL}, proto::STEP_TITLE},
      {{"chdir", 1, EACCES}, proto::STEP_CWD},
      {{"execveat", 1, ENOEXEC}, proto::STEP_EXEC},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.fault.call);
    planned_fault = one.fault;
    RunRoot([&](TestRoot& root) {
      root.Open();
      for (int i = 0; i < 2; ++i) {
        proto::SpawnSpec spec = MakeSpec("a", "exit 5");
        spec.set_working_directory("/");
        spec.mutable_stdin_policy()->set_kind(proto::StdioPolicy::NULL_DEVICE);
        if (one.step == proto::STEP_EXEC) {
          spec.set_method(proto::SpawnSpec::EXEC);
        }
        auto child = root.Spawn(spec);
        const proto::Failed failed = root.Wait<Failed>(child.request_id).body;
        EXPECT_EQ(failed.child_id(), child.id());
        EXPECT_EQ(failed.step(), one.step);
        EXPECT_EQ(failed.errno_value(), one.fault.err);
        EXPECT_EQ(root.WaitExited(child).code(), 70);
      }
    });
  }
  planned_fault = {};
}

bool plan_thread = false;
const bool starts_thread = RegisterPreload("thread", [] {
  if (plan_thread) std::thread([] { pause(); }).detach();
  return absl::OkStatus();
});

TEST(Threads, AForkserverWithASecondOneDoesNotFork) {
  plan_thread = true;
  RunRoot([](TestRoot& root) {
    root.Open();
    const proto::Failed failed = root.SpawnFails(MakeSpec("a", "exit 0"));
    EXPECT_EQ(failed.step(), proto::STEP_CHECK);
    EXPECT_THAT(failed.message(), HasSubstr("more than one thread"));
  });
  plan_thread = false;
}

TEST(Shortage, OfDescriptorsFailsOneRequest) {
  RunRoot([](TestRoot& root) {
    root.Open();
    // UBSan needs a descriptor to look at a type for the first time, and calls
    // it broken when there is none: let it see all that comes up below.
    root.SpawnFails(MakeSpec("", "exit 0"));
    ExpectStillWorks(root);
    // The zygote had raised its own limit to this one when it started.
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    std::vector<TestChild> children;
    int refused = 0;
    rlimit low = {24, limit.rlim_max};
    ASSERT_EQ(prlimit(root.zygote.pid(), RLIMIT_NOFILE, &low, nullptr), 0);
    for (int i = 0; i < 12; ++i) {
      auto ends = os::SocketPair(SOCK_STREAM);
      ASSERT_TRUE(ends.ok());
      auto id =
          root.client.Spawn(MakeSpec("a", "echo"), std::move(ends->second));
      ASSERT_TRUE(id.ok());
      auto event = root.client.WaitFor(*id, absl::Now() + absl::Seconds(20));
      ASSERT_TRUE(event.ok()) << event.status();
      if (auto* failed = std::get_if<Failed>(&*event)) {
        ++refused;
        EXPECT_EQ(failed->body.errno_value(), EMFILE);
      } else {
        children.push_back(
            {*id, std::move(ends->first), std::get<Forked>(*std::move(event))});
        EXPECT_TRUE(children.back().forked.pidfd.valid());
      }
    }
    EXPECT_GT(refused, 0);
    EXPECT_GT(children.size(), 1u);
    // Room again after some have gone.
    for (TestChild& child : children) {
      child.channel.reset();
      EXPECT_EQ(root.WaitExited(child).code(), 0);
    }
    ExpectStillWorks(root);
  });
}

// ---- slow owners

TEST(SlowOwner, DoesNotHoldUpTheOthers) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto deaf = root.Spawn("deaf", "deaf-owner 3000");
    for (int i = 0; i < 20; ++i) ExpectStillWorks(root);
    const proto::TreeClosed closed = root.Close();
    EXPECT_EQ(closed.unkillable_size(), 0);
  });
}

size_t planned_wedge = 0;
const bool plans_wedge = RegisterPreload("wedge", [] {
  if (planned_wedge != 0) Link::SetWedgedAtForTesting(planned_wedge);
  return absl::OkStatus();
});

// Who never reads of the ends of its children is given up, with its subtree;
// the tree goes on.
TEST(SlowOwner, IsEndedWhenItIsWedged) {
  planned_wedge = 100;
  RunRoot([](TestRoot& root) {
    root.Open();
    // As many events as the socket takes, and those that make it wedged.
    auto wedged = root.Spawn("wedged", "wedged-owner 500");
    EXPECT_EQ(ReadLine(wedged.channel.get()), "ready");
    ExpectStillWorks(root);
    ASSERT_EQ(write(wedged.channel.get(), "\n", 1), 1);
    const proto::Exited exited = root.WaitExited(wedged);
    EXPECT_EQ(exited.signal(), SIGKILL);
    ExpectStillWorks(root);
    // Its children see their channels' end, which takes its time.
    if (!exited.swept()) root.Wait<Swept>(wedged.request_id);
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
  planned_wedge = 0;
}

}  // namespace
}  // namespace tractor::forkserver
