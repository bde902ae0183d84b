"""MASTERs to which nothing happens: their Advertisements are sent without asking them.

    a MASTER has sent its Advertisement, and the next one will be the same
        -> join(): its Cycle has the packet and the deadline, its own timer does not run
    Adver_Timers expire -> one call of the channel sends the packets that are due
    anything happens to the router, or a packet is refused
        -> remove(): the router is as if it had sent each of them itself; its timer runs again

A MASTER does nothing else for days, and what `fsm.py` answers is known: the same Advertisement, and
Adver_Timer again, counted from its deadline.  To find the objects of a router in memory takes
longer than all the rest, because they are no longer in the processor's caches; so a Cycle works on
lists, and the values of a router are brought up to date when they are read.

Contract: frames, identifications, counters and deadlines are those of `VirtualRouter.expire()`.
What the channel does not send is left to it, which also counts and logs failures.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf
from typing import Protocol

from vrrpd.each import each
from vrrpd.ports import Batch, Channel, Clock, Timer


class _Master(Protocol):
    """A virtual router that is MASTER: see `router.py`."""

    @property
    def next_advert(self) -> tuple[int, bytes, int]:
        """When (ns) it is due, the packet, and the identification of the one before."""

    def repeated(self, times: int, last: int) -> None:
        """It was sent `times` times, and was due at `last` (ns) the last time."""

    def act_alone(self) -> None:
        """Leave the Cycle; the router's own timer runs from now on."""


class _Segment(Protocol):
    """The Listener of an interface; `channel` is None while there is no socket."""

    channel: Channel | None


class SteadyMasters:
    """The steady MASTERs of one Listener."""

    def __init__(self, segment: _Segment, clock: Clock) -> None:
        self.segment = segment
        self.clock = clock
        self.cycles: dict[int, Cycle] = {}  # by Advertisement interval (ns)

    def join(self, router: _Master, interval: int) -> Cycle | None:
        """Send the Advertisements of `router` from now on; None: that is not possible."""
        channel = self.segment.channel
        if channel is None or not channel.sends_batches:
            return None
        cycle = self.cycles.get(interval)
        if cycle is None:
            cycle = self.cycles[interval] = Cycle(self.segment, self.clock, interval)
        cycle.add(router)
        return cycle


class Cycle:
    """Steady MASTERs with the same interval, in the order in which they are due.

    In each interval each of them is due once, so the order stays.  `due` is when (ns) each was due
    in the first turn, `place` the next one of this turn, `turns` how many turns are complete.

    The lists are made again when a turn begins, about once in an interval, and not for each router
    that comes or goes: one that goes leaves a gap, one that comes waits.
    """

    def __init__(self, segment: _Segment, clock: Clock, interval: int) -> None:
        self.segment = segment
        self.clock = clock
        self.interval = interval
        self.members: dict[_Master, int | None] = {}  # their places; None: not in the lists yet
        self.changed = False  # the lists are not those of the members
        self.waiting: float = inf  # when (ns) the first that is not in the lists is due
        self.order: list[_Master | None] = []
        self.due: list[int] = []
        self.counted: list[int] = []  # how many of them each router has in its values
        self.turns = self.place = 0
        self.channel: Channel | None = None
        self.batch: Batch | None = None
        self.timer: Timer | None = None
        self.wake = 0  # when (ns) it expires

    def add(self, router: _Master) -> None:
        """Send the Advertisements of this router, too."""
        due = router.next_advert[0]
        self.members[router] = None
        self.changed = True
        self.waiting = min(self.waiting, due)
        self._wake_at(due)

    def remove(self, router: _Master) -> None:
        """Send none of this router any more."""
        try:
            self.update(router)
        finally:
            place = self.members.pop(router)
            if place is not None:
                self.order[place] = None
            self.changed = True

    def update(self, router: _Master) -> None:
        """Bring the values of a router up to date with what was sent for it."""
        place = self.members[router]
        if place is not None:
            turns = self.turns + (place < self.place)
            times = turns - self.counted[place]
            if times:
                self.counted[place] = turns
                router.repeated(times, self.due[place] + (turns - 1) * self.interval)

    def expire(self) -> None:
        """Send what is due; if that is not possible, each member acts by itself."""
        self.timer = None
        try:
            self._send()
        finally:
            if self.timer is None:
                self._dissolve()

    def _send(self) -> None:
        """Send what is due before any other timer, and set ours."""
        now, other = self.clock.now(), self.clock.next_call()
        if self.changed and (self.place == 0 or now >= self.waiting):
            self._arrange()
        batch = self.batch
        if batch is None or self.channel is not self.segment.channel:
            return
        begun, first = self.turns * self.interval, self.place
        if now - begun - self.due[first] >= self.interval:
            return  # of those that were missed, one is sent
        until = now if other is None or other > now else other
        end = bisect_right(self.due, until - begun, first)
        if self.changed and None in self.order[first:end]:
            end = self.order.index(None, first)
        self.place += batch.send(first, end) if end > first else 0
        for router in self.order[self.place : end]:
            if router is not None:
                router.act_alone()
        while self.place < len(self.order) and self.order[self.place] is None:
            self.place += 1
        if self.place == len(self.due):
            self.place, self.turns = 0, self.turns + 1
        next_due = self.due[self.place] + self.turns * self.interval
        self._wake_at(next_due if next_due <= self.waiting else int(self.waiting))

    def _arrange(self) -> None:
        """Make the lists, and have the packets ready, for those who are members now.

        A router that has sent already while others of the same turn have not waits once more.
        """
        found = []
        for router in self.members:
            self.update(router)
            self.members[router] = None
            found.append((*router.next_advert, router))
        found.sort(key=lambda one: one[0])
        late = [one for one in found if one[0] >= found[0][0] + self.interval]
        self.changed, self.waiting = bool(late), late[0][0] if late else inf
        found = found[: len(found) - len(late)]
        self.due, self.order = [one[0] for one in found], [one[3] for one in found]
        self.members.update({one[3]: place for place, one in enumerate(found)})
        self.counted, self.turns, self.place = [0] * len(found), 0, 0
        self.channel = channel = self.segment.channel
        packets, idents = [one[1] for one in found], [one[2] for one in found]
        self.batch = channel.batch(packets, idents) if channel is not None and found else None

    def _dissolve(self) -> None:
        """Let each member act by itself; a mistake with one of them costs none of the others."""
        try:
            each(router.act_alone for router in self.members)
        finally:
            self.place, self.batch = 0, None

    def _wake_at(self, when: int) -> None:
        """Have the timer expire at `when` (ns), if not earlier."""
        if self.timer is not None:
            if self.wake <= when:
                return
            self.timer.cancel()
        self.wake = when
        self.timer = self.clock.call_at(when, self.expire)
