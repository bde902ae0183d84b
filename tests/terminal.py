"""A terminal for tests: a program runs on a pseudo-terminal, and what a person would see is read.

    with Terminal([*LABS, "watch"], columns=80, rows=24) as terminal:
        terminal.until(lambda: "held by web1" in terminal.text)
        terminal.type("u")
        terminal.resize(120, 40)
    terminal.status                    the exit status, after the block

pyte keeps the screen; a thread reads, because a program whose output is not read stands still.
"""

from __future__ import annotations

import builtins
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import pyte

from tests.support import HUNG_S, REPOSITORY, eventually

WHERE = b"\x1b[6n"  # a program asks where the cursor is


class Terminal:
    """A program on a screen of `columns` x `rows` characters."""

    def __init__(
        self, command: list[str], columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.raw = b""
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=REPOSITORY,
            env={**known, "TERM": "xterm-256color", **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        """The screen, row by row, without the blanks at the ends."""
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self.process.poll()

    def row(self, word: str) -> str:
        """The first row with that word; "" if there is none."""
        return next((line for line in self.lines if word in line), "")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Pull at the corner of the window."""
        with self._lock:
            self._size(columns, rows)
            self._screen.resize(rows, columns)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until it holds; what is on the screen is the message if it never does."""
        try:
            eventually(condition)
        except AssertionError:
            raise AssertionError(f"the screen was\n{self.text}") from None

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        with suppress(OSError):  # the other end is closed
            while data := os.read(self._master, 65536):
                if WHERE in data:
                    os.write(self._master, b"\x1b[1;1R")
                with self._lock:
                    self.raw += data
                    self._stream.feed(data)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: builtins.type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.process.kill()
        self.process.wait(HUNG_S)
        self._reader.join(5)
        os.close(self._master)
