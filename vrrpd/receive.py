"""From bytes on a socket to an event for one virtual router.

A Segment is one interface's worth of VRRP: it holds the socket, finds the virtual router a
packet is for, lets the packet through the checks in their order, and counts what it drops.

    socket -> parse -> VRID known? -> CHECKS, in order -> VirtualRouter.hear()
                 \\         \\              \\
                  +---------+---------------+--> PacketError(check): counted, logged, forgotten

The order is the RFC's (RFC 3768 section 7.1, RFC 9568 section 7.1) with one change: the VRID is
looked up first, so that the traffic of other virtual routers on the LAN is neither verified nor
held against us.  No timer and no state is touched before the last check has passed.
(keepalived restarts a MASTER's Adver_Timer for every packet it rejects, so junk can silence it.)
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vrrpd.config.model import Auth
from vrrpd.events import IPAddress
from vrrpd.fsm import seconds
from vrrpd.journal import Log
from vrrpd.packet import (
    AUTH_BYTES,
    PROTOCOL,
    Advertisement,
    AuthType,
    Check,
    Datagram,
    PacketError,
    check_checksum,
    check_length,
    check_readable,
    check_type,
    check_version,
    parse_ipv4,
    read,
)
from vrrpd.ports import Channel, Wire

if TYPE_CHECKING:
    from vrrpd.router import VirtualRouter


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a virtual router accepts; `interval` in ns, `source` its own primary address."""

    version: int
    interval: int
    auth: Auth
    source: IPAddress


def admit(datagram: Datagram, expect: Expectation) -> Advertisement:
    """Return the Advertisement, or raise PacketError for the first check that fails."""
    for check in CHECKS:
        check(datagram, expect)
    pseudo = check_checksum(datagram.message, datagram.source, datagram.destination)
    return read(datagram.message, datagram.source.version, pseudo)


def ttl(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify that the IP TTL is 255": nobody beyond a router can send that."""
    if datagram.ttl != 255:
        raise PacketError(Check.TTL, f"TTL {datagram.ttl}, expected 255")


def version(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify the VRRP version": the one this virtual router speaks."""
    check_version(datagram.message, (expect.version,))


def kind(datagram: Datagram, expect: Expectation) -> None:
    """Section 5.3.2: "a packet with unknown type MUST be discarded"."""
    check_type(datagram.message)


def length(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: the packet MUST be complete; and, as all implementations want it, no longer."""
    check_length(datagram.message, datagram.source.version)


def checksum(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify the VRRP checksum"."""
    check_checksum(datagram.message, datagram.source, datagram.destination)


def auth_known(datagram: Datagram, expect: Expectation) -> None:
    """RFC 2338 section 5.3.6: unknown authentication types MUST be discarded."""
    if expect.version == 2 and datagram.message[4] > AuthType.AH.value:
        raise PacketError(Check.AUTH_UNKNOWN, f"unknown auth type {datagram.message[4]}")


def auth_type(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify that the Auth Type matches" ours; password or not, both ways."""
    if expect.version != 2:
        return
    mine = AuthType[expect.auth.kind]
    if datagram.message[4] != mine.value:
        theirs = AuthType(datagram.message[4])
        raise PacketError(Check.AUTH_TYPE, f"authentication {theirs.name}, ours is {mine.name}")


def auth_data(datagram: Datagram, expect: Expectation) -> None:
    """RFC 2338 section 5.3.10: the password must be ours; compared in constant time."""
    if expect.version != 2 or expect.auth.kind != "PASS":
        return
    if not hmac.compare_digest(datagram.message[-AUTH_BYTES:], expect.auth.password):
        raise PacketError(Check.AUTH_DATA, "wrong password")


def count(datagram: Datagram, expect: Expectation) -> None:
    """RFC 9568 section 5.2.5 (erratum 8299): version 3 without addresses is ignored."""
    if expect.version == 3 and datagram.message[3] == 0:
        raise PacketError(Check.COUNT, "no addresses at all")


def interval(datagram: Datagram, expect: Expectation) -> None:
    """Version 2: "MUST verify that the Adver Interval is the same as the locally configured".

    Version 3 learns the interval instead, but never from a zero (erratum 8301).
    """
    theirs = read(datagram.message, datagram.source.version).interval
    if theirs == 0 or (expect.version == 2 and theirs != expect.interval):
        raise PacketError(
            Check.INTERVAL, f"interval {seconds(theirs)}, ours is {seconds(expect.interval)}"
        )


def destination(datagram: Datagram, expect: Expectation) -> None:
    """A multicast router hears only what was sent to the group (keepalived)."""
    if not datagram.destination.is_multicast:
        raise PacketError(Check.DESTINATION, f"sent to {datagram.destination}, not to the group")


def source(datagram: Datagram, expect: Expectation) -> None:
    """Our own words looped back, or somebody with our address: neither takes part."""
    if datagram.source == expect.source:
        raise PacketError(Check.SOURCE, "sent from our own address")


CHECKS: tuple[Callable[[Datagram, Expectation], None], ...] = (
    ttl,
    version,
    kind,
    length,
    checksum,
    auth_known,
    auth_type,
    auth_data,
    count,
    interval,
    destination,
    source,
)


class Segment:
    """VRRP on one interface: one socket, and the virtual routers that share it."""

    def __init__(self, interface: str, wire: Wire, log: Log) -> None:
        self.interface = interface
        self.wire = wire
        self.log = log
        self.routers: dict[int, VirtualRouter] = {}
        self.channel: Channel | None = None
        self.index: int | None = None
        self.counters: Counter[str] = Counter()

    def attend(self, index: int | None) -> None:
        """Listen on the interface with this index; None: it does not exist at present.

        A new index under the old name is a new interface, and needs a new socket.
        """
        if index == self.index and (self.channel is not None or index is None):
            return
        self.close()
        self.index = index
        if index is None:
            return
        try:
            self.channel = self.wire.listen(self.interface, self.receive)
        except OSError as error:
            text = f"cannot listen for VRRP on {self.interface}: {error.strerror or error}"
            self.log.limited(("listen", self.interface), text)

    def send(self, packet: bytes) -> None:
        """Send one IPv4 packet.  Raises OSError, also while the interface does not exist."""
        if self.channel is None:
            raise OSError(f"no VRRP socket on {self.interface}")
        self.channel.send(packet)

    def receive(self, packet: bytes, at: int) -> None:
        """Take one IP packet that arrived at `at` (ns); whatever it holds, nothing is raised."""
        try:
            datagram = parse_ipv4(packet)
            if datagram.protocol != PROTOCOL:
                raise PacketError(Check.AUTH_TYPE, f"IP protocol {datagram.protocol}")
            check_readable(datagram.message)
        except PacketError as error:
            self.counters[error.check.value] += 1
            self.log.limited((error.check, self.interface), f"{self.interface}: dropped: {error}")
            return
        router = self.routers.get(datagram.message[1])
        if router is None:
            self.counters[Check.VRID.value] += 1
            return
        try:
            advert = admit(datagram, router.expectation)
        except PacketError as error:
            router.drop(error, datagram)
            return
        router.hear(advert, datagram, at)

    def close(self) -> None:
        """Stop listening."""
        channel, self.channel, self.index = self.channel, None, None
        if channel is not None:
            channel.close()
