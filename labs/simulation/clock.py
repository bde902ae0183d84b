"""Virtual time: a number, and a heap of what is to happen in it.

    clock = VirtualClock()
    clock.call_at(3 * SECOND, ring)
    clock.advance(10 * SECOND)         ring() has been called, and no time has passed for you

    played  ───────────────┐           ┌──────────────────>     clock.now(): what the hosts live
    calendar ──────────────┴─ skipped ─┴──────────────────>     clock.calendar: what people read

Nothing here is random and nothing depends on the machine: the same calls give the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class VirtualTimer:
    """A call to come; `callback` is None once it is cancelled.  `target` is whom it is for."""

    callback: Callable[[], None] | None
    target: object = None

    def cancel(self) -> None:
        """Forget it."""
        self.callback = None

    def postpone(self, when: int) -> None:
        """It is called at the old moment all the same: in here, to be woken costs nothing."""


class VirtualClock:
    """Virtual time in ns, and what is to happen in it.

    `skipped` is time (ns) that was not played because it was known to be like what came before;
    see `labs/simulation/fast_forward.py`.  `after` is called after everything that happens.
    """

    def __init__(self) -> None:
        self.time = 0
        self.skipped = 0
        self.serial = 0
        self.events = 0  # how many things have happened so far
        self.heap: list[tuple[int, int, VirtualTimer]] = []
        self.after: list[Callable[[], None]] = []

    def now(self) -> int:
        """The time that has been played, ns since the beginning."""
        return self.time

    @property
    def calendar(self) -> int:
        """The time that has passed, ns since the beginning."""
        return self.time + self.skipped

    def call_at(
        self, when: int, callback: Callable[[], None], target: object = None
    ) -> VirtualTimer:
        """Call back at `when`, or as the next thing if that is past."""
        timer = VirtualTimer(callback, target)
        self.serial += 1
        heapq.heappush(self.heap, (max(when, self.time), self.serial, timer))
        return timer

    def waiting(self) -> list[tuple[int, VirtualTimer]]:
        """What is still to come: (ns from now, timer), in order."""
        coming = sorted(one for one in self.heap if one[2].callback is not None)
        return [(when - self.time, timer) for when, _, timer in coming]

    def advance(self, until: int, done: Callable[[], bool] | None = None) -> bool:
        """Play everything that is due up to `until`; stop early when `done()`; whether it was."""
        heap, after = self.heap, self.after
        while heap and heap[0][0] <= until:
            when, _, timer = heapq.heappop(heap)
            callback = timer.callback
            if callback is None:
                continue
            self.time = when
            self.events += 1
            callback()
            for observe in after:
                observe()
            if done is not None and done():
                return True
        self.time = max(self.time, until)
        return done is not None and done()
