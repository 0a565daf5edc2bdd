# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""The files of this workspace, as the checks want to see them."""

import functools
import os
import re

# Neither sources of ours nor worth a look.
_SKIPPED_FOLDERS = {".git", ".cache", "__pycache__", "node_modules"}

# Comments, strings and characters, so that a rule can look at code alone.
_NOT_CODE = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


class SourceFile:
  """One file: where it is, its text, and its text without comments."""

  def __init__(self, path, text):
    self.path = path  # From the root of the workspace, with '/'.
    self.text = text

  @property
  def lines(self):
    return self.text.splitlines()

  @property
  def folder(self):
    return os.path.dirname(self.path)

  @property
  def is_cpp(self):
    return self.path.endswith((".h", ".cc"))

  @property
  def is_test(self):
    """A test, or code that only tests have."""
    stem = os.path.splitext(os.path.basename(self.path))[0]
    return (stem.endswith("_test") or self.path.startswith("tests/")
            or "/testing/" in self.path)

  @functools.cached_property
  def code(self):
    """The text with comments and strings blanked, line numbers kept."""

    def blank(match):
      found = match.group(0)
      if found.startswith("/"):
        return re.sub(r"[^\n]", " ", found)
      return '""' + "\n" * found.count("\n")

    return _NOT_CODE.sub(blank, self.text)

  def places(self, pattern, text=None):
    """Yields (line number, match) of a pattern in the code."""
    text = self.code if text is None else text
    for match in re.finditer(pattern, text):
      yield text.count("\n", 0, match.start()) + 1, match


def read_tree(root):
  """All text files below root, sorted by path."""
  files = []
  for folder, folders, names in os.walk(root):
    folders[:] = sorted(
        name for name in folders
        if name not in _SKIPPED_FOLDERS and not name.startswith("bazel-"))
    for name in sorted(names):
      path = os.path.join(folder, name)
      if os.path.islink(path) or not os.path.isfile(path):
        continue
      try:
        with open(path, encoding="utf-8") as file:
          text = file.read()
      except UnicodeDecodeError:
        continue  # A fuzzing corpus, a picture.
      files.append(SourceFile(os.path.relpath(path, root), text))
  return files
