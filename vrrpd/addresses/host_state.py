"""What the daemon has made on this host, for all its virtual routers together.

    links      virtual interfaces: made at the start, deleted at the end; one with a virtual MAC
               sends nothing while none of its routers is MASTER
    shield     the packet filter: drops what is for or from an address that is not to be accepted
               (`no_accept`), keeps IGMP and MLD reports from leaving by virtual interfaces
    switches   sysctls, put back at the end
    statics    static_ipaddress, static_routes, static_rules

Contract: what a daemon that was killed has left behind is taken over or removed by `begin()`.
A filter is only made for those who ask for one.  Nothing raises; refusals are logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vrrpd.addresses.vmac import Slot, leftover, slots, virtual_link
from vrrpd.config.globals import Globals
from vrrpd.config.model import Address, Config, Instance
from vrrpd.config.routes_model import Route
from vrrpd.events import IPAddress
from vrrpd.journal import Journal, Log
from vrrpd.own import Own, virtual_addresses
from vrrpd.ports import DropFilter, InterfaceAddress, Kernel, ManagedObject, Refusal, VirtualLink

if TYPE_CHECKING:
    from vrrpd.addresses.master_state import Spot

LINK_LOCAL_PREFIX = 64
_Pace = Callable[[Iterable[Any]], Iterable[Any]]


class HostState:
    """Everything that outlives a change of state."""

    def __init__(self, kernel: Kernel, journal: Journal, log: Log) -> None:
        self.kernel = kernel
        self.journal = journal
        self.log = log
        self.defaults = Globals()
        self.links: dict[str, VirtualLink] = {}
        self.silent: dict[str, tuple[InterfaceAddress, ...]] = {}  # by instance
        self.statics: list[ManagedObject] = []
        self.up: dict[str, bool] = {}
        self.shield: DropFilter | None = None
        self.filtered = True  # the packet filter is as it should be
        self.numbers: dict[str, int] = {}  # of the interfaces that it names
        self.held: Counter[Spot | None] = Counter()  # by how many routers that are MASTER
        # Called after addresses were removed: routes of other instances may have gone with them.
        self.removed: Callable[[], None] = lambda: None
        self.virtual: frozenset[IPAddress] = frozenset()  # of all instances
        self.added: set[Own] = set()  # by whichever instance, at any time
        self.senders: Counter[str] = Counter()  # routers that are MASTER, by virtual interface
        self.lent: dict[str, InterfaceAddress] = {}  # link-local addresses, by virtual interface

    # Beginning and end.

    def configure(self, config: Config, pace: _Pace = iter) -> None:
        """Use this configuration; static things come and go with it.

        `pace` gives what it is given one by one, and lets other things happen in between.
        """
        self.defaults = config.globals
        self.virtual = virtual_addresses(pace(config.instances))
        for one in pace(tuple(self.added)):
            if one[1] not in self.virtual and not self._there(*one):
                self.added.discard(one)
        wanted = self._static_things(config)
        gone = [one for one in reversed(self.statics) if one not in wanted]
        new = [one for one in wanted if one not in self.statics]
        self.statics = wanted
        for name in filter(None, map(_dev_of, wanted)):
            there = self.kernel.interface(name)
            self.up[name] = there is not None and there.up
        self.report(self.kernel.change(new, gone))

    def _there(self, interface: str, ip: IPAddress) -> bool:
        """Whether the address is on the interface."""
        now = self.kernel.interface(interface)
        return now is not None and ip in now.addresses

    def begin(self) -> None:
        """Remove the packet filter of an earlier run."""
        self.shield = None
        self.renew()

    def end(self) -> None:
        """Give everything back."""
        links, self.links = self.links, {}
        statics, self.statics = self.statics, []
        self.silent.clear()
        self.report(self.kernel.change([], list(reversed(statics))))
        for name in links:
            self.kernel.destroy(name)
            self.log.info(f"Success removing VMAC interface {name}")
        self.renew()
        self.kernel.restore()

    def report(self, problems: Iterable[str | Refusal]) -> None:
        """Say what the kernel has refused."""
        for problem in map(str, problems):
            self.log.limited(("estate", problem), problem)
            self.journal.write("refused", reason=problem)

    # Virtual interfaces.

    def links_for(self, instance: Instance) -> dict[Slot, VirtualLink]:
        """The virtual interfaces of an instance, made if they are not there yet."""
        found: dict[Slot, VirtualLink] = {}
        self.discard(instance)
        for slot in slots(instance):
            wanted = virtual_link(instance, slot, self.defaults, self.taken(instance, slot))
            found[slot] = self.links[wanted.name] = wanted
            self.make(wanted)
        return found

    def discard(self, instance: Instance) -> None:
        """Delete what a killed daemon has left behind and would be in the way of `instance`."""
        base, prefix = self.index_of(instance.interface), self.defaults.vmac_prefix
        for there in self.kernel.interfaces():
            if there.name not in self.links and leftover(instance, base, there, prefix):
                self.kernel.destroy(there.name)
                self.log.info(f"({instance.name}) deleted {there.name}, left by an earlier run")

    def taken(self, instance: Instance, slot: Slot) -> Callable[[str], bool]:
        """Whether a name is in use for something else: a function of the name."""

        def used(name: str) -> bool:
            wanted = virtual_link(instance, slot, self.defaults, lambda other: other != name)
            if name in self.links:
                return self.links[name] != wanted
            there = self.kernel.interface(name)
            return there is not None and not wanted.is_like(there)

        return used

    def make(self, link: VirtualLink) -> None:
        """Have the kernel make a virtual interface, or take over the one that is there.

        One that is on another interface, which had the name of its base once, is deleted first.
        """
        if self.kernel.interface(link.base) is None:
            return
        if self._misplaced(link):
            self.kernel.destroy(link.name)
        new = self.kernel.interface(link.name) is None
        problems = self.kernel.create(link, self._blocked(link.name))
        self.report(problems)
        if new and not problems:
            self.log.info(f"Success creating VMAC interface {link.name} on {link.base}")
            self.lent.pop(link.name, None)
        self.renew()  # first, for what it lets no host answer for
        self.copy_link_local(link)

    def _misplaced(self, link: VirtualLink) -> bool:
        """Whether the virtual interface is there, on another interface than its base."""
        there, base = self.kernel.interface(link.name), self.kernel.interface(link.base)
        if there is None or base is None or not there.base:
            return False
        return there.base != base.index

    def copy_link_local(self, link: VirtualLink, source: IPAddress | None = None) -> None:
        """Over IPv6 a virtual interface has its base's link-local address, too (keepalived).

        `source` is that address if it is known, else the base's first is taken.  The packet filter
        drops the answers that the virtual interface would give; without it nothing is copied,
        nor is any other address of the host: neighbors would learn it with the virtual MAC.
        """
        there = self.kernel.interface(link.name)
        if link.family == 4 or link.kind != "vmac" or there is None or not self.filtered:
            return
        source = source or next(iter(self._link_locals(link.base)), None)
        if source is None or not source.is_link_local or source in there.addresses:
            return
        own = Address(ip=source, prefixlen=LINK_LOCAL_PREFIX, nodad=True, preferred_lft=0)
        old = self.lent.get(link.name)
        self.lent[link.name] = InterfaceAddress(link.name, own, virtual=True)
        self.report(self.kernel.change([self.lent[link.name]], [] if old is None else [old]))

    def _link_locals(self, base: str) -> list[IPAddress]:
        """The IPv6 link-local addresses of an interface, in the kernel's order."""
        there = self.kernel.interface(base)
        addresses = there.addresses if there is not None else ()
        return [ip for ip in addresses if ip.version == 6 and ip.is_link_local]

    def prune(self, used: set[str]) -> None:
        """Delete the virtual interfaces that no instance uses any more."""
        for name in [name for name in self.links if name not in used]:
            del self.links[name]
            self.kernel.destroy(name)
            self.lent.pop(name, None)
        self.renew()

    def _blocked(self, name: str) -> bool:
        """Whether nothing may leave by a virtual interface: one frame would move the MAC."""
        return self.links[name].mac is not None and self.senders[name] <= 0

    def gate(self, name: str) -> None:
        """Block a virtual interface or let it send, as its routers are now."""
        if name in self.links and self.links[name].mac is not None:
            self.report(self.kernel.block(name, self._blocked(name)))

    def restore_links(self, name: str) -> bool:
        """Something has happened to interface `name`: make again what has gone with it.

        Whether the interface came up.
        """
        now = self.kernel.interface(name)
        was, self.up[name] = self.up.get(name, True), now is not None and now.up
        if self.shield or self.links or self.silent:
            self.renew()
        for link in list(self.links.values()):
            absent = self.kernel.interface(link.name) is None
            if name in (link.name, link.base) and (absent or self._misplaced(link)):
                self.make(link)
            elif name == link.base and link.name not in self.lent:
                self.copy_link_local(link)
        came_up = self.up[name] and not was
        if came_up:
            self.report(self.kernel.change([one for one in self.statics if not _free(one)], []))
        return came_up

    # The packet filter.

    def silence(self, instance: str, placed: tuple[InterfaceAddress, ...]) -> None:
        """Drop what is for or from these addresses of `instance`, and no others of it."""
        if placed == self.silent.get(instance, ()):
            return
        if placed:
            self.log.detail(f"({instance}) setting firewall drop rule")
            self.silent[instance] = placed
        elif self.silent.pop(instance, None):
            self.log.detail(f"({instance}) removing firewall drop rule")
        self.renew()

    def renew(self) -> None:
        """Have the kernel filter what has to be filtered now, if that has changed."""
        of = self.defaults
        # What is on an interface that is gone needs no filter, and nft would refuse the whole.
        index = {name: self.index_of(name) for name in self.named()}
        silent = tuple(
            one for placed in self.silent.values() for one in placed if index[one.interface]
        )
        links = tuple(
            one
            for one in self.links.values()
            if one.kind == "vmac" and index[one.name] and index[one.base]
        )
        doubles = tuple(
            (ip, one.name) for one in links if one.sees(6) for ip in self._link_locals(one.base)
        )
        wanted = DropFilter(
            of.nftables, of.nftables_priority, of.nftables_counters, silent, links, doubles
        )
        # nft knows interfaces by number: the same filter for other numbers is another one.
        numbers = index if wanted else {}
        if wanted == self.shield and numbers == self.numbers:
            return
        self.numbers = numbers
        if (self.shield is None or not self.shield) and wanted:
            self.log.info(f"Setting up nftables table {of.nftables} (no_accept or use_vmac)")
        self.shield = wanted
        problems = self.kernel.protect(wanted)
        self.filtered = not problems
        self.report(problems)

    def named(self) -> set[str]:
        """The interfaces that the filter may name."""
        links = {name for one in self.links.values() for name in (one.name, one.base)}
        return links | {one.interface for placed in self.silent.values() for one in placed}

    def index_of(self, name: str) -> int:
        """The number of the interface that has this name now; 0: none has."""
        there = self.kernel.interface(name)
        return 0 if there is None else there.index

    # Static addresses, routes, rules.

    def _static_things(self, config: Config) -> list[ManagedObject]:
        """All of them, in the order in which they can be made."""
        dev = config.globals.default_interface
        placed = [InterfaceAddress(one.dev or dev, one) for one in config.static_addresses]
        return [*placed, *config.static_routes, *config.static_rules]

    def restore(self, lost: Callable[[object], bool]) -> None:
        """Another program has removed a static thing; add it again unless untracked (keepalived).

        `lost` is asked with (interface, address), or with a route or rule.
        """
        for one in self.statics:
            key: object = (
                (one.interface, one.address.ip) if isinstance(one, InterfaceAddress) else one
            )
            if _free(one) or not lost(key) or not self.up.get(_dev_of(one) or "", True):
                continue
            what = f"address {one.address}" if isinstance(one, InterfaceAddress) else f"entry {one}"
            self.log.info(f"Restoring deleted static {what}")
            self.report(self.kernel.change([one], []))


def _free(thing: ManagedObject) -> bool:
    """Whether it need not be held if another program removes it."""
    return thing.address.no_track if isinstance(thing, InterfaceAddress) else thing.no_track


def _dev_of(thing: ManagedObject) -> str | None:
    """The interface that a static thing depends on."""
    if isinstance(thing, InterfaceAddress):
        return thing.interface
    return thing.dev if isinstance(thing, Route) else thing.iif
