"""`vrrp_sync_group`: instances that are MASTER all together or not at all.

    one wants to be MASTER       it waits (master_hold_reason) until all want to, then one leads
    one becomes BACKUP           the others that are MASTER follow, without a resignation
    one enters FAULT             the others follow; each that was MASTER resigns
    one could leave FAULT        it stays (on_fault_cleared) until all members are healthy,
                                 then all leave together

    router.master_hold_reason  why a member may not be MASTER yet
    router.on_fault_cleared    called when a cause of FAULT is gone, before the member leaves FAULT
    router.on_transition       called after every change of state: here the others are led

In a group, FAULT has one cause more: SYNC, "the group is held in FAULT by another member".
A member has causes of its own if there is any other than that.

Contract: whatever order things happen in, when all is quiet the members are all MASTER, all in
FAULT, or none of both.  The group's scripts are run after those of its members, once for each
state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from vrrpd.config.model import SyncGroup
from vrrpd.each import each
from vrrpd.events import SyncGroupTransition
from vrrpd.fsm import RouterState, State
from vrrpd.journal import Journal, Log
from vrrpd.notify.notifier import Notifier
from vrrpd.router import VirtualRouter, no_hold

SYNC = "sync group"


class Group:
    """A running sync group.  `state` is INIT until all its members have started."""

    def __init__(
        self,
        config: SyncGroup,
        members: Sequence[VirtualRouter],
        notifier: Notifier,
        journal: Journal,
        log: Log,
    ) -> None:
        self.config = config
        self.members = list(members)
        self.notifier = notifier
        self.journal = journal
        self.log = log
        self.state = State.INIT

    @property
    def name(self) -> str:
        """The name of the `vrrp_sync_group` block."""
        return self.config.name

    def attach(self) -> None:
        """Take the members, if there are any, under control, and make them agree."""
        if not self.members:
            return
        for member in self.members:
            member.master_hold_reason = partial(self.master_hold_reason, member)
            member.on_fault_cleared = partial(self.on_fault_cleared, member)
            member.on_lower_advert = partial(self.on_lower_advert, member)
            member.on_transition.append(self.on_transition)
        for member in self.members:
            if _own(member) is None and member.faults:
                self.on_fault_cleared(member)
        sick = next((one for one in self.members if _own(one) is not None), None)
        if sick is not None:
            self._fault_others(sick)
        elif any(one.state is State.BACKUP for one in self.members):
            self._lead(self.members, up=False, why=f"joins the sync group {self.name}")
        self.settle()

    def detach(self) -> None:
        """Let the members go; what only the group held against them stays until `attach()`."""
        for member in self.members:
            member.master_hold_reason = member.on_fault_cleared = member.on_lower_advert = no_hold
            if self.on_transition in member.on_transition:
                member.on_transition.remove(self.on_transition)

    def others(self, member: VirtualRouter) -> list[VirtualRouter]:
        """The other members."""
        return [one for one in self.members if one is not member]

    # What the members ask.

    def master_hold_reason(self, member: VirtualRouter) -> str | None:
        """Why `member` has to wait with becoming MASTER, or None."""
        if self.state is State.MASTER:
            return None
        late = [
            one.name
            for one in self.others(member)
            if one.state is not State.MASTER and not one.current.waiting_for_group
        ]
        return f"sync group {self.name}: {', '.join(late)} not ready to be MASTER" if late else None

    def on_fault_cleared(self, member: VirtualRouter) -> None:
        """A cause of `member` is gone: does it stay in FAULT because of another member?"""
        if _own(member) is not None:
            return
        sick = next((one for one in self.others(member) if _own(one) is not None), None)
        if sick is None:
            member.faults.pop(SYNC, None)
        else:
            member.faults[SYNC] = self._because(sick)

    def on_lower_advert(self, member: VirtualRouter) -> None:
        """`member` has answered a lower priority: the other members announce, too (keepalived).

        Its sender may have taken more than the one virtual router.
        """
        for one in self.others(member):
            if one.state is State.MASTER:
                one.announcer.reassert(one.instance.garp, one.placed)

    def _because(self, sick: VirtualRouter) -> str:
        """The reason for the others, when `sick` is in FAULT."""
        return f"{sick.name} of sync group {self.name} is in FAULT: {_own(sick)}"

    # What the members do.

    def on_transition(self, member: VirtualRouter, before: RouterState) -> None:
        """`member` has changed its state: the others go with it."""
        if member.state is State.MASTER:
            self._lead(self.others(member), up=True, why=self._led_by(member))
        elif member.state is State.FAULT:
            self._fault_others(member)
        elif member.state is State.BACKUP:
            if before.state is State.FAULT:
                for one in self.others(member):
                    one.clear(SYNC, f"all members of sync group {self.name} are healthy again")
            self._lead(self.others(member), up=False, why=self._led_by(member))
        self.settle()

    def _led_by(self, member: VirtualRouter) -> str:
        """The reason for those who follow."""
        return f"follows {member.name} of sync group {self.name}: {member.current.why}"

    def _fault_others(self, sick: VirtualRouter) -> None:
        """All follow a member into FAULT."""
        if _own(sick) is None:
            return
        why = self._because(sick)
        each(partial(_follow_into_fault, one, why) for one in self.others(sick))

    def _lead(self, members: Iterable[VirtualRouter], up: bool, why: str) -> None:
        """Make members MASTER, or BACKUP, that are the opposite."""
        opposite = State.BACKUP if up else State.MASTER
        event = SyncGroupTransition(up, why)
        each(partial(_follow, one, opposite, event) for one in members)

    def settle(self) -> None:
        """See where the group stands now that its members have moved."""
        states = {one.state for one in self.members}
        if State.INIT in states and len(states) > 1:
            return  # they are starting, or stopping, one after the other
        new = states.pop() if len(states) == 1 else None
        if new is None or new is self.state:
            return
        self.state = new
        word = "STOP" if new is State.INIT else new.value
        if new is not State.INIT:
            self.log.info(f"VRRP_Group({self.name}) Syncing instances to {word} state")
        self.journal.write("group", None, group=self.name, to=word)
        self.notifier.group(self.config, word)


def _follow_into_fault(member: VirtualRouter, why: str) -> None:
    """Have a member be in FAULT because of another one, if it is not already."""
    if SYNC not in member.faults:
        member.fault(SYNC, why)


def _follow(member: VirtualRouter, opposite: State, event: SyncGroupTransition) -> None:
    """Have a member that is still in the opposite state go with another one."""
    if member.state is opposite:
        member.dispatch(event)


def _own(member: VirtualRouter) -> str | None:
    """The member's own reason to be in FAULT, or None."""
    return next((why for cause, why in member.faults.items() if cause != SYNC), None)


def form(
    groups: Iterable[SyncGroup],
    routers: Iterable[VirtualRouter],
    before: Iterable[Group],
    notifier: Notifier,
    journal: Journal,
    log: Log,
) -> list[Group]:
    """Make the groups of a configuration; one of the same name goes on in the state it had.

    `attach()` must follow for each of them.
    """
    old = {group.name: group for group in before}
    for group in old.values():
        group.detach()
    by_name = {router.name: router for router in routers}
    formed = []
    for config in groups:
        members = [by_name[name] for name in config.members if name in by_name]
        group = Group(config, members, notifier, journal, log)
        if config.name in old:
            group.state = old[config.name].state
        formed.append(group)
    taken = {member for group in formed for member in group.members}
    for router in by_name.values():
        if router not in taken:
            router.clear(SYNC, "no longer in a sync group")
    return formed
