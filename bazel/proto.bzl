# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""C++ code from .proto files, with Debian's protoc and gRPC plugin.

    tractor_cc_proto_library(
        name = "ids_cc_proto",
        srcs = ["ids.proto"],
    )

    tractor_cc_grpc_library(
        name = "registrar_cc_grpc",
        srcs = ["registrar.proto"],
        deps = [":ids_cc_proto"],
    )

Depend on them like on a cc_library and include "proto/ids.pb.h", or
"proto/registrar.grpc.pb.h". A .proto imports another by its path from the
root of its workspace. The code is compiled without our warnings.
"""

TractorProtoInfo = provider(
    "What a .proto file that imports these needs.",
    fields = {
        "roots": "depset of folders to give to protoc as -I",
        "sources": "depset of .proto files, these and all that they import",
    },
)

def _root(file, label):
    """The folder that imports of `file` are relative to."""
    if file.is_source and not label.workspace_root:
        return "."
    return "/".join([
        part
        for part in [file.root.path, label.workspace_root]
        if part
    ])

def _generate(ctx, roots, inputs):
    """Declares protoc's action; returns (sources, headers)."""
    suffixes = [".pb"] + ([".grpc.pb"] if ctx.attr.grpc else [])
    sources = []
    headers = []
    for proto in ctx.files.srcs:
        stem = proto.basename[:-len(".proto")]
        for suffix in suffixes:
            sources.append(ctx.actions.declare_file(stem + suffix + ".cc"))
            headers.append(ctx.actions.declare_file(stem + suffix + ".h"))

    out = "/".join([
        part
        for part in [ctx.bin_dir.path, ctx.label.workspace_root]
        if part
    ])
    arguments = ctx.actions.args()
    arguments.add("--cpp_out=" + out)
    if ctx.attr.grpc:
        arguments.add(
            ctx.executable._grpc_plugin,
            format = "--plugin=protoc-gen-grpc=%s",
        )
        arguments.add("--grpc_out=" + out)
    arguments.add_all(roots, format_each = "-I%s")
    arguments.add("-I/usr/include")
    arguments.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        arguments = [arguments],
        inputs = inputs,
        mnemonic = "TractorProtoc",
        outputs = sources + headers,
        progress_message = "Generating C++ from %{label}",
        tools = [ctx.executable._grpc_plugin] if ctx.attr.grpc else [],
    )
    return sources, headers

def _compile(ctx, sources, headers):
    """Compiles and archives; returns (CcInfo, files)."""
    toolchain = ctx.attr._cc_toolchain[cc_common.CcToolchainInfo]
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    libraries = ctx.attr.deps + ctx.attr._libraries
    if ctx.attr.grpc:
        libraries = libraries + ctx.attr._grpc_libraries
    infos = [dep[CcInfo] for dep in libraries]
    compilation, objects = cc_common.compile(
        name = ctx.label.name,
        actions = ctx.actions,
        cc_toolchain = toolchain,
        compilation_contexts = [info.compilation_context for info in infos],
        feature_configuration = features,
        public_hdrs = headers,
        srcs = sources,
        user_compile_flags = ["-std=c++20", "-w"],
    )
    linking, linked = cc_common.create_linking_context_from_compilation_outputs(
        name = ctx.label.name,
        actions = ctx.actions,
        cc_toolchain = toolchain,
        compilation_outputs = objects,
        disallow_dynamic_library = True,
        feature_configuration = features,
        linking_contexts = [info.linking_context for info in infos],
    )
    files = []
    if linked.library_to_link and linked.library_to_link.static_library:
        files.append(linked.library_to_link.static_library)
    if linked.library_to_link and linked.library_to_link.pic_static_library:
        files.append(linked.library_to_link.pic_static_library)
    info = CcInfo(compilation_context = compilation, linking_context = linking)
    return info, files

def _cc_proto_library_impl(ctx):
    imported = [dep[TractorProtoInfo] for dep in ctx.attr.deps]
    roots = depset(
        [_root(file, ctx.label) for file in ctx.files.srcs],
        transitive = [info.roots for info in imported],
    )
    protos = depset(
        ctx.files.srcs,
        transitive = [info.sources for info in imported],
    )
    sources, headers = _generate(ctx, roots, protos)
    cc_info, archives = _compile(ctx, sources, headers)
    return [
        DefaultInfo(files = depset(archives)),
        OutputGroupInfo(generated = depset(sources + headers)),
        TractorProtoInfo(roots = roots, sources = protos),
        cc_info,
    ]

_cc_proto_library = rule(
    implementation = _cc_proto_library_impl,
    attrs = {
        "deps": attr.label_list(providers = [TractorProtoInfo, CcInfo]),
        "grpc": attr.bool(),
        "srcs": attr.label_list(
            allow_empty = False,
            allow_files = [".proto"],
            mandatory = True,
        ),
        "_cc_toolchain": attr.label(
            default = "@bazel_tools//tools/cpp:current_cc_toolchain",
        ),
        "_grpc_libraries": attr.label_list(default = ["@system//:grpc++"]),
        "_grpc_plugin": attr.label(
            allow_single_file = True,
            cfg = "host",
            default = "@system//:grpc_cpp_plugin",
            executable = True,
        ),
        "_libraries": attr.label_list(default = ["@system//:protobuf"]),
        "_protoc": attr.label(
            allow_single_file = True,
            cfg = "host",
            default = "@system//:protoc",
            executable = True,
        ),
    },
    fragments = ["cpp"],
    provides = [TractorProtoInfo, CcInfo],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def tractor_cc_proto_library(name, srcs, deps = [], **kwargs):
    """Messages only.

    Args:
      name: also what C++ targets depend on.
      srcs: .proto files of this package.
      deps: targets of the two rules here whose files srcs import.
      **kwargs: visibility, testonly, tags.
    """
    _cc_proto_library(name = name, srcs = srcs, deps = deps, **kwargs)

def tractor_cc_grpc_library(name, srcs, deps = [], **kwargs):
    """Messages and gRPC services, in one target; arguments as above."""
    _cc_proto_library(
        name = name,
        srcs = srcs,
        grpc = True,
        deps = deps,
        **kwargs
    )
