"""sendmmsg(2) by ctypes: what the kernel is given, and what its answers mean.

A function stands for the kernel's, so that it can refuse.  `tests/lab/test_steady_masters.py` has
the real one.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from vrrpd.fsm import SECOND
from vrrpd.linux import batch_sender
from vrrpd.linux.batch_sender import HEADER, IOVEC, Batch, can_batch
from vrrpd.packet import GROUP4, Advertisement, checksum, encode, ipv4_packet, numbered

SOURCE = IPv4Address("192.0.2.1")
DESCRIPTOR = 7
WRITTEN = 40  # the length that the kernel writes behind each header


def packet(vrid: int, addresses: int = 1, group: IPv4Address = GROUP4) -> bytes:
    vips = tuple(IPv4Address("192.0.2.10") + number for number in range(addresses))
    advert = Advertisement(3, vrid, 150, SECOND, vips)
    return ipv4_packet(encode(advert, SOURCE, group), SOURCE, group, 0)


class Socket:
    """A raw socket, of which a Batch knows the number only."""

    def fileno(self) -> int:
        return DESCRIPTOR


class Kernel:
    """Takes what sendmmsg is given, up to `most` packets; writes their lengths as Linux does.

    Linux also fills in the checksum of an IP header (raw(7)).
    """

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.taken: list[tuple[bytes, bytes]] = []  # destination and packet
        # Batch declares the C types of a function; a method has no attributes.
        libc: Any = SimpleNamespace(sendmmsg=lambda *given: self._send(*given))
        self.libc: ctypes.CDLL = libc

    def batch(self, packets: Sequence[bytes], idents: Sequence[int]) -> Batch:
        raw: Any = Socket()
        return Batch(self.libc, raw, packets, idents)

    def _send(self, descriptor: int, at: int, count: int, flags: int) -> int:
        assert (descriptor, flags) == (DESCRIPTOR, socket.MSG_DONTROUTE)
        if not self.most:
            return -1
        sent = min(count, self.most)
        for place in range(at, at + sent * HEADER.size, HEADER.size):
            fields = HEADER.unpack(ctypes.string_at(place, HEADER.size))
            name, length, vector, vectors, control, space, _, written = fields
            assert (length, vectors, control, space) == (16, 1, 0, 0)
            assert written in (0, WRITTEN)  # of the last call: Linux does not read it
            family, port, to = struct.unpack("@HH4s8x", ctypes.string_at(name, 16))
            assert (family, port) == (socket.AF_INET, 0)
            packet = bytearray(ctypes.string_at(*IOVEC.unpack(ctypes.string_at(vector, 16))))
            packet[10:12] = bytes(2)
            packet[10:12] = checksum(bytes(packet[:20])).to_bytes(2, "big")
            self.taken.append((to, bytes(packet)))
            ctypes.memmove(place + HEADER.size - 8, struct.pack("@I", WRITTEN), 4)
        return sent


def taken(packets: Sequence[bytes], idents: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """What the kernel must be given: each packet is what `numbered` makes of it."""
    made = [numbered(one, ident) for one, ident in zip(packets, idents, strict=True)]
    return [(one[16:20], one) for one in made]


def test_the_packets_are_those_of_the_ordinary_path() -> None:
    kernel = Kernel()
    several = [packet(1), packet(2, 20), packet(3, group=IPv4Address("224.0.0.99"))]
    for ident in (1, 2, 255, 256, 0x7FFF, 0xFFFD, 0xFFFE):
        batch = kernel.batch(several, [ident, 0xFFFE, 1])
        for more in (1, 2):
            kernel.taken.clear()
            assert batch.send(0, 3) == 3
            after = (ident + more - 1) % 0xFFFF + 1
            assert kernel.taken == taken(several, [after, (0xFFFF, 1)[more - 1], 1 + more])


def test_some_of_the_packets() -> None:
    kernel = Kernel()
    everybody = [packet(vrid) for vrid in range(1, 256)]
    batch = kernel.batch(everybody, [7] * 255)
    assert batch.send(0, 10) == 10
    assert batch.send(10, 255) == 245
    assert batch.send(0, 255) == 255
    assert kernel.taken == taken([*everybody, *everybody], [8] * 255 + [9] * 255)


def test_what_is_refused_ends_the_batch() -> None:
    kernel = Kernel(most=2)
    several = [packet(vrid) for vrid in (1, 2, 3, 4)]
    assert kernel.batch(several, [1] * 4).send(1, 4) == 2
    assert [one[21] for _, one in kernel.taken] == [2, 3]


def test_nothing_is_sent_by_a_call_that_fails() -> None:
    assert Kernel(most=0).batch([packet(1)], [1]).send(0, 1) == 0


def test_a_machine_of_32_bits_and_an_old_libc_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Kernel().libc
    assert can_batch(libc)
    assert not can_batch(SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setattr(batch_sender, "BITS", 32)
    assert not can_batch(libc)
