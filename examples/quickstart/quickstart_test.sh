#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# quickstart_test.sh PROGRAM README: what quickstart counts, skips, refuses and
# leaves, and that README shows it.
set -uo pipefail

# shellcheck source=../tree_check.sh
source "$(dirname "$0")/../tree_check.sh"

readonly program="$1" readme="$2"
readonly corpus="$run_dir/corpus" out="$run_dir/out" err="$run_dir/err"
unset TRACTOR_SPAWN_METHOD BUILD_WORKING_DIRECTORY

# run CODE ARGS...: runs it, wants that exit code and nothing left.
run() {
  local wanted="$1" code=0
  shift
  new_run
  marked timeout --kill-after=5 120 "$program" "$@" >"$out" 2>"$err" \
    </dev/null || code=$?
  hide_seeds "$err"
  [[ $code == "$wanted" ]] ||
    fail "quickstart $*: exit code $code, not $wanted;" "$(cat "$out" "$err")"
  expect_nothing_left "quickstart $*"
}

expect() {
  grep -Eqx -- "$2" "$1" || fail "no line '$2' in:" "$(cat "$1")"
}

expect_empty() {
  [[ ! -s "$1" ]] || fail "expected nothing, but there is:" "$(cat "$1")"
}

make_corpus() {
  mkdir -p "$corpus/sub/dir"
  seq 1 3000 | sed -e 's/^/Some WORDS of line /' -e 's/0/ zero,/g' \
    >"$corpus/lines"
  # Larger than a piece of text is, and than the window of a stream.
  for ((i = 0; i < 40; ++i)); do
    printf 'alpha beta-gamma %s Delta\n' "w${i//[0-4]/x}"
    cat "$corpus/lines"
  done >"$corpus/sub/big"
  printf 'no newline at the end' >"$corpus/sub/dir/short"
  printf '\303\234ber caf\303\251 Caf\303\251\n' >"$corpus/utf8"
  printf 'not\0text' >"$corpus/binary"
  printf 'packed' >"$corpus/packed.gz"
  : >"$corpus/empty"
  ln -s lines "$corpus/link"
}

# The same count by other means.
count_by_hand() {
  cat "$corpus/empty" "$corpus/lines" "$corpus/sub/big" \
    "$corpus/sub/dir/short" <(echo) "$corpus/utf8" |
    LC_ALL=C tr 'A-Z' 'a-z' | LC_ALL=C tr -cs 'a-z\200-\377' '\n' | grep . |
    LC_ALL=C sort | uniq -c | LC_ALL=C sort -k1,1nr -k2,2 |
    while read -r count word; do printf '%10d  %s\n' "$count" "$word"; done
}

make_corpus
count_by_hand >"$run_dir/by_hand"
[[ "$(wc -l <"$run_dir/by_hand")" -gt 12 ]] || fail "the corpus is too small"
summary="$(awk '{ words += $1 } END { print words " words, " NR " different" }' \
  "$run_dir/by_hand")"
megabytes="$(cat "$corpus"/{empty,lines,sub/big,sub/dir/short,utf8} | wc -c |
  awk '{ printf "%.1f", $1 / 1e6 }')"

for backend in forkserver exec thread; do
  run 0 --check --workers 3 --top 100000 --spawn-method "$backend" "$corpus"
  expect_empty "$err"
  sed -n '/^     count  word$/,/^[0-9]* files/p' "$out" | sed -e 1d -e '$d' \
    >"$run_dir/seen"
  diff -u "$run_dir/by_hand" "$run_dir/seen" >&2 ||
    fail "$backend: it has counted something else"
  expect "$out" "5 files, $megabytes MB, $summary"
  expect "$out" 'skipped: 1 compressed, 1 not text, 1 links .*, 0 unreadable'
  expect "$out" "check: the same ${summary##*, } words, counted alone"
  processes=6
  [[ $backend != thread ]] || processes=2
  expect "$out" \
    "[0-9.]+ MB/s in [0-9.]+ s; 3 mappers and a reducer \\($backend\\), \
$processes processes"
  expect "$out" 'spawn [0-9.]+ ms, teardown [0-9.]+ ms'
  expect "$out" 'left behind: 0 processes, 0 children, 0 directories, 0 cgroups'
done

# --check finds a difference: this file reads otherwise each time.
run 1 --check /proc/sys/kernel/random/uuid
expect "$err" 'quickstart: check: the tree has counted .*'

