#!/bin/sh
# Brings a machine to the point where everything else works, and is quick when it is there already.
#
#   tools/setup.sh          what a learner needs
#   tools/setup.sh tests    what the tests need as well: a browser, mostly, and what `site` needs
#   tools/setup.sh class    what a class needs: JupyterHub, into .venv, and its proxy
#   tools/setup.sh site     Node and npm for `make site`, and nothing else
#
#   1. Debian packages: only those that are missing, only with root or sudo.
#   2. .venv: made by the system's Python; filled from requirements.lock by hash, and with a link to Debian's Mininet.
#   3. The package itself, editable, without a network.
#
# What was done is remembered inside .venv, so deleting .venv is the one way to start again.
set -eu
cd "$(dirname "$0")/.."

# Settings of the caller's Python and pip that would change where things are installed.
# Addresses and certificates of a mirror stay: the hashes decide what is accepted.
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER PIP_NO_DEPS VIRTUAL_ENV || true
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0
PYTHON=/usr/bin/python3
VENV=.venv
PURPOSE=${1:-lessons}

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

# Programs and files that stand for a package. Without those of the second list some lessons or tests cannot run.
missing() {
    exists() { for candidate in "$@"; do [ -e "$candidate" ] && return 0; done; return 1; }
    has() { command -v "$1" >/dev/null 2>&1 || exists "/usr/sbin/$1" "/sbin/$1"; }
    NEEDED='' WANTED=''
    if [ "$PURPOSE" = tests ] || [ "$PURPOSE" = site ]; then
        has node || NEEDED="$NEEDED nodejs"
        has npm || NEEDED="$NEEDED npm"
    fi
    exists /usr/bin/python3 || NEEDED="$NEEDED python3"
    [ "$PURPOSE" != site ] || return 0
    exists /usr/lib/python3.*/ensurepip/__init__.py || NEEDED="$NEEDED python3-venv"
    exists /usr/lib/python3/dist-packages/mininet/net.py || NEEDED="$NEEDED mininet"
    for pair in ip:iproute2 brctl:bridge-utils ping:iputils-ping ps:procps ifconfig:net-tools \
                unshare:util-linux setpriv:util-linux nft:nftables mount:mount; do
        has "${pair%%:*}" || NEEDED="$NEEDED ${pair##*:}"
    done
    for pair in keepalived:keepalived tcpdump:tcpdump; do
        has "${pair%%:*}" || WANTED="$WANTED ${pair##*:}"
    done
    [ "$PURPOSE" != class ] || has configurable-http-proxy || NEEDED="$NEEDED node-configurable-http-proxy"
    [ "$PURPOSE" = tests ] || return 0
    has configurable-http-proxy || WANTED="$WANTED node-configurable-http-proxy"
    # Debian starts FRR's daemons when it is installed: that is for CI's machines, not for a developer's.
    [ -z "${CI:-}" ] || exists /usr/lib/frr/vrrpd || WANTED="$WANTED frr"
    [ -z "${CI:-}" ] || has groff || WANTED="$WANTED groff-base"
    has chromium || has chromium-browser || has google-chrome || WANTED="$WANTED chromium"
    # The node program inside the playwright wheel is linked against it.
    exists /usr/lib/*/libatomic.so.1 || WANTED="$WANTED libatomic1"
}

# Prints the way to become root, or fails when there is none. Asks for a password only at a terminal.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then echo env
    elif sudo -n true 2>/dev/null; then echo 'sudo -n env'
    elif [ -t 0 ] && [ -n "$NEEDED" ] && command -v sudo >/dev/null 2>&1; then echo 'sudo env'
    else return 1; fi
}

# Runs a talkative command; what it said is shown only if it failed.
logged() {
    "$@" </dev/null >build/apt.log 2>&1 && return 0
    tail -n 15 build/apt.log >&2
    fail "failed: $*"
}

install_system_packages() {
    missing
    [ -n "$NEEDED$WANTED" ] || return 0
    command -v apt-get >/dev/null 2>&1 ||
        fail "this needs Debian or Ubuntu (no apt-get here); install by other means:$NEEDED$WANTED"
    if ! become=$(root_prefix); then
        [ -n "$NEEDED" ] || { say "some $PURPOSE cannot run; remedy: sudo apt-get install$WANTED"; return 0; }
        fail "missing packages and no root; remedy: sudo apt-get install$NEEDED$WANTED"
    fi
    say "apt-get install$NEEDED$WANTED"
    mkdir -p build
    apt="$become DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0"
    # shellcheck disable=SC2086
    {
        logged $apt update
        available=''
        for package in $WANTED; do  # Ubuntu, for one, has no chromium package
            case $(apt-cache policy "$package") in
                *"Candidate: (none)"* | '') ;;
                *) available="$available $package" ;;
            esac
        done
        [ -z "$NEEDED$available" ] ||
            logged $apt install --no-install-recommends $NEEDED $available
    }
    missing
    [ -z "$NEEDED" ] || fail "still missing after apt-get install:$NEEDED"
    [ -z "$WANTED" ] || say "not available here, so some $PURPOSE cannot run:$WANTED"
}

# The venv belongs to one Python, one directory and one lock file.
make_venv() {
    say "making .venv (a minute or two, once)"
    "$PYTHON" -m venv --clear "$VENV"
    "$VENV/bin/python" -m pip install -qq --ignore-installed --no-deps --require-hashes -r requirements.lock \
        </dev/null || fail "pip could not install requirements.lock; the lines above say why"
    # Mininet and nothing else of the system's: Debian 12's python3-matplotlib, for one, has a .pth file that puts
    # its mpl_toolkits before that of .venv, which Matplotlib then cannot import.
    ln -s /usr/lib/python3/dist-packages/mininet "$VENV"/lib/python3.*/site-packages/
    # Matplotlib makes a list of this user's fonts when it is first used, which would be in a lesson.
    "$VENV/bin/python" -c "import matplotlib.font_manager" >/dev/null 2>&1 || :
}

