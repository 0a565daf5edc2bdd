# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""conformance.py [--write]: docs/conformance.md, made of the tests.

A test of scenario C-012 is called C012_WhatIsSo, one of two scenarios
C010_C011_WhatIsSo. --write also takes `missing` away from scenarios that have
tests now. Without it: compares, and prints what is wrong; exit code 1 if
anything.
"""

import difflib
import os
import pathlib
import re
import sys

_ROOT = str(pathlib.Path(__file__).resolve().parents[2])
sys.path.append(os.path.join(_ROOT, "bazel/presubmit"))
import source_tree  # pylint: disable=wrong-import-position

SCENARIOS = "tests/semantics/scenarios.txt"
TABLE = "docs/conformance.md"
BACKENDS = ("forkserver", "exec", "thread")
_COMMAND = "python3 tests/semantics/conformance.py --write"

_HEAD = f"""\
<!-- Made by `{_COMMAND}`; do not edit. -->
# Which test shows which scenario

The scenarios are in `{SCENARIOS}`; which test shows one, its name says.
`yes`: runs on that spawn backend; `no`: is skipped there, for the reason in the
note; `any`: starts no actor, so that the backend does not matter. A test is
given as `--test_filter` wants it: `*/Suite.Name/*` is all its parameter sets.
"""
_COLUMNS = ("scenario", "what", "test") + BACKENDS + ("note",)

# One or more string literals, one after another.
_STRINGS = r'((?:"(?:\\.|[^"\\])*"\s*)+)'


class Scenario:
  """One entry of the data file."""

  def __init__(self, number, what, section, line):
    self.number = number  # "012"
    self.what = what
    self.section = section
    self.line = line
    self.note = ""
    self.reason = ""
    self.missing = 0  # The line that says so.


class NumberedTest:
  """One test that has numbers in its name."""

  def __init__(self, path, line, name, numbers):
    self.path = path
    self.line = line
    self.name = name
    self.numbers = numbers
    self.starts_actors = False
    self.skips = {}  # Backend -> reason.
    self.may_skip = []  # Reasons that do not depend on the backend.


def parse_scenarios(text):
  """The scenarios in order, and what is wrong with the file."""
  scenarios, problems, section, last = [], [], "", ""
  for line, content in enumerate(text.splitlines(), 1):
    entry = re.fullmatch(r"C-(\d{3}) (\S.*)", content)
    attribute = re.fullmatch(r"  (note|reason): (\S.*)", content)
    if not content or content.startswith("#"):
      continue
    if re.fullmatch(r"\[.+\]", content):
      section = content[1:-1]
    elif entry:
      if scenarios and entry.group(1) <= scenarios[-1].number:
        problems.append((SCENARIOS, line, f"C-{entry.group(1)} comes again, "
                         "or behind a larger one"))
      scenarios.append(Scenario(*entry.groups(), section, line))
      last = "what"
    elif attribute and scenarios:
      last = attribute.group(1)
      setattr(scenarios[-1], last, attribute.group(2))
    elif content == "  missing" and scenarios:
      scenarios[-1].missing = line
    elif re.match(r"    \S", content) and scenarios:
      joined = getattr(scenarios[-1], last) + " " + content.strip()
      setattr(scenarios[-1], last, joined)
    else:
      problems.append((SCENARIOS, line, f"cannot be understood: {content}"))
  return scenarios, problems


def _rules_with(path, builds):
  """The names of the Bazel rules that have this file among their sources."""
  folder, name = os.path.split(path)
  build = builds.get(os.path.join(folder, "BUILD.bazel"), "")
  return {rule for rule, body in re.findall(r"(?ms)^(\w+)\(\n(.*?)^\)", build)
          if f'"{name}"' in body}


def _numbers(name):
  """The numbers that a test's name begins with, and whether they are sound."""
  front = re.match(r"(?:C\d{3}_)*", name).group(0)
  rest = name[len(front):]
  sound = rest and not re.search(r"(?:^|_)C\d{2}", rest)
  return re.findall(r"\d{3}", front), sound


