#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# tutorial_test.sh DOCUMENT: each block of it that begins with
#     ```cpp from PATH
# has to stand in the file PATH, line for line.
set -euo pipefail
exec python3 - "$@" <<'PYTHON'
import re
import sys

document = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"(?ms)^```\w+ from (\S+)\n(.*?)^```$", document)
if not blocks:
  sys.exit(f"{sys.argv[1]} shows nothing")
for path, text in blocks:
  if "\n" + text not in "\n" + open(path, encoding="utf-8").read():
    sys.exit(f"{sys.argv[1]} shows what is not in {path}:\n{text}")
print(f"{len(blocks)} blocks are as they are in their files")
PYTHON
