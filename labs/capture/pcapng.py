"""pcapng: frames on disk or in a pipe, with the names of interfaces and hosts, and comments.

    file     the section, the names of addresses, each interface, then the frames
    +------------------+-----------------+---------------+---------------+-----+
    | section header   | name resolution | interface 0   | packet        | ... |
    | "VRRP Lab, ..."  | 192.168.1.11    | web1-eth0     | t, interface, |     |
    |                  |   = web1        | nanoseconds   | bytes,comment |     |
    +------------------+-----------------+---------------+---------------+-----+

Wireshark shows their names in the column "Interface name", and the hosts' where "Resolve
network addresses" is on; tcpdump reads the frames and skips the rest.
scapy's own writer knows neither names of addresses nor descriptions of interfaces, so this is ours.
Format: draft-ietf-opsawg-pcapng, sections 4.1 to 4.5.  Only the standard library is imported, for
`labs capture` runs this inside a host.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

SECTION, INTERFACE, NAMES, PACKET = 0x0A0D0D0A, 1, 4, 6
ETHERNET = 1  # LINKTYPE_ETHERNET
# Option codes; those above 1 depend on the block that they are in.
END, COMMENT = 0, 1
APPLICATION = 4  # of a section
NAME, DESCRIPTION, RESOLUTION = 2, 3, 9  # of an interface
NANOSECONDS = b"\x09"  # a time stamp counts 10^-9 s
IPV4, IPV6 = 1, 2  # records of names


def section(comment: str = "") -> bytes:
    """The block that a file begins with."""
    fixed = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return _block(SECTION, fixed + _options((COMMENT, comment), (APPLICATION, "VRRP Lab")))


def interface(name: str, description: str = "") -> bytes:
    """The next interface, counted from 0: its name, and what it is."""
    fixed = struct.pack("<HHI", ETHERNET, 0, 0)
    named = _options((NAME, name), (DESCRIPTION, description), (RESOLUTION, NANOSECONDS))
    return _block(INTERFACE, fixed + named)


def names(known: Mapping[str, str]) -> bytes:
    """Which name each address has, for example {"192.168.1.11": "web1"}."""
    data = b""
    for address, name in known.items():
        packed = ip_address(address).packed
        value = packed + name.encode() + b"\0"
        data += struct.pack("<HH", IPV4 if len(packed) == 4 else IPV6, len(value)) + _padded(value)
    return _block(NAMES, data + struct.pack("<HH", END, 0))


def packet(t: float, frame: bytes, card: int = 0, comment: str = "") -> bytes:
    """A whole Ethernet frame that passed interface number `card` at Unix time `t`."""
    stamp = round(t * 1e9)
    fixed = struct.pack("<IIIII", card, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return _block(PACKET, fixed + _padded(frame) + _options((COMMENT, comment)))


def hosts(text: str) -> dict[str, str]:
    """The names in an /etc/hosts, without those of the machine itself."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and not ip_address(words[0]).is_loopback:
            found[words[0]] = words[1]
    return found


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, str | bytes]) -> bytes:
    """Those options that say something, and the end of them."""
    data = b"".join(_encoded(options))
    return data + struct.pack("<HH", END, 0) if data else b""


def _encoded(options: Iterable[tuple[int, str | bytes]]) -> Iterable[bytes]:
    for code, value in options:
        raw = value.encode() if isinstance(value, str) else value
        if raw:
            yield struct.pack("<HH", code, len(raw)) + _padded(raw)
