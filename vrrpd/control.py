"""The Unix socket behind `vrrpctl`: one JSON object a line, each way.

    -> {"command": "status"}                     <- {"ok": true, "result": [...]}
    -> {"command": "why", "name": "VI_1"}        <- {"ok": false, "error": "no instance VI_9"}
    -> {"command": "watch"}                      <- a journal line, and another, ...

Contract: a client can neither block the daemon nor grow its memory.  What a client does not read
is dropped with the client; a request line is at most 4 KiB; at most 16 clients are served.
The socket is mode 0600: a user who may connect may reload the daemon.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from functools import partial
from typing import Any

from vrrpd import metrics
from vrrpd.daemon import Daemon
from vrrpd.fsm import SECOND
from vrrpd.journal import Journal
from vrrpd.maintenance import Handover
from vrrpd.ports import EventLoop
from vrrpd.stream_server import StreamServer, remove_socket

LONGEST = 4096
CLIENTS = 16
AT_ONCE = 4  # requests of one client before others get their turn; it is to wait for the answers
SO_SNDBUFFORCE = 32  # socket(7): beyond the system's limit, for the metrics of 255 instances
ROOM = 2 << 20  # bytes that a client may leave unread, and as much for the kernel's own needs
LOOK_AGAIN = SECOND // 50  # whether another router is MASTER after `release`
LONGEST_WAIT = 10 * SECOND  # for that


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        for option in (SO_SNDBUFFORCE, socket.SO_SNDBUF):
            with suppress(PermissionError):
                self.connection.setsockopt(socket.SOL_SOCKET, option, ROOM)
                break
        self.pending = b""
        self.watching = False
        self.waiting = False  # for an answer that comes later; one at a time


class Control:
    """Serves `vrrpctl`.  Raises OSError if the socket cannot be made."""

    def __init__(self, path: str, loop: EventLoop, daemon: Daemon, journal: Journal) -> None:
        self.loop = loop
        self.daemon = daemon
        self.journal = journal
        self.clients: dict[int, _Client] = {}
        self.busy = False  # an answer is being made in pieces
        self.server = StreamServer(
            _listen(path), loop, self.clients, CLIENTS, self._connected, path
        )
        journal.listeners.append(self._spread)

    def _connected(self, connection: socket.socket) -> None:
        """Serve a new client."""
        with suppress(OSError):
            client = _Client(connection)
            self.clients[connection.fileno()] = client
            self.loop.add_reader(connection.fileno(), lambda: self.read(client))

    def read(self, client: _Client) -> None:
        """Take what a client says and answer every complete line."""
        try:
            data = client.connection.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.pending += data
        *lines, client.pending = client.pending.split(b"\n")
        for line in lines[:AT_ONCE]:
            self.answer(client, line)
        if not data or len(lines) > AT_ONCE or len(client.pending) > LONGEST:
            self.drop(client)

    def answer(self, client: _Client, line: bytes) -> None:
        """Carry out one request."""
        try:
            request = json.loads(line)
            command = request["command"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self.write(client, {"ok": False, "error": 'expected {"command": ...}'})
            return
        if command == "watch":
            client.watching = True
            self.write(client, {"ok": True})
            return
        if command in ("release", "drain"):
            self.release(client, command, request.get("name"))
            return
        if command == "metrics":
            self.metrics(client)
            return
        self.write(client, self._carry_out(command, request.get("name")))

    def metrics(self, client: _Client) -> None:
        """Answer with the OpenMetrics text; it may be long, so what is due happens meanwhile."""
        if self.busy:
            self.write(client, {"ok": False, "error": "another answer is being made: try again"})
            return
        self.busy = True
        try:
            text = "".join(metrics.breathing(self.daemon))
        finally:
            self.busy = False
        self.write(client, {"ok": True, "result": text})

    def release(self, client: _Client, command: str, name: str | None) -> None:
        """Release at once; answer when it is known whether another router is MASTER."""
        found = self.daemon.drain() if command == "drain" else self.daemon.release(name)
        if found is None:
            self.write(client, self._unknown(name))
            return
        wait = min(max((one.wait for one in found), default=0), LONGEST_WAIT)
        if client.waiting:  # one answer at a time may come later
            self.write(client, {"ok": True, "result": [one.report() for one in found]})
            return
        client.waiting = True
        self.follow(client, found, self.loop.now() + wait)

    def follow(self, client: _Client, found: list[Handover], end: int) -> None:
        """Answer when all is settled, or at `end` (ns); until then, look again and again."""
        now = self.loop.now()
        if now < end and client.connection.fileno() >= 0 and not all(o.settled for o in found):
            self.loop.call_at(now + LOOK_AGAIN, partial(self.follow, client, found, end))
            return
        client.waiting = False
        self.write(client, {"ok": True, "result": [one.report() for one in found]})

    def _carry_out(self, command: str, name: str | None) -> dict[str, Any]:
        """The answer to one command."""
        if command == "status":
            return {"ok": True, "result": self.daemon.status()}
        if command == "stats":
            return {"ok": True, "result": self.daemon.stats()}
        if command == "reload":
            return {"ok": True, "result": self.daemon.reload()}
        if command in ("why", "resume"):
            ask = self.daemon.why if command == "why" else self.daemon.resume
            found = ask(name)
            return self._unknown(name) if found is None else {"ok": True, "result": found}
        return {"ok": False, "error": f"unknown command {command!r}"}

    def _unknown(self, name: str | None) -> dict[str, Any]:
        """The answer to a name that nothing has."""
        known = ", ".join(router.name for router in self.daemon.routers.values())
        return {"ok": False, "error": f"no instance {name}; there is {known or 'none'}"}

    def _spread(self, line: dict[str, Any]) -> None:
        """Give a journal line to all who watch."""
        for client in list(self.clients.values()):
            if client.watching:
                self.write(client, line)

    def write(self, client: _Client, answer: dict[str, Any]) -> None:
        """Send one line; a client that does not read is dropped."""
        try:
            text = json.dumps(answer, ensure_ascii=False, default=str) + "\n"
            data = text.encode("utf-8", "backslashreplace")
            if client.connection.send(data) < len(data):
                self.drop(client)
        except OSError:
            self.drop(client)

    def drop(self, client: _Client) -> None:
        """End a connection."""
        fd = client.connection.fileno()
        if fd >= 0:
            self.loop.remove_reader(fd)
            self.clients.pop(fd, None)
            client.connection.close()

    def close(self) -> None:
        """End all connections and remove the socket."""
        self.journal.listeners.remove(self._spread)
        for client in list(self.clients.values()):
            self.drop(client)
        self.server.close()


def _listen(path: str) -> socket.socket:
    """A listening Unix socket that only its owner may connect to.  Raises OSError."""
    remove_socket(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        server.bind(path)
        server.listen(CLIENTS)
    except OSError:
        server.close()
        raise
    finally:
        os.umask(mask)
    return server
