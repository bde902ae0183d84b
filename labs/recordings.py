"""Runs of the real lab on disk, so that a lesson can be read where no lab can run.

    make recordings       every lesson is executed with LAB_MODE=record      labs.recording
    LAB_MODE=replay       its Lab answers from what was written down         labs.replayed

    labs/recordings/05-failover.json.gz
      "made"    where and when
      "runs"    one for each Lab of the lesson: how it began, what was done and when ("steps"),
                what it was asked and answered ("answers"), and every fact of its witnesses
      "asides"  results of what a lesson does on labs of its own, such as `distribution.measure`

A run is no film: what is done chooses it. Two labs that began alike and had the same done to them
are alike, so at every step the replay goes on with a run in which that step comes next.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

VARIABLE = "LAB_MODE"
RECORD, REPLAY = "record", "replay"
# Where a recording lesson is written to.
TARGET = "LAB_RECORDING"
PLACE = Path(__file__).resolve().parent / "recordings"
# What changes a lab; the rest only looks.
DEEDS = (
    "link", "unplug", "plug", "cut", "lose", "oneway", "mend", "crash", "stop", "start", "freeze",
    "thaw", "reload", "reset",
)  # fmt: skip
# What is answered from the notes; all else follows from the facts.
QUESTIONS = ("run", "log", "journal", "arp")


def mode() -> str:
    """ "replay", "record", or "" for a lab that runs."""
    return os.environ.get(VARIABLE, "")


@dataclass
class Run:
    """One lab of a recorded lesson, from its start to its end; times are Unix times in s.

    `steps`: {"do": [verb, arguments...], "t": when, "end": when it was done, "running": {...}}.
    `answers`: {"ask": [name, arguments...], "t": when, "step": after how many steps, "value": ...}.
    `settled`: {"t": when, "step": ..., "value": the owner}.
    """

    state: str
    daemon: dict[str, str]
    begin: dict[str, Any]
    steps: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    talks: list[dict[str, Any]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


@dataclass
class Book:
    """All that was recorded of one lesson."""

    made: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    asides: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it; the same content gives the same bytes."""
        told = {"made": self.made, "runs": [vars(run) for run in self.runs], "asides": self.asides}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        path.write_bytes(gzip.compress(text.encode(), mtime=0))


@cache
def load(path: Path) -> Book:
    """The book at `path`."""
    told = json.loads(gzip.decompress(path.read_bytes()))
    return Book(told["made"], [Run(**run) for run in told["runs"]], told["asides"])


def lessons() -> list[str]:
    """The names of the lessons that have a recording."""
    return sorted(path.name.removesuffix(".json.gz") for path in PLACE.glob("*.json.gz"))


def books(lesson: str = "") -> list[Book]:
    """The recording of `lesson` first, then the others."""
    order = sorted(lessons(), key=lambda name: name != lesson)
    return [load(PLACE / f"{name}.json.gz") for name in order]


def aside(name: str, make: Callable[[], list[list[float]]]) -> list[list[float]]:
    """What `make()` returns: now, or when the lesson was recorded.

    Raises LabError in a replay that has no recording of it.
    """
    if mode() == REPLAY:
        from labs.errors import LabError
        from labs.progress import memory

        for book in books(memory.lesson):
            if name in book.asides:
                kept: list[list[float]] = book.asides[name]
                return kept
        raise LabError(f"this is a replay, and {name} was not recorded: it runs on Linux only")
    made = make()
    if mode() == RECORD:
        from labs.recording import book

        book.asides[name] = made
    return made
