"""Notice that two routers are MASTER: a MASTER receives another MASTER's Advertisement.

    first Advertisement of an episode   a line in the log, one in the journal and in `vrrpctl why`
    first that is no ordinary failback  the script notify_split_brain (vrrpd's own keyword)
    each Advertisement                  counted
    a Master_Down_Interval without one  the episode has ended

The other's priority does not matter.  Of two MASTERs, the one that receives a higher priority gives
way at once; the other one may never have received anything.  A router that is preempted cannot
distinguish the two, so an ordinary failback is an episode on the router that gives way: one
Advertisement, and the last words say so.  The router that preempts may receive an Advertisement
that crossed its own first one.  Neither is worth a call: the script runs on a router
that stays MASTER, and has been MASTER for an Advertisement_Interval.
Priority 0 is a resignation and does not count.

Contract: called after the state machine has done its work, so that it delays nothing; the memory
that it takes is three numbers, whatever is received.
"""

from __future__ import annotations

from collections import Counter

from vrrpd.events import AdvertReceived
from vrrpd.fsm import Params, State

RECEIVED = "master-rcvd-as-master"  # counters
EPISODES = "split-brain-episodes"


class SplitBrain:
    """The Advertisements of other MASTERs that one virtual router has received.

    `counters` are the router's; `last` is when (ns) the last one arrived, or None.
    """

    def __init__(self, counters: Counter[str]) -> None:
        self.counters = counters
        self.last: int | None = None
        self._notified = False  # in this episode

    def active(self, params: Params, now: int) -> bool:
        """Whether an episode is going on at `now` (ns)."""
        quiet = params.master_down(params.advert_interval)
        return self.last is not None and now - self.last <= quiet

    def received(self, rival: AdvertReceived, at: int, params: Params, state: State) -> str | None:
        """Count an Advertisement that arrived at `at` (ns) while the router was MASTER.

        `state` is the router's state after it.  Returns the reason for the log if an episode
        begins, otherwise None.
        """
        goes_on, self.last = self.active(params, at), at
        self.counters[RECEIVED] += 1
        if goes_on:
            return None
        self._notified = False
        self.counters[EPISODES] += 1
        end = "stays MASTER" if state is State.MASTER else "gives way"
        return (
            f"{rival.source} priority {rival.priority} is MASTER as well; "
            f"this router, priority {params.priority}, {end}"
        )

    def script_is_due(self, at: int, params: Params, state: State, entered: int) -> bool:
        """Whether the script must run for the Advertisement of `at` (ns): once in an episode.

        The router has been in `state` since `entered` (ns).
        """
        stays = state is State.MASTER and at - entered >= params.advert_interval
        due, self._notified = stays and not self._notified, self._notified or stays
        return due
