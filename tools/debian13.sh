#!/bin/bash
# Runs a command in a copy of this checkout on Debian 13, in a tree made by debootstrap.
#
#   tools/debian13.sh make test-fast
#
#   DEBIAN13=DIRECTORY   the tree (build/debian13): made if it is not there, kept, used again the next time
#   DEBIAN13_USER=NAME   who runs the command (root): an ordinary user is made by useradd, inside the tree
#
# Needs root and debootstrap.  The mirror of Debian's packages, the settings of apt and pip and the certificates
# are this machine's.  The copy is in the tree's /srv/vrrp-lab, or in the user's home directory; its .venv and
# build stay there from one time to the next.  The command has the environment of a login.
#
# The tree is entered by pivot_root(2) in mount and pid namespaces of its own: whatever the command started ends
# with it.  In a chroot the labs could not start: the kernel refuses user namespaces there.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the command keeps of the caller's environment: the way to the packages, and what tests are asked for.
KEPT=CI,INTEROP,LAB_DAEMON,LESSONS,LESSONS_SEED,PYTEST_ADDOPTS,SIM_DAYS,TEST_WORKERS
KEPT=$KEPT,PIP_CERT,PIP_DEFAULT_TIMEOUT,PIP_INDEX_URL,REQUESTS_CA_BUNDLE,SSL_CERT_FILE
KEPT=$KEPT,http_proxy,https_proxy,no_proxy

fail() { echo "debian13: $*" >&2; exit 1; }

# Prints the address from which this machine gets its own Debian packages.
mirror() {
    local codename=''
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Release: $codename" 'Component: main' |
        head -n 1
}

# Makes the tree, once; what is left of an attempt that was interrupted is removed first.
make_tree() {
    [ ! -e "$tree/etc/.debootstrapped" ] || return 0
    local address=''
    address=$(mirror)
    [ -n "$address" ] || fail "this machine's apt sources name no mirror of Debian"
    echo "debian13: making a Debian 13 in $tree (a minute, once)"
    find "$tree" -mindepth 1 -delete
    debootstrap --variant=minbase --include=ca-certificates,make,passwd trixie "$tree" "$address" ||
        fail "debootstrap failed; the lines above say why"
    touch "$tree/etc/.debootstrapped"
}

# Gives the tree this machine's way to the network: settings of apt and pip, names, certificates.
copy_settings() {
    local file=''
    apt-config dump Acquire >"$tree/etc/apt/apt.conf.d/90machine"
    for file in /etc/pip.conf /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt \
                "${PIP_CERT:-}" "${REQUESTS_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}"; do
        [ -f "$file" ] || continue
        mkdir -p "$tree$(dirname "$file")"
        cp --dereference --remove-destination "$file" "$tree$file"
    done
}

# Copies this checkout, without what .gitignore names, to directory $1 of the tree for its user $2.
copy_checkout() {
    mkdir -p "$tree$1"
    find "$tree$1" -mindepth 1 -maxdepth 1 ! -name .venv ! -name build -exec rm -rf {} +
    tar --create --exclude-vcs --exclude-vcs-ignores --exclude=./build --exclude=./.venv . |
        tar --extract --directory="$tree$1" --no-same-owner
    chroot "$tree" chown -R "$2:" "$1"
}

# Runs the words after the first two as user $1, logged in, in directory $2 of the tree.
# The tree's /proc is that of the new pid namespace; /tmp and /run are empty, as after a boot.
enter() {
    unshare --mount --propagation private --pid --fork --kill-child bash -euc '
        tree=$1 user=$2 place=$3 kept=$4
        shift 4
        mount --bind "$tree" "$tree"
        mount --rbind /dev "$tree/dev"
        mount --rbind /sys "$tree/sys"
        mount -t proc proc "$tree/proc"
        mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
        mount -t tmpfs -o mode=755 tmpfs "$tree/run"
        mkdir -p "$tree/mnt/outside"
        cd "$tree"
        pivot_root . mnt/outside
        cd /
        umount -l /mnt/outside
        export SHELL=/bin/bash
        exec su --login "$user" --whitelist-environment="$kept" --command="cd $place && $(printf "%q " "$@")"
    ' enter "$tree" "$1" "$2" "$KEPT" "${@:3}"
}

[ $# -gt 0 ] || fail "usage: tools/debian13.sh COMMAND [WORD...]"
[ "$(id -u)" = 0 ] || fail "this needs root; remedy: put sudo before the command"
command -v debootstrap >/dev/null || fail "debootstrap is missing; remedy: sudo apt-get install debootstrap"
mkdir -p "${DEBIAN13:=build/debian13}"
tree=$(realpath "$DEBIAN13")
user=${DEBIAN13_USER:-root}
exec 9<"$tree"
flock 9 # two commands at a time would take the copy from under each other

make_tree
copy_settings
copy_checkout /srv/vrrp-lab root
if [ "$user" = root ]; then
    enter root /srv/vrrp-lab "$@"
else
    chroot "$tree" id "$user" >/dev/null 2>&1 || chroot "$tree" useradd --create-home --shell /bin/bash "$user"
    enter root /srv/vrrp-lab make setup-tests # an ordinary user cannot install Debian's packages
    copy_checkout "/home/$user/vrrp-lab" "$user"
    enter "$user" "/home/$user/vrrp-lab" "$@"
fi
