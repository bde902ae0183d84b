"""The near end of a TCP connection: a line every 100 ms, and what came of it, as JSON lines.

    python -m labs.emulation.programs.tcp_client ADDRESS

    {"t": 1.0, "event": "connected"}
    {"t": 1.1, "event": "echo", "n": 1, "who": "web1", "rtt": 0.0002}
    {"t": 9.4, "event": "end", "why": "Connection reset by peer"}

Nothing is done about trouble but to write it down: TCP repeats by itself what got lost, later and
later, and ends the connection when the other side says that it knows none.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from labs.emulation.programs.tcp_echo import PORT

LONGEST = 4096  # bytes of a line that comes back
EVERY = 0.1  # s from line to line
CONNECT_TIMEOUT = 5.0  # s for the connection to come about


def send_line(event: str, **more: object) -> None:
    """Write one line."""
    print(json.dumps({"t": time.time(), "event": event, **more}), flush=True)


def talk(link: socket.socket) -> str:
    """Send and receive until the connection ends; why it did."""
    link.setblocking(False)
    sent: dict[int, float] = {}
    heard, number, due = b"", 0, time.monotonic()
    while True:
        ready, _, _ = select.select([link], [], [], max(0.0, due - time.monotonic()))
        try:
            if ready:
                data = link.recv(65536)
                if not data:
                    return "the other side closed it"
                *lines, heard = (heard + data).split(b"\n")
                if len(heard) > LONGEST:
                    return f"the other side sent a line of more than {LONGEST} bytes"
                for line in lines:
                    who, _, count = line.decode().partition(" ")
                    rtt = time.monotonic() - sent.pop(int(count))
                    send_line("echo", n=int(count), who=who, rtt=rtt)
            if time.monotonic() >= due:
                due, number = due + EVERY, number + 1
                sent[number] = time.monotonic()
                link.sendall(b"%d\n" % number)
        except BlockingIOError:
            continue
        except OSError as error:
            return error.strerror or str(error)


def main() -> None:
    """Connect, send, and report the end."""
    try:
        with socket.create_connection((sys.argv[1], PORT), timeout=CONNECT_TIMEOUT) as link:
            send_line("connected")
            send_line("end", why=talk(link))
    except OSError as error:
        send_line("end", why=error.strerror or str(error))


if __name__ == "__main__":
    main()
