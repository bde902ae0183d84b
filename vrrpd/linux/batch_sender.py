"""Many Advertisements with one system call: sendmmsg(2), which Python does not offer.

    batch = Batch(libc, socket, packets, idents)
    batch.send(3, 7) -> how many of packets 3, 4, 5 and 6 were sent, from the first on

The packets and the kernel's structures that point to them are made once and stay where they are:
to send them again, only each one's identification is written, and Linux fills in the checksum of
an IP header in any case (raw(7)).

Contract: packets are sent in their order until one is refused.  The kernel does not say why it
refused one that is not the first: to find out, send it alone.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from itertools import accumulate

BITS = 8 * struct.calcsize("P")  # of an address
HEADER = struct.Struct("@P I 4x P N P N i 4x I 4x")  # struct mmsghdr of 64 bits
IOVEC = struct.Struct("@PN")
SOCKADDR_IN = struct.Struct("@HH4s8x")
IDENT = struct.Struct("!H")
AT = 4  # the place of the identification in an IPv4 header


def can_batch(libc: ctypes.CDLL) -> bool:
    """Whether the kernel's structures are as they are here, and libc has sendmmsg."""
    return BITS == 64 and hasattr(libc, "sendmmsg")


class Batch:
    """IPv4 packets to multicast groups, for a raw socket with IP_HDRINCL.

    `idents` are the identifications that were sent last, 1 to 65,535.
    """

    def __init__(
        self,
        libc: ctypes.CDLL,
        raw: socket.socket,
        packets: Sequence[bytes],
        idents: Sequence[int],
    ) -> None:
        self._socket = raw
        self._idents = list(idents)
        self._packets = ctypes.create_string_buffer(b"".join(packets))
        places = list(accumulate(map(len, packets), initial=0))
        self._places = [place + AT for place in places[:-1]]
        names = [SOCKADDR_IN.pack(socket.AF_INET, 0, packet[16:20]) for packet in packets]
        self._names = ctypes.create_string_buffer(b"".join(names))
        at = ctypes.addressof(self._packets)
        vectors = [
            IOVEC.pack(at + place, len(packet))
            for place, packet in zip(places, packets, strict=False)
        ]
        self._vectors = ctypes.create_string_buffer(b"".join(vectors))
        name, vector = ctypes.addressof(self._names), ctypes.addressof(self._vectors)
        size = SOCKADDR_IN.size
        headers = [
            HEADER.pack(name + number * size, size, vector + number * IOVEC.size, 1, 0, 0, 0, 0)
            for number in range(len(packets))
        ]
        self._headers = ctypes.create_string_buffer(b"".join(headers))
        self._address = ctypes.addressof(self._headers)
        self._sendmmsg = libc.sendmmsg
        pointer = ctypes.c_void_p
        self._sendmmsg.argtypes = (ctypes.c_int, pointer, ctypes.c_uint, ctypes.c_int)

    def send(self, first: int, end: int) -> int:
        """Send the packets from number `first` to before `end`, each with its next identification.

        Returns how many were sent, from the first on.  Raises nothing: 0 is also what a refused
        call gives.
        """
        write, packets, idents, places = IDENT.pack_into, self._packets, self._idents, self._places
        for number in range(first, end):
            idents[number] = ident = idents[number] % 0xFFFF + 1
            write(packets, places[number], ident)
        at = self._address + first * HEADER.size
        number = self._socket.fileno()
        return max(0, int(self._sendmmsg(number, at, end - first, socket.MSG_DONTROUTE)))
