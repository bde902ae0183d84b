"""`auth_type AH`: the IP authentication header in front of a version 2 Advertisement.

RFC 2338 section 5.3.6.3 asked for it, RFC 3768 dropped it, keepalived still has it.

    | next header 112 | length 4 | 0 | SPI = sender's IPv4 address | sequence | ICV, 12 bytes |

The ICV is the first 96 bits of HMAC-MD5 (RFC 2403) over the IP header, this header with an ICV of
zeros, and the message.  Fields a router on the way may change count as zero: TOS, fragment offset,
header checksum.  keepalived leaves the TTL in for multicast, where it is always 255, and takes it
out for unicast; the password is the key, as eight bytes filled up with zeros.

The sequence number is one counter for all the routers of a group: each continues from the last one
it has seen or sent, and takes nothing that is not later.

RFC 2402 section 3.3.2 forbids it to come round, and asks for a new key instead.  With a key that
people have typed in, no attack needs one, so ours does come round, as the numbers of DNS do
(RFC 1982): of two numbers the later one is at most 2^31 ahead.  So no single number is the end,
and one that is further ahead than any group can get is taken for an old one, and refused.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from vrrpd.packet import AH_BYTES, PROTOCOL, PROTOCOL_AH, Check, Datagram, PacketError, ipv4_packet

ICV_BYTES = 12
AH = struct.Struct("!BBH4sI12s")
LAST = 0xFFFFFFFF
AHEAD = 1 << 31  # what is further ahead is behind; just this is both, lest two refuse each other


def seal(
    message: bytes,
    source: IPv4Address,
    destination: IPv4Address,
    ident: int,
    ttl: int,
    key: bytes,
    sequence: int,
) -> bytes:
    """Return the IPv4 packet that carries `message` behind an authentication header."""
    blank = AH.pack(PROTOCOL, AH_BYTES // 4 - 2, 0, source.packed, sequence, bytes(ICV_BYTES))
    packet = ipv4_packet(blank + message, source, destination, ident, ttl, PROTOCOL_AH)
    header = packet[: len(packet) - AH_BYTES - len(message)]
    icv = integrity(header, blank, message, key, destination.is_multicast)
    return header + blank[:-ICV_BYTES] + icv + message


def integrity(header: bytes, ah: bytes, message: bytes, key: bytes, multicast: bool) -> bytes:
    """The ICV, 12 bytes, of a packet in its three parts."""
    import hashlib  # with OpenSSL behind them they take longer to import than all of `packet.py`
    import hmac

    fixed = bytearray(header)
    fixed[1] = 0
    fixed[6:8] = fixed[10:12] = bytes(2)
    if not multicast:
        fixed[8] = 0
    covered = bytes(fixed) + ah[:-ICV_BYTES] + bytes(ICV_BYTES) + message
    return hmac.new(key, covered, hashlib.md5).digest()[:ICV_BYTES]


def sequence_of(datagram: Datagram) -> int:
    """The sequence number in the authentication header; 0 if there is none."""
    return int.from_bytes(datagram.ah[8:12], "big") if datagram.ah else 0


def later(sequence: int, last: int) -> bool:
    """Whether a number comes after `last`, which is 0 if there was none; 0 itself never does."""
    return sequence != 0 and (last == 0 or 0 < (sequence - last) % (LAST + 1) <= AHEAD)


def following(last: int) -> int:
    """The number after `last`; never 0."""
    return last % LAST + 1


def verify(datagram: Datagram, key: bytes, last: int) -> None:
    """Raise PacketError unless the header is whole, from the sender, sealed with `key` and new.

    `last` is the latest sequence number seen or sent so far.
    """
    import hmac

    following, length, _, spi, sequence, icv = AH.unpack(datagram.ah)
    if following != PROTOCOL or length != AH_BYTES // 4 - 2:
        raise PacketError(Check.AUTH_DATA, "malformed authentication header")
    if spi != datagram.source.packed:
        raise PacketError(Check.AUTH_DATA, f"SPI {IPv4Address(spi)} is not the sender")
    multicast = datagram.destination.is_multicast
    right = integrity(datagram.header, datagram.ah, datagram.message, key, multicast)
    if not hmac.compare_digest(icv, right):
        raise PacketError(Check.AUTH_DATA, "the ICV does not fit: another password?")
    if not later(sequence, last):
        raise PacketError(Check.AUTH_DATA, f"replayed: sequence {sequence}, seen {last} already")
