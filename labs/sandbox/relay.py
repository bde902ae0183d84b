"""TCP ports of the machine whose connections lead into a lab's network namespace.

    ports = [relay.listen(ip, port) ...]           before the namespaces are made
    namespace.run(command, lambda: relay.start(ports))

    client ──> 127.0.0.1:40001 of the machine ── relay ──> 127.0.0.1:40001 of the lab ── kernel

A socket belongs to the network namespace that its process was in when it was made, and stays there:
so the relay, a few threads of the lab's init, accepts connections of the machine and makes their
continuation in the lab.  It ends with the lab, and nothing else of the lab can use these sockets.

Only the standard library is used, as in labs.sandbox.namespaces.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress

from labs.errors import LabError
from labs.polling import poll

# Connections of one port at the same time; two file descriptors each, of 1024 that a process has.
MOST = 64
BACKLOG = 100
# s that a port may be in use: what was killed a moment ago may still hold it.
FREE_SECONDS = 10.0
_LOOPBACK = "127.0.0.1"
_BYTES = 1 << 16


def listen(ip: str, port: int) -> socket.socket:
    """A listening socket at `ip` (a loopback address, 0.0.0.0 or *) and `port` (0: any free one).

    Raises LabError for another `ip`, and if another program keeps the port for FREE_SECONDS.
    """
    ip = {"*": "0.0.0.0", "localhost": _LOOPBACK}.get(ip, ip)
    if not (ip == "0.0.0.0" or ip.startswith("127.")):
        raise LabError(
            f"a kernel of a lab cannot listen on {ip}: choose the ip 127.0.0.1, or transport 'ipc'"
        )
    refused = ""

    def listening() -> socket.socket | None:
        nonlocal refused
        try:
            return socket.create_server((ip, port), backlog=BACKLOG)
        except OSError as error:
            refused = f"port {port} of {ip} cannot be used: {error.strerror}"
            if error.errno != errno.EADDRINUSE:
                raise LabError(refused) from None
        return None

    listener = poll(listening, FREE_SECONDS, every=0.05)
    if listener is None:
        raise LabError(refused)
    return listener


def start(listeners: Iterable[socket.socket]) -> None:
    """Relay the connections of `listeners` to the same ports here, in threads, for ever."""
    for listener in listeners:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()


def _accept(listener: socket.socket) -> None:
    ip, port = listener.getsockname()[:2]
    target = (_LOOPBACK if ip == "0.0.0.0" else ip, port)
    free = threading.Semaphore(MOST)
    while True:
        free.acquire()
        try:
            outer, _ = listener.accept()
        except OSError:  # the client has gone before it was accepted
            free.release()
            continue
        threading.Thread(target=_join, args=(outer, target, free), daemon=True).start()


def _join(outer: socket.socket, target: tuple[str, int], free: threading.Semaphore) -> None:
    """Carry bytes both ways until both sides have ended, and make the place `free` again."""
    try:
        # Refused while the kernel starts: its clients try again, as they do without a relay.
        with outer, suppress(OSError), socket.create_connection(target) as inner:
            for each in (outer, inner):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
            back.start()
            _copy(outer, inner)
            back.join()
    finally:
        free.release()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Send on what `source` sends, then end the stream to `target`."""
    try:
        while data := source.recv(_BYTES):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side is broken: neither is of use any more
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
