"""The recorder: one small process that looks and writes down, and decides nothing.

`labs.witness.Witness` starts it with its plan on standard input and reads raw records from its
standard output.  It imports only the standard library, so that it is there at once, and does
nothing but wait on sockets, so that its timestamps are good even while a notebook draws a figure.

    in every host      a netlink socket        addresses and links: first a dump, then each change
    on every port      an AF_PACKET socket     VRRP, gratuitous ARP, unsolicited NA (a BPF filter)
    in the client      a raw ICMP socket       a ping every `interval`, on absolute deadlines
                       an AF_PACKET socket     the replies, with the MAC address that sent them

A socket belongs to the namespace it was opened in, so the process visits each host once, by
setns(2), and from then on watches them all from one loop.
Frames carry the kernel's own time of arrival (SO_TIMESTAMPNS), netlink messages the time when
they were read.
What a full socket buffer lost is said in a LOST record, and the addresses are dumped anew.

It ends when its parent does: at the end of file on standard input, or by PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import errno
import json
import math
import os
import random
import selectors
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

# A record: kind, index (of a host or port in the plan), time, length; then so many bytes.
RECORD = struct.Struct("<BBdI")
READY, NETLINK, FRAME, PING, LOST, FAILED = range(6)
# PING's bytes: sequence number, round-trip time (s, nan for no reply), MAC address of the answerer.
PONG = struct.Struct("<Id6s")
PATIENCE = 1.0  # a ping without a reply for so many seconds is unanswered

# Constants of <linux/...> that the socket module lacks.
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SO_RXQ_OVFL = 26, 35, 40
SOL_RAW, ICMP_FILTER = 255, 1
ETH_P_ALL, ETH_P_IP = 3, 0x0800
NLMSG = struct.Struct("=IHHII")
NLMSG_DONE, RTM_GETLINK, RTM_GETADDR = 3, 18, 22
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100

# Classic BPF: (code, jump if true, jump if false, operand).
LD_W, LD_H, LD_B, TAX, JEQ, JEQ_X, RET = 0x20, 0x28, 0x30, 0x07, 0x15, 0x1D, 0x06
VRRP_AND_ARP = (
    (LD_H, 0, 0, 12),  # 0  EtherType
    (JEQ, 0, 4, 0x0806),  # 1  ARP: is the sender's address the target's?
    (LD_W, 0, 0, 28),
    (TAX, 0, 0, 0),
    (LD_W, 0, 0, 38),
    (JEQ_X, 10, 11, 0),
    (JEQ, 0, 3, 0x0800),  # 6  IPv4: protocol 112, or 51 (AH)
    (LD_B, 0, 0, 23),
    (JEQ, 7, 0, 112),
    (JEQ, 6, 7, 51),
    (JEQ, 0, 6, 0x86DD),  # 10 IPv6: 112, or a neighbour advertisement
    (LD_B, 0, 0, 20),
    (JEQ, 3, 0, 112),
    (JEQ, 0, 3, 58),
    (LD_B, 0, 0, 54),
    (JEQ, 0, 1, 136),
    (RET, 0, 0, 0xFFFF),  # 16 keep
    (RET, 0, 0, 0),  # 17 drop
)


def echo_replies(ident: int) -> tuple[tuple[int, int, int, int], ...]:
    """The filter for IPv4 echo replies (no options) to our own pings."""
    return (
        (LD_B, 0, 0, 23),
        (JEQ, 0, 5, socket.IPPROTO_ICMP),
        (LD_B, 0, 0, 34),
        (JEQ, 0, 3, 0),
        (LD_H, 0, 0, 38),
        (JEQ, 0, 1, ident),
        (RET, 0, 0, 0xFFFF),
        (RET, 0, 0, 0),
    )


class Output:
    """Records on their way to the parent, written together once a turn of the loop."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def add(self, kind: int, index: int, t: float, payload: bytes = b"") -> None:
        self.buffer += RECORD.pack(kind, index, t, len(payload)) + payload

    def lost(self, index: int, t: float, what: str) -> None:
        self.add(LOST, index, t, what.encode())

    def flush(self) -> None:
        while self.buffer:
            del self.buffer[: os.write(sys.stdout.fileno(), self.buffer)]


