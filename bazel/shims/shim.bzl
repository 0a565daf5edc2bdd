# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""A repository made of files of this one, wherever this one lives."""

def _shim_repository_impl(repository_ctx):
    repository_ctx.file(
        "WORKSPACE",
        "workspace(name = \"{}\")\n".format(repository_ctx.name),
    )
    for label, path in repository_ctx.attr.files.items():
        repository_ctx.symlink(label, path)

shim_repository = repository_rule(
    implementation = _shim_repository_impl,
    attrs = {
        "files": attr.label_keyed_string_dict(allow_files = True),
    },
    local = True,
)
