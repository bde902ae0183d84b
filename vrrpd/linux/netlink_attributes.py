"""rtnetlink's attributes: length, type, value, padded to four bytes.

    attribute(RTA_GATEWAY, packed)      one attribute
    nested(RTA_METRICS, a, b)           one that holds others
    attributes(data) -> {type: value}   and back, the first of each type

Contract: `attributes()` never raises; what does not parse is where reading ends.
"""

from __future__ import annotations

import struct
import sys

HEAD = struct.Struct("=HH")


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute with its padding."""
    return HEAD.pack(HEAD.size + len(value), kind) + value + bytes(-len(value) % 4)


def u32(kind: int, value: int) -> bytes:
    """One attribute that holds a 32-bit number."""
    return attribute(kind, struct.pack("=I", value))


def nested(kind: int, *inner: bytes) -> bytes:
    """One attribute that holds others."""
    return attribute(kind, b"".join(inner))


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes in `data` by type."""
    found: dict[int, bytes] = {}
    at = 0
    while at + HEAD.size <= len(data):
        length, kind = HEAD.unpack_from(data, at)
        if length < HEAD.size:
            break
        found.setdefault(kind & 0x3FFF, data[at + HEAD.size : at + length])
        at += (length + 3) & ~3
    return found


def number(value: bytes | None) -> int | None:
    """The number that an attribute holds, in this host's byte order."""
    return None if value is None else int.from_bytes(value, sys.byteorder)
