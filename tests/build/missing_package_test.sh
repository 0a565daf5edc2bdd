#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# @system names the Debian package of what it does not find. Runs a Bazel of
# its own, in a workspace that depends on this one, with a PATH of fakes.
set -euo pipefail

root="$(dirname "$(readlink -f WORKSPACE)")"
cd "$TEST_TMPDIR"
mkdir -p bin workspace
cat >workspace/WORKSPACE <<END
local_repository(name = "tractor", path = "$root")
load("@tractor//bazel:dependencies.bzl", "tractor_dependencies")
tractor_dependencies()
END
failures=0

# try WHAT EXPECTED: expects the query for @system to say EXPECTED.
try() {
  local out
  out="$(cd workspace && PATH="$TEST_TMPDIR/bin" \
    "$bazel" --batch --output_base="$TEST_TMPDIR/base" --nohome_rc \
    query @system//:all 2>&1)" || true
  if [[ $out != *"$2"* ]]; then
    printf 'FAILED %s: no "%s" in\n%s\n' "$1" "$2" "$out"
    failures=$((failures + 1))
  fi
  rm -rf "$TEST_TMPDIR/base/external/system" \
    "$TEST_TMPDIR/base/external/@system.marker"
}

bazel="$(command -v bazel)"
# What Bazel itself runs.
ln -s /usr/bin/* bin/

rm bin/pkg-config
cat >bin/pkg-config <<'END'
#!/bin/bash
[[ "$*" != *libdw* ]] || { echo "Package libdw was not found" >&2; exit 1; }
echo -lz
END
chmod +x bin/pkg-config
try "a library" "libdw is missing; it is in the Debian package 'libdw-dev'"

printf '#!/bin/bash\necho -lnosuch\n' >bin/pkg-config
try "an archive" "libnosuch.a is missing; it is in the Debian package"

rm bin/pkg-config
try "pkg-config" "it is in the Debian package 'pkgconf'"

ln -s /usr/bin/pkg-config bin/
rm bin/protoc
try "a tool" "protoc is missing; it is in the Debian package 'protobuf-compiler'"

echo "$failures failed"
((failures == 0))
