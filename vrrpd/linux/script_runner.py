"""Scripts: started, never waited for, always reaped, never left to hang for ever.

A script gets what keepalived gives it: our environment, /dev/null as its input and output, a
process group of its own, the user it was configured with (`keepalived_script` if that account
exists, else our own), SIGTERM if the daemon dies (but see `die_with_parent`).

Contract: `run()` returns at once.  A script that still runs after TIMEOUT is sent SIGTERM, and
SIGKILL two seconds later: keepalived lets it hang, but a daemon that runs for years must not
collect them.  `check()` is for tracked scripts: it has a timeout of its own and reports the end.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vrrpd.config.model import Command
from vrrpd.fsm import SECOND, seconds
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop
from vrrpd.ports import Outcome, Pending, Timer

TIMEOUT = 600 * SECOND
GRACE = 2 * SECOND
AT_ONCE = 100  # scripts running at the same time; a fork bomb is no notification
SCRIPT_USER = "keepalived_script"
PR_SET_PDEATHSIG = 1
SHORTAGES = {errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE}

LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """In the child, before exec: SIGTERM if the daemon dies (keepalived does so).

    Linux forgets it when exec gives capabilities that the daemon has given up, as it does to
    scripts of root: those run to their end (docs/deviations.md).
    """
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Shortage(str):
    """A refusal that says more about this machine, which lacks something, than of the script."""


@dataclass(slots=True, eq=False)
class Child:
    """A running script: what it is, how long (ns) it may take, who wants to know how it ends."""

    popen: subprocess.Popen[bytes]
    what: str
    timeout: int
    done: Callable[[Outcome], None] | None = None
    timer: Timer | None = None
    timed_out: bool = False

    def signal(self, number: int) -> None:
        """Send a signal to the script and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def cancel(self) -> None:
        """Kill it; nobody wants to know any more."""
        self.done, self.what = None, ""
        if self.popen.returncode is None:
            self.signal(signal.SIGKILL)


@dataclass(slots=True, eq=False)
class Reader:
    """A script that stays until it is told to end."""

    child: Child

    def cancel(self) -> None:
        """Tell it to end; that it does is no news."""
        self.child.what = ""
        if self.child.popen.returncode is None:
            self.child.signal(signal.SIGTERM)


class ScriptRunner:
    """The Runner of the real machine.  `reap` is to be called when SIGCHLD has come."""

    def __init__(self, loop: Loop, log: Log, timeout: int = TIMEOUT) -> None:
        self.loop = loop
        self.log = log
        self.timeout = timeout
        self.children: dict[int, Child] = {}

    def run(self, command: Command, arguments: Sequence[str], what: str) -> str | None:
        """Start `command`; None, or why it could not be started."""
        if len(self.children) >= AT_ONCE:
            return f"{AT_ONCE} scripts are running already"
        child = self.start(command, arguments, what, self.timeout)
        return child if isinstance(child, str) else None

    def check(self, command: Command, timeout: int, done: Callable[[Outcome], None]) -> Pending:
        """Start `command` and report its end; see ports.py."""
        child = self.start(command, (), command.text or " ".join(command.argv), timeout)
        if isinstance(child, str):
            outcome = Outcome(problem=child, undecided=isinstance(child, Shortage))
            return self.loop.call_at(self.loop.now(), lambda: done(outcome))
        child.done = done
        return child

    def keep(self, command: Command, arguments: Sequence[str], what: str) -> Pending | str:
        """Start `command` to stay; see ports.py."""
        child = self.start(command, arguments, what, None)
        return child if isinstance(child, str) else Reader(child)

    def start(
        self, command: Command, arguments: Sequence[str], what: str, timeout: int | None
    ) -> Child | str:
        """Start a script, to be ended after `timeout` ns; or say why it could not be started."""
        argv = [*command.argv, *arguments]
        found = shutil.which(argv[0])
        if found is None:
            return "no such file" if not os.path.exists(argv[0]) else "not executable"
        argv[0] = found
        try:
            child = Child(self.spawn(argv, command), what, timeout or 0)
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            problem = str(getattr(error, "strerror", None) or error)
            return Shortage(problem) if getattr(error, "errno", 0) in SHORTAGES else problem
        if timeout is not None:
            child.timer = self.loop.call_at(self.loop.now() + timeout, lambda: self.end(child))
        self.children[child.popen.pid] = child
        return child

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
        if command.identity is not None:
            return command.identity
        if command.user is not None:
            entry = pwd.getpwnam(command.user)
            return entry.pw_uid, entry.pw_gid
        if os.getuid() == 0:
            with suppress(KeyError):
                entry = pwd.getpwnam(SCRIPT_USER)
                return entry.pw_uid, entry.pw_gid
        return os.getuid(), os.getgid()

    def reap(self) -> None:
        """Collect what has ended and report how."""
        for pid, child in list(self.children.items()):
            status = child.popen.poll()
            if status is None:
                continue
            del self.children[pid]
            if child.timer is not None:
                child.timer.cancel()
            if child.timed_out:
                child.signal(signal.SIGKILL)  # what it has left running
            if child.done is not None:
                child.done(Outcome(max(0, status), max(0, -status), child.timed_out))
            elif status and child.what:
                how = f"exited with status {status}"
                if status < 0:
                    how = f"was ended by signal {-status}"
                self.log.say(f"{child.what} {how}")

    def end(self, child: Child, number: int = signal.SIGTERM) -> None:
        """A script has run too long: TERM now, KILL a little later."""
        if child.done is None and child.what:
            spent = f"has run for {seconds(child.timeout)}"
            self.log.say(f"{child.what} {spent}: sending signal {number:d}")
        child.timed_out = True
        child.signal(number)
        if number != signal.SIGKILL:
            later = self.loop.now() + GRACE
            child.timer = self.loop.call_at(later, lambda: self.end(child, signal.SIGKILL))

    def running(self) -> int:
        """How many scripts have not ended yet, without those that stay."""
        return sum(1 for child in self.children.values() if child.timeout)
