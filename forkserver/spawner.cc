// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "forkserver/timing.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fork.h"
#include "os/memfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

constexpr size_t kMaxNameBytes = 255;

absl::Status Refuse(std::string message, int err = EINVAL) {
  return os::MakeStatus(absl::StatusCode::kInvalidArgument, message, err);
}

// A spec that did not fit into the packet.
absl::Status LoadSpec(SpawnRequest& request) {
  const os::Fd memfd = TakeFd(request.fds, "spec");
  if (!memfd.valid()) return absl::OkStatus();
  // An unsealed one could shrink under our hands: SIGBUS.
  TRACTOR_ASSIGN_OR_RETURN(bool sealed, os::IsSealed(memfd.get()));
  if (!sealed) return Refuse("the fd \"spec\" is not a sealed memfd");
  TRACTOR_ASSIGN_OR_RETURN(os::MappedBytes mapped,
                           os::MappedBytes::Map(memfd.get()));
  if (!request.body->mutable_spec()->ParseFromArray(
          mapped.bytes().data(), static_cast<int>(mapped.bytes().size()))) {
    return Refuse("the fd \"spec\" holds no SpawnSpec");
  }
  return absl::OkStatus();
}

bool HasNul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

absl::Status CheckSpec(const proto::SpawnSpec& spec) {
  const std::string& name = spec.actor().name();
  if (name.empty() || name.size() > kMaxNameBytes || HasNul(name)) {
    return Refuse("an actor's name has 1 to 255 bytes and no NUL");
  }
  if (spec.actor().uuid().size() != 16) {
    return Refuse("an actor's uuid has 16 bytes");
  }
  if (spec.method() != proto::SpawnSpec::FORKSERVER &&
      spec.method() != proto::SpawnSpec::EXEC) {
    return Refuse("the forkserver spawns by FORKSERVER and EXEC only");
  }
  for (const proto::EnvironmentEntry& entry : spec.environment()) {
    if (entry.name().empty() || entry.name().find('=') != std::string::npos ||
        HasNul(entry.name()) || HasNul(entry.value())) {
      return Refuse("an environment entry that cannot be set: \"" +
                    entry.name() + "\"");
    }
  }
  if (HasNul(spec.working_directory()) || HasNul(spec.title())) {
    return Refuse("a NUL in the working directory or the title");
  }
  if (spec.stdin_policy().kind() == proto::StdioPolicy::PIPE) {
    return Refuse("stdin has no PIPE policy");
  }
  return absl::OkStatus();
}

absl::Status CheckFdNames(const NamedFds& fds) {
  std::set<std::string> seen = {"control", "stdout", "stderr"};
  for (const auto& [name, fd] : fds) {
    if (!seen.insert(name).second) {
      return Refuse("the fd name \"" + name + "\" is reserved or given twice");
    }
  }
  if (!seen.contains("channel")) return Refuse("no fd \"channel\"");
  return absl::OkStatus();
}

absl::Status Check(const Tree& tree, ActorTable& table, SpawnRequest& request) {
  if (tree.max_processes() != 0 && table.living() >= tree.max_processes()) {
    return os::MakeStatus(absl::StatusCode::kResourceExhausted,
                          "the tree has its limit of " +
                              std::to_string(tree.max_processes()) + " actors",
                          EAGAIN);
  }
  TRACTOR_RETURN_IF_ERROR(LoadSpec(request));
  TRACTOR_RETURN_IF_ERROR(CheckFdNames(request.fds));
  TRACTOR_RETURN_IF_ERROR(CheckSpec(request.body->spec()));
  const std::string uuid =
      absl::BytesToHexString(request.body->spec().actor().uuid());
  if (table.FindUuid(uuid) != nullptr) {
    return Refuse("an actor of this uuid is there already", EEXIST);
  }
  TRACTOR_ASSIGN_OR_RETURN(bool single, os::IsSingleThreaded());
  if (single) return absl::OkStatus();
  return os::MakeStatus(absl::StatusCode::kFailedPrecondition,
                        "the forkserver has more than one thread (a preload "
                        "hook started one?): it must not fork",
                        EDEADLK);
}

absl::Status MakePipe(const proto::StdioPolicy& policy, const char* name,
                      os::Fd* write_end, NamedFds* to_requester) {
  if (policy.kind() != proto::StdioPolicy::PIPE) return absl::OkStatus();
  int ends[2];
  if (os::Sys().pipe2(ends, O_CLOEXEC) < 0) {
    return os::ErrnoStatus(errno, "pipe2");
  }
  os::Fd read_end(ends[0]);
  *write_end = os::Fd(ends[1]);
  TRACTOR_RETURN_IF_ERROR(os::SetNonBlocking(read_end.get()));
  to_requester->emplace_back(name, std::move(read_end));
  return absl::OkStatus();
}

// The innermost cgroup around `actor`: that of the nearest ancestor which has
// one, or the tree's.
const os::Cgroup& EnclosingCgroup(const Tree& tree, ActorTable& table,
                                  uint64_t id) {
  const Actor* actor = table.Find(id);
  while (actor != nullptr && actor->id != kRootId) {
    if (actor->cgroup.valid()) return actor->cgroup;
    actor = table.Find(actor->parent);
  }
  return tree.cgroup();
}

