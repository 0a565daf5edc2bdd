# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""Plants violations and looks whether the checks find them, and only them."""

import contextlib
import io
import os
import tempfile
import unittest

import check
import conventions
import layers
import source_tree

_LICENSE = ("// Copyright 2026 The tractor authors. "
            "SPDX-License-Identifier: Apache-2.0\n")


def _file(path, text):
  return source_tree.SourceFile(path, text)


class LayersTest(unittest.TestCase):

  def complaints(self, path, include):
    return list(layers.check([_file(path, f"#include {include}\n")]))

  def assert_allowed(self, path, include):
    self.assertEqual(self.complaints(path, include), [])

  def assert_forbidden(self, path, include):
    self.assertEqual(len(self.complaints(path, include)), 1, (path, include))

  def test_arrows_go_down(self):
    self.assert_allowed("runtime/actor/portal.cc", '"runtime/wire/frame.h"')
    self.assert_allowed("runtime/io/timer.h", '"runtime/task/task.h"')
    self.assert_allowed("forkserver/loop.cc", '"os/fork.h"')
    self.assert_allowed("os/fd.cc", '"os/fd.h"')

  def test_arrows_do_not_go_up(self):
    self.assert_forbidden("os/fd.cc", '"runtime/task/task.h"')
    self.assert_forbidden("runtime/task/task.cc", '"os/fd.h"')
    self.assert_forbidden("runtime/task/task.cc", '"runtime/io/timer.h"')
    self.assert_forbidden("runtime/wire/frame.cc", '"runtime/actor/portal.h"')
    self.assert_forbidden("forkserver/loop.cc", '"runtime/actor/portal.h"')
    self.assert_forbidden("proto/x.h", '"os/fd.h"')

  def test_examples_see_the_public_header_only(self):
    self.assert_allowed("examples/hello.cc", '"runtime/tractor.h"')
    self.assert_allowed("examples/hello.cc", '"examples/hello.pb.h"')
    self.assert_forbidden("examples/hello.cc", '"runtime/actor/portal.h"')

  def test_internal_is_internal(self):
    self.assert_allowed("runtime/task/nursery.cc",
                        '"runtime/task/internal/frame.h"')
    self.assert_allowed("runtime/actor/portal.cc",
                        '"runtime/task/internal/frame.h"')
    self.assert_allowed("tests/semantics/x_test.cc",
                        '"runtime/task/internal/frame.h"')
    self.assert_forbidden("tools/x.cc", '"runtime/task/internal/frame.h"')
    self.assert_forbidden("runtime/actor/portal.cc",
                          '"runtime/wire/internal/x.h"')

  def test_third_party(self):
    self.assert_allowed("registrar/service.cc", "<grpcpp/grpcpp.h>")
    self.assert_forbidden("runtime/actor/portal.cc", "<grpcpp/grpcpp.h>")
    self.assert_allowed("runtime/io/timer.cc", "<boost/asio.hpp>")
    self.assert_forbidden("runtime/task/task.cc", "<boost/asio/post.hpp>")
    self.assert_allowed("runtime/task/task.cc", "<coroutine>")

  def test_a_new_folder_must_be_put_into_the_table(self):
    self.assert_forbidden("gadgets/x.cc", '"os/fd.h"')

  def test_an_include_in_a_comment_is_none(self):
    self.assertEqual(
        list(layers.check([_file("os/a.h", '//   #include "tools/b.h"\n')])),
        [])


