"""What a daemon gets to see of its simulated host: clock, wire and kernel of `vrrpd/ports.py`.

    HostClock     the host's own clock, which may be fast, slow, or set
    HostWire      VRRP and ARP on its one cable
    HostKernel    its interfaces and what is on them

Runner, Files, Processes, Pipes and Post are in `programs.py`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Mapping, Sequence

from labs.model.facts import Address
from labs.simulation.clock import VirtualTimer
from labs.simulation.machine import CARD, SimulatedHost
from vrrpd.events import IPAddress
from vrrpd.packet_signature import PacketSignature
from vrrpd.ports import (
    Batch,
    DropFilter,
    Interface,
    InterfaceAddress,
    ManagedObject,
    Postpone,
    Receiver,
    Refusal,
    VirtualLink,
    Watcher,
)
from vrrpd.record import replace


class HostClock:
    """The Clock of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def now(self) -> int:
        """The host's own time in ns."""
        return self.machine.local(self.machine.clock.now())

    def wall(self) -> int:
        """The host's own calendar in ns: what was skipped, and what was set."""
        return self.now() + self.machine.clock.skipped + self.machine.wall

    def uptime(self) -> int:
        """Every host was booted when the simulation began."""
        return self.now()

    def call_at(
        self,
        when: int,
        callback: Callable[[], None],
        before: Callable[[], None] | None = None,
    ) -> VirtualTimer:
        """Call back at `when` unless the daemon has died; each timer is called by itself."""
        return self.machine.later(self.machine.true(when), callback, timer=True)

    def next_call(self) -> int | None:
        """None before now: here, each call is at its moment."""
        return None

    def breathe(self) -> None:
        """Nothing takes long in here."""


class HostChannel:
    """VRRP on one of the interfaces that share the cable."""

    def __init__(self, machine: SimulatedHost, key: tuple[str, int, int]) -> None:
        self.machine = machine
        self.key = key

    def join(self, group: IPAddress) -> None:
        """The switch floods, so every group is received."""

    def only(self, vrids: Collection[int], shapes: Collection[PacketSignature] = ()) -> None:
        """Everything is handed over: here it costs nothing."""

    def expect(self, packets: Mapping[int, bytes], postpone: Postpone | None = None) -> None:
        """Have these packets wait, if this host reads late; timers are not postponed before."""
        self.machine.late.expect(self.key, packets)

    def may_have_missed(self, since: int) -> bool:
        """Nothing is lost without its being known: `late_reading.py` makes up for it at once."""
        return False

    def set_receive_buffer(self, size: int, mtus: int) -> None:
        """Nothing is ever lost here; that it was asked for is remembered."""
        self.machine.room = size + mtus * self.machine.interface_state().mtu

    def ensure_receive_buffer(self, size: int) -> None:
        """Nothing is ever lost here; that it was asked for is remembered."""
        self.machine.room = size

    def send(self, data: bytes) -> None:
        """Send one packet.  Raises OSError where Linux would: the interface is down or gone."""
        if not self.machine.present:
            raise OSError(19, "No such device")
        if not self.machine.up:
            raise OSError(100, "Network is down")
        if "send" in self.machine.refuses:
            self.machine.unsent += 1
            raise OSError(errno.EPERM, self.machine.refuses["send"])
        self.machine.spoken += 1
        self.machine.unsent = 0
        self.machine.switch.carry(self.machine, data)

    @property
    def sends_batches(self) -> bool:
        """Each packet is sent by itself."""
        return False

    def batch(self, packets: Sequence[bytes], idents: Sequence[int]) -> Batch:
        """Nothing is sent together here."""
        raise NotImplementedError

    def close(self) -> None:
        """Receive no more."""
        self.machine.receivers.pop(self.key, None)


class HostWire:
    """The Wire of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def listen(self, interface: str, family: int, protocol: int, receiver: Receiver) -> HostChannel:
        """Receive what comes in on an interface.  Raises OSError if it is not there."""
        if self.machine.interface(interface) is None:
            raise OSError(19, "No such device")
        if "listen" in self.machine.refuses:
            raise OSError(errno.EMFILE, self.machine.refuses["listen"])
        key = (interface, family, protocol)
        port = self.machine.port(interface)
        port.receivers[key] = receiver
        return HostChannel(port, key)

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        """Send ARP and NA frames.  Raises OSError while the interface is down or gone."""
        port = self.machine.port(interface)
        if not port.present or not port.up:
            raise OSError(100, "Network is down")
        for frame in frames:
            port.switch.announce(port, frame)


class HostKernel:
    """The Kernel of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def interface(self, name: str) -> Interface | None:
        """eth0, another interface, or None."""
        return self.machine.interface(name)

    def interfaces(self) -> list[Interface]:
        """eth0, if it is there, and the other interfaces."""
        names = (CARD, *self.machine.ports, *self.machine.cards)
        found = map(self.machine.interface, names)
        return [one for one in found if one is not None]

    def prepare(self, add: Sequence[ManagedObject]) -> None:
        """There is nothing to prepare where time does not pass."""

    def warm_up(self) -> None:
        """Nor are there caches."""

    def change(
        self, add: Sequence[ManagedObject], remove: Sequence[ManagedObject], ready: object = None
    ) -> list[Refusal]:
        """Take addresses off, put addresses on; all is refused if the host says so."""
        machine = self.machine
        switch = machine.switch
        machine.ways = [one for one in machine.ways if one not in remove]
        machine.ways += [one for one in add if not isinstance(one, InterfaceAddress)]
        for placed in (one for one in remove if isinstance(one, InterfaceAddress)):
            ip, length = placed.address.ip, placed.address.prefixlen
            port = machine.port(placed.interface)
            if port.addresses.pop(ip, None) is not None:
                at = port.homes.pop(ip, port.card)
                switch.record(Address(switch.t, machine.name, at, str(ip), length, False))
        refused = []
        why = machine.refuses.get("take")
        for placed in (one for one in add if isinstance(one, InterfaceAddress)):
            ip, length = placed.address.ip, placed.address.prefixlen
            problem = "No such device" if machine.interface(placed.interface) is None else why
            if problem is not None:
                text = f"cannot add {ip} on {placed.interface}: {problem}"
                refused.append(Refusal(text, placed))
                continue
            port = machine.port(placed.interface)
            if ip not in port.addresses:
                at = placed.interface
                switch.record(Address(switch.t, machine.name, at, str(ip), length, True))
            port.addresses[ip] = length
            port.homes[ip] = placed.interface
        return refused

    def create(self, link: VirtualLink, blocked: bool) -> list[str]:
        """The host has a new interface, as its daemon sees it."""
        card = self.machine.interface_state()
        self.machine.cards[link.name] = replace(
            card,
            name=link.name,
            index=100 + len(self.machine.cards),
            mac=link.mac or card.mac,
            addresses=(),
            kind="macvlan" if link.kind == "vmac" else "ipvlan",
        )
        return []

    def block(self, name: str, blocked: bool) -> list[str]:
        """Without effect: the kernel of a simulated host sends nothing by itself."""
        return []

    def destroy(self, name: str) -> None:
        """It is gone."""
        self.machine.cards.pop(name, None)

    def protect(self, shield: DropFilter) -> list[str]:
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
        """As the host is set."""
        return self.machine.forwards

    def watch(self, watcher: Watcher) -> None:
        """Report to `watcher` what happens to the interface."""
        self.machine.watcher = watcher
