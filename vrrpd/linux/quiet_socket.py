"""Advertisements that need not wake us: a socket that is read when there is another reason to wake.

    expected, byte for byte  -> this socket: not polled, its packets wait with the kernel's stamps
    everything else          -> the channel's own socket, which wakes the daemon at once

A BACKUP is sent the same Advertisement again and again, and all that it says is when it came.  To
be woken for it costs more than everything else, so it waits here until the daemon wakes for
another reason.  docs/quiet-backup.md has the whole story.

Contract: `read()` yields what has waited, in the order of arrival.  The two sockets of a channel
have filters that exclude each other, so each packet is in one of them.  Both are raw sockets: what
the firewall drops reaches neither, which a packet socket would see.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence

from vrrpd.linux.bpf import ALL, attach, exactly
from vrrpd.linux.loop import Loop

SO_TIMESTAMPNS = 35
SO_MEMINFO, MEMINFO, DROPS = 55, struct.Struct("@9I"), 8  # linux/sock_diag.h
ROUNDS = 8  # Advertisements of each virtual router that fit
COUNTED = 1024  # bytes that Linux counts for a short packet
SLOTS = 64  # packets read with one system call
HEAD = 32  # bytes read of each: the VRID is among them
CONTROL = 64
VRID = {4: 21, 6: 1}  # its place in what a raw socket yields
LATE = 10_000_000  # ns by which a packet may be stamped before the reading that missed it
HEADERS = struct.Struct("@P I 4x P N P N i 4x I 4x")  # struct mmsghdr
IOVEC = struct.Struct("@PN")
STAMPS = struct.Struct("@16xqq32x")  # struct cmsghdr, struct timespec, the rest of a slot
MSG_DONTWAIT = 0x40

_Waiting = list[tuple[int, int]]
"""(moment in ns of the loop's clock, VRID) of each packet, in the order of arrival."""


class QuietSocket:
    """The expected Advertisements of one address family on one interface.

    `templates` are the packets that wait here, by VRID.
    """

    def __init__(self, loop: Loop, interface: str, family: int, protocol: int, room: int) -> None:
        self.loop = loop
        self.family = family
        self.templates: Mapping[int, bytes] = {}
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        self.socket = socket.socket(kind, socket.SOCK_RAW, protocol)
        try:
            self.socket.setblocking(False)
            sol = socket.SOL_SOCKET
            self.socket.setsockopt(sol, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            self.socket.setsockopt(sol, SO_TIMESTAMPNS, 1)
            if room > self.socket.getsockopt(sol, socket.SO_RCVBUF):
                _force(self.socket, room)
            attach(self.socket, exactly((), family, ALL, otherwise=0))
        except OSError:
            self.socket.close()
            raise
        self.room = self.socket.getsockopt(sol, socket.SO_RCVBUF) // (ROUNDS * COUNTED)
        self.dropped = 0
        # When it was read last, and by how much the wall clock was ahead of ours then.
        self.seen = loop.now(), loop.wall() - loop.now()
        self._prepare()
        self.clear()

    def _prepare(self) -> None:
        """Make the buffers of recvmmsg(2): a slot of each for every packet."""
        self._heads = ctypes.create_string_buffer(SLOTS * HEAD)
        self._control = ctypes.create_string_buffer(SLOTS * CONTROL)
        vectors = ctypes.create_string_buffer(SLOTS * IOVEC.size)
        heads, control = ctypes.addressof(self._heads), ctypes.addressof(self._control)
        headers = []
        for at in range(SLOTS):
            IOVEC.pack_into(vectors, at * IOVEC.size, heads + at * HEAD, HEAD)
            vector = ctypes.addressof(vectors) + at * IOVEC.size
            headers.append(HEADERS.pack(0, 0, vector, 1, control + at * CONTROL, CONTROL, 0, 0))
        self._vectors = vectors  # the kernel is given its address
        self._fresh = b"".join(headers)
        self._headers = ctypes.create_string_buffer(self._fresh, len(self._fresh))
        self._recvmmsg = self.loop.libc.recvmmsg
        pointer = ctypes.c_void_p
        self._recvmmsg.argtypes = (ctypes.c_int, pointer, ctypes.c_uint, ctypes.c_int, pointer)
        self._address = ctypes.addressof(self._headers)

    def expect(self, templates: Mapping[int, bytes]) -> None:
        """Have these packets wait here from now on, and no others.  Raises OSError."""
        attach(self.socket, exactly(templates.values(), self.family, HEAD, otherwise=0))
        self.templates = templates

    def clear(self) -> None:
        """Drop what waits: while nothing is expected, the other socket has it, too."""
        self._fetch()
        self.seen = self.loop.now(), self.loop.wall() - self.loop.now()
        self.overflowed()

    def read(self) -> _Waiting:
        """Everything that waits."""
        now = self.loop.now()
        before, offset = self.seen
        self.seen = now, self.loop.wall() - now
        offsets = offset, self.seen[1]
        return [
            (moment(stamp, offsets, before - LATE, self.loop.now()), vrid)
            for vrid, stamp in self._fetch()
        ]

    def read_last(self) -> dict[int, tuple[int, int]]:
        """The moment of the last packet of each VRID that waits, and how many there are."""
        now = self.loop.now()
        before, offset = self.seen
        fetched = self._fetch()
        self.seen = now, self.loop.wall() - now
        if not fetched:
            return {}
        offsets, now = (offset, self.seen[1]), self.loop.now()
        many = Counter(vrid for vrid, _ in fetched)
        return {
            vrid: (moment(stamp, offsets, before - LATE, now), many[vrid])
            for vrid, stamp in dict(fetched).items()
        }

    def overflowed(self) -> bool:
        """Whether packets were lost because the receive buffer was full since the last call."""
        data = self.socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
        before, self.dropped = self.dropped, MEMINFO.unpack(data)[DROPS]
        return self.dropped != before

    def _fetch(self) -> list[tuple[int, int]]:
        """(VRID, wall clock stamp in ns) of all that waits."""
        found: list[tuple[int, int]] = []
        descriptor, place = self.socket.fileno(), VRID[self.family]
        while True:
            ctypes.memmove(self._headers, self._fresh, len(self._fresh))
            count = self._recvmmsg(descriptor, self._address, SLOTS, MSG_DONTWAIT, None)
            if count <= 0:
                return found
            vrids = self._heads.raw[place : count * HEAD : HEAD]
            stamps = STAMPS.iter_unpack(self._control.raw[: count * CONTROL])
            found += [
                (vrid, whole * 1_000_000_000 + rest)
                for vrid, (whole, rest) in zip(vrids, stamps, strict=True)
            ]
            if count < SLOTS:
                return found

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def moment(stamp: int, offsets: Sequence[int], since: int, now: int) -> int:
    """When (ns of our clock) a packet came that the wall clock has stamped.

    The wall clock may have been set after it came, or before: `offsets` are its distance from
    ours at the last reading and at this one.  Of the moments that are possible the later one
    counts, and if none is, now does: no takeover is early.
    """
    possible = [at for at in (stamp - offset for offset in offsets) if since <= at <= now]
    return max(possible, default=now)


def _force(one: socket.socket, size: int) -> None:
    """Have the kernel keep `size` bytes for a socket, or as many as it allows."""
    so_rcvbufforce, half = 33, size // 2  # the kernel takes twice the number
    try:
        one.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, half)
    except PermissionError:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, half)
