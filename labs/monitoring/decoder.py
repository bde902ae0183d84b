"""From raw records to facts, and what is true now: who holds which address, who has carrier.

    recorder --- records ---> Decoder.feed(...) ---> facts
                                  |
                                  +-- held, carrier, macs: the state they add up to

No sockets and no threads: a Decoder is fed bytes and can be tested with bytes.
Netlink is read as the daemon reads it (`vrrpd.linux.rtnetlink`), Advertisements by `vrrpd.packet`.
A netlink dump says what *is*; the Decoder compares it with what it knew and reports the
differences, so that a dump after a loss makes up for the changes that were missed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from labs.model.facts import Address, Advert, Arp, Fact, Heard, Link, Loss, Ping
from labs.monitoring import wire_format
from vrrpd.auth_hmac import observe
from vrrpd.fsm import SECOND
from vrrpd.linux.netlink_attributes import attributes
from vrrpd.linux.rtnetlink import (
    HEADER,
    IFA_ADDRESS,
    IFA_LOCAL,
    IFADDRMSG,
    IFF_LOWER_UP,
    IFF_UP,
    IFINFOMSG,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    NLMSG_DONE,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    split,
)
from vrrpd.packet import Datagram, PacketError, parse_ipv4

PACKET_OUTGOING = 4
ETHERNET = 14  # bytes of an Ethernet header
NEIGHBOUR_ADVERTISEMENT = 136

Key = tuple[str, str, int]  # interface, address, prefix length


class Decoder:
    """Turns the records of one recorder into facts, in the order they come.

    All are in the order of the recorder's plan; `port_hosts` names the host behind
    each port, `targets` are the addresses that the client pings.
    """

    def __init__(
        self, hosts: Sequence[str], port_hosts: Sequence[str], targets: Sequence[str]
    ) -> None:
        self.hosts = list(hosts)
        self.port_hosts = list(port_hosts)
        self.targets = list(targets)
        self.ready = False
        self.failure: str | None = None
        self._began: float | None = None
        self._held: dict[str, set[Key]] = {host: set() for host in self.hosts}
        self._links: dict[tuple[str, str], tuple[bool, bool]] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._macs: dict[str, set[str]] = defaultdict(set)
        self._named: dict[str, set[Key]] = {host: set() for host in self.hosts}

    def held(self) -> dict[str, set[str]]:
        """The addresses of each host, loopback's left out."""
        return {host: {key[1] for key in keys} for host, keys in self._held.items()}

    def hosts_with(self, mac: str) -> set[str]:
        """The hosts that have, or had, an interface with this MAC address."""
        return set(self._macs.get(mac, ()))

    def carrier(self) -> dict[str, bool]:
        """Has the host an interface that is up and has carrier?"""
        alive = {host for (host, _), (up, carrier) in self._links.items() if up and carrier}
        return {host: host in alive for host in self.hosts}

    def link(self, host: str, interface: str) -> tuple[bool, bool]:
        """Whether an interface of a host is up, and whether it has carrier."""
        return self._links.get((host, interface), (False, False))

    def feed(self, kind: int, index: int, t: float, payload: bytes) -> list[Fact]:
        """The facts in one record; none when there is nothing new in it."""
        if kind == wire_format.NETLINK:
            # The first dumps say how it was, not what happened: all of it at the first moment.
            self._began = t if self._began is None else self._began
            t = t if self.ready else self._began
            return list(self._netlink(self.hosts[index], t, payload))
        if kind == wire_format.FRAME:
            return list(self._frame(self.port_hosts[index], t, payload[0], payload[1:]))
        if kind == wire_format.PING:
            return [self._ping(t, self.targets[index], payload)]
        if kind == wire_format.LOST:
            at_port = bool(index & 0x80)
            host = self.port_hosts[index & 0x7F] if at_port else self.hosts[index]
            where = f"at the switch port of {host}" if at_port else f"in {host}"
            return [Loss(t, host, f"{payload.decode()} {where}")]
        if kind == wire_format.FAILED:
            self.failure = payload.decode()
        elif kind == wire_format.READY:
            self.ready = True
        return []

    # -- netlink -----------------------------------------------------------------------------

    def _netlink(self, host: str, t: float, data: bytes) -> Iterator[Fact]:
        for kind, sequence, _, message in split(data):
            if kind in (RTM_NEWLINK, RTM_DELLINK):
                yield from self._link(host, t, message, gone=kind == RTM_DELLINK)
            elif kind in (RTM_NEWADDR, RTM_DELADDR):
                key = self._key(host, message)
                if key is None:
                    continue
                held = kind == RTM_NEWADDR
                (self._named[host].add if held else self._named[host].discard)(key)
                yield from self._address(host, t, key, held)
            elif kind == NLMSG_DONE and sequence % 2 == 0:
                # The dump of links is complete; that of addresses begins.
                self._named[host].clear()
            elif kind == NLMSG_DONE:
                # What neither the dump nor an event during it has named is gone.
                for key in sorted(self._held[host] - self._named[host]):
                    yield from self._address(host, t, key, False)

    def _link(self, host: str, t: float, message: bytes, gone: bool) -> Iterator[Fact]:
        _, _, number, flags, _ = IFINFOMSG.unpack_from(message, HEADER.size)
        found = attributes(message[HEADER.size + IFINFOMSG.size :])
        name = found[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace")
        former = self._names.get((host, number), name)
        self._names[host, number] = name
        if former != name:
            yield from self._renamed(host, t, former, name)
        mac = found.get(IFLA_ADDRESS)
        if name == "lo":
            return
        if mac:
            self._macs[mac.hex(":")].add(host)
        state = (False, False) if gone else (bool(flags & IFF_UP), bool(flags & IFF_LOWER_UP))
        if self._links.get((host, name)) != state:
            self._links[host, name] = state
            yield Link(t, host, name, *state)
        if gone:
            self._names.pop((host, number), None)
            for key in sorted(key for key in self._held[host] if key[0] == name):
                yield from self._address(host, t, key, False)

    def _renamed(self, host: str, t: float, former: str, name: str) -> Iterator[Fact]:
        """An interface has another name: there is none of the former name, its addresses stay."""
        if self._links.get((host, former), (False, False)) != (False, False):
            self._links[host, former] = (False, False)
            yield Link(t, host, former, False, False)
        for keys in (self._held[host], self._named[host]):
            for key in [key for key in keys if key[0] == former]:
                keys.remove(key)
                keys.add((name, *key[1:]))

    def _key(self, host: str, message: bytes) -> Key | None:
        _, length, _, _, number = IFADDRMSG.unpack_from(message, HEADER.size)
        found = attributes(message[HEADER.size + IFADDRMSG.size :])
        # On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL is always ours.
        packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
        if packed is None:
            return None
        address = ip_address(packed)
        if address.is_loopback:
            return None
        return self._names.get((host, number), f"if{number}"), str(address), length

    def _address(self, host: str, t: float, key: Key, held: bool) -> Iterator[Fact]:
        if (key in self._held[host]) != held:
            (self._held[host].add if held else self._held[host].discard)(key)
            yield Address(t, host, *key, held)

    # -- the wire ----------------------------------------------------------------------------

    def _frame(self, host: str, t: float, kind: int, frame: bytes) -> Iterator[Fact]:
        """`host` is behind the port: the sender of what comes in, the hearer of what goes out."""
        packet = frame[ETHERNET:]
        ethertype = frame[12:ETHERNET]
        if ethertype == b"\x08\x06" and kind != PACKET_OUTGOING and len(packet) >= 28:
            if packet[14:18] == packet[24:28]:
                yield Arp(t, host, str(IPv4Address(packet[14:18])), packet[8:14].hex(":"))
        elif ethertype == b"\x08\x00":
            try:
                yield self._advert(host, t, kind, parse_ipv4(packet), packet)
            except PacketError:
                return
        elif ethertype == b"\x86\xdd" and len(packet) > 40:
            yield from self._ipv6(host, t, kind, packet)

    def _ipv6(self, host: str, t: float, kind: int, packet: bytes) -> Iterator[Fact]:
        message = packet[40 : 40 + int.from_bytes(packet[4:6], "big")]
        if packet[6] == 58 and len(message) >= 24 and message[0] == NEIGHBOUR_ADVERTISEMENT:
            solicited = message[4] & 0x40
            if kind != PACKET_OUTGOING and not solicited:
                target = str(IPv6Address(message[8:24]))
                yield Arp(t, host, target, message[26:32].hex(":"))
        elif packet[6] == 112:
            source, destination = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
            datagram = Datagram(source, destination, packet[7], packet[6], message)
            try:
                yield self._advert(host, t, kind, datagram, packet)
            except PacketError:
                return

    def _advert(self, host: str, t: float, kind: int, data: Datagram, packet: bytes) -> Fact:
        """Raises PacketError for a message that is no valid Advertisement."""
        told = observe(data)
        fields = (str(data.source), told.vrid, told.version, told.priority, told.interval / SECOND)
        if kind == PACKET_OUTGOING:
            return Heard(t, host, *fields)
        return Advert(t, host, *fields, tuple(map(str, told.addresses)), packet.hex())

    # -- the client --------------------------------------------------------------------------

    def _ping(self, t: float, target: str, payload: bytes) -> Ping:
        sequence, rtt, raw = wire_format.PONG.unpack(payload)
        if math.isnan(rtt):
            return Ping(t, sequence, target, None, None)
        mac = raw.hex(":")
        holders = self.hosts_with(mac)
        # A virtual MAC address that several hosts have names none of them.
        who = next(iter(holders)) if len(holders) == 1 else mac
        return Ping(t, sequence, target, who, rtt)
