"""What the tests that look at a lab from outside need: a picture of the machine, and strangers.

Outside means outside of the *inner* namespaces: this ring runs in namespaces itself, and starts
labs in further ones, so that nothing but those labs can change the picture.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from labs import namespace
from tests.support import REPOSITORY, eventually

NOBODY = 65534
QUIET = 0.5  # s without a change, after which what an earlier test has ended is gone
LABS = [sys.executable, "-m", "labs.cli"]
INSIDE = [sys.executable, "-m", "labs.namespace", "--"]

# A lab with keepalived, which says "ready" and waits to be killed.
READY = """
import signal
from labs import Lab
lab = Lab("basic", daemon="keepalived")
lab.run("master", "sleep 4444 &")
print("ready", *lab.run("master", "hostname").text.split(), flush=True)
signal.pause()
"""


# What the tests of another checkout may put into the /tmp of us all meanwhile.
FOREIGN = ("vrrp-lab-user-", "vrrpd-fuzz-")


def picture() -> dict[str, list[str]]:
    """Processes, mounts, interfaces, namespaces and files, as far as a lab could leave any."""
    places = ["/tmp", "/run", os.environ.get("TMPDIR", "/tmp"), str(namespace.directory())]
    names = ("vrrp", "lab-", "keepalived", "mininet", "mount")
    found = {
        (place, name)
        for place in places
        for name in os.listdir(place)
        if not name.startswith(FOREIGN)
    }
    return {
        "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
        "mounts": Path("/proc/self/mountinfo").read_text().splitlines(),
        "interfaces": _lines("ip", "-o", "link"),
        "namespaces": _lines("ip", "netns"),
        "files": sorted(f"{place}/{name}" for place, name in found if name.startswith(names)),
    }


def calm() -> dict[str, list[str]]:
    """A picture to hold later ones against: what is still on its way out is not in it."""
    found, since = picture(), time.monotonic()

    def lasts() -> bool:
        nonlocal found, since
        if (now := picture()) != found:
            found, since = now, time.monotonic()
        return time.monotonic() > since + QUIET

    eventually(lasts, what="a machine on which nothing ends or begins")
    return found


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def start(program: str, prefix: list[str] | None = None) -> subprocess.Popen[str]:
    """Start a Python program in namespaces of its own; the caller reads its output and ends it."""
    return subprocess.Popen(
        [*(prefix or []), *INSIDE, sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        # Started by nohup(1), the tests would hand on that a hang-up is to be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


def stranger() -> list[str]:
    """The words that make what follows them run as an ordinary user who can read this checkout.

    The checkout may lie under a directory that is closed to others, such as /root: then that
    directory is covered, in a mount namespace of its own, by an open one that holds the checkout.
    Where this ring already runs for an ordinary user nothing is left to give up: [].
    """
    mapped = Path("/proc/self/uid_map").read_text().split()
    if os.geteuid() != 0 or int(mapped[2]) <= NOBODY:
        return []
    drop = f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"'
    closed = [path for path in reversed(REPOSITORY.parents) if path.stat().st_mode & 0o005 != 0o005]
    home = "export HOME=/nonexistent TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1"
    lines = ["set -e", home]
    if closed:
        stage = shlex.quote(str(namespace.directory() / "stage"))
        here, cover = shlex.quote(str(REPOSITORY)), shlex.quote(str(closed[0]))
        lines += [
            f"mkdir -p {stage}",
            f"mount -n --rbind {here} {stage}",
            f"mount -n -t tmpfs -o mode=755 tmpfs {cover}",
            f"mkdir -p {here}",
            f"mount -n --rbind {stage} {here}",
            f"umount -n -l {stage}",
            f"cd {here}",
        ]
    return ["unshare", "--mount", "sh", "-c", "\n".join([*lines, drop]), "stranger"]
