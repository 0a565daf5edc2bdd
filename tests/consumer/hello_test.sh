#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
set -euo pipefail
output="$("$1")"
[[ $output == "hello, world" ]] || { echo "Not a greeting: $output"; exit 1; }
