#!/bin/sh
# run.sh RCB INPUTS STORE TRIALS [RCB-INJECT-OPTION...]: faults in five real programs, with two replicas, with two and
# checkpoints, and with three.
#
# SETTINGS chooses some of "2 2c 3".
#
# INPUTS is a folder made by tests/suite/prepare.sh (small). Trials are kept in STORE: an interrupted campaign goes on where
# it stopped. Prints one table of Markdown. The status is that of the first campaign that broke what is promised, or 0.
set -u
rcb=$(realpath "$1")
inputs=$(realpath "$2")
store=$(realpath "$3")
trials=$4
shift 4
worst=0
# Folders of trials: a disk that others keep busy would make calls that wait for it look like hangs.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
    TMPDIR=/dev/shm
    export TMPDIR
fi

campaign() {
    "$rcb" inject -n "$n" --trials "$trials" --store "$store" "$@" >/dev/null
    status=$?
    if [ $status -gt 1 ]; then
        exit $status
    fi
    if [ $status -ne 0 ] && [ $worst -eq 0 ]; then
        worst=$status
    fi
}

programs() {
    campaign --workdir "$inputs/compress" "$@" -- bzip2 -9 -c mixed.bin
    campaign --workdir "$inputs/sqlite" --input "$inputs/sqlite/work.sql" "$@" -- sqlite3 work.db
    campaign --workdir "$inputs/script" "$@" -- /usr/bin/python3 mix.py 1
    campaign --workdir "$inputs/gcc" "$@" -- \
        /usr/lib/gcc/x86_64-linux-gnu/12/cc1 -fpreprocessed -quiet -O2 stb_all.i -o stb_all.s
    campaign --workdir "$inputs/text" "$@" -- \
        sh -c 'head -c 150000 access.log | gawk "{ print \$1, \$9 }" | sort | uniq -c | sort -rn | head -5'
}

for setting in ${SETTINGS:-2 2c 3}; do
    n=${setting%c}
    case $setting in
    *c) programs --checkpoint 0.05 "$@" ;;
    *) programs "$@" ;;
    esac
done
"$rcb" inject --summarise "$store" --markdown
exit $worst
