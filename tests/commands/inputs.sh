#!/bin/sh
# inputs.sh DIR: make the files that the everyday commands work on, the same ones every time.
set -eu
mkdir -p "$1"
cd "$1"
export LC_ALL=C TZ=UTC0

awk 'BEGIN {
    for (i = 0; i < 4000; i++) {
        s = (s * 1103515245 + 12345) % 2147483648
        printf "%d word%d %s line %d of the text\n", s % 1000, int(s / 7) % 500, (s % 3 ? "apple" : "pear"), i
    }
}' > text
awk 'BEGIN { for (i = 0; i < 300; i++) { s = (s * 69069 + 1) % 4294967296; printf "%d,%d,name%d\n", i, s % 100, s % 17 } }' > table.csv
head -c 30000 text | tr ' a-m' '\001n-zA' > binary
sed 's/pear/plum/; 1000,1010d' text > text2
printf 'short\n' > small
: > empty
mkdir -p tree/one/two tree/three
for i in 1 2 3 4 5 6 7 8 9; do
    head -n $((i * 40)) text > "tree/one/file$i"
    printf 'needle %d\n' "$i" > "tree/one/two/n$i"
done
ln -s one tree/link
ln tree/one/file1 tree/three/hard
chmod 700 tree/three
printf '{"items": [{"id": 1, "name": "one", "tags": ["a", "b"]}, {"id": 2, "name": "two", "tags": []}]}\n' > data.json
cat > code.c <<'C'
static int table[256];
int square(int n) { return n * n; }
int total(const int *v, int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += square(v[i]) ^ table[v[i] & 255];
    return s;
}
C
gzip -n -c text > text.gz
bzip2 -c text > text.bz2
xz -T1 -c text > text.xz

# Scripts: with and without an argument of the interpreter, one run by another, and broken ones.
printf '#!/bin/sh\necho "$0" "$@"\n' > plain.sh
printf '#! /bin/sh -e \necho "$0" "$@"; false; echo not reached\n' > argument.sh
printf '#!/usr/bin/env -S awk -f\nBEGIN { print "awk", ARGC, ARGV[1] }\n' > env.awk
printf '#!./plain.sh inner argument\nnothing\n' > nested.sh
printf '#!./nested.sh\n' > nested2.sh
printf '#!./nested2.sh\n' > nested3.sh
printf '#!./nested3.sh\n' > nested4.sh
printf '#!./nested4.sh\n' > nested5.sh
printf '#!/no/such/interpreter\n' > lost.sh
printf '#!/usr/bin/python3\nimport sys, os\nprint(sys.argv, os.path.basename(sys.executable))\n' > script.py
printf '#!/bin/sh' > no-newline.sh
printf 'echo no first line; exit 4\n' > headless.sh
printf '#!/usr/bin/perl -w\nprint "$0 @ARGV\\n"; exit 9;\n' > script.pl
chmod 755 ./*.sh ./*.py ./*.awk ./*.pl

find . -exec touch -h -d @1600000000 {} +
