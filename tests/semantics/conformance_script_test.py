# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Plants tests and scenarios, and looks what becomes of them in the table."""

import contextlib
import io
import os
import tempfile
import unittest

import conformance

_BUILD = """\
package(default_visibility = ["//visibility:private"])

tractor_actor_test(
    name = "call_test",
    srcs = ["call_test.cc"],
)

tractor_cc_test(
    name = "task_test",
    srcs = ["task_test.cc"],
)
"""

_SCENARIOS = """\
# A comment.
[A. Calls]

C-001 It starts.
C-002 It stops,
    and stays so.
  note: ours does
C-003 It flies.
  reason: it has no
    wings
C-004 It swims.
  missing
"""


def _find(text, path="tests/call_test.cc"):
  return conformance.find_tests([
      conformance.source_tree.SourceFile(path, text),
      conformance.source_tree.SourceFile("tests/BUILD.bazel", _BUILD)])


class ScenariosTest(unittest.TestCase):

  def problem(self, text):
    problems = conformance.parse_scenarios(text)[1]
    self.assertEqual(len(problems), 1, problems)
    return problems[0]

  def test_everything_that_an_entry_can_have(self):
    scenarios, problems = conformance.parse_scenarios(_SCENARIOS)
    self.assertEqual(problems, [])
    self.assertEqual([scenario.number for scenario in scenarios],
                     ["001", "002", "003", "004"])
    first, second, third, fourth = scenarios
    self.assertEqual((first.section, first.what, first.line),
                     ("A. Calls", "It starts.", 4))
    self.assertEqual((second.what, second.note),
                     ("It stops, and stays so.", "ours does"))
    self.assertEqual(third.reason, "it has no wings")
    self.assertEqual([scenario.missing for scenario in scenarios],
                     [0, 0, 0, 12])

  def test_what_cannot_be_understood(self):
    for text in ["C-01 Short.", "C-0001 Long.", "C-001", "  missing",
                 "C-001 A.\n  mising", "C-001 A.\n  why: so", "    more"]:
      self.assertIn("understood", self.problem(text)[2], text)

  def test_numbers_grow(self):
    self.assertIn("C-001", self.problem("C-001 A.\nC-001 B.\n")[2])
    self.assertEqual(self.problem("C-002 A.\nC-001 B.\n")[1], 2)


