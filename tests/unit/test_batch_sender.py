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
from vrrpd.linux.batch_sender import HEADER, IOVEC, BatchSender
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet, numbered

SOURCE = IPv4Address("192.0.2.1")
DESCRIPTOR = 7
WRITTEN = 40  # the length that the kernel writes behind each header


def packet(vrid: int, addresses: int = 1, group: IPv4Address = GROUP4) -> bytes:
    vips = tuple(IPv4Address("192.0.2.10") + number for number in range(addresses))
    advert = Advertisement(3, vrid, 150, SECOND, vips)
    return ipv4_packet(encode(advert, SOURCE, group), SOURCE, group, 0)


class Kernel:
    """Takes what sendmmsg is given, up to `most` packets; writes their lengths as Linux does."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.taken: list[tuple[bytes, bytes]] = []  # destination and packet
        # BatchSender declares the C types of a function; a method has no attributes.
        libc: Any = SimpleNamespace(sendmmsg=lambda *given: self._send(*given))
        self.libc: ctypes.CDLL = libc
        self.sender = BatchSender(self.libc, DESCRIPTOR)

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
            self.taken.append((to, ctypes.string_at(*IOVEC.unpack(ctypes.string_at(vector, 16)))))
            ctypes.memmove(place + HEADER.size - 8, struct.pack("@I", WRITTEN), 4)
        return sent


def check(kernel: Kernel, packets: Sequence[bytes], idents: Sequence[int]) -> None:
    """Send, and see that each packet is what `numbered` makes of it."""
    kernel.taken.clear()
    assert kernel.sender.send(packets, idents) == len(packets)
    made = [numbered(one, ident) for one, ident in zip(packets, idents, strict=True)]
    assert kernel.taken == [(one[16:20], one) for one in made]


def test_the_packets_are_those_of_the_ordinary_path() -> None:
    kernel = Kernel()
    several = [packet(1), packet(2, 20), packet(3, group=IPv4Address("224.0.0.99"))]
    for ident in (1, 2, 255, 256, 0x7FFF, 0xFFFE, 0xFFFF, 1):
        check(kernel, several, [ident, 0xFFFF, 1])
        check(kernel, several[::-1], [7, ident, ident])


def test_every_identification_has_the_right_checksum() -> None:
    kernel = Kernel()
    step = 251  # a prime: low and high bytes, with and without a carry
    for ident in range(1, 0x10000, step):
        check(kernel, [packet(51)], [ident])


def test_one_router_more_and_one_less() -> None:
    kernel = Kernel()
    everybody = [packet(vrid) for vrid in range(1, 256)]
    check(kernel, everybody, range(1, 256))
    check(kernel, everybody[10:20], [5] * 10)
    check(kernel, everybody, [0xFFFF] * 255)


def test_what_is_refused_ends_the_batch() -> None:
    kernel = Kernel(most=2)
    several = [packet(vrid) for vrid in (1, 2, 3, 4)]
    assert kernel.sender.send(several, [1, 1, 1, 1]) == 2
    assert [one[21] for _, one in kernel.taken] == [1, 2]


def test_nothing_is_sent_by_a_call_that_fails() -> None:
    assert Kernel(most=0).sender.send([packet(1)], [1]) == 0


def test_more_than_one_call_takes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_sender, "MOST", 3)
    assert Kernel().sender.send([packet(vrid) for vrid in range(1, 6)], [1] * 5) == 3


def test_old_packets_are_forgotten_but_not_in_the_middle_of_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_sender, "KEPT", 4)
    kernel = Kernel()
    for first in (1, 4, 7, 10):
        check(kernel, [packet(first + number) for number in range(6)], [9] * 6)
        assert len(kernel.sender._slots) <= 4 + 6


def test_a_machine_of_32_bits_and_an_old_libc_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Kernel().libc
    assert BatchSender.possible(libc)
    assert not BatchSender.possible(SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setattr(batch_sender, "BITS", 32)
    assert not BatchSender.possible(libc)
