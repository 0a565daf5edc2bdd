// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What the actors of the forkserver's tests do. A program is a line of words in
// SpawnSpec.runtime_variables:
//
// - exit N: ends at once with that code;
// - raise N: raises that signal, at its default action;
// - dump: raises SIGABRT with a core limit, in its directory;
// - print TEXT: to stdout and stderr, through buffered stdio; exits with 0;
// - echo: sends back what comes on the channel, until EOF;
// - hang: waits for ever, deaf to SIGTERM and to EOF;
// - report: tells about itself on the channel, one "key value" a line;
// - strays N: makes N processes (setsid, double fork), then echoes;
// - strays-hidden N: the same, executed with an empty environment;
// - strays-leave N: the same as strays, then exits with 0;
// - chain N: a stray with a child with a child ..., N deep;
// - tree D B S: spawns B actors, each of which does so D - 1 times; the leaves
//   have S strays. Says "ready" when all below is;
// - parent LINE: spawns one actor that runs LINE, then echoes; says "child PID"
//   when it is there (and ready, if it hangs);
// - owner N: lets N actors come and go, one after another, says "ready", then
//   echoes;
// - wedged-owner N: spawns N actors; when something comes on the channel, lets
//   them all end and never reads what it is told about them;
// - deaf-owner N: requests N spawns of "exit 0" and never reads an answer;
// - hang-up LINE: like parent, then closes its control socket;
// - accept N: says "ready"; to each of N actors that connect to it, "hello
// WHO",
//   with their name; then echoes;
// - reach NAME: connects to that actor; says what it is told, or "failed
// ERRNO";
//   then echoes;
// - kill-request ID: asks to kill that actor, says "failed ERRNO" or "done";
// - close-request: asks to close the tree, says the same.
//
// Strays ignore SIGTERM, SIGINT and SIGHUP. Every process of these has an alarm
// of two minutes, so that a failed test leaves nothing for long.

#ifndef TRACTOR_FORKSERVER_TESTING_CHILD_PROGRAMS_H_
#define TRACTOR_FORKSERVER_TESTING_CHILD_PROGRAMS_H_

#include <string>

#include "forkserver/child_start.h"
#include "proto/spawn.pb.h"

namespace tractor::forkserver::testing {

// The ChildEntry of the tests.
int RunProgram(ChildStart start);

// A spec with a fresh uuid that runs `program`.
proto::SpawnSpec MakeSpec(const std::string& name, const std::string& program);

// Makes processes that nobody waits for, each in a session of its own.
void MakeStrays(int count, bool hidden);

}  // namespace tractor::forkserver::testing

#endif  // TRACTOR_FORKSERVER_TESTING_CHILD_PROGRAMS_H_