class TestsTest(unittest.TestCase):

  def one(self, text, path="tests/call_test.cc"):
    tests, problems = _find(text, path)
    self.assertEqual(problems, [])
    self.assertEqual(len(tests), 1, text)
    return tests[0]

  def problem(self, text, path="tests/call_test.cc"):
    problems = _find(text, path)[1]
    self.assertEqual(len(problems), 1, problems)
    return problems[0][2]

  def test_numbers_and_names(self):
    test = self.one("\nTEST(Call, C001_Is) {\n}\n")
    self.assertEqual((test.path, test.line, test.name, test.numbers),
                     ("tests/call_test.cc", 2, "Call.C001_Is", ["001"]))
    self.assertEqual(self.one("TEST(A, C001_C012_Are) {}").numbers,
                     ["001", "012"])
    self.assertEqual(self.one("TEST_F(A, C001_Is) {}").name, "A.C001_Is")
    self.assertEqual(self.one("TEST_P(A, C001_Is) {}").name, "*/A.C001_Is/*")
    self.assertEqual(self.one("TEST(Long,\n     C001_Is) {\n}\n").numbers,
                     ["001"])

  def test_others_are_none(self):
    for text in ["TEST(Call, Works) {}", "// TEST(Call, C001_Is) {}",
                 'f("TEST(Call, C001_Is) {}");', "TEST_PROGRAM(C001_Is) {}"]:
      self.assertEqual(_find(text), ([], []), text)
    self.assertEqual(_find("TEST(A, C001_Is) {}", "tests/call.cc"), ([], []))

  def test_a_number_that_is_none(self):
    for name in ["C01_Is", "C0011_Is", "C001Is", "Is_C001", "C001_", "C001_C02",
                 "DISABLED_C01_Is"]:
      self.assertIn("three digits", self.problem(f"TEST(A, {name}) {{}}"), name)

  def test_a_disabled_test_is_none(self):
    self.assertIn("disabled", self.problem("TEST(A, DISABLED_C001_Is) {}"))
    self.assertIn("disabled", self.problem("TEST(DISABLED_A, C001_Is) {}"))
    self.assertEqual(_find("TEST(A, DISABLED_Other) {}"), ([], []))

  def test_which_start_actors(self):
    self.assertTrue(self.one("TEST(A, C001_Is) {}").starts_actors)
    self.assertFalse(
        self.one("TEST(A, C001_Is) {}", "tests/task_test.cc").starts_actors)
    self.assertIn("BUILD.bazel",
                  self.problem("TEST(A, C001_Is) {}", "tests/new_test.cc"))
    self.assertIn("BUILD.bazel",
                  self.problem("TEST(A, C001_Is) {}", "os/call_test.cc"))

  def test_skips_belong_to_their_test(self):
    tests, problems = _find(
        "TEST(A, C001_Is) {\n"
        '  SKIP_ON_BACKEND(thread, "it \\"lives\\"");\n'
        "  SKIP_ON_BACKEND(exec,\n"
        '                  "too "\n'
        '                  "long");\n'
        "}\n"
        "TEST(A,\n     C002_Is) { F(); }\n"
        "TEST(A, C003_Is) {\n"
        '  // SKIP_ON_BACKEND(exec, "no");\n'
        '  const char* text = R"(\n'
        "}\n"
        ')";\n'
        '  SKIP_ON_BACKEND(thread, "three");\n'
        "}\n")
    self.assertEqual(problems, [])
    self.assertEqual([test.skips for test in tests],
                     [{"thread": 'it \\"lives\\"', "exec": "too long"}, {},
                      {"thread": "three"}])

  def test_other_skips_are_told(self):
    self.assertEqual(
        self.one("TEST(A, C001_Is) {\n"
                 '  if (x) GTEST_SKIP() << "no cgroup: " << y;\n'
                 "  if (x) GTEST_SKIP();\n}\n").may_skip,
        ["no cgroup", "see there"])

  def test_skips_that_say_nothing(self):
    for skip in ['threads, "x"', "thread, kWhy", "thread"]:
      self.assertIn("which reason", self.problem(
          f"TEST(A, C001_Is) {{\n  SKIP_ON_BACKEND({skip});\n}}\n"))

  def test_a_skip_that_cannot_be_seen(self):
    macro = '#define SKIP() SKIP_ON_BACKEND(thread, "x")\n'
    self.assertIn("cannot see",
                  self.problem(macro + "TEST(A, C001_Is) {\n  SKIP();\n}\n"))
    self.assertEqual(_find(macro + "TEST(A, Is) {\n  SKIP();\n}\n"), ([], []))

  def test_a_test_that_runs_nowhere(self):
    self.assertIn("every backend", self.problem(
        "TEST(A, C001_Is) {\n" + "".join(
            f'  SKIP_ON_BACKEND({backend}, "x");\n'
            for backend in conformance.BACKENDS) + "}\n"))


class CheckTest(unittest.TestCase):

  def messages(self, scenarios, tests=""):
    return [message for _, _, message in conformance.check(
        conformance.parse_scenarios(scenarios)[0], _find(tests)[0])]

  def message(self, scenarios, tests=""):
    messages = self.messages(scenarios, tests)
    self.assertEqual(len(messages), 1, messages)
    return messages[0]

  def test_each_has_one_thing(self):
    test = "TEST(A, C001_Is) {}\nTEST(A, C001_Too) {}\n"
    self.assertEqual(self.messages("C-001 A.", test), [])
    self.assertEqual(self.messages("C-001 A.\n  reason: x"), [])
    self.assertEqual(self.messages("C-001 A.\n  missing"), [])

  def test_none_and_both(self):
    test = "TEST(A, C001_Is) {}"
    self.assertIn("neither", self.message("C-001 A."))
    self.assertIn("A.C001_Is", self.message("C-001 A.\n  missing", test))
    self.assertIn("A.C001_Is", self.message("C-001 A.\n  reason: x", test))
    self.assertIn("one of", self.message("C-001 A.\n  reason: x\n  missing"))

  def test_an_unknown_number(self):
    self.assertIn("C-002", self.message("C-001 A.\n  missing",
                                        "TEST(A, C002_Is) {}"))


