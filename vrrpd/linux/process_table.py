"""Which programs run: the kernel's process connector, or /proc looked through once a second.

    connector   one multicast message for every fork, exec, exit and change of name
                needs CAP_NET_ADMIN on the host itself, not in a container or namespace
    scanning    /proc read in small portions, so that no Advertisement waits for it

Which one it is, is logged once.  keepalived has only the first and drops
`vrrp_track_process` where it is refused.

Contract: the watcher is given every process there is before `watch()` returns, then changes.
With scanning, what starts and ends between two rounds is never seen.  Threads are not processes;
a zombie has ended.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice

from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop
from vrrpd.linux.receive_buffers import resize
from vrrpd.ports import Process, ProcessWatcher, Timer

NETLINK_CONNECTOR, CN_IDX_PROC, CN_VAL_PROC = 11, 1, 1
PROC_CN_MCAST_LISTEN, PROC_CN_MCAST_IGNORE = 1, 2
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
CONNECTOR = struct.Struct("=IIIIHH")  # cn_msg: idx, val, seq, ack, length, flags
EVENT = struct.Struct("=IIQ")  # proc_event: what, cpu, timestamp
NONE, FORK, EXEC, COMM, EXIT = 0, 0x1, 0x2, 0x200, 0x80000000
NLMSG_DONE = 3
BUFFER = 1 << 20
TURN = 64  # reports read before others get their turn
ROUND = SECOND  # from one look through /proc to the next
PORTION = 64  # processes looked at in one go, about 2 ms
PAUSE = SECOND // 100  # between two portions


class ProcessTable:
    """The Processes of a real host.  `connector` False: scan even if it would be there."""

    def __init__(self, loop: Loop, log: Log, connector: bool = True, proc: str = "/proc") -> None:
        self.loop = loop
        self.log = log
        self.connector = connector
        self.proc = proc
        self.room: tuple[int | None, bool] = (None, False)  # process_monitor_rcv_bufs, and _force
        self.watcher: ProcessWatcher | None = None
        self.known: dict[int, Process] = {}
        self.socket: socket.socket | None = None
        self.timer: Timer | None = None

    def watch(self, watcher: ProcessWatcher | None) -> None:
        """Report to `watcher` of all processes, now and whenever something changes."""
        self.close()
        self.watcher = watcher
        if watcher is None:
            return
        # Subscribed before the first look, so that nothing is missed in between.
        refused = self._subscribe() if self.connector else "not asked for"
        for pid in self.pids():
            self.look(pid)
        if refused is not None:
            self.log.info(
                f"process events are not available here ({refused}):"
                f" looking through {self.proc} every second"
            )
            self._later(ROUND, self._begin_round)

    def close(self) -> None:
        """Watch nothing."""
        self.known.clear()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.socket is not None:
            self.loop.remove_reader(self.socket.fileno())
            with suppress(OSError):
                self.socket.send(request(PROC_CN_MCAST_IGNORE))
            self.socket.close()
            self.socket = None

    # The table.

    def learn(self, process: Process) -> None:
        """A process is there, perhaps under a new name."""
        if self.known.get(process.pid) != process:
            self.known[process.pid] = process
            if self.watcher is not None:
                self.watcher.process_seen(process)

    def lose(self, pid: int) -> None:
        """A process has ended."""
        if self.known.pop(pid, None) is not None and self.watcher is not None:
            self.watcher.process_gone(pid)

    def look(self, pid: int) -> None:
        """See what /proc says of one process."""
        process = _read_process(pid, self.proc)
        if process is not None:
            self.learn(process)
        else:
            self.lose(pid)

    def pids(self) -> list[int]:
        """The processes that /proc lists."""
        try:
            return [int(name) for name in os.listdir(self.proc) if name.isdecimal()]
        except OSError:
            return []

    # Scanning.

    def _begin_round(self) -> None:
        """Look for what is new and what is gone, in portions."""
        there = self.pids()
        self._later(0, partial(self._go_on, iter(there)))
        present = set(there)
        for pid in [pid for pid in self.known if pid not in present]:
            self.lose(pid)

    def _go_on(self, rest: Iterator[int]) -> None:
        """Look at the next portion; after the last, wait for the next round."""
        portion = list(islice(rest, PORTION))
        if len(portion) < PORTION:
            self._later(ROUND, self._begin_round)
        else:
            self._later(PAUSE, partial(self._go_on, rest))
        for pid in portion:
            self.look(pid)

    def _later(self, delay: int, step: Callable[[], None]) -> None:
        """Take the next step in `delay` ns, whatever becomes of the present one."""
        self.timer = self.loop.call_at(self.loop.now() + delay, step)

    # The connector.

    def _subscribe(self) -> str | None:
        """Ask the kernel for process events; None, or why there are none."""
        try:
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        except OSError as error:
            return error.strerror or str(error)
        try:
            sock.setblocking(False)
            with suppress(OSError):
                resize(sock, *self.room)
            sock.bind((0, CN_IDX_PROC))
            sock.send(request(PROC_CN_MCAST_LISTEN))
            # The kernel answers within send(2), or, from inside a namespace, not at all.
            number = acknowledged(sock.recv(BUFFER))
        except BlockingIOError:
            sock.close()
            return "the kernel does not answer from inside a namespace"
        except OSError as failure:
            sock.close()
            return failure.strerror or str(failure)
        if number:
            sock.close()
            return os.strerror(number)
        self.socket = sock
        self.loop.add_reader(sock.fileno(), self.read_events)
        return None

    def read_events(self) -> None:
        """Take in what the kernel reports."""
        for _ in range(TURN):
            if self.socket is None:
                return
            try:
                data = self.socket.recv(BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._recover()
                continue
            self.happened(data)

    def _recover(self) -> None:
        """Reports were lost: compare everything with /proc."""
        there = self.pids()
        for pid in set(self.known) - set(there):
            self.lose(pid)
        for pid in there:
            self.look(pid)

    def happened(self, data: bytes) -> None:
        """One report of the kernel."""
        report = decode(data)
        if report is None:
            return
        kind, pid, parent = report
        if kind == FORK and parent in self.known:
            mother = self.known[parent]  # a child is its parent's double until it calls exec
            self.learn(Process(pid, mother.name, mother.argv))
        elif kind == EXIT:
            self.lose(pid)
        else:
            self.look(pid)


def request(operation: int) -> bytes:
    """A message to the process connector."""
    body = struct.pack("=I", operation)
    inner = CONNECTOR.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(body), 0) + body
    return HEADER.pack(HEADER.size + len(inner), NLMSG_DONE, 0, 0, os.getpid()) + inner


def acknowledged(data: bytes) -> int:
    """The errno in the kernel's answer to our request; 0 is success."""
    at = HEADER.size + CONNECTOR.size
    if len(data) < at + EVENT.size + 4:
        return errno.EPROTO
    (what, _, _) = EVENT.unpack_from(data, at)
    if what != NONE:
        return 0  # events are coming already
    (number,) = struct.unpack_from("=I", data, at + EVENT.size)
    return abs(int(number))


