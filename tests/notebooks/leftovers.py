"""What a lesson leaves behind when its kernel has ended: nothing.

with nothing_left(user):
    user.run(...)

processes     none that inherited our mark, wherever it has gone
interfaces    the machine's, as before
mounts        ours, as before
files         in the user's home only what Jupyter, IPython and matplotlib keep for next time;
              no socket or connection file of a kernel; none of the user's in /tmp
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import OrdinaryUser, eventually

MARK = "VRRP_LAB_TEST"
# Seconds for the kernel of the machine to end what init has left.
PATIENCE = 30
KEPT = {".cache", ".config", ".ipython", ".local"}
RUNTIME = ".local/share/jupyter/runtime"


def marked(mark: str) -> list[str]:
    """Process id and command of every process that inherited `mark`."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{place.name}: {words}")
        except OSError:
            continue
    return found


def files(user: OrdinaryUser) -> set[str]:
    """What lies in the user's home, by name, apart from what may stay; elsewhere, by path.

    Files in /tmp are the user's for certain only where the tests have made the account.
    """
    here = {path.name for path in user.home.iterdir()} - KEPT
    kernels = {str(path) for path in (user.home / RUNTIME).glob("*")}
    return here | kernels | (user.account.left_in("/tmp") if user.account else set())


def mounts() -> list[str]:
    """The mounts that this process sees."""
    return sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())


@contextmanager
def nothing_left(user: OrdinaryUser, wanted: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Gives the environment for the commands of `user`; afterwards nothing of them is left.

    `wanted`: names in the user's home that the commands are meant to write.
    Raises AssertionError that lists what there is.
    """
    mark = uuid.uuid4().hex
    before = (set(os.listdir("/sys/class/net")), mounts(), files(user))
    yield {MARK: mark}
    eventually(lambda: not marked(mark), PATIENCE, f"no process left of {marked(mark)}")
    assert set(os.listdir("/sys/class/net")) == before[0], "interfaces"
    assert mounts() == before[1], "mounts"
    assert files(user) - before[2] - set(wanted) == set(), "files in the home"