class Addresses:
    """A netlink socket in one host: a dump of links and addresses, then every change."""

    def __init__(self, index: int, output: Output) -> None:
        self.index, self.output = index, output
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
        self.socket.setblocking(False)
        self.dumped = False  # once at least
        self.dumping = False
        self.stale = False  # something was missed while dumping: dump again
        self.sequence = -1
        self.dump()

    def dump(self) -> None:
        """Ask for all links and then, as the kernel does one dump at a time, for all addresses."""
        if self.dumping:
            self.stale = True
            return
        self.dumping = True
        self.sequence += 1  # even: links; the odd one after it: addresses
        self._ask(RTM_GETLINK)

    def _ask(self, what: int) -> None:
        flags = NLM_F_REQUEST | NLM_F_DUMP
        self.socket.send(NLMSG.pack(NLMSG.size + 4, what, flags, self.sequence, 0) + bytes(4))

    def read(self) -> None:
        """Pass on all that is waiting; after an overflow the dump says what was missed."""
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.output.lost(self.index, time.time(), "netlink messages were lost")
                self.dump()
                continue
            self.output.add(NETLINK, self.index, time.time(), data)
            self._follow(data)

    def _follow(self, data: bytes) -> None:
        """Advance the dump when a part of it is complete."""
        at = 0
        while at + NLMSG.size <= len(data):
            length, kind, flags, sequence, _ = NLMSG.unpack_from(data, at)
            at += max((length + 3) & ~3, NLMSG.size)
            if flags & NLM_F_DUMP_INTR:
                self.stale = True
            if kind != NLMSG_DONE or sequence != self.sequence:
                continue
            if sequence % 2 == 0:
                self.sequence += 1
                self._ask(RTM_GETADDR)
                continue
            again, self.stale, self.dumping = self.stale, False, False
            if again:
                self.dump()
            else:
                self.dumped = True


