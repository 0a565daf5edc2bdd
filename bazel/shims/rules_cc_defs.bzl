# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""What the files here load from @rules_cc: the native rules of Bazel 4.

Debian's bazel-rules-cc is too new for its bazel, and nothing may be
downloaded. A Bazel that has no native rules brings its own @rules_cc.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
