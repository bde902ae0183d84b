"""What is said aloud while something takes longer than a moment.

    waiting.show = print                 a notebook does that; elsewhere nothing is said
    waiting.say("waiting for ... ")      once SILENT_S have passed
    with waiting.announced():            what is waited for in here has been said already

Only the thread that runs the cells speaks: the output of another would land in any cell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SILENT_S = 1.0  # s that may pass without a word
show: Callable[[str], None] | None = None
_announced = 0


def say(words: str) -> None:
    """Show `words`, unless nobody looks or it has been said."""
    if (
        show is not None
        and not _announced
        and threading.current_thread() is threading.main_thread()
    ):
        show(words)


@contextmanager
def announced() -> Iterator[None]:
    """While this lasts nothing is said."""
    global _announced
    _announced += 1
    try:
        yield
    finally:
        _announced -= 1
