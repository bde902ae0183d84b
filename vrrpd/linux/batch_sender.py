"""Many Advertisements with one system call: sendmmsg(2), which Python does not offer.

    BatchSender(libc, descriptor).send(packets, idents) -> how many were sent

Each packet has a buffer of its own that stays: only identification and header checksum are written
into it again, as `packet.numbered` does.  The kernel's structures that point to it stay, too.

Contract: packets are sent in their order until one is refused.  The kernel does not say why it
refused one that is not the first: who wants to know sends it alone.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

BITS = 8 * struct.calcsize("P")  # of an address
HEADER = struct.Struct("@P I 4x P N P N i 4x I 4x")  # struct mmsghdr of 64 bits
IOVEC = struct.Struct("@PN")
SOCKADDR_IN = struct.Struct("@HH4s8x")
NUMBERED = struct.Struct("!H4sH")  # identification, what is between, header checksum
AT = 4  # the place of the identification in an IPv4 header
MOST = 256  # packets sent with one system call; a channel has at most 255 virtual routers
KEPT = 4 * MOST  # packets that are kept ready; each change of priority makes one more


class _Slot(NamedTuple):
    """A packet that is kept ready; `header` points to `vector` and `name`, `vector` to `buffer`.

    `between` is what is between identification and checksum, `total` the checksum's sum without
    the identification.
    """

    buffer: ctypes.Array[ctypes.c_char]
    between: bytes
    total: int
    header: bytes
    vector: ctypes.Array[ctypes.c_char]
    name: ctypes.Array[ctypes.c_char]


class BatchSender:
    """Sends IPv4 packets to multicast groups, by a raw socket with IP_HDRINCL."""

    @staticmethod
    def possible(libc: ctypes.CDLL) -> bool:
        """Whether the kernel's structures are as they are here, and libc has sendmmsg."""
        return BITS == 64 and hasattr(libc, "sendmmsg")

    def __init__(self, libc: ctypes.CDLL, descriptor: int) -> None:
        self.descriptor = descriptor
        self._slots: dict[bytes, _Slot] = {}
        self._latest: list[bytes] = []  # the headers that the kernel was given last
        self._headers = ctypes.create_string_buffer(MOST * HEADER.size)
        self._address = ctypes.addressof(self._headers)
        self._writable = memoryview(self._headers).cast("B")
        self._sendmmsg = libc.sendmmsg
        pointer = ctypes.c_void_p
        self._sendmmsg.argtypes = (ctypes.c_int, pointer, ctypes.c_uint, ctypes.c_int)

    def send(self, packets: Sequence[bytes], idents: Sequence[int]) -> int:
        """Send these, each with its identification in place of 0; how many were, from the first on.

        Raises nothing: 0 is also what a refused call gives.
        """
        headers = []
        slots, write = self._slots, NUMBERED.pack_into
        if len(slots) > KEPT:  # not later: what is in `headers` must stay where it is
            slots.clear()
        for packet, ident in zip(packets[:MOST], idents, strict=False):
            buffer, between, total, header, _, _ = slots.get(packet) or self._keep(packet)
            total += ident  # RFC 1624: a word more in the sum
            write(buffer, AT, ident, between, 0xFFFF - (total & 0xFFFF) - (total >> 16))
            headers.append(header)
        if headers != self._latest:  # the kernel writes only lengths there, which it does not read
            size = len(headers) * HEADER.size
            self._writable[:size] = b"".join(headers)
            self._latest = headers
        count = self._sendmmsg(self.descriptor, self._address, len(headers), socket.MSG_DONTROUTE)
        return max(0, int(count))

    def _keep(self, packet: bytes) -> _Slot:
        """Have a packet ready from now on."""
        buffer = ctypes.create_string_buffer(packet, len(packet))
        address = SOCKADDR_IN.pack(socket.AF_INET, 0, packet[16:20])
        name = ctypes.create_string_buffer(address, len(address))
        part = IOVEC.pack(ctypes.addressof(buffer), len(packet))
        vector = ctypes.create_string_buffer(part, len(part))
        pointers = ctypes.addressof(name), len(address), ctypes.addressof(vector), 1
        header = HEADER.pack(*pointers, 0, 0, 0, 0)
        total = 0xFFFF - int.from_bytes(packet[10:12], "big")
        slot = _Slot(buffer, packet[6:10], total, header, vector, name)
        self._slots[packet] = slot
        return slot
