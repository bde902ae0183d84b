"""MASTERs to which nothing happens: their Advertisements that are due together are sent together.

    timers are due -> expire(): which of them only send their Advertisement again?
                   -> one call of the channel for all of these
                   -> those that were sent: counted, Adver_Timer restarted; no timer is called
                   -> all others: the timer is called, as if this module did not exist

A MASTER does nothing else for days, and what `fsm.py` answers is known: the same Advertisement, and
Adver_Timer again, counted from its deadline.  To ask it and to perform that, for one router after
the other, takes 39 calls of functions for each Advertisement.

Contract: frames, identifications, counters and deadlines are those of `VirtualRouter.expire()`.
What the channel does not send is left to it, which also counts and logs failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vrrpd.ports import Channel, Clock


class _Advertiser(Protocol):
    """What has to be known of an Advertiser."""

    @property
    def next_ident(self) -> int:
        """The identification of the next Advertisement."""


class _Master(Protocol):
    """A virtual router, MASTER or not: see `router.py`."""

    @property
    def advertiser(self) -> _Advertiser:
        """What numbers its packets."""

    def repeatable(self, now: int) -> bytes | None:
        """The packet to send, if all that happens at `now` (ns) is that Adver_Timer expires."""

    def repeated(self, ident: int, now: int) -> None:
        """That packet was sent at `now` (ns), with this identification."""


class _Segment(Protocol):
    """The Listener of an interface; `channel` is None while there is no socket."""

    channel: Channel | None


class SteadyMasters:
    """The virtual routers of one Listener, as the group that their Adver_Timers belong to."""

    def __init__(self, segment: _Segment, clock: Clock) -> None:
        self.segment = segment
        self.clock = clock

    def expire(self, due: Sequence[_Master]) -> None:
        """Send the Advertisements of these as far as nothing else is to be done."""
        channel, now = self.segment.channel, self.clock.now()
        if channel is None:
            return
        steady, packets, idents = [], [], []
        for router in due:
            packet = router.repeatable(now)
            if packet is not None:
                steady.append(router)
                packets.append(packet)
                idents.append(router.advertiser.next_ident)
        sent = channel.send_again(packets, idents) if packets else 0
        for router, ident in zip(steady[:sent], idents, strict=False):
            router.repeated(ident, now)
