#!/bin/sh
# projects.sh TARGET FOLDER: real projects from Debian's source packages, built with rcbcc, and their own tests.
#
# zlib, bzip2, lua5.4 and sqlite3. Needs network for apt-get, and tcl-dev for sqlite3. Everything goes to FOLDER.
set -eu
target=$(realpath "$1")
rcbcc=$target/release/rcbcc
here=$(dirname "$(realpath "$0")")
mkdir -p "$2"
folder=$(realpath "$2")
"$here/sources.sh" "$folder" zlib bzip2 lua5.4 sqlite3
passed() {
    echo "$1: built with rcbcc, $2"
}

cd "$folder"/src/zlib-*
CC=$rcbcc ./configure --static >"$folder/zlib.log" 2>&1
make CC="$rcbcc" >>"$folder/zlib.log" 2>&1
make CC="$rcbcc" check >"$folder/zlib.check" 2>&1
grep -q 'zlib test OK' "$folder/zlib.check"
passed zlib "its test passes"

cd "$folder"/src/bzip2-*
# The default target compresses and expands three files and compares them with what they should be.
make CC="$rcbcc" bzip2 bzip2recover libbz2.a >"$folder/bzip2.log" 2>&1
make CC="$rcbcc" test >"$folder/bzip2.check" 2>&1
passed bzip2 "its test passes"

cd "$folder"/src/lua-*
# The package has no tests of its own: a program that uses the libraries, against the same interpreter unhardened.
cat >"$folder/all.lua" <<'EOF'
local words = {}
for i = 1, 3000 do words[i] = string.format("%05d %s", i * 7919 % 3001, ("x"):rep(i % 7)) end
table.sort(words)
local sum, co = 0, coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i * i) end end)
for i = 1, 100 do sum = sum + co() end
print(#words, words[1], words[1500], sum, math.floor(math.sqrt(sum)), ("héllo"):len(), utf8.len("héllo"))
print(select("#", ("a,b,,c"):match("(.-),(.-),(.-),(.*)")), ("%d+"):rep(2), ("key = value"):gsub("%w+", string.upper))
print(pcall(error, { code = 5 }), pcall(string.rep), load("return 1 // 0.0, 7 // -2, 7 % -3, 1 << 62, 3 | 12, ~0")())
local t = setmetatable({}, { __index = function(_, k) return k * 2 end, __call = function(_, ...) return ... end })
print(t[21], t(1, 2, 3), string.pack("<i4d", 7, 2.5):byte(1, -1))
collectgarbage()
EOF
for scheme in none swift; do
    make -C src clean >>"$folder/lua.log" 2>&1
    make -C src CC="$rcbcc --protect $scheme" MYCFLAGS=-DLUA_USE_POSIX generic >>"$folder/lua.log" 2>&1
    src/lua "$folder/all.lua" >"$folder/lua.$scheme"
done
cmp "$folder/lua.none" "$folder/lua.swift"
test "$(wc -l <"$folder/lua.swift")" -eq 4
passed lua5.4 "a program over its libraries gives the same output as without hardening"

cd "$folder"/src/sqlite3-*
mkdir -p hardened
cd hardened
CC=$rcbcc ../configure --disable-tcl --disable-readline >"$folder/sqlite3.log" 2>&1
make fuzzcheck sqlite3 >>"$folder/sqlite3.log" 2>&1
# The thousands of databases and statements that its developers keep: results, limits, damaged files.
make fuzztest >"$folder/sqlite3.check" 2>&1
passed sqlite3 "its fuzz regression tests pass"
"$here/sqlite.sh" "$target" "$folder"
