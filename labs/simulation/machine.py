"""A host in memory: what a daemon's host is made of, on a clock that jumps.

    clock.py       time is a number; `advance()` plays what is due, in order
    switch.py      carries packets and frames between the hosts, or loses them
    this file      SimulatedHost: an interface, addresses, a daemon that can die or be frozen
    ports.py       what the daemon gets to see of it; more in programs.py

                     +-- eth0: 192.168.1.11/24, fe80::ff:fe00:b/64, 2001:db8:1::11/64
    host "web1"      |         and whatever the daemon puts there
                     +-- eth1: the same in another switch, where `join` was called
                     +-- other interfaces, plugged in nowhere

The daemon that runs on it is vrrpd's own `Daemon`, from configuration to notify scripts.
Everything is ordered: the same calls give the same facts on every machine and every day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address

from labs.model.facts import Address, Link
from labs.simulation.clock import VirtualClock, VirtualTimer
from labs.simulation.late_reading import LateReading
from labs.simulation.programs import HostPrograms
from labs.simulation.switch import Switch
from vrrpd.events import IPAddress
from vrrpd.ports import DropFilter, Interface, ManagedObject, Receiver, Watcher
from vrrpd.record import replace

CARD = "eth0"
PREFIX6 = int(IPv6Address("2001:db8:1::"))
MILLION = 1_000_000


def link_local(mac: bytes) -> IPv6Address:
    """The address that Linux makes of a MAC address (RFC 4291 appendix A)."""
    ending = bytes((mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]))
    return IPv6Address(b"\xfe\x80" + bytes(6) + ending)


@dataclass
class SimulatedHost:
    """One host.  `life` counts the lives of its daemon: what an earlier one planned is void.

    A second interface with a cable is another object of this class in `ports`; its `main` is the
    host, whose clock and daemon are the only ones.

    `ip` is its own IPv4 address.  `addresses` has that and what the daemon has put up; the own
    IPv6 addresses (`six`) come and go with the interface, as Linux has it.
    """

    name: str
    ip: IPv4Address
    mac: bytes
    clock: VirtualClock
    switch: Switch
    up: bool = True
    plugged: bool = True
    reachable: bool = True  # False: the cable is cut further away, the carrier stays
    present: bool = True  # False: the driver is gone, and eth0 with it
    index: int = 2
    frozen: bool = False
    forwards: bool = False  # an IPv6 router
    # What the operating system will not do ("send", "listen", "take"), with the reason it gives.
    refuses: dict[str, str] = field(default_factory=dict)
    ways: list[ManagedObject] = field(default_factory=list)  # routes and rules
    shield: DropFilter = field(default_factory=DropFilter)
    switches: dict[tuple[str, str], int] = field(default_factory=dict)
    life: int = 0
    room: int = 0  # bytes that the daemon has asked for
    spoken: int = 0  # packets that its daemons have sent
    unsent: int = 0  # packets since then that the operating system has refused
    addresses: dict[IPAddress, int] = field(default_factory=dict)
    homes: dict[IPAddress, str] = field(default_factory=dict)  # of those that are not on eth0
    six: tuple[IPv6Address, ...] = ()
    backlog: list[tuple[bool, VirtualTimer]] = field(default_factory=list)  # (a timer?, call)
    receivers: dict[tuple[str, int, int], Receiver] = field(default_factory=dict)
    watcher: Watcher | None = None
    scripts: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    workload: HostPrograms = field(default_factory=HostPrograms)
    cards: dict[str, Interface] = field(default_factory=dict)  # the others, plugged in nowhere
    drift: int = 0  # how fast its clock is, in millionths
    epoch: tuple[int, int] = (0, 0)  # true and own time when it last began to drift
    wall: int = 0  # ns by which its calendar was set forward
    card: str = CARD  # the interface of its cable
    main: SimulatedHost | None = None
    ports: dict[str, SimulatedHost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.late = LateReading(lambda: self.local(self.clock.now()))
        self.addresses[self.ip] = 24
        self.six = (link_local(self.mac), IPv6Address(PREFIX6 + (int(self.ip) & 0xFF)))
        self.switch.machines.append(self)

    # Its second network.

    def join(self, card: str, ip: IPv4Address, switch: Switch) -> None:
        """Give it another interface, with a cable in another switch."""
        index = self.index + len(self.ports) + 1
        mac = self.mac[:4] + bytes((0x20 * (index - self.index), self.mac[5]))
        port = SimulatedHost(
            self.name, ip, mac, self.clock, switch, index=index, card=card, main=self
        )
        port.six = (link_local(mac),)
        port.late = self.late
        self.ports[card] = port

    def port(self, card: str) -> SimulatedHost:
        """The object of an interface; that of eth0 for one without a cable."""
        return self.ports.get(card, self)

    def holds(self, ip: IPAddress) -> bool:
        """Whether an address is on one of its interfaces with a cable."""
        return self.has(ip) or any(port.has(ip) for port in self.ports.values())

    # Its clock.

    def local(self, true: int) -> int:
        """What its clock says when it is `true` (ns)."""
        if self.main is not None:
            return self.main.local(true)
        if not self.drift and self.epoch == (0, 0):
            return true
        start, own = self.epoch
        return own + (true - start) * (MILLION + self.drift) // MILLION

    def true(self, local: int) -> int:
        """The first moment (ns) at which its clock says `local`."""
        if not self.drift and self.epoch == (0, 0):
            return local
        start, own = self.epoch
        return start - ((own - local) * MILLION // (MILLION + self.drift))

    def go_by(self, drift: int) -> None:
        """From now on its clock gains `drift` millionths."""
        now = self.clock.now()
        self.epoch, self.drift = (now, self.local(now)), drift

    # Its interfaces.

    @property
    def connected(self) -> bool:
        """Whether frames pass between this host and the switch."""
        return self.up and self.plugged and self.reachable and self.present

    def has(self, ip: IPAddress) -> bool:
        """Whether an address is on this host."""
        return ip in self.addresses or (ip in self.six and self.up and self.present)

    def mac_of(self, ip: IPAddress) -> bytes:
        """Whose MAC address goes with an address."""
        card = self.cards.get(self.homes.get(ip, self.card))
        return self.mac if card is None else card.mac

    def silent(self, ip: IPAddress) -> bool:
        """Whether the packet filter swallows what is for an address."""
        return any(one.address.ip == ip for one in self.shield.silent)

    def interface(self, name: str) -> Interface | None:
        """What the kernel says of an interface; None if there is none of that name."""
        if name in self.ports:
            return self.ports[name].interface_state()
        if name == self.card:
            return self.interface_state() if self.present else None
        there = self.cards.get(name)
        if there is None:
            return None
        if there.kind:
            base = self.interface_state()
            there = replace(there, up=base.up, carrier=base.carrier)
        return replace(there, addresses=tuple(ip for ip, at in self.homes.items() if at == name))

    def interface_state(self) -> Interface:
        """What the kernel says of the interface of its cable."""
        away = {ip for ip, at in self.homes.items() if at != self.card}
        own = tuple(ip for ip in self.addresses if ip not in away)
        own += tuple(ip for ip in self.six if self.up and ip not in own)
        carrier = self.up and self.plugged
        return Interface(self.card, self.index, self.mac, self.up, carrier, 1500, own)

    def set_link(self, **what: bool) -> None:
        """Change `up`, `plugged` or `reachable`; the daemon is notified of what it could notice."""
        before = self.interface_state()
        for key, value in what.items():
            setattr(self, key, value)
        after = self.interface_state()
        if after == before:
            return
        self.switch.record(Link(self.switch.t, self.name, self.card, after.up, after.carrier))
        if before.up and not after.up:
            for ip in [ip for ip in self.addresses if ip.version == 6]:
                self.forget(ip)  # Linux keeps no IPv6 address on an interface that is down
        self.later(self.clock.now(), self.report_interface)
        for name in self.virtual():
            self.later(self.clock.now(), partial(self.report_interface, name))

    def virtual(self) -> list[str]:
        """The names of the interfaces on top of that of its cable, which follow its state."""
        return [name for name, card in self.cards.items() if card.kind]

    def unload(self) -> None:
        """The interface is gone, with everything on it."""
        if self.present:
            self.present = False
            self.switch.record(Link(self.switch.t, self.name, CARD, False, False))
            for ip in [ip for ip in self.addresses if ip != self.ip]:
                self.forget(ip)
            for name in self.virtual():
                self.remove_interface(name)
            for key in [key for key in self.receivers if key[0] == CARD]:
                del self.receivers[key]
            self.later(self.clock.now(), self.report_interface)

    def load(self) -> None:
        """The interface is back: the same name, the same address, but another index."""
        if not self.present:
            self.present, self.index = True, self.index + 100
            card = self.interface_state()
            self.switch.record(Link(self.switch.t, self.name, CARD, card.up, card.carrier))
            self.later(self.clock.now(), self.report_interface)

    def report_interface(self, name: str | None = None) -> None:
        """Notify the daemon of a change of an interface, by default that of its cable."""
        watcher = (self.main or self).watcher
        if watcher is not None:
            watcher.interface_changed(name or self.card)

    def set_interface(self, name: str, up: bool = True, carrier: bool = True) -> None:
        """Put another interface into the host, or change its state."""
        index = self.cards[name].index if name in self.cards else len(self.cards) + 3
        mac = self.mac[:4] + bytes((index, self.mac[5]))
        self.cards[name] = Interface(name, index, mac, up, up and carrier)
        self.later(self.clock.now(), lambda: self.report_interface(name))

    def remove_interface(self, name: str) -> None:
        """Take it out again."""
        if self.cards.pop(name, None) is not None:
            self.later(self.clock.now(), lambda: self.report_interface(name))

    def forget(self, ip: IPAddress) -> None:
        """Remove an address by hand."""
        if self.addresses.pop(ip, None) is not None:
            at = self.homes.pop(ip, self.card)
            self.switch.record(Address(self.switch.t, self.name, at, str(ip), 32, False))
            self.later(self.clock.now(), lambda: self.report_loss(ip, at))

    def report_loss(self, ip: IPAddress, interface: str = CARD) -> None:
        """Notify the daemon that an address was removed."""
        watcher = (self.main or self).watcher
        if watcher is not None:
            watcher.address_removed(interface, ip)

    # Its daemon.

    def later(self, when: int, callback: Callable[[], object], timer: bool = False) -> VirtualTimer:
        """Let this life of the daemon do something at `when`: not if it has died, nor while frozen.

        What comes to a frozen daemon waits.  When it thaws, what has arrived comes before its own
        timers, and a timer that was cancelled in the meantime does not come at all: the real loop
        does the same.
        """
        if self.main is not None:
            return self.main.later(when, callback, timer)
        life = self.life

        def call() -> None:
            if self.life != life:
                return
            if self.frozen:
                self.backlog.append((timer, made))
            else:
                self.late.read()
                callback()

        made = self.clock.call_at(when, call, (self.name, callback))
        return made

    def arrives(self, when: int, callback: Callable[[], None]) -> None:
        """Let a frame come in at `when`, if the cable is still in then."""
        host = self.main or self
        life = host.life

        def call() -> None:
            if host.life != life or not self.connected:
                return
            if host.frozen:
                host.backlog.append((False, VirtualTimer(callback)))
            else:
                callback()

        self.clock.call_at(when, call, (self.name, "frame"))

    def now(self, callback: Callable[[], object]) -> None:
        """Have the daemon do something at once; a frozen one when it wakes up."""
        if self.frozen:
            self.backlog.append((False, VirtualTimer(lambda: void(callback))))
        else:
            self.late.read()
            callback()

    def thaw(self) -> None:
        """Let the daemon do what it has missed."""
        self.frozen = False
        backlog, self.backlog = self.backlog, []
        for _, missed in sorted(backlog, key=lambda one: one[0]):
            if missed.callback is not None:
                missed.callback()

    def end_life(self) -> None:
        """The daemon is gone; its addresses are not."""
        self.life += 1
        self.frozen = False
        self.backlog.clear()
        for port in (self, *self.ports.values()):
            port.receivers.clear()
        self.late.forget()
        self.workload.end_life()
        self.watcher = None


def void(callback: Callable[[], object]) -> None:
    """Call it; its answer is of no interest."""
    callback()


def same_link(machine: SimulatedHost) -> Link:
    """The fact that says the state of the interface of `machine` now."""
    card = machine.interface_state()
    return Link(machine.switch.t, machine.name, card.name, card.up, card.carrier)