def _end_of(lines, first):
  """The line behind the function that begins in this one, from 0.

  As clang-format leaves it: in one line, or up to the brace at its beginning.
  """
  for line in range(first, len(lines)):
    if lines[line] == "}" or (lines[line].endswith("}") and line == first):
      return line + 1
  return len(lines)


def _joined(strings):
  return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', strings))


def _read_skips(test, source, code, problems):
  """Puts into the test what its body says about being skipped.

  Both are the lines of the body; comments and strings are blank in `code`.
  """
  for offset, line in enumerate(code):
    rest = "\n".join(source[offset:])
    if "SKIP_ON_BACKEND" in line:
      skip = re.search(r"SKIP_ON_BACKEND\(\s*(\w+)\s*,\s*" + _STRINGS + r"\)",
                       rest)
      if skip and skip.group(1) in BACKENDS:
        test.skips[skip.group(1)] = _joined(skip.group(2))
      else:
        problems.append((test.path, test.line + offset,
                         "which backend, and for which reason?"))
    elif "GTEST_SKIP" in line:
      why = re.search(r"GTEST_SKIP\(\)\s*<<\s*" + _STRINGS, rest)
      test.may_skip.append(
          _joined(why.group(1)).rstrip(": ") if why else "see there")


def _tests_of(file, builds, problems):
  source, code = file.text.split("\n"), file.code.split("\n")
  found, seen = [], set()
  for line, match in file.places(
      r"(?m)^(?:TYPED_)?TEST(_[FP])?\(\s*(\w+)\s*,\s*(\w+)\s*\)"):
    kind, suite, name = match.groups()
    end = _end_of(code, line - 1 + match.group(0).count("\n"))
    seen.update(range(line, end + 1))
    numbers, sound = _numbers(name.removeprefix("DISABLED_"))
    if not sound:
      problems.append((file.path, line, f"{name}: a scenario's number is C "
                       "and three digits, in front of the name"))
    elif numbers and "DISABLED_" in suite + name:
      problems.append((file.path, line, f"{name} is disabled"))
    elif numbers:
      full = f"{suite}.{name}"
      test = NumberedTest(file.path, line,
                          f"*/{full}/*" if kind == "_P" else full, numbers)
      _read_skips(test, source[line - 1:end], code[line - 1:end], problems)
      found.append(test)
  if found:
    rules = _rules_with(file.path, builds)
    if not rules:
      problems.append((file.path, 1, "no rule of its BUILD.bazel has it"))
    for test in found:
      test.starts_actors = "tractor_actor_test" in rules
    for line, _ in file.places("SKIP_ON_BACKEND"):
      if line not in seen:
        problems.append((file.path, line, "a skip that the table cannot see: "
                         "put it into the body of the test"))
  return found


def find_tests(files):
  """All tests with numbers, and what is wrong with them."""
  builds = {file.path: file.text for file in files
            if file.path.endswith("BUILD.bazel")}
  tests, problems = [], []
  for file in files:
    if file.path.endswith("_test.cc"):
      tests += _tests_of(file, builds, problems)
  for test in tests:
    if test.skips.keys() == set(BACKENDS):
      problems.append((test.path, test.line,
                       f"{test.name} is skipped on every backend"))
  return tests, problems


def by_number(tests):
  """Number -> its tests."""
  table = {}
  for test in tests:
    for number in test.numbers:
      table.setdefault(number, []).append(test)
  return table


def without_missing(text, scenarios, tested):
  """The data file without `missing` where there is a test."""
  gone = {scenario.missing for scenario in scenarios
          if scenario.number in tested}
  return "".join(content for line, content
                 in enumerate(text.splitlines(keepends=True), 1)
                 if line not in gone)


