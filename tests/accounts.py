"""Accounts on the machine for the tests' ordinary users, as Debian makes them: `useradd -m`.

    account = Account()        vrrp-lab-test-9f86d081, with a home of its own and no other group
    account.remove()           its processes, its home and its files in /tmp go with it

Only root can make accounts; `possible()` says whether this process can.

Test processes run side by side, some of them in pid namespaces of their own.
Each holds a lock on the homes of its accounts, so an account whose home is not locked was left
by a test process that was killed: the next Account() removes it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# No machine has users of this name; what follows is random.
PREFIX = "vrrp-lab-test-"
HOMES = Path("/home")
NOBODY = 65534
END_SECONDS = 600.0


def possible() -> bool:
    """Whether this process is root with the machine's account files and with more ids than its own.

    Root of an ordinary user's namespaces is not, nor is root where /etc is read-only.
    """
    files = all(os.access(path, os.W_OK) for path in ("/etc", "/etc/passwd", "/etc/shadow"))
    return os.geteuid() == 0 and other_ids() and files and shutil.which("useradd") is not None


def other_ids() -> bool:
    """Whether this user namespace has more ids than its own root's, that of `NOBODY` too."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    known = (tuple(map(int, line.split())) for line in lines)
    return any(first <= NOBODY < first + count for first, _, count in known)


class Account:
    """A fresh account; `entry` is its line of passwd(5)."""

    def __init__(self) -> None:
        with _alone():
            _remove_abandoned()
            name = PREFIX + secrets.token_hex(4)
            subprocess.run(["useradd", "-m", name], check=True, capture_output=True)
            self.entry = pwd.getpwnam(name)
            self._lock = os.open(self.entry.pw_dir, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove the account with all that belongs to it; AssertionError if a process stays."""
        with _alone():
            _remove(self.entry)
            os.close(self._lock)

    def left_in(self, directory: str) -> set[str]:
        """The paths of what the account holds in `directory`, not in those below it."""
        found = set()
        with os.scandir(directory) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_uid == self.entry.pw_uid:
                        found.add(entry.path)
        return found


@contextmanager
def _alone() -> Iterator[None]:
    """One test process at a time."""
    HOMES.mkdir(exist_ok=True)
    lock = os.open(HOMES, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _remove_abandoned() -> None:
    """Remove the accounts of test processes that were killed."""
    for entry in pwd.getpwall():
        if entry.pw_name.startswith(PREFIX) and _abandoned(Path(entry.pw_dir)):
            _remove(entry)


def _abandoned(home: Path) -> bool:
    try:
        lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(lock)


def _remove(entry: pwd.struct_passwd) -> None:
    _end_processes(entry.pw_uid)
    for path in Path("/tmp").iterdir():
        with suppress(FileNotFoundError):
            if path.lstat().st_uid == entry.pw_uid:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    done = subprocess.run(["userdel", "-r", entry.pw_name], capture_output=True, text=True)
    # 12: the home is gone already.
    assert done.returncode in (0, 12), f"userdel {entry.pw_name}: {done.stderr.strip()}"


def _end_processes(uid: int) -> None:
    """End every process of `uid`, which nothing but the tests uses."""
    deadline = time.monotonic() + END_SECONDS
    while found := _processes(uid):
        assert time.monotonic() < deadline, f"processes of uid {uid} that do not end: {found}"
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes(uid: int) -> list[int]:
    """The processes whose real uid is `uid`, those that are root in its namespaces included."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
            if int(lines["Uid"].split()[0]) == uid and not lines["State"].startswith("Z"):
                found.append(int(status.parent.name))
    return found
