#!/bin/sh
# link.sh TARGET: makes TARGET/release/rcb-pass.so from plugin.cpp and the library that cargo has built.
#
# It is linked with no LLVM: the symbols are those of the clang or opt that loads it.
set -eu
release=$1/release
llvm=${LLVM_SYS_221_PREFIX:-/usr/lib/llvm-22}
here=$(dirname "$0")
flags=$("$llvm/bin/llvm-config" --cxxflags | tr ' ' '\n' | grep -E '^-(I|D_)')
# shellcheck disable=SC2086 # several words
"$llvm/bin/clang++" -std=c++17 -O2 -fPIC -fno-rtti -fno-exceptions $flags -shared "$here/src/plugin.cpp" \
    "$release/librcb_pass_plugin.a" -Wl,--gc-sections -Wl,-Bsymbolic -o "$release/rcb-pass.so.new"
mv "$release/rcb-pass.so.new" "$release/rcb-pass.so"
