#!/bin/sh
# Builds the reading version of the course, a static site, in build/book: open build/book/index.html.
# Its tool lives in .venv-book, filled from requirements-book.lock by hash; once that is there, nothing needs a network.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER PIP_NO_DEPS VIRTUAL_ENV || true
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0
VENV=.venv-book

want="$(readlink -f /usr/bin/python3) $PWD $(cksum <requirements-book.lock)"
if [ "$(cat $VENV/made-from 2>/dev/null)" != "$want" ]; then
    echo "book: making $VENV (a minute, once)"
    /usr/bin/python3 -m venv --clear $VENV
    $VENV/bin/python -m pip install -qq --no-deps --require-hashes -r requirements-book.lock </dev/null
    printf '%s\n' "$want" >$VENV/made-from
fi
.venv/bin/python -m tools.book "$@"
rm -rf build/book
$VENV/bin/sphinx-build -q -W --keep-going -b html build/book-source build/book
.venv/bin/python -m tools.book --check build/book
echo "book: build/book/index.html"
