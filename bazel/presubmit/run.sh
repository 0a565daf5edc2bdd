#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# Runs a script of this folder with the machine's python, which is all that
# Bazel's own Python rules would add here.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 -B "$@"
