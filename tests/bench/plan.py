"""Which measurements there are, whole and quick, and what each of them promises.

A Section is a name, its parts (each a call that returns rows) and how long it takes, more or less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import notebook, once, running, takeover
from tests.bench.frr import installed
from tests.bench.takeover import Scenario
from tests.support import DAEMONS

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Part:
    """One measurement: `section` is the key of its rows in the result."""

    section: str
    title: str
    measure: Callable[[Path], Rows]


def takeovers(scenario: Scenario, runs: int, seed: int) -> Part:
    """Takeovers of all makes in turns; FRR, which has version 3 only, when it is installed."""
    also = ["frr"] if scenario.version == 3 and scenario.fault == "kill" and installed() else []

    def measure(room: Path) -> Rows:
        return takeover.measure(room, scenario, [*DAEMONS, *also], runs, seed)

    return Part("takeover", f"takeover, {scenario}", measure)


def quick(seed: int) -> Iterator[Part]:
    """A minute: every instrument once."""
    yield takeovers(Scenario(3, 0.1, 1, "kill"), 4, seed)
    yield takeovers(Scenario(3, 0.1, 100, "unplug"), 2, seed)
    yield Part("jitter", "jitter at 100 ms", lambda room: running.jitter(room, 0.1, 40))
    yield scaled(10, 0.1, 2, "BACKUP")
    yield Part("receiving", "packets", lambda room: running.receiving(room, 1000))
    yield Part("start", "start", lambda room: once.start(room, 1))
    yield Part("checking", "-t", lambda room: once.checking(room, 100, 10, 1))
    yield Part("reload", "reload", lambda room: once.reload(room, 20, 4, 1))
    yield Part("lab", "a lab alone", lambda room: once.lab(1))
    yield Part("notebook", "make lab", lambda room: notebook.notebook(room, 1))
    yield Part("labs", "two labs", lambda room: [once.labs(2, 1)])


def smoke(seed: int) -> Iterator[Part]:
    """For the tests: every instrument, as briefly as it can be used.

    Without `make lab`, which the tests in a browser start anyway.
    """
    yield takeovers(Scenario(3, 0.1, 1, "kill"), 1, seed)
    yield takeovers(Scenario(3, 0.1, 20, "unplug"), 1, seed)
    yield Part("jitter", "jitter", lambda room: running.jitter(room, 0.1, 10))
    yield scaled(2, 0.1, 0.5, "BACKUP")
    yield scaled(2, 0.1, 0.5, "MASTER")
    yield Part("receiving", "packets", lambda room: running.receiving(room, 128))
    yield Part("start", "start", lambda room: once.start(room, 1))
    yield Part("checking", "-t", lambda room: once.checking(room, 20, 2, 1))
    yield Part("reload", "reload", lambda room: once.reload(room, 10, 2, 1))
    yield Part("lab", "a lab alone", lambda room: once.lab(1))
    yield Part("labs", "a lab", lambda room: [once.labs(1, 0.1)])


def scaled(
    count: int, interval: float, seconds: float, role: str, kinds: tuple[str, ...] = DAEMONS
) -> Part:
    """Cost with that many instances."""
    title = f"{count} instances at {interval:g} s as {role}"
    measure = partial(
        running.scale, count=count, interval=interval, seconds=seconds, role=role, kinds=kinds
    )
    return Part("scale", title, measure)


def whole(seed: int) -> Iterator[Part]:
    """All that the page shows."""
    for version, interval, runs in ((3, 0.1, 36), (3, 0.01, 30), (2, 1.0, 6)):
        for fault in ("kill", "term", "unplug"):
            yield takeovers(Scenario(version, interval, 1, fault), runs, seed)
    for vips in (20, 100, 250):
        for fault in ("kill", "unplug"):
            yield takeovers(Scenario(3, 0.1, vips, fault), 15, seed)
    for interval, adverts in ((1.0, 60), (0.1, 600), (0.01, 3000)):
        measure = partial(running.jitter, interval=interval, adverts=adverts)
        yield Part("jitter", f"jitter at {interval:g} s", measure)
    for role in ("BACKUP", "MASTER"):
        for interval in (1.0, 0.1):
            for count in (1, 10, 100, 255, 1000):
                yield scaled(count, interval, 10, role)
    for kind in DAEMONS:  # one after the other: side by side they would fill the machine
        yield scaled(255, 0.01, 20, "BACKUP", (kind,))
    yield Part("receiving", "packets", lambda room: running.receiving(room, 20000))
    yield Part("start", "start", lambda room: once.start(room, 10))
    for count, vips in ((1, 1), (400, 10), (1000, 10)):  # one page, 100 kB, and a very large file
        checking = partial(once.checking, instances=count, vips=vips, runs=15 if count == 1 else 5)
        yield Part("checking", f"-t of {count} instances", checking)
    yield Part("reload", "reload", lambda room: once.reload(room, 1000, 10, 5))
    yield Part("lab", "a lab alone", lambda room: once.lab(9))
    yield Part("notebook", "make lab", lambda room: notebook.notebook(room, 9))
    yield Part("labs", "forty labs", lambda room: [once.labs(40, 120)])
