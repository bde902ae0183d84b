"""What happens inside a host, stamped by a process of its own: `python -m tests.bench.observer`.

    observer.py addresses               a line "t count" for every bunch of IPv4 addresses that came
    observer.py pings ADDRESS EVERY     a line "t" for every echo reply; one request each EVERY s

Runs in the host's network namespace, outside the daemon that is measured, and imports next to
nothing.  `t` is Unix time in seconds: the kernel's receive time for replies, the moment of reading
for netlink, whose messages carry no time.
Lines are written while nothing else is happening, so that writing delays no stamp.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from contextlib import suppress

NETLINK_ROUTE, RTMGRP_IPV4_IFADDR, RTM_NEWADDR = 0, 0x10, 20
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
IDLE = 0.02  # s without news after which lines are written


def addresses() -> None:
    """Stamp each RTM_NEWADDR; the records are the time and how many came with that read."""
    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    news.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)  # as much as is allowed
    with suppress(OSError):
        news.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    news.bind((0, RTMGRP_IPV4_IFADDR))
    print("ready", flush=True)
    pending: list[str] = []
    while True:
        if not select.select([news, sys.stdin], [], [], IDLE if pending else None)[0]:
            print("\n".join(pending), flush=True)
            pending.clear()
            continue
        if select.select([sys.stdin], [], [], 0)[0]:
            return
        data = news.recv(1 << 16)
        now = time.time()
        count = at = 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("IH", data, at)
            count += kind == RTM_NEWADDR
            at += (length + 3) & ~3
        if count:
            pending.append(f"{now:.6f} {count}")


def pings(address: str, every: float) -> None:
    """Ask `address` each `every` seconds; stamp what is answered."""
    echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    echo.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    echo.setblocking(False)
    mark = os.getpid() & 0xFFFF
    body = struct.pack(">BBHHH", 8, 0, 0, mark, 1)
    total = sum(struct.unpack(">4H", body))
    request = body[:2] + struct.pack(">H", 0xFFFF - (total % 0xFFFF)) + body[4:]
    print("ready", flush=True)
    due = time.monotonic()
    pending: list[str] = []
    while True:
        ready = select.select([echo, sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]
        if sys.stdin in ready:
            return
        if echo in ready:
            data, control, _, source = echo.recvmsg(2048, 64)
            if source[0] == address and data[20] == 0:
                seconds, nanoseconds = struct.unpack("qq", control[0][2][:16])
                pending.append(f"{seconds + nanoseconds / 1e9:.6f}")
        elif time.monotonic() >= due:
            due += every
            with suppress(OSError):  # no host has the address just now
                echo.sendto(request, (address, 0))
            if pending:
                print("\n".join(pending), flush=True)
                pending.clear()


if __name__ == "__main__":
    if sys.argv[1] == "addresses":
        addresses()
    else:
        pings(sys.argv[2], float(sys.argv[3]))
