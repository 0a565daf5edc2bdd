#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# .ci/run counts the truth: against a ./bazelw that says what a test wants.
set -euo pipefail

ci_run="$PWD/.ci/run"
failures=0

setup() {
  rm -rf "$TEST_TMPDIR/clone"
  mkdir -p "$TEST_TMPDIR/clone/.ci" "$TEST_TMPDIR/clone/tests"
  cd "$TEST_TMPDIR/clone"
  cp "$ci_run" .ci/run
  mkdir places cgroups
  bazelw 'report "//a:x PASSED in 0.1s" "//a:y (cached) PASSED in 0.0s"'
}

# bazelw SCRIPT: what ./bazelw does; `report LINES` prints them for a test.
bazelw() {
  cat >bazelw <<END
#!/bin/bash
echo "\$*" >>calls
report() { [[ "\$all" != test* ]] || printf '%s\n' "\$@"; }
all="\$*"
$1
END
  chmod +x bazelw
}

run() {
  code=0
  CI_PLACES="$PWD/places" CI_CGROUPS="$PWD/cgroups" CI_SECONDS="${seconds:-1000}" \
    bash .ci/run >out 2>&1 || code=$?
}

expect() {
  local what="$1"
  shift
  if ! "$@"; then
    printf 'FAILED %s: %s\nexit code %s, output:\n%s\n' \
      "$test_name" "$what" "$code" "$(cat out)"
    failures=$((failures + 1))
  fi
}

last_line() { [[ "$(tail -n 1 out)" == "$1" ]]; }
says() { grep -q -- "$1" out; }

# Seven stages of tests with two targets each, two programs.
test_all_good() {
  run
  expect "exit code" test "$code" = 0
  expect "the count" last_line "16 passed, 0 failed"
  expect "every compiler" grep -q -- '--config=gcc .*//\.\.\.' calls
  expect "nothing skipped" test "$(grep -c SKIPPED out)" = 0
}

test_each_kind_of_failure_counts() {
  bazelw 'report "//a:x PASSED in 1s" "//a:b FAILED in 1s" \
    "//a:c FLAKY, failed in 1 out of 2" "//a:d TIMEOUT in 60s" \
    "//a:e NO STATUS" "//a:f FAILED TO BUILD" "Executed 1 out of 6"
    [[ "$all" != *config=gcc* ]] || exit 3'
  run
  expect "exit code" test "$code" = 1
  expect "the count" last_line "9 passed, 35 failed"
  expect "the stage" says 'g++-12: 1 passed, 5 failed (code 3)'
}

test_a_target_that_is_not_named_counts() {
  bazelw 'report "//a:x PASSED in 1s" "//a:b FAILED TO BUILD" \
    "Executed 1 out of 4 tests: 1 test passes and 3 fail to build."'
  run
  expect "the count" last_line "9 passed, 21 failed"
}

test_a_crash_of_bazel_is_a_failure() {
  bazelw 'report "//a:x PASSED in 1s"; [[ "$all" != *=asan* ]] || exit 37'
  run
  expect "exit code" test "$code" = 1
  expect "the count" last_line "9 passed, 1 failed"
}

test_a_stage_without_a_test_is_a_failure() {
  bazelw 'report "Nothing to be seen."'
  run
  expect "exit code" test "$code" = 1
  expect "the count" last_line "2 passed, 7 failed"
}

test_what_no_longer_fits_is_named_not_failed() {
  bazelw 'report "//a:x PASSED in 1s"
    [[ "$all" != test*color=no\ //... ]] || exec tail -f /dev/null'
  seconds=2 run
  expect "the count" last_line "3 passed, 0 failed"
  expect "it is named" says 'everything.*1 passed, 0 failed, the rest CUT SHORT'
  expect "the last look" says 'nothing is left: passed'
  expect "the rest" says 'TSan: SKIPPED for time'
  expect "the lock is freed" grep -q '^shutdown' calls
}

test_a_stage_that_hangs_has_failed() {
  sed -i 's/"everything (clang-19)" 0 2400/"everything (clang-19)" 0 1/' .ci/run
  bazelw 'report "//a:x PASSED in 1s"
    [[ "$all" != test*color=no\ //... ]] || exec tail -f /dev/null'
  run
  expect "exit code" test "$code" = 1
  expect "the hang" says 'everything.*1 passed, 1 failed (code 124)'
  expect "the others ran" last_line "9 passed, 1 failed"
  expect "the lock is freed" grep -q '^shutdown' calls
}

test_what_is_left_behind_is_a_failure() {
  touch places/tractor-from-before
  bazelw 'report "//a:x PASSED in 1s"
    touch places/tractor-left; mkdir -p places/tractor-0/tree-7
    mkdir -p cgroups/user/tractor-tree-8'
  run
  expect "exit code" test "$code" = 1
  expect "names it" says 'places/tractor-left'
  expect "names it" says 'places/tractor-0/tree-7'
  expect "names it" says 'cgroups/user/tractor-tree-8'
  expect "no runtime directory" test "$(grep -c 'tractor-0$' out)" = 0
  expect "only that" test "$(grep -c 'from-before' out)" = 0
  expect "the count" last_line "8 passed, 1 failed"
}

test_a_failing_program_counts() {
  mkdir tests/consumer
  bazelw 'report "//a:x PASSED in 1s"; [[ "$all" != run* ]] || exit 1'
  run
  expect "exit code" test "$code" = 1
  expect "the stage" says 'consumer: FAILED with code 1'
}

for test_name in $(compgen -A function test_); do
  setup
  echo "$test_name"
  "$test_name"
done
echo "$failures failed"
((failures == 0))
