"""Advertisements as bytes: VRRPv2 (RFC 3768 section 5) and VRRPv3 (RFC 9568 section 5).

Contract: `encode()` and `decode()` are inverses for every Advertisement that either RFC allows;
`decode()` accepts nothing else and says which check failed.  No sockets, no time, no state.

Version 2, IPv4 only; all numbers big-endian:

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   Auth Type   |   Adver Int   |          Checksum             |   Adver Int: seconds
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                    IP Address (1) ... (n)                     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                Authentication Data (1) and (2)                |   always 8 bytes
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Version 3, IPv4 and IPv6; no authentication:

    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Version| Type  | Virtual Rtr ID|   Priority    |  IPvX Addr #  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |(rsvd) |     Max Adver Int     |          Checksum             |   centiseconds
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                  IPvX Address (1) ... (n)                     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

The checksum of version 2 covers the message alone.  For version 3 over IPv4, RFC 5798 can be read
either way and the field is split: keepalived and FRR put the pseudo-header in, RFC 9568 leaves it
out.  We send it by default, accept both and report which one matched.
"""

from __future__ import annotations

import struct
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND

PROTOCOL = 112
PROTOCOL_AH = 51
GROUP4 = IPv4Address("224.0.0.18")
GROUP6 = IPv6Address("ff02::12")
ADVERTISEMENT = 1
TOS_INTERNETWORK_CONTROL = 0xC0  # what keepalived and FRR send; no RFC asks for it
CENTISECOND = SECOND // 100
AUTH_BYTES = 8

HEADER = struct.Struct("!BBBBBBH")
IPV4 = struct.Struct("!BBHHHBBH4s4s")
IPV6 = struct.Struct("!IHBB16s16s")
NUMBERED = struct.Struct("!4sH4sH")  # the identification and the checksum of an IPv4 header
AH_BYTES = 24  # what RFC 2402 puts in front of the message under auth_type AH


class AuthType(Enum):
    """RFC 2338 section 5.3.6; RFC 3768 kept the field and only the value 0."""

    NONE = 0
    PASS = 1
    AH = 2


class Check(Enum):
    """The checks an Advertisement can fail; the value is the counter's name.

    Names are RFC 8347's where it has one, keepalived's otherwise.
    """

    LENGTH = "packet-length-errors"
    TTL = "ip-ttl-errors"
    VERSION = "version-errors"
    TYPE = "invalid-type-pkts-rcvd"
    CHECKSUM = "checksum-errors"
    VRID = "vrid-errors"
    AUTH_UNKNOWN = "invalid-authtype"
    AUTH_TYPE = "authtype-mismatch"
    AUTH_DATA = "auth-failure"
    HMAC_MISSING = "auth-ext-missing"
    HMAC_MALFORMED = "auth-ext-malformed"
    HMAC_UNKNOWN_KEY = "auth-ext-unknown-key"
    HMAC_INVALID = "auth-ext-invalid-hmac"
    HMAC_STALE = "auth-ext-stale"
    HMAC_REPLAY = "auth-ext-replay"
    COUNT = "address-count-errors"
    INTERVAL = "interval-errors"
    SOURCE = "own-source"
    DESTINATION = "destination-errors"
    ADDRESS = "link-local-errors"


class PacketError(Exception):
    """A packet that must be discarded: `check` says which rule, the text says what was found."""

    def __init__(self, check: Check, message: str) -> None:
        super().__init__(message)
        self.check = check


class Datagram(NamedTuple):
    """An IP packet taken apart: what the checks need of its header, and the VRRP message.

    `ah` is the authentication header in front of the message, if there is one, and `header` the
    IP header in front of that, which it protects.  `trailer` is what `auth_hmac` puts behind the
    message; until it is split off, it is a part of the message (auth_hmac.py).  `waited` is how
    long (ns) the packet was in the socket before it was read.
    """

    source: IPAddress
    destination: IPAddress
    ttl: int
    protocol: int
    message: bytes
    ah: bytes = b""
    header: bytes = b""
    trailer: bytes = b""
    waited: int = 0


class Advertisement(NamedTuple):
    """One ADVERTISEMENT.  `interval` is in ns; `auth` is 8 bytes, all zero unless PASS.

    `pseudo` says whether the checksum covered the pseudo-header (None for version 2).
    """

    version: int
    vrid: int
    priority: int
    interval: int
    addresses: tuple[IPAddress, ...]
    auth_type: int = AuthType.NONE.value
    auth: bytes = bytes(AUTH_BYTES)
    pseudo: bool | None = None


