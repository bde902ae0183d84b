"""What a command prints, read as it comes; `labs.bounded_output` keeps so much of it.

    follow(process, take, 60)     take(b"...") for each piece, until the process ends; its status

A pipe, not a file: a command that prints without end must not fill anything.
A program that a command leaves in the background goes on writing to that pipe: it is read on, a
little at a time, and thrown away, so the program neither stops nor costs much.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

_PIECE = 1 << 16
_PAUSE = 0.05  # s between two pieces that are thrown away: 1.3 MB/s at most
_F_GETPIPE_SZ = 1032  # fcntl.F_GETPIPE_SZ appeared in Python 3.10 only for some builds


def follow(process: subprocess.Popen[bytes], take: Callable[[bytes], None], timeout: float) -> int:
    """Give `take` what `process` prints, until it ends; its exit status.

    Its stdout is a pipe, which is closed then, or read on for what was left in the background.
    Raises subprocess.TimeoutExpired after `timeout` seconds; the caller ends the process then.
    """
    pipe, end = process.stdout, os.pidfd_open(process.pid)
    assert pipe is not None
    try:
        events = select.poll()
        events.register(pipe, select.POLLIN)
        events.register(end, select.POLLIN)
        deadline = time.monotonic() + timeout
        ready: dict[int, int] = {}
        while end not in ready:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(process.args, timeout)
            ready = dict(events.poll(left * 1000))
            if ready.get(pipe.fileno(), 0) & select.POLLIN and end not in ready:
                take(os.read(pipe.fileno(), _PIECE))
            elif pipe.fileno() in ready and end not in ready:
                events.unregister(pipe)  # closed by all who had it; the process is still there
        # All that it printed is in the pipe by now; what comes later is another program's.
        os.set_blocking(pipe.fileno(), False)
        if _rest(pipe, take):
            threading.Thread(target=discard, args=(pipe,), name="discard", daemon=True).start()
            pipe = None
        return process.wait()
    finally:
        os.close(end)
        if pipe is not None:
            pipe.close()


def _rest(pipe: IO[bytes], take: Callable[[bytes], None]) -> bool:
    """Give `take` what the pipe holds; whether a process can still write to it."""
    import fcntl  # a replay imports this module where there is none

    left = fcntl.fcntl(pipe, _F_GETPIPE_SZ)
    while left > 0:
        try:
            data = os.read(pipe.fileno(), min(left, _PIECE))
        except BlockingIOError:
            return True
        if not data:
            return False
        take(data)
        left -= len(data)
    return True


def discard(pipe: IO[bytes]) -> None:
    """Read a pipe until no process can write to it any more, slowly, and throw away what comes."""
    os.set_blocking(pipe.fileno(), True)
    never = threading.Event()
    with pipe:
        while os.read(pipe.fileno(), _PIECE):
            never.wait(_PAUSE)
