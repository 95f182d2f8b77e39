#!/bin/sh
# programs.sh TARGET FOLDER: programs to be timed, as FOLDER/programs/NAME-SCHEME, and FOLDER/programs/text, their input.
#
# The benchmarks of sqlite3 and zlib from Debian's source packages and the Rust program hexyl of crates.io, without and
# with hardening. Fetches them when they are not in FOLDER yet; nothing else needs network.
set -eu
rcbcc=$(realpath "$1")/release/rcbcc
mkdir -p "$2/src" "$2/programs"
folder=$(realpath "$2")
programs=$folder/programs
here=$(dirname "$(realpath "$0")")
"$here/sources.sh" "$folder" zlib sqlite3
hexyl=0.17.0

cd "$folder"/src/sqlite3-*
mkdir -p amalgamation
cd amalgamation
if ! [ -e sqlite3.c ]; then
    ../configure --disable-tcl --disable-readline >"$folder/amalgamation.log" 2>&1
    make sqlite3.c >>"$folder/amalgamation.log" 2>&1
fi
cp sqlite3.c "$programs/text"
cd ../../zlib-*
for scheme in none swift; do
    "$rcbcc" --protect $scheme -O2 -I"$folder"/src/sqlite3-*/amalgamation -DSQLITE_THREADSAFE=0 \
        -DSQLITE_OMIT_LOAD_EXTENSION "$folder"/src/sqlite3-*/test/speedtest1.c \
        "$folder"/src/sqlite3-*/amalgamation/sqlite3.c -o "$programs/speedtest1-$scheme" -lm
    "$rcbcc" --protect $scheme -w -O3 -I. -DHAVE_UNISTD_H ./*.c test/minigzip.c -o "$programs/minigzip-$scheme"
    # cargo would take what another state of rcbcc has made.
    rm -rf "$folder/hexyl/target-$scheme"
    "$rcbcc" --protect $scheme cargo install --quiet --profile release --locked --force --root "$folder/hexyl/$scheme" \
        --target-dir "$folder/hexyl/target-$scheme" "hexyl@$hexyl" >"$folder/hexyl.log" 2>&1
    cp "$folder/hexyl/$scheme/bin/hexyl" "$programs/hexyl-$scheme"
done
for program in speedtest1 minigzip hexyl; do
    "$rcbcc" --show "$programs/$program-swift" >"$folder/$program.show"
done
# What they compute is the same.
cd "$programs"
for scheme in none swift; do
    ./minigzip-$scheme -9 <text >"$folder/minigzip.$scheme"
    ./hexyl-$scheme --length 1MiB text >"$folder/hexyl.$scheme"
done
cmp "$folder/minigzip.none" "$folder/minigzip.swift"
cmp "$folder/hexyl.none" "$folder/hexyl.swift"
for scheme in none swift; do
    ./speedtest1-$scheme --size 5 --verify :memory: | grep -o 'Verification Hash.*' >"$folder/speedtest1.$scheme"
done
cmp "$folder/speedtest1.none" "$folder/speedtest1.swift"
