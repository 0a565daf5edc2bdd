# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Compiles each header of a library alone, with the library's own deps.

`x.cc` begins with its own `x.h` (//bazel/presubmit checks that), so only a
header without such a source needs a file that includes it and nothing else.
"""

def _include_only_impl(ctx):
    source = ctx.actions.declare_file(ctx.attr.name + ".cc")
    ctx.actions.write(source, "#include \"{}\"\n".format(ctx.attr.header))
    return [DefaultInfo(files = depset([source]))]

_include_only = rule(
    implementation = _include_only_impl,
    attrs = {"header": attr.string(mandatory = True)},
)

def headers_alone(name, hdrs, srcs):
    """Returns what a library adds to its srcs.

    Args:
      name: the library's.
      hdrs: the library's; of a select() nothing is known, and nothing done.
      srcs: the library's.

    Returns:
      A select() of generated sources. Only the default configuration of this
      workspace has them: once is enough.
    """
    if type(hdrs) != "list" or type(srcs) != "list":
        return []
    sources = []
    for header in hdrs:
        stem = header[:-len(".h")].replace("/", "_")
        if not header.endswith(".h") or header.startswith("//"):
            continue
        if header[:-len(".h")] + ".cc" in srcs:
            continue
        stub = "{}_{}_alone".format(name, stem)
        _include_only(
            name = stub,
            header = native.package_name() + "/" + header,
            tags = ["manual"],
            visibility = ["//visibility:private"],
        )
        sources.append(stub)
    return select({
        str(Label("//bazel:headers_alone")): sources,
        "//conditions:default": [],
    })