def check(scenarios, tests):
  """Yields what is wrong between the two: (path, line, message)."""
  known = {scenario.number for scenario in scenarios}
  for test in tests:
    for number in test.numbers:
      if number not in known:
        yield test.path, test.line, f"there is no C-{number} in {SCENARIOS}"
  tested = by_number(tests)
  for scenario in scenarios:
    has = [test.name for test in tested.get(scenario.number, [])]
    has += ["a reason"] if scenario.reason else []
    has += ["'missing'"] if scenario.missing else []
    if not has:
      yield (SCENARIOS, scenario.line,
             f"C-{scenario.number} has neither a test nor a reason")
    elif len(has) > 1 and (scenario.reason or scenario.missing):
      yield (SCENARIOS, scenario.line,
             f"C-{scenario.number} has more than one of: {', '.join(has)}")


def _row(cells):
  return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _test_row(scenario, test, first):
  notes = [scenario.note] if first and scenario.note else []
  notes += [f"{backend}: {test.skips[backend]}" for backend in BACKENDS
            if backend in test.skips]
  notes += [f"may be skipped: {why}" for why in test.may_skip]
  runs = ["any"] * 3
  if test.starts_actors:
    runs = ["no" if backend in test.skips else "yes" for backend in BACKENDS]
  link = f"[{os.path.basename(test.path)}](../{test.path})"
  return _row([f"C-{scenario.number}", scenario.what if first else "",
               f"{link}: `{test.name}`"] + runs + ["; ".join(notes)])


def _rows(scenario, tests):
  if tests:
    return [_test_row(scenario, test, test is tests[0]) for test in tests]
  notes = [note for note in (scenario.reason, scenario.note) if note]
  return [_row([f"C-{scenario.number}", scenario.what,
                "none" if scenario.reason else "**missing**", "", "", "",
                "; ".join(notes)])]


def render(scenarios, tests):
  """The text of docs/conformance.md."""
  tested = by_number(tests)
  lines, section, counts = [], "", {"tested": 0, "excused": 0, "missing": 0}
  for scenario in scenarios:
    if scenario.section != section:
      section = scenario.section
      lines += ["", f"## {section}", "", _row(_COLUMNS),
                "|---" * len(_COLUMNS) + "|"]
    own = tested.get(scenario.number, [])
    lines += _rows(scenario, own)
    counts["tested" if own else
           "excused" if scenario.reason else "missing"] += 1
  total = (f"Of {len(scenarios)} scenarios {counts['tested']} have tests, "
           f"{counts['excused']} a reason why they have none, "
           f"{counts['missing']} are missing.")
  return "\n".join([_HEAD, total] + lines) + "\n"


def _read(path):
  if not os.path.exists(path):
    return ""
  with open(path, encoding="utf-8") as file:
    return file.read()


def _write(path, text):
  with open(path, "w", encoding="utf-8") as file:
    file.write(text)


def main(arguments, root=_ROOT):
  if arguments not in ([], ["--write"]):
    print(__doc__)
    return 2
  data = os.path.join(root, SCENARIOS)
  scenarios, problems = parse_scenarios(_read(data))
  tests, more = find_tests(source_tree.read_tree(root))
  if arguments:
    _write(data, without_missing(_read(data), scenarios, by_number(tests)))
    scenarios, problems = parse_scenarios(_read(data))
  problems += more + list(check(scenarios, tests))
  print(f"{len(scenarios)} scenarios, {len(tests)} tests with numbers, in "
        f"{root}")
  if not scenarios or not tests:
    problems.append((SCENARIOS, 1, "nothing at all: this is no workspace"))
  for path, line, message in sorted(problems):
    print(f"{path}:{line}: {message}")
  wanted, path = render(scenarios, tests), os.path.join(root, TABLE)
  if arguments:
    _write(path, wanted)
  diff = list(difflib.unified_diff(
      _read(path).splitlines(), wanted.splitlines(), TABLE, "the tests",
      lineterm="", n=0))
  print("\n".join(diff))
  if diff:
    print(f"To repair it: {_COMMAND}")
  return 1 if problems or diff else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv[1:]))
