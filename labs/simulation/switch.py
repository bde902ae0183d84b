"""The switch of the simulated LAN, and all that can be wrong with its cables.

    sender ──> its cable, outwards ──> switch ──> receiver's cable, inwards ──> receiver
               loss, delay, doubles               loss, delay, doubles
               one-way cuts        partition: other sides receive nothing

What a cable does to a frame is drawn from one generator with a known seed, in the order in which
frames are sent; a cable in order draws nothing.  A frame that has been sent arrives (or not) as
its cable was when it left; a receiver that is unplugged in the meantime does not receive it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

from labs.model.facts import Advert, Arp, Fact, Heard
from labs.simulation.clock import VirtualClock
from labs.simulation.late_reading import compared
from vrrpd import packet
from vrrpd.auth_hmac import observe
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND

if TYPE_CHECKING:
    from labs.simulation.machine import SimulatedHost

ARP, IPV6 = b"\x08\x06", b"\x86\xdd"
NEIGHBOUR_ADVERTISEMENT = 136
_MOST_DECODED = 1000  # Advertisements that are remembered; with auth_hmac no two are alike

# Source, VRID, version, priority and interval (s) of an Advertisement.
Fields: TypeAlias = tuple[str, int, int, int, float]


@dataclass
class Cable:
    """How the cable of one host treats frames: `loss`, `doubles` and `reorder` are chances.

    `delay` and `jitter` are ns, on top of the switch's own latency; a reordered frame is late by
    up to `late` ns more.  `out` and `into` say whether frames pass in that direction.
    """

    loss: float = 0.0
    doubles: float = 0.0
    reorder: float = 0.0
    delay: int = 0
    jitter: int = 0
    late: int = 0
    out: bool = True
    into: bool = True

    @property
    def fair(self) -> bool:
        """Whether every frame passes, once, in order, and always as fast."""
        return not (self.loss or self.doubles or self.reorder or self.jitter)

    @property
    def slowest(self) -> int:
        """The longest (ns) a frame can take on it."""
        return self.delay + self.jitter + (self.late if self.reorder else 0)

    def fates(self, dice: random.Random) -> list[int]:
        """When each copy of a frame comes out at the other end, ns from now."""
        if self.fair:
            return [self.delay]
        if dice.random() < self.loss:
            return []
        copies = 2 if self.doubles and dice.random() < self.doubles else 1
        return [self.pause(dice) for _ in range(copies)]

    def pause(self, dice: random.Random) -> int:
        """How long one copy takes."""
        more = dice.randrange(self.jitter + 1) if self.jitter else 0
        if self.reorder and dice.random() < self.reorder:
            more += dice.randrange(self.late + 1)
        return self.delay + more


@dataclass
class Switch:
    """Carries everything to everybody who can be reached, `latency` ns later at the earliest.

    `record` is given what an observer on the switch sees; Advertisements only if `detailed`.
    `taps` are called with every packet that a daemon receives: (receiver, packet, ns by its clock).
    """

    clock: VirtualClock
    latency: int
    record: Callable[[Fact], None]
    seed: int = 0
    detailed: bool = True
    machines: list[SimulatedHost] = field(default_factory=list)
    cables: dict[str, Cable] = field(default_factory=dict)
    sides: dict[str, int] = field(default_factory=dict)  # of a partition
    neighbours: dict[IPAddress, bytes] = field(default_factory=dict)  # the client's ARP table
    taps: list[Callable[[SimulatedHost, bytes, int], None]] = field(default_factory=list)
    doomed: list[tuple[str, int]] = field(default_factory=list)  # (sender, VRID; 0: any)
    carried: int = 0  # packets that came in
    draws: int = 0  # packets whose fate was a matter of luck

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        # Advertisements by their bytes: nearly always, one is like the one before it.
        self._decoded: dict[bytes, tuple[Fields, tuple[str, ...]]] = {}

    @property
    def t(self) -> float:
        """Virtual seconds, as facts have them."""
        return self.clock.calendar / SECOND

    def cable(self, name: str) -> Cable:
        """The cable of a host."""
        known = self.cables.get(name)
        if known is None:
            known = self.cables[name] = Cable()
        return known

    def passes(self, sender: SimulatedHost, receiver: SimulatedHost) -> bool:
        """Whether a frame can get from one host to the other at all, now."""
        return (
            sender is not receiver
            and sender.connected
            and receiver.connected
            and self.cable(sender.name).out
            and self.cable(receiver.name).into
            and self.sides.get(sender.name) == self.sides.get(receiver.name)
        )

    def carry(self, sender: SimulatedHost, data: bytes) -> None:
        """An IP packet enters by the port of `sender` and leaves by all that it is for."""
        cable = self.cable(sender.name)
        if not sender.connected or not cable.out:
            return
        self.carried += 1
        heard = self.note(sender, data) if self.detailed else None
        if self.doomed and self.taken_off(sender, data):
            return
        six = data[0] >> 4 == 6
        protocol = data[6] if six else data[9]
        ahead = data[24:40] if six else data[16:20]
        everybody = data[24] == 0xFF if six else 224 <= data[16] < 240
        self.draws += not cable.fair
        for sent in cable.fates(self.dice):
            for machine in self.machines:
                if not self.passes(sender, machine):
                    continue
                if not everybody and not machine.has(ip_address(ahead)):
                    continue
                if heard is not None:
                    self.record(Heard(self.t, machine.name, *heard))
                self.pass_on(machine, data, (6 if six else 4, protocol), sent)

    def taken_off(self, sender: SimulatedHost, data: bytes) -> bool:
        """Whether this Advertisement is one that `drop` waits for; it waits no longer then."""
        vrid = observe(packet.parse_ip(data)).vrid
        for one in ((sender.name, vrid), (sender.name, 0)):
            if one in self.doomed:
                self.doomed.remove(one)
                return True
        return False

    def note(self, sender: SimulatedHost, data: bytes) -> Fields:
        """Record what was sent; return what those who receive it will have received."""
        same = compared(data)
        known = self._decoded.get(same)
        if known is None:
            if len(self._decoded) >= _MOST_DECODED:
                self._decoded.clear()
            known = self._decoded[same] = _decode(data)
        fields, addresses = known
        self.record(Advert(self.t, sender.name, *fields, addresses, data.hex()))
        return fields

    def pass_on(
        self, machine: SimulatedHost, data: bytes, kind: tuple[int, int], sent: int
    ) -> None:
        """Hand a packet over after the delays of switch and cable."""
        cable = self.cable(machine.name)
        self.draws += not cable.fair
        for late in cable.fates(self.dice):
            at = self.clock.now() + self.latency + sent + late
            stamp = machine.local(at)

            def arrive(stamp: int = stamp) -> None:
                for key, receiver in list(machine.receivers.items()):
                    if key[1:] == kind:
                        for tap in self.taps:
                            tap(machine, data, stamp)
                        machine.late.take(key, receiver, data, stamp)

            machine.arrives(at, arrive)

    def announce(self, sender: SimulatedHost, frame: bytes) -> None:
        """A gratuitous ARP or an unsolicited NA: the client believes it if it gets there."""
        cable = self.cable(sender.name)
        if not sender.connected or not cable.out:
            return
        self.draws += not cable.fair
        if not cable.fates(self.dice):
            return
        if frame[12:14] == ARP:
            self.believe(sender, IPv4Address(frame[28:32]), frame[22:28])
        elif frame[12:14] == IPV6 and frame[54] == NEIGHBOUR_ADVERTISEMENT:
            self.believe(sender, IPv6Address(frame[62:78]), frame[80:86])

    def believe(self, sender: SimulatedHost, ip: IPAddress, mac: bytes) -> None:
        """From now on the client looks for `ip` there."""
        self.neighbours[ip] = mac
        self.record(Arp(self.t, sender.name, str(ip), mac.hex(":")))

    def answers(self, ip: IPAddress) -> list[SimulatedHost]:
        """The hosts that answer the question who has `ip` (ARP, or neighbour solicitation)."""
        reached = (one for one in self.machines if one.connected and self.cable(one.name).into)
        return [one for one in reached if one.has(ip) and self.cable(one.name).out]

    def answerer(self, ip: IPAddress) -> SimulatedHost | None:
        """The host that answers the client's ping: the one in its ARP cache, or one with `ip`."""
        known = self.neighbours.get(ip)
        for machine in self.answers(ip):
            if known in (None, machine.mac_of(ip)):
                self.neighbours[ip] = machine.mac_of(ip)
                return None if machine.silent(ip) else machine
        return None


def _decode(data: bytes) -> tuple[Fields, tuple[str, ...]]:
    """The fields of an Advertisement, and its addresses.  Raises PacketError."""
    advert = packet.parse_ip(data)
    seen = observe(advert)
    fields = (str(advert.source), seen.vrid, seen.version, seen.priority, seen.interval / SECOND)
    return fields, tuple(map(str, seen.addresses))
