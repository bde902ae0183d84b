"""Where log lines go: a console or syslog, which may not take them.

    Console   standard output: a file, a terminal, or a pipe whose reader may have stopped reading
    Syslog    /dev/log, one datagram a line: `<30>vrrpd[412]: text` (facility daemon, info)

A line is given the form that its reader expects: `dated`, `as_json`, or the text alone for syslog,
which adds the time itself.  This is not done by `logging`: to import it, and all that it would need
to show a line of source text, takes a tenth of the time until the first Advertisement.

Contract: a line that cannot be written at once is lost and counted; the next one that can be says
how many are missing.  A router must not wait for a reader of its log: with a blocking write, a
syslog daemon that hangs would end every virtual router a few hundred lines later.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

AT_ONCE = select.PIPE_BUF  # bytes that fit into a pipe of which poll(2) says that it is ready
DAEMON = 3  # LOG_DAEMON
INFO = 6  # LOG_INFO


_Form = Callable[[float, str], str]
"""What becomes of a Unix time and a text."""


def _plain(created: float, text: str) -> str:
    """Return the text alone."""
    return text


def dated(created: float, text: str) -> str:
    """Return keepalived's line: `Sun Nov 22 17:07:24 2026: (VI_1) Entering MASTER STATE`."""
    return f"{time.strftime('%a %b %d %H:%M:%S %Y', time.localtime(created))}: {text}"


def as_json(created: float, text: str) -> str:
    """Return time and text as one JSON object; no level, as keepalived has none."""
    import json  # which only this form needs, and the journal

    return json.dumps({"t": round(created, 6), "message": text}, ensure_ascii=False)


class LogHandler:
    """Counts what is lost.  Children say how a line is put down: `put` raises OSError."""

    def __init__(self, form: _Form = _plain) -> None:
        self.form = form
        self.lost = 0

    def write(self, created: float, text: str) -> None:
        """Write one line, or lose it; `created` is its Unix time."""
        if self.lost:
            text += f" ({self.lost} lines before this are lost)"
        try:
            self.put(self.form(created, text))
            self.lost = 0
        except Exception:  # a log must not be the end of a router
            self.lost += 1

    def put(self, text: str) -> None:
        """Put down one line, at once.  Raises OSError."""
        raise NotImplementedError


class Console(LogHandler):
    """Writes to the descriptor of a stream if that can be done without waiting.

    Not through the stream: what its buffer holds after a full disk would come later, or spoil the
    exit status.
    """

    def __init__(self, stream: TextIO, form: _Form = _plain) -> None:
        super().__init__(form)
        self.stream = stream
        self.poll = select.poll()
        self.half = False  # the last line was not written to its end
        try:
            self.number: int | None = stream.fileno()
            self.poll.register(self.number, select.POLLOUT)
        except (OSError, ValueError):  # a stream of Python's own, in a test
            self.number = None

    def put(self, text: str) -> None:
        """Write as much at a time as a pipe that is ready takes without waiting."""
        if self.number is None:
            self.stream.write(text + "\n")
            return
        data = ("\n" * self.half + text + "\n").encode("utf-8", "backslashreplace")
        rest = data
        try:
            while rest:
                if not self.poll.poll(0):
                    raise BlockingIOError
                rest = rest[os.write(self.number, rest[:AT_ONCE]) :]
        finally:
            self.half = self.half if rest == data else bool(rest)


class Syslog(LogHandler):
    """Sends to the socket of syslog; one that has been started again is found again."""

    def __init__(self, path: str, facility: int = DAEMON) -> None:
        super().__init__()
        self.path = path
        self.ident = f"<{facility << 3 | INFO}>vrrpd[{os.getpid()}]: "
        self.socket: socket.socket | None = None

    def put(self, text: str) -> None:
        """Send; a socket that leads nowhere is opened again, once."""
        data = (self.ident + text).encode("utf-8", "backslashreplace")
        try:
            self.connected().send(data)
        except BlockingIOError:
            raise
        except OSError:
            self.close()
            self.connected().send(data)

    def connected(self) -> socket.socket:
        """The socket, opened on first need.  Raises OSError."""
        if self.socket is None:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            one.setblocking(False)
            try:
                one.connect(self.path)
            except OSError:
                one.close()
                raise
            self.socket = one
        return self.socket

    def close(self) -> None:
        """Give the descriptor back; the next line opens another."""
        one, self.socket = self.socket, None
        if one is not None:
            one.close()
