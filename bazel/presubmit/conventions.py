# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Rules of CONTRIBUTING.md that a machine can check."""

import os
import re

_LICENSE = ("Copyright 2026 The tractor authors. "
            "SPDX-License-Identifier: Apache-2.0")
_LICENSED = (".h", ".cc", ".proto", ".py", ".sh", ".bzl", "BUILD.bazel",
             "WORKSPACE", "bazelw", ".ci/run")
_MAX_LINES = 400

# Folders some of whose targets users may depend on (docs/design.md, folders).
_PUBLIC = {"", "bazel", "bazel/shims", "forkserver", "registrar", "runtime",
           "tools"}

# Exceptions say why: "// Allowed: the reason".
# Pattern in code, message, does it apply to this file?
_PATTERNS = [
    (r"\bcatch\s*\(\s*\.\.\.\s*\)|\buncaught_exceptions?\b",
     "only runtime/task/internal decides what becomes of any exception",
     lambda file: not file.path.startswith("runtime/task/internal/") and
     not (file.is_test and file.path.startswith(("runtime/task/", "tests/")))),
    (r"(?<![\w.>])(?:sleep|usleep|nanosleep|clock_nanosleep|sleep_for|"
     r"sleep_until)\s*\(",
     "a test waits for what it needs, never for time to pass",
     # The helpers that look until it is there, and have a deadline.
     lambda file: file.is_test and
     not file.path.startswith("tests/support/") and
     "/testing/" not in file.path),
    # Signal 0 asks, and does nothing.
    (r"(?<![\w.>])(?:kill|killpg|tkill|tgkill|sigqueue)\s*\("
     r"(?![^;{}]*,\s*0\s*\))",
     "signal a pidfd or a cgroup: a pid may be somebody else's by now",
     lambda file: not file.path.startswith("os/")),
]


def _license(file):
  if file.path.endswith(_LICENSED) and not any(
      _LICENSE in line for line in file.lines[:2]):
    yield 1, "begins without the licence line"


def _length(file):
  if (file.is_cpp and len(file.lines) > _MAX_LINES and
      not re.search(r"(?m)^// Long: \S", "\n".join(file.lines[:30]))):
    yield (_MAX_LINES + 1,
           f"{len(file.lines)} lines: split it, or begin it with "
           "'// Long: the reason'")


def _unfinished(file):
  for line, match in file.places(r"\b(TO" r"DO|FIX" r"ME)\b", file.text):
    yield line, f"{match.group(1)}: do it, or write an issue"


def _guard(file):
  if not file.path.endswith(".h"):
    return
  guard = "TRACTOR_" + re.sub(r"[^A-Z0-9]", "_", file.path.upper()) + "_"
  if f"#ifndef {guard}\n#define {guard}\n" not in file.text:
    yield 1, f"the header guard should be {guard}"


def _own_header_first(file):
  """So that each header with a source is compiled with nothing before it."""
  header = file.path[:-len(".cc")] + ".h"
  if not file.path.endswith(".cc") or header not in file.siblings:
    return
  first = re.search(r'(?m)^\s*#\s*include\s*([<"][^>"]+[>"])', file.text)
  if not first or first.group(1) != f'"{header}"':
    yield 1, f'should include "{header}" before anything else'


def _patterns(file):
  if not file.is_cpp:
    return
  lines = [""] + file.lines
  for pattern, message, applies in _PATTERNS:
    if not applies(file):
      continue
    for line, match in file.places(pattern):
      # On the same line or the one above, with a reason.
      if not re.search(r"// Allowed: \S", lines[line - 1] + lines[line]):
        yield line, f"{match.group(0)}: {message}"


def _visibility(file):
  if file.path.endswith("BUILD.bazel") and file.folder not in _PUBLIC:
    for line, _ in file.places(r'(?m)^[^#\n]*"//visibility:public"',
                               file.text):
      yield line, "public is what users need: //:__subpackages__ at most here"


def _loads_cc_rules(file):
  """So that a Bazel that has no C++ rules of its own can read it."""
  if not file.path.endswith((".bzl", ".bazel")):
    return
  # Quotation marks are escaped in the text of a generated BUILD file.
  loaded = "".join(re.findall(
      r'(?s)load\(\s*"@rules_cc//cc:defs\.bzl"(.*?)\)',
      file.text.replace('\\"', '"')))
  for line, match in file.places(
      r"(?<![\w.])(?:native\.)?(cc_(?:library|test|binary|import))\(",
      file.text):
    if f'"{match.group(1)}"' not in loaded:
      yield line, f"{match.group(1)}: load it from @rules_cc//cc:defs.bzl"


def _shell_sleep(file):
  if file.path.endswith("_test.sh"):
    for line, _ in file.places(r"(?m)^[^#\n]*\bsleep\s+[0-9.$]", file.text):
      yield line, "a test waits for what it needs, never for time to pass"


_RULES = [_license, _length, _unfinished, _guard, _own_header_first,
          _patterns, _visibility, _loads_cc_rules, _shell_sleep]


def _quotations(files):
  """A block that begins with ```cpp PATH shows that file, as it is now."""
  texts = {file.path: file.text for file in files}
  for file in files:
    if not file.path.endswith(".md"):
      continue
    for line, match in file.places(r"(?ms)^```\w+ (\S+)\n(.*?)^```$",
                                   file.text):
      if texts.get(match.group(1)) != match.group(2):
        yield file.path, line, f"does not show {match.group(1)} as it is"


def _readmes(files):
  paths = {file.path for file in files}
  for path in sorted(paths):
    folder, name = os.path.split(path)
    if name == "BUILD.bazel" and os.path.join(folder, "README.md") not in paths:
      yield path, 1, "its folder has no README.md"


def check(files):
  """Yields (path, line, message)."""
  paths = {file.path for file in files}
  for file in files:
    file.siblings = paths
    for rule in _RULES:
      for line, message in rule(file):
        yield file.path, line, message
  yield from _quotations(files)
  yield from _readmes(files)
