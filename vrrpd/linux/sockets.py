"""Raw sockets: Advertisements in and out, and ARP frames.

One raw socket for each interface, address family and IP protocol, shared by its virtual routers:
bound to the interface, multicast loop off.  Over IPv4 the header is written by us, so that it is
keepalived's to the bit.  One packet socket for all frames.

    listen("eth0", 4, 112)  -> socket(AF_INET, SOCK_RAW, 112), SO_BINDTODEVICE
    channel.join(group)     -> IP_ADD_MEMBERSHIP
    announce()              -> socket(AF_PACKET, SOCK_RAW)

Contract: every packet is handed over with the moment at which the kernel took it from the wire
(SO_TIMESTAMPNS), not the moment at which we came to read it.  A busy host that reads an
Advertisement late would otherwise wait a whole Master_Down_Interval from there.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from functools import partial

from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.linux.batch_sender import Batch, can_batch
from vrrpd.linux.bpf import INSTRUCTION as SOCK_FILTER
from vrrpd.linux.bpf import MOST, attach, can_compare, detach, exactly, sieve
from vrrpd.linux.loop import Call, Loop
from vrrpd.linux.quiet_socket import MEMINFO, SO_MEMINFO, QuietSocket
from vrrpd.packet import IPV6, PROTOCOL, TOS_INTERNETWORK_CONTROL
from vrrpd.packet_signature import PacketSignature
from vrrpd.ports import Postpone, Receiver, Timer

SO_TIMESTAMPNS = 35
SIOCGIFNAME, SIOCGIFMTU, SIOCGIFINDEX = 0x8910, 0x8921, 0x8933
IFNAMSIZ = 16  # with the final zero
IFREQ = struct.Struct("@16si20x")  # the name of an interface and a number
FIONREAD, NOTHING = 0x541B, bytes(4)  # how long is the next packet? an int, 0 for none
IP_MULTICAST_ALL = 49
IPV6_MULTICAST_ALL = 29
IPV6_FREEBIND = 78
LARGEST = 65535
LONGEST = 8192  # bytes read of a packet: 255 IPv6 addresses are 4,144
VRIDS = 255  # of one interface at the most
BATCH = 64  # packets read in one go before others get their turn
SO_RCVBUFFORCE = 33
# struct sock_filter, and the instructions that filter_for() uses (linux/bpf_common.h)
INSTRUCTION = struct.Struct("@HBBI")
LD_BYTE, LD_BYTE_X, LD_LENGTH, LDX_HEADER_LENGTH = 0x30, 0x50, 0x80, 0xB1
SUB_X, JUMP_EQ, JUMP_GE, RETURN = 0x1C, 0x15, 0x35, 0x06
TIMESPEC = struct.Struct("@ll")
ANCILLARY = socket.CMSG_SPACE(TIMESPEC.size) + socket.CMSG_SPACE(20) + 2 * socket.CMSG_SPACE(4)
SO_RXQ_OVFL = 40
FLOOD = 10 * SECOND  # for so long after an overflow the kernel sieves
STALL = 10  # the first time for so many times less: we may have been busy, with our start for one
QUIET_ROOM = 1 << 18  # bytes that the second socket asks for at least
SETTLE = SECOND // 2  # between the first Advertisement that may be late and the new filters


class RawChannel:
    """VRRP of one address family and IP protocol on one interface."""

    def __init__(
        self,
        loop: Loop,
        interface: str,
        family: int,
        protocol: int,
        receiver: Receiver,
        log: Log | None = None,
        quiet: bool = False,
    ) -> None:
        self.loop = loop
        self.receiver = receiver
        self.may_be_quiet = quiet and protocol == PROTOCOL
        self.quiet: QuietSocket | None = None
        self.expected: Mapping[int, bytes] = {}
        self.postpone: Postpone | None = None
        self.timers: dict[int, Call] = {}  # by VRID: what an expected packet postpones
        self.waits: dict[int, int] = {}  # by VRID: from the packet to the work of that timer (ns)
        self.held: dict[int, tuple[int, int]] = {}  # by VRID: moment of the last one, how many
        self.most = VRIDS  # packets that may wait, as far as is known of the kernel's space
        self.settling: Timer | None = None
        self.family = family
        self.protocol = protocol
        self.interface = interface
        self.log = log
        self.wanted: tuple[Collection[int], Collection[PacketSignature]] = ((), ())
        self.lost = 0  # packets for which there was no space
        self.lost_at: int | None = None  # when (ns) that was noticed last
        self.calm: Timer | None = None  # not None: it sieves, until then
        self.calm_since: int | None = None  # when (ns) that was last over
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        self.socket = socket.socket(kind, socket.SOCK_RAW, protocol)
        try:
            self.index = _index_of(interface, self.socket)
            self.prepare(interface)
        except OSError:
            self.socket.close()
            raise
        self.number = self.socket.fileno()
        loop.add_reader(self.number, self.read)

    def prepare(self, interface: str) -> None:
        """Set the socket up; bound to the device before it joins anything."""
        one = self.socket
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        one.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)  # TC_PRIO_CONTROL
        if self.family == 4:
            one.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            one.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
            way_out = struct.pack("@8xi", self.index)  # struct ip_mreqn
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, way_out)
            return
        six = socket.IPPROTO_IPV6
        one.setsockopt(six, socket.IPV6_MULTICAST_LOOP, 0)
        one.setsockopt(six, IPV6_MULTICAST_ALL, 0)
        # A virtual interface sends from the base's address, which is not on it.
        one.setsockopt(six, IPV6_FREEBIND, 1)
        one.setsockopt(six, socket.IPV6_MULTICAST_IF, self.index)
        one.setsockopt(six, socket.IPV6_TCLASS, TOS_INTERNETWORK_CONTROL)
        one.setsockopt(six, socket.IPV6_RECVPKTINFO, 1)
        one.setsockopt(six, socket.IPV6_RECVHOPLIMIT, 1)

    def join(self, group: IPAddress) -> None:
        """Receive this multicast group; receiving it already is no error.  Raises OSError."""
        try:
            if group.version == 4:
                member = group.packed + struct.pack("@4xi", self.index)
                self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            else:
                member = group.packed + struct.pack("@I", self.index)
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise

    def set_receive_buffer(self, size: int, mtus: int) -> None:
        """Have the kernel keep so much; net.core.rmem_max is the limit.  Raises OSError."""
        if mtus:
            name, _ = _ask(self.socket, SIOCGIFNAME, b"", self.index)
            size += mtus * _ask(self.socket, SIOCGIFMTU, name)[1]
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, min(size, 0x7FFFFFFF))

    def ensure_receive_buffer(self, size: int) -> None:
        """Have the kernel keep at least so much, beyond net.core.rmem_max where it lets us."""
        sol, half = socket.SOL_SOCKET, size // 2  # the kernel takes twice what it is given
        if self.socket.getsockopt(sol, socket.SO_RCVBUF) >= size:
            return
        try:
            self.socket.setsockopt(sol, SO_RCVBUFFORCE, half)
        except PermissionError:
            self.socket.setsockopt(sol, socket.SO_RCVBUF, half)

    def only(self, vrids: Collection[int], shapes: Collection[PacketSignature] = ()) -> None:
        """Have the kernel drop what is for other virtual routers; none: let everything come.

        In a flood it also drops what has none of `shapes`.  Behind an authentication header
        neither is looked for.  Raises OSError.
        """
        self.wanted = vrids, shapes
        self._narrow()

    def _narrow(self, waiting: Mapping[int, bytes] | None = None) -> None:
        """Attach the filter: what is expected, other virtual routers, in a flood all shapes.

        `waiting` are the packets that the other socket is left with, if not all of its templates.
        If the kernel refuses, everything comes.  Raises OSError.
        """
        if waiting is None:
            waiting = {} if self.quiet is None else self.quiet.templates
        first = exactly(waiting.values(), self.family, hit=0)
        then = self._program()
        if not first and not then:
            detach(self.socket)
            return
        try:
            self._replace_filter(first, then)
        except OSError:
            if self.calm is None:
                raise
            self._replace_filter(first, self._filter_of_vrids())  # smaller than that of a flood

    def _replace_filter(self, first: bytes, then: bytes) -> None:
        """Attach a filter; without the former one first, if there is no space for both."""
        program = first + (then or SOCK_FILTER.pack(RETURN, 0, 0, LARGEST))
        try:
            attach(self.socket, program)
        except OSError:
            detach(self.socket)
            attach(self.socket, program)

    def _program(self) -> bytes:
        """The filter of `only()`; empty: everything passes."""
        _, shapes = self.wanted
        if self.protocol == PROTOCOL and shapes and self.calm is not None:
            return sieve(shapes, self.family)
        return self._filter_of_vrids()

    def _filter_of_vrids(self) -> bytes:
        """The filter of `only()` while there is no flood."""
        vrids, _ = self.wanted
        plain = self.protocol == PROTOCOL
        return filter_for(sorted(vrids), self.family) if plain and vrids else b""

    def expect(self, packets: Mapping[int, bytes], postpone: Postpone | None = None) -> None:
        """Have the kernel keep these from waking us: see quiet_socket.py.

        To stop that is urgent and done as soon as the loop is idle; to begin is not.
        """
        if not self.may_be_quiet:
            return
        self.expected, self.postpone = dict(packets), postpone
        now = {} if self.quiet is None else self.quiet.templates
        if any(packets.get(vrid) != packet for vrid, packet in now.items()):
            self.loop.idle.append(self._settle)
        elif len(packets) > len(now) and self.settling is None:
            self.settling = self.loop.call_at(self.loop.now() + SETTLE, self._settle)

    def _settle(self) -> None:
        """Let the two sockets share the packets as `expect()` has it."""
        if self.settling is not None:
            self.settling.cancel()
            self.settling = None
        self.timers.clear()
        if self.number < 0:
            return
        wanted = self._that_fit({} if self.calm is not None else self.expected)
        if self.quiet is None:
            if not wanted or not self._open_quiet():
                return
            wanted = self._that_fit(wanted)
        assert self.quiet is not None
        try:
            self._share(self.quiet, wanted)
        except OSError as error:
            self._start_over(self.quiet, wanted, error)

    def _share(self, quiet: QuietSocket, wanted: Mapping[int, bytes]) -> None:
        """Have `wanted` wait, and nothing else.  Raises OSError."""
        now = quiet.templates
        kept = {vrid: packet for vrid, packet in now.items() if wanted.get(vrid) == packet}
        if kept != now:
            self._narrow(kept)
            self.read()
            quiet.expect(kept)
        if kept != wanted:
            if not kept:
                quiet.clear()
            quiet.expect(wanted)
            self._narrow()

    def _start_over(self, quiet: QuietSocket, wanted: Mapping[int, bytes], error: OSError) -> None:
        """The kernel has no space for the filters: have nothing wait, then as many as it takes.

        It counts the filter before and the new one (net.core.optmem_max).
        """
        while wanted and error.errno in (errno.ENOMEM, errno.EINVAL):
            try:
                self._share(quiet, {})
                self._share(quiet, wanted)
            except OSError as again:
                error, self.most = again, len(wanted) // 2
                wanted = self._that_fit(wanted)
            else:
                return
        self._give_up(error)

    def _that_fit(self, packets: Mapping[int, bytes]) -> Mapping[int, bytes]:
        """As many of the packets as fit into the program and the receive buffer."""
        room = min(self.most, len(packets) if self.quiet is None else self.quiet.room)
        fit = {v: p for v, p in packets.items() if can_compare(p, self.family)}
        fit = dict(list(fit.items())[:room])
        free = MOST - len(self._program()) // SOCK_FILTER.size - 1
        while fit and len(exactly(fit.values(), self.family, 0)) // SOCK_FILTER.size > free:
            fit.popitem()
        return fit

    def _open_quiet(self) -> bool:
        """Whether there is a second socket now."""
        room = max(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), QUIET_ROOM)
        place = self.interface, self.family, self.protocol
        try:
            self.quiet = QuietSocket(self.loop, *place, room)
        except OSError as error:
            self._give_up(error)
            return False
        self.loop.quiet.append(self)
        return True

    def _give_up(self, error: OSError) -> None:
        """Without a second socket everything wakes us, which costs time and nothing else."""
        self.may_be_quiet = False
        if self.log is not None:
            self.log.detail(f"{self.interface}: no quiet socket: {error.strerror or error}")
        if self.quiet is not None:
            detach(self.socket)  # now, or what is expected would reach neither socket
            with suppress(OSError):
                self.read()
            self._close_quiet()
            with suppress(OSError):
                self._narrow()

    def _close_quiet(self) -> None:
        """Close the second socket, if there is one."""
        if self.quiet is not None:
            self.loop.quiet.remove(self)
            self.quiet.close()
            self.quiet = None

    def _note_lost(self, lost: int) -> None:
        """The kernel's number of lost packets; a packet that has waited carries an older one."""
        if 0 < (lost - self.lost) % (1 << 32) < 1 << 31:
            self._overrun(lost)

    def _overrun(self, lost: int) -> None:
        """More has come than we could read, and Advertisements may be among what was lost."""
        more, self.lost = (lost - self.lost) % (1 << 32), lost  # the kernel's number has 32 bits
        self.lost_at = self.loop.now()
        if self.log is not None:
            text = f"{self.interface}: more VRRP than can be read, {more} packets lost"
            self.log.limited(("flood", self.interface), text)
        if self.calm is None:
            now = self.loop.now()
            again = self.calm_since is not None and now - self.calm_since < FLOOD
            self.calm = self.loop.call_at(now + (FLOOD if again else FLOOD // STALL), self.relax)
            if self.quiet is not None and self.quiet.templates:
                self.loop.idle.append(self._settle)  # in a flood everything goes the ordinary way
            with suppress(OSError):
                self.only(*self.wanted)

    def may_have_missed(self, since: int) -> bool:
        """Whether packets were lost or could not be read, or may have been, since then (ns).

        The kernel writes the number of those lost into the next packet that it keeps, which may
        not have come yet: so it is asked.
        """
        try:
            data = self.socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
        except OSError:  # not known before Linux 4.12
            pass
        else:
            (lost,) = MEMINFO.unpack(data)
            if lost != self.lost:
                self._note_lost(lost)
        return self.loop.behind or (self.lost_at is not None and self.lost_at >= since)

    def relax(self) -> None:
        """See whether it is over: if not, the next overflow comes at once."""
        self.calm, self.calm_since = None, self.loop.now()
        with suppress(OSError):
            self.only(*self.wanted)
        self.expect(self.expected, self.postpone)

    def send(self, packet: bytes) -> None:
        """Send one IP packet to the destination in its header.  Raises OSError.

        Over IPv6 the kernel writes the header, with a flow label of its own as for keepalived;
        source, hop limit and destination are taken from ours.
        """
        if self.family == 4:
            # A unicast peer may be beyond a router, a group never is (keepalived).
            flags = socket.MSG_DONTROUTE if packet[16] >> 4 == 14 else 0
            self.socket.sendto(packet, flags, (socket.inet_ntoa(packet[16:20]), 0))
            return
        source, destination, hops = packet[8:24], packet[24:40], packet[7]
        to = socket.inet_ntop(socket.AF_INET6, destination)
        pktinfo = source + struct.pack("@I", self.index)
        six = socket.IPPROTO_IPV6
        ancillary = [
            (six, socket.IPV6_PKTINFO, pktinfo),
            (six, socket.IPV6_HOPLIMIT, struct.pack("@i", hops)),
        ]
        address = (to, 0, 0, self.index if destination[0] in (0xFE, 0xFF) else 0)
        self.socket.sendmsg([packet[IPV6.size :]], ancillary, 0, address)

    @property
    def sends_batches(self) -> bool:
        """Whether packets can be sent together: over IPv4, by sendmmsg(2)."""
        return self.family == 4 and can_batch(self.loop.libc)

    def batch(self, packets: Sequence[bytes], idents: Sequence[int]) -> Batch:
        """Have IPv4 packets to multicast groups ready to be sent again and again."""
        return Batch(self.loop.libc, self.socket, packets, idents)

    def read(self) -> None:
        """Hand over what has arrived, each packet with the moment of its arrival."""
        if self.quiet is None:
            self._read(self.receiver)
        else:
            self._read_both(self.quiet)

    def _read(self, take: Callable[[bytes, int], None]) -> None:
        """Read the socket that wakes us."""
        for _ in range(BATCH):
            try:
                packet, ancillary, _, address = self.socket.recvmsg(LONGEST, ANCILLARY)
            except OSError:  # nothing there; or ENETDOWN, and netlink reports the rest
                return
            if len(ancillary) > 1:
                self._count_lost(ancillary)
            if self.family == 6:
                packet = _with_header(packet, ancillary, address[0])
            take(packet, self._arrival(ancillary))
            # To read nothing costs an exception, which is more than all the rest of this.
            if ioctl(self.number, FIONREAD, NOTHING) == NOTHING:
                return

    def postpone_timers(self) -> bool:
        """Look at the quiet socket, and postpone the timers of which a packet waits.

        Each is handed over by the next `read()`, and until then counts as not yet arrived.  False:
        there is more to do than that.
        """
        quiet, postpone = self.quiet, self.postpone
        if quiet is None or not quiet.templates:
            return True  # nothing waits
        if postpone is None:
            return False
        quiet.fetch()
        # What is in the other socket by now may have come before what has just been read.
        if quiet.lost or ioctl(self.number, FIONREAD, NOTHING) != NOTHING:
            return False
        held, found = self.held, quiet.latest()
        for vrid, at, times in found:
            held[vrid] = at, times + held[vrid][1] if vrid in held else times
        for vrid, at, _ in found:  # after all are held: what one raises costs none of the others
            timer = postpone(vrid, at)
            if isinstance(timer, Call):  # one of our loop's, whose `wake` we can ask
                self.timers[vrid], self.waits[vrid] = timer, timer.wake - at
        return True

    def expecting(self) -> Collection[Timer]:
        """The timers that a packet in the quiet socket postpones, by all that is known."""
        return self.timers.values()

    def skim(self) -> Iterator[int]:
        """With each step, look at what waits in the quiet socket, and keep it for `read()`.

        Yields for how long (ns) none of its timers has work to do, or 0: look closer.
        """
        assert self.quiet is not None
        return self.quiet.skim({v: (one.wake, self.waits[v]) for v, one in self.timers.items()})

    def _read_both(self, quiet: QuietSocket) -> None:
        """Read both sockets, and hand over their packets in the order of arrival.

        The one that wakes us comes first: what is not in the other one by then came later.
        """
        self.timers.clear()  # all may change from here on
        others: list[tuple[int, bytes]] = []
        if ioctl(self.number, FIONREAD, NOTHING) != NOTHING:
            self._read(lambda packet, at: others.append((at, packet)))
        templates = quiet.templates
        if not templates:
            for at, packet in others:
                self._hand_over(packet, at)
            return
        held, self.held = self.held, {}
        self._hand_over_expected(templates, [(vrid, *last) for vrid, last in held.items()])
        quiet.fetch()
        if others:
            self._hand_over_expected(templates, quiet.earlier())
            self._hand_over_in_order(quiet.all(), others, templates)
        else:
            self._hand_over_expected(templates, quiet.latest())
        if quiet.overflowed():
            self._overflowed(templates)

    def _hand_over_in_order(
        self,
        waiting: Iterable[tuple[int, int]],
        others: Iterable[tuple[int, bytes]],
        templates: Mapping[int, bytes],
    ) -> None:
        """Hand over what was in both sockets: (moment, VRID) and (moment, packet).

        Expected ones between which nothing else came are handed over together.
        """
        row: dict[int, tuple[int, int]] = {}
        both: list[tuple[int, int | bytes]] = [*waiting, *others]
        for at, what in sorted(both, key=lambda one: one[0]):
            if isinstance(what, int):
                row[what] = at, 1 + row[what][1] if what in row else 1
                continue
            self._hand_over_expected(templates, [(vrid, *last) for vrid, last in row.items()])
            row.clear()
            self._hand_over(what, at)
        self._hand_over_expected(templates, [(vrid, *last) for vrid, last in row.items()])

    def _hand_over_expected(
        self, templates: Mapping[int, bytes], found: Iterable[tuple[int, int, int]]
    ) -> None:
        """Hand over expected packets: VRID, moment of the last one, and how many."""
        for vrid, at, times in found:
            if vrid in templates:
                self._hand_over(templates[vrid], at, times)

    def _overflowed(self, templates: Mapping[int, bytes]) -> None:
        """Expected packets of unknown routers were lost: each may have come just now.

        A takeover may be late for that once, but it is not early.
        """
        self._overrun(self.lost + 1)
        self.lost -= 1  # not of the socket that counts them
        for packet in templates.values():
            self._hand_over(packet, self.loop.now())

    def _hand_over(self, packet: bytes, at: int, times: int = 1) -> None:
        """Give the receiver what is no longer in a socket; its failure costs no other packet."""
        self.loop.guard(partial(self.receiver, packet, at, times))

    def _arrival(self, ancillary: Sequence[tuple[int, int, bytes]]) -> int:
        """When the kernel received the packet, in ns of the loop's clock."""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                whole, rest = TIMESPEC.unpack(data)
                return self.loop.from_wall(whole * 1_000_000_000 + rest)
        return self.loop.now()

    def _count_lost(self, ancillary: Sequence[tuple[int, int, bytes]]) -> None:
        """Look at what the kernel says of packets that it had no space for."""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                self._note_lost(int.from_bytes(data[:4], sys.byteorder))

    def close(self) -> None:
        """Close the socket; the kernel leaves the groups."""
        for timer in (self.calm, self.settling):
            if timer is not None:
                timer.cancel()
        self._close_quiet()
        self.loop.remove_reader(self.number)
        self.number = -1  # the next file may get the same number
        self.socket.close()


def filter_for(vrids: Sequence[int], family: int) -> bytes:
    """A classic BPF program that lets pass what is for these VRIDs, or too short to know.

    Over IPv4 it sees the IP header, over IPv6 it begins with the VRRP message (raw(7)).
    """
    start: list[tuple[int, int, int, int]] = []
    if family == 4:
        start += [(LDX_HEADER_LENGTH, 0, 0, 0), (LD_LENGTH, 0, 0, 0), (SUB_X, 0, 0, 0)]
    else:
        start += [(LD_LENGTH, 0, 0, 0)]
    start += [(JUMP_GE, 1, 0, 2), (RETURN, 0, 0, LARGEST)]
    start += [(LD_BYTE_X if family == 4 else LD_BYTE, 0, 0, 1)]
    tests = [(JUMP_EQ, len(vrids) - at, 0, vrid) for at, vrid in enumerate(vrids)]
    program = [*start, *tests, (RETURN, 0, 0, 0), (RETURN, 0, 0, LARGEST)]
    return b"".join(INSTRUCTION.pack(*line) for line in program)


def _with_header(message: bytes, ancillary: Sequence[tuple[int, int, bytes]], source: str) -> bytes:
    """The IPv6 packet that a message came in: raw sockets give its header away piece by piece."""
    destination, hops = bytes(16), 0
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination = data[:16]
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT:
            hops = int.from_bytes(data[:4], sys.byteorder)
    sender = socket.inet_pton(socket.AF_INET6, source.partition("%")[0])
    return IPV6.pack(6 << 28, len(message), PROTOCOL, hops, sender, destination) + message


class RawWire:
    """The Wire of a real host."""

    def __init__(self, loop: Loop, log: Log | None = None, quiet: bool = False) -> None:
        self.loop = loop
        self.log = log
        self.quiet = quiet  # expected Advertisements need not wake us
        self.senders: dict[int, socket.socket] = {}  # packet sockets by interface index
        self.named: dict[str, socket.socket] = {}  # those of interfaces that are listened on
        self.asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def listen(self, interface: str, family: int, protocol: int, receiver: Receiver) -> RawChannel:
        """Receive one kind of packet on `interface`.  Raises OSError."""
        sender = self.sender(interface)  # a new MASTER has no time to make one
        place = interface, family, protocol
        channel = RawChannel(self.loop, *place, receiver, self.log, self.quiet)
        self.named[interface] = sender
        return channel

    def sender(self, interface: str) -> socket.socket:
        """A packet socket that sends on `interface`.  Raises OSError.

        Bound, because with an address in every call Python would look up the index each time.
        """
        index = _index_of(interface, self.asking)
        if index not in self.senders:
            self.drop(self.gone)
            # Protocol 0: this socket only sends, so the kernel need not copy it a thing.
            one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            try:
                one.bind((interface, 0))
            except OSError:
                one.close()
                raise
            self.senders[index] = one
        return self.senders[index]

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        """Send frames back to back.  Raises OSError."""
        one = self.named.get(interface) or self.sender(interface)
        try:
            for frame in frames:
                one.send(frame)
        except OSError:
            # An interface with the same index may be another one by now.
            self.drop(lambda index: self.senders[index] is one)
            raise

    def close(self) -> None:
        """Close the sockets for frames; channels are closed one by one."""
        self.drop(lambda index: True)
        self.asking.close()

    def drop(self, which: Callable[[int], bool]) -> None:
        """Close the packet sockets of the interfaces `which` names by index."""
        for index in [index for index in self.senders if which(index)]:
            self.senders.pop(index).close()
        self.named = {name: one for name, one in self.named.items() if one.fileno() >= 0}

    def gone(self, index: int) -> bool:
        """Whether there is no interface of this number any more."""
        try:
            _ask(self.asking, SIOCGIFNAME, b"", index)
        except OSError:
            return True
        return False


def _ask(one: socket.socket, request: int, name: bytes, number: int = 0) -> tuple[bytes, int]:
    """The name and the number that the kernel answers, by a socket that is open already.

    if_nametoindex(3) opens one of its own, and without a free descriptor says "no such interface".
    Raises OSError.
    """
    answer = IFREQ.unpack(ioctl(one, request, IFREQ.pack(name, number)))
    return answer[0], answer[1]


def _index_of(interface: str, one: socket.socket) -> int:
    """The number of an interface.  Raises OSError (ENODEV)."""
    if len(interface.encode()) >= IFNAMSIZ:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return _ask(one, SIOCGIFINDEX, interface.encode())[1]
