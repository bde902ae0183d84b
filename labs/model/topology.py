"""A lab's network as plain data: hosts, who is a server, and both ends of every cable.

`labs.emulation.network` makes it of a topology, and the running network of it; a replay has it from
its
recording, so nothing here needs Mininet.
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.errors import unknown


@dataclass(frozen=True, slots=True)
class Socket:
    """Where a cable ends: `interface` of `host`, with its addresses, and `port` of `switch`."""

    host: str
    interface: str
    switch: str
    port: str
    ip: str
    ip6: str
    mac: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What a topology says: `hosts` in its order, `sockets` in the order of the switches' ports.

    `virtual` are the addresses that its servers are meant to share, the most important one first.
    """

    name: str
    hosts: tuple[str, ...]
    servers: tuple[str, ...]
    client: str
    virtual: tuple[str, ...]
    sockets: tuple[Socket, ...]

    @property
    def switches(self) -> tuple[str, ...]:
        """The switches' names, sorted."""
        return tuple(sorted({socket.switch for socket in self.sockets}))

    def interfaces(self, host: str) -> dict[str, Socket]:
        """The sockets of a host by the name of its interface."""
        return {each.interface: each for each in self.sockets if each.host == host}

    def socket(self, host: str, interface: str = "eth0") -> Socket:
        """One socket of a host that exists; LabError if it has no such interface."""
        cards = self.interfaces(host)
        if interface not in cards:
            raise unknown("interface", interface, cards, where=f"on {host}")
        return cards[interface]
