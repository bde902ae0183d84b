"""What happens to a TCP connection when the address it leads to moves to another machine.

    talk = lab.talk()
    lab.unplug("web1")
    talk            TCP connection to 192.168.1.10: 12 lines echoed by web1; then silence;
                    broken after 3.9 s: Connection reset by peer

The new holder has the address but does not know the connection, and answers with a reset.
TCP finds out when it next repeats what was lost: after 0.2 s, 0.4 s, 0.8 s and so on, so it may
learn of its end seconds after the takeover.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from labs.emulation.streams import EventStream, Piece
from labs.errors import LabError

if TYPE_CHECKING:
    from labs.emulation.base import LabView

ALIVE = 0.35  # s within which lines come back while all is well
FATE = 30.0  # s that a silent connection is given to break or to recover


class TcpSession:
    """A connection of the client of `lab`; `told` is what its end reports."""

    def __init__(self, address: str, told: EventStream, lab: LabView) -> None:
        self.address = address
        self._told, self._lab = told, lab
        self._closed: float | None = None

    def begin(self) -> None:
        """Wait for the first line to come back; LabError if the connection does not come about."""
        self._lab.wait_until(lambda: self.echoes or self.why, what="an answer to the client's call")
        if not self.echoes:
            self.end()
            raise LabError(
                f"no connection to {self.address}: {self.why}; lab.settle() waits for a holder"
            )

    @property
    def events(self) -> list[Piece]:
        """Everything that has happened, in order: connected, echo (n, who, rtt), end (why)."""
        return self._told.pieces()

    @property
    def echoes(self) -> list[Piece]:
        """The lines that came back."""
        return [event for event in self.events if event["event"] == "echo"]

    @property
    def why(self) -> str:
        """Why it ended; "" while it has not."""
        return next((str(event["why"]) for event in self.events if event["event"] == "end"), "")

    @property
    def silent(self) -> float:
        """Seconds from the last line that came back to the end, or to now."""
        ended = [event["t"] for event in self.events if event["event"] == "end"]
        until = ended[0] if ended else self._closed or self._lab.now
        return float(until - self.echoes[-1]["t"]) if self.echoes else 0.0

    @property
    def broken(self) -> bool:
        """Has it ended? While nothing comes back this waits for an echo or the end, up to 30 s."""
        self._fate()
        return bool(self.why)

    def end(self) -> None:
        """Close it; what it has reported stays."""
        if self._closed is None:
            self._closed = self._lab.now
            self._told.end()

    close = end

    def _fate(self) -> bool:
        """Wait until it is broken or lines come back again; False if neither happens in time."""
        with suppress(LabError):
            self._lab.wait_until(
                lambda: self.why or self._closed or self.silent < ALIVE,
                FATE,
                "an echo, or the end of the TCP connection",
            )
            return True
        return False

    def __repr__(self) -> str:
        known = self._fate()  # asked once: a moment later the machine may have kept us waiting
        lines = Counter(event["who"] for event in self.echoes)
        told = " and ".join(f"{count} lines echoed by {who}" for who, count in lines.items())
        text = f"TCP connection to {self.address}: {told or 'no line echoed'}"
        longest = max(self._pauses(), default=0.0)
        if self.why:
            return f"{text}; then silence; broken after {self.silent:.1f} s: {self.why}"
        if self._closed:
            return f"{text}; closed"
        if not known:
            return f"{text}; silent for {self.silent:.1f} s"
        paused = f", after a silence of {longest:.1f} s" if longest >= ALIVE else ""
        return f"{text}; it goes on{paused}"

    def _pauses(self) -> list[float]:
        times = [event["t"] for event in self.echoes]
        return [later - earlier for earlier, later in pairwise(times)]
