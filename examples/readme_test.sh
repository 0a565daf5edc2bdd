#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# readme_test.sh PROGRAM README: does what the first page of the README shows,
# and compares. That it shows the program as it is, is checked by
# //bazel/presubmit:conventions_test.
set -uo pipefail

# shellcheck source=tree_check.sh
source "$(dirname "$0")/tree_check.sh"

readonly program="$1" readme="$2" name="bazel-bin/examples/readme"
unset TRACTOR_SPAWN_METHOD

# "PID COMMAND" of what is there, as pgrep -a prints it. Other trees may run on
# this machine, so that pgrep itself would be no use.
list() { survivors | sort -n | sed -e "s,$program,$name," -e 's/ *$//'; }

transcript() {
  printf "$ %s &\n" "$name"
  mkfifo "$run_dir/pipe"
  new_run
  # As on a terminal, where each line is written when it is complete.
  marked_exec stdbuf -oL "$program" >"$run_dir/pipe" </dev/null &
  root=$!
  exec 3<"$run_dir/pipe"
  read -r -t 30 line <&3 || fail "it prints nothing"
  printf '%s\n' "$line"
  printf "$ pgrep -a 'readme|tractor'\n"
  list
  printf "$ kill -9 %%1; sleep 1; pgrep -c 'readme|tractor'\n"
  kill -KILL "$root"
  wait "$root" 2>/dev/null
  # All that hold the pipe are gone when it ends.
  timeout 1 cat <&3
  survivors | wc -l
  expect_nothing_left "after the kill"
}

pids_hidden() { sed -E 's/^[0-9]+ /PID /'; }

transcript 2>"$run_dir/err" >"$run_dir/seen"
code=$?
((code == 0)) || fail "$(cat "$run_dir/err" "$run_dir/seen")"
sed -n '/^```console first page$/,/^```$/p' "$readme" | sed -e 1d -e '$d' |
  pids_hidden >"$run_dir/wanted"
[[ -s "$run_dir/wanted" ]] || fail "$readme has no '\`\`\`console first page'"
diff -u "$run_dir/wanted" <(pids_hidden <"$run_dir/seen") >&2 ||
  fail "$readme does not show what happens"
cat "$run_dir/seen"
