#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# ./bazelw against a machine of fakes: PATH holds what each test puts there.
set -euo pipefail

bazelw="$PWD/bazelw"
failures=0

# A fresh machine: packages a and b are wanted, what fake_dpkg says is there.
setup() {
  cd "$TEST_TMPDIR"
  rm -rf machine
  mkdir -p machine/bin machine/tree/bazel
  cd machine
  cp "$bazelw" tree/bazelw
  printf '# Comment\n\nalpha\nbeta # why\n' >tree/bazel/debian-packages.txt
  local tool
  for tool in bash sed dirname readlink env cat; do
    ln -s "$(command -v "$tool")" "bin/$tool"
  done
  fake bazel 'printf "bazel"; printf " <%s>" "$@"; echo'
  fake apt-get 'echo "apt-get $*"'
  fake_answer id 'echo 0'
  : >calls
}

# fake NAME SCRIPT: its output goes to `calls`.
fake() {
  printf '#!/bin/bash\n{ %s\n} >>"%s/calls"\n' "$2" "$PWD" >"bin/$1"
  chmod +x "bin/$1"
}

# fake_answer NAME SCRIPT: its output goes to the caller, its name to `calls`.
fake_answer() {
  printf '#!/bin/bash\necho %s >>"%s/calls"\n%s\n' "$1" "$PWD" "$2" \
    >"bin/$1"
  chmod +x "bin/$1"
}

have() {
  local line script='true'
  for line in "$@"; do
    script+="; echo '$line'"
  done
  # Like the real one, it fails when it does not know a package.
  fake_answer dpkg-query "$script; exit 1"
}

run() {
  code=0
  PATH="$PWD/bin" tree/bazelw "$@" >out 2>&1 </dev/null || code=$?
}

expect() {
  local what="$1"
  shift
  if ! "$@"; then
    printf 'FAILED %s: %s\n' "$test_name" "$what"
    printf -- '--- exit %s, output:\n%s\n--- calls:\n%s\n' \
      "$code" "$(cat out)" "$(cat calls)"
    failures=$((failures + 1))
  fi
}

called() { grep -qxF -- "$1" calls; }
never_called() { ! grep -q -- "^$1" calls; }
says() { grep -qF -- "$1" out; }
count_is() { [[ "$(grep -c -- "^$1" calls)" == "$2" ]]; }

test_nothing_missing_runs_bazel_only() {
  have 'alpha installed' 'beta installed'
  run test '//a b' --x=1
  expect "exit code" test "$code" = 0
  expect "arguments kept" called 'bazel <test> <//a b> <--x=1>'
  expect "no apt" never_called apt-get
  expect "one look at the packages" count_is dpkg-query 1
  expect "no word of its own" test ! -s out
}

test_root_installs_what_is_missing() {
  have 'alpha installed'
  run build
  expect "exit code" test "$code" = 0
  expect "update" grep -q 'apt-get .* update$' calls
  expect "the missing one only" \
    grep -q 'apt-get .*install --no-install-recommends beta$' calls
  expect "then bazel" called 'bazel <build>'
}

test_a_removed_package_is_missing() {
  have 'alpha installed' 'beta not-installed'
  run build
  expect "installs" grep -q 'install .*beta$' calls
  have 'alpha config-files' 'beta installed'
  run build
  expect "installs" grep -q 'install .*alpha$' calls
}

test_other_users_go_through_sudo() {
  have
  fake_answer id 'echo 1000'
  fake sudo 'echo "sudo $*"'
  run build
  expect "exit code" test "$code" = 0
  expect "never waits for a password" \
    grep -q '^sudo -n env .*apt-get .*install .*alpha beta$' calls
  expect "then bazel" called 'bazel <build>'
}

test_without_root_and_sudo_it_names_the_packages() {
  have 'beta installed'
  fake_answer id 'echo 1000'
  run build
  expect "exit code" test "$code" = 1
  expect "names it" says 'apt-get install alpha'
  expect "no bazel" never_called bazel
}

test_a_failing_apt_names_the_packages() {
  have
  fake apt-get 'echo "apt-get $*"; exit 100'
  run build
  expect "exit code" test "$code" = 1
  expect "names them" says 'apt-get install alpha beta'
  expect "no bazel" never_called bazel
}

test_a_failing_update_alone_is_no_error() {
  have
  fake apt-get 'echo "apt-get $*"; [[ "$*" != *update ]]'
  run build
  expect "exit code" test "$code" = 0
  expect "then bazel" called 'bazel <build>'
}

test_another_distribution_is_told_what_is_needed() {
  run build
  expect "exit code" test "$code" = 1
  expect "names them" says 'alpha beta'
  expect "no bazel" never_called bazel
}

test_bazels_exit_code_is_kept() {
  have 'alpha installed' 'beta installed'
  fake bazel 'exit 37'
  run build
  expect "exit code" test "$code" = 37
}

test_it_works_through_a_link_from_elsewhere() {
  have 'alpha installed' 'beta installed'
  mkdir elsewhere
  ln -s ../tree/bazelw elsewhere/bazelw
  code=0
  PATH="$PWD/bin" elsewhere/bazelw info >out 2>&1 || code=$?
  expect "exit code" test "$code" = 0
  expect "bazel" called 'bazel <info>'
}

for test_name in $(compgen -A function test_); do
  setup
  echo "$test_name"
  "$test_name"
done
echo "$failures failed"
((failures == 0))
