#!/bin/sh
# Renews requirements.lock and its siblings from their .in files, with a compiler that lives only for this one run.
# The results are for every Python from 3.10 to 3.13 and name no index: any mirror will do, the hashes decide.
#
#   tools/lock.sh          everything as new as it can be
#   tools/lock.sh --keep   only what an .in file asks for and a .lock does not have yet
set -eu
cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
/usr/bin/python3 -m venv "$room"
"$room/bin/pip" install -q uv

# usage: lock NAME VENV WHO
lock() {
    [ "$keep" = yes ] && [ -e "$1.lock" ] && cp "$1.lock" "$room/pins" || rm -f "$room/pins"
    "$room/bin/uv" pip compile -q --no-config --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header --default-index https://pypi.org/simple \
        "$1.in" -o "$room/pins"
    {
        echo "# Every package that \`$3\` installs into $2: exact versions and hashes, for Python 3.10 to 3.13."
        echo "# Written by \`make lock\` from $1.in; do not edit by hand."
        cat "$room/pins"
    } >"$room/lock"
    mv "$room/lock" "$1.lock"
}

keep=no
[ "${1:-}" != --keep ] || keep=yes
lock requirements .venv 'make setup'
lock requirements-class .venv 'make class'
lock requirements-book .venv-book 'make book'
lock requirements-dist .venv-dist 'make dist-check'
lock requirements-lessons '~/.local/share/vrrp-lab/venv' vrrp-lab
