"""Scripts: started, never waited for, always reaped, never left to hang for ever.

A script gets what keepalived gives it: our environment, /dev/null as its input and output, a
process group of its own, the user it was configured with (`keepalived_script` if that account
exists, else our own), SIGTERM if the daemon dies.

Contract: `run()` returns at once.  A script that still runs after TIMEOUT is sent SIGTERM, and
SIGKILL two seconds later: keepalived lets it hang, but a daemon that runs for years must not
collect them.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from vrrpd.config.model import Command
from vrrpd.fsm import SECOND, seconds
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop

TIMEOUT = 600 * SECOND
GRACE = 2 * SECOND
AT_ONCE = 100  # scripts running at the same time; a fork bomb is no notification
SCRIPT_USER = "keepalived_script"
PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """In the child, before exec: SIGTERM if the daemon dies (keepalived does so)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class ScriptRunner:
    """The Runner of the real machine.  `reap` is to be called when SIGCHLD has come."""

    def __init__(self, loop: Loop, log: Log, timeout: int = TIMEOUT) -> None:
        self.loop = loop
        self.log = log
        self.timeout = timeout
        self.children: dict[int, tuple[subprocess.Popen[bytes], str, Callable[[], None]]] = {}

    def run(self, command: Command, arguments: Sequence[str], what: str) -> str | None:
        """Start `command`; None, or why it could not be started."""
        if len(self.children) >= AT_ONCE:
            return f"{AT_ONCE} scripts are running already"
        argv = [*command.argv, *arguments]
        found = shutil.which(argv[0])
        if found is None:
            return "no such file" if not os.path.exists(argv[0]) else "not executable"
        argv[0] = found
        try:
            child = self.spawn(argv, command)
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            return str(getattr(error, "strerror", None) or error)
        timer = self.loop.call_at(self.loop.now() + self.timeout, lambda: self.end(child.pid))
        self.children[child.pid] = (child, what, timer.cancel)
        return None

    def spawn(self, argv: list[str], command: Command) -> subprocess.Popen[bytes]:
        """Fork and exec as the right user.  Raises OSError or LookupError (no such user)."""
        uid, gid = self.identity(command)
        quiet = subprocess.DEVNULL
        same = (uid, gid) == (os.getuid(), os.getgid())
        other = {} if same else {"user": uid, "group": gid, "extra_groups": []}
        try:
            return self.popen(argv, quiet, other)
        except OSError as error:
            if error.errno != 8:  # ENOEXEC: a script without #!, which sh(1) still runs
                raise
            return self.popen(["/bin/sh", *argv], quiet, other)

    def popen(self, argv: list[str], quiet: int, other: dict[str, Any]) -> subprocess.Popen[bytes]:
        """Popen, with everything that is the same for every script."""
        child: subprocess.Popen[bytes] = subprocess.Popen(
            argv,
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
            preexec_fn=die_with_parent,
            **other,
        )
        return child

    def identity(self, command: Command) -> tuple[int, int]:
        """The uid and gid to run as.  Raises LookupError for a user that does not exist."""
        if command.user is not None:
            entry = pwd.getpwnam(command.user)
            return entry.pw_uid, entry.pw_gid
        if os.getuid() == 0:
            with suppress(KeyError):
                entry = pwd.getpwnam(SCRIPT_USER)
                return entry.pw_uid, entry.pw_gid
        return os.getuid(), os.getgid()

    def reap(self) -> None:
        """Collect what has ended and say so where it failed."""
        for pid, (child, what, forget) in list(self.children.items()):
            status = child.poll()
            if status is None:
                continue
            del self.children[pid]
            forget()
            if status > 0:
                self.log.say(f"{what} exited with status {status}")
            elif status < 0:
                self.log.say(f"{what} was ended by signal {-status}")

    def end(self, pid: int, number: int = signal.SIGTERM) -> None:
        """A script has run too long: TERM now, KILL a little later."""
        if pid not in self.children:
            return
        child, what, _ = self.children[pid]
        self.log.say(f"{what} has run for {seconds(self.timeout)}: sending signal {number:d}")
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        if number != signal.SIGKILL:
            later = self.loop.call_at(
                self.loop.now() + GRACE, lambda: self.end(pid, signal.SIGKILL)
            )
            self.children[pid] = (child, what, later.cancel)

    def running(self) -> int:
        """How many scripts have not ended yet."""
        return len(self.children)
