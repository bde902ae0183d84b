"""What the recorder writes and the observer reads: records in a pipe.

    kind, index (of a host, port or target in the plan), time, length      RECORD
    so many bytes                                                          the payload

The recorder's other modules, `labs.monitoring.packet_socket` and `labs.monitoring.pinger`, use
nothing but this and the
standard library.
"""

from __future__ import annotations

import os
import struct
import sys

RECORD = struct.Struct("<BBdI")
READY, NETLINK, FRAME, PING, LOST, FAILED = range(6)
# PING's bytes: sequence number, round-trip time (s, nan for no reply), MAC address of the answerer.
PONG = struct.Struct("<Id6s")


class Output:
    """Records on their way to the parent, written together once a turn of the loop."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def add(self, kind: int, index: int, t: float, payload: bytes = b"") -> None:
        """Append one record; it is written by the next `flush`."""
        self.buffer += RECORD.pack(kind, index, t, len(payload)) + payload

    def lost(self, index: int, t: float, what: str) -> None:
        """Say that something was missed."""
        self.add(LOST, index, t, what.encode())

    def flush(self) -> None:
        """Write all there is to standard output."""
        while self.buffer:
            del self.buffer[: os.write(sys.stdout.fileno(), self.buffer)]
