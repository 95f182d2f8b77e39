#!/bin/sh
# hardened.sh TARGET SCHEME...: builds the agent and the supervisor with rcbcc, once per scheme, as TARGET/hardened/SCHEME/rcb.
#
# The agent first; its image is then embedded in the supervisor. Every scheme, `none` included, goes through the same
# pipeline, so that their costs can be compared.
set -eu
target=$(realpath "$1")
shift
triple=x86_64-unknown-linux-gnu
rcbcc=$target/release/rcbcc
for scheme in "$@"; do
    folder=$target/hardened/$scheme
    "$rcbcc" --protect "$scheme" cargo rustc --locked --quiet --release -p rcb-agent --bin rcb-agent \
        --target-dir "$folder/agent" -- -C relocation-model=pic -C strip=debuginfo
    RCB_AGENT_IMAGE=$folder/agent/$triple/release/rcb-agent \
        "$rcbcc" --protect "$scheme" cargo build --locked --quiet --release -p rcb --target-dir "$folder/supervisor"
    cp "$folder/supervisor/$triple/release/rcb" "$folder/rcb"
    echo "$folder/rcb"
done
