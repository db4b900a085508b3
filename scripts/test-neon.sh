#!/bin/sh
# Runs the tests of the kernels on an emulated 64-bit ARM, so that NEON is computed with and not only compiled. Needs
# qemu-aarch64, aarch64-linux-gnu-gcc and Rust's standard library for that target, which is added where rustup can; where
# there is none, says so and does nothing.
set -eu

target=aarch64-unknown-linux-gnu
has_library() { [ -d "$(rustc --print target-libdir --target $target)" ]; }
has_library || rustup target add $target || true
if ! has_library; then
  echo "skipped: there is no standard library of Rust for $target" >&2
  exit 0
fi
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
  cargo test --release --target $target --package danas-kernels