class Frames:
    """An AF_PACKET socket behind a filter, on one `interface` or (None) on all there are."""

    def __init__(
        self, interface: str | None, protocol: int, program: tuple[tuple[int, int, int, int], ...]
    ) -> None:
        # Protocol 0 hears nothing; Python can bind to an interface later, but not to "all".
        heard = 0 if interface else socket.htons(protocol)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, heard)
        attach(self.socket, program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self.socket.setblocking(False)
        self.dropped = 0
        if interface:
            self.socket.bind((interface, protocol))
        else:
            for _ in self.read():
                pass  # what slipped in before the filter

    def read(self) -> Iterator[tuple[float, int, bytes, int]]:
        """(time, packet type, frame, frames lost before it) of each frame that is waiting."""
        while True:
            try:
                frame, ancillary, _, address = self.socket.recvmsg(1 << 16, 256)
            except BlockingIOError:
                return
            except OSError as error:
                # The interface went down or away: said once, and the netlink witness tells it too.
                if error.errno not in (errno.ENETDOWN, errno.ENXIO, errno.ENODEV):
                    raise
                continue
            t, lost = time.time(), 0
            for _, kind, data in ancillary:
                if kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("@ll", data[:16])
                    t = seconds + nanoseconds * 1e-9
                elif kind == SO_RXQ_OVFL:
                    dropped = struct.unpack("@I", data[:4])[0]
                    lost, self.dropped = dropped - self.dropped, dropped
            yield t, address[2], frame, lost


class Pinger:
    """A ping every `interval` seconds from the client's namespace, and what came back."""

    def __init__(self, target: str, interval: float, output: Output) -> None:
        self.target, self.interval, self.output = target, interval, output
        ident = random.SystemRandom().randrange(1, 0x10000)
        self.ident = ident
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.sender.setblocking(False)
        # Replies come in by the other socket, which sees the Ethernet header.
        self.sender.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("@I", 0xFFFFFFFF))
        self.replies = Frames(None, ETH_P_IP, echo_replies(ident))
        self.sequence = 0
        self.waiting: dict[int, float] = {}
        self.patience: deque[tuple[float, int]] = deque()
        self.due = time.monotonic()

    def turn(self) -> None:
        """Send what is due and give up on what is overdue."""
        now = time.monotonic()
        while self.patience and self.patience[0][0] <= now:
            sequence = self.patience.popleft()[1]
            sent = self.waiting.pop(sequence, None)
            if sent is not None:
                pong = PONG.pack(sequence, math.nan, bytes(6))
                self.output.add(PING, 0, sent, pong)
        if now >= self.due:
            # Deadlines that a busy machine missed are skipped, not made up for in a burst.
            self.due += self.interval * (1 + (now - self.due) // self.interval)
            self._send(now)

    def _send(self, now: float) -> None:
        self.sequence += 1
        head = struct.pack("!BBHHH", 8, 0, 0, self.ident, self.sequence & 0xFFFF)
        body = struct.pack("!II", self.sequence, 0)
        total = sum(struct.unpack("!8H", head + body))
        total = (total & 0xFFFF) + (total >> 16)
        check = ~(total + (total >> 16)) & 0xFFFF
        self.patience.append((now + PATIENCE, self.sequence))
        self.waiting[self.sequence] = time.time()
        # No route, no neighbour, a full queue: this ping will find no answer, and that is the fact.
        with suppress(OSError):
            self.sender.sendto(
                head[:2] + check.to_bytes(2, "big") + head[4:] + body, (self.target, 0)
            )

    def read(self) -> None:
        for t, _, frame, _ in self.replies.read():
            if len(frame) < 46:
                continue
            sequence = struct.unpack_from("!I", frame, 42)[0]
            sent = self.waiting.pop(sequence, None)
            if sent is not None:
                pong = PONG.pack(sequence, max(0.0, t - sent), frame[6:12])
                self.output.add(PING, 0, sent, pong)


def attach(sock: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    """Give a socket a classic BPF filter (struct sock_fprog)."""
    code = b"".join(struct.pack("@HBBI", *step) for step in program)
    keep = ctypes.create_string_buffer(code)
    fprog = struct.pack("@HP", len(program), ctypes.addressof(keep))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """Be in the network namespace of process `pid`.  Raises OSError when there is none."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            enter(there)
            try:
                yield
            finally:
                enter(home)
        finally:
            os.close(there)
    finally:
        os.close(home)


class Recorder:
    """All the sockets of a plan, and the loop that waits on them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.output = Output()
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        self.hosts: list[Addresses] = []
        self.pinger: Pinger | None = None
        self.ready = False
        for index, (name, pid) in enumerate(plan["hosts"]):
            host = self._open(name, pid, partial(Addresses, index, self.output))
            self.hosts.append(host)
            self._watch(host.socket, host.read)
        for index, port in enumerate(plan["ports"]):
            frames = self._open(
                port, plan["switch"], partial(Frames, port, ETH_P_ALL, VRRP_AND_ARP)
            )
            self._watch(frames.socket, self._passing_on(index, frames))
        if plan["client"] is not None:
            pinger = partial(Pinger, plan["target"], plan["interval"], self.output)
            self.pinger = self._open("the client", plan["client"], pinger)

    def _open(self, name: str, pid: int, make: Callable[[], T]) -> T:
        """What `make` returns when called in the network of `pid`; without that, say so and end."""
        try:
            with network_of(pid):
                return make()
        except OSError as error:
            self.output.add(FAILED, 0, time.time(), f"{name}: {error.strerror}".encode())
            self.output.flush()
            raise SystemExit(1) from None

    def _watch(self, sock: socket.socket, read: Callable[[], None]) -> None:
        self.selector.register(sock, selectors.EVENT_READ, read)

    def _passing_on(self, index: int, frames: Frames) -> Callable[[], None]:
        def read() -> None:
            for t, kind, frame, lost in frames.read():
                if lost:
                    self.output.lost(index | 0x80, t, f"{lost} frames were lost")
                self.output.add(FRAME, index, t, bytes([kind]) + frame)

        return read

    def run(self) -> None:
        """Until standard input ends.  Pings begin when every host's dump is in."""
        while True:
            timeout = None
            if self.ready and self.pinger is not None:
                self.pinger.turn()
                timeout = max(0.0, self.pinger.due - time.monotonic())
            self.output.flush()
            for key, _ in self.selector.select(timeout):
                if key.data is None:
                    if not os.read(sys.stdin.fileno(), 4096):
                        return
                    continue
                key.data()
            if not self.ready and all(host.dumped for host in self.hosts):
                self.ready = True
                self.output.add(READY, 0, time.time())
                if self.pinger is not None:
                    self._watch(self.pinger.replies.socket, self.pinger.read)
                    self.pinger.due = time.monotonic()


def plan_from(descriptor: int) -> dict[str, Any]:
    """The first line of standard input, read without touching what follows."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise SystemExit(0)
        line += byte
    plan: dict[str, Any] = json.loads(line)
    return plan


def main() -> None:
    """Die with the parent, leave Ctrl-C to it, and record until it closes our standard input."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        Recorder(plan_from(sys.stdin.fileno())).run()


if __name__ == "__main__":
    main()
