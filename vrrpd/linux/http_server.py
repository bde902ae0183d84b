"""A small HTTP server inside the daemon's loop: GET and HEAD of a few pages, nothing else.

    a connection --> the request, up to LONGEST bytes --> one answer --> the connection ends

Contract: a client can neither block the daemon nor grow its memory.  At most CLIENTS connections
are open, further ones are closed at once; each has TIMEOUT for everything, from its first byte to
the last of the answer; a request has at most LONGEST bytes and no body; one page is made at a time.
What does not fit into the socket's buffer is sent later, by a timer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from vrrpd.endpoint import Endpoint, Page
from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop
from vrrpd.ports import Timer
from vrrpd.stream_server import StreamServer, remove_socket

CLIENTS = 8
LONGEST = 4096
TIMEOUT = 10 * SECOND
SOON = SECOND // 50  # until the next attempt to send or to make a page
PIECE = 64 * 1024  # bytes that are sent in one go
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
PLAIN = "text/plain; charset=utf-8"


class _Client:
    """One connection; `left` is what remains of its answer, None before there is one."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.request = b""
        self.left: memoryview | None = None
        self.watched = True
        self.end: Timer | None = None


class HttpServer:
    """Serves `pages`, by path.  Raises OSError if it cannot listen at `where`."""

    def __init__(
        self, where: Endpoint, loop: Loop, pages: Mapping[str, Callable[[], Page]]
    ) -> None:
        self.loop = loop
        self.pages = pages
        self.clients: set[_Client] = set()
        self.busy = False
        self.server = StreamServer(
            _listen(where), loop, self.clients, CLIENTS, self._connected, where.path
        )

    def _connected(self, connection: socket.socket) -> None:
        """Serve a new client, for TIMEOUT at most."""
        client = _Client(connection)
        self.clients.add(client)
        client.end = self.loop.call_at(self.loop.now() + TIMEOUT, partial(self.drop, client))
        self.loop.add_reader(connection.fileno(), partial(self.read, client))

    def read(self, client: _Client) -> None:
        """Take a piece of the request; after it nothing more is read."""
        try:
            data = client.connection.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.request += data
        if b"\r\n\r\n" in client.request or b"\n\n" in client.request:
            self._unwatch(client)
            self.answer(client)
        elif not data:
            self.drop(client)
        elif len(client.request) > LONGEST:
            self._unwatch(client)
            self._reply(client, (431, PLAIN, [f"at most {LONGEST} bytes\n"]))

    def _unwatch(self, client: _Client) -> None:
        """Read no more: what comes after a request is of no interest."""
        if client.watched:
            client.watched = False
            self.loop.remove_reader(client.connection.fileno())

    def answer(self, client: _Client) -> None:
        """Make the page that was asked for, unless another one is being made: then later."""
        if client not in self.clients:
            return
        if self.busy:
            self.loop.call_at(self.loop.now() + SOON, partial(self.answer, client))
            return
        words = client.request.splitlines()[0].split()
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            self._reply(client, (400, PLAIN, ["expected GET PATH HTTP/1.1\n"]))
            return
        method, path = words[0], words[1].partition(b"?")[0].decode("ascii", "replace")
        page = self.pages.get(path)
        if method not in (b"GET", b"HEAD"):
            self._reply(client, (405, PLAIN, ["GET and HEAD only\n"]))
        elif page is None:
            self._reply(client, (404, PLAIN, [f"{one}\n" for one in self.pages]))
        else:
            self.make(client, page, method == b"HEAD")

    def make(self, client: _Client, page: Callable[[], Page], head: bool) -> None:
        """Make a page and send it; other clients wait meanwhile."""
        self.busy = True
        try:
            self._reply(client, page(), head)
        except Exception:
            self._reply(client, (500, PLAIN, ["internal error\n"]))
            raise
        finally:
            self.busy = False

    def _reply(self, client: _Client, page: Page, head: bool = False) -> None:
        """Begin to send an answer."""
        status, kind, pieces = page
        body = "".join(pieces).encode("utf-8", "replace")
        lines = [
            f"HTTP/1.1 {status} {REASONS[status]}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            *(["Allow: GET, HEAD"] if status == 405 else []),
            "Cache-Control: no-store",
            "Connection: close",
        ]
        header = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        client.left = memoryview(header if head else header + body)
        self.send(client)

    def send(self, client: _Client) -> None:
        """Send as much as there is space for, and the rest later."""
        if client not in self.clients or client.left is None:
            return
        try:
            done = client.connection.send(client.left[:PIECE], socket.MSG_NOSIGNAL)
        except BlockingIOError:
            done = 0
        except OSError:
            self.drop(client)
            return
        client.left = client.left[done:]
        if client.left:
            wait = 0 if done == PIECE else SOON
            self.loop.call_at(self.loop.now() + wait, partial(self.send, client))
            return
        self._leave(client)

    def _leave(self, client: _Client) -> None:
        """The answer is on its way: to close now could throw it away if more has been received."""
        with suppress(OSError):
            client.connection.recv(8 * LONGEST)
        self.drop(client)

    def drop(self, client: _Client) -> None:
        """End a connection."""
        if client in self.clients:
            self.clients.remove(client)
            self._unwatch(client)
            if client.end is not None:
                client.end.cancel()
            client.connection.close()

    def close(self) -> None:
        """End all connections and listen no more."""
        for client in list(self.clients):
            self.drop(client)
        self.server.close()


def _listen(where: Endpoint) -> socket.socket:
    """A listening socket.  Raises OSError."""
    if where.path:
        family = socket.AF_UNIX
        remove_socket(where.path)
    else:
        family = socket.AF_INET6 if ":" in where.address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if where.path:
            server.bind(where.path)
            os.chmod(where.path, 0o666)  # as open to this host's users as a port on loopback
        else:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((where.address, where.port))
        server.listen(CLIENTS)
    except OSError:
        server.close()
        raise
    return server
