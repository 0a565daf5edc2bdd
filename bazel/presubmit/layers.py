# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Which folder may include which: a folder is a layer, arrows go down."""

# Folder -> what it may include besides itself. The longest prefix of a path
# decides. "internal" folders are for the folder that they are in.
ARROWS = {
    "proto": [],
    "os": [],
    "runtime/task": [],
    "runtime/log": ["os"],
    "runtime/io": ["os", "runtime/task"],
    "runtime/wire": ["os", "proto", "runtime/io", "runtime/task"],
    "forkserver": ["os", "proto", "runtime/log"],
    "registrar": ["os", "proto", "runtime/log"],
    "runtime/actor": ["forkserver", "os", "proto", "registrar", "runtime"],
    # tractor.h and testing.h, which gather what is public.
    "runtime": ["runtime"],
    "tools": ["forkserver", "os", "proto", "registrar", "runtime"],
    "bench": ["forkserver", "os", "proto", "registrar", "runtime"],
    # What a user has, and nothing else.
    "examples": ["runtime/tractor.h"],
    "tests": ["examples", "forkserver", "os", "proto", "registrar", "runtime",
              "tools"],
    "bazel": [],
}

# Folder -> who may include its internal/, if not the folder alone: the runtime
# is one library in layers, and what it knows of tasks is not for its users.
# Tests may look inside of everything.
_INTERNAL_TO = {"runtime/task": "runtime"}

# Start of a <header> -> the folders that may include it.
THIRD_PARTY = {
    # Plain actors never start it.
    "grpc": ["forkserver", "registrar", "tests", "tools"],
    "boost/asio": ["bench", "runtime/io", "tests"],
}


def _layer(path):
  """The longest entry of ARROWS that path lies in, or None."""
  while path:
    if path in ARROWS:
      return path
    path = path.rpartition("/")[0]
  return None


def _below(path, folders):
  return any(path == folder or path.startswith(folder + "/")
             for folder in folders)


def _forbidden(file, header):
  """Why this file may not include this "header", or None."""
  folder, internal, _ = header.partition("/internal/")
  if internal and not _below(file.path, [_INTERNAL_TO.get(folder, folder),
                                         "tests"]):
    return f"{folder}/internal is for {folder} only"
  source, target = _layer(file.folder), _layer(header)
  if target is None or source == target:
    return None
  if source is None:
    return f"{file.folder or 'the root'} is in no layer of layers.py"
  if not _below(header, ARROWS[source]):
    return f"{source} may not include {target}"
  return None


def check(files):
  """Yields (path, line, message)."""
  for file in files:
    if not file.is_cpp:
      continue
    for line, match in file.places(r'(?m)^[ \t]*#\s*include\s*"([^"]+)"',
                                   file.text):
      why = _forbidden(file, match.group(1))
      if why:
        yield file.path, line, f'"{match.group(1)}": {why}'
    for line, match in file.places(r"(?m)^[ \t]*#\s*include\s*<([^>]+)>",
                                   file.text):
      for start, folders in THIRD_PARTY.items():
        if match.group(1).startswith(start) and not _below(
            file.path, folders):
          yield (file.path, line,
                 f"<{match.group(1)}> is for {', '.join(folders)} only")
