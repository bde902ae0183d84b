"""What is kept of a text that may have no end: its first part, its last part, and a line between.

output.add(b"..."), output.text()     the first KEPT bytes, the last LAST, and what was left out
clipped(text, 50_000)                 the first part of a text, and what was left out
"""

from __future__ import annotations

KEPT = 1 << 20  # bytes
LAST = 1 << 16
_SLACK = 1 << 16  # bytes above LAST that may collect before they are cut


class Output:
    """Bytes of which the first `kept` and the last `last` are kept."""

    def __init__(self, kept: int = KEPT, last: int = LAST) -> None:
        self._first, self._end = bytearray(), bytearray()
        self._kept, self._last = kept, last
        self.dropped = 0

    def add(self, data: bytes) -> None:
        """Take note of what comes next."""
        room = self._kept - len(self._first)
        self._first += data[:room]
        self._end += data[room:]
        # Cut seldom, or every piece would move all that is kept.
        if len(self._end) > 2 * self._last + _SLACK:
            self._cut()

    def text(self) -> str:
        """What is kept, with one line in the place of what is not."""
        if len(self._end) > self._last:
            self._cut()
        first, end = (part.decode(errors="replace") for part in (self._first, self._end))
        return first + (f"\n{left_out(self.dropped)}\n" if self.dropped else "") + end

    def _cut(self) -> None:
        excess = len(self._end) - self._last
        self.dropped += excess
        del self._end[:excess]


def left_out(count: int, unit: str = "bytes") -> str:
    """The line that says how much of a command's output is missing, and how to have all of it."""
    return f"[... {count:,} {unit} left out; to have all of it: COMMAND >/tmp/output on the host]"


def clipped(text: str, most: int) -> str:
    """`text`, or its beginning and end and, between them, a line for what was left out."""
    if len(text) <= most:
        return text
    half = most // 2
    missing = left_out(len(text) - 2 * half, "characters")
    return f"{text[:half]}\n{missing}\n{text[-half:]}"
