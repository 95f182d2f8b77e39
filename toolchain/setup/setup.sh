#!/bin/sh
# setup.sh [--check] [GROUP...]: install what building and testing need.
#
# Installs the Debian packages of packages.txt that are missing (groups: build compiler tests suite pages; all by
# default), checks the Rust toolchain. Can be run again: what is there is left alone.
# With --check nothing is installed; the exit status is 1 when something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

check=
groups=
for word in "$@"; do
    case $word in
    --check) check=yes ;;
    build | compiler | tests | suite | pages) groups="$groups $word" ;;
    *) echo "usage: setup.sh [--check] [build] [compiler] [tests] [suite] [pages]" >&2; exit 2 ;;
    esac
done
[ -n "$groups" ] || groups="build compiler tests suite pages"

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

installed() { dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q 'ok installed'; }

# Prints the packages of one group of which no alternative is installed.
missing_of() {
    sed -e 's/#.*//' "$here/packages.txt" | while read -r group names _; do
        [ "$group" = "$1" ] || continue
        found=
        for name in $(echo "$names" | tr '|' ' '); do
            if installed "$name"; then found=yes; fi
        done
        [ -n "$found" ] || echo "${names%%|*}"
    done
}

# Whether as_root can work: as root, or through sudo, which may ask for a password where there is a terminal.
can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

packages() {
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        command -v cc >/dev/null 2>&1 || fail "this is no Debian and there is no C compiler (cc); install one and start again"
        say "this is no Debian: install the programs in toolchain/setup/packages.txt yourself; tests that miss one say so"
        return
    fi
    missing=
    for group in $groups; do
        for name in $(missing_of "$group"); do missing="$missing $name"; done
    done
    if [ -z "$missing" ]; then
        say "Debian packages ($(echo $groups | sed 's/ /, /g')): all installed"
        return
    fi
    if [ -n "$check" ]; then
        fail "missing Debian packages:$missing"
    fi
    if ! can_be_root; then
        say "these packages are missing, and only root may install them:
    apt-get install --no-install-recommends$missing"
        [ -z "$(missing_of build)" ] || fail "some of them are needed to build; install them and start again"
        say "going on without: tests that need them say so"
        return
    fi
    say "fetching the lists of Debian packages"
    as_root apt-get update -q -o DPkg::Lock::Timeout=600 >/dev/null || say "the lists could not be fetched; using those that are there"
    available=
    for name in $missing; do
        if apt-get install -q -s --no-install-recommends "$name" >/dev/null 2>&1; then
            available="$available $name"
        elif [ -n "$(missing_of build | grep -x "$name")" ]; then
            fail "package $name is needed and not available here"
        else
            say "package $name is not available here: tests that need it say so"
        fi
    done
    [ -n "$available" ] || return 0
    say "installing:$available"
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of names
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o DPkg::Lock::Timeout=600 \
        --no-install-recommends $available >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        fail "apt-get install failed; its whole output is in $log"
    fi
}

# Whether version $1 is at least version $2.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

rust() {
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$top/Cargo.toml")
    command -v cargo >/dev/null 2>&1 || fail "cargo is not there: install Rust $wanted or newer from https://rustup.rs"
    version=$(cargo --version | cut -d ' ' -f 2)
    at_least "$version" "$wanted" || fail "cargo is $version, needed is $wanted or newer (rustup update stable)"
    for part in fmt clippy; do
        cargo $part --version >/dev/null 2>&1 && continue
        component=$part
        [ $part = fmt ] && component=rustfmt
        [ -z "$check" ] || fail "cargo $part is not there (rustup component add $component)"
        command -v rustup >/dev/null 2>&1 || fail "cargo $part is not there and neither is rustup to install it"
        say "installing the Rust component $component"
        rustup component add "$component" >/dev/null 2>&1 || fail "rustup component add $component failed"
    done
    say "Rust $version (at least $wanted), rustfmt, clippy: there"
}

# cargo-nextest is used where it is there; compiling it takes longer than all our tests, so it is not installed.
nextest() {
    case " $groups " in *" tests "*) ;; *) return 0 ;; esac
    if cargo nextest --version >/dev/null 2>&1; then
        say "cargo-nextest $(cargo nextest --version | sed -n '1s/^cargo-nextest \([^ ]*\).*/\1/p'): there"
    else
        say "cargo-nextest is not there: make test uses cargo test (cargo install cargo-nextest --locked brings it)"
    fi
}

packages
rust
nextest
