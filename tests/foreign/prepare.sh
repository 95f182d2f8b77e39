#!/bin/sh
# prepare.sh DIR: fetch test suites that others have written, from Debian's archive, and lay them out under DIR for
# foreign.py: python's (package libpython3.11-testsuite), perl's, bash's, GNU make's and coreutils' (source packages). The programs
# under test are those installed. What is there is kept. Needs apt-get and the network; installs nothing.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
export LC_ALL=C
cd "$dir"

# A package index of its own, so that the machine's is left alone.
mkdir -p apt/lists/partial apt/archives/partial
echo 'deb-src http://deb.debian.org/debian bookworm main' > apt/sources.list
sources="-o Dir::Etc::sourcelist=$dir/apt/sources.list -o Dir::Etc::sourceparts=/nonexistent
    -o Dir::State::lists=$dir/apt/lists -o Dir::Cache=$dir/apt -o APT::Sandbox::User="
# fetch PACKAGE: its source, not unpacked
fetch() {
    # shellcheck disable=SC2086 # a list of words
    [ -n "$(ls apt/lists/*Sources* 2>/dev/null)" ] || apt-get $sources -q update >/dev/null
    # shellcheck disable=SC2086
    apt-get $sources -q source --download-only "$1" >/dev/null
}

if [ ! -d python ]; then
    rm -rf python.new
    apt-get -q -o APT::Sandbox::User= download libpython3.11-testsuite >/dev/null
    dpkg -x libpython3.11-testsuite_*.deb python.new
    # The package adds to what the interpreter's own package has of the tests; one folder for both.
    mkdir python.new/lib
    cp -a /usr/lib/python3.11/test python.new/lib/
    cp -a python.new/usr/lib/python3.11/test/. python.new/lib/test/
    rm -r python.new/usr
    mv python.new python
fi

if [ ! -d perl ]; then
    rm -rf perl.new
    fetch perl
    mkdir -p perl.new/lib
    tar xf perl_*.orig.tar.xz -C perl.new --strip-components=1 --wildcards '*/t/*'
    # The tests look for modules in ../lib: those of the installed perl.
    for folder in /usr/share/perl/5.36 /usr/lib/x86_64-linux-gnu/perl/5.36 /usr/lib/x86_64-linux-gnu/perl-base; do
        cp -rs "$(readlink -f "$folder")/." perl.new/lib/ 2>/dev/null || true
    done
    ln -s /usr/bin/perl perl.new/t/perl
    mv perl.new perl
fi

if [ ! -d bash ]; then
    rm -rf bash.new
    fetch bash
    mkdir bash.new
    tar xf bash_*.orig.tar.gz -C bash.new --strip-components=1
    : > bash.new/config.h # their configure writes it
    for helper in recho zecho xcase printenv; do
        gcc -w -DHAVE_CONFIG_H -DHAVE_STRING_H -DHAVE_STDLIB_H -DHAVE_UNISTD_H -include string.h -include stdlib.h -include unistd.h -I bash.new \
            -o "bash.new/tests/$helper" "bash.new/support/$helper.c" ||
            echo "prepare: bash's helper $helper cannot be compiled" >&2
    done
    mv bash.new bash
fi

if [ ! -d make ]; then
    rm -rf make.new
    fetch make-dfsg
    mkdir make.new
    tar xf make-dfsg_*.orig.tar.gz -C make.new --strip-components=1
    sed -e 's/@CC@/gcc/' -e 's/@[A-Z_]*@//g' make.new/tests/config-flags.pm.in > make.new/tests/config-flags.pm
    mv make.new make
fi

if [ ! -d coreutils ]; then
    rm -rf coreutils.new
    fetch coreutils
    mkdir coreutils.new
    tar xf coreutils_*.orig.tar.xz -C coreutils.new --strip-components=1
    : > coreutils.new/lib/config.h # their configure writes it
    # What their helper getlimits prints, for x86-64: for each type its bounds and the numbers just beyond.
    /usr/bin/python3 - > coreutils.new/src/getlimits <<'END'
signed = {"SCHAR": 8, "SHRT": 16, "INT": 32, "LONG": 64, "SSIZE": 64, "TIME_T": 64, "PID_T": 32, "OFF_T": 64, "INTMAX": 64}
unsigned = {"UCHAR": 8, "USHRT": 16, "UINT": 32, "ULONG": 64, "SIZE": 64, "UID_T": 32, "GID_T": 32, "UINTMAX": 64}
print("#!/bin/sh\ncat <<'END'")
for names, low, high in ((signed, lambda b: -2 ** (b - 1), lambda b: 2 ** (b - 1) - 1), (unsigned, lambda b: 0, lambda b: 2 ** b - 1)):
    for name, bits in names.items():
        print("%s_MAX=%d\n%s_OFLOW=%d" % (name, high(bits), name, high(bits) + 1))
        if low(bits):
            print("%s_MIN=%d\n%s_UFLOW=%d" % (name, low(bits), name, low(bits) - 1))
print("IO_BUFSIZE=131072\nEND")
END
    chmod +x coreutils.new/src/getlimits
    mv coreutils.new coreutils
fi
