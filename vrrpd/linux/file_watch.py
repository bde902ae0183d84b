"""Small files that are watched: inotify(7) on their directory, no polling if it can be helped.

    write   a program opens, writes and closes the file    IN_CLOSE_WRITE
    move    `mv new tracked`, the way that is never half   IN_MOVED_TO, IN_MOVED_FROM
    remove                                                  IN_DELETE

The directory is watched, not the file: most programs replace a file rather than write into it,
and a file that does not exist yet can only be seen to appear from above.  A directory that does
not exist, or is removed, is looked into once a second until it does; the same goes for all of
them where the host has no notifications left to give.

Contract: whatever happened, `changed` is called after it; never does the caller learn what
happened, only that it is time to read again.  So a lost notification (the queue overflowed) is
made up for by calling everybody.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop
from vrrpd.ports import Timer

IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_DELETE = 0x8, 0x40, 0x80, 0x200
IN_Q_OVERFLOW, IN_IGNORED, IN_ONLYDIR, IN_MOVE_SELF = 0x4000, 0x8000, 0x01000000, 0x800
MASK = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR
EVENT = struct.Struct("=iIII")  # watch, mask, cookie, length of the name
BUFFER = 64 * 1024
TURN = 16  # buffers of notifications read before others get their turn
AT_MOST = 127  # bytes of a file that are read; keepalived reads as many
RETRY = SECOND  # until a directory that is missing is looked for again


class _Watched:
    """One watched file; `cancel()` ends it."""

    def __init__(self, owner: SmallFiles, path: str, changed: Callable[[], None]) -> None:
        self.owner = owner
        self.path = os.path.realpath(path)
        self.changed = changed

    def cancel(self) -> None:
        """Watch it no longer."""
        self.owner.forget(self)


class SmallFiles:
    """The Files of a real host."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = -1
        self.directories: dict[str, int | None] = {}  # None: missing, looked for again
        self.retries: dict[str, Timer] = {}  # of those that are, or were a moment ago
        self.watched: list[_Watched] = []

    # Reading and writing.

    def read(self, path: str) -> bytes | None:
        """The first bytes of a file; None if there is no such file or it cannot be read."""
        try:
            # Not blocking: it may be a named pipe.
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None
        try:
            return os.read(fd, AT_MOST)
        except OSError:
            return None
        finally:
            os.close(fd)

    def write(self, path: str, text: str) -> str | None:
        """Replace what the file says; None, or why that is not possible."""
        try:
            if os.path.exists(path) and not os.path.isfile(path):
                return "not a regular file"
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            with open(os.open(path, flags, 0o644), "w", encoding="ascii") as file:
                file.write(text)
        except (OSError, ValueError) as error:
            return str(getattr(error, "strerror", None) or error)
        return None

    # Watching.

    def watch(self, path: str, changed: Callable[[], None]) -> _Watched:
        """Call `changed` whenever the file is written, appears or vanishes."""
        watched = _Watched(self, path, changed)
        self.watched.append(watched)
        directory = os.path.dirname(watched.path)
        if self.directories.get(directory) is None:
            self.attend(directory)
        return watched

    def forget(self, watched: _Watched) -> None:
        """End one watch, and that of its directory if it was the last one there."""
        if watched not in self.watched:
            return
        self.watched.remove(watched)
        directory = os.path.dirname(watched.path)
        if any(os.path.dirname(one.path) == directory for one in self.watched):
            return
        number = self.directories.pop(directory, None)
        if number is not None:
            self.libc.inotify_rm_watch(self.fd, number)
        timer = self.retries.pop(directory, None)
        if timer is not None:
            timer.cancel()

    def attend(self, directory: str) -> None:
        """Watch a directory, now or as soon as it exists."""
        self.open()
        number = self.libc.inotify_add_watch(self.fd, os.fsencode(directory), MASK)
        if number >= 0:
            self.directories[directory] = number
            return
        self.directories[directory] = None
        if directory not in self.retries:  # for another of its files
            self.retries[directory] = self.loop.call_at(
                self.loop.now() + RETRY, lambda: self._look_again(directory)
            )

    def _look_again(self, directory: str) -> None:
        """A missing directory may exist by now, and its files with it."""
        del self.retries[directory]
        if self.directories[directory] is None:
            self.attend(directory)
        self.notify(directory, None)

    def open(self) -> None:
        """Open the one inotify descriptor, on first need."""
        if self.fd < 0:
            self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            if self.fd >= 0:
                self.loop.add_reader(self.fd, self.read_events)

    def read_events(self) -> None:
        """Read what has happened and call back those whom it concerns."""
        for _ in range(TURN):
            try:
                data = os.read(self.fd, BUFFER)
            except BlockingIOError:
                return
            for number, mask, name in _events(data):
                self.loop.guard(partial(self.happened, number, mask, name))  # each is read once

    def happened(self, number: int, mask: int, name: str) -> None:
        """One notification."""
        if mask & IN_Q_OVERFLOW:
            for watched in list(self.watched):
                self.loop.guard(watched.changed)
            return
        directory = next((key for key, one in self.directories.items() if one == number), None)
        if directory is None:
            return
        if mask & (IN_IGNORED | IN_MOVE_SELF):  # the directory itself is gone
            if mask & IN_MOVE_SELF:
                self.libc.inotify_rm_watch(self.fd, number)
            self.directories[directory] = None
            self.attend(directory)
            self.notify(directory, None)
            return
        self.notify(directory, name)

    def notify(self, directory: str, name: str | None) -> None:
        """Call everybody who watches `name` in `directory`, or anything in it."""
        for watched in list(self.watched):
            head, tail = os.path.split(watched.path)
            if head == directory and name in (None, tail):
                self.loop.guard(watched.changed)

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd >= 0:
            self.loop.remove_reader(self.fd)
            with suppress(OSError):
                os.close(self.fd)
            self.fd = -1


def _events(data: bytes) -> list[tuple[int, int, str]]:
    """Take apart what read(2) returned: (watch, mask, name) for every notification."""
    found = []
    at = 0
    while at + EVENT.size <= len(data):
        number, mask, _, length = EVENT.unpack_from(data, at)
        name = data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0")
        found.append((number, mask, os.fsdecode(name)))
        at += EVENT.size + length
    return found
