"""What daemons cost while they run: processor time and memory, read from /proc.

with Meter(host) as meter:          every process of the daemon, children and all
    ...
meter.cpu                           seconds of processor time spent inside the block
memory(host)                        bytes, proportional share (PSS)
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.interop.segment import Host

TICK = os.sysconf("SC_CLK_TCK")


def cpu(host: Host) -> float:
    """Seconds of processor time of the daemon so far, kernel work on its behalf included."""
    total = 0
    for pid in host.processes():
        with suppress(OSError):
            # schedstat counts nanoseconds; stat would count hundredths of a second.
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return total / 1e9


def memory(host: Host) -> int:
    """Bytes of memory of the daemon: what it alone uses, and its share of what it shares."""
    total = 0
    for pid in host.processes():
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


class Meter:
    """Measures the daemon of `host` inside a `with`; `seconds` is how long that took."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.cpu = self.seconds = 0.0

    def __enter__(self) -> Meter:
        self._cpu, self._began = cpu(self.host), time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cpu = cpu(self.host) - self._cpu
        self.seconds = time.monotonic() - self._began

    @property
    def share(self) -> float:
        """Percent of one processor."""
        return 100 * self.cpu / self.seconds