class ConventionsTest(unittest.TestCase):

  def messages(self, path, text, others=()):
    files = [_file(path, text)] + [_file(other, "") for other in others]
    return [message for where, _, message in conventions.check(files)
            if where == path]

  def assert_clean(self, path, text):
    self.assertEqual(self.messages(path, _LICENSE + text), [])

  def assert_found(self, word, path, text):
    messages = self.messages(path, _LICENSE + text)
    self.assertEqual(len(messages), 1, (path, text, messages))
    self.assertIn(word, messages[0])

  def test_catch_all(self):
    self.assert_found("exception", "forkserver/a.cc", "catch (...) {}")
    self.assert_found("exception", "os/a.cc", "catch(...){}")
    self.assert_found("exception", "os/a.cc", "std::uncaught_exceptions()")
    self.assert_found("exception", "runtime/io/a_test.cc", "catch (...) {}")
    self.assert_clean("runtime/task/internal/a.cc", "catch (...) {}")
    self.assert_clean("runtime/task/cancel_test.cc", "catch (...) {}")
    self.assert_clean("os/a.cc", "catch (const std::exception& e) {}")
    self.assert_clean("os/a.cc", "// No catch (...) here.\n")
    self.assert_clean("os/a.cc", 'const char* k = "catch (...)";')

  def test_sleeping_tests(self):
    self.assert_found("waits", "os/a_test.cc", "usleep(10);")
    self.assert_found("waits", "tests/system/a.cc", "::sleep(1);")
    self.assert_found("waits", "os/a_test.cc",
                      "std::this_thread::sleep_for(1ms);")
    self.assert_clean("os/a_test.cc", "co_await tractor::Sleep(1s);")
    self.assert_clean("os/a.cc", "usleep(10);")
    self.assert_clean("tests/support/a.cc", "while (!Look()) usleep(10);")

  def test_sleeping_shell_tests(self):
    line = "#" + _LICENSE[2:]
    self.assertEqual(len(self.messages("a/b_test.sh", line + "sleep 1\n")), 1)
    self.assertEqual(self.messages("a/b_test.sh", line + "# sleep 1\n"), [])

  def test_signals_to_numbers(self):
    self.assert_found("pid", "forkserver/a.cc", "kill(pid, SIGKILL);")
    self.assert_found("pid", "tests/a.cc", "::kill(pid, 9);")
    self.assert_found("pid", "tools/a.cc", "if (killpg (pid, 9)) {}")
    self.assert_clean("os/a.cc", "kill(pid, SIGKILL);")
    self.assert_clean("tests/a.cc", "EXPECT_EQ(kill(a.pid(), 0), 0);")
    self.assert_found("pid", "tests/a.cc", "kill(f(0), 9); g(1, 0);")
    self.assert_clean("tools/a.cc", "pidfd.Kill(9); cgroup.kill(); Skill(1);")

  def test_an_exception_has_a_reason(self):
    self.assert_clean("a_test.cc", "// Allowed: it blocks.\nusleep(10);")
    self.assert_clean("a_test.cc", "usleep(10);  // Allowed: it blocks.")
    self.assert_found("waits", "a_test.cc", "// Allowed:\nusleep(10);")
    self.assert_found("waits", "a_test.cc", "// Allowed: x\n\nusleep(10);")

  def test_unfinished_work(self):
    self.assert_found("issue", "os/a.cc", "// TO" "DO: later\n")
    self.assert_found("issue", "os/a.cc", "// FIX" "ME\n")

  def test_long_files(self):
    body = "int x;\n" * 400
    self.assert_found("split", "os/a.cc", body)
    self.assert_clean("os/a.cc", "// Long: one table.\n" + body)
    self.assert_clean("os/a.cc", "int x;\n" * 399)

  def test_licence(self):
    self.assertEqual(len(self.messages("os/a.cc", "int x;\n")), 1)
    self.assertEqual(
        self.messages("a.sh", "#!/bin/bash\n#" + _LICENSE[2:]), [])

  def test_header_guard(self):
    good = "#ifndef TRACTOR_OS_A_H_\n#define TRACTOR_OS_A_H_\n#endif\n"
    self.assert_clean("os/a.h", good)
    self.assert_found("TRACTOR_OS_B_H_", "os/b.h", good)
    self.assert_found("guard", "os/b.h", "#pragma once\n")

  def test_a_source_begins_with_its_header(self):
    bad = _LICENSE + '#include <vector>\n#include "os/a.h"\n'
    good = _LICENSE + '#include "os/a.h"\n#include <vector>\n'
    self.assertEqual(len(self.messages("os/a.cc", bad, ["os/a.h"])), 1)
    self.assertEqual(self.messages("os/a.cc", good, ["os/a.h"]), [])
    self.assertEqual(self.messages("os/a.cc", bad), [])

  def test_what_is_public(self):
    text = "#" + _LICENSE[2:] + 'x(visibility = ["//visibility:public"])\n'
    for folder, expected in [("os", 1), ("runtime/task", 1), ("runtime", 0)]:
      self.assertEqual(
          len(self.messages(folder + "/BUILD.bazel", text,
                            [folder + "/README.md"])), expected, folder)

  def test_cc_rules_are_loaded(self):
    def count(text):
      return len(self.messages("os/a.bzl", "#" + _LICENSE[2:] + text))

    load = 'load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")\n'
    self.assertEqual(count('cc_test(\n    name = "a",\n)\n'), 1)
    self.assertEqual(count('native.cc_test(name = "a")\n'), 1)
    self.assertEqual(count(load + 'cc_library(name = "a")\n'), 1)
    self.assertEqual(count(load + 'cc_test(name = "a")\n'), 0)
    self.assertEqual(count('tractor_cc_test(name = "a")\n'), 0)

  def test_every_package_has_a_readme(self):
    text = "#" + _LICENSE[2:]
    self.assertEqual(len(self.messages("os/BUILD.bazel", text)), 1)
    self.assertEqual(
        self.messages("os/BUILD.bazel", text, ["os/README.md"]), [])

  def test_documents_quote_files_as_they_are(self):
    code = _LICENSE + "int x;\n"
    for text, expected in [(code, 0), (code + "int y;\n", 1)]:
      files = [_file("a.md", f"So:\n```cpp os/a.cc\n{text}```\nand\n"
                     "```cpp\nanything;\n```\n"), _file("os/a.cc", code)]
      self.assertEqual(len(list(conventions.check(files))), expected)


