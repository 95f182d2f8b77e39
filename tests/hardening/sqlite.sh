#!/bin/sh
# sqlite.sh TARGET FOLDER: sqlite3's own test suite in Tcl (`veryquick`), built by clang, and by rcbcc.
#
# Fails when the suite does not end, runs another number of tests, or fails in anything that does not fail with clang.
# Needs tcl-dev, and sources as `sources.sh` has unpacked them.
set -eu
rcbcc=$(realpath "$1")/release/rcbcc
folder=$(realpath "$2")
source=$(echo "$folder"/src/sqlite3-*)
clang=${RCBCC_LLVM:-/usr/lib/llvm-22/bin}/clang
tcl=/usr/lib/tcl$(echo 'puts [info tclversion]' | tclsh)
if ! [ -e "$tcl/tclConfig.sh" ]; then
    echo "sqlite.sh: $tcl/tclConfig.sh is not there: make setup installs tcl-dev" >&2
    exit 77
fi
programs="testfixture sqlite3 sqldiff dbhash sqlite3_analyzer"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp -r "$source/test" "$source/ext" "$place"
# What only its test build has, counters that make calls fail, is changed by threads that sort without any lock.
counters='sqlite3_(io_error_[a-z]+|diskfull|diskfull_pending|open_file_count)'
sed -i -E "/volatile/!s/\\bint $counters\\b/volatile &/" "$source"/src/*.[ch]
# Some tests expect to be refused something by the kernel, so root runs them as nobody.
as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid 65534 --regid 65534 --clear-groups"
    chmod -R a+rX "$place"
fi

# build NAME COMPILER: the suite, and programs that it starts.
build() {
    mkdir -p "$source/tcl-$1" "$place/$1"
    cd "$source/tcl-$1"
    { CC=$2 ../configure --with-tcl="$tcl" --disable-readline && make $programs; } >"$folder/sqlite3.$1.log" 2>&1
    cp $programs "$place/$1"
    [ -z "$as" ] || chown 65534:65534 "$place/$1"
}

# suite NAME: runs it in a folder of its own.
suite() {
    cd "$place/$1"
    # Its status is that of its counts, which are looked at below.
    $as ./testfixture "$place/test/veryquick.test" >"$folder/sqlite3.$1.tcl" 2>&1 || true
    grep -q ' errors out of ' "$folder/sqlite3.$1.tcl"
    sed -n 's/^!Failures on these tests: //p' "$folder/sqlite3.$1.tcl" | tr ' ' '\n' | sort >"$folder/sqlite3.$1.failures"
}

# The figures of "0 errors out of 255401 tests on ...", for a NAME.
errors() { sed -n 's/ errors out of .*//p' "$folder/sqlite3.$1.tcl"; }
tests() { sed -n 's/.* errors out of \([0-9]*\) tests .*/\1/p' "$folder/sqlite3.$1.tcl"; }

build clang "$clang"
build rcbcc "$rcbcc"
suite clang
suite rcbcc
comm -13 "$folder/sqlite3.clang.failures" "$folder/sqlite3.rcbcc.failures" >"$folder/sqlite3.ours"
echo "sqlite3: built with rcbcc, its Tcl suite: $(errors rcbcc) errors out of $(tests rcbcc) tests" \
    "(by clang: $(errors clang) out of $(tests clang))"
if [ -s "$folder/sqlite3.ours" ] || [ "$(errors rcbcc)" -gt "$(errors clang)" ] ||
    [ "$(tests rcbcc)" -ne "$(tests clang)" ]; then
    echo "sqlite.sh: only with rcbcc: $(tr '\n' ' ' <"$folder/sqlite3.ours"); see $folder/sqlite3.rcbcc.tcl" >&2
    exit 1
fi
