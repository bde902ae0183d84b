"""Prefetch of a takeover: what a BACKUP has done before, a new MASTER need not do.

    precompute()    on entering BACKUP and after a reload: packets, requests and frames are made
    touch()         a millisecond before Master_Down_Timer ends: all of it is gone through, and
                    the outcome of the expired timer is computed
    foreseen()      when the timer has expired: that outcome

            last Advertisement                           touch    takeover
    ──────────────┴───────────── Master_Down_Timer ────────┴─────────┴──>

While a MASTER advertises, a BACKUP sleeps and wakes for a few microseconds a second, and what a
takeover needs has left the processor's caches long ago.  To fetch it costs more than to run it:
with one address, the first gratuitous ARP left after 0.7 ms cold and 0.4 ms warm (keepalived: 0.5).

Contract: nothing here has an effect outside of this process; to leave it out costs time, and
nothing else.
"""

from __future__ import annotations

from vrrpd import fsm
from vrrpd.addresses.master_state import MasterState
from vrrpd.advertiser import Advertiser
from vrrpd.announcer import Announcer
from vrrpd.events import TimerFired
from vrrpd.fsm import Params, RouterState, State
from vrrpd.packet import numbered
from vrrpd.ports import Ports


class TakeoverPrefetch:
    """What one virtual router can do of a takeover before it is MASTER."""

    def __init__(
        self,
        speaker: Advertiser,
        holdings: MasterState,
        announcer: Announcer,
        ports: Ports,
    ) -> None:
        self._speaker = speaker
        self._holdings = holdings
        self._announcer = announcer
        self._kernel = ports.kernel
        self._foreseen: tuple[Params, RouterState, fsm.Outcome] | None = None

    def precompute(self, priority: int) -> None:
        """Make the Advertisements, the requests and the frames that a new MASTER sends."""
        self._speaker.prepare(priority)
        self._holdings.prepare()
        self._announcer.prepare(self._holdings.placed)

    def touch(self, params: Params, before: RouterState) -> None:
        """Go through what is urgent in a takeover without doing anything."""
        if before.deadline is None:
            return
        outcome = fsm.step(params, before, TimerFired(), before.deadline)
        if outcome[0].state is State.MASTER:  # a released router's next timer counts from now
            self._foreseen = params, before, outcome
        for packet in self._speaker.packets.get(params.priority, ()):
            numbered(packet, self._speaker.ident)
        self._kernel.warm_up()
        self._holdings.without_own(self._holdings.everything)
        self._announcer.touch(self._holdings.placed)

    def foreseen(self, params: Params, before: RouterState, now: int) -> fsm.Outcome | None:
        """The outcome at `now` (ns) of the expired timer of `before`, if touch() has computed it.

        Up to one Advertisement interval after the deadline, `fsm.step()` returns the same but for
        `armed`.  Returned once only: the caller changes the list of actions.
        """
        known, self._foreseen = self._foreseen, None
        if known is None or known[0] is not params or known[1] is not before:
            return None
        after, actions = known[2]
        assert before.deadline is not None
        if not 0 <= now - before.deadline < params.advert_interval:
            return None
        return after._replace(armed=now), actions
