"""What the tests that look at a lab from outside need: a picture of the machine, and programs.

Outside means outside of the *inner* namespaces: this ring runs in namespaces itself, and starts
labs in further ones, so that nothing but those labs can change the picture.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from labs import namespace
from tests.support import REPOSITORY, eventually

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
