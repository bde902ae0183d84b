#!/bin/sh
# Builds the browser edition in build/site (`make site`): static files for any web server.
#
#   1. Node and npm: Debian packages, installed only if missing (tools/setup.sh site).
#   2. build/node: exactly site/package-lock.json, by hash; fetched once.
#   3. Our Python as vrrp-lab.zip, the lessons from their recordings, and the pages.
#
# The result replaces build/site only when it is complete.
# `tools/site.sh modules` ends after 2, with what the tests and `make check` need as well.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "site: $*" >&2; exit 1; }

sh tools/setup.sh site
mkdir -p build/node
exec 9>build/site.lock
flock 9
# What is there, $1, is that of the lock file; or fetch it, leaving out what $2 says.
fetch() {
    if ! cmp -s site/package-lock.json "build/node/$1"; then
        echo "site: npm ci (a minute, once)"
        cp site/package.json site/package-lock.json build/node/
        rm -f build/node/done build/node/done-dev
        (cd build/node && npm ci $2 --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
            fail "npm could not fetch site/package-lock.json; the lines above say why"
        cp site/package-lock.json "build/node/$1"
        cp site/package-lock.json build/node/done
    fi
}

if [ "${1:-}" = modules ]; then
    fetch done-dev --include=dev
    exit 0
fi
fetch done --omit=dev
rm -rf build/site.new build/site-pages
mkdir build/site.new build/site-pages
.venv/bin/python tools/site_files.py build/site.new
.venv/bin/python -m tools.site_lessons build/site-pages build/site.new
node site/build.mjs build/node/node_modules build/site.new build/site-pages
rm -rf build/site
mv build/site.new build/site
echo "site: build/site ($(du -sh build/site | cut -f1)); see it with: python3 -m http.server -d build/site"
