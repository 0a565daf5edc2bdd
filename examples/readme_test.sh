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

# What the README tells to type, and what it shows.
sed -n '/^```console first page$/,/^```$/p' "$readme" | sed -e 1d -e '$d' \
  >"$run_dir/page"
mapfile -t typed < <(grep '^\$ ' "$run_dir/page")
[[ ${typed[0]:-} == "\$ $name &" && ${typed[1]:-} == "\$ pgrep -a "* &&
  ${typed[2]:-} == "\$ kill -9 %1;"*"; pgrep -c "* && ${#typed[@]} == 3 ]] ||
  fail "$readme types something else:" "${typed[@]}"

# Does the same, and prints what there is to see.
transcript() {
  printf '%s\n' "${typed[0]}"
  # As on a terminal, where each line is written when it is complete.
  marked_exec stdbuf -oL "$program" >"$run_dir/pipe" </dev/null &
  root=$!
  exec 3<"$run_dir/pipe"
  read -r -t 30 line <&3 || fail "it prints nothing"
  printf '%s\n' "$line"
  printf '%s\n' "${typed[1]}"
  list
  printf '%s\n' "${typed[2]}"
  kill -KILL "$root"
  wait "$root" 2>/dev/null
  wait_for_end "after the kill" >/dev/null
  survivors | wc -l
}

pids_hidden() { sed -E 's/^[0-9]+ /PID /'; }

mkfifo "$run_dir/pipe"
new_run
(transcript) >"$run_dir/seen" || fail "so far:" "$(cat "$run_dir/seen")"
diff -u <(pids_hidden <"$run_dir/page") <(pids_hidden <"$run_dir/seen") >&2 ||
  fail "$readme does not show what happens"
cat "$run_dir/seen"
