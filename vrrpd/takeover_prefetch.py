"""Getting ready for a takeover: what a BACKUP has done before, a new MASTER need not do.

    prepare(router)    on entering BACKUP and after a reload: packets, requests and frames are made
    warm_up(router)    half a millisecond before Master_Down_Timer ends: all of it is gone through

            last Advertisement                          warm_up   takeover
    ──────────────┴──────────────────── silence ───────────┴─────────┴──>

While a MASTER speaks, a BACKUP sleeps and wakes for a few microseconds a second, and what a
takeover needs has left the processor's caches long ago.  To fetch it costs more than to run it:
with one address, the first gratuitous ARP left after 0.7 ms cold and 0.4 ms warm (keepalived: 0.5).

Contract: nothing here has an effect that anybody outside could see; to leave it out costs time,
and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrrpd import fsm
from vrrpd.events import TimerFired
from vrrpd.fsm import State
from vrrpd.packet import numbered
from vrrpd.status import change

if TYPE_CHECKING:
    from vrrpd.router import VirtualRouter


def prepare(router: VirtualRouter) -> None:
    """Have everything ready; a MASTER makes what it needs when it needs it."""
    if router.state is State.BACKUP:
        router.speaker.prepare(router.params.priority)
        router.holdings.prepare()
        router.announcer.prepare(router.placed)


def warm_up(router: VirtualRouter) -> None:
    """Go through a takeover without doing anything."""
    before = router.router
    if before.deadline is None:
        return
    after, _ = fsm.step(router.params, before, TimerFired(), before.deadline)
    change(router, before, after, TimerFired())
    for packet in router.speaker.ready.get(router.params.priority, ()):
        numbered(packet, router.speaker.ident)
    router.ports.kernel.warm_up()
    router.holdings.without_own(router.holdings.everything)
    router.announcer.rounds(router.placed)
