# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# For the tests of the examples, to be sourced: gives each program that they run
# a mark, a runtime directory and, where there are any, a cgroup of its own, and
# tells what is left of it.
#
#   new_run                      # before a program is started
#   marked PROGRAM ARGS          # runs it
#   marked_exec PROGRAM ARGS &   # the same; $! is the program itself
#   hide_seeds FILE              # what is printed under --config=stress
#   survivors                    # prints "PID COMMAND", one a line
#   expect_nothing_left WHAT     # ends the test when there is something now
#   wait_for_end WHAT            # the same in a second; prints the ms it took
#
# The mark is a variable of the environment: it is in every process of a tree,
# however that was made, and in whatever that has started.

run_dir="$(mktemp -d)" || exit 1
run_mark=none
run_cgroup=""  # none: they cannot be made here
runs=0
trap 'end_survivors; remove_cgroup; rm -rf "$run_dir"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  [[ ! -s "$run_dir/seeds" ]] || cat "$run_dir/seeds" >&2
  exit 1
}

new_run() {
  runs=$((runs + 1))
  run_mark="$$-$RANDOM-$runs"
  mkdir -m 700 "$run_dir/$runs"
  make_cgroup
}

# The cgroup (version 2) of this process.
own_cgroup() {
  local path mount
  path="$(sed -n 's/^0:://p' /proc/self/cgroup)"
  [[ -n "$path" ]] || return 1
  for mount in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    [[ ! -w "$mount$path/cgroup.procs" ]] || printf '%s\n' "$mount$path"
  done
}

make_cgroup() {
  local parent
  remove_cgroup
  parent="$(own_cgroup)" && [[ -n "$parent" ]] &&
    mkdir "$parent/tractor-example-$run_mark" 2>/dev/null &&
    run_cgroup="$parent/tractor-example-$run_mark"
}

# Only after a failure there is something below it. Who was killed may still be
# on the way out, which takes a moment.
remove_cgroup() {
  local begin
  [[ -n "$run_cgroup" ]] || return 0
  begin="$(now_us)"
  until find "$run_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; do
    (($(now_us) - begin < 10000000)) || fail "cannot remove $run_cgroup"
  done
  run_cgroup=""
}

marked() { (marked_exec "$@"); }

marked_exec() {
  [[ -z "$run_cgroup" ]] || printf '0\n' >"$run_cgroup/cgroup.procs" ||
    fail "cannot enter $run_cgroup"
  export TRACTOR_EXAMPLE_RUN="$run_mark" XDG_RUNTIME_DIR="$run_dir/$runs"
  exec "$@"
}

# Takes the seeds of shuffled schedulers out of a file, and notes them down: a
# failure is repeated with them.
hide_seeds() {
  grep '^TRACTOR_SCHEDULER_SEED=' "$1" >"$run_dir/seeds" || return 0
  sed -i '/^TRACTOR_SCHEDULER_SEED=/d' "$1"
}

survivor_pids() {
  # What cannot be read has just gone, or is not ours.
  grep -alsxz -- "TRACTOR_EXAMPLE_RUN=$run_mark" /proc/[0-9]*/environ |
    sed -e 's,^/proc/,,' -e 's,/environ$,,'
}

survivors() {
  local pid
  for pid in $(survivor_pids); do
    printf '%s %s\n' "$pid" \
      "$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | cut -c -70)"
  done
}

# What the tree keeps in its runtime directory, but for the one of all trees,
# and its cgroups.
files_left() {
  find "$run_dir/$runs" -mindepth 2
  [[ -z "$run_cgroup" ]] || find "$run_cgroup" -mindepth 1 -type d
}

expect_nothing_left() {
  local left
  left="$(survivors)"
  [[ -z "$left" ]] || fail "$1: processes are left:" "$left"
  left="$(files_left)"
  [[ -z "$left" ]] || fail "$1: files are left:" "$left"
}

now_us() { printf '%s\n' "${EPOCHREALTIME/[.,]/}"; }

wait_for_end() {
  local begin
  begin="$(now_us)"
  while [[ -n "$(survivor_pids)$(files_left)" ]]; do
    (($(now_us) - begin < 1000000)) || expect_nothing_left "$1, a second later"
  done
  printf '%s\n' $((($(now_us) - begin) / 1000))
}

# Only after a failure: a test must not leave anything either.
end_survivors() {
  local pids
  pids="$(survivor_pids)"
  # shellcheck disable=SC2086
  [[ -z "$pids" ]] || kill -KILL $pids 2>/dev/null || true
}
