#!/bin/sh
# heal.sh RCB [MEBIBYTES...]: how long it takes until a set of three is whole again, by the memory that the program has touched.
#
# Replicas are killed one after the other, leaders among them; the time is from the verdict to the copy in its place, as the
# record says (heal_us). Prints a table of Markdown.
set -eu
rcb=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- 1 10 100 500
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cc -O1 -o "$folder/worker" "$here/../victims/worker.c"
mkfifo "$folder/input"
# The number of a process in the latest line of the record that names replica $1.
process() {
    grep -E '"event":"(replica|healed)"' "$folder/record" | grep "\"replica\":$1[,}]" | tail -1 |
        sed -E 's/.*"new_pid":([0-9]+).*/\1/; t; s/.*"pid":([0-9]+).*/\1/'
}
healed() {
    grep -c '"event":"healed"' "$folder/record" || true
}
echo "| MiB touched | replacements | median ms | largest ms |"
echo "|---:|---:|---:|---:|"
for mebibytes in "$@"; do
    rm -f "$folder/record"
    "$rcb" run -n 3 --record "$folder/record" -- "$folder/worker" large "$mebibytes" <"$folder/input" >"$folder/output" 2>/dev/null &
    exec 3>"$folder/input"
    until grep -q ready "$folder/output"; do sleep 0.05; done
    for who in 0 1 2 0 1 2 0 1 2; do
        before=$(healed)
        kill -9 "$(process $who)"
        until [ "$(healed)" -gt "$before" ]; do sleep 0.02; done
        sleep 0.1
    done
    exec 3>&-
    wait
    sed -nE 's/.*"event":"healed".*"heal_us":([0-9]+).*/\1/p' "$folder/record" | sort -n |
        awk -v size="$mebibytes" '{ t[NR] = $1 } END { printf "| %d | %d | %.1f | %.1f |\n", size, NR, t[int((NR + 1) / 2)] / 1000, t[NR] / 1000 }'
done