def encode(
    advert: Advertisement,
    source: IPAddress,
    destination: IPAddress,
    pseudo: bool = True,
    trailer: bytes = b"",
) -> bytes:
    """Return the VRRP message; source and destination count only for version 3's checksum.

    `trailer` is that of `auth_hmac`: it follows the message, and over IPv6, where the checksum
    is that of the whole payload, it counts.

    Raises ValueError for what the wire cannot carry: an interval that is not whole seconds in
    version 2 or outside 1..4095 centiseconds in version 3, over 255 addresses.
    """
    unit = SECOND if advert.version == 2 else CENTISECOND
    interval, rest = divmod(advert.interval, unit)
    if rest or not 1 <= interval <= (255 if advert.version == 2 else 4095):
        raise ValueError(f"version {advert.version} cannot carry {advert.interval} ns")
    if len(advert.addresses) > 255:
        raise ValueError(f"{len(advert.addresses)} addresses, but the count is one byte: 255")
    addresses = b"".join(address.packed for address in advert.addresses)
    high, low = divmod(interval, 256)
    head = (advert.version << 4 | ADVERTISEMENT, advert.vrid, advert.priority)
    if advert.version == 2:
        high = advert.auth_type
        addresses += advert.auth
    count = len(advert.addresses)
    message = HEADER.pack(*head, count, high, low, 0) + addresses
    covered = message + trailer if source.version == 6 else message
    if advert.version == 3 and (pseudo or source.version == 6):
        covered = pseudo_header(source, destination, len(covered)) + covered
    total = checksum(covered)
    return message[:6] + total.to_bytes(2, "big") + message[8:] + trailer


def decode(
    message: bytes,
    source: IPAddress | None = None,
    destination: IPAddress | None = None,
    trailer: bytes = b"",
) -> Advertisement:
    """Read a VRRP message; the addresses are those of the IP header that carried it.

    Without them only version 2 over IPv4 and the message-only checksum can be verified.
    `trailer` is that of `auth_hmac`, split off already; it is not verified.
    Checks, in this order: enough bytes for a header, version, type, exact length, checksum.
    Raises PacketError naming the first one that fails.
    """
    check_readable(message)
    check_version(message, (2, 3))
    check_type(message)
    check_length(message, 6 if source is not None and source.version == 6 else 4)
    pseudo = check_checksum(message, source, destination, trailer)
    return read(message, 6 if source is not None and source.version == 6 else 4, pseudo)


def read(message: bytes, family: int, pseudo: bool | None = None) -> Advertisement:
    """Read the fields of a message that has passed the checks of its shape; cannot fail then."""
    first, vrid, priority, count, high, low, _ = HEADER.unpack_from(message)
    size, kind = (4, IPv4Address) if family == 4 else (16, IPv6Address)
    end = HEADER.size + count * size
    addresses = tuple(kind(message[at : at + size]) for at in range(HEADER.size, end, size))
    version = first >> 4
    if version == 2:
        return Advertisement(
            2, vrid, priority, low * SECOND, addresses, auth_type=high, auth=message[end:]
        )
    # The four reserved bits are masked: a sender's junk there must not become an interval.
    interval = ((high & 0x0F) << 8 | low) * CENTISECOND
    return Advertisement(3, vrid, priority, interval, addresses, pseudo=pseudo)


# The checks of a message's shape, one each, so that `listener.py` can name their order.


def check_readable(message: bytes) -> None:
    """At least the eight bytes every version begins with."""
    if len(message) < HEADER.size:
        raise PacketError(Check.LENGTH, f"only {len(message)} bytes, a header has 8")


def check_version(message: bytes, versions: tuple[int, ...]) -> None:
    """RFC 3768 section 7.1: "MUST verify that the VRRP version is 2"; RFC 9568 says 3."""
    version = message[0] >> 4
    if version not in versions:
        expected = " or ".join(map(str, versions))
        raise PacketError(Check.VERSION, f"version {version}, expected {expected}")


def check_type(message: bytes) -> None:
    """Section 5: type 1 is ADVERTISEMENT, and unknown types MUST be discarded."""
    if message[0] & 0x0F != ADVERTISEMENT:
        raise PacketError(Check.TYPE, f"type {message[0] & 0x0F}, expected 1")


def check_length(message: bytes, family: int) -> None:
    """Exactly as long as its count of addresses says: keepalived and FRR refuse more, too."""
    trailer = AUTH_BYTES if message[0] >> 4 == 2 else 0
    expected = HEADER.size + message[3] * (4 if family == 4 else 16) + trailer
    if len(message) != expected:
        raise PacketError(
            Check.LENGTH,
            f"{len(message)} bytes, but {message[3]} addresses make {expected}",
        )


def check_checksum(
    message: bytes,
    source: IPAddress | None = None,
    destination: IPAddress | None = None,
    trailer: bytes = b"",
) -> bool | None:
    """Verify the checksum; return whether the pseudo-header was in it (None for version 2).

    Over IPv6 it covers the whole payload, and so the trailer of `auth_hmac`.
    """
    version = message[0] >> 4
    six = source is not None and source.version == 6
    if not six and checksum(message) == 0:
        return None if version == 2 else False
    if version == 3 and source is not None and destination is not None:
        payload = message + trailer if six else message
        if checksum(pseudo_header(source, destination, len(payload)) + payload) == 0:
            return True
    raise PacketError(Check.CHECKSUM, f"checksum 0x{message[6:8].hex()} does not fit the message")


