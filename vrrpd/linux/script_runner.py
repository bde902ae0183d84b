"""Scripts: started, never waited for, always reaped, never left to hang for ever.

A script gets what keepalived gives it: our environment, /dev/null as its input and output, a
process group of its own, the user it was configured with (`keepalived_script` if that account
exists, else our own), SIGTERM if the daemon dies (but see `_die_with_parent`).  The standard error
of a tracked script is read, so that the log can say why it failed.

Contract: `run()` returns at once.  A script that still runs after TIMEOUT is sent SIGTERM, and
SIGKILL two seconds later: keepalived lets it hang, but a daemon that runs for years must not
collect them.  `check()` is for tracked scripts: it has a timeout of its own and reports the end.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from vrrpd.config.model import Command
from vrrpd.fsm import SECOND, seconds
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop
from vrrpd.ports import Outcome, Pending, Timer

if TYPE_CHECKING:  # to import it takes as long as five of our modules; see startup.LATER
    import subprocess

TIMEOUT = 600 * SECOND
GRACE = 2 * SECOND
COMPLAINT = 200  # bytes of a script's standard error
AT_ONCE = 100  # scripts running at the same time; a fork bomb is no notification
SCRIPT_USER = "keepalived_script"
PR_SET_PDEATHSIG = 1
SHORTAGES = {errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE}

LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """In the child, before exec: SIGTERM if the daemon dies (keepalived does so).

    Linux forgets it when exec gives capabilities that the daemon has given up, as it does to
    scripts of root: those run to their end (docs/deviations.md).
    """
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class _Shortage(str):
    """A refusal that says more about this host, which lacks something, than of the script."""


class _Complaints:
    """The standard error of a script: its beginning is kept, and all the rest is read as well.

    It is read until everybody who has it is gone: what a script leaves running must not be ended
    by SIGPIPE.
    """

    def __init__(self, loop: Loop, identity: tuple[int, int]) -> None:
        self.loop = loop
        self.text = b""
        self.near, self.far = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.far, True)
        with suppress(OSError):
            os.fchown(self.far, *identity)  # for scripts that open /dev/stderr
        loop.add_reader(self.near, self.read)

    def started(self) -> None:
        """The script has its end; ours would keep the pipe open for ever."""
        os.close(self.far)

    def read(self) -> None:
        """Take what is there."""
        try:
            data = os.read(self.near, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.loop.remove_reader(self.near)
            os.close(self.near)
            self.near = -1
        self.text = (self.text + data)[:COMPLAINT]

    def first(self) -> str:
        """The first line, for the log."""
        if self.near >= 0:
            self.read()
        lines = self.text.decode(errors="replace").split("\n")
        line = next((one for one in lines if one.strip()), "")
        return "".join(char if char.isprintable() else " " for char in line).strip()


class _Child:
    """A running script: what it is, how long (ns) it may take, who wants to know how it ends."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        what: str,
        timeout: int,
        done: Callable[[Outcome], None] | None = None,
        complaints: _Complaints | None = None,
    ) -> None:
        self.popen = popen
        self.what = what
        self.timeout = timeout
        self.done = done
        self.timer: Timer | None = None
        self.timed_out = False
        self.complaints = complaints

    def signal(self, number: int) -> None:
        """Send a signal to the script and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def cancel(self) -> None:
        """Kill it; no callback follows."""
        self.done, self.what = None, ""
        if self.popen.returncode is None:
            self.signal(signal.SIGKILL)


class _Reader:
    """A script that stays until it is asked to end."""

    def __init__(self, child: _Child) -> None:
        self.child = child

    def cancel(self) -> None:
        """Ask it to end; that it does is no news."""
        self.child.what = ""
        if self.child.popen.returncode is None:
            self.child.signal(signal.SIGTERM)


class ScriptRunner:
    """The Runner of a real host.  `reap` is to be called when SIGCHLD has come."""

    def __init__(self, loop: Loop, log: Log, timeout: int = TIMEOUT) -> None:
        self.loop = loop
        self.log = log
        self.timeout = timeout
        self.children: dict[int, _Child] = {}

    def run(self, command: Command, arguments: Sequence[str], what: str) -> str | None:
        """Start `command`; None, or why it could not be started."""
        if len(self.children) >= AT_ONCE:
            return f"{AT_ONCE} scripts are running already"
        child = self.start(command, arguments, what, self.timeout)
        return child if isinstance(child, str) else None

    def check(self, command: Command, timeout: int, done: Callable[[Outcome], None]) -> Pending:
        """Start `command` and report its end; see ports.py."""
        what = command.text or " ".join(command.argv)
        child = self.start(command, (), what, timeout, listen=True)
        if isinstance(child, str):
            outcome = Outcome(problem=child, undecided=isinstance(child, _Shortage))
            return self.loop.call_at(self.loop.now(), lambda: done(outcome))
        child.done = done
        return child

    def keep(self, command: Command, arguments: Sequence[str], what: str) -> Pending | str:
        """Start `command` to stay; see ports.py."""
        child = self.start(command, arguments, what, None)
        return child if isinstance(child, str) else _Reader(child)

    def start(
        self,
        command: Command,
        arguments: Sequence[str],
        what: str,
        timeout: int | None,
        listen: bool = False,
    ) -> _Child | str:
        """Start a script, to be ended after `timeout` ns; or say why it could not be started.

        With `listen` the beginning of its standard error is kept.
        """
        import subprocess

        argv = [*command.argv, *arguments]
        file = command.executable or argv[0]
        found = _which(file)
        if found is None:
            return "no such file" if not os.path.exists(file) else "not executable"
        if command.executable is None:
            argv[0] = found
        try:
            child = self.spawn(found, argv, command, listen)
            child.what, child.timeout = what, timeout or 0
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            problem = str(getattr(error, "strerror", None) or error)
            return _Shortage(problem) if getattr(error, "errno", 0) in SHORTAGES else problem
        if timeout is not None:
            child.timer = self.loop.call_at(self.loop.now() + timeout, lambda: self.end(child))
        self.children[child.popen.pid] = child
        return child

    def spawn(self, file: str, argv: list[str], command: Command, listen: bool) -> _Child:
        """Fork and exec as the right user.  Raises OSError or LookupError (no such user)."""
        uid, gid = self.identity(command)
        same = (uid, gid) == (os.getuid(), os.getgid())
        other: dict[str, Any] = {} if same else {"user": uid, "group": gid, "extra_groups": []}
        complaints = _Complaints(self.loop, (uid, gid)) if listen else None
        stderr = None if complaints is None else complaints.far
        try:
            popen = self.popen(file, argv, stderr, other)
        except OSError as error:
            if error.errno != errno.ENOEXEC:  # a script without #!, which sh(1) still runs
                raise
            popen = self.popen("/bin/sh", ["/bin/sh", file, *argv[1:]], stderr, other)
        finally:
            if complaints is not None:
                complaints.started()
        return _Child(popen, "", 0, complaints=complaints)

    def popen(
        self, file: str, argv: list[str], stderr: int | None, other: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        """Popen, with everything that is the same for every script."""
        import subprocess

        child: subprocess.Popen[bytes] = subprocess.Popen(
            argv,
            executable=file,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if stderr is None else stderr,
            start_new_session=True,
            preexec_fn=_die_with_parent,
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
                said = child.complaints.first() if child.complaints and status else ""
                outcome = Outcome(max(0, status), max(0, -status), child.timed_out, said=said)
                self.loop.guard(partial(child.done, outcome))  # others have ended as well
            elif status and child.what:
                how = f"exited with status {status}"
                if status < 0:
                    how = f"was ended by signal {-status}"
                self.log.info(f"{child.what} {how}")

    def end(self, child: _Child, number: int = signal.SIGTERM) -> None:
        """A script has run too long: TERM now, KILL a little later."""
        if child.done is None and child.what:
            spent = f"has run for {seconds(child.timeout)}"
            self.log.info(f"{child.what} {spent}: sending signal {number:d}")
        child.timed_out = True
        child.signal(number)
        if number != signal.SIGKILL:
            later = self.loop.now() + GRACE
            child.timer = self.loop.call_at(later, lambda: self.end(child, signal.SIGKILL))

    def running(self) -> int:
        """How many scripts have not ended yet, without those that stay."""
        return sum(1 for child in self.children.values() if child.timeout)


def _which(file: str) -> str | None:
    """The path of a program, as shutil.which() finds it, whose module takes half a megabyte."""
    here = os.path.dirname(file)
    places = [""] if here else (os.environ.get("PATH") or os.defpath).split(os.pathsep)
    paths = (os.path.join(place, file) for place in places)
    return next((one for one in paths if os.access(one, os.X_OK) and not os.path.isdir(one)), None)