// All that a child needs and that can be had before it is there.
struct Resources {
  std::unique_ptr<Actor> actor;
  ChildPlan plan;
  NamedFds to_requester;
  // Where the pidfd for the requester goes: had before the fork, so that no
  // shortage can come up after it.
  os::Fd pidfd_slot;
  int cgroup_fd = -1;
};

absl::Status MakeResources(const ChildContext& context, const Tree& tree,
                           ActorTable& table, const Actor& owner,
                           SpawnRequest& request, Resources* made) {
  proto::SpawnSpec& spec = *request.body->mutable_spec();
  made->actor = std::make_unique<Actor>();
  Actor& actor = *made->actor;
  actor.id = table.NextId();
  actor.parent = owner.id;
  actor.request_id = request.request_id;
  actor.name = spec.actor().name();
  actor.uuid = absl::BytesToHexString(spec.actor().uuid());

  ChildPlan& plan = made->plan;
  TRACTOR_ASSIGN_OR_RETURN(made->pidfd_slot, context.dev_null.Dup());
  TRACTOR_ASSIGN_OR_RETURN(auto control,
                           os::SocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK));
  actor.link = std::make_unique<Link>(std::move(control.first));
  plan.control = std::move(control.second);
  TRACTOR_RETURN_IF_ERROR(MakePipe(spec.stdout_policy(), "stdout",
                                   &plan.stdout_pipe, &made->to_requester));
  TRACTOR_RETURN_IF_ERROR(MakePipe(spec.stderr_policy(), "stderr",
                                   &plan.stderr_pipe, &made->to_requester));
  if (tree.cgroup().valid()) {
    const os::Cgroup& outer = EnclosingCgroup(tree, table, owner.id);
    // Without one of its own (a limit on depth or number) the actor is still
    // held by the enclosing one; only its strays are harder to tell.
    if (auto own = os::Cgroup::Create(outer, std::to_string(actor.id));
        own.ok()) {
      actor.cgroup = *std::move(own);
    }
    made->cgroup_fd = actor.cgroup.valid() ? actor.cgroup.fd() : outer.fd();
  }
  spec.mutable_tree()->set_value(tree.id());
  spec.set_runtime_directory(tree.runtime_directory());
  plan.tree_hex = tree.hex();
  plan.actor_hex = actor.uuid;
  plan.channel = TakeFd(request.fds, "channel");
  plan.fds = std::move(request.fds);
  plan.spec = std::move(spec);
  return absl::OkStatus();
}

void Discard(Resources& made) {
  if (made.actor != nullptr && made.actor->cgroup.valid()) {
    made.actor->cgroup.Remove().IgnoreError();
  }
}

}  // namespace

proto::Failed MakeFailed(proto::SpawnStep step, const absl::Status& status) {
  proto::Failed failed;
  failed.set_step(step);
  failed.set_errno_value(os::StatusErrno(status));
  failed.set_message(Clip(os::FromAbsl(status.message())));
  return failed;
}

std::variant<Spawned, proto::Failed> SpawnActor(ChildContext& context,
                                                const Tree& tree,
                                                ActorTable& table, Actor& owner,
                                                SpawnRequest request) {
  Spawned spawned;
  proto::SpawnTiming& timing = *spawned.forked.mutable_timing();
  StampAt(proto::STEP_REQUESTED, request.body->requested_ns(), &timing);
  StampAt(proto::STEP_RECEIVED, request.received_ns, &timing);
  if (absl::Status status = Check(tree, table, request); !status.ok()) {
    return MakeFailed(proto::STEP_CHECK, status);
  }
  Stamp(proto::STEP_CHECK, &timing);
  Resources made;
  if (absl::Status status =
          MakeResources(context, tree, table, owner, request, &made);
      !status.ok()) {
    Discard(made);
    return MakeFailed(proto::STEP_RESOURCES, status);
  }
  Stamp(proto::STEP_RESOURCES, &timing);

  const int64_t boot_ns = os::BootNanos();
  Stamp(proto::STEP_FORK, &timing);
  absl::StatusOr<os::ForkResult> fork =
      made.cgroup_fd >= 0 ? os::ForkInto(made.cgroup_fd) : os::Fork();
  if (!fork.ok()) {
    Discard(made);
    return MakeFailed(proto::STEP_FORK, fork.status());
  }
  if (fork->in_child()) {
    made.plan.timing = timing;
    made.plan.boot_ns_before_fork = boot_ns;
    RunChild(context, std::move(made.plan));
  }
  const int64_t boot_ns_after = os::BootNanos();
  if (os::Sys().dup3(fork->pidfd.fd(), made.pidfd_slot.get(), O_CLOEXEC) < 0) {
    const absl::Status status = os::ErrnoStatus(errno, "dup3(pidfd)");
    fork->pidfd.Signal(SIGKILL).IgnoreError();
    fork->pidfd.Wait().status().IgnoreError();
    Discard(made);
    return MakeFailed(proto::STEP_FORK, status);
  }
  made.actor->forked_ns = os::MonotonicNanos();
  spawned.forked.set_child_id(made.actor->id);
  spawned.forked.set_pid(fork->pid);
  spawned.forked.set_start_time(
      StartTimeBetween(boot_ns, boot_ns_after, fork->pid));
  made.actor->pidfd = std::move(fork->pidfd);
  spawned.fds = std::move(made.to_requester);
  spawned.fds.emplace_back("pidfd", std::move(made.pidfd_slot));
  spawned.actor = std::move(made.actor);
  return spawned;
}

}  // namespace tractor::forkserver
