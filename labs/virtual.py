"""A machine in memory: the ports of `vrrpd/ports.py` on a clock that jumps.

    VirtualClock      time is a number; `advance()` plays what is due, in order
    Switch            carries packets and frames between the machines, with a delay
    Machine           one host: a network card, addresses, a daemon that can die or be frozen
        HostClock, HostWire, HostKernel     what its daemon gets to see; more in workload.py

The daemon that runs on them is vrrpd's own `Daemon`, from configuration to notify scripts.
Everything is ordered: the same calls give the same facts on every machine and every day.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from labs.facts import Address, Advert, Arp, Fact, Heard, Link
from labs.workload import HostFiles, HostProcesses, HostRunner, Workload
from vrrpd import packet
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.ports import (
    Belonging,
    Interface,
    Placed,
    Receiver,
    Shield,
    VirtualLink,
    Watcher,
)

CARD = "eth0"


@dataclass(slots=True)
class VirtualTimer:
    """A call to come; None once it is cancelled."""

    callback: Callable[[], None] | None

    def cancel(self) -> None:
        """Forget it."""
        self.callback = None


class VirtualClock:
    """Virtual time in ns, and what is to happen in it."""

    def __init__(self) -> None:
        self.time = 0
        self.serial = 0
        self.heap: list[tuple[int, int, VirtualTimer]] = []

    def now(self) -> int:
        """The virtual time, ns since the beginning."""
        return self.time

    def call_at(self, when: int, callback: Callable[[], None]) -> VirtualTimer:
        """Call back at `when`, or as the next thing if that is past."""
        timer = VirtualTimer(callback)
        self.serial += 1
        heapq.heappush(self.heap, (max(when, self.time), self.serial, timer))
        return timer

    def advance(self, until: int, done: Callable[[], bool] | None = None) -> bool:
        """Play everything that is due up to `until`; stop early when `done()`; whether it was."""
        while self.heap and self.heap[0][0] <= until:
            when, _, timer = heapq.heappop(self.heap)
            if timer.callback is None:
                continue
            self.time = when
            timer.callback()
            if done is not None and done():
                return True
        self.time = max(self.time, until)
        return done is not None and done()


@dataclass
class Machine:
    """One host.  `life` counts the lives of its daemon: what an earlier one planned is void."""

    name: str
    ip: IPv4Address
    mac: bytes
    clock: VirtualClock
    switch: Switch
    up: bool = True
    plugged: bool = True
    reachable: bool = True  # False: the cable is cut further away, the carrier stays
    frozen: bool = False
    forwards: bool = False  # an IPv6 router
    ways: list[Belonging] = field(default_factory=list)  # routes and rules
    shield: Shield = field(default_factory=Shield)
    switches: dict[tuple[str, str], int] = field(default_factory=dict)
    life: int = 0
    room: int = 0  # bytes that the daemon has asked for
    addresses: dict[IPAddress, int] = field(default_factory=dict)
    backlog: list[tuple[bool, VirtualTimer]] = field(default_factory=list)  # (a timer?, call)
    receivers: dict[tuple[int, int], Receiver] = field(default_factory=dict)
    watcher: Watcher | None = None
    scripts: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    workload: Workload = field(default_factory=Workload)
    cards: dict[str, Interface] = field(default_factory=dict)  # the others, plugged in nowhere

    def __post_init__(self) -> None:
        self.addresses[self.ip] = 24
        self.switch.machines.append(self)

    @property
    def connected(self) -> bool:
        """Whether frames pass between this host and the switch."""
        return self.up and self.plugged and self.reachable

    def card(self) -> Interface:
        """What the kernel says of eth0."""
        own = tuple(self.addresses)
        return Interface(CARD, 2, self.mac, self.up, self.up and self.plugged, 1500, own)

    def set_link(self, **what: bool) -> None:
        """Change `up`, `plugged` or `reachable`; the daemon hears of what it could notice."""
        before = self.card()
        for key, value in what.items():
            setattr(self, key, value)
        after = self.card()
        if after == before:
            return
        self.switch.record(Link(self.switch.t, self.name, CARD, after.up, after.carrier))
        self.later(self.clock.now(), self.report_card)

    def report_card(self, name: str = CARD) -> None:
        """Tell the daemon that a card is not what it was."""
        if self.watcher is not None:
            self.watcher.interface_changed(name)

    def set_card(self, name: str, up: bool = True, carrier: bool = True) -> None:
        """Put another card into the machine, or change its state."""
        index = self.cards[name].index if name in self.cards else len(self.cards) + 3
        mac = self.mac[:4] + bytes((index, self.mac[5]))
        self.cards[name] = Interface(name, index, mac, up, up and carrier)
        self.later(self.clock.now(), lambda: self.report_card(name))

    def remove_card(self, name: str) -> None:
        """Take it out again."""
        if self.cards.pop(name, None) is not None:
            self.later(self.clock.now(), lambda: self.report_card(name))

    def later(self, when: int, callback: Callable[[], object], timer: bool = False) -> VirtualTimer:
        """Let this life of the daemon do something at `when`: not if it has died, nor while frozen.

        What comes to a frozen daemon waits.  When it thaws, what has arrived comes before its own
        timers, and a timer that was cancelled in the meantime does not come at all: the real loop
        does the same.
        """
        life = self.life

        def call() -> None:
            if self.life != life:
                return
            if self.frozen:
                self.backlog.append((timer, made))
            else:
                callback()

        made = self.clock.call_at(when, call)
        return made

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
        self.receivers.clear()
        self.workload.end_life()
        self.watcher = None

    def forget(self, ip: IPAddress) -> None:
        """Somebody removes an address by hand."""
        if self.addresses.pop(ip, None) is not None:
            self.switch.record(Address(self.switch.t, self.name, CARD, str(ip), 32, False))
            self.later(self.clock.now(), lambda: self.report_loss(ip))

    def report_loss(self, ip: IPAddress) -> None:
        """Tell the daemon that an address was removed."""
        if self.watcher is not None:
            self.watcher.address_removed(CARD, ip)


class Switch:
    """Carries everything to everybody who is connected, `latency` ns later."""

    def __init__(self, clock: VirtualClock, latency: int, witness: Callable[[Fact], None]) -> None:
        self.clock = clock
        self.latency = latency
        self.record = witness
        self.machines: list[Machine] = []
        self.neighbours: dict[IPAddress, bytes] = {}  # the client's ARP table

    @property
    def t(self) -> float:
        """Virtual seconds, as facts have them."""
        return self.clock.now() / SECOND

    def carry(self, sender: Machine, data: bytes) -> None:
        """An IP packet enters by the port of `sender` and leaves by all others."""
        if not sender.connected:
            return
        advert = packet.parse_ip(data)
        says = packet.decode(advert.message, advert.source, advert.destination)
        fields = (str(advert.source), says.vrid, says.version, says.priority)
        interval = says.interval / SECOND
        listed = tuple(str(ip) for ip in says.addresses)
        self.record(Advert(self.t, sender.name, *fields, interval, listed, data.hex()))
        for machine in self.machines:
            if machine is not sender and machine.connected:
                self.record(Heard(self.t, machine.name, *fields, interval))
                self.deliver(machine, data, (advert.source.version, advert.protocol))

    def deliver(self, machine: Machine, data: bytes, key: tuple[int, int]) -> None:
        """Hand a packet over after the delay, with the moment of its arrival."""
        at = self.clock.now() + self.latency

        def arrive() -> None:
            if key in machine.receivers:
                machine.receivers[key](data, at)

        machine.later(at, arrive)

    def announce(self, sender: Machine, frame: bytes) -> None:
        """A gratuitous ARP: the client believes it."""
        if sender.connected and frame[12:14] == b"\x08\x06":
            ip = IPv4Address(frame[28:32])
            self.neighbours[ip] = frame[22:28]
            self.record(Arp(self.t, sender.name, str(ip), frame[22:28].hex(":")))

    def answerer(self, ip: IPAddress) -> Machine | None:
        """Who answers the client's ping: the card it believes in, or whoever answers ARP."""
        known = self.neighbours.get(ip)
        for machine in self.machines:
            if machine.connected and ip in machine.addresses and known in (None, machine.mac):
                self.neighbours[ip] = machine.mac
                return machine
        return None


