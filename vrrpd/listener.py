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
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vrrpd import auth_header, auth_hmac
from vrrpd.config.globals import Globals
from vrrpd.config.model import Auth, Peer
from vrrpd.events import AdvertReceived, IPAddress
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
    parse_ip,
    read,
)
from vrrpd.packet_signature import shapes
from vrrpd.ports import Channel, Wire
from vrrpd.receive_buffer import enough, room

if TYPE_CHECKING:
    from vrrpd.router import VirtualRouter


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a virtual router accepts; `interval` in ns, `source` its own primary address.

    `sequence` is the latest number seen in an authentication header; `peers` are the senders that
    count, if there are any, each with the range its TTL must be in; with `strangers`, so does who
    is on the same link.  `verifier` is for `auth_hmac`, and remembers what it has accepted.
    `empty`: we have no address ourselves.
    """

    version: int
    interval: int
    auth: Auth
    source: IPAddress
    unicast: bool = False
    sequence: int = 0
    strict: bool = False
    peers: tuple[Peer, ...] = ()
    verifier: auth_hmac.Verifier | None = None
    empty: bool = False
    strangers: bool = True


def admit(datagram: Datagram, expect: Expectation) -> Advertisement:
    """Return the Advertisement, or raise PacketError for the first check that fails."""
    for check in CHECKS:
        check(datagram, expect)
    ends = datagram.source, datagram.destination
    pseudo = check_checksum(datagram.message, *ends, datagram.trailer)
    return read(datagram.message, datagram.source.version, pseudo)


def ttl(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify that the IP TTL is 255": nobody beyond a router can send that.

    Unicast peers may be beyond one (keepalived); see `peer`.
    """
    if datagram.ttl != 255 and not expect.unicast:
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
    ends = datagram.source, datagram.destination
    check_checksum(datagram.message, *ends, datagram.trailer)


def auth_known(datagram: Datagram, expect: Expectation) -> None:
    """RFC 2338 section 5.3.6: unknown authentication types MUST be discarded."""
    if expect.version == 2 and datagram.message[4] > AuthType.AH.value:
        raise PacketError(Check.AUTH_UNKNOWN, f"unknown auth type {datagram.message[4]}")


