# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""The C++ rules with this project's compile options.

Use them like cc_library, cc_test and cc_binary. Generated and foreign code
does not go through them, so a warning in it breaks nothing.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load("//bazel:headers.bzl", "headers_alone")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wunused-parameter",
    "-Wvla",
]

# Understood by clang only.
_CLANG_WARNINGS = [
    "-Wimplicit-fallthrough",
    "-Wrange-loop-analysis",
    "-Wthread-safety",
]

# What g++-12 reports is often no fault, in std::string and in coroutine
# frames above all when it optimises: seen, not fatal. clang decides.
_GCC_WARNINGS = [
    "-Wno-error=array-bounds",
    "-Wno-error=dangling-pointer",
    "-Wno-error=maybe-uninitialized",
    "-Wno-error=restrict",
    "-Wno-error=stringop-overflow",
    "-Wno-error=use-after-free",
    # Asio has fences, which ThreadSanitizer does not understand.
    "-Wno-tsan",
]

# Labels, not words: a macro's words would be looked up where it is called.
_GCC = str(Label("//bazel:gcc"))
_FUZZ = str(Label("//bazel:fuzz"))
_REPLAY_MAIN = str(Label("//bazel:fuzz_replay_main"))
_DEFAULTS = [str(Label("//bazel:sanitizer_defaults"))]

TRACTOR_COPTS = ["-std=c++20"] + _WARNINGS + select({
    _GCC: _GCC_WARNINGS,
    "//conditions:default": _CLANG_WARNINGS,
})

def tractor_cc_library(name, copts = [], hdrs = [], srcs = [], **kwargs):
    """A cc_library of this project, each header of which compiles alone."""
    cc_library(
        name = name,
        hdrs = hdrs,
        srcs = srcs + headers_alone(name, hdrs, srcs),
        copts = TRACTOR_COPTS + copts,
        # Nobody wants its shared library, which `build //...` would link.
        linkstatic = True,
        **kwargs
    )

def tractor_cc_binary(name, copts = [], deps = [], **kwargs):
    """A cc_binary of this project."""
    cc_binary(
        name = name,
        copts = TRACTOR_COPTS + copts,
        deps = deps + _DEFAULTS,
        **kwargs
    )

def tractor_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    """A cc_test of this project; GoogleTest and its main come with it."""
    cc_test(
        name = name,
        size = size,
        copts = TRACTOR_COPTS + copts,
        deps = deps + _DEFAULTS + [
            "@system//:gmock",
            "@system//:gtest_main",
        ],
        **kwargs
    )

def tractor_cc_fuzz_test(name, corpus, deps = [], copts = [], **kwargs):
    """A libFuzzer target that is a test of its corpus everywhere else.

    bazel test //a:b_fuzzer replays the corpus;
    bazel run --config=fuzz //a:b_fuzzer -- -max_total_time=60 /tmp/new $PWD/a/corpus
    looks for more, and puts what it finds into the first folder, which has to
    be there. srcs define LLVMFuzzerTestOneInput.

    Args:
      name: ends in _fuzzer.
      corpus: list of files, glob(["corpus/**"]).
      deps: as in cc_test.
      copts: as in cc_test.
      **kwargs: srcs and the rest.
    """
    cc_test(
        name = name,
        size = "small",
        args = select({
            # Given files, libFuzzer would run those and end.
            _FUZZ: [],
            "//conditions:default": [
                "$(rootpath {})".format(file)
                for file in corpus
            ],
        }),
        copts = TRACTOR_COPTS + copts,
        data = corpus,
        linkopts = select({
            _FUZZ: ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + _DEFAULTS + select({
            _FUZZ: [],
            "//conditions:default": [_REPLAY_MAIN],
        }),
        **kwargs
    )