# What a daemon gets to see of its machine.


class HostClock:
    """The Clock of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def now(self) -> int:
        """The virtual time in ns."""
        return self.machine.clock.now()

    def call_at(self, when: int, callback: Callable[[], None]) -> VirtualTimer:
        """Call back at `when` unless the daemon has died."""
        return self.machine.later(when, callback, timer=True)


class HostChannel:
    """VRRP on eth0."""

    def __init__(self, machine: Machine, key: tuple[int, int]) -> None:
        self.machine = machine
        self.key = key

    def join(self, group: IPAddress) -> None:
        """The switch floods, so every group is heard."""

    def make_room(self, size: int, mtus: int) -> None:
        """Nothing is ever lost here; that it was asked for is remembered."""
        self.machine.room = size + mtus * self.machine.card().mtu

    def send(self, data: bytes) -> None:
        """Send one packet.  Raises OSError where Linux would: the card is down."""
        if not self.machine.up:
            raise OSError(100, "Network is down")
        self.machine.switch.carry(self.machine, data)

    def close(self) -> None:
        """Hear no more."""
        self.machine.receivers.pop(self.key, None)


class HostWire:
    """The Wire of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def listen(self, interface: str, family: int, protocol: int, receiver: Receiver) -> HostChannel:
        """Hear what comes in on eth0."""
        self.machine.receivers[family, protocol] = receiver
        return HostChannel(self.machine, (family, protocol))

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        """Send ARP frames."""
        for frame in frames:
            self.machine.switch.announce(self.machine, frame)