def decode(data: bytes) -> tuple[int, int, int] | None:
    """(what, process, parent) of a report; None for threads and for what does not matter here."""
    at = HEADER.size + CONNECTOR.size
    if len(data) < at + EVENT.size + 16:
        return None
    what, _, _ = EVENT.unpack_from(data, at)
    first, second, third, fourth = struct.unpack_from("=4I", data, at + EVENT.size)
    if what == FORK:  # parent, parent's group, child, child's group
        return (FORK, third, second) if third == fourth else None
    if what in (EXEC, COMM, EXIT):
        return (what, first, 0) if first == second else None
    return None


def _read_process(pid: int, proc: str = "/proc") -> Process | None:
    """What /proc says of a process; None if it has ended or is a zombie."""
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            stat = file.read(512)
        with open(f"{proc}/{pid}/cmdline", "rb") as file:
            line = file.read(64 * 1024)
    except OSError:
        return None
    begin, end = stat.find(b"("), stat.rfind(b")")  # the name may itself hold brackets
    if stat[end + 2 : end + 3] in (b"Z", b"X"):
        return None
    words = tuple(os.fsdecode(word) for word in line.split(b"\0"))
    argv = words[:-1] if words[-1] == "" else words
    return Process(pid, os.fsdecode(stat[begin + 1 : end]), argv)
