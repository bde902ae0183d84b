"""Waiting for what reports no change of its own: ask, and ask again.

    ready = poll(server.answers, timeout=5.0, every=0.01)
    if not ready: ...                      it was still false after five seconds

What does announce itself is waited for by a thread or by select(2), not here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll(condition: Callable[[], T], timeout: float, every: float = 0.01) -> T:
    """The first true value of `condition()`, or the false one that it has after `timeout` seconds.

    It is asked every `every` seconds, and one that takes long to answer less often, to leave CPU
    time for what it waits for.  Time is judged by when it was asked: a busy machine may have kept
    us waiting meanwhile, so it is asked once more after the end.
    """
    deadline = time.monotonic() + timeout
    never = threading.Event()  # never set: a wait that gives the processor away
    while True:
        asked = time.monotonic()
        value = condition()
        if value or asked > deadline:
            return value
        never.wait(max(every, 3 * (time.monotonic() - asked)))