class HostKernel:
    """The Kernel of one machine, which has one card that is plugged in."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def interface(self, name: str) -> Interface | None:
        """eth0, another card, or None."""
        return self.machine.card() if name == CARD else self.machine.cards.get(name)

    def change(self, add: Sequence[Belonging], remove: Sequence[Belonging]) -> list[str]:
        """Take addresses off, put addresses on."""
        held, switch, ways = self.machine.addresses, self.machine.switch, self.machine.ways
        self.machine.ways = [one for one in ways if one not in remove]
        self.machine.ways += [one for one in add if not isinstance(one, Placed)]
        for placed in (one for one in remove if isinstance(one, Placed)):
            ip, length = placed.address.ip, placed.address.prefixlen
            if held.pop(ip, None) is not None:
                switch.record(Address(switch.t, self.machine.name, CARD, str(ip), length, False))
        for placed in (one for one in add if isinstance(one, Placed)):
            ip, length = placed.address.ip, placed.address.prefixlen
            if ip not in held:
                switch.record(Address(switch.t, self.machine.name, CARD, str(ip), length, True))
            held[ip] = length
        return []

    def create(self, link: VirtualLink) -> list[str]:
        """The machine has a new card, as far as its daemon can tell."""
        card = self.machine.card()
        self.machine.cards[link.name] = replace(
            card,
            name=link.name,
            index=100 + len(self.machine.cards),
            mac=link.mac or card.mac,
            addresses=(),
            kind="macvlan" if link.kind == "vmac" else "ipvlan",
        )
        return []

    def destroy(self, name: str) -> None:
        """It is gone."""
        self.machine.cards.pop(name, None)

    def protect(self, shield: Shield) -> list[str]:
        """Remember what is to be filtered: who is silent does not answer pings."""
        self.machine.shield = shield
        return []

    def switch(self, interface: str, name: str, value: int) -> list[str]:
        """Remember it."""
        self.machine.switches[interface, name] = value
        return []

    def restore(self) -> None:
        """Forget all of them."""
        self.machine.switches.clear()

    def forwards(self, name: str) -> bool:
        """As the machine is set."""
        return self.machine.forwards

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` what happens to the card."""
        self.machine.watcher = watcher


def same_link(machine: Machine) -> Link:
    """The fact that says how the card of `machine` stands now."""
    card = machine.card()
    return Link(machine.switch.t, machine.name, CARD, card.up, card.carrier)


__all__ = [
    "CARD",
    "HostClock",
    "HostFiles",
    "HostKernel",
    "HostProcesses",
    "HostRunner",
    "HostWire",
    "Machine",
    "Switch",
    "VirtualClock",
    "same_link",
]
