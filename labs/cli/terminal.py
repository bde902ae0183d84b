"""`labs terminal HOST`: a shell on a host of a lab, which follows the lab.

    no lab yet         says so, waits, and connects when there is one that has this host
    lab rebuilt        the shell has ended with the old host; it connects to the new one, and not
                       meanwhile to the lab of a lesson that is open beside it
    another lesson     the lab in front is the one used last (a cell was run): once the shell is at
                       its prompt, it goes over to that
    exit, Ctrl-D       ends the terminal, and so does Ctrl-C while it waits

The shell has a pseudo-terminal of the host's own (script(1) makes it there), so job control, `tty`
and `less` work as on a server.  Its history goes along from host to host.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import termios
import time
from contextlib import suppress

from labs.emulation import discovery
from labs.emulation.discovery import Running
from labs.errors import LabError

# s between two looks for labs, which read /proc: whether another one is in front; whether
# there is one at all.
EVERY, WAITING = 3.0, 1.0
QUIET = 4.0  # s after a shell has ended in which a lab that is rebuilt comes back
HISTORY = "VRRP_LAB_HISTORY"
_MOST = 32_000  # bytes of history that go along: an environment variable has its limit
# Leave the alternate screen, show the cursor, no colors: what was killed could not.
_CALM = "\x1b[?47l\x1b[?25h\x1b[0m"


def terminal(host: str, lab: int | None = None, server: int | None = None) -> int:
    """A shell on `host` until the user leaves it; its exit status.

    `lab`: the pid of the program whose lab it is; then the terminal ends with that lab.
    `server`: the pid of a Jupyter server, whose notebooks' labs are the only ones that count.
    """
    look = _Look(lab, server)
    modes = termios.tcgetattr(0)
    history, shown, quiet = "", "", 0.0
    pressed = _CtrlC()
    _print(f"\x1b]0;{host}\x07", end="")
    while True:
        found = look.front()
        why = look.awaited(found) or _missing(found, host)
        if found is None or why:
            if lab is not None and found is None:
                raise LabError(f"the lab of program {lab} has ended: `labs ps` lists the others")
            if why != shown and time.monotonic() > quiet:
                _print(f"\x1b[2m{why}\x1b[0m")
                shown = why
            if pressed.wait(WAITING):
                return 130
            continue
        shown = ""
        visit = _Visit(found, host, history)
        status = visit.run(look)
        pressed.forget()  # it was for the shell
        termios.tcsetattr(0, termios.TCSADRAIN, modes)
        if status is not None:
            return status
        history = visit.history or history
        quiet = time.monotonic() + QUIET
        look.ended = None if visit.left else (visit.lab, time.time())
        if visit.entered:
            _print(f"{_CALM}\r\n\x1b[2m{visit.farther}\x1b[0m")
        elif pressed.wait(WAITING):  # its host is on its way out
            return 130


class _CtrlC:
    """Ctrl-C, noticed at every moment: also while nothing waits for it.

    It has a handler, not SIG_IGN, which the shell would inherit; and the handler writes to a pipe,
    since it may run while an Event of this same thread is locked.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        signal.signal(signal.SIGINT, self._press)

    def wait(self, seconds: float) -> bool:
        """Wait until it is pressed; whether it was within that time, or before."""
        return bool(select.select([self._reader], [], [], seconds)[0])

    def forget(self) -> None:
        """Take it as not pressed until now."""
        with suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def _press(self, *_: object) -> None:
        with suppress(BlockingIOError):
            os.write(self._writer, b".")


class _Look:
    """Which lab is in front."""

    def __init__(self, lab: int | None, server: int | None) -> None:
        self._lab, self._server = lab, server
        # The lab whose host the terminal had last and when it ended (Unix time).
        self.ended: tuple[Running, float] | None = None

    def front(self) -> Running | None:
        """The lab to show: the one asked for, or else the one that was used last."""
        found = discovery.find(above=self._server)
        if self._lab is not None:
            found = [each for each in found if each.pid == self._lab]
        return discovery.used_last(found) if found else None

    def awaited(self, found: Running | None) -> str:
        """Why the terminal does not go over to `found` yet; "" if it does.

        A lesson that builds its next lab, or whose kernel is restarted, has none for a while, and
        the lab of another lesson is then the one used last.  Commands typed there would go to the
        wrong cluster.
        """
        if found is None or self.ended is None:
            return ""
        lab, when = self.ended
        if found.pid == lab.pid or found.used > when:
            return ""
        return (
            "the lab of this lesson has ended: waiting for its next one. "
            "Run a cell of another lesson, and this terminal goes over to the lab of that one."
        )


