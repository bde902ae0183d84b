"""Notice that two routers are MASTER: a MASTER receives another MASTER's Advertisement.

    first Advertisement of an episode   a line in the log, one in the journal and in `vrrpctl why`,
                                        the script notify_split_brain (vrrpd's own keyword)
    each Advertisement                  counted
    a Master_Down_Interval without one  the episode has ended

The other's priority does not matter.  Of two MASTERs, the one that receives a higher priority gives
way at once; the other one may never have received anything.  A router that is preempted cannot
tell the two apart, so an ordinary failback is an episode on the router that gives way: one
Advertisement, and the last words say so.
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
        if goes_on:
            return
        router.counters[EPISODES] += 1
        end = "stays MASTER" if router.state is State.MASTER else "gives way"
        reason = (
            f"{rival.source} priority {rival.priority} is MASTER as well; "
            f"this router, priority {router.params.priority}, {end}"
        )
        router.log.say(f"({router.name}) Split brain: {reason}")
        router.note("split_brain", reason)
        router.notifier.split_brain(router.instance, router.params.priority, rival)
