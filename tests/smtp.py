"""A mail server for tests: real sockets, any behaviour, everything it receives is kept.

with Server() as server:                  with Server({"RCPT": "550 no"}) as server:
    ... send ...                              ...
    server.wait(1)                            server.conversations
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.support import eventually

GREETING = "220 ready"
ANSWERS = {
    "HELO": "250 hello",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


class Server:
    """Listens on a port of 127.0.0.1.  `answers` replaces answers; "" is silence."""

    def __init__(self, answers: dict[str, str] | None = None, greeting: str = GREETING) -> None:
        self.answers = {**ANSWERS, **(answers or {})}
        self.greeting = greeting
        self.conversations: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.accept)]

    def __enter__(self) -> Server:
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self.threads):
            thread.join(10)

    def accept(self) -> None:
        """Take every connection."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            thread = threading.Thread(target=self.converse, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def converse(self, connection: socket.socket) -> None:
        """Answer every command; keep every byte."""
        heard = b""
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            self._send(connection, self.greeting)
            inside = False
            for line in lines:
                heard += line
                word = "." if line == b".\r\n" else line.decode().split()[0] if line.split() else ""
                if inside and word != ".":
                    continue
                answer = self.answers.get(word.upper(), "500 what")
                inside = word.upper() == "DATA" and answer.startswith("354")
                self._send(connection, answer)
        self.conversations.append(heard)

    def _send(self, connection: socket.socket, text: str) -> None:
        """One line, or silence."""
        if text:
            connection.sendall(text.encode() + b"\r\n")

    def wait(self, count: int) -> list[bytes]:
        """Every conversation, once there have been so many."""
        eventually(lambda: len(self.conversations) >= count, what=f"{count} conversations")
        return sorted(self.conversations)
