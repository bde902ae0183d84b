#!/bin/sh
# Builds vrrpd_VERSION_all.deb and vrrp-lab_VERSION_all.deb in build/deb, and has lintian look at them.
# Needs build-essential, debhelper, dh-python and lintian; changes nothing outside of build.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "deb: $*" >&2; exit 1; }
command -v lintian >/dev/null && command -v dpkg-checkbuilddeps >/dev/null &&
    dpkg-checkbuilddeps packaging/debian/control 2>/dev/null ||
    fail "tools are missing; remedy: sudo apt-get install --no-install-recommends" \
        "build-essential debhelper dh-python lintian"

target=${1:-build/deb}
mkdir -p "$target"
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir "$room/vrrp-lab"
tar --create --exclude-vcs --exclude=./build --exclude='./.venv*' --exclude='*.egg-info' --exclude=__pycache__ \
    --exclude='.*_cache' --exclude=.hypothesis --exclude=.ipynb_checkpoints --exclude=./packaging/debian \
    --exclude=node_modules . | tar --extract --directory="$room/vrrp-lab" --no-same-owner
cp -r packaging/debian "$room/vrrp-lab/debian"
(cd "$room/vrrp-lab" && dpkg-buildpackage --no-sign --build=full >"$room/log" 2>&1) ||
    { tail -n 25 "$room/log" >&2; fail "dpkg-buildpackage failed; the lines above say why"; }
lintian --fail-on error,warning --allow-root --suppress-tags-from-file packaging/debian/lintian-tags \
    "$room"/vrrp-lab_*.changes || fail "lintian does not accept the packages"
cp "$room"/*.deb "$room"/*.dsc "$room"/*.tar.* "$target"
ls "$target"