install_package() {
    "$VENV/bin/python" -m pip install -qq --no-index --no-deps --no-build-isolation \
        --config-settings editable_mode=compat -e . </dev/null ||
        fail "the package itself could not be installed"
    # Hosts of a lab cannot write here: without this, every start of vrrpd compiles it again.
    "$VENV/bin/python" -m compileall -q vrrpd labs topologies || say "some files do not compile"
    "$VENV/bin/labs" kernelspec >/dev/null || fail "the notebook kernel could not be made known"
}

# Runs a step unless the files it depends on are those of the last time it succeeded.
# usage: unless_same STAMP TEXT STEP
unless_same() {
    [ -x "$VENV/bin/python" ] && [ -f "$VENV/$1" ] && [ "$(cat "$VENV/$1")" = "$2" ] && return 0
    [ -w . ] || fail "$PWD is not yours to write; remedy: run make setup as its owner"
    mkdir -p build
    exec 9>build/setup.lock
    flock 9  # a second make waits here, then finds the work done
    [ -x "$VENV/bin/python" ] && [ -f "$VENV/$1" ] && [ "$(cat "$VENV/$1")" = "$2" ] && return 0
    $3
    printf '%s\n' "$2" >"$VENV/$1"
    flock -u 9
}

install_system_packages
[ "$PURPOSE" != site ] || exit 0
install_class() {
    say "installing JupyterHub (once)"
    "$VENV/bin/python" -m pip install -qq --no-deps --require-hashes -r requirements-class.lock </dev/null ||
        fail "pip could not install requirements-class.lock; the lines above say why"
}

unless_same made-from "$(readlink -f "$PYTHON") $PWD $(cksum <requirements.lock)" make_venv
unless_same installed-from "$(cksum pyproject.toml labs/jupyter/kernel.py)" install_package
case $PURPOSE in
    class | tests) unless_same class-from "$(cksum <requirements-class.lock)" install_class ;;
esac
