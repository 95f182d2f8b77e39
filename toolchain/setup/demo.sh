#!/bin/sh
# demo.sh: run Debian's unmodified bzip2 alone, as two and as three agreeing replicas, and then with a fault injected.
#
# RCB names the rcb binary. Every command is shown as it is run; the script fails when one does not do what it should.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
case ${RCB:-target/release/rcb} in
/*) rcb=${RCB} ;;
*) rcb=$top/${RCB:-target/release/rcb} ;;
esac
[ -x "$rcb" ] || { echo "demo: $rcb is not there: make build" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir bin
ln -s "$rcb" bin/rcb
PATH=$work/bin:$PATH
export LC_ALL=C

title() { printf '\n== %s\n' "$*"; }
fail() { echo "demo: $*" >&2; exit 1; }

# Shows a command and runs it; leaves its exit status in `status` and its wall time in milliseconds in `took`.
run() {
    printf '$ %s\n' "$1"
    began=$(date +%s%N)
    status=0
    sh -c "$1" || status=$?
    took=$((($(date +%s%N) - began) / 1000000))
}

# As run, for a command that must succeed.
must() {
    run "$1"
    [ "$status" = 0 ] || fail "the command above ended with status $status"
}

cat "$(readlink -f "$(command -v perl)")" "$(readlink -f "$(command -v bzip2)")" >data

title "The machine"
run "rcb doctor"

title "Debian's bzip2, alone"
must "bzip2 -kv data"
alone=$took
mv data.bz2 alone.bz2

title "The same binary as two replicas that agree on every system call"
must "rcb run -n 2 -- bzip2 -kv data"
two=$took
must "cmp data.bz2 alone.bz2 && echo identical"
rm data.bz2

title "As three replicas, with counters"
must "rcb run -n 3 --stats -- bzip2 -kv data 2>messages"
three=$took
cat messages
calls=$(sed -n 's/^rcb:   calls *\([0-9]*\).*/\1/p' messages)
must "cmp data.bz2 alone.bz2 && echo identical"
rm data.bz2

# Runs bzip2 with N replicas of which one suffers a fault, at the first call from CALL on where it has an effect: a
# flipped bit may also hit something that is not used any more. With two the run must stop, with three it must go on.
faulty() {
    call=$3
    while :; do
        run "rcb run -n $1 --inject replica=$2,call=$call,$4 -- bzip2 -kv data 2>messages"
        cat messages
        if [ "$status" != 0 ] || grep -q corrected: messages; then
            break
        fi
        cmp -s data.bz2 alone.bz2 || fail "a wrong file was written and nobody noticed"
        rm data.bz2
        [ $call -lt $(($3 + 20)) ] || fail "twenty injected faults and none was detected"
        echo "(no effect: that bit was not used any more; once more, one call later)"
        call=$((call + 1))
    done
    if [ "$1" = 2 ]; then
        [ "$status" = 120 ] || fail "exit status $status instead of 120"
    else
        [ "$status" = 0 ] || fail "exit status $status although two of three were right"
        must "cmp data.bz2 alone.bz2 && echo identical"
    fi
    rm -f data.bz2
}

title "A fault: one bit of a register of replica 1 flips; two replicas cannot tell who is wrong, and stop"
faulty 2 1 30 reg=rbx,bit=7

title "A fault in one of three replicas: one bit of what replica 2 writes flips; it is replaced, and bzip2 goes on"
# The last of the $calls calls write the end of the file.
faulty 3 2 $((calls - 16)) input,bit=0

title "The leader of three replicas is killed in the middle of a write"
faulty 3 0 $((calls - 16)) kill-done

title "Summary"
printf '%-34s %12s  %s\n' run "wall time" result
printf '%-34s %9d ms  %s\n' "bzip2 alone" "$alone" "-"
printf '%-34s %9d ms  %s\n' "two replicas" "$two" "identical output"
printf '%-34s %9d ms  %s\n' "three replicas ($(nproc) CPUs)" "$three" "identical output"
printf '%-34s %12s  %s\n' "two replicas, one faulty" "" "stopped, exit status 120"
printf '%-34s %12s  %s\n' "three replicas, one faulty" "" "corrected, identical output"
