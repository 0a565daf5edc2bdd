# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Examples: each is built, run and compared, and leaves nothing behind."""

load("//bazel:rules.bzl", "tractor_cc_binary")

ALL_BACKENDS = ["forkserver", "exec", "thread"]

def tractor_example(name, deps = [], size = "small"):
    """The program NAME.cc, and NAME_test, which runs it on each backend.

    What it prints on stdout and stderr, and its exit code, are compared with
    golden/NAME.txt; then no process, no file and no cgroup of it may be left
    (run_example_test.sh). Where a backend makes a difference that can be seen,
    golden/NAME.BACKEND.txt is there for it.

    Args:
      name: of NAME.cc and golden/NAME.txt.
      deps: besides //runtime.
      size: of the test.
    """
    tractor_cc_binary(
        name = name,
        srcs = [name + ".cc"],
        deps = ["//runtime"] + deps,
    )
    golden = "golden/{}.txt".format(name)
    native.sh_test(
        name = name + "_test",
        size = size,
        srcs = ["run_example_test.sh"],
        args = [
            "$(rootpath :{})".format(name),
            "$(rootpath {})".format(golden),
        ] + ALL_BACKENDS,
        data = native.glob(["golden/{}.*txt".format(name)]) + [
            "tree_check.sh",
            ":" + name,
        ],
        # The sandbox makes /sys/fs/cgroup read-only.
        tags = ["no-sandbox"],
    )