def auth_type(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify that the Auth Type matches" ours; password or not, both ways."""
    if expect.version != 2:
        return
    mine = AuthType[expect.auth.kind]
    if datagram.message[4] != mine.value or bool(datagram.ah) != (mine is AuthType.AH):
        theirs = AuthType(datagram.message[4])
        raise PacketError(Check.AUTH_TYPE, f"authentication {theirs.name}, ours is {mine.name}")


def auth_data(datagram: Datagram, expect: Expectation) -> None:
    """RFC 2338 section 5.3.10: the password must be ours; compared in constant time."""
    if expect.version == 2 and expect.auth.kind == "AH":
        auth_header.verify(datagram, expect.auth.password, expect.sequence)
    elif (
        expect.version == 2
        and expect.auth.kind == "PASS"
        and not hmac.compare_digest(datagram.message[-AUTH_BYTES:], expect.auth.password)
    ):
        raise PacketError(Check.AUTH_DATA, "wrong password")


def trailer(datagram: Datagram, expect: Expectation) -> None:
    """keepalived's auth_hmac: from the holder of a key, and new; see auth_hmac.py."""
    if expect.verifier is not None:
        expect.verifier.check(datagram)


def count(datagram: Datagram, expect: Expectation) -> None:
    """RFC 9568 section 5.2.5 (erratum 8299): version 3 without addresses is ignored.

    Unless we have none either: no_virtual_ipaddress is for that (keepalived 2.2.8).
    """
    if expect.version == 3 and datagram.message[3] == 0 and not expect.empty:
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


def link_local(datagram: Datagram, expect: Expectation) -> None:
    """RFC 9568 erratum 8300: over IPv6 the first address must be a link-local one.

    Everybody in the field accepts another; only `strict` does not.
    """
    if not expect.strict or datagram.source.version == 4:
        return
    for first in read(datagram.message, 6).addresses[:1]:
        if not first.is_link_local:
            raise PacketError(Check.ADDRESS, f"the first address, {first}, is not link-local")


def destination(datagram: Datagram, expect: Expectation) -> None:
    """A multicast router hears only what was sent to a group, a unicast one what was not."""
    if datagram.destination.is_multicast == expect.unicast:
        expected = "to us" if expect.unicast else "to the group"
        raise PacketError(Check.DESTINATION, f"sent to {datagram.destination}, not {expected}")


def peer(datagram: Datagram, expect: Expectation) -> None:
    """Only configured peers, from as far as they may be, and who can only be on this link.

    keepalived hears everybody; with check_unicast_src, nobody but the peers, and so do we.
    """
    if not expect.peers:
        return
    known = next((one for one in expect.peers if one.ip == datagram.source), None)
    if known is None and datagram.ttl == 255 and expect.strangers:
        return
    if known is None:
        where = "" if datagram.ttl == 255 else f", and TTL {datagram.ttl} is not from this link"
        raise PacketError(Check.SOURCE, f"{datagram.source} is not a unicast peer{where}")
    if not known.min_ttl <= datagram.ttl <= known.max_ttl:
        allowed = f"{known.min_ttl}..{known.max_ttl}"
        raise PacketError(Check.TTL, f"TTL {datagram.ttl}, expected {allowed} from this peer")


def source(datagram: Datagram, expect: Expectation) -> None:
    """Our own words looped back, or somebody with our address: neither takes part."""
    if datagram.source == expect.source:
        raise PacketError(Check.SOURCE, "sent from our own address")


REMEMBERED = 1024  # packets of a segment that need not be checked again
CHECKS: tuple[Callable[[Datagram, Expectation], None], ...] = (
    ttl,
    version,
    kind,
    length,
    checksum,
    auth_known,
    auth_type,
    auth_data,
    trailer,
    count,
    interval,
    link_local,
    destination,
    peer,
    source,
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a virtual router lives: an interface, an address family and an IP protocol."""

    interface: str
    family: int = 4
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Known:
    """A packet that `router` has admitted while it expected `expectation`, and what it says."""

    router: VirtualRouter
    expectation: Expectation
    advert: Advertisement
    received: AdvertReceived


def needs_group(router: VirtualRouter) -> bool:
    """Whether it hears its peers by a multicast group; with `unicast_peer` it does not."""
    return router.group.is_multicast and not router.instance.unicast


class Segment:
    """VRRP in one Place: one socket, and the virtual routers that share it."""

    def __init__(self, place: Place, wire: Wire, log: Log) -> None:
        self.place = place
        self.interface = place.interface
        self.wire = wire
        self.log = log
        self.routers: dict[int, list[VirtualRouter]] = {}
        self.channel: Channel | None = None
        self.index: int | None = None
        self.joined: set[IPAddress] = set()
        self.trouble = ""  # why there is no socket, or not every group
        self.counters: Counter[str] = Counter()
        self.settings = Globals()
        self.known: dict[bytes, Known] = {}  # packets that were admitted

    def add(self, router: VirtualRouter) -> None:
        """From now on this router's packets find it."""
        self.known.clear()
        self.routers.setdefault(router.instance.vrid, []).append(router)
        self.narrow()

    def remove(self, router: VirtualRouter) -> None:
        """This router is no more."""
        self.known.clear()
        mine = self.routers[router.instance.vrid]
        mine.remove(router)
        if not mine:
            del self.routers[router.instance.vrid]
        self.narrow()

    def configure(self, settings: Globals) -> None:
        """These settings are in force from now on."""
        self.settings = settings
        self.make_room()
        self.narrow()

    def make_room(self) -> None:
        """Have as much kept for us as the configuration asks for, or else enough."""
        mine = [router.instance for routers in self.routers.values() for router in routers]
        wanted = room(mine, self.settings)
        if self.channel is not None:
            try:
                if any(wanted):
                    self.channel.make_room(*wanted)
                else:
                    self.channel.have_room(enough(len(mine)))
            except OSError as error:
                text = f"receive buffer on {self.interface}: {error.strerror or error}"
                self.log.limited(("room", self.interface), text)

    def narrow(self) -> None:
        """Hear only what is for our virtual routers, unless somebody wants to know of others."""
        if self.channel is not None:
            vrids = () if self.settings.log_unknown_vrids else tuple(self.routers)
            routers = [router for mine in self.routers.values() for router in mine]
            mine = [(router.instance, router.params.priority) for router in routers]
            with suppress(OSError):  # what it cannot keep from us we drop
                self.channel.only(vrids, shapes(mine))

    def attend(self, index: int | None) -> None:
        """Listen on the interface with this index; None: it does not exist at present.

        A new index under the old name is a new interface, and needs a new socket.  What was not
        possible the last time is tried again; see `deaf()`.
        """
        if index != self.index:
            self.close()
        self.index = index
        if index is None:
            return
        place = self.place
        if self.channel is None:
            try:
                self.channel = self.wire.listen(
                    place.interface, place.family, place.protocol, self.receive
                )
            except OSError as error:
                self.complain(error)
                return
            self.trouble = ""
            self.make_room()
            self.narrow()
        for mine in self.routers.values():
            for router in mine:
                self.join(router)

    def join(self, router: VirtualRouter) -> None:
        """Hear the multicast group of a router that has one, now or when there is a socket."""
        group = router.group
        if self.channel is not None and needs_group(router) and group not in self.joined:
            try:
                self.channel.join(group)
                self.joined.add(group)
            except OSError as error:
                self.complain(error)

    def deaf(self, router: VirtualRouter) -> str | None:
        """Why this router cannot hear its peers on an interface that exists, or None."""
        if self.index is None:
            return None
        if self.channel is None or (needs_group(router) and router.group not in self.joined):
            return self.trouble
        return None

    def complain(self, error: OSError) -> None:
        """The machine does not let us listen."""
        text = f"cannot listen for VRRP on {self.interface}: {error.strerror or error}"
        if text != self.trouble:  # it is tried again every second
            self.log.limited(("listen", self.interface), text)
        self.trouble = text

    def send(self, packet: bytes) -> None:
        """Send one IP packet.  Raises OSError, also while the interface does not exist."""
        if self.channel is None:
            raise OSError(f"no VRRP socket on {self.interface}")
        self.channel.send(packet)

    def receive(self, packet: bytes, at: int) -> None:
        """Take one IP packet that arrived at `at` (ns); whatever it holds, nothing is raised.

        A master says the same again and again: but for identification and header checksum, which
        nobody checks here, the packet has been admitted before.
        """
        key = packet[:4] + packet[6:10] + packet[12:]
        known = self.known.get(key)
        if known is not None and known.router.expected is known.expectation:
            known.router.hear(known.advert, known.received, at)
            return
        try:
            datagram = parse_ip(packet)
            vrid = find_vrid(datagram)
        except PacketError as error:
            self.counters[error.check.value] += 1
            self.log.limited((error.check, self.interface), f"{self.interface}: dropped: {error}")
            return
        router = self.find(vrid, datagram)
        if router is None:
            self.unknown(vrid, datagram)
            return
        if router.instance.owner_ignore_adverts and router.instance.is_owner:
            text = f"({router.name}) Dropping packet(s) since we are address owner"
            self.log.limited(("owner", router.name), text)
            return
        expectation = router.expectation
        if expectation.verifier is not None:
            message, signed = auth_hmac.split(datagram.message, datagram.source.version)
            waited = max(0, router.ports.clock.now() - at)
            datagram = replace(datagram, message=message, trailer=signed, waited=waited)
        try:
            advert = admit(datagram, expectation)
        except PacketError as error:
            router.drop(error, datagram)
            return
        received = AdvertReceived(advert.priority, datagram.source, advert.interval)
        if not datagram.ah and expectation.verifier is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[key] = Known(router, expectation, advert, received)
        router.hear(advert, received, at, auth_header.sequence_of(datagram))

    def unknown(self, vrid: int, datagram: Datagram) -> None:
        """A packet for a virtual router that we have not got; that is no mistake of anybody."""
        self.counters[Check.VRID.value] += 1
        if self.settings.log_unknown_vrids:
            text = f"Unknown VRID({vrid}) received on interface({self.interface}). ignoring..."
            cause = ("vrid", self.interface, vrid, datagram.source)
            self.log.limited(cause, f"{text} (from {datagram.source})")

    def find(self, vrid: int, datagram: Datagram) -> VirtualRouter | None:
        """The router a packet is for, or None.

        Of several with one VRID: the one in the group it was sent to, or the unicast one that has
        the sender among its peers, and of those the one whose address it was sent to.
        """
        mine = self.routers.get(vrid, [])
        if len(mine) < 2:
            return mine[0] if mine else None
        to = datagram.destination
        if to.is_multicast:
            found = [one for one in mine if not one.instance.unicast and one.group == to]
        else:
            unicast = [one for one in mine if one.instance.unicast]
            found = [one for one in unicast if datagram.source in one.speaker.destinations]
            found.sort(key=lambda one: one.source != to)
        return found[0] if found else None

    def close(self) -> None:
        """Stop listening."""
        channel, self.channel, self.index = self.channel, None, None
        self.joined.clear()
        if channel is not None:
            channel.close()


def find_vrid(datagram: Datagram) -> int:
    """The virtual_router_id of a packet, be there an authentication header or not.

    Raises PacketError if there are not even the bytes for that.
    """
    check_readable(datagram.message)
    return datagram.message[1]
