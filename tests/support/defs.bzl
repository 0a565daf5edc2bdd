# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Tests that start actors."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//bazel:rules.bzl", "TRACTOR_COPTS")

def tractor_actor_test(
        name,
        deps = [],
        copts = [],
        size = "medium",
        tags = [],
        **kwargs):
    """A test whose main() starts the runtime, and looks for leaks.

    Behind every test no process, zombie, descriptor, thread, file or cgroup
    may be left that was not there before. It must pass with
    TRACTOR_SPAWN_METHOD = forkserver, exec and thread.

    Args:
      name: of the test.
      deps: besides //runtime and //tests/support.
      copts: as in cc_test.
      size: as in cc_test.
      tags: as in cc_test; never sandboxed: a sandbox has no cgroups to write.
      **kwargs: srcs and the rest.
    """
    cc_test(
        name = name,
        size = size,
        copts = TRACTOR_COPTS + copts,
        tags = tags if "no-sandbox" in tags else tags + ["no-sandbox"],
        deps = deps + [
            "//bazel:sanitizer_defaults",
            "//runtime",
            "//tests/support",
            "//tests/support:actor_test_main",
            "@system//:gmock",
            "@system//:gtest",
        ],
        **kwargs
    )
