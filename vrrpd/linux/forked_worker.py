"""Work that takes long, done by a child while the daemon goes on with its own.

    parts = run_in_child(loop, work)    every value that work() yields, in order

    daemon  ──fork──┬── timers, packets ── a part ── timers ── a part ── ... ──> the list
    child           └── work() ── pickles ──> pipe

A file with a thousand instances takes half a second to read, and half a second is five
Advertisements at 100 ms.  Not a thread: it would hold the interpreter just when a timer ends.
What the child sends is taken a piece at a time, because to unpickle is work, too.

Contract: as if work() had been called: its exception is raised here.  If no child can be made, if
it ends before its work does, or takes longer than TIMEOUT, ChildFailed is raised: what has killed
a child must not be done here, where the virtual routers live.  The loop runs meanwhile, so other
things happen; if it is stopped, InterruptedError is raised.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop
from vrrpd.ports import Timer

PIECE = 1 << 12  # bytes taken at a time: to unpickle them takes about a millisecond
NICENESS = 10  # the daemon's timers come first
TIMEOUT = 60 * SECOND  # the largest configuration takes a few seconds


class ChildFailed(Exception):
    """The child has not done its work, and no other process will."""


def run_in_child(loop: Loop, work: Callable[[], Iterable[Any]]) -> list[Any]:
    """What `work` yields; raises what it raises, ChildFailed or InterruptedError."""
    near, far = _pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(near)
        os.close(far)
        raise ChildFailed(f"no process to do it: {error.strerror}") from None
    if pid == 0:
        _child_main(work, far)
    os.close(far)
    parts = _ChildResults(loop, near)
    late = loop.call_at(loop.now() + TIMEOUT, parts.give_up)
    status = 0
    try:
        loop.run_until(lambda: parts.ended)
        if not parts.ended:
            raise InterruptedError("the loop was stopped")
    finally:
        late.cancel()
        parts.close()
        if parts.late or not parts.ended:
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            _, status = os.waitpid(pid, 0)
    if parts.error is not None:
        raise parts.error
    if not parts.whole:
        raise ChildFailed(_reason(parts, status))
    return parts.found


def _pipe() -> tuple[int, int]:
    """Two ends.  Raises ChildFailed."""
    try:
        return os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ChildFailed(f"no pipe to the process that would do it: {error.strerror}") from None


def _reason(parts: _ChildResults, status: int) -> str:
    """Why a child has not done its work."""
    if parts.late:
        return f"it takes longer than {TIMEOUT // SECOND} s"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"the process that did it was killed by {name}"
    return "the process that did it has failed"


class _ChildResults:
    """What has come out of the pipe so far; `whole` once nothing is missing.

    A piece is taken in the turn of a timer.  What the loop reads, it reads before it believes a
    timer: all that is in the pipe would be taken before an Advertisement that is due is sent.
    """

    def __init__(self, loop: Loop, fd: int) -> None:
        self.loop = loop
        self.fd = fd
        self.turn: Timer | None = None
        self.data = bytearray()
        self.found: list[Any] = []
        self.error: BaseException | None = None
        self.whole = self.ended = self.late = False
        loop.add_reader(fd, self._readable)

    def close(self) -> None:
        """Take no more."""
        if self.turn is not None:
            self.turn.cancel()
        self.loop.remove_reader(self.fd)
        os.close(self.fd)

    def _readable(self) -> None:
        """Something has come: it has its turn behind the timers that are due."""
        self.loop.remove_reader(self.fd)
        self.turn = self.loop.call_at(self.loop.now(), self._take)

    def give_up(self) -> None:
        """It has had its time."""
        self.ended = self.late = True

    def _take(self) -> None:
        """Read a piece, and unpickle what is complete."""
        piece = os.read(self.fd, PIECE)
        self.ended = not piece
        if not self.ended:
            self.loop.add_reader(self.fd, self._readable)
        self.data += piece
        while len(self.data) >= 4 and not self.whole:
            length = int.from_bytes(self.data[:4], "big")
            if len(self.data) < 4 + length:
                return
            kind, value = pickle.loads(self.data[4 : 4 + length])
            del self.data[: 4 + length]
            if kind == "part":
                self.found.append(value)
            else:
                self.whole, self.error = True, value


def _child_main(work: Callable[[], Iterable[Any]], far: int) -> None:
    """The child's life: it has copies of everything, and may use nothing but the pipe."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with suppress(OSError):  # a sandbox may forbid it
            os.nice(NICENESS)
        os.set_blocking(far, True)
        with io.FileIO(far, "w") as pipe:
            try:
                for part in work():
                    _send(pipe, "part", part)
                _send(pipe, "end", None)
            except Exception as error:
                _send(pipe, "end", error)
    finally:
        os._exit(0)


def _send(pipe: io.FileIO, kind: str, value: object) -> None:
    """One pickle behind its length; all of it, however little the pipe takes at a time."""
    data = pickle.dumps((kind, value))
    rest = memoryview(len(data).to_bytes(4, "big") + data)
    while rest:
        rest = rest[pipe.write(rest) or 0 :]
