#!/bin/sh
# prepare.sh DIR [small|full]: make the inputs of the suite under DIR; full if nothing is said.
# What is there is kept. Missing packages are installed (Debian 12, needs root) unless SUITE_NO_INSTALL=1; the parts of
# the suite whose programs are missing are left out with a word on standard error.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 DIR [small|full]" >&2; exit 2; }
size=${2:-full}
case $size in small|full) ;; *) echo "$0: $size is neither small nor full" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
src=$here/src
mkdir -p "$1"
dir=$(cd "$1" && pwd)
export LC_ALL=C TZ=UTC0 DEBIAN_FRONTEND=noninteractive
PATH=$PATH:/usr/games

packages="bzip2 xz-utils gcc g++ libc6-dev perl mhonarc glpk-utils gnugo hmmer2 sjeng libquantum-dev x264 libns3-dev
libboost1.81-dev python3 sqlite3 ffmpeg gawk lua5.4 libstb-dev"
if [ -z "${SUITE_NO_INSTALL:-}" ]; then
    missing=
    for p in $packages; do
        dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
    done
    if [ -n "$missing" ]; then
        if [ "$(id -u)" -eq 0 ]; then
            echo "installing:$missing"
            apt-get update -q >/dev/null
            # shellcheck disable=SC2086 # a list of words
            apt-get install -y -q -o DPkg::Lock::Timeout=600 --no-install-recommends $missing >/dev/null
        else
            echo "not installed, and only root can:$missing" >&2
        fi
    fi
fi

# have NAME PROGRAM...: whether a part of the suite can be made
have() {
    part=$1
    shift
    for program; do
        command -v "$program" >/dev/null || { echo "suite: $part is left out: no $program" >&2; return 1; }
    done
}

# build NAME COMMAND...: a driver that needs a library; left out if it does not compile
build() {
    [ -x "$dir/$1" ] && return
    part=$1
    shift
    "$@" 2>"$dir/build.log" || { echo "suite: $part is left out:" >&2; head -n 3 "$dir/build.log" >&2; }
    rm -f "$dir/build.log"
}

# by SMALL FULL: the one that fits
by() { if [ "$size" = small ]; then echo "$1"; else echo "$2"; fi; }

echo "generating $size inputs in $dir"
/usr/bin/python3 "$src/gen_inputs.py" "$dir" "$size"
mkdir -p "$dir/perl/out" "$dir/gcc" "$dir/gobmk" "$dir/sjeng" "$dir/quantum" "$dir/sim" "$dir/astar" "$dir/script" "$dir/sqlite"

# 400 perl
cp "$src/digest.pl" "$dir/perl/"

# 403 gcc: one preprocessed file; the small one has the first three libraries only
if [ ! -s "$dir/gcc/stb_all.i" ] && have gcc.cc1 gcc; then
    head -n "$(by 3 100)" "$src/stb_all.c" > "$dir/gcc/stb_all.c"
    gcc -E -P -O2 "$dir/gcc/stb_all.c" -o "$dir/gcc/stb_all.i" || echo "suite: gcc.cc1 is left out: no libstb-dev" >&2
    rm "$dir/gcc/stb_all.c"
fi

# 445 gnugo, 458 sjeng
/usr/bin/python3 "$src/go-game.py" "$(by 1 6)" > "$dir/gobmk/game.gtp"
cp "$src/play.sh" "$dir/sjeng/"
head -n "$(by 2 100)" "$src/positions.fen" > "$dir/sjeng/positions.fen"
# sjeng keeps learning files in ~/.sjeng (home from the password file, not $HOME) and plays differently after each
# run. /dev/null in the place of the learning file switches that off; its first run creates the other files.
if have sjeng sjeng; then
    home=$(getent passwd "$(id -u)" | cut -d: -f6)
    [ -e "$home/.sjeng" ] || { mkdir -p "$home/.sjeng" && ln -s /dev/null "$home/.sjeng/standard.lrn"; }
    [ -L "$home/.sjeng/standard.lrn" ] ||
        echo "warning: $home/.sjeng/standard.lrn is a learning file: sjeng's output will vary" >&2
    printf 'quit\n' | timeout 10 sjeng >/dev/null 2>&1 || true
fi

# 456 hmmer2: build and calibrate a model (fixed DATE: the tools write the time of day into the file)
if [ ! -s "$dir/hmmer/family.hmm" ] && have hmmer.search hmm2build hmm2calibrate; then
    (cd "$dir/hmmer" && hmm2build -F raw.hmm family.sto >/dev/null &&
        hmm2calibrate --cpu 0 --seed 7 --num "$(by 250 500)" raw.hmm >/dev/null &&
        sed 's/^DATE .*/DATE  Mon Jan  1 00:00:00 2024/' raw.hmm > family.hmm && rm raw.hmm)
fi

# 462 libquantum, 471 ns-3, 473 A*: Debian's libraries with a small driver
build quantum/shor gcc -O2 -o "$dir/quantum/shor" "$src/shor.c" -lquantum -lgomp
build sim/lan g++ -O2 -std=c++17 -o "$dir/sim/lan" "$src/lan.cc" \
    -lns3-applications -lns3-csma -lns3-point-to-point -lns3-internet -lns3-network -lns3-core
build astar/astar g++ -O2 -std=c++17 -o "$dir/astar/astar" "$src/astar.cc"

# script programs
cp "$src/mix.py" "$src/mix.lua" "$dir/script/"
cp "$src/report.awk" "$dir/text/"
if [ "$size" = small ]; then
    sed 's/600000/4000/g; s/20000/800/g' "$src/work.sql" > "$dir/sqlite/work.sql"
else
    cp "$src/work.sql" "$dir/sqlite/"
fi
du -sh "$dir"