class SourceFileTest(unittest.TestCase):

  def test_code_has_no_comments_and_no_strings(self):
    file = _file("a.cc", "int a = 1'000; // kill(\n"
                 '/* kill(\n*/ f("kill(", \'"\', R"x(kill()")x"); g();\n')
    self.assertNotIn("kill", file.code)
    self.assertIn("g();", file.code)
    self.assertEqual(file.code.count("\n"), file.text.count("\n"))

  def test_line_numbers_are_right(self):
    file = _file("a.cc", "// kill(\n\nkill(1, 2);\n")
    self.assertEqual([line for line, _ in file.places(r"kill\(")], [3])


class CheckTest(unittest.TestCase):

  def run_check(self, kind, files):
    with tempfile.TemporaryDirectory() as root:
      for path, text in {"WORKSPACE": "", **files}.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
          file.write(text)
      with contextlib.redirect_stdout(io.StringIO()) as out:
        code = check.main([kind, os.path.join(root, "WORKSPACE")])
      return code, out.getvalue()

  def test_format_finds_one_wrong_blank(self):
    style = {".clang-format": "BasedOnStyle: Google\n"}
    print("The next complaint is expected:", flush=True)
    code, _ = self.run_check("format", {"os/a.cc": "int  x;\n", **style})
    self.assertNotEqual(code, 0)
    code, _ = self.run_check("format", {"os/a.cc": "int x;\n", **style})
    self.assertEqual(code, 0)

  def test_a_problem_is_printed_with_its_place(self):
    code, out = self.run_check(
        "layers", {"os/a.cc": '\n#include "tools/b.h"\n'})
    self.assertEqual(code, 1)
    self.assertIn("os/a.cc:2: ", out)

  def test_an_empty_tree_is_an_error(self):
    code, _ = self.run_check("layers", {})
    self.assertEqual(code, 1)


if __name__ == "__main__":
  unittest.main()
