#!/bin/sh
# sources.sh FOLDER PACKAGE...: unpacks Debian's source packages into FOLDER/src, fetching what is not there yet.
#
# Ends with status 77 when that cannot be done.
set -eu
mkdir -p "$1/apt/lists/partial" "$1/src"
folder=$(realpath "$1")
shift
# Sources need an entry of their own, which is not the machine's business.
cat >"$folder/apt/src.sources" <<EOF
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
apt() {
    apt-get -q -o Dir::State::lists="$folder/apt/lists" -o Dir::Etc::sourcelist="$folder/apt/src.sources" \
        -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root "$@"
}
cd "$folder/src"
for package in "$@"; do
    if ! ls "$package"_*.orig.tar.* >/dev/null 2>&1; then
        if ! { apt update && apt source --download-only "$package"; } >"$folder/apt.log" 2>&1; then
            echo "sources.sh: $package cannot be fetched, $folder/apt.log says why" >&2
            exit 77
        fi
    fi
    if ! [ -e "$package.unpacked" ]; then
        for archive in "$package"_*.orig.tar.*; do
            tar xf "$archive"
        done
        touch "$package.unpacked"
    fi
done
