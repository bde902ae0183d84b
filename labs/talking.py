"""What happens to a TCP connection when the address it leads to moves to another machine.

    talk = lab.talk()
    lab.unplug("master")
    talk            TCP connection to 192.168.1.10: 12 lines echoed by master; then silence;
                    broken after 3.9 s: Connection reset by peer

The new owner has the address but has never heard of the connection, and says so with a reset.
TCP finds out when it next repeats what was lost: after 0.2 s, 0.4 s, 0.8 s and so on, so it may
learn of its end seconds after the takeover.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.errors import LabError

if TYPE_CHECKING:
    from labs.node import Host
    from labs.replayed import Replayed

ALIVE = 0.35  # s within which lines come back while all is well
FATE = 30.0  # s that a silent connection is given to break or to recover


class Talk:
    """A connection of the client, watched from its end."""

    def __init__(
        self, client: Host, address: str, directory: Path, wait_until: Callable[..., Any]
    ) -> None:
        self.address = address
        self._client, self._wait_until = client, wait_until
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as lines:
            self._path = Path(lines.name)
            self._process: subprocess.Popen[bytes] | None = client.popen(
                [sys.executable, "-m", "labs.programs.talk", address],
                stdin=subprocess.DEVNULL, stdout=lines, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._closed: float | None = None
        self._told = ""

    def begin(self) -> None:
        """Wait for the first line to come back; LabError if the connection does not come about."""
        self._wait_until(lambda: self.echoes or self.why, what="an answer to the client's call")
        if not self.echoes:
            self.end()
            raise LabError(
                f"no connection to {self.address}: {self.why}; lab.settle() waits for an owner"
            )

    @property
    def events(self) -> list[dict[str, Any]]:
        """Everything that has happened, in order: connected, echo (n, who, rtt), end (why)."""
        with suppress(FileNotFoundError):  # the lab is closed, and its files are gone
            self._told = self._path.read_text()
        whole = self._told.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    @property
    def echoes(self) -> list[dict[str, Any]]:
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
        until = ended[0] if ended else self._closed or self._now()
        return float(until - self.echoes[-1]["t"]) if self.echoes else 0.0

    @property
    def broken(self) -> bool:
        """Has it ended? While nothing comes back this waits for its fate, up to 30 s."""
        self._fate()
        return bool(self.why)

    def end(self) -> None:
        """Close it; what it has told stays."""
        if self._process is not None:
            self._closed = time.time()
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._told = self._path.read_text()

    close = end

    def _now(self) -> float:
        return time.time()

    def _fate(self) -> None:
        """Wait until it is broken or lines come back again."""
        with suppress(LabError):
            self._wait_until(
                lambda: self.why or self._closed or self.silent < ALIVE, FATE, "its fate"
            )

    def __repr__(self) -> str:
        self._fate()
        lines = Counter(event["who"] for event in self.echoes)
        told = " and ".join(f"{count} lines echoed by {who}" for who, count in lines.items())
        text = f"TCP connection to {self.address}: {told or 'no line echoed'}"
        longest = max(self._pauses(), default=0.0)
        if self.why:
            return f"{text}; then silence; broken after {self.silent:.1f} s: {self.why}"
        if self._closed:
            return f"{text}; closed"
        if self.silent >= ALIVE:
            return f"{text}; silent for {self.silent:.1f} s"
        paused = f", after a silence of {longest:.1f} s" if longest >= ALIVE else ""
        return f"{text}; it goes on{paused}"

    def _pauses(self) -> list[float]:
        times = [event["t"] for event in self.echoes]
        return [later - earlier for earlier, later in pairwise(times)]


class Remembered(Talk):
    """A connection of a recorded lesson: what it had told by the replay's present moment."""

    def __init__(self, address: str, events: list[dict[str, Any]], lab: Replayed) -> None:
        self.address, self._events, self._lab = address, events, lab
        self._process, self._closed = None, None
        self._wait_until = lab.wait_until

    @property
    def events(self) -> list[dict[str, Any]]:
        """What had happened by now."""
        return [event for event in self._events if event["t"] <= self._now()]

    def _now(self) -> float:
        return self._lab.now

    def _fate(self) -> None:
        """What became of it, as far as it was recorded: a replay need not wait for that."""
        self._lab.now = max([self._lab.now, *(event["t"] for event in self._events[-1:])])
