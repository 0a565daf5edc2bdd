# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""@system: the machine's C++ libraries, found by pkg-config, linked statically.

Static, because a gRPC program with shared libraries takes 15-25 ms from exec
to its first byte and a static one 3-6 ms, and because a fork copies fewer
mappings. glibc and the compiler's runtimes stay shared.

Labels: @system//:absl :benchmark :boost_asio :dw :glog :gmock :grpc++ :gtest
:gtest_main :program_options :protobuf, and the tools :protoc and
:grpc_cpp_plugin.
"""

# name -> what has to be there. "modules" are for pkg-config, "headers" for
# what has no .pc file, "package" is where Debian has it.
_LIBRARIES = {
    "absl": struct(
        modules = [
            "absl_any_invocable",
            "absl_base",
            "absl_bind_front",
            "absl_btree",
            "absl_cleanup",
            "absl_cord",
            "absl_flags",
            "absl_flags_parse",
            "absl_flags_usage",
            "absl_flat_hash_map",
            "absl_flat_hash_set",
            "absl_function_ref",
            "absl_hash",
            "absl_inlined_vector",
            "absl_node_hash_map",
            "absl_random_random",
            "absl_span",
            "absl_stacktrace",
            "absl_status",
            "absl_statusor",
            "absl_str_format",
            "absl_strings",
            "absl_symbolize",
            "absl_synchronization",
            "absl_time",
        ],
        header = "absl/status/status.h",
        package = "libabsl-dev",
    ),
    "benchmark": struct(
        modules = ["benchmark"],
        header = "benchmark/benchmark.h",
        package = "libbenchmark-dev",
    ),
    "boost_asio": struct(
        modules = [],
        header = "boost/asio.hpp",
        package = "libboost1.81-dev",
        defines = ["BOOST_ASIO_NO_DEPRECATED"],
        libs = ["-pthread"],
    ),
    "dw": struct(
        modules = ["libdw"],
        header = "elfutils/libdwfl.h",
        package = "libdw-dev",
    ),
    "glog": struct(
        modules = ["libglog"],
        header = "glog/logging.h",
        package = "libgoogle-glog-dev",
    ),
    "gmock": struct(
        modules = ["gmock"],
        header = "gmock/gmock.h",
        package = "libgmock-dev",
        deps = [":gtest"],
    ),
    "grpc++": struct(
        modules = ["grpc++"],
        header = "grpcpp/grpcpp.h",
        package = "libgrpc++-dev",
        deps = [":protobuf"],
    ),
    "grpc++_reflection": struct(
        modules = [],
        header = "grpcpp/ext/proto_server_reflection_plugin.h",
        package = "libgrpc++-dev",
        libs = ["-lgrpc++_reflection"],
        deps = [":grpc++"],
        # It registers itself by a static initialiser that nothing refers to.
        whole_archive = True,
    ),
    "gtest": struct(
        modules = ["gtest"],
        header = "gtest/gtest.h",
        package = "libgtest-dev",
    ),
    "gtest_main": struct(
        modules = ["gtest_main"],
        header = "gtest/gtest.h",
        package = "libgtest-dev",
        deps = [":gtest"],
    ),
    "program_options": struct(
        modules = [],
        header = "boost/program_options.hpp",
        package = "libboost-program-options1.81-dev",
        libs = ["-lboost_program_options"],
    ),
    "protobuf": struct(
        modules = ["protobuf"],
        header = "google/protobuf/message.h",
        package = "libprotobuf-dev",
    ),
}

# Debian's libunwind.a is not position independent. The shared one brings its
# own _Unwind_RaiseException, slower than the compiler's: that has to be found
# first.
#
# Debian's libbenchmark has no archive at all.
_SHARED_ONLY = {
    "-lbenchmark": ["-lbenchmark"],
    "-lunwind": ["-lgcc_s", "-lunwind"],
}

_TOOLS = {
    "grpc_cpp_plugin": "protobuf-compiler-grpc",
    "protoc": "protobuf-compiler",
}

def _fail(what, package, detail = ""):
    fail(("tractor: {what} is missing; it is in the Debian package " +
          "'{package}'. './bazelw' installs everything that is needed, or: " +
          "apt-get install {package}\n{detail}").format(
        detail = detail,
        package = package,
        what = what,
    ))

def _pkg_config(repository_ctx, library):
    if not library.modules:
        return []
    tool = repository_ctx.which("pkg-config")
    if not tool:
        _fail("pkg-config", "pkgconf")
    result = repository_ctx.execute(
        [tool, "--static", "--libs"] + library.modules,
    )
    if result.return_code != 0:
        _fail(", ".join(library.modules), library.package, result.stderr)
    return result.stdout.split(" ")

def _static_libraries(repository_ctx, words, package):
    """Turns each -lx into the path of libx.a.

    The last of equal words stays: an archive comes after all who need it.
    """
    archives = []
    shared = []
    for word in reversed([word.strip() for word in words]):
        if word in ["-pthread", "-lpthread"]:
            if "-pthread" not in shared:
                shared.append("-pthread")
        elif word.startswith("-l"):
            # In glibc since 2.34, or not needed on x86-64 and arm64.
            if word in ["-ldl", "-lrt", "-latomic", "-lm"]:
                continue
            if word in _SHARED_ONLY:
                if word not in shared:
                    shared.extend(_SHARED_ONLY[word])
                continue
            path = None
            for folder in repository_ctx.attr.folders:
                candidate = "{}/lib{}.a".format(folder, word[2:])
                if not path and repository_ctx.path(candidate).exists:
                    path = candidate
            if not path:
                _fail("lib{}.a".format(word[2:]), package)
            if path not in archives:
                archives.append(path)
    return reversed(archives), shared

def _library_rule(repository_ctx, name, library):
    header = "/usr/include/" + library.header
    if not repository_ctx.path(header).exists:
        _fail(header, library.package)
    archives, shared = _static_libraries(
        repository_ctx,
        _pkg_config(repository_ctx, library) + getattr(library, "libs", []),
        library.package,
    )
    linkopts = []
    if archives and getattr(library, "whole_archive", False):
        archives = ["--whole-archive"] + archives + ["--no-whole-archive"]
    if archives:
        # One word, so that Bazel neither reorders nor deduplicates its parts.
        linkopts.append("-Wl," + ",".join(
            ["--start-group"] + archives + ["--end-group"],
        ))
    return """
cc_library(
    name = {name},
    defines = {defines},
    linkopts = {linkopts},
    deps = {deps},
)
""".format(
        defines = repr(getattr(library, "defines", [])),
        deps = repr(getattr(library, "deps", [])),
        linkopts = repr(linkopts + shared),
        name = repr(name),
    )

def _system_repository_impl(repository_ctx):
    build = [
        "load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")",
        "package(default_visibility = [\"//visibility:public\"])",
    ]
    for name, library in _LIBRARIES.items():
        build.append(_library_rule(repository_ctx, name, library))
    for name, package in _TOOLS.items():
        path = repository_ctx.which(name)
        if not path:
            _fail(name, package)
        repository_ctx.symlink(path, name)
        build.append("exports_files([{}])".format(repr(name)))
    repository_ctx.file("BUILD", "\n".join(build) + "\n")
    repository_ctx.file("WORKSPACE", "workspace(name = \"system\")\n")

system_repository = repository_rule(
    implementation = _system_repository_impl,
    attrs = {
        # Where Debian keeps archives on its 64-bit machines.
        "folders": attr.string_list(default = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib",
        ]),
    },
    # Looked at again when a server starts: packages come and go.
    local = True,
    configure = True,
)