class TableTest(unittest.TestCase):

  def rows(self, scenarios, tests, path="tests/call_test.cc"):
    text = conformance.render(conformance.parse_scenarios(scenarios)[0],
                              _find(tests, path)[0])
    return [line for line in text.splitlines() if line.startswith("| C-")]

  def test_a_row_for_each_test(self):
    self.assertEqual(
        self.rows("C-001 A | B.\n  note: n\n",
                  'TEST(A, C001_Is) {\n  SKIP_ON_BACKEND(thread, "t");\n}\n'
                  "TEST_P(A, C001_Too) {\n  GTEST_SKIP() << \"g\";\n}\n"),
        ["| C-001 | A \\| B. | [call_test.cc](../tests/call_test.cc): "
         "`A.C001_Is` | yes | yes | no | n; thread: t |",
         "| C-001 |  | [call_test.cc](../tests/call_test.cc): "
         "`*/A.C001_Too/*` | yes | yes | yes | may be skipped: g |"])

  def test_without_actors_the_backend_does_not_matter(self):
    self.assertIn("| any | any | any |",
                  self.rows("C-001 A.", "TEST(A, C001_Is) {}",
                            "tests/task_test.cc")[0])

  def test_rows_without_a_test(self):
    self.assertEqual(self.rows("C-001 A.\n  reason: r\nC-002 B.\n  missing",
                               ""),
                     ["| C-001 | A. | none |  |  |  | r |",
                      "| C-002 | B. | **missing** |  |  |  |  |"])

  def test_the_sum(self):
    text = conformance.render(conformance.parse_scenarios(_SCENARIOS)[0],
                              _find("TEST(A, C001_C002_Is) {}")[0])
    self.assertIn("Of 4 scenarios 2 have tests, 1 a reason", text)
    self.assertIn("1 are missing", text)
    self.assertIn("\n## A. Calls\n", text)


class MainTest(unittest.TestCase):

  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.root = folder.name
    self.write(conformance.SCENARIOS, _SCENARIOS)
    self.write(conformance.TABLE, "")
    self.write("tests/BUILD.bazel", _BUILD)
    self.write("tests/call_test.cc", "TEST(A, C001_C002_Is) {}\n")

  def write(self, path, text):
    path = os.path.join(self.root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)

  def run_main(self, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
      code = conformance.main(list(arguments), self.root)
    return code, out.getvalue()

  def test_what_is_written_is_what_is_wanted(self):
    self.assertEqual(self.run_main("--write")[0], 0)
    self.assertEqual(self.run_main()[0], 0)

  def test_a_difference_is_shown_with_the_command(self):
    self.run_main("--write")
    self.write("tests/call_test.cc", "TEST(A, C001_C002_Renamed) {}\n")
    code, out = self.run_main()
    self.assertEqual(code, 1)
    self.assertIn("\n+| C-002", out)
    self.assertIn("conformance.py --write", out)

  def test_a_write_takes_missing_away_where_there_is_a_test(self):
    self.write("tests/call_test.cc", "TEST(A, C001_C002_C004_Are) {}\n")
    code, out = self.run_main()
    self.assertEqual(code, 1)
    self.assertIn("'missing'", out)
    self.assertEqual(self.run_main("--write")[0], 0)
    self.assertEqual(self.run_main()[0], 0)
    with open(os.path.join(self.root, conformance.SCENARIOS),
              encoding="utf-8") as file:
      self.assertEqual(file.read() + "  missing\n", _SCENARIOS)
    self.write("tests/call_test.cc", "TEST(A, C001_C002_Are) {}\n")
    self.assertIn("neither", self.run_main("--write")[1])

  def test_a_problem_is_printed_with_its_place_and_fails_a_write_too(self):
    self.write("tests/call_test.cc", "\nTEST(A, C001_C002_C005_Is) {}\n")
    for arguments in [["--write"], []]:
      code, out = self.run_main(*arguments)
      self.assertEqual(code, 1)
      self.assertIn("tests/call_test.cc:2: there is no C-005", out)

  def test_a_table_without_its_file(self):
    os.remove(os.path.join(self.root, conformance.TABLE))
    self.assertEqual(self.run_main()[0], 1)

  def test_an_empty_tree_is_an_error(self):
    self.run_main("--write")
    os.remove(os.path.join(self.root, "tests/call_test.cc"))
    self.write(conformance.SCENARIOS, "")
    code, out = self.run_main("--write")
    self.assertEqual(code, 1)
    self.assertIn("no workspace", out)

  def test_unknown_arguments(self):
    self.assertEqual(self.run_main("--wirte")[0], 2)


if __name__ == "__main__":
  unittest.main()
