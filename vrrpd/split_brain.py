"""Notice that two routers are MASTER: a MASTER receives another MASTER's Advertisement.

    first Advertisement of an episode   a line in the log, one in the journal and in `vrrpctl why`
    first that is no ordinary failback  the script notify_split_brain (vrrpd's own keyword)
    each Advertisement                  counted
    a Master_Down_Interval without one  the episode has ended

The other's priority does not matter.  Of two MASTERs, the one that receives a higher priority gives
way at once; the other one may never have received anything.  A router that is preempted cannot
tell the two apart, so an ordinary failback is an episode on the router that gives way: one
Advertisement, and the last words say so.  The router that preempts may receive an Advertisement
that crossed its own first one.  Nobody wants to be called for either: the script runs on a router
that stays MASTER, and has been MASTER for an Advertisement_Interval.
Priority 0 is a resignation and does not count.

Contract: called after the state machine has done its work, so that it delays nothing; the memory
that it takes is three numbers, whatever is received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrrpd.events import AdvertReceived
from vrrpd.fsm import State

if TYPE_CHECKING:
    from vrrpd.router import VirtualRouter

RECEIVED = "master-rcvd-as-master"  # counters
EPISODES = "split-brain-episodes"


class SplitBrain:
    """What one virtual router has received of other MASTERs; `last` is when (ns), or None."""

    def __init__(self, router: VirtualRouter) -> None:
        self.router = router
        self.last: int | None = None
        self._notified = False  # in this episode

    def active(self, now: int) -> bool:
        """Whether an episode is going on at `now` (ns)."""
        params = self.router.params
        quiet = params.master_down(params.advert_interval)
        return self.last is not None and now - self.last <= quiet

    def heard(self, rival: AdvertReceived, at: int) -> None:
        """Another MASTER's Advertisement arrived at `at` (ns) while the router was MASTER."""
        router = self.router
        goes_on, self.last = self.active(at), at
        router.counters[RECEIVED] += 1
        if not goes_on:
            self._begin(rival)
        stays = (
            router.state is State.MASTER and at - router.entered >= router.params.advert_interval
        )
        if stays and not self._notified:
            self._notified = True
            router.notifier.split_brain(router.instance, router.params.priority, rival)

    def _begin(self, rival: AdvertReceived) -> None:
        """Report an episode, of which this is the first Advertisement."""
        router = self.router
        self._notified = False
        router.counters[EPISODES] += 1
        end = "stays MASTER" if router.state is State.MASTER else "gives way"
        reason = (
            f"{rival.source} priority {rival.priority} is MASTER as well; "
            f"this router, priority {router.params.priority}, {end}"
        )
        router.log.say(f"({router.name}) Split brain: {reason}")
        router.note("split_brain", reason)
