#!/bin/sh
# agent.sh RCB INPUTS STORES TRIALS [NAME=RCB...]: faults in agents, logs and control pages, which replication does not cover
# alone, with two and three replicas of sqlite3; the agents of every named build (make hardened) beside those of RCB.
#
# INPUTS is a folder made by tests/suite/prepare.sh (small). STORES gets one store for each build; an interrupted campaign
# goes on. Prints one table of Markdown for each build. Silent corruption is what is looked for, and the status is 1 only then.
set -u
rcb=$(realpath "$1")
inputs=$(realpath "$2")
mkdir -p "$3"
stores=$(realpath "$3")
trials=$4
shift 4
found=0
# Folders of trials: see run.sh.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
    TMPDIR=/dev/shm
    export TMPDIR
fi

campaign() {
    "$rcb" inject -n "$n" --rcb "$build" --trials "$trials" --seed 1 --store "$stores/$name.db" --target "$1" \
        --workdir "$inputs/sqlite" --input "$inputs/sqlite/work.sql" -- sqlite3 work.db >/dev/null
    status=$?
    if [ $status -gt 1 ]; then
        exit $status
    fi
}

show() {
    echo "$name:"
    "$rcb" inject --summarise "$stores/$name.db" --markdown --json "$stores/$name.json"
    if grep -q '"class": "silent",$' "$stores/$name.json" && grep -A1 '"class": "silent",$' "$stores/$name.json" | grep -q '"count": [1-9]'; then
        found=1
    fi
}

name=this
build=$rcb
for n in 2 3; do
    for target in agent log control; do
        campaign $target
    done
done
show
for word in "$@"; do
    name=${word%%=*}
    build=$(realpath "${word#*=}")
    for n in 2 3; do
        campaign agent
    done
    show
done
exit $found
