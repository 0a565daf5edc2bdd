// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
// The sanitizers' options, compiled in: a file named by TSAN_OPTIONS would
// not be found by an actor that has another working directory.

extern "C" {

const char* __asan_default_options() {
  // Debian's abseil and protobuf are not instrumented, so what they do to a
  // container that ours annotated looks like an overflow.
  return "detect_container_overflow=0:detect_stack_use_after_return=1";
}

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

const char* __tsan_default_options() {
  // die_after_fork: actors are forked, and go on to start threads.
  return "die_after_fork=0:second_deadlock_stack=1";
}

const char* __tsan_default_suppressions() {
  // What is made of Debian's archives is not instrumented: ThreadSanitizer
  // misses the locks in there and reports the accesses that it does see.
  // Nothing of our own belongs here.
  return "race:grpc::\n"
         "race:grpc_\n"
         "race:gpr_\n"
         "race:absl::lts\n"
         "mutex:grpc_\n";
}

const char* __lsan_default_suppressions() { return ""; }

}  // extern "C"