def _missing(lab: Running | None, host: str) -> str:
    """Why there is no shell on `host` now; "" if there can be one."""
    if lab is None:
        return f"{host}: no lab is running yet; this terminal connects when a notebook starts one."
    if host not in lab.hosts:
        names = ", ".join(lab.hosts)
        return f"{host}: the lab in front has no such host ({names}); waiting for one that has it."
    if not lab.hosts[host]:
        return f"{host} is down or being rebuilt: lab.reset() starts all hosts. Waiting for it."
    return ""


class _Visit:
    """One shell on one host."""

    def __init__(self, lab: Running, host: str, history: str) -> None:
        self.lab, self.host, self.history = lab, host, ""
        self.entered = False
        self.farther = f"{host} has ended with its lab; waiting for the next one."
        self._given = history

    def run(self, look: _Look) -> int | None:
        """Until the shell has ended: its exit status, or None if the lab ended or another came."""
        pid = self.lab.hosts[self.host]
        try:
            life = os.pidfd_open(pid)
            home = os.open(f"/proc/{pid}/root/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            command = discovery.terminal(self.lab, self.host, {HISTORY: self._given})
        except (OSError, LabError):
            return None  # it has just gone down
        self.entered = True
        _print(f"\x1b[2m{self.host} of the lab in state {self.lab.state!r}. `exit` leaves.\x1b[0m")
        with subprocess.Popen(command) as shell:
            self._attend(shell, life, look)
        self.history = _read(home, ".bash_history")
        gone = bool(select.select([life], [], [], 0)[0]) or _dying(pid)
        os.close(life)
        os.close(home)
        return None if gone or self.left else max(shell.returncode, 0)

    left = False  # for another lab

    def _attend(self, shell: subprocess.Popen[bytes], life: int, look: _Look) -> None:
        """Wait until the shell has ended; end it when its host has, or for another lab."""
        ended = os.pidfd_open(shell.pid)
        try:
            while not select.select([ended], [], [], EVERY)[0]:
                if select.select([life], [], [], 0)[0]:
                    shell.kill()
                elif not self.left and self._elsewhere(look):
                    self._leave(shell)
        finally:
            os.close(ended)

    def _elsewhere(self, look: _Look) -> bool:
        """Whether another lab is in front, with this host in it."""
        front = look.front()
        other = front is not None and front.directory != self.lab.directory
        return other and not _missing(front, self.host)

    def _leave(self, shell: subprocess.Popen[bytes]) -> None:
        """End the shell if it is at its prompt: not while a program runs in it."""
        # It imports all of Mininet, which a terminal that waits does not need.
        from labs.emulation import daemons

        for script in daemons.children(shell.pid):
            for bash in daemons.children(script.pid):
                if not daemons.children(bash.pid):
                    self.left = True
                    self.farther = f"another lesson's lab is in front now: {self.host} is its host."
                    with suppress(ProcessLookupError):
                        os.kill(bash.pid, signal.SIGHUP)


def _dying(pid: int) -> bool:
    """Whether process 1 of a host is on its way out: the kernel first takes its memory.

    Only then it kills the others, of which the shell is one, and waits for all of them.
    """
    try:
        with open(f"/proc/{pid}/status") as file:
            return "\nVmSize:" not in file.read()
    except OSError:
        return True


def _read(home: int, name: str) -> str:
    """The end of a regular file in the directory `home`; "" if there is none, or another kind."""
    with suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=home)
        with open(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                size = os.fstat(descriptor).st_size
                file.seek(max(0, size - _MOST))
                text = file.read(_MOST).decode(errors="replace").replace("\0", "")
                return text if size <= _MOST else text.partition("\n")[2]
    return ""


def _print(text: str, end: str = "\r\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()
