"""What the tests that look at a lab from outside need: a picture of the machine, and programs.

Outside means outside of the *inner* namespaces: this ring runs in namespaces itself, and starts
labs in further ones.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from labs.sandbox import namespaces
from tests import leftovers
from tests.support import REPOSITORY, eventually

QUIET = 0.5  # s without a change, after which what an earlier test has ended is gone
LABS = [sys.executable, "-m", "labs.cli.main"]
INSIDE = [sys.executable, "-m", "labs.sandbox.namespaces", "--"]

# A lab with keepalived, which writes files wherever its hosts may, says "ready" and waits to be
# killed.
READY = """
import signal
from labs import Lab
lab = Lab("basic", daemon="keepalived")
lab.run("web1", "sleep 4444 &")
for place in ("/etc", "/root", "/run", "/tmp", "/var/log"):
    lab.run("web1", f"touch {place}/$VRRP_LAB_MARK-file")
print("ready", *lab.run("web1", "hostname").text.split(), flush=True)
signal.pause()
"""


def picture() -> dict[str, list[str]]:
    """Processes, mounts, interfaces and files, as far as a lab could leave any.

    This ring has its own process ids and interfaces, so all of them count.  Mounts and files count
    if they carry our mark: a directory that is removed on the machine takes a mount from us, and
    /tmp and /run belong to everybody.  A lab names no network namespace (ip-netns(8)); those that
    have no name last as long as their processes.
    """
    mark = namespaces.mark()
    names = ("vrrp", "lab-", "keepalived", "mininet", "mount")
    private = namespaces.directory()
    found = [str(private / name) for name in os.listdir(private) if name.startswith(names)]
    return {
        "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
        "mounts": leftovers.mounts(mark),
        "interfaces": _lines("ip", "-o", "link"),
        "files": sorted([*found, *leftovers.files(mark)]),
    }


def no_more_than(before: dict[str, list[str]]) -> bool:
    """Whether nothing is there that was not `before`.

    What was on its way out then may be gone: on a busy machine its end takes longer than QUIET.
    """
    return not any(set(found) - set(before[what]) for what, found in picture().items())


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
