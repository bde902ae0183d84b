"""Named pipes: made if they are not there, written to without ever waiting.

The pipe is opened for reading and writing, so that opening it does not wait for a reader and a
reader that goes away does no harm (fifo(7)).  What is unread when the pipe is full is lost.

Contract: a line is written whole or not at all, because it is shorter than PIPE_BUF (pipe(7)).
What was made is removed; what was there before stays (keepalived).
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

FLAGS = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
ATOMIC = 4096  # PIPE_BUF


class _NamedPipe:
    """One pipe; `ours` if we have made it."""

    def __init__(self, path: str, owner: tuple[int, int] | None, mode: int) -> None:
        self.path = path
        self.ours = _make(path, owner, mode)
        self.fd = os.open(path, FLAGS)
        if not stat.S_ISFIFO(os.fstat(self.fd).st_mode):  # exchanged in between
            os.close(self.fd)
            raise FileExistsError(17, "it is no named pipe")

    def write(self, line: str) -> str | None:
        """Write `line`; None, or why it is lost."""
        data = line.encode()
        if len(data) > ATOMIC:
            return f"it is longer than {ATOMIC} bytes"
        try:
            os.write(self.fd, data)
        except BlockingIOError:
            return "nobody reads it, and it is full"
        except OSError as error:
            return error.strerror or str(error)
        return None

    def close(self) -> None:
        """Close it, and remove it if it is ours."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            if self.ours:
                with suppress(OSError):
                    os.unlink(self.path)


def _make(path: str, owner: tuple[int, int] | None, mode: int) -> bool:
    """Make a pipe unless there is one; whether there was none.  Raises OSError."""
    try:
        os.mkfifo(path, mode)
    except FileExistsError:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            raise FileExistsError(17, "it is no named pipe") from None
        return False
    try:
        os.chmod(path, mode)  # whatever our umask is
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            os.chown(path, *owner, follow_symlinks=False)
    except OSError:
        os.unlink(path)
        raise
    return True


class NamedPipes:
    """The Pipes of a real host."""

    def open(self, path: str, owner: tuple[int, int] | None, mode: int) -> _NamedPipe:
        """Make and open a pipe.  Raises OSError."""
        return _NamedPipe(path, owner, mode)
