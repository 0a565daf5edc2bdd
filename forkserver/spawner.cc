// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "forkserver/birth.h"
#include "forkserver/spare.h"
#include "forkserver/timing.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fork.h"
#include "os/memfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

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
  if (tree.max_processes() != 0 &&
      table.living_actors() >= tree.max_processes()) {
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

// Names, ids and places that the tree gives.
void CompleteSpec(const Tree& tree, proto::SpawnSpec& spec) {
  spec.mutable_tree()->set_value(tree.id());
  spec.set_runtime_directory(tree.runtime_directory());
}

void Describe(const SpawnRequest& request, Actor& actor) {
  const proto::Aid& aid = request.body->spec().actor();
  actor.request_id = request.request_id;
  actor.name = aid.name();
}

std::string UuidOf(const SpawnRequest& request) {
  return absl::BytesToHexString(request.body->spec().actor().uuid());
}

// What a child needs besides its Birth, had before it is there, so that no
// shortage can come up after it.
struct Resources {
  os::Fd stdout_pipe;  // write ends
  os::Fd stderr_pipe;
  NamedFds to_requester;  // read ends, and the pidfd's place
};

absl::StatusOr<Resources> MakeResources(const proto::SpawnSpec& spec) {
  Resources made;
  TRACTOR_RETURN_IF_ERROR(MakePipe(spec.stdout_policy(), "stdout",
                                   &made.stdout_pipe, &made.to_requester));
  TRACTOR_RETURN_IF_ERROR(MakePipe(spec.stderr_policy(), "stderr",
                                   &made.stderr_pipe, &made.to_requester));
  return made;
}

Spawned MakeSpawned(const Actor& actor, const proto::SpawnTiming& timing,
                    Resources made, os::Fd pidfd) {
  Spawned spawned;
  spawned.forked.set_child_id(actor.id);
  spawned.forked.set_pid(actor.pidfd.pid());
  spawned.forked.set_start_time(actor.start_time);
  *spawned.forked.mutable_timing() = timing;
  spawned.fds = std::move(made.to_requester);
  spawned.fds.emplace_back("pidfd", std::move(pidfd));
  return spawned;
}

// Makes the spare the actor of the request. On errors nothing has happened to
// the request.
absl::StatusOr<Spawned> UseSpare(ActorTable& table, Actor& spare,
                                 SpawnRequest& request,
                                 proto::SpawnTiming timing) {
  proto::SpawnSpec& spec = *request.body->mutable_spec();
  TRACTOR_ASSIGN_OR_RETURN(os::Pidfd pidfd, spare.pidfd.Dup());
  TRACTOR_ASSIGN_OR_RETURN(Resources made, MakeResources(spec));
  Stamp(proto::STEP_RESOURCES, &timing);
  Stamp(proto::STEP_FORK, &timing);
  const size_t own_fds = request.fds.size();
  if (made.stdout_pipe.valid()) {
    request.fds.emplace_back("stdout", std::move(made.stdout_pipe));
  }
  if (made.stderr_pipe.valid()) {
    request.fds.emplace_back("stderr", std::move(made.stderr_pipe));
  }
  const absl::Status handed = HandOver(spare, spec, timing, request.fds);
  request.fds.resize(own_fds);
  TRACTOR_RETURN_IF_ERROR(handed);
  Describe(request, spare);
  spare.reported = false;
  spare.forked_ns = os::MonotonicNanos();
  table.Promote(spare, UuidOf(request));
  Spawned spawned =
      MakeSpawned(spare, timing, std::move(made), pidfd.Release());
  spawned.promoted = &spare;
  return spawned;
}

ChildPlan MakePlan(SpawnRequest& request, Birth& birth, Resources& made,
                   const proto::SpawnTiming& timing) {
  ChildPlan plan;
  plan.timing = timing;
  plan.boot_ns_before_fork = birth.boot_ns_before;
  plan.control = std::move(birth.control);
  plan.stdout_pipe = std::move(made.stdout_pipe);
  plan.stderr_pipe = std::move(made.stderr_pipe);
  plan.channel = TakeFd(request.fds, "channel");
  plan.fds = std::move(request.fds);
  plan.spec.Swap(request.body->mutable_spec());
  return plan;
}

// What is left to do after the fork, in the parent. `slot` becomes a second
// descriptor of the child's pidfd.
absl::Status KeepChild(Birth& birth, os::ForkResult fork, const os::Fd& slot) {
  if (os::Sys().dup3(fork.pidfd.fd(), slot.get(), O_CLOEXEC) < 0) {
    const absl::Status status = os::ErrnoStatus(errno, "dup3(pidfd)");
    fork.pidfd.Signal(SIGKILL).IgnoreError();
    fork.pidfd.Wait().status().IgnoreError();
    return status;
  }
  birth.actor->forked_ns = os::MonotonicNanos();
  birth.actor->pidfd = std::move(fork.pidfd);
  return absl::OkStatus();
}

std::variant<Spawned, proto::Failed> ForkActor(
    ChildContext& context, const Tree& tree, ActorTable& table,
    const Actor& owner, SpawnRequest request, proto::SpawnTiming timing) {
  absl::StatusOr<os::Fd> slot = context.dev_null.Dup();
  if (!slot.ok()) return MakeFailed(proto::STEP_RESOURCES, slot.status());
  absl::StatusOr<Resources> made = MakeResources(request.body->spec());
  if (!made.ok()) return MakeFailed(proto::STEP_RESOURCES, made.status());
  absl::StatusOr<Birth> birth = PrepareBirth(tree, table, owner);
  if (!birth.ok()) return MakeFailed(proto::STEP_RESOURCES, birth.status());
  Describe(request, *birth->actor);
  birth->actor->uuid = UuidOf(request);
  Stamp(proto::STEP_RESOURCES, &timing);
  Stamp(proto::STEP_FORK, &timing);
  absl::StatusOr<os::ForkResult> fork = Fork(*birth);
  if (fork.ok() && fork->in_child()) {
    RunChild(context, MakePlan(request, *birth, *made, timing));
  }
  const absl::Status status =
      fork.ok() ? KeepChild(*birth, *std::move(fork), *slot) : fork.status();
  if (!status.ok()) {
    Undo(*birth);
    return MakeFailed(proto::STEP_FORK, status);
  }
  Spawned spawned =
      MakeSpawned(*birth->actor, timing, *std::move(made), *std::move(slot));
  spawned.actor = std::move(birth->actor);
  return spawned;
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
  proto::SpawnTiming timing;
  StampAt(proto::STEP_REQUESTED, request.body->requested_ns(), &timing);
  StampAt(proto::STEP_RECEIVED, request.received_ns, &timing);
  if (absl::Status status = Check(tree, table, request); !status.ok()) {
    return MakeFailed(proto::STEP_CHECK, status);
  }
  Stamp(proto::STEP_CHECK, &timing);
  CompleteSpec(tree, *request.body->mutable_spec());
  if (SpareFits(table.spare(), owner, request.body->spec())) {
    auto spawned = UseSpare(table, *table.spare(), request, timing);
    if (spawned.ok()) return *std::move(spawned);
  }
  return ForkActor(context, tree, table, owner, std::move(request),
                   std::move(timing));
}

}  // namespace tractor::forkserver
