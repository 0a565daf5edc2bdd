# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
"""What @bazel_tools loads from @rules_java, though no Java is built here."""

java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_plugin = native.java_plugin
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_test = native.java_test
java_toolchain = native.java_toolchain