def checksum(data: bytes) -> int:
    """RFC 1071: the one's complement of the one's complement sum of 16-bit words.

    2**16 is 1 modulo 65535, so the whole message read as one number leaves that sum as its
    remainder; only all-zero data has to be distinguished from a sum of 0xffff.
    """
    if len(data) % 2:
        data += b"\0"
    number = int.from_bytes(data, "big")
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return total ^ 0xFFFF


def pseudo_header(source: IPAddress, destination: IPAddress, length: int) -> bytes:
    """RFC 768's for IPv4, RFC 8200 section 8.1's for IPv6."""
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, PROTOCOL, length)
    return source.packed + destination.packed + struct.pack("!I3xB", length, PROTOCOL)


# The IPv4 header around it: built by us, so that it is keepalived's to the bit.


def ipv4_packet(
    message: bytes,
    source: IPv4Address,
    destination: IPv4Address,
    ident: int,
    ttl: int = 255,
    protocol: int = PROTOCOL,
) -> bytes:
    """Return an IPv4 packet with TOS 0xc0, DF clear, and its header checksum filled in.

    `ident` is the identification field: keepalived counts its Advertisements there, from 1.
    """
    length = IPV4.size + len(message)
    fields = (0x45, TOS_INTERNETWORK_CONTROL, length, ident & 0xFFFF, 0, ttl, protocol)
    header = IPV4.pack(*fields, 0, source.packed, destination.packed)
    total = checksum(header)
    return header[:10] + total.to_bytes(2, "big") + header[12:] + message


def numbered(packet: bytes, ident: int) -> bytes:
    """An IPv4 packet whose identification was 0, with `ident` in its place; IPv6 has none.

    The header checksum follows as in RFC 1624: a word more in the sum.
    """
    if packet[0] >> 4 == 6:
        return packet
    total = 0xFFFF - (packet[10] << 8 | packet[11]) + ident
    total = 0xFFFF - (total & 0xFFFF) - (total >> 16)
    return NUMBERED.pack(packet[:4], ident, packet[6:10], total) + packet[12:]


def ipv6_packet(
    message: bytes, source: IPv6Address, destination: IPv6Address, hops: int = 255
) -> bytes:
    """Return an IPv6 packet with traffic class 0xc0; the kernel puts in a flow label of its own."""
    first = 6 << 28 | TOS_INTERNETWORK_CONTROL << 20
    fields = (first, len(message), PROTOCOL, hops, source.packed, destination.packed)
    return IPV6.pack(*fields) + message


def parse_ip(packet: bytes) -> Datagram:
    """Take an IPv4 or IPv6 packet apart.  Raises PacketError (LENGTH) if it is not all there."""
    return _parse_ipv6(packet) if packet[:1] and packet[0] >> 4 == 6 else parse_ipv4(packet)


def parse_ipv4(packet: bytes) -> Datagram:
    """Take an IPv4 packet apart, options allowed; link-layer padding behind it is cut off.

    Raises PacketError (LENGTH) if the header or what it promises is not all there.
    """
    if len(packet) < IPV4.size or packet[0] >> 4 != 4:
        raise PacketError(Check.LENGTH, f"no IPv4 header in {len(packet)} bytes")
    start = (packet[0] & 0x0F) * 4
    total = int.from_bytes(packet[2:4], "big")
    ah = AH_BYTES if packet[9] == PROTOCOL_AH else 0
    if start < IPV4.size or total < start + ah or total > len(packet):
        raise PacketError(
            Check.LENGTH, f"IPv4 says {start} + {total - start} bytes, {len(packet)} came"
        )
    return Datagram(
        IPv4Address(packet[12:16]),
        IPv4Address(packet[16:20]),
        packet[8],
        packet[9],
        packet[start + ah : total],
        packet[start : start + ah],
        packet[:start],
    )


def _parse_ipv6(packet: bytes) -> Datagram:
    """Take an IPv6 packet without extension headers apart.  Raises PacketError (LENGTH)."""
    if len(packet) < IPV6.size:
        raise PacketError(Check.LENGTH, f"no IPv6 header in {len(packet)} bytes")
    _, length, protocol, hops, source, destination = IPV6.unpack_from(packet)
    if IPV6.size + length > len(packet):
        raise PacketError(Check.LENGTH, f"IPv6 says {length} bytes, {len(packet) - 40} came")
    message = packet[IPV6.size : IPV6.size + length]
    return Datagram(IPv6Address(source), IPv6Address(destination), hops, protocol, message)


def difference(mine: set[IPAddress], theirs: set[IPAddress]) -> str:
    """What an Advertisement names that we do not, and the other way round, as text."""
    missing = ", ".join(map(str, sorted(mine - theirs, key=int)))
    extra = ", ".join(map(str, sorted(theirs - mine, key=int)))
    parts = (missing and f"lacks {missing}", extra and f"also has {extra}")
    return " and ".join(part for part in parts if part)
