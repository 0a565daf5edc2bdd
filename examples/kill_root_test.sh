#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# kill_root_test.sh QUICKSTART: SIGKILLs the root of a tree that is hard at work.
# Within a second there is no process of it, no file and no cgroup, each time.
# Then SIGINT, after which the root itself leaves nothing.
set -uo pipefail

# shellcheck source=tree_check.sh
source "$(dirname "$0")/tree_check.sh"

readonly program="$1" rounds=5 workers=6
unset TRACTOR_SPAWN_METHOD  # beats the option

# More to read than there is time for: one file under many names.
seq 1 200000 >"$run_dir/numbers"
sed -e 's/^/words and more words /' "$run_dir/numbers" >"$run_dir/text"
mkdir "$run_dir/names"
for ((i = 0; i < 500; ++i)); do
  ln -s ../text "$run_dir/names/$i"
done

# Waits until all actors are there, which takes milliseconds.
wait_for_actors() {
  local deadline
  deadline=$(($(now_us) + 30000000))
  while (($(survivors | grep -Ec 'mapper-|reducer') < workers + 1)); do
    (($(now_us) < deadline)) || fail "the actors do not come:" "$(survivors)"
    [[ -d /proc/$1 ]] || fail "the root has ended by itself"
  done
}

# start BACKEND: sets `root` and `before`, the processes of a tree at work.
start() {
  new_run
  marked_exec "$program" --workers=$workers --spawn-method="$1" \
    "$run_dir"/names/* >/dev/null 2>&1 </dev/null &
  root=$!
  wait_for_actors "$root"
  # The root, its forkserver, the mappers and the reducer; a process that the
  # forkserver keeps in reserve comes and goes.
  before="$(survivors | grep -cv ' tractor-spare')"
  ((before == workers + 3)) || fail "$before processes:" "$(survivors)"
}

for backend in forkserver exec; do
  for ((round = 1; round <= rounds; ++round)); do
    start "$backend"
    kill -KILL "$root"
    wait "$root" 2>/dev/null
    took="$(wait_for_end "$backend, round $round")" || exit 1
    printf '%s: %s processes gone %s ms after their root\n' \
      "$backend" "$before" "$took"
  done
done

start forkserver
kill -INT "$root"
code=0
wait "$root" || code=$?
((code == 130)) || fail "after SIGINT: exit code $code"
expect_nothing_left "after SIGINT"
