"""Every frame at a host's interface, to standard output as pcapng: the inside of `labs capture`.

    labs capture web1 | wireshark -k -i -
    labs capture web2 --interface eth0 > web2.pcapng

    labs capture ── exec ──> nsenter (into the host's network) ── exec ──> this program

It ends when the reader of the pipe leaves, with Ctrl-C, or with the host.
An interface that goes down is no end: it may come up again.
Only the standard library is imported; it runs without site-packages.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from labs.capture import pcapng
from labs.monitoring.packet_socket import ETH_P_ALL, SO_TIMESTAMPNS
from vrrpd.command import ended

ROOM = 1 << 23  # bytes of frames that may wait for the reader
SO_RCVBUFFORCE = 33


def listen(interface: str) -> socket.socket:
    """A socket that gets every frame of `interface`, each with its time, from now on.

    Raises OSError if there is no such interface.
    """
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    with suppress(OSError):  # only root of the machine may
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    made.bind((interface, ETH_P_ALL))
    return made


def receive(wire: socket.socket) -> tuple[float, bytes]:
    """The next frame and its Unix time.  Raises OSError when the link goes down or none waits."""
    data, ancillary, _, _ = wire.recvmsg(1 << 16, 256)
    seconds, rest = struct.unpack("@ll", ancillary[0][2][:16])
    return seconds + rest * 1e-9, data


def main() -> None:
    """`plan` in JSON: interface, name, description, comment, names, and a process to end with."""
    sys.exit(ended("labs", partial(capture, json.loads(sys.argv[1]))))


def capture(plan: dict[str, Any]) -> int:
    """Write every frame until the host or the reader ends: the exit status, 0."""
    with suppress(BrokenPipeError, KeyboardInterrupt, ProcessLookupError):
        wire = listen(plan["interface"])
        write(pcapng.section(plan["comment"]))
        write(pcapng.names(plan["names"]))
        write(pcapng.interface(plan["name"], plan["description"]))
        follow(wire, os.pidfd_open(plan["pid"]))
    return 0


def follow(wire: socket.socket, guard: int) -> None:
    """Pass every frame on until the process of `guard` ends or until the reader closes the pipe."""
    wire.setblocking(False)
    events = select.poll()
    events.register(wire, select.POLLIN)
    events.register(guard, select.POLLIN)
    events.register(1, 0)  # errors alone: the other end of the pipe is closed
    while {fd for fd, _ in events.poll()} == {wire.fileno()}:
        while True:
            try:
                t, frame = receive(wire)
            except OSError:  # no more for now; or the interface went down, which is reported once
                break
            write(pcapng.packet(t, frame))


def write(data: bytes) -> None:
    """All of it, at once: who looks on wants to see the frame now."""
    while data:
        data = data[os.write(1, data) :]
