"""What makes a quick pair cry wolf: daemons that get no processor, and how often that happens here.

    stall(lab, "web1", 0.5)        the daemon sleeps for half a second, as on a machine that swaps
    rate(lab, "web2")              how many advertisements a second it sends
    alarms(lab)                    how often a backup has taken over from a master that lived

    lateness()                     how late this machine lets a program run, when it is quiet
    with busy(): lateness()        and when it has something to do
    quiet_and_busy()               both, one after the other

A stall of the master's daemon that is longer than two intervals and a skew may be taken for death,
one longer than the Master_Down_Interval always is (docs: lesson 15).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.model.facts import Advert

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

PAUSE = 0.002  # s between two looks at the clock
RECENT = 2.0  # s; what was sent before may have been sent at another pace, or by mistake
BUSY = "import itertools\nfor each in itertools.repeat(0): pass"


def stall(lab: Lab, host: str, seconds: float) -> None:
    """Let the daemon of `host` sleep for so many seconds; then it goes on."""
    lab.freeze(host)
    until = lab.now + seconds
    lab.wait_until(lambda: lab.now > until, seconds + 5, what="the end of the stall")
    lab.thaw(host)


def alarms(lab: Lab, backup: str = "web2") -> int:
    """How often `web2` has taken the address since the lab started, always for no good reason
    if nothing has happened to the master.
    """
    return sum(takeover.to == backup for takeover in lab.timeline().takeovers)


def rate(lab: Lab, host: str) -> float:
    """How many advertisements a second `host` has sent in the two seconds before its last.

    Raises LabError if it has not sent two of them.
    """
    said = [advert.t for advert in lab.witness.of(Advert) if advert.host == host]
    spoken = [t for t in said if t >= said[-1] - RECENT]
    if len(spoken) < 2:
        raise LabError(f"{host} has hardly spoken: let it take over first, with lab.unplug(...)")
    return (len(spoken) - 1) / (spoken[-1] - spoken[0])


@dataclass(frozen=True, slots=True)
class Lateness:
    """By how many seconds a program that wanted to run was late: the median and the worst time.

    `looks` is how often it was tried. A plan as fast as the worst of a few seconds is no plan: the
    worst of a day is worse.
    """

    median: float
    worst: float
    looks: int

    def __repr__(self) -> str:
        return (
            f"late by {self.median * 1000:.1f} ms in the median, "
            f"by {self.worst * 1000:.0f} ms at worst (of {self.looks} times)"
        )


def lateness(seconds: float = 2.0) -> Lateness:
    """Ask for the processor every few milliseconds, for so many seconds, and see when it comes."""
    late: list[float] = []
    never = threading.Event()
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        never.wait(PAUSE)
        late.append(time.monotonic() - now - PAUSE)
    late.sort()
    return Lateness(late[len(late) // 2], late[-1], len(late))


@dataclass(frozen=True, slots=True)
class Both:
    """How late a program is on the quiet machine and on the busy one."""

    quiet: Lateness
    busy: Lateness

    def __repr__(self) -> str:
        return f"quiet: {self.quiet}\nbusy:  {self.busy}"


def quiet_and_busy(seconds: float = 2.0) -> Both:
    """Measure `lateness` as the machine is, then with more programs than processors."""
    quiet = lateness(seconds)
    with busy():
        return Both(quiet, lateness(seconds))


@contextmanager
def busy(programs: int | None = None) -> Iterator[None]:
    """Keep the machine busy: `programs` that only count, by default four for each processor."""
    number = programs or 4 * (os.cpu_count() or 1)
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
        for program in running:
            program.wait()
