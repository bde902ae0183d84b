"""What a cell reports while something takes longer than a moment.

    waiting.show = print                 a notebook does that; elsewhere nothing is reported
    waiting.report("waiting for ... ")      once SILENT_S have passed
    with waiting.announced():            what is waited for in here is reported already

Only the thread that runs the cells reports: the output of another would land in any cell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SILENT_S = 1.0  # s that may pass without a word
show: Callable[[str], None] | None = None
_announced = 0


def report(words: str) -> None:
    """Show `words`, unless nothing shows them or `announced()` is in force."""
    if (
        show is not None
        and not _announced
        and threading.current_thread() is threading.main_thread()
    ):
        show(words)


@contextmanager
def announced() -> Iterator[None]:
    """While this lasts nothing is reported."""
    global _announced
    _announced += 1
    try:
        yield
    finally:
        _announced -= 1
