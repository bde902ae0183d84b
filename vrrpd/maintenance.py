"""Take virtual routers out of service and put them back: `vrrpctl release`, `drain`, `resume`.

    release(name)   resign with priority 0 if MASTER, and stay BACKUP whatever happens
    drain()         the same for every virtual router, also for those that a reload adds
    resume(name)    take part in the election again, after one Master_Down_Interval

A released router stays BACKUP even when no other router is left: that is what was asked for.  The
members of a sync group go together.  A reload changes nothing of it: the router is recognized as
the daemon does, or by its name.  A daemon that starts again has forgotten it.

Contract: what the operator asks for is done at once; `Handover` is for a caller that asks what
has come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vrrpd.config.model import SyncGroup
from vrrpd.events import Released, Resumed
from vrrpd.fsm import RESIGN, SILENT, State, seconds
from vrrpd.journal import Log
from vrrpd.record import Record
from vrrpd.router import VirtualRouter

RELEASED = "released by vrrpctl: stays BACKUP until `vrrpctl resume`"
RESUMED = "resumed by vrrpctl"


class Maintenance:
    """Which virtual routers are released: `names` of instances, or all of them if `drained`."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.names: set[str] = set()
        self.drained = False

    def release(
        self, name: str | None, routers: Sequence[VirtualRouter], groups: Iterable[SyncGroup]
    ) -> list[Handover] | None:
        """Release an instance or a sync group, or all that there are; None: no such name."""
        chosen = _choose(name, routers, groups)
        if chosen is None:
            return None
        handovers = [Handover.of(router) for router in chosen]
        self._release(chosen, lambda router: RELEASED)
        return handovers

    def drain(self, routers: Sequence[VirtualRouter]) -> list[Handover]:
        """Release all virtual routers, those that are added later included."""
        self.drained = True
        return self.release(None, routers, ()) or []

    def resume(
        self, name: str | None, routers: Sequence[VirtualRouter], groups: Iterable[SyncGroup]
    ) -> list[dict[str, Any]] | None:
        """End it for an instance or a sync group, or for all; None: no such name.

        It ends `drain` for what is added later, too; what is still released stays so.
        """
        chosen = _choose(name, routers, groups)
        if chosen is None:
            return None
        self.drained = False
        self.names -= {router.name for router in chosen}
        if name is None:
            self.names.clear()  # also of instances that are not in the configuration now
        answers = []
        resumed = [router for router in chosen if router.released]
        for router in resumed:
            router.mark(released=False)
        for router in chosen:
            text = "was not released"
            if router in resumed:
                self.log.info(f"({router.name}) {RESUMED}")
                router.note("resume", RESUMED)
                router.dispatch(Resumed(RESUMED))
                text = "takes part in the election again"
            answers.append(_answer(router, text))
        return answers

    def admit(self, router: VirtualRouter) -> None:
        """A virtual router has been made and not started: is it one of those released?"""
        if self.drained or router.name in self.names:
            router.mark(released=True)
            self.names.add(router.name)

    def reloaded(self, routers: Sequence[VirtualRouter], groups: Iterable[SyncGroup]) -> None:
        """A new configuration has given names and sync groups to the virtual routers."""
        self.names |= {router.name for router in routers if router.released}
        for group in groups:
            members = [router for router in routers if router.name in group.members]
            first = next((router.name for router in members if router.released), None)
            if first is not None:
                why = f"{first} of sync group {group.name} is released: stays BACKUP as well"
                self._release(members, lambda router, why=why: why)  # type: ignore[misc]

    def _release(
        self, routers: Iterable[VirtualRouter], why: Callable[[VirtualRouter], str]
    ) -> None:
        """Release those that are not: all are marked before the first of them resigns."""
        fresh = [router for router in routers if not router.released]
        for router in fresh:
            self.names.add(router.name)
            router.mark(released=True)
        for router in fresh:
            self.log.info(f"({router.name}) {why(router)}")
            router.note("release", why(router))
            router.dispatch(Released(why(router)))


def _choose(
    name: str | None, routers: Sequence[VirtualRouter], groups: Iterable[SyncGroup]
) -> list[VirtualRouter] | None:
    """The virtual routers that `name` means, an instance with its sync group, or None."""
    if name is None:
        return list(routers)
    known = {router.name for router in routers}
    by_instance = [group for group in groups if name in group.members]
    named = by_instance if name in known else [group for group in groups if group.name == name]
    wanted = {name, *(member for group in named for member in group.members)}
    return [router for router in routers if router.name in wanted] or None


class Handover(Record):
    """A router that is being released; `was` is the state before.

    Another router counts as MASTER if it has advertised at `since` (ns) or later.
    """

    router: VirtualRouter
    was: State
    since: int

    @staticmethod
    def of(router: VirtualRouter) -> Handover:
        """A router that is about to be released."""
        now, params = router.ports.clock.now(), router.params
        waited = 0 if router.state is State.MASTER else params.master_down(params.advert_interval)
        return Handover(router, router.state, now - waited)

    @property
    def settled(self) -> bool:
        """Whether it is known who is MASTER now, or no Advertisement can show it."""
        return self.router.state in SILENT or not self.router.released or self.taken

    @property
    def taken(self) -> bool:
        """Whether another router has advertised that it is MASTER."""
        heard = self.router.current.heard
        return heard is not None and heard.at >= self.since and heard.priority != RESIGN

    @property
    def wait(self) -> int:
        """How long (ns) another router may take to become MASTER."""
        if self.was is not State.MASTER:
            return 0
        return self.router.params.master_down(self.router.params.advert_interval)

    def report(self) -> dict[str, Any]:
        """What has come of it, for `vrrpctl release`."""
        router = self.router
        heard = router.current.heard
        if router.state in SILENT:
            text = f"is in {router.state.value}, and stays BACKUP once it has recovered"
        elif self.taken and heard is not None:
            text = f"{heard.source} priority {heard.priority} is MASTER"
        else:
            limit = seconds(router.params.master_down(router.params.advert_interval))
            held = ", ".join(str(placed.address.ip) for placed in router.placed)
            text = (
                f"no other router has advertised (Master_Down_Interval {limit}): "
                f"nobody may hold {held or 'its addresses'}; `vrrpctl resume` takes over again"
            )
        return {**_answer(router, text), "was": self.was.value, "taken": self.taken}


def _answer(router: VirtualRouter, text: str) -> dict[str, Any]:
    """One router in the answer to `vrrpctl`."""
    state = router.state.value
    return {"instance": router.name, "state": state, "released": router.released, "text": text}
