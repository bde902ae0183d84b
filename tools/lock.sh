#!/bin/sh
# Renews requirements.lock from requirements.in, with a compiler that lives only for this one run.
# The result is for every Python from 3.10 to 3.13 and names no index: any mirror will do, the hashes decide.
set -eu
cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
/usr/bin/python3 -m venv "$room"
"$room/bin/pip" install -q uv
"$room/bin/uv" pip compile -q --no-config --universal --python-version 3.10 --generate-hashes --upgrade \
    --no-emit-index-url --no-annotate --no-header --default-index https://pypi.org/simple \
    requirements.in -o "$room/pins"
{
    echo '# Every package that `make setup` installs into .venv: exact versions and hashes, for Python 3.10 to 3.13.'
    echo '# Written by `make lock` from requirements.in; do not edit by hand.'
    cat "$room/pins"
} >"$room/lock"
mv "$room/lock" requirements.lock
