"""The listening half of a server in the daemon's loop: a bounded number of clients, no busy wait.

    server = StreamServer(listener, loop, clients, 16, connected)

`connected(connection)` is called for each new client, while `clients` has fewer than 16.

Contract: further clients are closed at once; without a descriptor for the next one, the socket is
left alone for PAUSE, since epoll would report the waiting client again and again.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Sized
from contextlib import suppress

from vrrpd.fsm import SECOND
from vrrpd.ports import EventLoop, Timer

PAUSE = SECOND  # without a descriptor for the next client
SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class StreamServer:
    """Accepts connections on `listener` while `clients` has fewer than `most`.

    `connected` is given each connection, which does not block.  `path` is the file of a Unix
    socket, removed by `close()`; "" for another kind.
    """

    def __init__(
        self,
        listener: socket.socket,
        loop: EventLoop,
        clients: Sized,
        most: int,
        connected: Callable[[socket.socket], None],
        path: str = "",
    ) -> None:
        self._listener = listener
        self._loop = loop
        self._clients = clients
        self._most = most
        self._connected = connected
        self._path = path
        self._pause: Timer | None = None
        listener.setblocking(False)
        self._resume()

    def _accept(self) -> None:
        """Take a new client, or turn it away if there are too many."""
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            if error.errno in SHORTAGES:
                self._loop.remove_reader(self._listener.fileno())
                self._pause = self._loop.call_at(self._loop.now() + PAUSE, self._resume)
            return
        if len(self._clients) >= self._most:
            connection.close()
            return
        connection.setblocking(False)
        self._connected(connection)

    def _resume(self) -> None:
        """Accept clients, from now on or again."""
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Listen no more, and remove the socket's file."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)


def remove_socket(path: str) -> None:
    """Remove the socket that a killed daemon has left; any other file stays.  Raises OSError."""
    os.makedirs(os.path.dirname(path) or ".", 0o755, exist_ok=True)
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
