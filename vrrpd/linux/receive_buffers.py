"""How much the kernel keeps on our netlink sockets: `vrrp_netlink_*` and `process_monitor_*`.

    command   answers to what we ask           vrrp_netlink_cmd_rcv_bufs
    events    what others change               vrrp_netlink_monitor_rcv_bufs
    process   processes that begin and end     process_monitor_rcv_bufs

Contract: silently each has DEFAULT bytes, as far as net.core.rmem_max allows; `force` goes
beyond that (SO_RCVBUFFORCE).  A refusal costs a line in the log.
"""

from __future__ import annotations

import socket
from typing import Protocol

from vrrpd.config.globals import Globals
from vrrpd.journal import Log
from vrrpd.linux.rtnetlink import RequestSocket

SO_RCVBUFFORCE = 33
DEFAULT = 1 << 20


class _KernelSockets(Protocol):
    """The sockets of `kernel.py`."""

    command: RequestSocket
    events: socket.socket


class _ProcessSocket(Protocol):
    """The socket of `process_table.py`, while it watches; `room` is for the next one."""

    room: tuple[int | None, bool]
    socket: socket.socket | None


def resize(one: socket.socket, size: int | None, force: bool) -> None:
    """Let the kernel keep so many bytes for a socket (it doubles them).  Raises OSError."""
    option = SO_RCVBUFFORCE if force else socket.SO_RCVBUF
    one.setsockopt(socket.SOL_SOCKET, option, min(size or DEFAULT, 0x7FFFFFFF))


def set_receive_buffers(
    kernel: _KernelSockets, processes: _ProcessSocket, settings: Globals, log: Log
) -> None:
    """Give every socket what the settings say."""
    processes.room = settings.process_monitor_rcv_bufs, settings.process_monitor_rcv_bufs_force
    wanted = {
        "vrrp_netlink_cmd_rcv_bufs": kernel.command.socket,
        "vrrp_netlink_monitor_rcv_bufs": kernel.events,
        "process_monitor_rcv_bufs": processes.socket,
    }
    for name, one in wanted.items():
        try:
            if one is not None:
                resize(one, getattr(settings, name), getattr(settings, f"{name}_force"))
        except OSError as error:
            log.info(f"{name} is not in force: {error.strerror or error}")