# What cannot be read is named, and is no failure; nothing at all is one.
ln -s nowhere "$run_dir/dangling"
run 0 "$run_dir/dangling" "$corpus/utf8"
expect "$err" "quickstart: skipped $run_dir/dangling: No such file or directory"
expect "$out" '         2  café'
run 1 "$run_dir/dangling"
expect "$err" 'quickstart: there was nothing to count'
# A file that can be opened, even by root, but not read.
run 0 /proc/self/mem "$corpus/utf8"
expect "$err" 'quickstart: skipped /proc/self/mem: Input/output error'
expect "$out" 'skipped: 0 compressed, 0 not text, 0 links .*, 1 unreadable'
if [[ $EUID != 0 ]]; then
  chmod 000 "$corpus/sub/dir"
  run 0 "$corpus"
  expect "$err" "quickstart: skipped $corpus/sub/dir: Permission denied"
  chmod 700 "$corpus/sub/dir"
fi

# `bazel run` starts it elsewhere.
BUILD_WORKING_DIRECTORY="$corpus/sub" run 0 --top 1 ../utf8
expect "$out" '         2  café'

# What is left is said, and makes it fail: here a child that it was born with.
new_run
code=0
# shellcheck disable=SC2016
marked bash -c 'tail -f /dev/null & exec "$0" "$@"' "$program" "$corpus/utf8" \
  >"$out" 2>"$err" </dev/null || code=$?
[[ $code == 1 ]] || fail "with a child left: exit code $code"
expect "$out" 'left behind: 0 processes, 1 children, 0 directories, 0 cgroups'
end_survivors

# A worker is killed in the middle of its work: the root is told who died of
# what, everybody else is ended, nothing is left.
for backend in forkserver exec; do
  run 1 --kill-one --workers 3 --spawn-method "$backend" "$corpus"
  killed="$(sed -n 's/^killed \(mapper-[0-2]@[0-9]*\) after 3 pieces.*/\1/p' \
    "$out")"
  [[ -n "$killed" ]] || fail "it does not say who was killed:" "$(cat "$out")"
  expect "$err" "quickstart: actor '$killed' died of signal 9 \\(Killed\\)"
  expect "$out" '4 actors were at work, in 4 processes'
  expect "$out" 'left behind: 0 processes, 0 children, 0 directories, 0 cgroups'
done
# Which the README shows, with two workers.
run 1 --kill-one --workers 2 "$corpus"
pids_hidden() { sed -E -e 's/mapper-[01]@[0-9]+/mapper-N@PID/'; }
diff -u <(sed -n '/^```console kill one$/,/^```$/p' "$readme" | sed '1d;$d' |
  pids_hidden) <(cat "$err" "$out" | pids_hidden) >&2 ||
  fail "$readme does not show what happens"
run 2 --kill-one --spawn-method thread "$corpus"
expect "$err" 'quickstart: --kill-one wants mappers that are processes, .*'

# A wrong command line: one line, and nothing is done.
for wrong in --unknown --work=2 --workers=0 --workers=many --workers \
  --spawn-method=magic --top=-1; do
  run 2 "$wrong" "$corpus"
  expect_empty "$out"
  [[ "$(wc -l <"$err")" == 1 ]] || fail "$wrong: not one line:" "$(cat "$err")"
  expect "$err" 'quickstart: .*'
done
run 2 --spawn-method=magic "$corpus"
expect "$err" '.*forkserver, exec, thread.*'
TRACTOR_SPAWN_METHOD=magic run 2 "$corpus"
expect "$err" '.*forkserver, exec, thread.*'

run 0 --help
expect "$out" 'Usage: quickstart .*'
expect_empty "$err"
run 0 --version
expect "$out" 'quickstart of tractor [0-9].*'

# on_terminal COMMAND: what it has written there, in $run_dir/terminal.
on_terminal() {
  new_run
  marked script -qec "$1" /dev/null >"$run_dir/terminal" </dev/null ||
    fail "on a terminal: exit code $?"
  expect_nothing_left "on a terminal"
}

# Stderr that is a terminal gets progress, which is gone in the end.
on_terminal "'$program' --workers 2 '$corpus' >'$out'"
grep -Eq $'^\r\033\\[K[0-9]+ files, [0-9.]+ MB, [0-9.]+ MB/s\r\033\\[K' \
  "$run_dir/terminal" || fail "no progress is shown"
[[ "$(tail -c 4 "$run_dir/terminal")" == $'\r\033[K' ]] || fail "it is still there"
! grep -q $'\033' "$out" || fail "progress is on stdout"
# Nothing else does.
on_terminal "'$program' --workers 2 '$corpus' 2>'$err'"
expect_empty "$err"
grep -q 'left behind: 0 processes' "$run_dir/terminal" || fail "no results"
printf 'quickstart: all is as it should be\n'
