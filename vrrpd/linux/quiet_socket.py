"""Advertisements that need not wake us: a socket that is read when there is another reason to wake.

    expected, byte for byte  -> this socket: not polled, its packets wait with the kernel's stamps
    everything else          -> the channel's own socket, which wakes the daemon at once

A BACKUP is sent the same Advertisement again and again, and all that it says is when it came.  To
be woken for it costs more than everything else, so it waits here until the daemon wakes for
another reason.  docs/quiet-backup.md has the whole story.

Contract: `fetch()` reads what waits; `all()`, after `earlier()`, or `latest()` take what was read,
in the order of arrival.  `skim()` only finds out when the last ones came, and leaves them for
that.  The two sockets of a channel have filters that exclude each other, so each packet is in one
of them.  Both are raw sockets: what the firewall drops reaches neither, which a packet socket would
see.

Reading has to be inexpensive, because it is most of what a BACKUP does: one system call for many
packets, and Python works on their VRIDs and stamps as a whole.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import add

from vrrpd.fsm import SECOND
from vrrpd.linux.bpf import ALL, attach, exactly
from vrrpd.linux.loop import EARLY, Loop

SO_TIMESTAMPNS = 35
SO_MEMINFO, MEMINFO = 55, struct.Struct("@32xI")  # linux/sock_diag.h: SK_MEMINFO_DROPS is the last
ROUNDS = 8  # Advertisements of each virtual router that fit
COUNTED = 1024  # bytes that Linux counts for a short packet
LEAST = 256  # bytes that Linux counts for any packet
SLOTS = 512  # packets read with one system call
HEAD = 32  # bytes read of each: the VRID is among them
CONTROL = 32  # struct cmsghdr and struct timespec
STAMP = 2  # the place of the seconds among the words of 8 bytes of it
VRID = {4: 21, 6: 1}  # its place in what a raw socket yields
FEW = 32  # timers for which it costs less to look at each packet's stamp by itself
UNREAD = SLOTS - 64  # packets that may be kept in the buffers
STEP = 1_000_000  # ns by which the wall clock may move until what waits is fetched
PROMPT = 100_000  # ns between two looks at the clocks, if no other program has run meanwhile
LATE = 10_000_000  # ns by which a packet may be stamped before the reading that missed it
BITS = 8 * struct.calcsize("P")  # of an address
HEADERS = struct.Struct("@P I 4x P N P N i 4x I 4x")  # struct mmsghdr of 64 bits
IOVEC = struct.Struct("@PN")
MSG_DONTWAIT = 0x40


class QuietSocket:
    """The expected Advertisements of one address family on one interface.

    `templates` are the packets that wait here, by VRID.
    """

    def __init__(self, loop: Loop, interface: str, family: int, protocol: int, room: int) -> None:
        if BITS != 64:  # the kernel's structures are others there
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
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
        space = self.socket.getsockopt(sol, socket.SO_RCVBUF)
        self.room = space // (ROUNDS * COUNTED)
        self.descriptor, self.place = self.socket.fileno(), VRID[family]
        self.turns = space // (LEAST * SLOTS) + 1  # of reading, for all that the buffer can hold
        self.dropped = 0
        self.lost = False  # whether packets were, since the last call of `overflowed()`
        self.vrids = bytearray()  # of the packets that were read, in the order of arrival
        self.whole, self.rest = array("q"), array("q")  # their stamps: seconds and ns
        # Of what `_skim_many()` has found before them, by VRID: the last stamp (ns), and how many.
        self.skimmed: dict[int, int] = {}
        self.counted: Counter[int] = Counter()
        # When it was read, and by how much the wall clock was ahead of ours: last and before that.
        self.seen = _read_clocks(loop)
        self.before = self.seen
        self.filled = 0  # slots with packets that were only skimmed
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
        # The same without conversions, for `skim()`.
        self._receive = ctypes.PyDLL(None).recvmmsg
        self._address = ctypes.addressof(self._headers)
        self._written = memoryview(self._headers).cast("B")
        self._bytes = memoryview(self._heads).cast("B")
        self._words = memoryview(self._control).cast("B").cast("q")

    def expect(self, templates: Mapping[int, bytes]) -> None:
        """Have these packets wait here from now on, and no others.  Raises OSError."""
        attach(self.socket, exactly(templates.values(), self.family, HEAD, otherwise=0))
        self.templates = templates

    def clear(self) -> None:
        """Drop what waits: while nothing is expected, the other socket has it, too."""
        self.fetch()
        self._forget()
        self.lost = False

    def fetch(self) -> None:
        """Read everything that waits, and whether more of it did not fit.

        Not what comes meanwhile, at least not for longer than that takes.
        """
        self.seen = _read_clocks(self.loop)
        self._take_all()
        self._note_lost()

    def _note_lost(self) -> None:
        """Ask the kernel whether packets did not fit."""
        data = self.socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
        before, (self.dropped,) = self.dropped, MEMINFO.unpack(data)
        self.lost = self.lost or self.dropped != before

    def _take_all(self) -> None:
        """Read everything that waits, behind what was read before."""
        descriptor, place = self.descriptor, self.place
        for _ in range(self.turns):
            first, self.filled = self.filled, 0
            address = self._address + first * HEADERS.size
            count = self._recvmmsg(descriptor, address, SLOTS - first, MSG_DONTWAIT, None)
            count = max(count, 0) + first
            if not count:
                break
            self.vrids += self._bytes[place : count * HEAD : HEAD].tobytes()
            slots, words = CONTROL // 8, count * CONTROL // 8
            self.whole.frombytes(self._words[STAMP:words:slots].tobytes())
            self.rest.frombytes(self._words[STAMP + 1 : words : slots].tobytes())
            used = count * HEADERS.size  # the kernel has written there
            self._written[:used] = self._fresh[:used]
            if count < SLOTS:
                break

    def skim(self, timers: Mapping[int, tuple[int, int]]) -> Iterator[int]:
        """With each step, read what waits, and leave it in the buffers for `fetch()`.

        `timers`, by VRID: when (ns) its timer has work to do, and how long after a packet it has.
        Yields for how long (ns) there is nothing to do yet for any of them.  0: it is time to look
        closer, the buffers are full, or the wall clock was set.  If it was set there and back, all
        that is known of a packet is that it has come by now.

        Generators, because all that they need is in their frames: to fetch something that is in
        none of the processor's caches takes longer than what is done with it.
        """
        return self._skim_few(timers) if len(timers) <= FEW else self._skim_many(timers)

    def _skim_few(self, timers: Mapping[int, tuple[int, int]]) -> Iterator[int]:
        """`skim()` where it costs less to look at each stamp by itself."""
        receive, descriptor, headers = self._receive, self.descriptor, self._headers
        heads, words, place = self._bytes, self._words, self.place
        clock, wall, slot_of = time.monotonic_ns, time.time_ns, ctypes.byref
        due, waits = _halves(timers)
        last, (then, ahead) = self.filled, self.seen
        while True:
            begun, free = clock(), slot_of(headers, last * HEADERS.size)
            first, count = last, receive(descriptor, free, SLOTS - last, MSG_DONTWAIT, None)
            if count > 0:
                self.filled = last = first + count
            now = clock()
            offset = wall() - now
            if last > UNREAD or not -STEP < offset - ahead < STEP:
                yield 0
                return
            since, then, missing = then - LATE, begun, len(waits)
            for slot in range(last - 1, first - 1, -1):  # the last one of each VRID
                vrid = heads[slot * HEAD + place]
                word = slot * (CONTROL // 8) + STAMP
                at = words[word] * SECOND + words[word + 1] - offset
                if not since <= at <= now:
                    self.before = now + LATE, offset
                    yield 0
                    return
                when = at + waits.get(vrid, 0)
                if when > due.get(vrid, when):
                    due[vrid], missing = when, missing - 1
                    if not missing:
                        break
            yield max(0, min(due.values()) - EARLY - now)

    def _skim_many(self, timers: Mapping[int, tuple[int, int]]) -> Iterator[int]:
        """`skim()` for many timers: what is found is kept by VRID, and the buffers never fill.

        No instruction of the interpreter is for one packet, and few are for one timer.
        """
        clock, wall = time.monotonic_ns, time.time_ns
        due, waits = _halves(timers)
        then, ahead = self.seen
        while True:
            begun = clock()
            self._take_all()
            self._note_lost()  # short looks may be all that there is for hours
            now = clock()
            offset = wall() - now
            if self.lost or not -STEP < offset - ahead < STEP:
                yield 0
                return
            since, then = then - LATE, begun
            last = self._last_stamps()
            stamps = last.values() or (now + offset,)
            if not (since <= min(stamps) - offset and max(stamps) - offset <= now):
                self.before = now + LATE, offset
                yield 0
                return
            due |= {vrid: at - offset + waits[vrid] for vrid, at in last.items() if vrid in waits}
            yield max(0, min(due.values()) - EARLY - now)
            # Only now: another packet would have woken us before, if it had come before these.
            self.skimmed |= last
            self.counted.update(self.vrids)
            self._empty()

    def earlier(self) -> list[tuple[int, int, int]]:
        """Take what was skimmed before what `all()` yields; the shape is that of `latest()`."""
        skimmed, counted = self.skimmed, self.counted
        self.skimmed, self.counted = {}, Counter()
        return [(v, at, counted[v]) for v, at in self._moments(skimmed)]

    def all(self) -> list[tuple[int, int]]:
        """Take what was read: (moment in ns of the loop's clock, VRID) of each packet."""
        offsets, since, now = self._clocks()
        found = [
            (moment(whole * SECOND + rest, offsets, since, now), vrid)
            for vrid, whole, rest in zip(self.vrids, self.whole, self.rest, strict=True)
        ]
        self._forget()
        return found

    def latest(self) -> list[tuple[int, int, int]]:
        """Take what was read: VRID, moment (ns) of its last packet, and how many there were."""
        if not self.vrids and not self.skimmed:  # as a rule where a MASTER's timers wake us
            self.before = self.seen
            return []
        moments = list(self._moments(self.skimmed | self._last_stamps()))
        counted = self.counted
        counted.update(self.vrids)
        self._forget()
        return [(vrid, at, counted[vrid]) for vrid, at in moments]

    def _last_stamps(self) -> dict[int, int]:
        """By VRID: what the wall clock showed (ns) when the last one of what was read came."""
        seconds = map(SECOND.__mul__, self.whole)
        return dict(zip(self.vrids, map(add, seconds, self.rest), strict=True))

    def _moments(self, stamps: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        """VRID and moment (ns of our clock) of each of these stamps."""
        offsets, since, now = self._clocks()
        behind = min(offsets)
        for vrid, stamp in stamps.items():
            at = stamp - behind
            yield vrid, at if since <= at <= now else moment(stamp, offsets, since, now)

    def _clocks(self) -> tuple[tuple[int, int], int, int]:
        """What `moment()` has to know of the clocks, for what was read since it was last taken."""
        before, offset = self.before
        return (offset, self.seen[1]), before - LATE, self.loop.now()

    def _forget(self) -> None:
        """All that was read is taken."""
        self._empty()
        self.skimmed, self.counted = {}, Counter()
        self.before = self.seen

    def _empty(self) -> None:
        """Nothing was read."""
        self.vrids, self.whole, self.rest = bytearray(), array("q"), array("q")

    def overflowed(self) -> bool:
        """Whether packets were lost because the receive buffer was full since the last call."""
        lost, self.lost = self.lost, False
        return lost

    def close(self) -> None:
        """Close the socket."""
        self.descriptor = -1  # its number may soon be another file's
        self.socket.close()


def _halves(timers: Mapping[int, tuple[int, int]]) -> tuple[dict[int, int], dict[int, int]]:
    """Both parts of the values by themselves: when there is work to do, and how long after."""
    due = {vrid: when for vrid, (when, _) in timers.items()}
    waits = {vrid: wait for vrid, (_, wait) in timers.items()}
    return due, waits


def _read_clocks(loop: Loop) -> tuple[int, int]:
    """What our clock says, and by how much the wall clock is ahead of it (ns).

    It is too little rather than too much if another program runs meanwhile: a packet that is made
    older than it is would end Master_Down_Timer early.
    """
    for _ in range(3):
        before, wall, now = loop.now(), loop.wall(), loop.now()
        if now - before < PROMPT:
            break
    return now, wall - now


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
