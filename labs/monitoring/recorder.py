"""The recorder: one small process that looks and writes down, and decides nothing.

`labs.monitoring.observer.Observer` starts it with its plan on standard input and reads raw records
from its
standard output.  It imports only the standard library, so that it is there at once, and does
nothing but wait on sockets, so that its timestamps are good even while a notebook draws a figure.

    in every host      a netlink socket        addresses and links: first a dump, then each change
    on every port      an AF_PACKET socket     VRRP, gratuitous ARP, unsolicited NA (a BPF filter)
    in the client      a Pinger per target     a ping every `interval`, on absolute deadlines,
                                               and the replies, with the MAC address that sent them

A socket belongs to the namespace it was opened in, so the process visits each host once, by
setns(2), and from then on watches them all from one loop.
Frames carry the kernel's own time of arrival (SO_TIMESTAMPNS), netlink messages the time when
they were read.
A LOST record says what a full socket buffer lost; then the addresses are dumped again.

It ends when its parent does: at the end of file on standard input, or by PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from labs.monitoring.packet_socket import ETH_P_ALL, VRRP_AND_ARP, Frames
from labs.monitoring.pinger import Pinger
from labs.monitoring.wire_format import FAILED, FRAME, NETLINK, READY, Output

T = TypeVar("T")

# Constants of <linux/...> that the socket module lacks.
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
NLMSG = struct.Struct("=IHHII")
NLMSG_DONE, RTM_GETLINK, RTM_GETADDR = 3, 18, 22
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100


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
        self.pingers: list[Pinger] = []
        self.ready = False
        for index, (name, pid) in enumerate(plan["hosts"]):
            host = self._open(name, pid, partial(Addresses, index, self.output))
            self.hosts.append(host)
            self._watch(host.socket, host.read)
        for index, (port, pid) in enumerate(plan["ports"]):
            frames = self._open(port, pid, partial(Frames, port, ETH_P_ALL, VRRP_AND_ARP))
            self._watch(frames.socket, self._passing_on(index, frames))
        for index, target in enumerate(plan["targets"] if plan["client"] is not None else ()):
            pinger = partial(Pinger, index, target, plan["interval"], self.output)
            self.pingers.append(self._open("the client", plan["client"], pinger))

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
            if self.ready and self.pingers:
                for pinger in self.pingers:
                    pinger.turn()
                timeout = max(0.0, min(each.due for each in self.pingers) - time.monotonic())
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
                for pinger in self.pingers:
                    self._watch(pinger.replies.socket, pinger.read)
                    pinger.due = time.monotonic()


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
    # A lab that closes waits for the end of our output, and Python has nothing else to finish.
    os._exit(0)
