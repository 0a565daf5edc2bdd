#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# run_example_test.sh PROGRAM GOLDEN.txt BACKEND...: runs PROGRAM on each backend
# and compares what it printed, and its exit code, with GOLDEN.BACKEND.txt if
# there is one, else with GOLDEN.txt; then nothing of it may be left.
# UPDATE_GOLDEN=FILE writes what was printed to FILE instead.
set -uo pipefail

# shellcheck source=tree_check.sh
source "$(dirname "$0")/tree_check.sh"

readonly program="$1" golden="$2"
shift 2

# Numbers of processes and times differ from run to run.
normalise() {
  sed -E -e 's/@[0-9]+/@PID/g' -e 's/[0-9]+(\.[0-9]+)? ?(ms|us)\b/TIME/g'
}

# Prints what a reader of the example sees.
transcript() {
  local code=0
  marked timeout --kill-after=5 60 "$program" \
    >"$run_dir/out" 2>"$run_dir/err" </dev/null || code=$?
  hide_seeds "$run_dir/err"
  cat "$run_dir/out"
  if [[ -s "$run_dir/err" ]]; then
    printf -- '--- stderr\n'
    cat "$run_dir/err"
  fi
  printf -- '--- exit code %s\n' "$code"
}

for backend in "$@"; do
  export TRACTOR_SPAWN_METHOD="$backend"
  new_run
  transcript >"$run_dir/transcript"
  expect_nothing_left "$backend"
  normalise <"$run_dir/transcript" >"$run_dir/seen"
  if [[ -n "${UPDATE_GOLDEN:-}" ]]; then
    cp "$run_dir/seen" "$UPDATE_GOLDEN"
    exit 0
  fi
  wanted="${golden%.txt}.$backend.txt"
  [[ -e "$wanted" ]] || wanted="$golden"
  diff -u "$wanted" "$run_dir/seen" >&2 ||
    fail "$backend: it printed something else than $wanted"
  printf '%s: as expected, and nothing is left\n' "$backend"
done
