"""Mail, the daemon's side: letters go to a child process through a pipe, results come back.

    send(letter) ──stdin──> smtp_worker.py ──SMTP──> server
    log         <──stdout──

The child is started with the first letter and lives as long as the daemon.

Contract: `send()` never blocks.  When OUTSTANDING letters are under way, further ones are dropped
with a line in the log: a mail server that hangs must not fill the memory of a router.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from vrrpd.fsm import SECOND
from vrrpd.journal import Journal, Log
from vrrpd.linux.loop import Loop
from vrrpd.ports import Mail

if TYPE_CHECKING:  # hardly any host sends mail: json and subprocess are imported for the first one
    import subprocess

OUTSTANDING = 100
CHUNK = 65536
F_SETPIPE_SZ = 1031  # fcntl has it from Python 3.10 on, but not everywhere
ROOM = 1 << 19


class SmtpClient:
    """The Post of a real host."""

    def __init__(self, loop: Loop, journal: Journal, log: Log) -> None:
        self.loop = loop
        self.journal = journal
        self.log = log
        self.child: subprocess.Popen[bytes] | None = None
        self.former: list[subprocess.Popen[bytes]] = []
        self.serial = 0
        self.outstanding: dict[int, Mail] = {}
        self.heard = b""

    def send(self, letter: Mail) -> None:
        """Give a letter to the child."""
        if len(self.outstanding) >= OUTSTANDING:
            self.failed(letter, f"{OUTSTANDING} mails are waiting already")
            return
        import json

        try:
            child = self.child or self._hire()
            assert child.stdin is not None
            self.serial += 1
            line = {
                "id": self.serial,
                "server": letter.server,
                "timeout": letter.timeout / SECOND,
                "helo": letter.helo,
                "sender": letter.sender,
                "recipients": letter.recipients,
                "text": letter.text,
            }
            data = json.dumps(line).encode() + b"\n"
            written = os.write(child.stdin.fileno(), data)
            if written < len(data):
                raise OSError("the process that sends mail does not read")
        except BlockingIOError:  # not a byte was written: what the child has is whole
            self.failed(letter, "the process that sends mail does not read")
            return
        except OSError as error:
            self.failed(letter, error.strerror or str(error))
            self.dismiss()
            return
        self.outstanding[self.serial] = letter

    def _hire(self) -> subprocess.Popen[bytes]:
        """Start the child.  Raises OSError."""
        import subprocess

        child: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "vrrpd.linux.smtp_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        _enlarge(child.stdin.fileno())
        for stream in (child.stdin, child.stdout):
            os.set_blocking(stream.fileno(), False)
        self.loop.add_reader(child.stdout.fileno(), self.read)
        self.child = child
        return child

    def read(self) -> None:
        """Take what the child says."""
        if self.child is None or self.child.stdout is None:
            return
        try:
            data = os.read(self.child.stdout.fileno(), CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.dismiss()
            return
        *lines, self.heard = (self.heard + data).split(b"\n")
        for line in lines:
            self.loop.guard(partial(self._answered, line))  # the others are answers as well

    def _answered(self, line: bytes) -> None:
        """Log what became of a letter, from one line of the child."""
        import json

        answer = json.loads(line)
        letter = self.outstanding.pop(answer["id"], None)
        if letter is not None and answer["problem"]:
            self.failed(letter, answer["problem"])
        elif letter is not None:
            self.log.info("SMTP alert successfully sent.")

    def failed(self, letter: Mail, problem: str) -> None:
        """Say that a mail was not sent."""
        where = f"[{letter.server[0]}]:{letter.server[1]}"
        self.log.limited(("mail", problem), f"SMTP alert not sent to {where}: {problem}")
        self.journal.write("mail", reason=f"not sent to {where}: {problem}", ok=False)

    def reap(self) -> None:
        """SIGCHLD has come: collect children that have ended."""
        self.former = [child for child in self.former if child.poll() is None]

    def waiting(self) -> int:
        """How many letters are under way."""
        return len(self.outstanding)

    def dismiss(self) -> None:
        """Let the child finish by itself; what it had is unknown from now on."""
        child, self.child = self.child, None
        if child is None or child.stdin is None or child.stdout is None:
            return
        self.loop.remove_reader(child.stdout.fileno())
        self.heard = b""  # the rest of a line that will not come
        with suppress(OSError):
            child.stdin.close()
            child.stdout.close()
        self.former.append(child)
        lost, self.outstanding = self.outstanding, {}
        for letter in lost.values():
            self.failed(letter, "the process that sends mail has ended")


def _enlarge(fd: int) -> None:
    """Let a pipe hold OUTSTANDING letters, if the system allows."""
    with suppress(OSError):
        fcntl.fcntl(fd, F_SETPIPE_SZ, ROOM)
