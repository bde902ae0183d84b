"""Reads the captures in tests/data/wire: frames, and the IP packets in them.

    for packet in packets("01"): ...        IP packets of VRRP, header included
    for t, frame in frames("01"): ...       everything, with seconds since the first frame

Classic little-endian pcap with microseconds, which is what tcpdump writes: 24 bytes of header,
then for each frame seconds, microseconds, captured length, real length.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

WIRE = Path(__file__).with_name("data") / "wire"
FILE_HEADER, FRAME = 24, struct.Struct("<IIII")
ETHERNET = 14
VRRP = {4: (23, (112, 51)), 6: (20, (112,))}  # where the protocol stands in a frame, and which
ARP, IPV6 = b"\x08\x06", b"\x86\xdd"


@cache
def frames(number: str) -> tuple[tuple[float, bytes], ...]:
    """(seconds since the first frame, Ethernet frame) for each frame of capture `number`."""
    (path,) = WIRE.glob(f"{number}-*.pcap")
    data, at, found = path.read_bytes(), FILE_HEADER, []
    while at < len(data):
        seconds, micro, length, _ = FRAME.unpack_from(data, at)
        at += FRAME.size
        found.append((seconds + micro / 1e6, data[at : at + length]))
        at += length
    return tuple((t - found[0][0], frame) for t, frame in found)


@cache
def packets(number: str) -> tuple[bytes, ...]:
    """The IP packets of capture `number` that carry VRRP, plain or behind AH."""
    found = []
    for _, frame in frames(number):
        family = {b"\x08\x00": 4, IPV6: 6}.get(frame[12:14])
        if family is not None:
            at, protocols = VRRP[family]
            if frame[at] in protocols:
                found.append(frame[ETHERNET:])
    return tuple(found)


def arps(number: str) -> list[bytes]:
    """The ARP frames of a capture."""
    return [frame for _, frame in frames(number) if frame[12:14] == ARP]


def neighbour_advertisements(number: str) -> list[bytes]:
    """The frames of a capture that hold an ICMPv6 message of type 136."""
    return [f for _, f in frames(number) if f[12:14] == IPV6 and f[20] == 58 and f[54] == 136]
