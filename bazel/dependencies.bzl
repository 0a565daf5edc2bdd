# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Every repository that tractor needs; call it from your WORKSPACE."""

load("//bazel:system.bzl", "system_repository")
load("//bazel/shims:shim.bzl", "shim_repository")

# What @bazel_tools loads, and would download.
_SHIMS = {
    "remote_coverage_tools": {
        Label("//bazel/shims:remote_coverage_tools.BUILD"): "BUILD",
    },
    "rules_cc": {
        Label("//bazel/shims:rules_cc.BUILD"): "cc/BUILD",
        Label("//bazel/shims:rules_cc_defs.bzl"): "cc/defs.bzl",
    },
    "rules_java": {
        Label("//bazel/shims:empty.BUILD"): "java/BUILD",
        Label("//bazel/shims:rules_java_defs.bzl"): "java/defs.bzl",
    },
}

def tractor_dependencies():
    """Declares what is not declared yet, so that yours win over ours."""
    known = native.existing_rules()
    for name, files in _SHIMS.items():
        if name not in known:
            shim_repository(name = name, files = files)
    if "system" not in known:
        system_repository(name = "system")
