# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""check.py {format|layers|conventions} FILE: one check of a whole workspace.

FILE is any file of the workspace's root; a link to it, as Bazel makes them,
will do. Prints what is wrong as path:line: message; exit code 1 if anything.
"""

import os
import subprocess
import sys

import conventions
import layers
import source_tree

_CLANG_FORMAT = "clang-format-19"


def _format(root, files):
  paths = [file.path for file in files if file.is_cpp]
  if not paths:
    return 0
  result = subprocess.run(
      [_CLANG_FORMAT, "--dry-run", "-Werror", "--ferror-limit=1"] + paths,
      cwd=root, check=False, stderr=subprocess.STDOUT)
  if result.returncode != 0:
    print(f"To repair it: {_CLANG_FORMAT} -i FILE...")
  return result.returncode


def _report(problems):
  count = 0
  for path, line, message in sorted(problems):
    print(f"{path}:{line}: {message}")
    count += 1
  return 1 if count else 0


def main(arguments):
  kind, anchor = arguments
  root = os.path.dirname(os.path.realpath(anchor))
  files = source_tree.read_tree(root)
  sources = sum(file.is_cpp for file in files)
  print(f"{kind}: {len(files)} files, {sources} of them C++, in {root}")
  if sources == 0:
    print("No C++ file at all: this is not the workspace.")
    return 1
  if kind == "format":
    return _format(root, files)
  return _report({"layers": layers, "conventions": conventions}[kind].check(
      files))


if __name__ == "__main__":
  sys.exit(main(sys.argv[1:]))
