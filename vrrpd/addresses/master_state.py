"""What a virtual router holds while it is MASTER: addresses, routes, rules, and their protection.

    open()       virtual interfaces may send
    take()       filter -> addresses -> routes -> rules      (keepalived's order)
    taken()      what a takeover need not wait for: log and account
    release()    rules -> routes -> addresses -> filter, virtual interfaces are blocked
    renew()      a reload: what is no longer wanted goes, what is new comes
    put_back()   what was lost is added again
    attempt()    whether addresses that were refused would be taken now

Contract: a refusal of the kernel is logged and journaled, never raised.  `take()`, `renew()` and
`put_back()` return what was refused: a router without an address that it tracks must not be
MASTER, one without a route or a rule tries again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vrrpd.addresses.host_state import HostState
from vrrpd.addresses.vmac import Slot, home
from vrrpd.config.model import Instance
from vrrpd.config.routes_model import Route, Rule
from vrrpd.events import IPAddress
from vrrpd.own import Own, own_addresses, warning
from vrrpd.ports import InterfaceAddress, ManagedObject, Refusal, VirtualLink

Spot = tuple[str, IPAddress, int]
"""What makes two addresses the same for the kernel: interface, address, prefix length."""

KINDS: dict[str, type] = {"VIPs": InterfaceAddress, "Virtual Routes": Route, "Virtual Rules": Rule}


class MasterState:
    """The belongings of one virtual router; `device` is where it and its addresses live."""

    def __init__(self, instance: Instance, estate: HostState) -> None:
        self.estate = estate
        self.ready: object = None  # for the kernel, to take everything in a hurry
        self.counted: list[Spot | None] = []  # what we count for in `estate.held`
        self.own: frozenset[Own] = frozenset()  # the host's, which are never added or removed
        self.opened: set[str] = set()  # virtual interfaces that we count for in `estate.senders`
        # What may be left of earlier configurations: an exception has ended `renew()` midway.
        self.unsettled: list[ManagedObject] | None = None
        self._use(instance)
        self.recognise()

    def recognise(self) -> None:
        """See which of the addresses are the host's own; one that is stays so while it is there."""
        estate = self.estate
        kept = {
            (name, ip)
            for name, ip in self.own
            if (there := estate.kernel.interface(name)) is not None and ip in there.addresses
        }
        own = own_addresses(self.instance, estate.kernel, estate.virtual, estate.added) | kept
        if own != self.own:
            self.own = own
            text = warning(self.instance, own)
            if text is not None:
                estate.log.info(text)

    def _use(self, instance: Instance) -> None:
        """Hold what this configuration says, from the next `take()` on."""
        self.instance = instance
        self.links: dict[Slot, VirtualLink] = self.estate.links_for(instance)
        every = (*instance.addresses, *instance.excluded)
        self.placed = [home(instance, self.links, one) for one in every]
        self.spots = frozenset(map(_spot_of, self.placed))
        if instance.promote_secondaries:
            self.estate.report(self.estate.kernel.switch(self.device, "promote_secondaries", 1))

    @property
    def _own_link(self) -> VirtualLink | None:
        """The instance's own virtual interface, if it has one."""
        one = self.instance
        return self.links.get((one.interface, one.family)) if one.vmac is not None else None

    @property
    def device(self) -> str:
        """The interface that the addresses live on unless they say otherwise."""
        link = self._own_link
        return self.instance.interface if link is None else link.name

    @property
    def advert_interface(self) -> str:
        """The interface that Advertisements leave by: the real one for unicast (keepalived)."""
        one, link = self.instance, self._own_link
        base = one.vmac_xmit_base or one.unicast or link is None
        return one.interface if base else self.device

    @property
    def ways(self) -> list[ManagedObject]:
        """Routes, then rules."""
        return [*self.instance.routes, *self.instance.rules]

    @property
    def everything(self) -> list[ManagedObject]:
        """All, in the order in which it is taken."""
        return [*self.placed, *self.ways]

    @property
    def silent(self) -> tuple[InterfaceAddress, ...]:
        """The addresses that no host may talk to; none if we accept or own them."""
        if self.instance.accept or self.instance.is_owner:
            return ()
        own = {ip for _, ip in self.own}
        return tuple(one for one in self.placed if one.address.ip not in own)

    def prepare(self) -> None:
        """Have everything ready for `take()`, which may have to be quick."""
        self.ready = self.estate.kernel.prepare(self.without_own(self.everything))

    def open(self) -> None:
        """Let the virtual interfaces send: the router is MASTER from now on."""
        self._send_by({link.name for link in self.links.values()})

    def close(self) -> None:
        """Block the virtual interfaces, unless another router is MASTER there."""
        self._send_by(set())

    def _send_by(self, names: set[str]) -> None:
        """Count as a MASTER for these virtual interfaces and no others."""
        before, self.opened = self.opened, names
        if before == names:
            return
        self.estate.senders.subtract(before)
        self.estate.senders.update(names)
        for name in before ^ names:
            self.estate.gate(name)

    def take(self) -> list[Refusal]:
        """Add everything; return what was refused.  `taken()` must follow, after what is urgent."""
        self.estate.silence(self.instance.name, self.silent)
        add = self.without_own(self.everything)
        return self._refused(self.estate.kernel.change(add, [], self.ready), add)

    def taken(self) -> None:
        """Log what was taken, and account for it: other instances must not remove it."""
        self._detail("setting", self.without_own(self.everything))
        self.count(self.placed)
        self.estate.added |= self.spots - self.own

    def release(self) -> None:
        """Give everything back but what another router holds, too."""
        try:
            self.count([])
            every = self.everything
            if self.unsettled is not None:
                every = list(dict.fromkeys([*self.unsettled, *every]))
            self.change([], _removable(every))
            self.unsettled = None
            self.estate.silence(self.instance.name, ())
        finally:
            self.close()

    def renew(self, instance: Instance, held: bool) -> tuple[bool, list[Refusal]]:
        """Go over to another configuration; whether addresses were added, and what was refused.

        What is new must not be there unless the router holds it: a daemon that was killed may have
        left it behind, with another configuration.  What an exception ends midway is made up for by
        the next call: all is added then, and what any of the configurations had is removed.
        """
        before = self.everything
        if self.instance.name != instance.name:
            self.estate.silence(self.instance.name, ())
        settled = before if self.unsettled is None else []
        self.unsettled = list(dict.fromkeys([*(self.unsettled or ()), *before]))
        self._use(instance)
        self.recognise()
        wanted = self.everything
        new = [one for one in wanted if one not in settled]
        if not held:
            gone = [] if settled is before else self.unsettled
            self.change([], _removable(dict.fromkeys([*gone, *new])))
            self.unsettled = None
            return False, []
        self.open()
        self.estate.silence(instance.name, self.silent)
        gone = _removable(one for one in self.unsettled if one not in wanted)
        # A secondary address may go with its primary one, a route with an address that it needs.
        add = wanted if any(map(_where, gone)) else new
        self.count([one for one in self.placed if one in self.unsettled])
        refused = self.change(add, gone)
        self.count(self.placed)
        self.estate.added |= self.spots - self.own
        self.unsettled = None
        return any(map(_where, new)), refused

    def put_back(self, things: Iterable[ManagedObject]) -> list[Refusal]:
        """Add again what is no longer there; what was refused, which is not logged again."""
        return self.estate.kernel.change(self.without_own(list(things)), [])

    def attempt(self) -> list[Refusal]:
        """What would be refused of the tracked addresses: they are added, and removed at once.

        For a router that is in FAULT because of that: to find out by becoming MASTER would push a
        healthy MASTER aside, again and again.
        """
        tracked = [one for one in self.placed if not one.address.no_track]
        refused = self.put_back(tracked)
        failed = [one.thing for one in refused]
        self.change([], [one for one in tracked if one not in failed])
        return refused

    def count(self, placed: list[InterfaceAddress]) -> None:
        """From now on we hold these addresses: no other instance must remove them."""
        held, before = self.estate.held, self.counted
        self.counted = [_where(one) for one in placed]
        held.update(self.counted)
        held.subtract(before)
        for spot in before:
            if held[spot] <= 0:  # an address without a holder
                del held[spot]

    def change(
        self, add: Sequence[ManagedObject], remove: Sequence[ManagedObject]
    ) -> list[Refusal]:
        """Have the kernel put things up and take things down; what was refused of what to add."""
        estate = self.estate
        add, remove = self.without_own(add), self.without_own(remove)
        if remove:
            # An address may have moved to another instance, which has it already.
            remove = [one for one in remove if _where(one) is None or estate.held[_where(one)] <= 0]
        problems = estate.kernel.change(add, remove, self.ready)
        self._detail("removing", remove)
        self._detail("setting", add)
        refused = self._refused(problems, add)
        if any(isinstance(one, InterfaceAddress) for one in remove):
            estate.removed()
        return refused

    def _refused(self, problems: Sequence[Refusal], add: Sequence[ManagedObject]) -> list[Refusal]:
        """Log what the kernel has refused; return what of it is in `add`."""
        name, estate = self.instance.name, self.estate
        for problem in problems:
            text = str(problem)
            if estate.log.limited(("kernel", name, text), f"({name}) {text}"):
                estate.journal.write("refused", name, reason=text)
        return [problem for problem in problems if problem.thing in add]

    def _detail(self, verb: str, things: Sequence[ManagedObject]) -> None:
        """Log with -D what has been done, a line for each kind of thing."""
        if not self.estate.log.detailed:
            return
        for what, kind in KINDS.items():
            listed = ", ".join(_shown(one) for one in things if isinstance(one, kind))
            if listed:
                self.estate.log.detail(f"({self.instance.name}) {verb} {what}: {listed}")

    def without_own(self, things: Sequence[ManagedObject]) -> list[ManagedObject]:
        """`things` without the host's own addresses."""
        if not self.own:
            return list(things)
        return [
            one
            for one in things
            if not (isinstance(one, InterfaceAddress) and _spot_of(one) in self.own)
        ]

    def set_source(self, source: IPAddress) -> None:
        """Over IPv6 our source address must be on the virtual interface, too."""
        link = self._own_link
        if link is not None and link.family == source.version == 6:
            self.estate.copy_link_local(link, source)


def _removable(things: Iterable[ManagedObject]) -> list[ManagedObject]:
    """`things` in the order in which they are removed: rules and routes first, then addresses."""
    every = list(things)
    ways = [one for one in reversed(every) if not isinstance(one, InterfaceAddress)]
    return [*ways, *(one for one in every if isinstance(one, InterfaceAddress))]


def _where(thing: ManagedObject) -> Spot | None:
    """The spot of an address; None for a route or a rule."""
    if not isinstance(thing, InterfaceAddress):
        return None
    return (thing.interface, thing.address.ip, thing.address.prefixlen)


def _spot_of(placed: InterfaceAddress) -> Own:
    """The interface and the address."""
    return (placed.interface, placed.address.ip)


def _shown(thing: ManagedObject) -> str:
    """A thing as it stands in the log."""
    return str(thing.address.ip) if isinstance(thing, InterfaceAddress) else str(thing)
