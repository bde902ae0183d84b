"""The checks that every received packet must pass, one function each, in the RFC's order.

    admit(datagram, expectation) --> CHECKS, in order --> the Advertisement
                                          \\
                                           +--> PacketError(check)

The order is that of RFC 3768 section 7.1 and RFC 9568 section 7.1; a function quotes the sentence
that it checks.

Contract: pure; of all that is here, only `auth_hmac`'s verifier remembers a packet.
"""

from __future__ import annotations

from collections.abc import Callable

from vrrpd import auth_header, auth_hmac
from vrrpd.config.model import Auth, Peer
from vrrpd.events import IPAddress
from vrrpd.fsm import seconds
from vrrpd.packet import (
    AUTH_BYTES,
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
    read,
)
from vrrpd.record import Record


class Expectation(Record):
    """What a virtual router accepts; `interval` in ns, `source` its own primary address.

    `sequence` is the latest number seen in an authentication header; `peers` are the senders that
    count, if there are any, each with the range its TTL must be in; with `any_neighbor`, so does
    a host on the same link.  `verifier` is for `auth_hmac`, and remembers what it has accepted.
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
    any_neighbor: bool = True


def admit(datagram: Datagram, expect: Expectation) -> Advertisement:
    """Return the Advertisement, or raise PacketError for the first check that fails."""
    for check in CHECKS:
        check(datagram, expect)
    ends = datagram.source, datagram.destination
    pseudo = check_checksum(datagram.message, *ends, datagram.trailer)
    return read(datagram.message, datagram.source.version, pseudo)


def ttl(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify that the IP TTL is 255": no host beyond a router can send that.

    Unicast peers may be beyond one (keepalived); see `peer`.
    """
    if datagram.ttl != 255 and not expect.unicast:
        raise PacketError(Check.TTL, f"TTL {datagram.ttl}, expected 255")


def version(datagram: Datagram, expect: Expectation) -> None:
    """Section 7.1: "MUST verify the VRRP version": that of this virtual router."""
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
    """RFC 2338 section 5.3.10: the password must be ours.

    It need not be compared in constant time: every Advertisement of ours carries it in clear.
    """
    if expect.version == 2 and expect.auth.kind == "AH":
        auth_header.verify(datagram, expect.auth.password, expect.sequence)
    elif (
        expect.version == 2
        and expect.auth.kind == "PASS"
        and datagram.message[-AUTH_BYTES:] != expect.auth.password
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
    """A multicast router receives only what was sent to a group, a unicast one what was not."""
    if datagram.destination.is_multicast == expect.unicast:
        expected = "to us" if expect.unicast else "to the group"
        raise PacketError(Check.DESTINATION, f"sent to {datagram.destination}, not {expected}")


def peer(datagram: Datagram, expect: Expectation) -> None:
    """Only configured peers, from as far as they may be, and who can only be on this link.

    keepalived accepts every sender; with check_unicast_src, only the peers, and so do we.
    """
    if not expect.peers:
        return
    known = next((one for one in expect.peers if one.ip == datagram.source), None)
    if known is None and datagram.ttl == 255 and expect.any_neighbor:
        return
    if known is None:
        where = "" if datagram.ttl == 255 else f", and TTL {datagram.ttl} is not from this link"
        raise PacketError(Check.SOURCE, f"{datagram.source} is not a unicast peer{where}")
    if not known.min_ttl <= datagram.ttl <= known.max_ttl:
        allowed = f"{known.min_ttl}..{known.max_ttl}"
        raise PacketError(Check.TTL, f"TTL {datagram.ttl}, expected {allowed} from this peer")


def source(datagram: Datagram, expect: Expectation) -> None:
    """Our own packet looped back, or another host with our address: neither takes part."""
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
    trailer,
    count,
    interval,
    link_local,
    destination,
    peer,
    source,
)


def find_vrid(datagram: Datagram) -> int:
    """The virtual_router_id of a packet, be there an authentication header or not.

    Raises PacketError if there are not even the bytes for that.
    """
    check_readable(datagram.message)
    return datagram.message[1]
